"""An environment that kills its process: what running out of memory looks like from outside."""

import os
import signal
import time
from pathlib import Path

import gymnasium as gym
import numpy as np

STEPS = 400  # of a process until it dies; evaluations count


class DyingEnv(gym.Env):
    """Two arms, one of which pays. Dies at once or, given a marker, once, after a while.

    Args:
        marker: file that is made before dying; nobody dies while it is there.
        sleep: seconds that a step takes.
    """

    observation_space = gym.spaces.Box(0, 1, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)
    count = 0

    def __init__(self, marker=None, sleep=0.0):
        self.marker, self.sleep = marker, sleep

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.left = 5
        return self._observation(), {}

    def _observation(self):
        return self.np_random.random(1, np.float32)

    def step(self, action):
        DyingEnv.count += 1
        time.sleep(self.sleep)
        if self.marker is None and not self.sleep:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.marker and DyingEnv.count > STEPS and not Path(self.marker).exists():
            Path(self.marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1
        return self._observation(), float(action == 1), self.left == 0, False, {}


gym.register("caudate-test/Dying-v0", f"{__name__}:DyingEnv")
