"""Environments as Stable-Baselines3 takes them: made from ids, watched, and their state."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import SyncVectorEnv, VectorEnv
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker

from ..errors import AgentError
from ..rounds import vector_env_spec


def state_holders(env: Any) -> list[Any] | None:
    """The objects whose ``get_state`` makes up the environment's state; None if there is more."""
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env import DummyVecEnv

    if hasattr(type(env), "get_state"):  # of its own, not handed on by a wrapper
        return [env]
    if not isinstance(env, DummyVecEnv):
        return None
    holders = []
    single: Any
    for single in env.envs:
        # Wrappers of which nothing needs to be kept.
        while type(single) in (OrderEnforcing, PassiveEnvChecker, Monitor):
            single = single.env
        holders.append(single)
    return holders if all(hasattr(type(one), "get_state") for one in holders) else None


def task_info(env: Any) -> Any:
    holders = state_holders(env)
    return None if holders is None else getattr(holders[0], "task_info", None)


def sb3_env(env: Any, n_envs: int | None, env_kwargs: dict[str, Any]) -> tuple[Any, str | None]:
    """A Stable-Baselines3 VecEnv and the id it was made from."""
    from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

    if isinstance(n_envs, bool) or not isinstance(n_envs, (int, np.integer, type(None))):
        raise AgentError(f"n_envs={n_envs!r} must be a whole number of 1 or more.")
    if isinstance(env, EnvSpec):
        env = _registered_id(env)
    if isinstance(env, str):
        return _from_id(env, 64 if n_envs is None else int(n_envs), env_kwargs), env
    if env_kwargs:
        raise AgentError("env_kwargs is for environment ids: this environment is already built.")
    if isinstance(env, VecEnv):
        made = env
    elif isinstance(env, gym.Env):
        made = DummyVecEnv([lambda: env])
    elif isinstance(env, VectorEnv):
        made = _from_batch(env)
    else:
        raise AgentError(
            f"env={type(env).__name__} cannot be served: pass an id, an EnvSpec, a gymnasium.Env, "
            "a Stable-Baselines3 VecEnv, or a VectorEnv that offers to_sb3()."
        )
    if n_envs not in (None, made.num_envs):
        raise AgentError(
            f"n_envs={n_envs}, but the environment has {made.num_envs} copies: leave n_envs out or "
            "pass an id."
        )
    return made, None


def _registered_id(spec: EnvSpec) -> str:
    """The id under which exactly this is registered, so that a checkpoint can name it."""
    if gym.registry.get(spec.id) != spec:
        raise AgentError(
            f"The EnvSpec of {spec.id!r} is not what is registered under that id: register it, or "
            "pass the id and, for other arguments, env_kwargs."
        )
    return spec.id


def _from_id(env_id: str, n: int, env_kwargs: dict[str, Any]) -> Any:
    from stable_baselines3.common.vec_env import DummyVecEnv

    spec, native = vector_env_spec(env_id, n)
    try:
        if native:
            batch: Any = gym.make_vec(spec, num_envs=n, **env_kwargs).unwrapped
            if hasattr(batch, "to_sb3"):
                return batch.to_sb3()
            batch.close()
        return DummyVecEnv([lambda: gym.make(spec, **env_kwargs)] * n)
    except (TypeError, ImportError, gym.error.Error) as error:
        raise AgentError(
            f"Environment {env_id!r} cannot be built with {env_kwargs}: {one_line(error)}"
        ) from error


def _from_batch(env: Any) -> Any:
    if env.unwrapped is not env and hasattr(env.unwrapped, "to_sb3"):
        raise AgentError(
            f"env={type(env).__name__} wraps a batch, and its to_sb3() would leave the wrapper "
            "out: pass env.unwrapped, or an id."
        )
    if isinstance(env, SyncVectorEnv):  # its copies one by one: Stable-Baselines3 resets itself
        from stable_baselines3.common.vec_env import DummyVecEnv

        return DummyVecEnv([partial(_itself, copy) for copy in env.envs])
    if not hasattr(env, "to_sb3"):
        raise AgentError(
            f"env={type(env).__name__} does not offer to_sb3(): pass an id, or the copies as a "
            "Stable-Baselines3 VecEnv."
        )
    return env.to_sb3()


def _itself(env: Any) -> Any:
    return env


def watched(env: Any) -> Any:
    """``env`` in a wrapper that refuses values that are not finite and keeps the raw rewards."""
    from stable_baselines3.common.vec_env import VecEnvWrapper

    class WatchedEnv(VecEnvWrapper):
        def __init__(self, venv: Any):
            super().__init__(venv)
            self._rewards: list[np.ndarray] = []

        def reset(self) -> np.ndarray:
            return _finite("an observation", self.venv.reset())

        def step_wait(self) -> Any:
            observation, reward, done, info = self.venv.step_wait()
            self._rewards.append(_finite("a reward", reward).copy())
            for column in np.flatnonzero(done):
                if "terminal_observation" in info[column]:
                    _finite("an observation", info[column]["terminal_observation"])
            return _finite("an observation", observation), reward, done, info

        def take_rewards(self) -> list[np.ndarray]:
            """(B,) rewards of each step since the last call, before any bootstrapping."""
            taken, self._rewards = self._rewards, []
            return taken

    return WatchedEnv(env)


def _finite(what: str, values: Any) -> Any:
    finite = np.isfinite(values)
    if not finite.all():
        raise AgentError(
            f"The environment returned {what} of {np.asarray(values)[~finite].flat[0]}: "
            f"{what.split()[-1]}s must be finite."
        )
    return values


def one_line(value: Any) -> str:
    return " ".join(str(value).split())
