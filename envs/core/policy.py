"""Batched policies with the ``predict`` face of Stable-Baselines3."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from .errors import TaskError

Array = npt.NDArray[Any]
State = tuple[Array, ...]


class Policy(ABC):
    """A policy that carries its memory in a tuple of arrays with leading axis n."""

    @abstractmethod
    def begin(self, n: int) -> State:
        """Memory of n columns at the start of an episode."""

    @abstractmethod
    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        """Actions (n, ...) and new memory from observations (n, d), which are left as they are."""

    def predict(
        self,
        obs: Array,
        state: State | None = None,
        episode_start: Array | None = None,
        deterministic: bool = True,
    ) -> tuple[Array, State]:
        """Choose actions, as Stable-Baselines3's ``predict`` does.

        Args:
            obs: (n, d) observations, or (d,) for one column.
            state: what the previous call returned; None starts afresh.
            episode_start: (n,) bool, columns whose memory is cleared first.
            deterministic: without effect, these policies have one answer.

        Returns:
            Actions (n, ...), or one action for one column, and the new memory.
        """
        obs = np.asarray(obs)
        single = obs.ndim == 1
        if single:
            obs = obs[None]
        fresh = self.begin(len(obs))
        if state is None:
            state = fresh
        elif any(len(part) != len(obs) for part in state):
            raise TaskError(
                f"state has {len(state[0])} columns but obs has {len(obs)}; pass the state that "
                "the previous call with this batch returned, or None."
            )
        elif episode_start is not None and np.any(episode_start):
            start = np.broadcast_to(np.asarray(episode_start, dtype=bool), (len(obs),))
            state = tuple(
                np.where(start.reshape(-1, *(1,) * (old.ndim - 1)), new, old)
                for new, old in zip(fresh, state, strict=True)
            )
        actions, state = self.act(obs, state)
        return (actions[0] if single else actions), state


class RandomPolicy(Policy):
    """Actions drawn uniformly from the action space, from an own generator."""

    def __init__(self, action_space: spaces.Space[Any], seed: int = 0) -> None:
        self._space = action_space
        self._random = np.random.default_rng(seed)

    def begin(self, n: int) -> State:
        return ()

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        space, n = self._space, len(obs)
        if isinstance(space, spaces.Discrete):
            return self._random.integers(space.n, size=n), state
        shape = (n, *(space.shape or ()))
        if isinstance(space, spaces.Box):
            values = self._random.uniform(space.low, space.high, size=shape)
            return values.astype(np.float32), state
        return self._random.integers(2, size=shape, dtype=np.int8), state
