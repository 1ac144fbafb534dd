"""The random values of interactive tasks, drawn before anything happens."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .interactive_task import InteractiveTask
from .random import Draws

Array = npt.NDArray[Any]
World = dict[str, Array]

_TRIALS_AHEAD = 4096
_DEPTH_AHEAD = 16


class TrialLuck:
    """Luck that changes with every trial: drawn for many trials ahead, laid out in their order.

    Args:
        task: the task.
        n: number of columns.
    """

    by_trial = True

    def __init__(self, task: InteractiveTask, n: int) -> None:
        self._task, self._n = task, n
        #: What is drawn, per name (depth, n, ...); another dictionary whenever it changes.
        self.store: World = {}
        self._depth = 0
        self._first = np.zeros(n, dtype=np.int64)
        self._ahead: int | Array = 0  # place in the store; one number where all have the same
        self._most_ahead = 0  # no column is further

    @property
    def place(self) -> int:
        """Where in the store the trial is that the first column is in."""
        return int(self._ahead if isinstance(self._ahead, int) else self._ahead[0])

    def forget(self, columns: Array) -> None:
        """The seeds of columns (k,) have changed."""
        if columns.size:
            self._depth = 0

    def go_to(self, trial: Array) -> None:
        """Go on with other trials (n,)."""
        ahead = trial - self._first
        self._ahead = int(ahead[0]) if (ahead == ahead[0]).all() else ahead
        self._most_ahead = self._depth  # not known

    def advance(self, moved: Array | int) -> None:
        """Go on by one trial where ``moved`` (n,) is true, or everywhere where it is 1."""
        self._ahead = self._ahead + moved
        self._most_ahead += 1

    def get(self, seeds: Array, trial: Array) -> World:
        """Luck of trials (n,) of columns with these seeds (n,), per name (n, ...)."""
        if self._most_ahead >= self._depth:
            self._most_ahead = int(np.max(self._ahead))
            if self._depth == 0 or self._most_ahead >= self._depth:
                self._refill(seeds, trial)
        ahead = self._ahead
        if isinstance(ahead, int):
            return {name: value[ahead] for name, value in self.store.items()}
        cell = ahead * self._n + np.arange(self._n)
        return {
            name: value.reshape(-1, *value.shape[2:]).take(cell, axis=0)
            for name, value in self.store.items()
        }

    def _refill(self, seeds: Array, trial: Array) -> None:
        most = max(_TRIALS_AHEAD // self._n, _DEPTH_AHEAD)
        self._depth = depth = min(max(4 * self._depth, _DEPTH_AHEAD), most)
        self._first, self._ahead, self._most_ahead = trial, 0, 0
        numbers = (trial + np.arange(depth)[:, None]).ravel()
        draws = Draws(np.tile(seeds, depth), numbers, ahead=self._task.draws_ahead)
        self.store = {
            name: value.reshape(depth, self._n, *value.shape[1:])
            for name, value in self._task.luck(draws).items()
        }


class SessionLuck:
    """Luck that is the same in all trials of an episode: drawn when a column begins one.

    Args:
        task: the task.
        n: number of columns.
    """

    by_trial = False
    place = 0

    def __init__(self, task: InteractiveTask, n: int) -> None:
        self._task = task
        self._session = np.full(n, -1)  # what is drawn
        #: What is drawn, per name (1, n, ...); another dictionary whenever it changes.
        self.store: World = {}

    def forget(self, columns: Array) -> None:
        """The seeds of columns (k,) have changed."""
        self._session[columns] = -1

    def go_to(self, trial: Array) -> None:
        """Go on with other trials (n,)."""

    def advance(self, moved: Array | int) -> None:
        """Go on by one trial."""

    def get(self, seeds: Array, trial: Array) -> World:
        """Luck of the episodes that trials (n,) of columns with these seeds (n,) belong to."""
        session = trial // self._task.trials_per_episode
        columns = (session != self._session).nonzero()[0]
        if columns.size:
            draws = Draws(seeds[columns], session[columns], ahead=self._task.draws_ahead)
            drawn = self._task.luck(draws)
            everyone = columns.size == len(session)
            if not everyone:
                known = {name: value[0] for name, value in self.store.items()}
                drawn = replaced(known, columns, drawn)
            self.store = {name: value[None] for name, value in drawn.items()}
            self._session = session
        return {name: value[0] for name, value in self.store.items()}


def replaced(world: World, columns: Array, part: World) -> World:
    """The world with ``part`` in columns (k,); nothing is changed in place."""
    new = {}
    for name, value in world.items():
        new[name] = value = value.copy(order="K")  # transposed ones stay so
        value[columns] = part[name]
    return new
