"""Learning by perturbation: rules, their theory, and the learners that use them.

Agents for Gymnasium environments, :class:`ReadoutLearner` for linear readouts with targets;
:mod:`.theory`, :mod:`.spectra` and :mod:`.dimension` say how fast and how far they learn.
"""

from . import dimension, spectra, theory
from .learning_rate import auto_learning_rate
from .lessons import Lesson
from .miconi import Miconi
from .node import NodePerturbation
from .readout import ReadoutLearner
from .weight import HybridPerturbation, WeightPerturbation

__all__ = [
    "HybridPerturbation",
    "Lesson",
    "Miconi",
    "NodePerturbation",
    "ReadoutLearner",
    "WeightPerturbation",
    "auto_learning_rate",
    "dimension",
    "spectra",
    "theory",
]
