"""What the examples share: scoring a policy on fresh episodes, and saying how it went."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import gymnasium as gym
import numpy as np

import caudate.envs  # noqa: F401  registers the tasks

#: (obs (n, d), memory, episode_start (n,)) -> actions (n,), memory.
Act = Callable[[np.ndarray, Any, np.ndarray], tuple[np.ndarray, Any]]
EVALUATION_SEED = 2**31  # far from the seeds of training
_STARTED = time.monotonic()


def greedy_score(task_id: str, act: Act, episodes: int = 500) -> float:
    """Mean score of a policy over one fresh episode in each of ``episodes`` columns."""
    env: Any = gym.make_vec(task_id, num_envs=episodes, autoreset_mode="disabled").unwrapped
    obs, _ = env.reset(seed=EVALUATION_SEED)
    memory, start = None, np.ones(episodes, dtype=bool)
    over, scores = ~start, []
    while not over.all():
        actions, memory = act(obs, memory, start)
        obs, _, terminated, truncated, info = env.step(np.asarray(actions))
        if "_trial_end" in info:
            ended = info["_trial_end"] & ~over
            facts = {key: value[ended] for key, value in info.items() if key[0] != "_"}
            scores.append(env.task.score(facts))
        start[:], over = False, terminated | truncated
    return float(np.concatenate(scores).mean())


def say_versions(*packages: str) -> None:
    """Print the versions of Python, Gymnasium, this library and the packages named."""
    names = ("gymnasium", "caudate", *packages)
    print(f"python {platform.python_version()},", ", ".join(f"{n} {version(n)}" for n in names))


def say_result(what: str, task_id: str, steps: int, before: float, after: float) -> None:
    """Print the scores beside the task's yardsticks."""
    marks = gym.make(task_id).unwrapped.task.yardsticks  # type: ignore[attr-defined]
    memoryless = "" if marks.memoryless is None else f", memoryless {marks.memoryless:.3f}"
    print(
        f"{what} on {task_id}: {steps:,} steps, score {before:.3f} -> {after:.3f} "
        f"(chance {marks.chance:.3f}{memoryless}, optimum {marks.optimum:.3f})",
        flush=True,
    )


def finish(**learned: bool) -> None:
    """End the script: exit code 1 and the names of what was not learned, if anything."""
    missed = [name for name, reached in learned.items() if not reached]
    print(f"{time.monotonic() - _STARTED:.0f} s")
    if missed:
        sys.exit(f"not learned: {', '.join(missed)}")
