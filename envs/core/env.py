"""A task as a single ``gymnasium.Env``."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from .errors import TaskError
from .faces import (
    RENDER_FPS,
    RENDER_MODES,
    check_render_mode,
    make_engine,
    pack_state,
    unpack_state,
)
from .history import History
from .info import Info, single_info
from .random import MAX_SEED, check_seed
from .task import Task

Array = npt.NDArray[Any]


class TaskEnv(gym.Env[Array, Any]):
    """One copy of a task.

    ``reset(seed=s)`` starts the column ``s`` at its trial 0; ``reset()`` goes on to the column's
    next episode. A first reset without a seed takes one from ``np_random``.

    Args:
        task: the task.
        render_mode: "rgb_array" to have ``render`` draw the trial so far, or None.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": RENDER_MODES, "render_fps": RENDER_FPS}

    def __init__(self, task: Task, render_mode: str | None = None) -> None:
        self.task = task
        self.render_mode = check_render_mode(render_mode)
        self.observation_space = task.observation_space
        self.action_space = deepcopy(task.action_space)  # it carries a generator of its own
        # A reel lays out a stretch of steps, which does not pay for a single column.
        self._engine = make_engine(task, 1, AutoresetMode.DISABLED, watched=True)
        self._player = None if render_mode is not None else self._engine.player()
        self._seeded = False
        self._history = None if render_mode is None else History(self._engine)

    @property
    def task_info(self) -> dict[str, Any]:
        """JSON-able description of the task."""
        return self.task.task_info

    @property
    def obs_names(self) -> tuple[str, ...]:
        """(d,) names of the observation channels."""
        return self.task.obs_names

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, Info]:
        """Begin an episode; see the class for what the seed does."""
        if self._player is not None and seed is None and self._seeded:
            begun = self._player.reset()
            if begun is not None:
                return begun
        self._settle()
        if seed is not None:
            seed = check_seed(seed)
        super().reset(seed=seed)
        if seed is None and not self._seeded:
            seed = int(self.np_random.integers(MAX_SEED))
        given = seed is not None
        obs, info = self._engine.reset(
            np.zeros(1, dtype=np.int64), np.array([seed or 0]), np.array([given])
        )
        self._seeded = True
        if self._history is not None:
            self._history.reset(obs, np.ones(1, dtype=bool))
        if self._player is not None:
            self._player.load()
        return obs[0], single_info(info)

    def _settle(self) -> None:
        if self._player is not None:
            self._player.settle()

    def step(self, action: Any) -> tuple[Array, float, bool, bool, Info]:
        """One step; after an episode's end nothing happens until ``reset``."""
        if not self._seeded:
            raise TaskError("step() was called before reset(); call reset() first.")
        if self._player is not None:
            played = self._player.step(action)
            if played is not None:
                return played
            self._player.settle()
        actions = self._engine.checked(np.asarray([self._engine.actions.one(action)]))
        obs, reward, terminated, truncated, info = self._engine.step(actions)
        if self._history is not None:
            self._history.add(actions, obs, reward, terminated | truncated, info)
        if self._player is not None:
            self._player.load()
        flags = bool(terminated[0]), bool(truncated[0])
        return obs[0], float(reward[0]), *flags, single_info(info)

    def render(self) -> Array | None:
        """Picture of the trial so far, (height, width, 3) uint8, or None without a render mode."""
        if self._history is None:
            return None
        return self._history.draw(0)

    def get_state(self) -> dict[str, Any]:
        """Everything needed to go on bit for bit, as a nested dict of arrays and JSON values."""
        if not self._seeded:
            raise TaskError("get_state() was called before reset(); call reset() first.")
        self._settle()
        return pack_state(self.task, self._engine, self._np_random)

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what ``get_state`` of an env of the same task returned."""
        self._np_random = unpack_state(self.task, self._engine, state)
        self._seeded = True
        if self._player is not None:
            self._player.load()
        if self._history is not None:
            self._history.clear()
