"""A shorter way through a scripted task with autoreset in the next step.

All rows of a column lie one behind another, so a step is one row forward, or to the end of the
trial where an answer ends it. Which trial a row belongs to, and whether it is the last one, stands
beside the row; positions in trials are worked out only when somebody asks for them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from .engine import Step
from .info import Info, LateInfo
from .played import PlayedByRow
from .response import TERMINAL
from .scripted import ScriptedEngine
from .scripted_task import ScriptedTask

Array = npt.NDArray[Any]


def walk_fits(task: ScriptedTask, mode: AutoresetMode, max_steps: int | None) -> bool:
    """Whether the shorter way exists in this setting."""
    return mode is AutoresetMode.NEXT_STEP and max_steps is None and not task.targets


class WalkEngine(ScriptedEngine):
    """A scripted engine that keeps nothing but rows and states; equal to its parent."""

    def __init__(self, task: ScriptedTask, n: int) -> None:
        super().__init__(task, n, AutoresetMode.NEXT_STEP)
        self._shows_past = bool(self._extra.shape[1])
        self._sessions = self._per_episode > 1
        self._astray = False  # positions have gone on, the trials they belong to have not

    def _draw(self, trial: Array, steps: Array, depth: int) -> None:
        super()._draw(trial, steps, depth)
        table = self._known
        self._count = table.trials.all_durations.shape[1]
        owners = np.arange(table.trials.all_durations.size)
        trial = owners // self._count
        #: By owner: the row behind the trial's last, and whether the trial ends its episode.
        self._stop_of = table.stop.take(trial)
        if self._sessions:
            self._final_of = ((table.facts[0] + 1) % self._per_episode == 0).take(trial)
        self._own = table.owner.take(self._pos)
        self._shortest = self._shortest_trial()
        self._astray = False

    def _shortest_trial(self) -> int:
        """Fewest steps from the beginning of one trial to that of the next, in this table."""
        table = self._known
        lengths = table.stop - table.start
        if self._ends is None:
            return int(lengths.min())
        # Steps before the first period in which an answer can end the trial.
        by_code = self._ends.reshape(-1, self._scale).any(axis=1)
        if table.written_out:
            return 1
        codes = table.code.reshape(-1, self._count) // self._scale
        can_end = by_code.take(codes)
        if (can_end[:, 1] & (table.trials.durations[:, 0] > 0)).any():
            return 1  # already the first step of a trial can end it
        durations = table.trials.all_durations * (codes != TERMINAL)
        before = (durations * (np.cumsum(can_end & (durations > 0), axis=1) == 0)).sum(axis=1)
        return int(np.minimum(before + 1, lengths).min())

    def step(self, actions: Any) -> Step:
        actions = self.checked(actions)
        self._to_check -= 1
        if self._to_check < 0:
            self._look_ahead()
        row = self._pos
        own = self._own
        reward, ended, after = self._walk(actions, row)
        table = self._known
        self._own = cell = table.owner.take(after)
        obs = table.obs.take(after if table.written_out else cell, axis=0)
        self._pos, self._astray = after, True
        columns = ended.nonzero()[0]
        info: Info = {}
        if columns.size:
            info = self._info_of(columns, own.take(columns), row.take(columns))
        none = np.zeros(self.n, dtype=bool)
        if self._sessions:
            self._state[ended] = 0  # there is no row between the trials, which would do so
            over = ended & self._final_of.take(own)
            terminated, truncated = none, over
        else:
            over = terminated = ended
            truncated = none
        if self._shows_past:
            self._show_past(obs, actions, reward)
        self.over = over.copy()
        return obs, reward, terminated, truncated, info

    def _walk(self, actions: Array, row: Array) -> tuple[Array, Array, Array]:
        """Reward, ended and the next row of every column; the state goes on."""
        table, own = self._known, self._own
        stop = self._stop_of.take(own)
        after = row + 1
        ended = after == stop
        if self._tracking is not None:
            rows = table.rows
            goal, done = rows.target.take(row, axis=0).T, actions.T.astype(np.float64)
            reward = rows.value.take(row) * self._tracking.payoff(tuple(goal), tuple(done))
        else:
            index = table.code.take(row if table.written_out else own)
            index += self._state
            index += actions
            self._state = self._next.take(index)
            reward = self._reward.take(index)
            if self._gain is not None:
                self._add_gain(index, row, reward)
        if self._actions_by_row is not None:
            self._actions_by_row[row] = actions
        if self._ends is not None:
            ended |= self._ends.take(index)
            np.copyto(after, stop, where=ended)
        return reward, ended, after

    def _info_of(self, columns: Array, own: Array, last: Array) -> Info:
        """Info of the trials that end in ``columns`` (k,): their last rows, and whose these are."""
        slot, state = own // self._count, self._state.take(columns)
        drawn = self._known.facts
        played = PlayedByRow(self, slot, last) if self.task.records else None

        def make() -> Info:
            facts = self.facts_of(drawn, slot, state, last, played)
            return self._info.make(facts, columns, self.n)

        return LateInfo(make)

    def _show_past(self, obs: Array, actions: Array, reward: Array) -> None:
        """Write previous action and reward into the observations; nothing where a trial begins."""
        first = self._first_extra
        if self.task.prev_action:
            self.actions.show(actions, obs[:, first : first + self.actions.width])
        if self.task.prev_reward:
            obs[:, -1] = reward
        if self.over.any():
            obs[self.over, first:] = 0
        self._extra = obs[:, first:].copy()

    def _look_ahead(self) -> None:
        """Count the steps for which every column has rows left; draw more if there are none."""
        self._settle()
        ahead = int((self._slot - self._first_slot).max())
        left = self._depth - self._outlook - ahead
        if left <= 0:
            self._draw_more(self.trial, self._steps())
            left = self._depth - self._outlook
        # The trial that is under way may end with any step, those behind it take their time.
        self._to_check = (left - 1) * self._shortest

    def _settle(self) -> None:
        """Find the trials that the columns are in, by their rows."""
        if not self._astray:
            return
        self._astray = False
        table = self._known
        count = self._count
        slot, period = np.divmod(table.owner.take(self._pos), count)
        # On a terminal row the column already belongs to its next trial, which may not be drawn.
        self._slot = slot + (period == count - 1)
        self._stop = table.stop.take(np.minimum(self._slot, len(table.stop) - 1))
        self._cell = self._cell_at(self._pos)

    def _steps(self) -> Array:
        # A column on the terminal row of its last drawn trial has no next trial in the table.
        start = np.append(self._known.start, -1)
        return np.where(self.over, -1, self._pos - start.take(self._slot))

    @property
    def trial(self) -> Array:
        self._settle()
        return super().trial

    def periods(self) -> Array:
        self._settle()
        return super().periods()
