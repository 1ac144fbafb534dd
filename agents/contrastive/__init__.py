"""Contrastive learning: weights change by the difference of a free and a taught settled state."""

from .agent import Contrastive
from .network import ContrastiveNet, Phase
from .oscillation import oscillate
from .teachers import KINDS, Teacher
from .trajectories import ActionNet, learn_cycle

__all__ = [
    "KINDS",
    "ActionNet",
    "Contrastive",
    "ContrastiveNet",
    "Phase",
    "Teacher",
    "learn_cycle",
    "oscillate",
]
