"""The exact observer of stable and volatile odds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..core.policy import Policy, State
from .index_observer import PastReader

if TYPE_CHECKING:
    from .volatile_bandit import VolatileBandit

Array = npt.NDArray[Any]


class VolatileObserver(Policy):
    """Follows which arm is the better one and how long the current run will last.

    Hidden states are (block order, better arm, trials left of the run). In the stable block the
    run's length does not matter; a volatile run of r trials is followed by a change of roles.
    """

    def __init__(self, task: VolatileBandit) -> None:
        self._past = PastReader(task)
        self._task = task
        self._fresh = _fresh_runs(
            task.switch[0], task.switch[1], task.trials_per_episode - task.stable
        )
        self._longest = len(self._fresh) - 1
        orders = {"stable-first": [False], "volatile-first": [True], "random": [False, True]}
        self._orders = orders[task.order]
        self._magnitude = task.obs_names.index("magnitude_0") if task.magnitudes else None

    def begin(self, n: int) -> State:
        belief = np.zeros((n, len(self._orders), 2, self._longest + 1))
        for order, volatile in enumerate(self._orders):
            runs = _stays(belief) if self._is_stable(0, volatile) else self._fresh
            belief[:, order] = runs / (2 * len(self._orders))
        return np.zeros(n, dtype=np.int64), belief

    def _is_stable(self, trial: int, begins_volatile: bool) -> bool:
        task = self._task
        if begins_volatile:
            return trial >= task.trials_per_episode - task.stable
        return trial < task.stable

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        trial, belief = state
        choice, reward = self._past.read(obs)
        played = choice.any(axis=1)
        # Exactly one arm pays: the chosen one if there was a reward.
        pays = np.where(reward > 0, choice.argmax(axis=1), 1 - choice.argmax(axis=1))
        new = belief.copy()
        for now in np.unique(trial[played]):
            here = played & (trial == now)
            new[here] = self._advance(belief[here], pays[here], int(now))
        trial = trial + played
        return self._choose(obs, new, trial), (trial, new)

    def _odds(self, trial: int, begins_volatile: bool) -> float:
        task = self._task
        return task.p_stable if self._is_stable(trial, begins_volatile) else task.p_volatile

    def _advance(self, belief: Array, pays: Array, trial: int) -> Array:
        """Belief (k, orders, 2, runs) after the outcome of ``trial``, about the next trial."""
        belief = belief.copy()
        for order, volatile in enumerate(self._orders):
            odds = self._odds(trial, volatile)
            likelihood = np.where(pays[:, None] == np.arange(2), odds, 1.0 - odds)
            belief[:, order] *= likelihood[:, :, None]
            belief[:, order] = self._move(belief[:, order], trial, volatile)
        return belief / np.maximum(belief.sum(axis=(1, 2, 3), keepdims=True), 1e-300)

    def _move(self, mass: Array, trial: int, volatile: bool) -> Array:
        """One trial on: mass (k, 2, runs)."""
        was, will = self._is_stable(trial, volatile), self._is_stable(trial + 1, volatile)
        total = mass.sum(axis=2, keepdims=True)
        if was and will:
            return mass
        if was != will:  # another block begins, with a change of roles
            runs = _stays(mass) if will else self._fresh
            return total[:, ::-1] * runs
        moved = np.zeros_like(mass)
        moved[:, :, 1:-1] = mass[:, :, 2:]
        # A run with one trial left is over: the other arm begins a new one.
        return moved + mass[:, ::-1, 1:2] * self._fresh

    def _choose(self, obs: Array, belief: Array, trial: Array) -> Array:
        better = belief.sum(axis=3)  # (n, orders, 2)
        odds = np.array(
            [[self._odds(now, one) for one in self._orders] for now in np.unique(trial)]
        )[np.unique(trial, return_inverse=True)[1]]
        first = (better[:, :, 0] * odds + better[:, :, 1] * (1 - odds)).sum(axis=1)
        worth = np.stack([first, 1.0 - first], axis=1)
        if self._magnitude is not None:
            worth = worth * obs[:, self._magnitude : self._magnitude + 2]
        return (worth[:, 1] > worth[:, 0] + 1e-12).astype(np.int64)


def _fresh_runs(low: int, high: int, block: int) -> Array:
    """Probabilities of a new run's length; whatever outlasts the block counts as its length."""
    longest = max(1, min(high, block))
    each = 1.0 / (high - low + 1)
    runs = np.zeros(longest + 1)
    runs[low:longest] = each
    runs[longest] = 1.0 - each * max(0, longest - low)
    return runs


def _stays(belief: Array) -> Array:
    """All mass on one run length, whose value does not matter."""
    runs = np.zeros(belief.shape[-1])
    runs[-1] = 1.0
    return runs
