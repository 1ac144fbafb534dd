"""Tasks of single papers that belong to none of the other families."""

from .syllable_sequence import SyllableSequence
from .syllables import Syllables

__all__ = ["SyllableSequence", "Syllables"]
