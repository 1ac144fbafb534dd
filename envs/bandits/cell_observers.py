"""Observers of worlds whose volatility and stochasticity are hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..core.choice_task import Session
from ..core.policy import Policy, State
from .kalman_observer import KalmanObserver

if TYPE_CHECKING:
    from .volatility_stochasticity import VolatilityStochasticity

Array = npt.NDArray[Any]


def kalman_step(mean: Array, variance: Array, outcome: Array, v: Any, s: Any) -> tuple[Array, ...]:
    """Mean and variance of a random walk's next value, after an outcome; and its likelihood.

    Args:
        mean, variance: of the value that the outcome belongs to, before it is seen.
        outcome: broadcastable with them.
        v, s: variances of the walk's steps and of the outcomes' noise.
    """
    total = np.maximum(variance + s, 1e-300)
    rate = variance / total
    error = outcome - mean
    log_likelihood = -0.5 * (np.log(total) + error**2 / total)
    return mean + rate * error, (1.0 - rate) * variance + v, log_likelihood


class CellPredictor(Policy):
    """A Kalman filter for each cell, weighed by how well each has predicted within the block.

    At a block's end the filters are joined into one with their common mean and variance.
    """

    def __init__(self, task: VolatilityStochasticity) -> None:
        assert task.scale is not None
        self._scale, self._cells = task.scale, task._cells
        self._block = task._block

    def begin(self, n: int) -> State:
        cells = len(self._cells)
        # Trial, log weight, mean and variance of the coming value; it begins at 0.
        return (np.zeros(n, dtype=np.int64), *(np.zeros((n, cells)) for _ in range(3)))

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        trial, weight, mean, variance = state
        last = len(self._block) - 1
        outcome = obs[:, 0, None].astype(np.float64) * self._scale
        v, s = self._cells[:, 0], self._cells[:, 1]
        new_mean, new_variance, likelihood = kalman_step(mean, variance, outcome, v, s)
        seen = (trial > 0)[:, None]
        mean, variance = np.where(seen, new_mean, mean), np.where(seen, new_variance, variance)
        weight = np.where(seen, weight + likelihood, weight)
        share = _softmax(weight)
        common = (share * mean).sum(axis=1, keepdims=True)
        spread = (share * (variance + (mean - common) ** 2)).sum(axis=1, keepdims=True)
        now = np.minimum(trial, last)
        anew = seen & (self._block[now] != self._block[np.maximum(now - 1, 0)])[:, None]
        weight = np.where(anew, 0.0, weight)
        mean, variance = np.where(anew, common, mean), np.where(anew, spread, variance)
        prediction = np.clip(common / self._scale, -1.0, 1.0).astype(np.float32)
        return prediction, (trial + 1, weight, mean, variance)

    def informed_score(self, session: Session) -> float:
        """Score of the filter that knows the cell of every trial."""
        from .volatility_stochasticity import WORST

        cell, outcome = session.facts["cell"], session.luck[:, :, 0] * self._scale
        v, s = self._cells[cell, 0], self._cells[cell, 1]
        mean, variance = np.zeros(len(cell)), np.zeros(len(cell))
        total = 0.0
        for trial in range(outcome.shape[1]):
            if trial:
                # The step that leads to this trial is one of its own cell.
                before = trial - 1
                mean, variance, _ = kalman_step(
                    mean, variance, outcome[:, before], v[:, trial], s[:, before]
                )
            error = np.clip(mean, -self._scale, self._scale) - outcome[:, trial]
            total += float((1.0 - np.minimum(error**2, WORST) / WORST).mean())
        return total / outcome.shape[1]


def _softmax(weight: Array) -> Array:
    share = np.exp(weight - weight.max(axis=1, keepdims=True))
    return share / share.sum(axis=1, keepdims=True)


class CellArmObserver(KalmanObserver):
    """One filter per arm with the cells' average variances, and the bound mean + sd."""

    def __init__(self, task: VolatilityStochasticity) -> None:
        assert task.scale is not None
        drift, noise = task._cells.mean(axis=0) / task.scale**2
        super().__init__(
            task,
            gain=task.earns["gain"],
            decay=task.decay,
            centre=0.0,
            drift=float(drift),
            noise=float(noise),
        )
