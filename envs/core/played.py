"""The actions of trials that have ended, as a task's ``finish`` sees them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .scripted_task import Played

if TYPE_CHECKING:
    from .reel import ReelEngine
    from .scripted import ScriptedEngine
    from .table import Table

Array = npt.NDArray[Any]


class PlayedRows(Played):
    """Trials ``slot`` (k,) of an engine's table; nothing that it refers to changes later."""

    def __init__(self, engine: ScriptedEngine, slot: Array, table: Table | None = None) -> None:
        self._table = engine._known if table is None else table
        self._slot, self._scale = slot, engine._scale
        self._blank = engine.actions.blank
        self._span = engine._span

    @cached_property
    def _start(self) -> Array:
        return self._table.start.take(self._slot)[:, None]

    @cached_property
    def _length(self) -> Array:
        """(k, 1) steps of each trial if no answer ends it early."""
        return self._table.stop.take(self._slot)[:, None] - self._start

    @cached_property
    def _rows(self) -> Array:
        """(k, T) rows of each trial's steps, and any behind its last."""
        return np.minimum(self._start + self._span, len(self._table.owner) - 1)

    @cached_property
    def codes(self) -> Array:
        table = self._table
        cell = self._rows if table.written_out else table.owner.take(self._rows)
        return np.where(self._span < self._length, table.code.take(cell) // self._scale, 0)

    def rows(self, values: str) -> Array:
        return getattr(self._table.rows, values).take(self._rows, axis=0)


class PlayedByRow(PlayedRows):
    """Trials that have just ended on the rows ``last`` (k,)."""

    def __init__(self, engine: ScriptedEngine, slot: Array, last: Array) -> None:
        super().__init__(engine, slot)
        assert engine._actions_by_row is not None
        self._acted, self._last = engine._actions_by_row, last

    @cached_property
    def actions(self) -> Array:
        actions = self._acted.take(self._rows, axis=0)
        # A trial that an answer has ended has rows that were not played.
        length = self._last - self._rows[:, 0] + 1
        actions[self._span >= length[:, None]] = self._blank
        return actions

    @property
    def last(self) -> Array:
        return self._acted.take(self._last, axis=0)


class PlayedByTime(PlayedRows):
    """Trials that have just ended in ``columns`` (k,), from actions in order of time."""

    def __init__(self, engine: ReelEngine, slot: Array, columns: Array) -> None:
        super().__init__(engine, slot)
        assert engine._acted is not None
        self._acted, self._now, self._columns = engine._acted, engine._now, columns

    @cached_property
    def actions(self) -> Array:
        actions = actions_since(
            self._acted, self._now - self._length[:, 0], self._span, self._columns
        )
        actions[self._span >= self._length] = self._blank
        return actions

    @property
    def last(self) -> Array:
        return self._acted[self._now - 1].take(self._columns, axis=0)


def actions_since(acted: Array, first: Array, span: Array, columns: Array) -> Array:
    """Actions (k, T, ...) of columns (k,) from times ``first`` (k,) on, junk behind the last."""
    times = np.minimum(first[:, None] + span, len(acted) - 1)
    flat = acted.reshape(-1, *acted.shape[2:])
    return flat.take(times * acted.shape[1] + columns[:, None], axis=0)


class PlayedHere(PlayedRows):
    """A single trial of a table, which has ended, with its actions as a list."""

    def __init__(self, engine: ScriptedEngine, slot: Array, table: Table, acted: list[Any]) -> None:
        super().__init__(engine, slot, table)
        self._acted = np.array(acted, dtype=engine.actions.dtype)

    @cached_property
    def actions(self) -> Array:
        shape = (1, len(self._span), *self._acted.shape[1:])
        actions = np.full(shape, self._blank, dtype=self._acted.dtype)
        actions[0, : len(self._acted)] = self._acted
        return actions

    @property
    def last(self) -> Array:
        return self._acted[-1:]
