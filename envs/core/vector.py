"""A task as a native ``gymnasium.vector.VectorEnv``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from .errors import TaskError, check_int
from .faces import (
    RENDER_FPS,
    RENDER_MODES,
    check_autoreset,
    check_max_steps,
    check_render_mode,
    make_engine,
    pack_state,
    resolve_seeds,
    unpack_state,
)
from .history import History
from .info import Info
from .random import MAX_SEED
from .task import Task

if TYPE_CHECKING:
    from .sb3 import TaskVecEnv

Array = npt.NDArray[Any]


class TaskVectorEnv(VectorEnv[Array, Array, Array]):
    """B copies of a task, stepped together.

    Column i seeded with s equals the single environment seeded with s + i, bit for bit.
    ``reset(seed=[...])`` seeds columns one by one (None: go on to the next episode), and
    ``reset(options={"reset_mask": mask})`` resets only the columns of a boolean mask (B,). With
    autoreset disabled a finished column holds: reward 0, end flags and observation stay.

    Args:
        task: the task.
        num_envs: number of copies B.
        autoreset_mode: Gymnasium's ``AutoresetMode`` or its name: "next_step", "same_step",
            "disabled".
        max_episode_steps: episodes are truncated after so many steps.
        render_mode: "rgb_array" to have ``render`` draw each column's trial so far, or None.
    """

    def __init__(
        self,
        task: Task,
        num_envs: int = 1,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.task = task
        self.num_envs = check_int("num_envs", num_envs, 1)
        self.max_episode_steps = check_max_steps(max_episode_steps)
        self.render_mode = check_render_mode(render_mode)
        self.single_observation_space = task.observation_space
        self.single_action_space = task.action_space
        self.observation_space = batch_space(task.observation_space, self.num_envs)
        self.action_space = batch_space(task.action_space, self.num_envs)
        self._set_mode(check_autoreset(autoreset_mode))

    def _set_mode(self, mode: AutoresetMode) -> None:
        self.autoreset_mode = mode
        self.metadata = {
            "render_modes": RENDER_MODES,
            "render_fps": RENDER_FPS,
            "autoreset_mode": mode,
        }
        self._engine = make_engine(
            self.task,
            self.num_envs,
            mode,
            self.max_episode_steps,
            watched=self.render_mode is not None,
        )
        self._seeded = np.zeros(self.num_envs, dtype=bool)
        self._ready = False
        self._history = None if self.render_mode is None else History(self._engine)

    @property
    def task_info(self) -> dict[str, Any]:
        """JSON-able description of the task."""
        return self.task.task_info

    @property
    def obs_names(self) -> tuple[str, ...]:
        """(d,) names of the observation channels."""
        return self.task.obs_names

    def reset(
        self,
        *,
        seed: int | list[int | None] | Array | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Array, Info]:
        """Begin an episode in all columns or in those of ``options["reset_mask"]``.

        Returns:
            Observations (B, d) float32 of all columns and the info of those reset.
        """
        seeds = resolve_seeds(seed, self.num_envs)
        mask = self._reset_mask(options)
        if isinstance(seed, (int, np.integer)) or not self._seeded.all():
            super().reset(seed=next((one for one in seeds if one is not None), None))
        known = np.array([one is not None for one in seeds])
        values = np.array([one or 0 for one in seeds], dtype=np.int64)
        unknown = mask & ~known & ~self._seeded
        if unknown.any():
            values[unknown] = self.np_random.integers(MAX_SEED, size=int(unknown.sum()))
        self._seeded |= mask
        self._ready = bool(self._seeded.all())
        columns = mask.nonzero()[0]
        obs, info = self._engine.reset(columns, values[columns], (known | unknown)[columns])
        if self._history is not None:
            self._history.reset(obs, mask)
        return obs, info

    def _reset_mask(self, options: dict[str, Any] | None) -> Array:
        if options is not None and not isinstance(options, Mapping):
            raise TaskError(f'options={options!r} is no dictionary; pass {{"reset_mask": mask}}.')
        if options is None or options.get("reset_mask") is None:
            return np.ones(self.num_envs, dtype=bool)
        mask = options["reset_mask"]
        if not isinstance(mask, np.ndarray) or mask.dtype != bool or mask.shape != (self.num_envs,):
            raise TaskError(
                f"reset_mask is not a boolean array of shape ({self.num_envs},); pass such an "
                "array, true where a column is to be reset."
            )
        if not mask.any():
            raise TaskError("reset_mask is false everywhere; mark at least one column to reset.")
        return mask

    def step(self, actions: Array) -> tuple[Array, Array, Array, Array, Info]:
        """One step of all columns.

        Args:
            actions: (B,) whole numbers from the action space.

        Returns:
            obs (B, d) float32, reward (B,) float64, terminated (B,) bool, truncated (B,) bool and
            the info of the trials that ended. All arrays are fresh.
        """
        if not self._ready:
            raise TaskError("step() was called before reset(); call reset() first.")
        result = self._engine.step(actions)
        if self._history is not None:
            obs, reward, terminated, truncated, info = result
            self._history.add(np.asarray(actions), obs, reward, terminated | truncated, info)
        return result

    def render(self) -> tuple[Array, ...] | None:
        """One picture (height, width, 3) uint8 per column, or None without a render mode."""
        if self._history is None:
            return None
        return tuple(self._history.draw(column) for column in range(self.num_envs))

    def get_state(self) -> dict[str, Any]:
        """Everything needed to go on bit for bit, as a nested dict of arrays and JSON values."""
        if not self._ready:
            raise TaskError("get_state() was called before reset(); call reset() first.")
        return pack_state(self.task, self._engine, self._np_random)

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what ``get_state`` of a batch of the same task and size returned."""
        self._np_random = unpack_state(self.task, self._engine, state)
        self._seeded[:] = True
        self._ready = True
        if self._history is not None:
            self._history.clear()

    def to_sb3(self) -> TaskVecEnv:
        """This batch as a Stable-Baselines3 ``VecEnv``.

        The batch belongs to the returned object from then on (autoreset becomes SAME_STEP).

        Raises:
            TaskError: Stable-Baselines3 is not installed.
        """
        try:
            import stable_baselines3  # noqa: F401
        except ImportError as error:
            raise TaskError(
                "to_sb3() needs Stable-Baselines3, which is not installed; run "
                'pip install "caudate[baselines]".'
            ) from error
        from .sb3 import TaskVecEnv

        if self.autoreset_mode is not AutoresetMode.SAME_STEP:
            self._set_mode(AutoresetMode.SAME_STEP)
        return TaskVecEnv(self)
