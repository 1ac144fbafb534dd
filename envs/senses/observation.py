"""Sensors as wrappers of single and of vector environments."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from ..core.errors import TaskError
from .base import Sensor
from .stimulus import Front

Array = npt.NDArray[Any]
Make = Callable[[tuple[int, ...]], Sensor]


class SensorObservation(gym.Wrapper[Array, Any, Array, Any], RecordConstructorArgs):
    """A sensor between an environment and its observer.

    What the sensor remembers begins anew with every ``reset``. After an episode's end observations
    stay as they are until then. ``get_state`` and ``set_state`` go on bit for bit where those of
    the environment do.

    Args:
        env: environment with pictures or sound, see ``Front``.
        make: shape of the stimulus -> sensor.
        sound: whether the stimulus is sound.
    """

    def __init__(self, env: gym.Env[Any, Any], make: Make, *, sound: bool = False) -> None:
        RecordConstructorArgs.__init__(self, make=make, sound=sound)
        gym.Wrapper.__init__(self, env)
        self.front = Front(env.observation_space, env.unwrapped, sound, make)
        self.observation_space = self.front.space
        self._over = False
        self._shown: Array = np.zeros(self.front.space.shape, dtype=np.float32)

    @property
    def sensor(self) -> Sensor:
        """The sensor."""
        return self.front.sensor

    @property
    def obs_names(self) -> tuple[str, ...]:
        """Names of the observation's numbers, flattened."""
        return self.front.obs_names

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin an episode, with a fresh sensor."""
        obs, info = self.env.reset(seed=seed, options=options)
        self.front.begin(1)
        self._over, self._shown = False, self.front(obs[None])[0]
        return self._shown.copy(), info

    def step(self, action: Any) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """One step."""
        obs, reward, terminated, truncated, info = self.env.step(action)
        if not self._over:
            self._shown = self.front(np.asarray(obs)[None])[0]
        self._over = bool(terminated or truncated)
        return self._shown.copy(), float(reward), terminated, truncated, info

    def get_state(self) -> dict[str, Any]:
        """State of the environment and of the sensor, a nested dict of arrays and JSON values."""
        inner = self.env.get_wrapper_attr("get_state")()
        return _state(inner, self.front, np.array([self._over]), self._shown[None])

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what ``get_state`` of an environment made alike returned."""
        over, shown = _checked_state(state, self.front, 1)
        self.env.get_wrapper_attr("set_state")(state["env"])
        self._over, self._shown = bool(over[0]), shown[0]


class VectorSensorObservation(VectorWrapper):
    """``SensorObservation`` for a vector environment, each column with a memory of its own.

    A column's memory begins anew with its episode, in all autoreset modes; in "same_step"
    ``final_obs`` is what the sensor makes of the episode's last observation. With autoreset
    disabled a finished column holds its observation. Native batches keep ``to_sb3``, ``task`` and
    ``task_info``.

    Args:
        env: vector environment with pictures or sound, see ``Front``.
        make: shape of the stimulus -> sensor.
        sound: whether the stimulus is sound.
    """

    def __init__(self, env: VectorEnv, make: Make, *, sound: bool = False) -> None:
        super().__init__(env)
        base: Any = env.unwrapped
        single = base.envs[0].unwrapped if hasattr(base, "envs") else base
        self.front = Front(env.single_observation_space, single, sound, make)
        self.single_observation_space = self.front.space
        self.observation_space = batch_space(self.front.space, env.num_envs)
        self.front.begin(env.num_envs)
        self._over = np.zeros(env.num_envs, dtype=bool)
        self._shown = np.zeros((env.num_envs, *self.front.space.shape), dtype=np.float32)

    @property
    def sensor(self) -> Sensor:
        """The sensor of all columns."""
        return self.front.sensor

    @property
    def obs_names(self) -> tuple[str, ...]:
        """Names of a single observation's numbers, flattened."""
        return self.front.obs_names

    @property
    def task(self) -> Any:
        """The task of a native batch."""
        inner: Any = self.env
        return inner.task

    @property
    def task_info(self) -> dict[str, Any]:
        """JSON-able description of the task of a native batch."""
        inner: Any = self.env
        return inner.task_info

    def _mode(self) -> Any:
        return (self.env.metadata or {}).get("autoreset_mode")

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Array, dict[str, Any]]:
        """Begin an episode in all columns or in those of ``options["reset_mask"]``."""
        mask = (options or {}).get("reset_mask")
        mask = np.ones(self.num_envs, dtype=bool) if mask is None else np.array(mask, dtype=bool)
        given: Any = seed  # Gymnasium's annotation knows one seed only
        obs, info = self.env.reset(seed=given, options=options)
        columns = mask.nonzero()[0]
        self.sensor.reset(columns)
        self._over[columns] = False
        return self._sense(obs, columns), info

    def step(self, actions: Any) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """One step of all columns."""
        obs, reward, terminated, truncated, info = self.env.step(actions)
        over, mode = np.logical_or(terminated, truncated), self._mode()
        columns = np.arange(self.num_envs)
        if mode is AutoresetMode.DISABLED:
            columns = (~self._over).nonzero()[0]
        elif mode is AutoresetMode.SAME_STEP:
            self._sense_final(info)
        else:
            self.sensor.reset(self._over.nonzero()[0])
        self._over = over
        return self._sense(obs, columns), reward, terminated, truncated, info

    def _sense(self, obs: Any, columns: Array) -> Array:
        """What all columns show, after some have something new to see."""
        if columns.size:
            self._shown[columns] = self.front(np.asarray(obs)[columns], columns)
        return self._shown.copy()

    def _sense_final(self, info: dict[str, Any]) -> None:
        """Sense last observations of episodes, then forget these."""
        if "final_obs" not in info:
            return
        columns = np.asarray(info["_final_obs"]).nonzero()[0]
        final = np.full(self.num_envs, None, dtype=object)
        sensed = self.front(np.stack([info["final_obs"][one] for one in columns]), columns)
        for column, one in zip(columns.tolist(), sensed, strict=True):
            final[column] = one.copy()
        info["final_obs"] = final
        self.sensor.reset(columns)

    def get_state(self) -> dict[str, Any]:
        """State of the batch and of the sensor, a nested dict of arrays and JSON values."""
        inner: Any = self.env
        return _state(inner.get_state(), self.front, self._over, self._shown)

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what ``get_state`` of a batch made alike returned."""
        over, shown = _checked_state(state, self.front, self.num_envs)
        inner: Any = self.env
        inner.set_state(state["env"])
        self._over, self._shown = over, shown

    def to_sb3(self) -> Any:
        """This batch as a Stable-Baselines3 ``VecEnv``; it belongs to that from then on.

        Raises:
            TaskError: no native batch inside, or Stable-Baselines3 is not installed.
        """
        inner: Any = self.env
        if not hasattr(inner, "to_sb3"):
            raise TaskError(
                f"{inner} is no native batch of this library, which alone has to_sb3(); wrap "
                "single environments and use Stable-Baselines3's DummyVecEnv."
            )
        inner.to_sb3()  # from now on it resets in the same step
        from ..core.sb3 import TaskVecEnv

        batch: Any = self
        return TaskVecEnv(batch)


def _state(inner: Any, front: Front, over: Array, shown: Array) -> dict[str, Any]:
    return {
        "env": inner,
        "sensor": front.sensor.get_state(),
        "over": over.copy(),
        "shown": shown.copy(),
    }


def _checked_state(state: Any, front: Front, n: int) -> tuple[Array, Array]:
    """What a state says of ends and observations; the sensor takes its part."""
    keys = {"env", "sensor", "over", "shown"}
    if not isinstance(state, dict) or not keys.issubset(state):
        raise TaskError("state is not that of a sensor's wrapper; pass what get_state() returned.")
    over = np.array(state["over"], dtype=bool)
    shown = np.array(state["shown"], dtype=np.float32)
    kept = deepcopy(state["sensor"])
    if len(over) != n or shown.shape != (n, *front.space.shape):
        raise TaskError(
            f"the state is of {len(over)} columns or another sensor; pass what get_state() of an "
            f"environment with {n} columns, made alike, returned."
        )
    front.sensor.set_state(kept)
    return over, shown
