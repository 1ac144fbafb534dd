"""Shared by the tests of the environments."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import caudate.envs

#: Sensors of tasks that need the extra ``senses``.
_NEEDING = ("c1", "c2")
_INSTALLED = all(find_spec(name) for name in ("skimage", "torch"))


def playable(task_id: str) -> bool:
    """Whether what a task's sensor needs is installed."""
    sensor = getattr(caudate.envs.make_task(task_id), "sensor", None)
    return _INSTALLED or sensor not in _NEEDING


#: Every registered task: a new one is tested by being registered.
TASK_IDS = [one for one in caudate.envs.task_ids() if playable(one)]


@pytest.fixture(params=TASK_IDS)
def task_id(request: pytest.FixtureRequest) -> str:
    """Each registered id in turn."""
    return request.param


def single(task_id: str, **kwargs: Any) -> Any:
    """The environment itself, without Gymnasium's wrappers."""
    return gym.make(task_id, **kwargs).unwrapped


def batched(task_id: str, num_envs: int, **kwargs: Any) -> Any:
    """The native batch."""
    return gym.make_vec(task_id, num_envs=num_envs, **kwargs).unwrapped


def same(a: Any, b: Any) -> bool:
    """Equal values, types and shapes, through dictionaries, with NaN equal to NaN."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, np.ndarray) and a.dtype == object:
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if a is None or b is None:
        return a is b
    x, y = np.asarray(a), np.asarray(b)
    if x.dtype != y.dtype or x.shape != y.shape:
        return False
    if x.dtype.kind == "f":
        return bool(np.array_equal(x, y, equal_nan=True))
    return bool(np.array_equal(x, y))


def play(batch: Any, policy: Any, trials: int, seed: int) -> dict[str, np.ndarray]:
    """Trial-end facts of at least ``trials`` trials of a NEXT_STEP batch."""
    obs, _ = batch.reset(seed=seed)
    state, start = None, np.ones(batch.num_envs, dtype=bool)
    over = ~start
    parts: list[dict[str, np.ndarray]] = []
    count = 0
    while count < trials:
        actions, state = policy.predict(obs, state, start)
        obs, _, terminated, truncated, info = batch.step(actions)
        if "_trial_end" in info:
            mask = info["_trial_end"]
            facts = {k: v[mask] for k, v in info.items() if k[0] != "_"}
            parts.append({**facts, "column": mask.nonzero()[0]})
            count += int(mask.sum())
        # The row after an end is the first of the next episode.
        start, over = over, terminated | truncated
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
