"""The fast way through a scripted task: what no action can change is laid out step by step.

Where trials have a fixed length and finished columns go on by themselves or hold, the
observations, the row codes, the ends of trials and the drawn facts of the next steps are known
before any action. They are gathered for a stretch of steps at once, in order of time, so that a
step is left with what depends on actions: the state, the reward, and the facts of the answer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from .engine import Step
from .info import Info, LateInfo
from .played import PlayedByTime, actions_since
from .response import TERMINAL
from .scripted import ScriptedEngine
from .scripted_task import Played, ScriptedTask
from .table import Table

Array = npt.NDArray[Any]

#: Steps laid out at once: at most so many, and fewer in large batches, whose stretch would not
#: stay in the cache.
_LENGTH, _SHORTEST, _CELLS = 64, 16, 16384


def reel_fits(task: ScriptedTask, mode: AutoresetMode, max_steps: int | None) -> bool:
    """Whether nothing but state, reward and answer depends on actions in this setting."""
    shows_past = task.prev_action or task.prev_reward
    return (
        (mode is AutoresetMode.NEXT_STEP or (mode is AutoresetMode.DISABLED and not shows_past))
        and max_steps is None
        and task.trials_per_episode == 1
        and task.answer_span is not None
        and not task.response.ends.any()
        and not task.targets
    )


class Reel:
    """The next H steps of all columns, in order of time.

    Every array of it is handed out at most once, row by row, and not read afterwards: rows given
    to callers share no memory with one another.

    Attributes:
        length: H.
        code: (H, B) int64 scaled row codes of the observations that are answered.
        obs: (H, B, d) float32 observations after each step.
        over: (H, B) bool, an episode has ended, with this step or, where columns hold, before.
        first: H + 1 offsets of each step's ends in ``columns`` and ``slots``.
        columns: (E,) columns of all ends, by time.
        slots: (E,) which of the table's trials end.
        drawn: facts of the table's trials.
        value: (H, B) float64 values of the rows that are answered, where they count.
        goals: (H, width, B) float64 goals of these rows, of a ``TrackingTask``.
        starts: per step the columns that stand on the row before an episode, None if there are
            none.
    """

    def __init__(self, table: Table, rows: Array, holds: bool) -> None:
        """Gather the table's ``rows`` (H + 1, B), from the current one on."""
        length, n = len(rows) - 1, rows.shape[1]
        owner = table.owner.take(rows)
        cell = rows if table.written_out else owner
        code = table.code.take(cell)
        self.length, self.drawn = length, table.facts
        self.code = code[:-1]
        self.obs = table.obs.take(cell[1:], axis=0)
        self.over = code[1:] == TERMINAL
        ended = self.over & (self.code != TERMINAL) if holds else self.over
        flat_end = ended.ravel().nonzero()[0]
        time, self.columns = np.divmod(flat_end, n)
        # The last row of a trial, one before the end, belongs to it whatever follows.
        self.slots = owner[:-1].ravel().take(flat_end) // table.trials.all_durations.shape[1]
        self.first = np.searchsorted(time, np.arange(length + 1)).tolist()
        before = self.code == TERMINAL
        self.starts = [
            one.nonzero()[0] if some else None
            for one, some in zip(before, before.any(axis=1).tolist(), strict=True)
        ]

    def add_values(self, table: Table, rows: Array, goals: bool) -> None:
        """Gather what rewards are computed from besides the row codes."""
        answered = rows[:-1]
        self.value = table.values(answered.ravel()).reshape(answered.shape)
        if goals:
            self.goals = np.moveaxis(table.rows.target.take(answered, axis=0), 2, 1).copy()


class ReelEngine(ScriptedEngine):
    """A scripted engine that plays from a reel; equal to its parent in all it returns."""

    def __init__(self, task: ScriptedTask, n: int, mode: AutoresetMode) -> None:
        super().__init__(task, n, mode)
        span = task.answer_span
        assert span is not None
        # All trials end ``span`` steps after their go: the state alone tells the reaction time.
        time = np.maximum(span - 1 - self._since, -1)
        self._outcome = np.vstack([self._state_facts, self._rt_bits.take(time)])
        self._outcome_rows = slice(self._answer_rows.start, self._rt_row + 1)
        self._reel: Reel | None = None
        self._time = 0
        self._shows_past = bool(self._extra.shape[1])
        # Actions by time, of at least the longest trial.
        self._by_row = False
        self._acted = self._blank_actions(2 * task.max_steps + _LENGTH, n) if task.records else None
        self._now = task.max_steps

    def step(self, actions: Any) -> Step:
        actions = self.checked(actions)
        reel, time = self._reel, self._time
        if reel is None or time == reel.length:
            reel, time = self._next_reel(), 0
        self._time = time + 1
        reward = self._react(reel, time, actions)
        if self._acted is not None:
            self._note(actions)
        obs = reel.obs[time]
        if self._shows_past:
            self._show_past(obs, actions, reward, reel.starts[time])
        first, last = reel.first[time], reel.first[time + 1]
        info: Info = {}
        if last > first:
            final = self._state.take(reel.columns[first:last])
            played = None
            if self.task.records:
                ends = slice(first, last)
                played = PlayedByTime(self, reel.slots[ends], reel.columns[ends])
            info = LateInfo(lambda: self._make_info(reel, slice(first, last), final, played))
        return obs, reward, reel.over[time], np.zeros(self.n, dtype=bool), info

    def _react(self, reel: Reel, time: int, actions: Array) -> Array:
        """Reward (n,) of the actions; the state goes on."""
        if self._tracking is not None:
            done = tuple(actions.T.astype(np.float64))
            return reel.value[time] * self._tracking.payoff(tuple(reel.goals[time]), done)
        index = reel.code[time] + self._state
        index += actions
        self._state = self._next.take(index)
        reward = self._reward.take(index)
        if self._gain is not None:
            reward += self._gain.take(index) * reel.value[time]
        return reward

    def _show_past(self, obs: Array, actions: Array, reward: Array, starts: Array | None) -> None:
        """Write previous action and reward into the observations; nothing where a trial begins."""
        first = self._first_extra
        if self.task.prev_action:
            self.actions.show(actions, obs[:, first : first + self.actions.width])
        if self.task.prev_reward:
            obs[:, -1] = reward
        if starts is not None:
            obs[starts, first:] = 0
        self._extra = obs[:, first:].copy()

    def _make_info(self, reel: Reel, ends: slice, final: Array, played: Played | None) -> Info:
        """Info of the ``ends`` of trials that came with a step, in the states ``final`` (k,)."""
        facts = reel.drawn.take(reel.slots[ends], axis=1)
        facts[self._outcome_rows] = self._outcome.take(final, axis=1)
        if self.task.finishes:
            self.task.finish(self._info.named(facts), played)
        return self._info.make(facts, reel.columns[ends], self.n)

    # ---------------------------------------------------------------- actions of the trial

    def _note(self, actions: Array) -> None:
        """Keep the actions of this step, in order of time."""
        acted, most = self._acted, self.task.max_steps
        assert acted is not None
        if self._now == len(acted):
            # A new block, because infos that have not been read yet refer to the old one.
            old, acted = acted, np.empty_like(acted)
            acted[:most] = old[-most:]
            self._acted, self._now = acted, most
        acted[self._now] = actions
        self._now += 1

    def _past_actions(self) -> Array:
        past = self._blank_actions(self.n, self.task.max_steps)
        if self._table is not None and self._acted is not None:
            steps = np.maximum(self._steps(), 0)
            known = self._span < steps[:, None]
            first = self._now - steps
            past[known] = actions_since(self._acted, first, self._span, np.arange(self.n))[known]
        return past

    def _put_past_actions(self, past: Array) -> None:
        assert self._acted is not None
        self._now = self.task.max_steps
        steps = np.maximum(self._steps(), 0)
        known = self._span < steps[:, None]
        times = self._now - steps[:, None] + self._span
        self._acted[times[known], known.nonzero()[0]] = past[known]

    # ---------------------------------------------------------------- laying out

    def _next_reel(self) -> Reel:
        """Lay out the next steps, from a new table if some column has come to the end of its."""
        self._settle()
        length = max(min(_LENGTH, _CELLS // self.n), _SHORTEST)
        if self._holds:
            left = int((self._stop - self._pos).max())
            rows = self._pos + np.arange(max(1, min(length, left)) + 1)[:, None]
            np.minimum(rows, self._stop, out=rows)
        else:
            length = min(length, self._rows_left())
            if length <= 0:
                self._draw_more(self.trial, self._steps())
                length = min(_LENGTH, self._rows_left())
            rows = self._pos + np.arange(length + 1)[:, None]
        self._reel = Reel(self._known, rows, self._holds)
        if self._gain is not None or self._tracking is not None:
            self._reel.add_values(self._known, rows, self._tracking is not None)
        return self._reel

    def _rows_left(self) -> int:
        """Steps until the first column stands on its last row in the table."""
        table = self._known
        last = np.append(table.start[self._depth :: self._depth] - 1, len(table.owner)) - 1
        return int((last - self._pos).min())

    def _settle(self) -> None:
        """Bring positions up to date with the steps played, and put the reel away."""
        if self._reel is None:
            return
        pos = self._pos + self._time
        self._reel, self._time = None, 0
        if self._holds:
            self._pos = np.minimum(pos, self._stop)
            self.over = self._pos == self._stop
        else:
            self._pos = pos
            self._find_trials()
        self._cell = self._cell_at(self._pos)

    def _find_trials(self) -> None:
        """Which trials the columns are in, by their rows."""
        table = self._known
        count = table.trials.all_durations.shape[1]
        slot, period = np.divmod(table.owner.take(self._pos), count)
        # On a terminal row the column already belongs to its next trial, which may not be drawn.
        ended = period == count - 1
        self.over = ended | (period == 0)
        self._slot = slot + ended
        self._stop = table.stop.take(np.minimum(self._slot, len(table.stop) - 1))

    def _steps(self) -> Array:
        if self._holds:
            return super()._steps()
        # A column on the terminal row of its last drawn trial has no next trial in the table.
        start = np.append(self._known.start, -1)
        return np.where(self.over, -1, self._pos - start.take(self._slot))
