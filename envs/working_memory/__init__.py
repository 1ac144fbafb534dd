"""Tasks that need something to be held in mind."""

from .delayed_match import DelayedMatch

__all__ = ["DelayedMatch"]
