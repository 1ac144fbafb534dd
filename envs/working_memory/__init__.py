"""Tasks that need something to be held in mind."""

from .delayed_estimation import DelayedEstimation
from .delayed_match import DelayedMatch
from .flip_flop import FlipFlop

__all__ = ["DelayedEstimation", "DelayedMatch", "FlipFlop"]
