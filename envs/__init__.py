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

from . import bandits, motor_timing, other, working_memory
from . import wrappers as wrappers  # registers caudate/MultiTask-v0
from .bandits import *  # noqa: F403
from .collecting import collect_trials
from .core.choice_task import ChoiceTask, Session
from .core.env import TaskEnv
from .core.errors import TaskError
from .core.interactive_task import InteractiveTask
from .core.policy import Policy
from .core.registration import make_task, register, task_ids
from .core.samples import TrialSamples
from .core.scripted_task import Played, ScriptedTask, TrackingTask
from .core.task import Task, Yardsticks
from .core.vector import TaskVectorEnv
from .motor_timing import *  # noqa: F403
from .other import *  # noqa: F403
from .recorder import TrialRecorder
from .trial_files import read_trials, write_trials
from .working_memory import *  # noqa: F403

try:
    __version__ = version("caudate")
except PackageNotFoundError:  # used from a folder, not installed
    __version__ = "0+unknown"

__all__ = [
    "ChoiceTask",
    "InteractiveTask",
    "Played",
    "Policy",
    "ScriptedTask",
    "Session",
    "Task",
    "TaskEnv",
    "TaskError",
    "TaskVectorEnv",
    "TrackingTask",
    "TrialRecorder",
    "TrialSamples",
    "Yardsticks",
    "__version__",
    "collect_trials",
    "make_task",
    "read_trials",
    "register",
    "task_ids",
    "write_trials",
]
__all__ += bandits.__all__
__all__ += motor_timing.__all__
__all__ += other.__all__
__all__ += working_memory.__all__
