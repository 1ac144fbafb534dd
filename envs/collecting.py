"""Trials of a policy on a task, played and recorded in one call."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from .core.errors import TaskError, check_int
from .core.registration import make_task, task_ids
from .core.task import Task
from .recorder import TrialRecorder
from .trial_files import Table


def collect_trials(
    env: str | Task | gym.Env[Any, Any] | VectorEnv[Any, Any, Any],
    policy: Any = None,
    n_trials: int = 1000,
    seed: int = 0,
    num_envs: int = 64,
    deterministic: bool = True,
    **parameters: Any,
) -> Table:
    """Play trials and return their table.

    Each of B columns plays its first n / B trials, so that short trials are not favoured.

    >>> table = collect_trials("caudate/DelayedMatch-v0", n_trials=100)
    >>> len(table["correct"]), table["correct"].mean()
    (100, np.float64(1.0))

    Args:
        env: a registered id, a task, or an environment (which is reset).
        policy: anything with Stable-Baselines3's ``predict(obs, state, episode_start,
            deterministic)``; None for the task's oracle.
        n_trials: number of trials n, at most (the last of columns that play one more are left out).
        seed: column i is seeded with ``seed + i``.
        num_envs: number of columns B, where ``env`` is an id or a task.
        deterministic: what the policy is told.
        parameters: of the task, where ``env`` is an id.

    Returns:
        See ``TrialRecorder.table``; n_trials rows.
    """
    n_trials = check_int("n_trials", n_trials, 1)
    batch, task = _batch_of(env, min(check_int("num_envs", num_envs, 1), n_trials), parameters)
    if policy is None:
        if task is None:
            raise TaskError("only our tasks have an oracle; pass a policy.")
        policy = task.oracle()
    if not callable(getattr(policy, "predict", None)):
        raise TaskError(
            f"policy is a {type(policy).__name__} without predict(obs, state, episode_start, "
            "deterministic); pass an agent, or None for the task's oracle."
        )
    recorder = TrialRecorder()
    played = recorder.wrap(batch)
    each = -(-n_trials // played.num_envs)
    obs, _ = played.reset(seed=seed)
    state, start = None, np.ones(played.num_envs, dtype=bool)
    over = np.zeros(played.num_envs, dtype=bool)
    while recorder.fewest() < each:
        actions, state = policy.predict(obs, state, start, deterministic)
        obs, _, terminated, truncated, _ = played.step(actions)
        ended = np.logical_or(terminated, truncated)
        # An episode's first observation comes with the step that ends the one before, or next.
        start, over = (ended, over) if played.same_step else (over, ended)
    return _first_trials(recorder.table(), each, n_trials)


def _batch_of(env: Any, n: int, parameters: dict[str, Any]) -> tuple[Any, Task | None]:
    """A vector environment that resets itself, and its task if it is one of ours."""
    if isinstance(env, str) and env in task_ids():
        env = make_task(env, **parameters)
    elif isinstance(env, str):
        return gym.make_vec(env, num_envs=n, vectorization_mode="sync", **parameters), None
    elif parameters:
        raise TaskError("parameters belong to an id; pass an id, or make the task with them.")
    if isinstance(env, Task):
        return env.vector(n, autoreset_mode=AutoresetMode.NEXT_STEP), env
    if isinstance(env, VectorEnv):
        if env.metadata.get("autoreset_mode") == AutoresetMode.DISABLED:
            raise TaskError(
                "the vector environment does not reset itself; make it with another autoreset_mode."
            )
        return env, getattr(env.unwrapped, "task", None)
    if isinstance(env, gym.Env):
        return SyncVectorEnv([lambda: env]), getattr(env.unwrapped, "task", None)
    raise TaskError(
        f"{type(env).__name__} is no id, task or Gymnasium environment; for others use "
        "TrialRecorder().wrap."
    )


def _first_trials(table: Table, each: int, n_trials: int) -> Table:
    """The first ``each`` trials of each column, ``n_trials`` in all."""
    columns = table["column"]
    place = np.arange(len(columns)) - np.searchsorted(columns, columns)
    extra = each * (columns.max() + 1) - n_trials
    last = np.where(columns > columns.max() - extra, each - 1, each)
    return {name: values[place < last] for name, values in table.items()}
