"""What pictures are drawn from: the steps of the running trial."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .engine import Engine
from .info import Info

Array = npt.NDArray[Any]


class History:
    """Keeps observations, actions and rewards of each column since its trial began.

    Where a trial is a single step (bandits), it keeps the session instead.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        n = self._engine.n
        self.obs: list[list[Array]] = [[] for _ in range(n)]
        self.actions: list[list[int]] = [[] for _ in range(n)]
        self.rewards: list[list[float]] = [[] for _ in range(n)]
        self.periods: list[list[int]] = [[] for _ in range(n)]
        self.facts: list[list[dict[str, Any]]] = [[] for _ in range(n)]
        self._fresh = np.zeros(n, dtype=bool)

    def reset(self, obs: Array, mask: Array) -> None:
        """Begin anew in the columns of ``mask`` with their first observation."""
        periods = self._engine.periods()
        for column in mask.nonzero()[0]:
            self._begin(column, obs[column], int(periods[column]))

    def _begin(self, column: int, obs: Array, period: int) -> None:
        self.obs[column], self.periods[column] = [obs.copy()], [period]
        self.actions[column], self.rewards[column], self.facts[column] = [], [], []
        self._fresh[column] = False

    def add(self, actions: Array, obs: Array, reward: Array, over: Array, info: Info) -> None:
        """Add one step of all columns."""
        periods = self._engine.periods()
        ended = info.get("_trial_end", np.zeros(self._engine.n, dtype=bool))
        for column in range(self._engine.n):
            if self._fresh[column]:
                self._begin(column, obs[column], int(periods[column]))
                continue
            self.actions[column].append(int(actions[column]))
            self.rewards[column].append(float(reward[column]))
            self.obs[column].append(obs[column].copy())
            self.periods[column].append(int(periods[column]))
        del over, ended

    def draw(self, column: int) -> Array:
        """Picture of one column, (height, width, 3) uint8."""
        from .render import draw_trial

        return draw_trial(self._engine.task, self, column)
