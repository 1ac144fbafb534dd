"""Episodes in rounds: every column is reset with a seed, plays one episode and then waits.

All that the recurrent learners know of environments is here. Native batches that accept an
``autoreset_mode`` run with autoreset disabled; everything else runs in Gymnasium's
``SyncVectorEnv``, and rows after a column's end are ignored.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec, load_env_creator
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from .atari_env import is_atari, make_atari, register_atari
from .errors import AgentError

NO_CONDITION = -1
COPIES = 64  # of an environment given by its id


class Rounds:
    """A batch of environments played one round of episodes at a time.

    Attributes after :meth:`reset` and each :meth:`step`, all of shape (B,):
        alive: columns whose episode still runs.
        truncated: columns whose episode was cut short by a limit, not ended by the task.
        condition: ``info["condition"]`` of finished episodes, -1 where there is none.
        returns, lengths: undiscounted return and number of transitions so far.

    ``caps`` (B,) may be set to cut episodes short after so many transitions.
    """

    caps: np.ndarray | None = None

    def __init__(self, env: VectorEnv, env_id: str | None, max_episode_steps: int):
        self.env = env
        self.env_id = env_id
        self.n_envs = int(env.num_envs)
        self.observation_space = env.single_observation_space
        self.action_space = env.single_action_space
        self.task_info: dict[str, Any] = getattr(inner_env(env), "task_info", {})
        self._max_steps = max_episode_steps

    def reset(self, seeds: Sequence[int] | np.ndarray) -> np.ndarray:
        """Begin a round; returns observations (B, D)."""
        n = self.n_envs
        self.alive = np.ones(n, bool)
        self.truncated = np.zeros(n, bool)
        self.condition = np.full(n, NO_CONDITION)
        self.returns = np.zeros(n)
        self.lengths = np.zeros(n, int)
        self._steps = 0
        # Gymnasium's annotation knows one integer only; its batches take a list.
        one_each: Any = [int(s) for s in seeds]
        observation, _ = self.env.reset(seed=one_each)
        return self._checked(observation)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Observations (B, D) and rewards (B,), zero for columns that have finished.

        The observation of a column that finishes now is its final one.
        """
        observation, reward, terminated, truncated, info = self.env.step(actions)
        reward = np.where(self.alive, reward, 0.0)
        if not np.isfinite(reward.sum()):
            raise AgentError(
                f"The environment returned a reward of {_first_bad(reward)}: "
                "rewards must be finite."
            )
        self.returns += reward
        self.lengths += self.alive
        if self.caps is not None:
            truncated = truncated | (self.lengths >= self.caps)
        ended = (terminated | truncated) & self.alive
        if ended.any():
            observation = self._finish(ended, truncated & ~terminated, observation, info)
        self._steps += 1
        if self._steps >= self._max_steps and self.alive.any():
            raise AgentError(
                f"No end of episode within max_episode_steps={self._max_steps} steps: "
                "wrap the environment in gymnasium.wrappers.TimeLimit or raise max_episode_steps."
            )
        return self._checked(observation), reward

    def close(self) -> None:
        self.env.close()

    def _finish(
        self, ended: np.ndarray, cut: np.ndarray, observation: np.ndarray, info: dict[str, Any]
    ) -> np.ndarray:
        self.alive &= ~ended
        self.truncated |= ended & cut
        final = info.get("final_info", info)
        if "condition" in final:
            known = ended & final.get("_condition", ended)
            self.condition[known] = np.asarray(final["condition"])[known]
        if "final_obs" in info:  # SAME_STEP: the row already belongs to the next episode
            observation = observation.copy()
            # Columns that ``caps`` cut play on: they have no final observation.
            for i in np.flatnonzero(ended & info["_final_obs"]):
                observation[i] = info["final_obs"][i]
        return observation

    def _checked(self, observation: np.ndarray) -> np.ndarray:
        observation = np.asarray(observation).reshape(self.n_envs, -1)
        if observation.dtype.kind == "f" and not np.isfinite(observation.sum()):
            raise AgentError(
                f"The environment returned an observation of {_first_bad(observation)}: "
                "observations must be finite."
            )
        return observation


def inner_env(env: VectorEnv) -> Any:
    """What a batch is made of: one of its copies, or a native batch itself."""
    inner = env.unwrapped
    return inner.envs[0].unwrapped if isinstance(inner, SyncVectorEnv) else inner


def make_rounds(
    env: str | gym.Env | VectorEnv, n_envs: int | None, env_kwargs: dict, max_episode_steps: int
) -> Rounds:
    """Rounds on an id (``n_envs`` copies, 64 by default), one environment, or a vector environment.

    Raises:
        AgentError: unknown id, unusable keyword arguments, or an ``n_envs`` that does not fit.
    """
    if isinstance(env, str):
        vector = _vector_from_id(env, COPIES if n_envs is None else n_envs, env_kwargs)
        return Rounds(vector, env, max_episode_steps)
    if env_kwargs:
        raise AgentError("env_kwargs is for environment ids: this environment is already built.")
    if isinstance(env, VectorEnv):
        vector, name = env, None
        mode = env.metadata.get("autoreset_mode")
        if mode == AutoresetMode.DISABLED and isinstance(env.unwrapped, SyncVectorEnv):
            raise AgentError(
                "A SyncVectorEnv with autoreset disabled cannot wait for its slowest column: "
                "build it with AutoresetMode.NEXT_STEP."
            )
    elif isinstance(env, gym.Env):
        vector, name = SyncVectorEnv([lambda: env]), _registered_id(env)
    else:
        raise AgentError(
            f"env={type(env).__name__} is not an environment: pass an id, a gymnasium.Env or a "
            "gymnasium VectorEnv."
        )
    if n_envs not in (None, vector.num_envs):
        raise AgentError(
            f"n_envs={n_envs}, but the environment has {vector.num_envs} copies: leave n_envs out "
            "or pass an id."
        )
    return Rounds(vector, name, max_episode_steps)


def _registered_id(env: gym.Env) -> str | None:
    """The id that makes an environment like this one; None where it was built in another way."""
    spec = env.spec
    if spec is None or spec.id not in gym.registry or spec.additional_wrappers:
        return None
    usual = gym.registry[spec.id]
    changed = {k: v for k, v in spec.kwargs.items() if k != "render_mode"} != usual.kwargs
    return None if changed or spec.max_episode_steps != usual.max_episode_steps else spec.id


def _vector_from_id(env_id: str, n_envs: int, env_kwargs: dict) -> VectorEnv:
    spec, native = vector_env_spec(env_id, n_envs)
    try:
        if is_atari(env_id):
            return make_atari(env_id, n_envs, env_kwargs)
        if native:
            return gym.make_vec(
                spec, num_envs=n_envs, autoreset_mode=AutoresetMode.DISABLED, **env_kwargs
            )
        return gym.make_vec(spec, num_envs=n_envs, vectorization_mode="sync", **env_kwargs)
    except TypeError as error:
        raise AgentError(
            f"Environment {env_id!r} cannot be built with {env_kwargs}: {_one_line(error)}"
        ) from error


def vector_env_spec(env_id: str, n_envs: int) -> tuple[EnvSpec, bool]:
    """The spec behind an id, and whether it has a native batch with a choice of autoreset modes.

    Raises:
        AgentError: an id that cannot be found, or fewer copies than one.
    """
    if n_envs < 1:
        raise AgentError(f"n_envs={n_envs} must be at least 1.")
    if is_atari(env_id):
        register_atari()
    try:
        # A module prefix ("package:Name-v0") is imported by Gymnasium before the look-up.
        if ":" in env_id:
            __import__(env_id.split(":")[0])
        spec = gym.spec(env_id.split(":")[-1])
    except (gym.error.Error, ImportError) as error:
        raise AgentError(f"Environment {env_id!r} cannot be found: {_one_line(error)}") from error
    return spec, spec.vector_entry_point is not None and _takes_autoreset(spec.vector_entry_point)


def _takes_autoreset(entry_point: Any) -> bool:
    creator = load_env_creator(entry_point) if isinstance(entry_point, str) else entry_point
    return "autoreset_mode" in inspect.signature(creator).parameters


def _first_bad(values: np.ndarray) -> float:
    return values[~np.isfinite(values)].flat[0]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
