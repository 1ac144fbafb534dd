"""Tasks that belong to none of the other families."""

from .delayed_goal import DelayedGoal
from .pong import Pong

__all__ = ["DelayedGoal", "Pong"]
