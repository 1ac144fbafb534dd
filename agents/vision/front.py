"""Spiking convolutional front end: frames in, spikes and pooled spikes out, layers learn alone.

Bellec et al. (2020), doi:10.1038/s41467-020-17236-y, put two convolutional layers of LIF neurons in
front of their recurrent network for Atari games. One frame is held for K network steps, in which a
layer with weights W and input x (the frame, or the spikes of the layer below) does::

    v = alpha v + conv(W, x) + bias - v_th z
    z = v > v_th
    p = kappa p + gain * pool(z)                   what the readout sees of the layer

Credit reaches a layer through its own pooled spikes ``p`` alone: spikes that go to another layer,
to a recurrent network or into the reset count as given from outside. What is left is e-prop of LIF
neurons, whose sums over time are taken in the adjoint form, backwards over the round::

    lam[t]   = L[t] (at the last network step of a frame) + kappa lam[t+1]
    psi[t]   = dampening / v_th * max(0, 1 - |v[t] / v_th - 1|)
    delta[t] = psi[t] (gain * pool^T(lam[t]) + rate term)
    nu[t]    = delta[t] + voltage term + alpha nu[t+1]
    dW       = sum_t of the convolution of nu[t] and x[t]

The round is kept as frames (one byte a pixel) and the state at every ``chunk``-th of them; the rest
is computed again when it is needed, by the same operations, so that it comes out the same.

Convolutions are PyTorch's (extra ``atari``), which is imported when a front end is built.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import AgentError
from ..optimizers import Parameters
from .adjoint import LayerPass, Regularisers
from .tape import VisionTape

State = tuple[np.ndarray, ...]
Tensor = Any  # torch.Tensor, which is not imported here


@dataclass(frozen=True)
class ConvLayer:
    """A convolution without padding onto LIF neurons, and average pooling of their spikes."""

    channels: int
    kernel: int
    stride: int
    pool: int
    pool_stride: int

    def outputs(self, shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """Shape (C, H, W) of the neurons above an input of ``shape``."""
        height, width = (_valid(n, self.kernel, self.stride) for n in shape[1:])
        return self.channels, height, width

    def pooled(self, shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """Shape (C, H, W) of the pooled spikes of neurons of ``shape``."""
        height, width = (_valid(n, self.pool, self.pool_stride) for n in shape[1:])
        return shape[0], height, width


# Section "Atari" of the published network: two layers, 84 x 84 pixels to 8 x 17 x 17 neurons.
LAYERS = (ConvLayer(16, 8, 4, 8, 4), ConvLayer(8, 4, 1, 4, 2))


@dataclass(frozen=True)
class SpikingVision:
    """Layers of spiking convolutions. Parameters live outside: ``conv1``, ``conv1_bias``, ...

    Attributes:
        shape: of a frame, (H, W) pixels.
        shapes: (C, H, W) of the frame and of each layer's neurons.
        substeps: network steps K a frame.
        alpha: membrane decay a network step.
        kappa, gain: of the filter behind the pooling, a network step.
        chunk: frames between stored states; memory of a backward pass grows with it.
    """

    shape: tuple[int, int]
    layers: tuple[ConvLayer, ...]
    shapes: tuple[tuple[int, int, int], ...]
    substeps: int
    alpha: float
    threshold: float
    dampening: float
    kappa: float
    gain: float
    dtype: np.dtype
    chunk: int
    torch: ModuleType = field(repr=False)

    @classmethod
    def create(
        cls,
        shape: tuple[int, int] = (84, 84),
        dtype: np.dtype | type | str = "float32",
        *,
        layers: Sequence[ConvLayer] = LAYERS,
        substeps: int = 5,
        tau_membrane: float = 1.0,
        tau_readout: float = 2.0,
        readout_gain: float | None = None,
        threshold: float = 0.1,
        dampening: float = 1.0,
        chunk: int = 4,
    ) -> SpikingVision:
        """Time constants in network steps; ``readout_gain`` is 1 - kappa if not given.

        Raises:
            AgentError: PyTorch is missing, or frames are too small for the layers.
        """
        shapes: list[tuple[int, int, int]] = [(1, *shape)]
        for layer in layers:
            shapes.append(layer.outputs(shapes[-1]))
            if min(shapes[-1] + layer.pooled(shapes[-1])) < 1:
                raise AgentError(
                    f"Frames of {shape[0]} x {shape[1]} pixels are too small for {layer}: use "
                    "larger frames or smaller kernels."
                )
        kappa = math.exp(-1 / tau_readout) if tau_readout > 0 else 0.0
        return cls(
            shape=shape,
            layers=tuple(layers),
            shapes=tuple(shapes),
            substeps=substeps,
            alpha=math.exp(-1 / tau_membrane),
            threshold=threshold,
            dampening=dampening,
            kappa=kappa,
            gain=1 - kappa if readout_gain is None else readout_gain,
            dtype=np.dtype(dtype),
            chunk=chunk,
            torch=_torch(),
        )

    @property
    def n_spikes(self) -> int:
        """Neurons F of the last layer."""
        return math.prod(self.shapes[-1])

    @property
    def n_pooled(self) -> int:
        """Pooled features P of all layers."""
        return sum(self._pooled_sizes())

    def initial_parameters(self, rng: np.random.Generator, gain: float = 1.0) -> Parameters:
        """Kernels (C_out, C_in, k, k) with entries N(0, gain^2 / fan-in) and biases (C_out,) of 0.

        Kernels that see pixels have mean zero, so that an even background drives no neuron.
        """
        parameters = {}
        for i, layer in enumerate(self.layers):
            shape = (layer.channels, self.shapes[i][0], layer.kernel, layer.kernel)
            kernel = gain / math.sqrt(math.prod(shape[1:])) * rng.standard_normal(shape)
            if i == 0:
                kernel -= kernel.mean((1, 2, 3), keepdims=True)
            parameters[f"conv{i + 1}"] = kernel.astype(self.dtype)
            parameters[f"conv{i + 1}_bias"] = np.zeros(layer.channels, self.dtype)
        return parameters

    def initial_state(self, n: int) -> State:
        """v and z of each layer (n, neurons), then the filtered pooled spikes (n, P)."""
        sizes = [math.prod(shape) for shape in self.shapes[1:] for _ in range(2)]
        return tuple(np.zeros((n, size), self.dtype) for size in (*sizes, self.n_pooled))

    def tape(self, n: int) -> VisionTape:
        return VisionTape(self, n)

    def step(
        self,
        parameters: Parameters,
        state: State,
        frames: np.ndarray,
        tape: VisionTape | None = None,
    ) -> tuple[np.ndarray, np.ndarray, State]:
        """K network steps on ``frames`` (B, H, W), uint8 grey levels 0 to 255.

        Returns the last layer's spikes of each network step (K, B, F), the pooled spikes filtered
        up to the last one (B, P), and the state.
        """
        n = len(frames)
        if tape is not None:
            tape.open_row(state, frames)
        functional = self.torch.nn.functional
        pooled = self.torch.from_numpy(state[-1])
        spikes = np.empty((self.substeps, n, self.n_spikes), self.dtype)
        layer_state = state[:-1]
        for k, (v, z) in enumerate(self._network_steps(parameters, state, frames)):
            pools = [
                functional.avg_pool2d(z_i, layer.pool, layer.pool_stride).reshape(n, -1)
                for layer, z_i in zip(self.layers, z, strict=True)
            ]
            pooled = self.kappa * pooled + self.gain * self.torch.cat(pools, 1)
            spikes[k] = z[-1].reshape(n, -1).numpy()
            layer_state = [
                x.reshape(n, -1).numpy() for pair in zip(v, z, strict=True) for x in pair
            ]
            if tape is not None:
                tape.count(z)
        if tape is not None:
            tape.advance()
        pooled = pooled.numpy()
        return spikes, pooled, (*layer_state, pooled)

    def backward(
        self,
        parameters: Parameters,
        tape: VisionTape,
        pooled_adjoint: np.ndarray,
        weight: np.ndarray | None = None,
        regularisers: Regularisers | None = None,
    ) -> Parameters:
        """Gradient of a loss whose direct dependence on the pooled features is ``pooled_adjoint``.

        Args:
            pooled_adjoint: (T, B, P), for the first T frames of the tape.
            weight: share of each transition in the regularisers' means (T, B), equal if not given.
            regularisers: none if not given.
        """
        steps, n = pooled_adjoint.shape[:2]
        if weight is None:
            weight = np.full((steps, n), 1 / (steps * n))
        passes = [
            LayerPass(self, i, n, regularisers or Regularisers(), tape.rates(i))
            for i in range(len(self.layers))
        ]
        bounds = np.cumsum(self._pooled_sizes())[:-1]
        for start in range((steps - 1) // self.chunk * self.chunk, -1, -self.chunk):
            rows = slice(start, min(start + self.chunk, steps))
            frames = tape.frames[rows]
            record = self._replay(parameters, tape.start(start), frames)
            adjoints = np.split(pooled_adjoint[rows], bounds, axis=-1)
            below = self._pixels(frames.reshape(-1, *self.shape))
            for one, (v, z), adjoint in zip(passes, record, adjoints, strict=True):
                one.accumulate(v, below, adjoint, weight[rows])
                below = z.reshape(-1, *z.shape[3:])
        return {name: g for one in passes for name, g in one.gradient().items()}

    # -- parts -------------------------------------------------------------------------------

    def _pooled_sizes(self) -> list[int]:
        return [
            math.prod(layer.pooled(shape))
            for layer, shape in zip(self.layers, self.shapes[1:], strict=True)
        ]

    def _pixels(self, frames: np.ndarray) -> Tensor:
        """Grey levels (n, H, W) as brightness in [0, 1], (n, 1, H, W)."""
        return self.torch.from_numpy(frames.astype(self.dtype) / self.dtype.type(255))[:, None]

    def _network_steps(
        self, parameters: Parameters, state: State, frames: np.ndarray
    ) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
        """Membrane potentials and spikes of all layers after each of a frame's network steps."""
        torch, n = self.torch, len(frames)
        weights = [
            (
                torch.from_numpy(parameters[f"conv{i}"]),
                torch.from_numpy(parameters[f"conv{i}_bias"]),
            )
            for i in range(1, len(self.layers) + 1)
        ]
        v = [
            torch.from_numpy(part).reshape(n, *shape)
            for part, shape in zip(state[:-1:2], self.shapes[1:], strict=True)
        ]
        z = [
            torch.from_numpy(part).reshape(n, *shape)
            for part, shape in zip(state[1:-1:2], self.shapes[1:], strict=True)
        ]
        stride = self.layers[0].stride
        held = torch.nn.functional.conv2d(self._pixels(frames), *weights[0], stride)
        for _ in range(self.substeps):
            v, z = list(v), list(z)  # the caller may keep those of the step before
            for i, layer in enumerate(self.layers):
                current = (
                    held
                    if i == 0
                    else torch.nn.functional.conv2d(z[i - 1], *weights[i], layer.stride)
                )
                v[i] = self.alpha * v[i] - self.threshold * z[i] + current
                z[i] = (v[i] > self.threshold).to(current.dtype)
            yield v, z

    def _replay(
        self, parameters: Parameters, state: State, frames: np.ndarray
    ) -> list[tuple[Tensor, Tensor]]:
        """v and z of each layer again, (T, K, B, C, H, W), from the state before ``frames``."""
        torch, n = self.torch, frames.shape[1]
        size = (len(frames), self.substeps, n)
        dtype = torch.from_numpy(state[0]).dtype
        record = [
            (torch.empty((*size, *shape), dtype=dtype), torch.empty((*size, *shape), dtype=dtype))
            for shape in self.shapes[1:]
        ]
        for t, frame in enumerate(frames):
            for k, (v, z) in enumerate(self._network_steps(parameters, state, frame)):
                for (all_v, all_z), v_i, z_i in zip(record, v, z, strict=True):
                    all_v[t, k], all_z[t, k] = v_i, z_i
            ends = [x[t, -1].reshape(n, -1).numpy() for pair in record for x in pair]
            state = (*ends, state[-1])
        return record


def _valid(size: int, kernel: int, stride: int) -> int:
    return (size - kernel) // stride + 1


def _torch() -> ModuleType:
    try:
        import torch
    except ImportError as error:
        raise AgentError(
            'Spiking convolutions need PyTorch: pip install "caudate[atari]".'
        ) from error
    return torch
