"""Registering tasks with Gymnasium: one line for a task, one for each preset of it."""

from __future__ import annotations

import contextlib
import importlib
from typing import Any

import gymnasium as gym
from gymnasium.vector import AutoresetMode

from .env import TaskEnv
from .errors import TaskError, nearest
from .task import Task
from .vector import TaskVectorEnv

_TASKS: dict[str, type[Task]] = {}


def register(task: type[Task], variant: str = "", **parameters: Any) -> str:
    """Register a task, or a variant of it with other defaults, and return its id.

    Args:
        task: the class.
        variant: name of a preset, e.g. "Bench" for ``caudate/<Name>-Bench-v0``.
        parameters: JSON-able parameters in which the preset differs from the class's defaults.
    """
    task_id = f"caudate/{task.name}{variant and '-' + variant}-v0"
    _TASKS[task_id] = task
    gym.register(
        id=task_id,
        entry_point=f"{__name__}:make_env",
        vector_entry_point=f"{__name__}:make_vector_env",
        kwargs={"task_id": task_id, **parameters},
    )
    return task_id


def task_ids() -> list[str]:
    """Ids of all registered tasks of this library, sorted."""
    return sorted(_TASKS)


def make_task(task_id: str, **parameters: Any) -> Task:
    """Make the task behind an id; a variant's own parameters count unless given here.

    As in Gymnasium, ``module:id`` imports a module first, which may register the task.

    Raises:
        TaskError: the id is not one of this library's tasks, or the parameters do not fit.
    """
    module, _, known = task_id.rpartition(":") if isinstance(task_id, str) else ("", "", "")
    if module:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    if known not in _TASKS:
        hint = nearest(known, list(_TASKS))
        raise TaskError(f"{task_id!r} is no task of this library{hint}; task_ids() lists them.")
    return _create(**{**gym.spec(known).kwargs, **parameters})


def _create(task_id: str, **parameters: Any) -> Task:
    task = _TASKS[task_id].create(**parameters)
    task.id = task_id
    return task


def make_env(task_id: str, render_mode: str | None = None, **parameters: Any) -> TaskEnv:
    """Entry point of ``gymnasium.make``."""
    return TaskEnv(_create(task_id, **parameters), render_mode=render_mode)


def make_vector_env(
    task_id: str,
    num_envs: int = 1,
    autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    max_episode_steps: int | None = None,
    render_mode: str | None = None,
    **parameters: Any,
) -> TaskVectorEnv:
    """Entry point of ``gymnasium.make_vec``.

    The options are spelled out so that callers can see from the signature that a batch offers them.
    """
    return TaskVectorEnv(
        _create(task_id, **parameters),
        num_envs,
        autoreset_mode=autoreset_mode,
        max_episode_steps=max_episode_steps,
        render_mode=render_mode,
    )
