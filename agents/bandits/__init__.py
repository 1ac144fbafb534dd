"""Trial-level learners of bandits: a filter of what arms are worth, and a rule of choice.

:mod:`.choice` has the rules, :mod:`.reader` finds choices, rewards and states in observations,
:mod:`.player` puts filter, rule and reader together, :mod:`.learners` has the agents by name,
:mod:`.two_step` and :mod:`.observer` two of another make, :mod:`.simulation` writes down trials.
"""

from .choice import CHOICES, ChoiceRule
from .learner import BanditLearner
from .observer import Observer
from .simulation import simulate
from .two_step import TwoStepHybrid, TwoStepLearner

__all__ = [
    "CHOICES",
    "BanditLearner",
    "ChoiceRule",
    "Observer",
    "TwoStepHybrid",
    "TwoStepLearner",
    "simulate",
]
