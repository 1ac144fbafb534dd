"""Tasks whose payoffs change without notice."""

from .iowa_gambling import IowaGambling
from .reversal_bandit import ReversalBandit
from .two_step import TwoStep

__all__ = ["IowaGambling", "ReversalBandit", "TwoStep"]
