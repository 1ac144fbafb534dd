"""Small environments that show pictures or sound, for tests of sensors."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Show(gym.Env[np.ndarray, Any]):
    """Random observations of a space, for a random number of steps."""

    def __init__(self, space: spaces.Box) -> None:
        self.observation_space, self.action_space = space, spaces.Discrete(2)
        self._left = 0

    def _look(self) -> np.ndarray:
        space = self.observation_space
        assert isinstance(space, spaces.Box)
        share = self.np_random.random(space.shape)
        return (space.low + share * (space.high - space.low)).astype(space.dtype)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self._left = int(self.np_random.integers(3, 8))
        return self._look(), {}

    def step(self, action: Any) -> Any:
        self._left -= 1
        return self._look(), 0.0, self._left <= 0, False, {}


def pictures(*shape: int) -> Show:
    return Show(spaces.Box(0, 255, shape or (20, 20), dtype=np.uint8))


def sounds(chunk: int = 80) -> Show:
    return Show(spaces.Box(-0.5, 0.5, (chunk,), dtype=np.float32))
