"""The engine for tasks whose stimuli do not depend on actions: a step is a look into a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from .engine import Engine
from .info import Info, InfoMaker
from .played import PlayedByRow
from .scripted_player import ScriptedPlayer
from .scripted_task import Played, ScriptedTask, TrackingTask
from .table import Table

Array = npt.NDArray[Any]

#: A batch draws ahead at most so many trials and about so many rows at once, but never fewer than
#: two trials per column. Where answers end trials, most of their rows are never played.
_TRIALS_AHEAD, _ROWS_AHEAD, _ROWS_AHEAD_OF_ANSWERS = 16384, 2**16, 2**19
#: Nor so many rows that they show more numbers than this: pictures and sounds have many channels.
_NUMBERS_AHEAD = 2**24


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
        self._tracking = task if isinstance(task, TrackingTask) else None
        self._set_tables()
        self._info = InfoMaker(task.int_facts, task.float_facts)
        n_ints, n_state = len(task.int_facts), len(task.response.facts)
        self._answer_rows = slice(n_ints - n_state, n_ints)
        self._rt_row = n_ints
        # Reaction times by steps, as bits; the last entry, reached by index -1, is "none".
        times = np.append(np.arange(task.max_steps + 1) * task.dt, np.nan)
        self._rt_bits = times.view(np.int64)
        # Sessions hand on from trial to trial without a row between: one trial of outlook.
        self._outlook = int(self._per_episode > 1)
        self._table: Table | None = None
        self._depth = 0
        self._trial = np.zeros(n, dtype=np.int64)  # first trial of each column in the table
        self._first_slot = np.zeros(n, dtype=np.int64)
        self._slot = np.zeros(n, dtype=np.int64)
        self._pos = np.zeros(n, dtype=np.int64)
        self._stop = np.zeros(n, dtype=np.int64)
        self._state = np.zeros(n, dtype=np.int64)
        self._span = np.arange(task.max_steps)
        # Actions by row of the table, so that a trial's actions lie side by side.
        self._by_row = task.records
        self._actions_by_row: Array | None = None

    def _set_tables(self) -> None:
        """Flat tables over (row code, state, action), the time since the answer in the state."""
        timed = self.task.response.timed(self._longest_wait())
        self._scale, self._actions = timed.states * timed.actions, timed.actions
        # States are kept multiplied by the number of actions, ready to be added to the index.
        self._next = (timed.next * timed.actions).ravel()
        self._reward = timed.reward.ravel()
        self._gain = timed.gain.ravel() if timed.gain.any() else None
        self._ends = timed.ends.ravel() if timed.ends.any() else None
        #: Steps since the answer, by state; unanswered states have a number beyond all times.
        self._since = timed.since.repeat(timed.actions)
        self._state_facts = timed.facts.repeat(timed.actions, axis=1)

    def _longest_wait(self) -> int:
        """Most steps between an answer and the end of its trial."""
        response = self.task.response
        if not (response.stamps & ~response.ends).any():
            return 0
        span = self.task.answer_span
        return (span if span is not None else self.task.max_steps) - 1

    # ---------------------------------------------------------------- the table

    @property
    def trial(self) -> Array:
        if self._table is None:
            return self._trial.copy()
        return self._trial + (self._slot - self._first_slot)

    @property
    def _known(self) -> Table:
        assert self._table is not None, "reset() comes first"
        return self._table

    def _steps(self) -> Array:
        """(n,) steps into the trial, -1 on the row before it."""
        return self._pos - self._known.start[self._slot]

    def _draw(self, trial: Array, steps: Array, depth: int) -> None:
        """Draw ``depth`` trials a column, from ``trial`` (n,) on; columns are ``steps`` (n,) in."""
        past = self._past_actions() if self._actions_by_row is not None else None
        self._depth, self._trial = depth, trial
        self._table = table = Table(self.task, self.seeds, trial, depth, self._scale)
        self._written_out = table.written_out
        self._first_slot = np.arange(self.n) * depth
        self._slot = self._first_slot.copy()
        start = table.start.take(self._slot)
        self._pos = start + steps
        self._stop = table.stop.take(self._slot)
        self._cell = self._cell_at(self._pos)
        self._to_check = depth - self._outlook
        if self._by_row:
            self._actions_by_row = self._blank_actions(len(table.owner))
            if past is not None:
                self._put_past_actions(past)

    def _blank_actions(self, *shape: int) -> Array:
        kind = self.actions
        return np.full((*shape, *kind.item), kind.blank, dtype=kind.dtype)

    def _past_actions(self) -> Array:
        """(n, max_steps, ...) actions of the running trials, blank where there is none yet."""
        past = self._blank_actions(self.n, self.task.max_steps)
        if self._actions_by_row is not None:
            # By steps, because a column between trials may have none in the table.
            steps = np.maximum(self._steps(), 0)
            known = self._span < steps[:, None]
            rows = np.where(known, (self._pos - steps)[:, None] + self._span, 0)
            past[known] = self._actions_by_row.take(rows, axis=0)[known]
        return past

    def _put_past_actions(self, past: Array) -> None:
        """Enter the actions of the running trials into a new table."""
        assert self._actions_by_row is not None
        start = self._known.start.take(self._slot)
        known = self._span < np.maximum(self._pos - start, 0)[:, None]
        rows = start[:, None] + self._span
        self._actions_by_row[rows[known]] = past[known]

    def _cell_at(self, pos: Array) -> Array:
        """Where the table keeps what the rows ``pos`` show."""
        return pos.copy() if self._written_out else self._known.owner.take(pos)

    def _draw_more(self, trial: Array, steps: Array) -> None:
        """Draw a table that reaches further, when some column has used up its trials."""
        rows = _ROWS_AHEAD if self._ends is None else _ROWS_AHEAD_OF_ANSWERS
        rows = min(rows, _NUMBERS_AHEAD // len(self.task.all_channels))
        most = min(_TRIALS_AHEAD, rows // self.task.max_steps) // self.n
        most = max(most, 2 + self._outlook)
        self._draw(trial, steps, min(max(4 * self._depth, 1 + self._outlook), most))

    def _redraw(self, columns: Array, trial: Array, seeded: Array) -> None:
        if self._table is not None and not seeded.any():
            self._place(columns, trial[columns], between=False)
            return
        steps = np.zeros(self.n, dtype=np.int64)
        if self._table is not None and columns.size < self.n:
            steps = self._steps()
            steps[columns] = 0
        self._state[columns] = 0
        self._draw(trial, steps, 1 + self._outlook)

    def _place(self, columns: Array, trial: Array, *, between: bool) -> None:
        self._state[columns] = 0
        ahead = trial - self._trial[columns]
        if (ahead >= self._depth - self._outlook).any():
            steps, every = self._steps(), self.trial
            steps[columns], every[columns] = -int(between), trial
            self._draw_more(every, steps)
            return
        slot = self._first_slot[columns] + ahead
        self._slot[columns] = slot
        self._stop[columns] = self._known.stop[slot]
        self._pos[columns] = self._known.start[slot] - int(between)
        self._cell = self._cell_at(self._pos)
        self._to_check = 1

    def player(self) -> ScriptedPlayer | None:
        return None if self.task.targets else ScriptedPlayer(self)

    # ---------------------------------------------------------------- a step

    def _play(self, actions: Array) -> tuple[Array, Array, Array, Info]:
        table, row = self._known, self._pos
        index = table.code.take(self._cell)
        if self._holds:
            index[self.over] = 0  # the code TERMINAL: nothing earned, nothing changed
        index += self._state
        if self._tracking is None:
            index += actions
        self._state = self._next.take(index)
        if self._actions_by_row is not None:
            self._actions_by_row[row] = actions
        reward = self._reward.take(index)
        if self._gain is not None:
            self._add_gain(index, row, reward)
        if self._tracking is not None:
            goal, done = table.rows.target.take(row, axis=0).T, actions.T.astype(np.float64)
            reward = table.rows.value.take(row) * self._tracking.payoff(tuple(goal), tuple(done))
            if self._holds:
                reward[self.over] = 0.0
        pos = row + ~self.over if self._holds else row + 1
        if self._ends is not None:
            np.copyto(pos, self._stop, where=self._ends.take(index))
        ended = pos == self._stop
        if self._holds:
            ended &= ~self.over
        self._pos = pos
        self._cell = cell = pos if self._written_out else table.owner.take(pos)
        obs = table.obs.take(cell, axis=0)
        columns = ended.nonzero()[0]
        info = self._end_trials(table, columns, row.take(columns), ended) if columns.size else {}
        return obs, reward, ended, info

    def _add_gain(self, index: Array, row: Array, reward: Array) -> None:
        """Add what rows (n,) give beyond the rewards of the response's table, in place."""
        assert self._gain is not None
        gain = self._gain.take(index)
        earning = gain.nonzero()[0]
        if earning.size:
            reward[earning] += gain[earning] * self._known.values(row.take(earning))

    def _end_trials(self, table: Table, columns: Array, last: Array, ended: Array) -> Info:
        """Facts of the trials that have just ended; their columns move on to the next trial.

        Args:
            table: the table.
            columns: (k,) columns whose trials have ended.
            last: (k,) their last rows.
            ended: (n,) bool, true at ``columns``.
        """
        slot = self._slot.take(columns)
        played = PlayedByRow(self, slot, last) if self.task.records else None
        facts = self.facts_of(table.facts, slot, self._state.take(columns), last, played)
        info = self._info.make(facts, columns, self.n)
        if self._holds:
            self._hand_on_held(columns)
        else:
            self._hand_on(ended)
        return info

    def facts_of(
        self, drawn: Array, slot: Array, state: Array, last: Array, played: Played | None
    ) -> Array:
        """Facts of k trials that have ended, as 64-bit words, (facts + 1, k).

        Args:
            drawn: the facts of the table that the trials stand in.
            slot: (k,) which of its trials they are.
            state: (k,) states that they have ended in.
            last: (k,) their last rows.
            played: their actions, where the task ``records``.
        """
        facts = drawn.take(slot, axis=1)
        facts[self._answer_rows] = self._state_facts.take(state, axis=1)
        time = last - facts[-1]
        time -= self._since.take(state)
        facts[self._rt_row] = self._rt_bits.take(np.maximum(time, -1, out=time))
        if self.task.finishes:
            self.task.finish(self._info.named(facts), played)
        return facts

    def _hand_on_held(self, columns: Array) -> None:
        """Go on to the next trial of the episode; columns whose episode is over stay."""
        if self._per_episode > 1:
            ended = np.zeros(self.n, dtype=bool)
            ended[columns] = ~self._last_of_episode()[columns]
            self._hand_on(ended)

    def _hand_on(self, ended: Array) -> None:
        """Go on to the next trial; where an episode has ended, its terminal row comes first."""
        if self._per_episode > 1:
            self._state[ended] = 0  # no terminal row between, which would do so
        self._to_check -= 1
        if self._to_check <= 0:
            # A vector step ends at most one trial a column, so there is no need to look again
            # before as many steps as the foremost column has trials left.
            ahead = self._slot - self._first_slot + ended
            self._to_check = self._depth - self._outlook - int(ahead.max())
            if self._to_check <= 0:
                self._hand_on_to_new_table(ended)
                return
        self._slot += ended
        self._stop = self._known.stop.take(self._slot)

    def _hand_on_to_new_table(self, ended: Array) -> None:
        trial, steps = self.trial, self._steps()
        trial += ended
        terminal = trial % self._per_episode == 0
        steps[ended] = -terminal[ended].astype(np.int64)
        self._draw_more(trial, steps)

    def _observe(self) -> Array:
        return self._known.obs.take(self._cell, axis=0)

    def targets(self) -> Array:
        if self._written_out or self.task.teaches:
            return self._known.rows.target.take(self._pos, axis=0)
        code = self._known.code.take(self._cell) // self._scale
        return self.task.response.target.take(code)

    def periods(self) -> Array:
        self._settle()
        return self._known.periods(self._pos)

    # ---------------------------------------------------------------- state

    def _own_state(self) -> dict[str, Any]:
        known = self._table is not None
        past = {"past_actions": self._past_actions()} if self.task.records else {}
        return {
            "step": self._steps() if known else np.zeros(self.n, dtype=np.int64),
            "response": self._state // self._actions,
            **past,
        }

    def _set_own_state(self, state: Mapping[str, Any]) -> None:
        self._state = state["response"] * self._actions
        self._actions_by_row = None
        self._draw(state["trial"], state["step"], 1 + self._outlook)
        if self.task.records:
            self._put_past_actions(state["past_actions"])
