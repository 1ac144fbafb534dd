"""What the faces share: choosing the engine, resolving seeds, the form of a stored state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from .choice import ChoiceEngine
from .choice_task import ChoiceTask
from .engine import Engine
from .errors import TaskError, check_int
from .interactive import InteractiveEngine
from .interactive_task import InteractiveTask
from .random import MAX_SEED, check_seed
from .reel import ReelEngine, reel_fits
from .scripted import ScriptedEngine
from .scripted_task import ScriptedTask
from .task import Task
from .walk import WalkEngine, walk_fits

Array = npt.NDArray[Any]

RENDER_MODES = ["rgb_array"]
RENDER_FPS = 10
_STATE_KEYS = {"task", "parameters", "engine", "np_random"}


def make_engine(
    task: Task,
    n: int,
    mode: AutoresetMode,
    max_steps: int | None = None,
    *,
    watched: bool = False,
) -> Engine:
    """The engine that fits the task; one that is ``watched`` does not play ahead."""
    if isinstance(task, ScriptedTask):
        if reel_fits(task, mode, max_steps) and not watched:
            return ReelEngine(task, n, mode)
        if walk_fits(task, mode, max_steps):
            return WalkEngine(task, n)
        return ScriptedEngine(task, n, mode, max_steps)
    if isinstance(task, ChoiceTask):
        return ChoiceEngine(task, n, mode, max_steps)
    if isinstance(task, InteractiveTask):
        return InteractiveEngine(task, n, mode, max_steps)
    raise TypeError(
        f"{type(task).__name__} is none of ScriptedTask, ChoiceTask and InteractiveTask"
    )


def check_render_mode(render_mode: str | None) -> str | None:
    """Return the mode if it is known; else raise TaskError."""
    if render_mode is not None and render_mode not in RENDER_MODES:
        raise TaskError(f'render_mode={render_mode!r} is unknown; use "rgb_array" or None.')
    return render_mode


def check_max_steps(value: Any) -> int | None:
    """Return a step limit as int or None; else raise TaskError."""
    return None if value is None else check_int("max_episode_steps", value, 1)


def check_autoreset(mode: AutoresetMode | str) -> AutoresetMode:
    """Return the autoreset mode; names are taken in any spelling of Gymnasium's."""
    if isinstance(mode, AutoresetMode):
        return mode
    spelled = str(mode).replace("_", "").replace("-", "").lower()
    for member in AutoresetMode:
        if spelled in (member.name.replace("_", "").lower(), member.value.lower()):
            return member
    names = ", ".join(f'"{member.name.lower()}"' for member in AutoresetMode)
    raise TaskError(f"autoreset_mode={mode!r} is unknown; choose one of {names}.")


def resolve_seeds(seed: Any, n: int) -> list[int | None]:
    """One seed or None per column from what ``reset`` was given.

    ``seed`` is None, a whole number s (columns get s, s + 1, ...) or a sequence of n of them.
    """
    if seed is None:
        return [None] * n
    if isinstance(seed, (Sequence, np.ndarray)) and not isinstance(seed, str):
        if len(seed) != n:
            raise TaskError(f"seed has {len(seed)} entries for {n} columns; pass one for each.")
        if set(map(type, seed)) == {int} and min(seed) >= 0 and max(seed) < MAX_SEED:
            return list(seed)  # the common case, checked without a call for each
        return [None if one is None else check_seed(one) for one in seed]
    first = check_seed(seed)
    if first + n > MAX_SEED:
        raise TaskError(f"seed={seed!r} leaves no room for {n} columns; pass a smaller seed.")
    return list(range(first, first + n))


def pack_state(task: Task, engine: Engine, generator: np.random.Generator | None) -> dict[str, Any]:
    """A face's state: nested dict of arrays and JSON values."""
    return {
        "task": task.id,
        "parameters": task.parameters,
        "engine": engine.get_state(),
        "np_random": None if generator is None else generator.bit_generator.state,
    }


def unpack_state(task: Task, engine: Engine, state: Any) -> np.random.Generator | None:
    """Restore the engine from ``pack_state``; return the generator for unseeded resets."""
    if not isinstance(state, Mapping) or not _STATE_KEYS.issubset(state):
        raise TaskError("state is not a task's state; pass what get_state() returned.")
    if state["task"] != task.id or state["parameters"] != task.parameters:
        raise TaskError(
            f"the state is from {state['task']} with {state['parameters']}, which is not this "
            f"{task.id}; make the task it came from, with the same parameters."
        )
    engine.set_state(state["engine"])
    if state["np_random"] is None:
        return None
    generator = np.random.Generator(np.random.PCG64())
    generator.bit_generator.state = state["np_random"]
    return generator
