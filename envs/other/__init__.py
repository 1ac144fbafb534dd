"""Tasks of single papers that belong to none of the other families."""

from .delayed_goal import DelayedGoal
from .pong import Pong
from .syllable_sequence import SyllableSequence
from .syllables import Syllables

__all__ = ["DelayedGoal", "Pong", "SyllableSequence", "Syllables"]
