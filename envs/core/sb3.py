"""A native batch as a Stable-Baselines3 ``VecEnv``. Imported only by ``to_sb3``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from stable_baselines3.common.vec_env import VecEnv

from .info import Info
from .vector import TaskVectorEnv

Array = npt.NDArray[Any]


class TaskVecEnv(VecEnv):
    """The batch of a ``TaskVectorEnv`` with the conventions of Stable-Baselines3.

    A finished column begins its next episode in the same step; its last observation is in
    ``info["terminal_observation"]`` and ``info["TimeLimit.truncated"]`` tells how it ended. The
    info dictionaries are empty except where a trial has ended. Methods and attributes asked for
    by name are those of the batch, the same for all columns.
    """

    def __init__(self, batch: TaskVectorEnv) -> None:
        self.batch = batch
        super().__init__(batch.num_envs, batch.single_observation_space, batch.single_action_space)
        self._actions: Any = None

    @property
    def task_info(self) -> dict[str, Any]:
        """JSON-able description of the task."""
        return self.batch.task_info

    @property
    def task(self) -> Any:
        """The task."""
        return self.batch.task

    def reset(self) -> Array:
        """Begin an episode in all columns; seeds given by ``seed`` count once."""
        seeds: Any = None if all(one is None for one in self._seeds) else list(self._seeds)
        obs, info = self.batch.reset(seed=seeds)
        self.reset_infos = _by_column(info, self.num_envs)
        self._reset_seeds()
        self._reset_options()
        return obs

    def step_async(self, actions: Array) -> None:
        """Keep the actions for ``step_wait``."""
        self._actions = actions

    def step_wait(self) -> tuple[Array, Array, Array, list[dict[str, Any]]]:
        """Step with the kept actions: obs (B, d), reward (B,) float32, done (B,), infos."""
        obs, reward, terminated, truncated, info = self.batch.step(self._actions)
        done = terminated | truncated
        final: Info = info.pop("final_info", {})
        final_obs = info.pop("final_obs", None)
        for key in ("_final_info", "_final_obs"):
            info.pop(key, None)
        infos = _by_column(info, self.num_envs)
        if final_obs is not None:
            last = _by_column(final, self.num_envs)
            for column in done.nonzero()[0].tolist():
                infos[column] = last[column]
                infos[column]["terminal_observation"] = final_obs[column]
                infos[column]["TimeLimit.truncated"] = bool(
                    truncated[column] and not terminated[column]
                )
        return obs, reward.astype(np.float32), done, infos

    def close(self) -> None:
        """Close the batch."""
        self.batch.close()

    def get_state(self) -> dict[str, Any]:
        """State of the batch, see ``TaskVectorEnv.get_state``."""
        return self.batch.get_state()

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what ``get_state`` returned."""
        self.batch.set_state(state)

    def get_images(self) -> Sequence[Array | None]:
        """One picture per column, None without a render mode."""
        pictures = self.batch.render()
        return [None] * self.num_envs if pictures is None else list(pictures)

    def _count(self, indices: Any) -> int:
        return len(list(self._get_indices(indices)))

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The batch's attribute, once per column."""
        return [getattr(self.batch, attr_name)] * self._count(indices)

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the batch."""
        setattr(self.batch, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of the batch once; its result, once per column."""
        result = getattr(self.batch, method_name)(*method_args, **method_kwargs)
        return [result] * self._count(indices)

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: Any = None) -> list[bool]:
        """Never: a native batch has no wrappers per column."""
        return [False] * self._count(indices)


def _by_column(info: Info, n: int) -> list[dict[str, Any]]:
    """A vector info as one dictionary of scalars per column, empty where there is nothing."""
    infos: list[dict[str, Any]] = [{} for _ in range(n)]
    for key, values in info.items():
        if key[0] != "_":
            columns = info[f"_{key}"].nonzero()[0]
            for column, value in zip(columns.tolist(), values[columns].tolist(), strict=True):
                infos[column][key] = value
    return infos
