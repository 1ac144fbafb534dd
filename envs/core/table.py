"""The trial table: many trials, drawn ahead and laid out one behind another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .random import Draws
from .response import TERMINAL

if TYPE_CHECKING:
    from .scripted_task import ScriptedTask

Array = npt.NDArray[Any]


class Trials:
    """n blank trials that a task's ``draw`` fills in, described period by period.

    Attributes:
        durations: (n, P) int64, length of each period in steps.
        patterns: (n, P, channels) float32, what the task's own channels show in each period.
        codes: (n, P) int64, row code of each period (see ``Response``).
        go: (n,) int64, step within the trial from which reaction times count.
    """

    def __init__(self, task: ScriptedTask, numbers: Array) -> None:
        n, periods = len(numbers), len(task.period_names)
        # Two more periods than the task knows: the row before a column's first trial, and the
        # terminal row. The task sees and fills what is between them.
        self.all_durations = np.zeros((n, periods + 2), dtype=np.int64)
        shape = (n, periods + 2, len(task.all_channels))
        self.all_patterns = np.zeros(shape, dtype=np.float32)
        self.all_codes = np.full((n, periods + 2), TERMINAL, dtype=np.int64)
        self.durations = self.all_durations[:, 1:-1]
        self.patterns = self.all_patterns[:, 1:-1, : len(task.channels)]
        self.codes = self.all_codes[:, 1:-1]
        self._n_ints = len(task.int_facts)
        self._names = task.int_facts + task.float_facts
        # One block of 64-bit words, floats stored by their bits: trial ends gather it as a whole.
        self.facts = np.zeros((len(self._names) + 1, n), dtype=np.int64)
        self.facts[0] = numbers
        self.go = self.facts[-1]

    def fact(self, name: str) -> Array:
        """(n,) values of a fact, int64 or float64, to be written in place."""
        row = self._names.index(name)
        return self.facts[row] if row < self._n_ints else self.facts[row].view(np.float64)


@dataclass
class Rows:
    """All rows of a table, open to a task's ``fill``.

    Attributes:
        obs: (R, d) float32 observations.
        trial: (R,) int64 index of the trial among those drawn.
        step: (R,) int64 step within the trial; -1 or the trial's length on rows between episodes.
        live: (R,) bool, False on rows between episodes.
        code: (R,) int64 row codes.
        value: (R,) float64 values that ``Response.gain`` multiplies.
        target: (R,) int64 targets; (R, width) float64 goals in a ``TrackingTask``.
    """

    obs: Array
    trial: Array
    step: Array
    live: Array
    code: Array
    value: Array
    target: Array


class Table:
    """Trials of B columns, ``depth`` of each, all rows in one flat block.

    Per column the block holds one row from before its first trial, then its trials in order. A
    trial that ends an episode is followed by its terminal row, so the row after a terminal row is
    always the first of the next trial: autoreset is one step forward.

    A row is kept as the number of the period it belongs to (``owner``), and what the period shows
    is looked up. Only a task that changes single rows (``fill``) has its rows written out.

    Attributes:
        owner: (R,) int64, trial * periods + period of each row.
        obs: observations, by row if the rows are written out, else by owner.
        code: scaled row codes, by row or by owner.
        start: (N,) row of each trial's first step.
        stop: (N,) row behind each trial's last step.
        facts: (facts + 1, N) int64; the last line is the row from which reaction times count.
    """

    def __init__(
        self, task: ScriptedTask, seeds: Array, first: Array, depth: int, code_scale: int = 1
    ) -> None:
        """Draw ``depth`` trials of every column, from trial number ``first`` (B,) on.

        Args:
            task: the task.
            seeds: (B,) column seeds.
            first: (B,) trial numbers.
            depth: trials per column.
            code_scale: what row codes are multiplied by in ``code``.
        """
        self._task = task
        numbers = (first[:, None] + np.arange(depth)).ravel()
        draws = Draws(np.repeat(seeds, depth), numbers, ahead=task.draws_ahead)
        self.trials = trials = Trials(task, numbers)
        task.draw(draws, trials)
        durations = trials.all_durations
        durations[::depth, 0] = 1
        durations[:, -1] = (numbers + 1) % task.trials_per_episode == 0
        self.owner = np.repeat(np.arange(durations.size), durations.ravel())
        self.stop = np.cumsum(durations.sum(axis=1)) - durations[:, -1]
        self.start = self.stop - trials.durations.sum(axis=1)
        self.facts = trials.facts
        self._steps = trials.go.copy()
        trials.go += self.start
        self.written_out = task.fills or task.time
        if self.written_out:
            task.fill(self.rows, trials, self._steps, draws)
            self.rows.value[~self.rows.live] = 0.0
            self.obs, code = self.rows.obs, self.rows.code
        else:
            self.obs = trials.all_patterns.reshape(durations.size, -1)
            code = trials.all_codes.ravel()
        self.code = code * code_scale
        self._periods = durations.shape[1]
        self._by_time = task.values_by_time
        if self._by_time is not None:
            # What a row's number has to be added to for its place in the flat values.
            condition = trials.fact("condition")
            self._first_value = condition * self._by_time.shape[1] - trials.go

    def values(self, rows: Array) -> Array:
        """(k,) values of rows (k,), which ``Response.gain`` multiplies; junk where it is 0."""
        if self._by_time is None:
            return self.rows.value.take(rows)
        place = self._first_value.take(self.owner.take(rows) // self._periods)
        place += rows
        return self._by_time.take(place, mode="clip")

    @cached_property
    def rows(self) -> Rows:
        """The rows written out."""
        trials, task = self.trials, self._task
        trial = self.owner // trials.all_durations.shape[1]
        code = trials.all_codes.ravel().take(self.owner)
        live = code != TERMINAL
        step = np.arange(len(self.owner)) - self.start.take(trial)
        patterns = trials.all_patterns.reshape(trials.all_durations.size, -1)
        obs = patterns.take(self.owner, axis=0)
        if task.time:
            obs[:, len(task.channels)] = np.where(live, step / task.max_steps, 0.0)
        rows = Rows(obs, trial, step, live, code, np.zeros(len(code)), task.blank_targets(code))
        task.teach(rows, trials, step - self._steps.take(trial))
        return rows

    def periods(self, rows: Array) -> Array:
        """Index of the period of each row, -1 on rows between episodes."""
        count = self.trials.all_durations.shape[1]
        period = self.owner.take(rows) % count
        return np.where(period < count - 1, period - 1, -1)
