"""The engine for tasks whose stimuli do not depend on actions: a step is a look into a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from .engine import Engine
from .info import Info, InfoMaker
from .table import build_table
from .task import ScriptedTask

Array = npt.NDArray[Any]

#: A batch draws ahead about so many trials at once, and never fewer than so many per column.
_TRIALS_AHEAD = 4096
_DEPTH_AHEAD = 16


class ScriptedEngine(Engine):
    """Columns that walk through a table of trials drawn ahead.

    The table is drawn for all columns at once, from the trial each is in, whenever a column has
    used up its trials. How far ahead it reaches decides speed, never values: every trial is a
    function of its column's seed and its number. It begins with one trial a column, because a
    caller who seeds every episode anew needs no more, and grows with every refill.
    """

    task: ScriptedTask

    def __init__(
        self, task: ScriptedTask, n: int, mode: AutoresetMode, max_steps: int | None = None
    ) -> None:
        super().__init__(task, n, mode, max_steps)
        response = task.response
        _, _, self._actions = response.shape
        # States are kept multiplied by the number of actions, ready to be added to the index.
        self._next = (response.next * self._actions).ravel()
        self._reward = response.reward.ravel()
        self._gain = response.gain.ravel() if response.gain.any() else None
        self._ends = response.ends.ravel() if response.ends.any() else None
        self._stamps = response.stamps.ravel()
        self._state_facts = np.stack(list(response.facts.values())).repeat(self._actions, axis=1)
        self._info = InfoMaker(task.int_facts, task.float_facts)
        n_ints, n_state = len(task.int_facts), len(response.facts)
        self._answer_rows = slice(n_ints - n_state, n_ints)
        self._rt_row = n_ints
        # Sessions hand on from trial to trial without a row between: one trial of outlook.
        self._outlook = int(self._per_episode > 1)
        self._depth = 0
        self._first = np.zeros(n, dtype=np.int64)
        self._slot = np.zeros(n, dtype=np.int64)
        self._pos = np.zeros(n, dtype=np.int64)
        self._stop = np.zeros(n, dtype=np.int64)
        self._state = np.zeros(n, dtype=np.int64)
        self._stamp = np.full(n, np.nan)

    # ---------------------------------------------------------------- the table

    def _refill(self, steps: Array, depth: int) -> None:
        """Draw the table anew from each column's trial, ``steps`` into it."""
        stamp = None if self._depth == 0 else self._stamp - self._table.start[self._slot]
        self._depth = depth
        self._first = self.trial.copy()
        self._table = table = build_table(self.task, self.seeds, self._first, depth)
        self._code, self._obs = table.code_offset, table.rows.obs
        self._slot = np.arange(self.n) * depth
        start = table.start[self._slot]
        self._pos = start + steps
        self._stop = table.stop[self._slot]
        if stamp is not None:
            self._stamp = stamp + start

    def _grow(self) -> int:
        """Trials per column of the next refill."""
        most = max(_TRIALS_AHEAD // self.n, _DEPTH_AHEAD)
        return min(max(4 * self._depth, 1 + self._outlook), most)

    def _redraw(self, columns: Array, seeded: Array) -> None:
        if self._depth == 0 or seeded.any():
            steps = np.zeros(self.n, dtype=np.int64)
            if columns.size < self.n and self._depth:
                steps = self._pos - self._table.start[self._slot]
                steps[columns] = 0
            self._clear(columns)
            self._refill(steps, 1 + self._outlook)
        else:
            self._place(columns, between=False)

    def _clear(self, columns: Array) -> None:
        self._state[columns] = 0
        self._stamp[columns] = np.nan

    def _place(self, columns: Array, *, between: bool) -> None:
        self._clear(columns)
        ahead = self.trial[columns] - self._first[columns]
        if (ahead >= self._depth - self._outlook).any():
            steps = self._pos - self._table.start[self._slot]
            steps[columns] = -int(between)
            self._refill(steps, self._grow())
            return
        slot = columns * self._depth + ahead
        self._slot[columns] = slot
        self._stop[columns] = self._table.stop[slot]
        self._pos[columns] = self._table.start[slot] - int(between)

    # ---------------------------------------------------------------- a step

    def _play(self, actions: Array) -> tuple[Array, Array, Array, Info]:
        pos = self._pos
        index = self._code.take(pos)
        if self._holds:
            index[self.over] = 0  # the code TERMINAL: nothing earned, nothing changed
        index += self._state
        index += actions
        self._state = self._next.take(index)
        reward = self._reward.take(index)
        if self._gain is not None:
            reward += self._gain.take(index) * self._table.rows.value.take(pos)
        np.copyto(self._stamp, pos, where=self._stamps.take(index))
        if self._holds:
            pos += ~self.over
        else:
            pos += 1
        if self._ends is not None:
            np.copyto(pos, self._stop, where=self._ends.take(index))
        ended = pos == self._stop
        if self._holds:
            ended &= ~self.over
        obs = self._obs.take(pos, axis=0)
        columns = ended.nonzero()[0]
        info = self._end_trials(columns, ended) if columns.size else {}
        return obs, reward, ended, info

    def _end_trials(self, columns: Array, ended: Array) -> Info:
        """Facts of the trials that have just ended; their columns move on to the next trial."""
        slot = self._slot.take(columns)
        states = self._state.take(columns)
        facts = self._table.facts.take(slot, axis=1)
        facts[self._answer_rows] = self._state_facts.take(states, axis=1)
        rt = facts[self._rt_row].view(np.float64)
        np.subtract(self._stamp.take(columns), self._table.go.take(slot), out=rt)
        rt *= self.task.dt
        if self.task.finishes:
            self.task.finish(self._named(facts), states // self._actions)
        info = self._info.make(facts, columns, self.n, ended)
        if self._holds and self._per_episode == 1:
            return info
        if self._holds:
            columns = columns[(self.trial[columns] + 1) % self._per_episode != 0]
        self._hand_on(columns)
        return info

    def _named(self, facts: Array) -> dict[str, Array]:
        n = self._info.n_ints
        rows = (*facts[:n], *facts[n:].view(np.float64))
        return dict(zip(self._info.names, rows, strict=True))

    def _hand_on(self, columns: Array) -> None:
        """Go on to the next trial; where an episode has ended, its terminal row comes first."""
        self.trial[columns] += 1
        self._state[columns] = 0
        self._stamp[columns] = np.nan
        slot = self._slot.take(columns)
        slot += 1
        ahead = self.trial.take(columns)
        ahead -= self._first.take(columns)
        if np.maximum.reduce(ahead, initial=0) >= self._depth - self._outlook:
            # Columns handed on stand on the row before their new trial, or on its first.
            terminal = self.trial[columns] % self._per_episode == 0
            steps = self._pos - self._table.start[self._slot]
            steps[columns] = -terminal.astype(np.int64)
            self._refill(steps, self._grow())
            return
        self._slot[columns] = slot
        self._stop[columns] = self._table.stop.take(slot)

    def _observe(self) -> Array:
        return self._obs.take(self._pos, axis=0)

    def targets(self) -> Array:
        return self._table.rows.target.take(self._pos)

    def periods(self) -> Array:
        """(n,) index of the period that each column is in, -1 between episodes."""
        return self._table.period.take(self._pos)

    # ---------------------------------------------------------------- state

    def _own_state(self) -> dict[str, Any]:
        start = self._table.start[self._slot] if self._depth else np.zeros(self.n, dtype=np.int64)
        return {
            "step": self._pos - start,
            "response": self._state // self._actions,
            "answer_step": self._stamp - start,
        }

    def _set_own_state(self, state: Mapping[str, Any]) -> None:
        self._state = state["response"] * self._actions
        self._depth = 0
        self._refill(state["step"], 1 + self._outlook)
        self._stamp = state["answer_step"] + self._table.start[self._slot]
