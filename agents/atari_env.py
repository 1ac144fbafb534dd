"""Atari games of ``ale-py`` (extra ``atari``) as batches of small grey frames.

Bellemare et al. (2013), doi:10.1613/jair.3912; Machado et al. (2018), doi:10.1613/jair.5699. One
step is four of the game's frames, of which the last two are merged. Observations are that picture
alone, 84 x 84 grey levels; rewards are clipped to [-1, 1].
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from .errors import AgentError

NAMESPACE = "ALE/"
ACTIONS = {"ALE/Pong-v5": (0, 2, 3)}  # stay, up, down: the others do the same with the button down


def is_atari(env_id: str) -> bool:
    return env_id.removeprefix("ale_py:").startswith(NAMESPACE)


def register_atari() -> None:
    """Make Gymnasium know the games.

    Raises:
        AgentError: ``ale-py`` is missing.
    """
    try:
        import ale_py
    except ImportError as error:
        raise AgentError('Atari games need ale-py: pip install "caudate[atari]".') from error
    gym.register_envs(ale_py)


def make_atari(env_id: str, n_envs: int, env_kwargs: dict[str, Any]) -> VectorEnv:
    """A batch of ``n_envs`` copies of a game.

    Args:
        env_kwargs: of ``ale_py.vector_env.AtariVectorEnv``, and ``actions``, the indices of the
            game's actions that are offered (all, if not given; three in Pong).
    """
    register_atari()
    env_id = env_id.removeprefix("ale_py:")
    kwargs: dict[str, Any] = {"stack_num": 1, "num_threads": 1} | env_kwargs
    actions = kwargs.pop("actions", ACTIONS.get(env_id))
    env = gym.make_vec(env_id, num_envs=n_envs, autoreset_mode=AutoresetMode.NEXT_STEP, **kwargs)
    return AtariBatch(env, actions)


class AtariBatch(VectorWrapper):
    """Takes seeds as a list, as other batches do, and offers some of the actions only."""

    def __init__(self, env: VectorEnv, actions: tuple[int, ...] | list[int] | None):
        super().__init__(env)
        space = env.single_action_space
        assert isinstance(space, gym.spaces.Discrete)
        offered = range(space.n) if actions is None else actions
        if not set(offered) <= set(range(space.n)) or len(set(offered)) < 2:
            raise AgentError(
                f"actions={actions!r} must be two or more of 0 to {space.n - 1}, the game's own."
            )
        self._offered = np.array(list(offered), np.int64)
        self.single_action_space = gym.spaces.Discrete(len(self._offered))
        self.action_space = gym.spaces.MultiDiscrete([len(self._offered)] * self.num_envs)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict]:
        if isinstance(seed, (list, tuple)):
            seed = np.array(seed)
        return self.env.reset(seed=seed, options=options)

    def step(self, actions: np.ndarray) -> tuple[Any, Any, Any, Any, dict]:
        return self.env.step(self._offered[np.asarray(actions)])
