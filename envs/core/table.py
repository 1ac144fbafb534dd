"""The trial table: many trials laid out row by row, one behind another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .random import Draws
from .response import TERMINAL

if TYPE_CHECKING:
    from .task import ScriptedTask

Array = npt.NDArray[Any]


@dataclass
class Trials:
    """n drawn trials, described period by period.

    Attributes:
        durations: (n, P) int64, length of each period in steps.
        patterns: (n, P, channels) float32, observation during each period.
        codes: (n, P) int64, row code of each period (see ``Response``).
        go: (n,) int64, step within the trial from which reaction times count.
        ints: per name (n,), drawn facts in the order of the task's ``int_facts`` after ``trial``.
        floats: per name (n,), drawn facts among the task's ``float_facts``.
    """

    durations: Array
    patterns: Array
    codes: Array
    go: Array
    ints: dict[str, Array]
    floats: dict[str, Array] = field(default_factory=dict)


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
        target: (R,) int64 targets.
    """

    obs: Array
    trial: Array
    step: Array
    live: Array
    code: Array
    value: Array
    target: Array


@dataclass
class Table:
    """Trials of B columns, ``depth`` of each, all rows in one flat block.

    Per column the block holds one row from before its first trial, then its trials in order. A
    trial that ends an episode is followed by its terminal row, so the row after a terminal row is
    always the first of the next trial: autoreset is one step forward.
    """

    rows: Rows
    code_offset: Array  # (R,) row code, scaled to index the flat response tables
    period: Array  # (R,) index of the period, -1 on rows between episodes
    start: Array  # (N,) flat row of each trial's first step
    stop: Array  # (N,) flat row behind each trial's last step
    go: Array  # (N,) float64 flat row from which reaction times count
    facts: Array  # (facts, N) int64; float facts are stored by their bits


def build_table(task: ScriptedTask, seeds: Array, first: Array, depth: int) -> Table:
    """Draw ``depth`` trials of every column from trial number ``first`` on.

    Args:
        task: the task.
        seeds: (B,) column seeds.
        first: (B,) number of the first trial of each column.
        depth: trials per column.
    """
    numbers = (first[:, None] + np.arange(depth)).ravel()
    draws = Draws(np.repeat(seeds, depth), numbers, ahead=task.draws_ahead)
    trials = task.draw(draws)
    n, periods = trials.durations.shape
    # Two more "periods": the row before a column's first trial, and the terminal row.
    counts = np.zeros((n, periods + 2), dtype=np.int64)
    counts[::depth, 0] = 1
    counts[:, 1:-1] = trials.durations
    counts[:, -1] = (numbers + 1) % task.trials_per_episode == 0
    owner = np.repeat(np.arange(counts.size), counts.ravel())
    trial, period = np.divmod(owner, periods + 2)
    ends = np.cumsum(counts.sum(axis=1))
    stop = ends - counts[:, -1]
    start = stop - trials.durations.sum(axis=1)
    rows = _lay_out(task, trials, owner, trial, start)
    task.fill(rows, trials, draws)
    _, states, actions = task.response.shape
    return Table(
        rows=rows,
        code_offset=rows.code * (states * actions),
        period=np.where(rows.live, period - 1, -1),
        start=start,
        stop=stop,
        go=(start + trials.go).astype(np.float64),
        facts=_fact_table(task, trials, numbers),
    )


def _lay_out(task: ScriptedTask, trials: Trials, owner: Array, trial: Array, start: Array) -> Rows:
    n, periods = trials.durations.shape
    codes = np.full((n, periods + 2), TERMINAL, dtype=np.int64)
    codes[:, 1:-1] = trials.codes
    patterns = np.zeros((n, periods + 2, len(task.all_channels)), dtype=np.float32)
    patterns[:, 1:-1, : trials.patterns.shape[2]] = trials.patterns
    code = codes.ravel().take(owner)
    live = code != TERMINAL
    step = np.arange(len(owner)) - start.take(trial)
    obs = patterns.reshape(n * (periods + 2), -1).take(owner, axis=0)
    if task.time:
        obs[:, len(task.channels)] = np.where(live, step / task.max_steps, 0.0)
    target = task.response.target.take(code)
    return Rows(obs, trial, step, live, code, np.zeros(len(owner)), target)


def _fact_table(task: ScriptedTask, trials: Trials, numbers: Array) -> Array:
    names = task.int_facts + task.float_facts
    facts = np.zeros((len(names), len(numbers)), dtype=np.int64)
    floats = facts.view(np.float64)
    facts[0] = numbers
    for name, value in trials.ints.items():
        facts[names.index(name)] = value
    for name, value in trials.floats.items():
        floats[names.index(name)] = value
    return facts
