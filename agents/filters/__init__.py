"""Learners of hidden quantities from outcomes, trial by trial, in batches.

Each computes its paper's equations, or Bayes' rule for the world it assumes. :mod:`.base` says what
filters have in common.
"""

from .base import Course, Filter, Report, Value
from .behrens import Behrens
from .change_point import ChangePointObserver, GaussianChangePoint
from .hgf import BinaryHGF, ContinuousHGF
from .kalman import Kalman
from .particle import JointParticle
from .pearce_hall import PearceHall
from .rescorla_wagner import RescorlaWagner
from .reversal import ReversalObserver
from .volatile_kalman import BinaryVolatileKalman, VolatileKalman

#: Filters by name.
FILTERS: dict[str, type[Filter]] = {
    one.name: one
    for one in (
        RescorlaWagner,
        PearceHall,
        Kalman,
        VolatileKalman,
        BinaryVolatileKalman,
        BinaryHGF,
        ContinuousHGF,
        Behrens,
        ReversalObserver,
        ChangePointObserver,
        GaussianChangePoint,
        JointParticle,
    )
}

__all__ = [
    "FILTERS",
    "Behrens",
    "BinaryHGF",
    "BinaryVolatileKalman",
    "ChangePointObserver",
    "ContinuousHGF",
    "Course",
    "Filter",
    "GaussianChangePoint",
    "JointParticle",
    "Kalman",
    "PearceHall",
    "Report",
    "RescorlaWagner",
    "ReversalObserver",
    "Value",
    "VolatileKalman",
]
