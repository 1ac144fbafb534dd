"""Whole trials as arrays, for supervised work and for oracles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .actions import actions_of
from .errors import TaskError, check_int
from .random import check_seed
from .table import Table

if TYPE_CHECKING:
    from .task import Task

Array = npt.NDArray[Any]


class TrialSamples(NamedTuple):
    """n trials, padded to the longest.

    Attributes:
        obs: (T, n, d) float32 observations, 0 behind a trial's end. A previous action that they
            show is the teacher's; previous rewards are left at 0.
        target: (T, n) int64 action that the teacher gives; (T, n, width) float64 where actions are
            vectors.
        mask: (T, n) bool, true on the steps of the trial.
        lengths: (n,) int64 steps of each trial if no answer ends it early.
        facts: per name (n,), what was drawn for each trial.
    """

    obs: Array
    target: Array
    mask: Array
    lengths: Array
    facts: dict[str, Array]


def sample_trials(task: Task, n: int, seed: int) -> TrialSamples:
    """Trials 0 to n - 1 of the column ``seed``, as a single env with that seed shows them."""
    from .scripted_task import ScriptedTask

    if not isinstance(task, ScriptedTask) or not task.supervised:
        raise TaskError(
            f"{task.name} has no supervised targets, so it has no sample_trials(); train it by "
            "reward."
        )
    n, seed = check_int("n", n, 1), check_seed(seed)
    first = np.zeros(1, dtype=np.int64)
    table = Table(task, np.array([seed], dtype=np.int64), first, n)
    lengths = table.stop - table.start
    mask = np.arange(lengths.max())[:, None] < lengths
    rows = np.where(mask, table.start + np.arange(lengths.max())[:, None], 0)
    target = table.rows.target[rows]
    target[~mask] = 0
    obs = np.where(mask[:, :, None], table.rows.obs[rows], np.float32(0))
    if task.prev_action:
        first = len(task.channels) + task.time
        shown = actions_of(task.action_space, task.name, n)
        for step in range(1, len(obs)):
            past = obs[step, :, first : first + shown.width]
            shown.show(target[step - 1].astype(shown.dtype), past)
            past[~mask[step]] = 0
    return TrialSamples(
        obs=obs,
        target=target,
        mask=mask,
        lengths=lengths,
        facts={name: table.trials.fact(name).copy() for name in task.drawn_facts},
    )
