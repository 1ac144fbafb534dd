"""Mistakes that people make outside single tasks are told in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from caudate.envs import TaskError, collect_trials, make_task, psychophysics

MATCH = "caudate/DelayedMatch-v0"


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (lambda: collect_trials(MATCH, lambda obs: 0), "function without predict"),
        (lambda: collect_trials(MATCH, object()), "object without predict"),
        (lambda: psychophysics.bisection(None), "NoneType is no trial table"),  # type: ignore
        (lambda: psychophysics.bisection([1, 2]), "list is no trial table"),  # type: ignore
        (lambda: psychophysics.bisection({}), "it has none at all"),
        (lambda: psychophysics.bisection({"duration": np.ones(9)}), "did you mean 'duration'"),
        (
            lambda: psychophysics.bisection({"duration_ms": ["short", "long"], "choice": [1, 2]}),
            "column 'duration_ms' is not all numbers",
        ),
        (lambda: gym.make("caudate/MultiTask-v0"), "pass at least one id"),
        (lambda: gym.make("caudate/MultiTask-v0", tasks=MATCH), "is not a list of tasks"),
    ],
)
def test_one_sentence(mistake: Callable[[], Any], said: str) -> None:
    with pytest.raises(TaskError, match=said) as caught:
        mistake()
    assert str(caught.value).count(". ") == 0


def test_ids_that_are_no_tasks_of_ours() -> None:
    for bad in ("CartPole-v1", "caudate/MultiTask-v0", None, 3):
        with pytest.raises(TaskError, match="is no task of this library"):
            make_task(bad)  # type: ignore
    with pytest.raises(TaskError, match="did you mean 'caudate/NBack-v0'"):
        make_task("caudate/NBak-v0")
    task = make_task("caudate.envs:caudate/NBack-v0")
    assert task.id == "caudate/NBack-v0"


def test_options_of_a_batch_are_a_dictionary() -> None:
    batch = gym.make_vec("caudate/NBack-v0", num_envs=2)
    with pytest.raises(TaskError, match="is no dictionary"):
        batch.reset(options=[True, False])  # type: ignore
