"""The Bayesian observer of reversals."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.policy import Policy, State
from ..core.task import Task
from .index_observer import PastReader
from .payouts import won
from .reversal_yardsticks import ReversalProcess

Array = npt.NDArray[Any]


class ReversalObserver(Policy):
    """Knows probabilities, hazard and criterion, infers the better arm and chooses it."""

    def __init__(self, task: Task, process: ReversalProcess, payout: tuple[float, float]) -> None:
        self._past = PastReader(task)
        self._process, self._payout = process, payout

    def begin(self, n: int) -> State:
        return (np.tile(self._process.prior(), (n, 1)),)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        (belief,) = state
        shown, reward = self._past.read(obs)
        choice = shown.argmax(axis=1)
        gained = won(reward, self._payout).astype(np.int64)
        played = shown.max(axis=1) > 0
        updated = self._process.update(belief, choice, gained)
        belief = np.where(played[:, None], updated, belief)
        return self._process.better_arm(belief), (belief,)
