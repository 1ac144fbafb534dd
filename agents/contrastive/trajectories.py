"""Two ways to contrast whole trajectories. Both are this library's, not the paper's.

*Quasi-static*: the network settles fast against its input, and at each time both phases settle for
the present input; the rule minimises the sum of C over time.

*Action*: a discrete network x' = f(x) = tanh(W x + b), whose whole trajectory is the state. Its
energy is S[x] = 1/2 sum_t |x_{t+1} - f(x_t)|^2, whose free minimum is the network's own run from
x_0. The taught trajectory minimises S + beta / 2 sum_t |y_t - x_t^out|^2; with its residuals
e_t = x_t - f(x_{t-1})::

    e_t = beta (y_t - x_t)^out + W' (f'_{t+1} e_{t+1})
    dW = (eta / beta) sum_t f'_{t+1} e_{t+1} x_t'  =  -(eta / beta) dC/dW

For small beta e is beta times the adjoint of back-propagation through time, so the rule is not
local in time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..optimizers import Adam
from .network import ContrastiveNet
from .teachers import Teacher

Array = np.ndarray


def learn_cycle(
    net: ContrastiveNet,
    inputs: Array,
    targets: Array,
    *,
    sweeps: int,
    rate: float = 0.02,
    momentum: float = 0.9,
) -> Array:
    """Quasi-static contrast over a cycle of inputs (P, n_in), the update its mean over phases.

    Returns the RMSE (S, sweeps) of the free outputs before each update.
    """
    moving, moving_bias = np.zeros_like(net.weights), np.zeros_like(net.bias)
    teacher = Teacher("hard", targets)
    errors = np.empty((len(net.weights), sweeps))
    for sweep in range(sweeps):
        free = net.relax(inputs)
        errors[:, sweep] = np.sqrt(np.mean((free.v[..., -net.n_out :] - targets) ** 2, axis=(1, 2)))
        taught = net.relax(inputs, teacher, free)
        pairs, single = net.difference(taught.v, free.v)
        moving = momentum * moving + rate / len(inputs) * pairs
        moving_bias = momentum * moving_bias + rate / len(inputs) * single
        net.weights += moving
        net.bias += moving_bias
    return errors


@dataclass
class ActionNet:
    """S discrete networks with N units, of which the first ones are outputs.

    Attributes:
        weights: (S, N, N); bias: (S, N); start: (S, N), x_0.
    """

    weights: Array
    bias: Array
    start: Array

    @classmethod
    def create(cls, n_units: int, seeds: range | list[int], gain: float = 1.0) -> ActionNet:
        """W ~ N(0, gain^2 / N), x_0 uniform within 1/2."""
        n = n_units
        rngs = [np.random.default_rng(seed) for seed in seeds]
        weights = np.stack([gain * rng.standard_normal((n, n)) / np.sqrt(n) for rng in rngs])
        start = np.stack([rng.uniform(-0.5, 0.5, n) for rng in rngs])
        return cls(weights, np.zeros((len(rngs), n)), start)

    def run(self, steps: int, residuals: Array | None = None) -> Array:
        """x_0 to x_T (S, T + 1, N); each step is given its residual where there are any."""
        x = np.empty((len(self.weights), steps + 1, self.weights.shape[1]))
        x[:, 0] = self.start
        for t in range(steps):
            summed = np.einsum("sij,sj->si", self.weights, x[:, t]) + self.bias
            x[:, t + 1] = np.tanh(summed)
            if residuals is not None:
                x[:, t + 1] += residuals[:, t + 1]
        return x

    def residuals(self, x: Array, targets: Array, beta: float) -> Array:
        """e (S, T + 1, N) of a trajectory towards targets (T, n_out), backward in time."""
        e = np.zeros_like(x)
        k = targets.shape[1]
        for t in range(x.shape[1] - 1, 0, -1):
            e[:, t, :k] = beta * (targets[t - 1] - x[:, t, :k])
            if t + 1 < x.shape[1]:
                slope = 1 - np.tanh(self._summed(x[:, t])) ** 2
                e[:, t] += np.einsum("sji,sj->si", self.weights, slope * e[:, t + 1])
        return e

    def _summed(self, x: Array) -> Array:
        return np.einsum("sij,sj->si", self.weights, x) + self.bias

    def taught(
        self, targets: Array, beta: float, sweeps: int = 1, damping: float = 1.0
    ) -> tuple[Array, Array]:
        """The trajectory that minimises S + beta F, and its residuals, each (S, T + 1, N).

        Backward sweeps find the residuals of a trajectory, a run with a share ``damping`` of their
        change the next trajectory. With one sweep they are those of the free run: exact to first
        order in beta.
        """
        x = self.run(len(targets))
        e = np.zeros_like(x)
        for sweep in range(sweeps):
            if sweep:
                x = self.run(len(targets), e)
            e += damping * (self.residuals(x, targets, beta) - e)
        return x, e

    def contrast(self, targets: Array, beta: float | None, sweeps: int = 300) -> float:
        """C / beta = min(S / beta + F), over all networks; None: its limit, F of the free run."""
        if beta is None:
            x = self.run(len(targets))
            return float(((targets - x[:, 1:, : targets.shape[1]]) ** 2).sum() / 2)
        x, _ = self.taught(targets, beta, sweeps, 0.3)
        summed = np.einsum("sij,stj->sti", self.weights, x[:, :-1]) + self.bias[:, None]
        action = ((x[:, 1:] - np.tanh(summed)) ** 2).sum() / 2
        missed = ((targets - x[:, 1:, : targets.shape[1]]) ** 2).sum() / 2
        return float(action / beta + missed)

    def gradient(
        self, targets: Array, beta: float, sweeps: int = 1, damping: float = 1.0
    ) -> tuple[Array, Array]:
        """dC/dW / beta and dC/db / beta at the taught trajectory (see :meth:`taught`)."""
        x, e = self.taught(targets, beta, sweeps, damping)
        summed = np.einsum("sij,stj->sti", self.weights, x[:, :-1]) + self.bias[:, None]
        pushed = (1 - np.tanh(summed) ** 2) * e[:, 1:] / beta
        return -pushed.transpose(0, 2, 1) @ x[:, :-1], -pushed.sum(1)

    def learn(
        self,
        targets: Array,
        *,
        sweeps: int,
        rate: float = 0.003,
        beta: float = 1e-3,
        clip: float = 2.0,
    ) -> Array:
        """Adam on that gradient, clipped by norm; returns the RMSE (S, sweeps) before each."""
        parameters = {"weights": self.weights, "bias": self.bias}
        optimizer = Adam(parameters, rate)
        errors = np.empty((len(self.weights), sweeps))
        for sweep in range(sweeps):
            pairs, single = self.gradient(targets, beta)
            wrong = self.run(len(targets))[:, 1:, : targets.shape[1]] - targets
            errors[:, sweep] = np.sqrt(np.mean(wrong**2, axis=(1, 2)))
            norm = np.sqrt((pairs**2).sum((1, 2)) + (single**2).sum(1))
            scale = np.minimum(1.0, clip / np.maximum(norm, 1e-12))
            optimizer.step(
                parameters,
                {"weights": pairs * scale[:, None, None], "bias": single * scale[:, None]},
            )
        return errors
