"""Trials played from a plan of actions, for tests of what answers earn."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from caudate.envs import make_task

from .conftest import TASK_IDS

TASKS: dict[str, Any] = {one: make_task(one) for one in TASK_IDS}


def actions_of(space: Any, kind: str, shape: tuple[int, ...] = ()) -> np.ndarray:
    """Withhold ("none"), the last action ("most") or random actions, ``shape`` of them."""
    generator, whole = np.random.default_rng(0), (*shape, *space.shape)
    if isinstance(space, spaces.Box):
        low, high = space.low, space.high
        ways = {"none": np.zeros(whole), "most": np.broadcast_to(high, whole)}
        return ways.get(kind, generator.uniform(low, high, whole)).astype(np.float32)
    count = int(space.n) if isinstance(space, spaces.Discrete) else 2
    ways = {"none": np.zeros(whole, dtype=int), "most": np.full(whole, count - 1)}
    return ways.get(kind, generator.integers(count, size=whole)).astype(space.dtype)


def teacher(task: Any, columns: int) -> np.ndarray:
    """(T, columns, ...) targets of trial 0 of the columns' seeds, 0 behind a trial's end."""
    batch = make_like(task, targets=True).vector(columns, autoreset_mode="disabled")
    nothing = actions_of(task.action_space, "none", (columns,))
    targets, over = [batch.reset(seed=0)[1]["target"]], np.zeros(columns, dtype=bool)
    for _ in range(task.max_steps - 1):
        _, _, over, _, info = batch.step(nothing)
        targets.append(info["target"])
        targets[-1][over] = 0
    return np.stack(targets)


def make_like(task: Any, **changes: Any) -> Any:
    """A task with some other parameters."""
    return type(task)(**{**task.parameters, **changes})


def perform(task: Any, plan: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return, score and facts (B,) of trial 0 of the columns, actions ``plan`` (T, B, ...)."""
    batch = task.vector(plan.shape[1], autoreset_mode="disabled")
    batch.reset(seed=0)
    total, facts = np.zeros(plan.shape[1]), {}
    for actions in plan.astype(task.action_space.dtype):
        _, reward, terminated, _, info = batch.step(actions)
        total += reward
        for key in [key for key in info if key[0] != "_"]:
            facts.setdefault(key, np.zeros_like(info[key]))
            np.copyto(facts[key], info[key], where=info[f"_{key}"])
    assert terminated.all()
    return total, task.score(facts), facts


def moved(plan: np.ndarray, steps: int) -> np.ndarray:
    """The same actions so many steps later (or earlier), blank where there are none."""
    new = np.zeros_like(plan)
    if steps > 0:
        new[steps:] = plan[:-steps]
    else:
        new[:steps] = plan[-steps:]
    return new
