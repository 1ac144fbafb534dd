"""Tasks that belong to none of the other families: of single papers, and for eyes and ears."""

from .delayed_goal import DelayedGoal
from .horn_settle import HornSettle
from .image_bandit import ImageBandit
from .pong import Pong
from .syllable_sequence import SyllableSequence
from .syllables import Syllables
from .tempo_continuation import TempoContinuation
from .tone_sequence import ToneSequence
from .visual_delayed_match import VisualDelayedMatch

__all__ = [
    "DelayedGoal",
    "HornSettle",
    "ImageBandit",
    "Pong",
    "SyllableSequence",
    "Syllables",
    "TempoContinuation",
    "ToneSequence",
    "VisualDelayedMatch",
]
