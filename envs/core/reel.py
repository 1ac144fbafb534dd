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
from .response import TERMINAL
from .scripted import ScriptedEngine
from .table import Table
from .task import ScriptedTask

Array = npt.NDArray[Any]

#: Steps laid out at once: at most so many, and fewer in large batches, whose stretch would not
#: stay in the cache.
_LENGTH, _SHORTEST, _CELLS = 64, 16, 16384


def reel_fits(task: ScriptedTask, mode: AutoresetMode, max_steps: int | None) -> bool:
    """Whether nothing but state, reward and answer depends on actions in this setting."""
    response = task.response
    return (
        mode in (AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED)
        and max_steps is None
        and task.trials_per_episode == 1
        and task.answer_span is not None
        and not response.ends.any()
        and not response.gain.any()
        and not task.finishes
        and not (task.prev_action or task.prev_reward or task.targets)
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
        first: H + 1 offsets of each step's ends in ``columns`` and ``answers``.
        columns: (E,) columns of all ends, by time.
        ints, floats: (H, facts, B) facts of the trials that end, the drawn ones filled in.
        answers: (E, a) places of each end's answer facts in ``flat``.
        flat: all facts as one line of 64-bit words.
        masks: (H, facts + 2, B) bool.
    """

    def __init__(
        self, table: Table, rows: Array, holds: bool, n_ints: int, answer_rows: slice
    ) -> None:
        """Gather the table's ``rows`` (H + 1, B), from the current one on."""
        length, n = len(rows) - 1, rows.shape[1]
        owner = table.owner.take(rows)
        cell = rows if table.written_out else owner
        code = table.code.take(cell)
        self.length = length
        self.code = code[:-1]
        self.obs = table.obs.take(cell[1:], axis=0)
        self.over = code[1:] == TERMINAL
        ended = self.over & (self.code != TERMINAL) if holds else self.over
        flat_end = ended.ravel().nonzero()[0]
        time, self.columns = np.divmod(flat_end, n)
        slot = owner[1:].ravel().take(flat_end) // table.trials.all_durations.shape[1]
        facts = len(table.facts) - 1
        block = np.zeros((length, facts, n), dtype=np.int64)
        block[time, :, self.columns] = table.facts[:facts].take(slot, axis=1).T
        self.flat = block.ravel()
        self.ints = block[:, :n_ints]
        self.floats = block.view(np.float64)[:, n_ints:]
        places = np.arange(facts)[answer_rows] * n
        self.answers = (time * (facts * n) + self.columns)[:, None] + places
        self.first = np.searchsorted(time, np.arange(length + 1)).tolist()
        self.masks = np.empty((length, facts + 2, n), dtype=bool)
        self.masks[:] = ended[:, None]


class ReelEngine(ScriptedEngine):
    """A scripted engine that plays from a reel; equal to its parent in all it returns."""

    def __init__(self, task: ScriptedTask, n: int, mode: AutoresetMode) -> None:
        super().__init__(task, n, mode)
        span = task.answer_span
        assert span is not None
        # All trials end ``span`` steps after their go: the state alone tells the reaction time.
        time = np.maximum(span - 1 - self._since, -1)
        self._outcome = np.vstack([self._state_facts, self._rt_bits.take(time)]).T.copy()
        self._outcome_rows = slice(self._answer_rows.start, self._rt_row + 1)
        names = self._info.names
        self._keys = (*names, "trial_end", *(f"_{name}" for name in names), "_trial_end")
        self._reel: Reel | None = None
        self._time = 0

    def step(self, actions: Any) -> Step:
        actions = self.checked(actions)
        reel, time = self._reel, self._time
        if reel is None or time == reel.length:
            reel, time = self._next_reel(), 0
        self._time = time + 1
        index = reel.code[time] + self._state
        index += actions
        self._state = state = self._next.take(index)
        reward = self._reward.take(index)
        first, last = reel.first[time], reel.first[time + 1]
        info = {}
        if last > first:
            final = state.take(reel.columns[first:last])
            reel.flat[reel.answers[first:last]] = self._outcome.take(final, axis=0)
            rows = (*reel.ints[time], *reel.floats[time], *reel.masks[time])
            info = dict(zip(self._keys, rows, strict=False))  # as many by construction
        return reel.obs[time], reward, reel.over[time], np.zeros(self.n, dtype=bool), info

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
        n_ints = self._info.n_ints
        self._reel = Reel(self._known, rows, self._holds, n_ints, self._outcome_rows)
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
