"""Learners of hidden quantities from outcomes, trial by trial, in batches.

Each is exact: what it computes is its paper's equations, or Bayes' rule for the world it assumes.
:mod:`.base` says what filters have in common.
"""

from .base import Course, Filter, Report, Value
from .hgf import BinaryHGF
from .kalman import Kalman
from .particle import JointParticle
from .pearce_hall import PearceHall
from .rescorla_wagner import RescorlaWagner
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
        JointParticle,
    )
}

__all__ = [
    "FILTERS",
    "BinaryHGF",
    "BinaryVolatileKalman",
    "Course",
    "Filter",
    "JointParticle",
    "Kalman",
    "PearceHall",
    "Report",
    "RescorlaWagner",
    "Value",
    "VolatileKalman",
]
