"""Tasks whose payoffs change without notice."""

from .reversal_bandit import ReversalBandit
from .two_step import TwoStep

__all__ = ["ReversalBandit", "TwoStep"]
