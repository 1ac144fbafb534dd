"""The engine for tasks whose world answers actions: every step is computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from .engine import Engine
from .errors import TaskError
from .info import Info, InfoMaker
from .random import Draws
from .task import InteractiveTask

Array = npt.NDArray[Any]

_TRIALS_AHEAD = 4096
_DEPTH_AHEAD = 16


class InteractiveEngine(Engine):
    """Columns whose worlds are computed step by step; only their luck is drawn ahead."""

    task: InteractiveTask

    def __init__(
        self, task: InteractiveTask, n: int, mode: AutoresetMode, max_steps: int | None = None
    ) -> None:
        super().__init__(task, n, mode, max_steps)
        self._info = InfoMaker(task.int_facts, task.float_facts)
        self._depth = 0
        self._trial = np.zeros(n, dtype=np.int64)
        self._first = np.zeros(n, dtype=np.int64)
        self._done = np.zeros(n, dtype=np.int64)  # trials done in the episode
        self._luck: dict[str, Array] = {}
        # A world of the right shapes and types, so that a state can be set before any reset.
        self._world = task.begin(task.luck(Draws(self.seeds, self._trial)))

    @property
    def trial(self) -> Array:
        return self._trial.copy()

    def _refill(self, depth: int) -> None:
        """Draw the luck of the next ``depth`` trials of every column."""
        self._depth, self._first = depth, self._trial.copy()
        numbers = (self._first[:, None] + np.arange(depth)).ravel()
        self._luck = self.task.luck(Draws(np.repeat(self.seeds, depth), numbers))

    def _current_luck(self) -> dict[str, Array]:
        ahead = self._trial - self._first
        if self._depth == 0 or (ahead >= self._depth).any():
            most = max(_TRIALS_AHEAD // self.n, _DEPTH_AHEAD)
            self._refill(min(max(4 * self._depth, _DEPTH_AHEAD), most))
            ahead = self._trial - self._first
        slot = np.arange(self.n) * self._depth + ahead
        return {name: value.take(slot, axis=0) for name, value in self._luck.items()}

    def _redraw(self, columns: Array, trial: Array, seeded: Array) -> None:
        if seeded.any():
            self._depth = 0
        self._place(columns, trial[columns], between=False)

    def _place(self, columns: Array, trial: Array, *, between: bool) -> None:
        self._trial[columns] = trial
        if between:
            return  # the world begins with the step that leaves the row between episodes
        self._done[columns] = 0
        mask = np.zeros(self.n, dtype=bool)
        mask[columns] = True
        self._world = _merge(mask, self.task.begin(self._current_luck()), self._world)

    def _play(self, actions: Array) -> tuple[Array, Array, Array, Info]:
        # With autoreset in the same step, a column whose episode has ended plays on already.
        waits = self.over & (self.mode is not AutoresetMode.SAME_STEP)
        live = ~waits
        luck = self._current_luck()
        world, reward, ended, facts = self.task.act(self._world, luck, actions)
        ended = ended & live
        if not live.all():
            world = _merge(live, world, self._world)
            reward = np.where(live, reward, 0.0)
            if not self._holds:
                world = _merge(waits, self.task.begin(luck), world)
                self._done[waits] = 0
        self._world = world
        self._done += ended
        columns = ended.nonzero()[0]
        info = self._end_trials(columns, ended, facts) if columns.size else {}
        return self._observe(), reward, ended, info

    def _end_trials(self, columns: Array, ended: Array, facts: dict[str, Array]) -> Info:
        n_ints = self._info.n_ints
        block = np.empty((len(self._info.names), columns.size), dtype=np.int64)
        floats = block.view(np.float64)
        block[0] = self._trial[columns]
        for row, name in enumerate(self._info.names[1:], start=1):
            (block if row < n_ints else floats)[row] = facts[name][columns]
        info = self._info.make(block, columns, self.n, ended)
        if self._holds:
            columns = columns[(self._trial[columns] + 1) % self._per_episode != 0]
        self._trial[columns] += 1
        return info

    def _observe(self) -> Array:
        obs = np.zeros((self.n, len(self.task.all_channels)), dtype=np.float32)
        obs[:, : len(self.task.channels)] = self.task.observe(self._world)
        if self.task.time:
            obs[:, len(self.task.channels)] = self._done / self._per_episode
        return obs

    def targets(self) -> Array:
        raise TaskError(f"{self.task.name} has no supervised targets; leave targets at False.")

    def periods(self) -> Array:
        return np.where(self.over, -1, 0)

    def _own_state(self) -> dict[str, Any]:
        world = {f"world_{name}": value.copy() for name, value in self._world.items()}
        return {"done": self._done.copy(), **world}

    def _set_own_state(self, state: Mapping[str, Any]) -> None:
        self._trial, self._done = state["trial"], state["done"]
        self._world = {name: state[f"world_{name}"] for name in self._world}
        self._depth = 0


def _merge(mask: Array, new: dict[str, Array], old: dict[str, Array]) -> dict[str, Array]:
    """``new`` where the mask is true, ``old`` elsewhere."""
    return {
        name: np.where(mask.reshape(-1, *(1,) * (value.ndim - 1)), value, old[name])
        for name, value in new.items()
    }
