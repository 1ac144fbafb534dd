"""Bandits that are not this library's."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np


class Arms(gym.Env):
    """Arms that pay 1 with fixed odds, and show last choice and reward, without names.

    Args:
        odds: of each arm.
        trials: of an episode.
        feedback: "none", or "full": what every arm brought is shown by name, behind the rest.
    """

    def __init__(self, odds=(0.9, 0.1), trials=50, feedback="none", start=0):
        self.odds, self.trials, self.full = np.array(odds), trials, feedback == "full"
        k = len(odds)
        self.size, self.first = k + 1 + k * self.full, start
        self.observation_space = gym.spaces.Box(0, 1, (self.size,), np.float32)
        self.action_space = gym.spaces.Discrete(k, start=start)
        if self.full:
            names = [f"prev_action_{i}" for i in range(k)] + ["prev_reward"]
            self.task_info = {"obs_names": [*names, *(f"outcome_{i}" for i in range(k))]}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.trial = 0
        return np.zeros(self.size, np.float32), {}

    def step(self, action: int):
        k = len(self.odds)
        choice = action - self.first
        paid = (self.np_random.random(k) < self.odds).astype(np.float32)
        self.trial += 1
        observation = np.zeros(self.size, np.float32)
        observation[choice], observation[k] = 1, paid[choice]
        if self.full:
            observation[k + 1 :] = paid
        return observation, float(paid[choice]), False, self.trial == self.trials, {}
