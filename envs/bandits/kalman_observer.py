"""One Kalman filter per arm, and choice by upper confidence bound."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.policy import Policy, State
from ..core.task import Task
from .index_observer import PastReader

Array = npt.NDArray[Any]


class KalmanObserver(Policy):
    """Tracks arms that drift as m' = centre + decay (m - centre) + N(0, drift).

    Each filter starts from the stationary distribution. Only the chosen arm's is corrected; the
    arm with the highest mean + ``bonus`` standard deviations is chosen.

    Args:
        task: shows previous choice and reward.
        gain: reward per unit of outcome, above 0.
        decay, centre: of the drift.
        drift, noise: variances, a number or one for each arm.
        bonus: standard deviations added to the mean.
    """

    def __init__(
        self,
        task: Task,
        *,
        gain: float,
        decay: float,
        centre: float,
        drift: float | Array,
        noise: float | Array,
        bonus: float = 1.0,
    ) -> None:
        self._past = PastReader(task)
        self._gain, self._decay, self._centre, self._bonus = gain, decay, centre, bonus
        arms = self._past.arms
        self._drift = np.broadcast_to(np.asarray(drift, dtype=np.float64), (arms,))
        self._noise = np.broadcast_to(np.asarray(noise, dtype=np.float64), (arms,))

    def begin(self, n: int) -> State:
        variance = self._drift / (1.0 - self._decay**2)
        return np.full((n, len(variance)), self._centre), np.tile(variance, (n, 1))

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        mean, variance = state
        past, reward = self._past.read(obs)
        shown, outcome = past > 0.5, reward[:, None] / self._gain
        rate = np.where(shown, variance / np.maximum(variance + self._noise, 1e-300), 0.0)
        mean, variance = mean + rate * (outcome - mean), (1.0 - rate) * variance
        # The world moves on between trials, but not before the first.
        played = shown.any(axis=1, keepdims=True)
        mean = np.where(played, self._centre + self._decay * (mean - self._centre), mean)
        variance = np.where(played, self._decay**2 * variance + self._drift, variance)
        index = mean + self._bonus * np.sqrt(variance)
        return index.argmax(axis=1), (mean, variance)
