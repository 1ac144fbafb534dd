"""Copies of environments, pickled or deep, go on as the original does."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from .conftest import batched, same, single
from .test_conformance import MODES, actions_for

#: A task for each engine, and for each way to compute facts from actions.
IDS = [
    "caudate/DelayedMatch-v0",
    "caudate/FlipFlop-v0",
    "caudate/IntervalReproduction-v0",
    "caudate/ReversalBandit-v0",
    "caudate/TwoStep-v0",
    "caudate/DelayedReach-v0",
    "caudate/DelayedGoal-v0",
    "caudate/Pong-v0",
]


def copies(env: Any) -> list[Any]:
    return [pickle.loads(pickle.dumps(env)), copy.deepcopy(env)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("task_id", IDS)
def test_copies_of_a_batch_go_on_alike(task_id: str, mode: str) -> None:
    batch = batched(task_id, num_envs=2, autoreset_mode=mode)
    batch.reset(seed=3)
    actions = actions_for(batch, 90)
    for row in actions[:7]:
        batch.step(row)
    others = copies(batch)
    for row in actions[7:]:
        expected = batch.step(row)
        for other in others:
            assert same(other.step(row), expected)


@pytest.mark.parametrize("task_id", IDS)
def test_copies_of_a_single_env_go_on_alike(task_id: str) -> None:
    env = single(task_id)
    actions = actions_for(batched(task_id, num_envs=1), 200)[:, 0]
    env.reset(seed=3)
    for action in actions[:7]:
        env.step(action)
    others = copies(env)
    for action in actions[7:]:
        expected = env.step(action)
        for other in others:
            assert same(other.step(action), expected)
        if expected[2] or expected[3]:
            begun = env.reset()
            assert all(same(other.reset(), begun) for other in others)
