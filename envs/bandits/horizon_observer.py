"""The Bayesian observer of short games, with the online knowledge gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..core.policy import Policy, State
from .index_observer import PastReader

if TYPE_CHECKING:
    from .horizon_bandit import HorizonBandit

Array = npt.NDArray[Any]

_POINTS = 9  # of the Gauss-Hermite average over the next outcome
_BLOCK = 64  # sessions at a time, so that their outcomes stay in the cache


class HorizonObserver(Policy):
    """Weighs all pairs of means that a game can have; values what a choice pays and teaches.

    The value of an arm is its mean + (choices left after it) * (how much one more outcome of it is
    expected to raise the mean of the arm that will then look best).
    """

    def __init__(self, task: HorizonBandit) -> None:
        from .horizon_bandit import BASES, FORCED, GAPS, HORIZONS

        self._past, self._noise = PastReader(task), task.noise
        self._gain = task.earns["gain"]
        pairs = {
            pair
            for base in BASES
            for gap in GAPS
            for other in (base + gap, base - gap)
            for pair in ((base, other), (other, base))
        }
        self._means = np.array(sorted(pairs))  # (hypotheses, 2)
        self._lengths = FORCED + HORIZONS[0], FORCED + HORIZONS[1]
        nodes, weights = np.polynomial.hermite_e.hermegauss(_POINTS)
        self._weights = weights / weights.sum()
        self._foreseen = [self._outcomes(arm, nodes * self._noise) for arm in range(2)]

    def begin(self, n: int) -> State:
        return (np.zeros((n, len(self._means))),)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        (log_weight,) = state
        begins, long, left = obs[:, 0] > 0.5, obs[:, 1] > 0.5, obs[:, 4]
        shown, reward = self._past.read(obs)
        outcome = reward / self._gain
        played = self._means[:, shown.argmax(axis=1)].T
        error = (outcome[:, None] - played) / self._noise
        played_any = np.any(shown, axis=1, keepdims=True)
        new = log_weight - np.where(played_any, 0.5 * error**2, 0.0)
        new = np.where(begins[:, None], 0.0, new)
        share = np.exp(new - new.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        remaining = np.rint(left * np.where(long, *self._lengths[::-1])) - 1.0
        value = share @ self._means
        # On forced trials, and on the last of a game, what could be learned does not matter.
        asks = (obs[:, 2:4].max(axis=1) < 0.5) & (remaining > 0)
        if asks.any():
            value[asks] += remaining[asks, None] * self._gradient(share[asks])
        return (value[:, 1] > value[:, 0] + 1e-12).astype(np.int64), (new,)

    def _gradient(self, share: Array) -> Array:
        """(n, 2) expected rise of the best mean after one more outcome of each arm."""
        now = (share @ self._means).max(axis=1)
        rise = np.empty((len(share), 2))
        for arm in range(2):
            is_true, foreseen = self._foreseen[arm]
            for first in range(0, len(share), _BLOCK):
                part = share[first : first + _BLOCK]
                total, *each = np.split(part @ foreseen, 3, axis=1)
                best = np.maximum(*each) / np.maximum(total, 1e-300)
                mean = best.reshape(len(part), -1, _POINTS) @ self._weights
                rise[first : first + _BLOCK, arm] = ((part @ is_true) * mean).sum(axis=1)
        return np.maximum(rise - now[:, None], 0.0)

    def _outcomes(self, arm: int, nodes: Array) -> tuple[Array, Array]:
        """What all hypotheses make of the outcomes that each mean of an arm predicts.

        Returns:
            (hypotheses, means) 1 where a hypothesis says so; (hypotheses, 3 * means * points) the
            outcomes' likelihood, and the same times the mean of either arm.
        """
        true = self._means[:, arm]
        means = np.unique(true)
        outcome = (means[:, None] + nodes).ravel()
        error = (outcome - true[:, None]) / self._noise
        likelihood = np.exp(-0.5 * error**2)
        joint = [likelihood * self._means[:, one, None] for one in range(2)]
        is_true = (true[:, None] == means).astype(np.float64)
        return is_true, np.concatenate([likelihood, *joint], axis=1)
