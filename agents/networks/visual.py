"""A spiking network behind a spiking convolutional front end.

The recurrent neurons receive the spikes of the last layer, network step by network step; the
readout sees their filtered spikes (N) and, beside them, the pooled spikes of every layer (P).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ..tape import Tape
from ..vision import Regularisers, SpikingVision, VisionTape
from .rate import Parameters, Perturb
from .spiking import SpikingNetwork


@dataclass(frozen=True)
class VisualNetwork(SpikingNetwork):
    """The recurrent part is a :class:`SpikingNetwork` of one network step a step (``substeps=1``).

    Attributes:
        front: the layers in front, which say how many network steps a frame is held.
        task_share: factor on the gradient that the task sends to the layers; their own
            regularisers are not scaled.
        regularisers: of the layers.
    """

    front: SpikingVision | None = None
    task_share: float = 1.0
    regularisers: Regularisers | None = None

    @classmethod
    def behind(
        cls,
        front: SpikingVision,
        recurrent: SpikingNetwork,
        task_share: float = 1.0,
        regularisers: Regularisers | None = None,
    ) -> VisualNetwork:
        """``recurrent`` with its inputs from ``front``."""
        own = {part.name: getattr(recurrent, part.name) for part in fields(recurrent)}
        return cls(**own, front=front, task_share=task_share, regularisers=regularisers)

    @property
    def vision(self) -> SpikingVision:
        assert self.front is not None
        return self.front

    def initial_parameters(
        self, rng: np.random.Generator, recurrent_gain: float, input_gain: float
    ) -> Parameters:
        own = super().initial_parameters(rng, recurrent_gain, input_gain)
        return own | self.vision.initial_parameters(rng)

    def initial_state(self, n: int) -> tuple[np.ndarray, ...]:
        return super().initial_state(n) + self.vision.initial_state(n)

    def tape(self, n: int) -> VisualTape:
        own = Tape(
            x=((n, self.n_inputs), np.uint8),  # spikes
            z=((1, n, self.n_units), np.uint8),
            psi=((1, n, self.n_units), self.dtype),
        )
        return VisualTape(own, self.vision.tape(n), self.vision.substeps)

    def step(
        self,
        parameters: Parameters,
        state: tuple[np.ndarray, ...],
        x: np.ndarray,
        tape: VisualTape | None = None,
        perturb: Perturb | None = None,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """One frame, x (B, H W) of grey levels 0 to 255; returns the features (B, N + P)."""
        own, seen = state[: self.n_state], state[self.n_state :]
        frames = x.reshape(len(x), *self.vision.shape)
        record = tape and tape.front
        spikes, pooled, seen = self.vision.step(parameters, seen, frames, record)
        features = own[-1]
        for z in spikes:
            features, own = super().step(parameters, own, z, tape and tape.recurrent, perturb)
        return np.concatenate([features, pooled], axis=1), (*own, *seen)

    def backward(
        self,
        parameters: Parameters,
        tape: VisualTape,
        feature_adjoint: np.ndarray,
        exact: bool = False,
        rate_adjoint: np.ndarray | None = None,
    ) -> Parameters:
        """As the base class, for features (T, B, N + P); the layers are local even if ``exact``."""
        steps, n, _ = feature_adjoint.shape
        k = self.vision.substeps
        own = np.zeros((steps, k, n, self.n_units), self.dtype)
        own[:, -1] = feature_adjoint[..., : self.n_units]
        own = own.reshape(steps * k, n, self.n_units)
        if rate_adjoint is not None:
            rate_adjoint = np.repeat(rate_adjoint, k, axis=0)
        gradient = super().backward(parameters, tape.recurrent, own, exact, rate_adjoint)
        seen = self.task_share * feature_adjoint[..., self.n_units :]
        return gradient | self.vision.backward(
            parameters, tape.front, seen, regularisers=self.regularisers
        )


class VisualTape(Tape):
    """Two records of a round, counted in frames: of the recurrent neurons and of the front end."""

    def __init__(self, recurrent: Tape, front: VisionTape, substeps: int):
        self.recurrent, self.front = recurrent, front
        self._substeps = substeps

    def __getitem__(self, name: str) -> np.ndarray:
        """A field of the recurrent neurons; its rows are network steps."""
        return self.recurrent[name]

    @property
    def length(self) -> int:
        return self.front.length

    @length.setter
    def length(self, length: int) -> None:
        self.front.length = length
        self.recurrent.length = length * self._substeps

    @property
    def nbytes(self) -> int:
        return self.recurrent.nbytes + self.front.nbytes

    def clear(self, *before: np.ndarray) -> None:
        self.recurrent.clear(*before)
        self.front.clear()
