"""Tasks whose payoffs change without notice."""

from .reversal_bandit import ReversalBandit

__all__ = ["ReversalBandit"]
