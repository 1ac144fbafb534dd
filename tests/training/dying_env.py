"""An environment that kills its process: what running out of memory looks like from outside."""

import os
import signal

import gymnasium as gym
import numpy as np


class DyingEnv(gym.Env):
    observation_space = gym.spaces.Box(-1, 1, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        os.kill(os.getpid(), signal.SIGKILL)


gym.register("caudate-test/Dying-v0", f"{__name__}:DyingEnv")
