"""Adjoint pass of a spiking layer through time (equations in :mod:`.front`)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..optimizers import Parameters

if TYPE_CHECKING:
    from .front import SpikingVision, Tensor


@dataclass(frozen=True)
class Regularisers:
    """What layers pay besides the task; both are means over transitions and network steps.

    ``rate_coef / 2 * sum_j (f_j - target_rate)^2`` with the mean rate f of each neuron, and
    ``voltage_coef`` times the mean over neurons of the squared excess of v above v_th or below
    -v_th.
    """

    rate_coef: float = 0.0
    target_rate: float = 0.02  # spikes a network step
    voltage_coef: float = 0.0


class LayerPass:
    """Adjoint pass of one layer, chunk by chunk from the end of the round."""

    def __init__(
        self,
        front: SpikingVision,
        index: int,
        n: int,
        regularisers: Regularisers,
        rates: np.ndarray,
    ):
        self.front, self.layer, self.name = front, front.layers[index], f"conv{index + 1}"
        self.shape = front.shapes[index + 1]
        self.pooled_shape = self.layer.pooled(self.shape)
        torch, dtype = front.torch, front.dtype
        kernel = (self.layer.channels, front.shapes[index][0], *2 * (self.layer.kernel,))
        self.kernel = torch.from_numpy(np.zeros(kernel, dtype))
        self.bias = torch.from_numpy(np.zeros(self.layer.channels, dtype))
        self.nu = torch.from_numpy(np.zeros((n, *self.shape), dtype))
        self.lam = torch.from_numpy(np.zeros((n, *self.pooled_shape), dtype))
        self._pool_input = torch.zeros_like(self.nu, requires_grad=True)
        self._pool_output = torch.nn.functional.avg_pool2d(
            self._pool_input, self.layer.pool, self.layer.pool_stride
        )
        self.holds_input = index == 0  # a frame stays for K network steps
        excess = regularisers.rate_coef * (rates - regularisers.target_rate)
        self.rate_signal = torch.from_numpy((excess / front.substeps).astype(dtype))
        self.voltage = 2 * regularisers.voltage_coef / (front.substeps * math.prod(self.shape))

    def accumulate(
        self, v: Tensor, below: Tensor, pooled_adjoint: np.ndarray, weight: np.ndarray
    ) -> None:
        """Add the gradient of a chunk: v (T, K, B, C, H, W), what came in (T K B or T B, ...)."""
        front, torch = self.front, self.front.torch
        th = front.threshold
        nus = torch.empty_like(v)
        share = torch.from_numpy(weight.astype(front.dtype))[:, :, None, None, None]
        adjoint = torch.from_numpy(np.ascontiguousarray(pooled_adjoint, front.dtype))
        for t in range(len(v) - 1, -1, -1):
            self.lam += adjoint[t].reshape(self.lam.shape)
            credit = front.gain * self._unpool(self.lam)
            rate = share[t] * self.rate_signal
            for k in range(front.substeps - 1, -1, -1):
                v_now = v[t, k]
                psi = (1 - (v_now / th - 1).abs()).clamp(min=0) * (front.dampening / th)
                self.nu = front.alpha * self.nu + psi * (credit + rate)
                if self.voltage:
                    self.nu += self.voltage * share[t] * (v_now - v_now.clamp(-th, th))
                nus[t, k] = self.nu
                credit = front.kappa * credit
            self.lam *= front.kappa**front.substeps
        nus = (nus.sum(1) if self.holds_input else nus).reshape(-1, *self.shape)
        self.kernel += torch.nn.grad.conv2d_weight(
            below, self.kernel.shape, nus, stride=self.layer.stride
        )
        self.bias += nus.sum((0, 2, 3))

    def gradient(self) -> Parameters:
        return {self.name: self.kernel.numpy(), f"{self.name}_bias": self.bias.numpy()}

    def _unpool(self, pooled: Tensor) -> Tensor:
        """Transpose of the average pooling: (B, C, h, w) to (B, C, H, W)."""
        (wide,) = self.front.torch.autograd.grad(
            self._pool_output, self._pool_input, pooled, retain_graph=True
        )
        return wide
