"""Scores by simulation, for yardsticks that no formula gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .policy import Policy

if TYPE_CHECKING:
    from .task import Task

#: Columns of simulations lie where neither training nor evaluation has theirs.
_SEED = 2**42


def simulated_score(
    task: Task,
    policy: Policy,
    episodes: int,
    measure: Callable[[Mapping[str, Any]], Any] | None = None,
) -> float:
    """Mean score of a policy over the first trials or session of so many columns, fixed seeds.

    Args:
        task: the task.
        policy: what plays it.
        episodes: how many columns play one episode.
        measure: another number per trial, (n,) from an info, to be averaged instead of the score.
    """
    measure = task.score if measure is None else measure
    batch = task.vector(episodes, autoreset_mode="disabled")
    obs, _ = batch.reset(seed=_SEED)
    state, over = None, np.zeros(episodes, dtype=bool)
    total, count = 0.0, 0
    while not over.all():
        actions, state = policy.predict(obs, state)
        obs, _, terminated, truncated, info = batch.step(actions)
        over = terminated | truncated
        if "_trial_end" in info:
            score = measure(info)[info["_trial_end"]]
            total, count = total + float(score.sum()), count + len(score)
    return total / count
