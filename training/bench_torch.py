"""The spiking network's update as one writes it in torch: a loop over time and its derivative.

A yardstick for :mod:`.bench_kernels`, which gives the network and its input; torch must be
installed. The equations are those of :func:`caudate.agents.kernels.spiking_numpy.forward`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from ..agents.kernels import SpikingConstants


class _Spike(torch.autograd.Function):
    """Heaviside step; its derivative counts as dampening * max(0, 1 - |u|)."""

    @staticmethod
    def forward(ctx: Any, u: torch.Tensor, dampening: float) -> torch.Tensor:
        ctx.save_for_backward(u)
        ctx.dampening = dampening
        return (u > 0).to(u.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        (u,) = ctx.saved_tensors
        return grads[0] * ctx.dampening * torch.clamp(1 - u.abs(), min=0), None


class TorchUpdate:
    """Forward pass and gradient by automatic differentiation.

    e-prop is BPTT with recurrent and reset spikes detached: they count as input from outside.
    """

    def __init__(
        self,
        constants: SpikingConstants,
        recurrent: np.ndarray,
        input_weights: np.ndarray,
        inputs: np.ndarray,
        adjoint: np.ndarray,
        *,
        exact: bool,
    ):
        """``inputs`` (T, B, D); the loss is the sum of ``adjoint`` (T, B, N) times the features."""
        self.constants = constants
        self.alpha, self.rho, self.beta = map(
            torch.from_numpy, (constants.alpha, constants.rho, constants.beta)
        )
        self.recurrent = torch.tensor(recurrent, requires_grad=True)
        self.input_weights = torch.tensor(input_weights, requires_grad=True)
        self.inputs, self.adjoint = torch.from_numpy(inputs), torch.from_numpy(adjoint)
        self.exact = exact

    def __call__(self) -> tuple[np.ndarray, np.ndarray]:
        """Gradients of recurrent (N, N) and input weights (N, D)."""
        self.recurrent.grad = self.input_weights.grad = None
        loss = (self._features() * self.adjoint).sum()
        loss.backward()
        recurrent, weights = self.recurrent.grad, self.input_weights.grad
        assert recurrent is not None
        assert weights is not None
        return recurrent.numpy(), weights.numpy()

    def _features(self) -> torch.Tensor:
        c = self.constants
        weights = self.recurrent.T
        v = a = z = f = torch.zeros_like(self.adjoint[0])
        features = []
        for current in (self.inputs @ self.input_weights.T).unbind():
            seen = z if self.exact else z.detach()
            a = self.rho * a + z
            v = self.alpha * v + current + seen @ weights - c.threshold * seen
            u = (v - c.threshold - self.beta * a) / c.threshold
            z = _Spike.apply(u, c.dampening)
            f = c.kappa * f + z
            features.append(f)
        return torch.stack(features)


@contextlib.contextmanager
def torch_threads(number: int) -> Iterator[None]:
    """So many threads in torch, and afterwards as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
