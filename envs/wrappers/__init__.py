"""Wrappers: several tasks in one, trials in a chosen order, their history, noise.

All but ``ConditionSchedule`` go around any Gymnasium environment. Those whose names begin with
``Vector`` go around vector environments.
"""

import gymnasium as gym

from .conditions import ConditionSchedule, VectorConditionSchedule, schedule_conditions
from .history import TrialHistory, VectorTrialHistory
from .multi_task import MultiTask
from .noise import ObservationNoise, VectorObservationNoise
from .schedules import Blocks, Independent, Markov

__all__ = [
    "Blocks",
    "ConditionSchedule",
    "Independent",
    "Markov",
    "MultiTask",
    "ObservationNoise",
    "TrialHistory",
    "VectorConditionSchedule",
    "VectorObservationNoise",
    "VectorTrialHistory",
    "schedule_conditions",
]

gym.register(id="caudate/MultiTask-v0", entry_point=f"{__name__}:MultiTask")
