"""Extreme parameters: a task plays with them, or refuses them in one clear sentence."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import caudate.envs
from caudate.envs import Task, TaskError, make_task

#: Presets are tasks with other parameters: the base ids stand for them.
BASE_IDS = [one for one in caudate.envs.task_ids() if one.removesuffix("-v0").count("-") == 0]
COMMON = {field.name for field in dataclasses.fields(Task)}
STEPS = 30

#: Tried on every parameter of every task.
ODD: list[Any] = [
    *(0, 1, 2, 7, 1000, 10**9, 10**20, 10**400, -1, -100),
    *(-0.1, 1e-9, 0.5, 1.1, 49.0, 130.0, 1e9, 1e300, math.nan, math.inf, -math.inf),
    *(None, True, "abc", "", b"x", 1j, object()),
    *([], [1], [None, None], [[1, 2]], {}, {1: 2}, np.array([1.0, 2.0]), np.array(3)),
    *((1, 2, 3), (0.8, 0.2), (0.2, 0.8), (-0.1, 0.5), (0.5, 1.1), (1, 1), (1, math.nan)),
    *((100, 200), (200, 100), (100, 1e9), (10.0, 20.0, 30.0), (1e9, 2e9), (0, 10**400)),
    *(("choice", []), ("choice", [100, 200]), ("choice", 5), ("truncexp", 1, 2)),
    *(("truncexp", 1e-9, 100, 500), ("truncexp", 100, 100, 1e9)),
    *(np.float32(0.5), np.int64(3), Fraction(1, 3), list(range(1, 1001))),
]
#: Tried on what all tasks have.
ODD_COMMON: dict[str, list[Any]] = {
    "rewards": [
        *({"nope": 1}, {"correct": math.nan}, {"reward": "x"}, {"correct": 10**400}),
        *({"reward": 1e300}, {"correct": 1e9}, {"gain": 0.0}, {"reward": -1.0, "no_reward": -1.0}),
        *({"correct": -1.0, "error": 2.0}, [1], "x", 3),
    ],
    "dt": [*ODD, 0.01, 10.0, 33.3, 1000.0],
    "trials_per_episode": [0, 1, 2, 7, 1000, 10**6, 10**9, 10**20, -1, 1.0, math.nan, "x", None],
    **dict.fromkeys(("prev_action", "prev_reward", "time", "targets"), [1, "yes", None, True]),
}


def refused(error: TaskError, names: Any) -> None:
    """The sentence of a refusal is one, on one line, not too long, and names the parameter."""
    sentence = str(error)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) <= 400
    assert any(re.search(rf"\b{name}\b", sentence) for name in names), sentence


def plays(task: Task) -> None:
    """The task's parameters are JSON, and 30 random steps stay within its spaces."""
    told = json.loads(json.dumps(task.parameters, allow_nan=False))
    assert type(task).create(**told).parameters == task.parameters
    low, high = task.reward_range()
    assert math.isfinite(low)
    assert math.isfinite(high)
    slack = 1e-9 * max(1.0, abs(low), abs(high))
    env, batch = task.env(), task.vector(3)
    for one in (env, batch):
        one.action_space.seed(0)
        obs, _ = one.reset(seed=0)
        over = False
        for _ in range(STEPS):
            assert obs in one.observation_space
            if over and one is env:
                obs, _ = one.reset()
            obs, reward, terminated, truncated, _ = one.step(one.action_space.sample())
            assert np.all(np.isfinite(reward))
            # Nothing is earned between the episodes of a batch.
            assert np.all(reward >= min(low, 0.0) - slack)
            assert np.all(reward <= max(high, 0.0) + slack)
            over = np.any(terminated) or np.any(truncated)


def tried(task_id: str, **parameters: Any) -> Task | None:
    """The task if it takes the parameters, which it then plays with; None if it refuses them."""
    try:
        task = make_task(task_id, **parameters)
    except TaskError as error:
        refused(error, parameters)
        return None
    plays(task)
    return task


# -------------------------------------------------------------------- every parameter


@pytest.mark.parametrize("task_id", BASE_IDS)
def test_own_parameters(task_id: str) -> None:
    own = [f.name for f in dataclasses.fields(make_task(task_id)) if f.name not in COMMON]
    for name in own:
        taken = [tried(task_id, **{name: value}) is not None for value in ODD]
        assert not all(taken), f"{name} takes anything"


@pytest.mark.parametrize("task_id", BASE_IDS)
def test_common_parameters(task_id: str) -> None:
    for name, values in ODD_COMMON.items():
        for value in values:
            tried(task_id, **{name: value})


@pytest.mark.parametrize("task_id", BASE_IDS)
def test_one_trial_and_the_longest_session(task_id: str) -> None:
    past = {"prev_action": True, "prev_reward": True, "time": True}
    taken = [tried(task_id, trials_per_episode=n, **past) for n in (1, 2, 10, 10**5, 10**9)]
    assert any(taken)
