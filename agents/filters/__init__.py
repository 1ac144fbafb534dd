"""Learners of hidden quantities from outcomes, trial by trial, in batches.

Each is exact: what it computes is its paper's equations, or Bayes' rule for the world it assumes.
:mod:`.base` says what filters have in common.
"""

from .base import Course, Filter, Report, Value
from .particle import JointParticle
from .rescorla_wagner import RescorlaWagner

#: Filters by name.
FILTERS: dict[str, type[Filter]] = {one.name: one for one in (JointParticle, RescorlaWagner)}

__all__ = ["FILTERS", "Course", "Filter", "JointParticle", "Report", "RescorlaWagner", "Value"]
