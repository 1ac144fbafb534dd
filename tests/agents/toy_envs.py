"""Small environments for tests of the learners, none of them caudate's."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np


class Echo(gym.Env):
    """Reward 1 for repeating the cue of the first step after ``delay`` blank steps."""

    def __init__(self, delay: int = 2, lengths: tuple[int, ...] = (0,)):
        self.observation_space = gym.spaces.Box(0, 1, (3,), np.float32)
        self.action_space = gym.spaces.Discrete(3)
        self.delay, self.lengths = delay, lengths

    def reset(self, *, seed: int | None = None, options: dict | None = None):
        super().reset(seed=seed)
        self.cue = int(self.np_random.integers(2))
        self.end = 1 + self.delay + int(self.np_random.choice(self.lengths))
        self.t = 0
        return self._observation(), {}

    def step(self, action: int):
        last = self.t == self.end
        reward = float(last and action == 1 + self.cue)
        self.t += 1
        return self._observation(), reward, last, False, {"condition": self.cue} if last else {}

    def _observation(self) -> np.ndarray:
        x = np.zeros(3, np.float32)
        if self.t == 0:
            x[self.cue] = 1
        x[2] = self.t == self.end
        return x


class Target(gym.Env):
    """One step, one real action in [-2, 6]: reward -(action - 4)^2."""

    def __init__(self):
        self.observation_space = gym.spaces.Box(-1, 1, (2,), np.float32)
        self.action_space = gym.spaces.Box(-2, 6, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict | None = None):
        super().reset(seed=seed)
        return np.ones(2, np.float32), {}

    def step(self, action: np.ndarray):
        assert self.action_space.contains(action)
        return np.ones(2, np.float32), -float((action[0] - 4) ** 2), True, False, {}


class Switches(gym.Env):
    """Four steps or more, a grid of six switches: reward for those that agree with the inputs."""

    def __init__(self):
        self.observation_space = gym.spaces.Box(0, 1, (6,), np.float32)
        self.action_space = gym.spaces.MultiBinary((2, 3))

    def reset(self, *, seed: int | None = None, options: dict | None = None):
        super().reset(seed=seed)
        self.left = int(self.np_random.integers(4, 8))
        return self._observation(), {}

    def step(self, action: np.ndarray):
        assert self.action_space.contains(action)
        reward = float((action.reshape(-1) == self.shown).mean())
        self.left -= 1
        return self._observation(), reward, self.left == 0, False, {}

    def _observation(self) -> np.ndarray:
        self.shown = self.np_random.integers(0, 2, 6).astype(np.float32)
        return self.shown.copy()


class Faulty(Echo):
    """An environment whose observation or reward goes wrong at the second step."""

    def __init__(self, observation: float = 0.0, reward: float = 0.0, endless: bool = False):
        super().__init__(delay=3)
        self.fault: Any = observation, reward
        self.endless = endless

    def step(self, action: int):
        x, r, ended, cut, info = super().step(action)
        if self.t == 2:
            x[0] += self.fault[0]
            r += self.fault[1]
        return x, r, ended and not self.endless, cut, info


gym.register("test/Echo-v0", entry_point=f"{__name__}:Echo")
gym.register("test/Target-v0", entry_point=f"{__name__}:Target")
gym.register("test/Switches-v0", entry_point=f"{__name__}:Switches")
gym.register("test/Faulty-v0", entry_point=f"{__name__}:Faulty")
