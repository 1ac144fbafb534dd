"""Tasks from neuroscience as Gymnasium environments, single and natively batched.

Importing this package registers the tasks with Gymnasium:

>>> import gymnasium as gym
>>> import caudate.envs
>>> env = gym.make("caudate/DelayedMatch-v0", delay=1000)
>>> batch = gym.make_vec("caudate/DelayedMatch-v0", num_envs=64)
>>> "caudate/ReversalBandit-v0" in caudate.envs.task_ids()
True
"""

from importlib.metadata import PackageNotFoundError, version

from . import wrappers  # noqa: F401  registers caudate/MultiTask-v0
from .bandits import IowaGambling, ReversalBandit, TwoStep
from .core.env import TaskEnv
from .core.errors import TaskError
from .core.policy import Policy
from .core.registration import make_task, register, task_ids
from .core.samples import TrialSamples
from .core.task import InteractiveTask, ScriptedTask, Task, Yardsticks
from .core.vector import TaskVectorEnv
from .motor_timing import IntervalReproduction, WaveformTracking
from .working_memory import DelayedEstimation, DelayedMatch, FlipFlop

try:
    __version__ = version("caudate")
except PackageNotFoundError:  # used from a folder, not installed
    __version__ = "0+unknown"

__all__ = [
    "DelayedEstimation",
    "DelayedMatch",
    "FlipFlop",
    "InteractiveTask",
    "IntervalReproduction",
    "IowaGambling",
    "Policy",
    "ReversalBandit",
    "ScriptedTask",
    "Task",
    "TaskEnv",
    "TaskError",
    "TaskVectorEnv",
    "TrialSamples",
    "TwoStep",
    "WaveformTracking",
    "Yardsticks",
    "__version__",
    "make_task",
    "register",
    "task_ids",
]
