"""What exact observers of binary outcomes share."""

from __future__ import annotations

from .base import Array


def implied_rate(before: Array, after: Array, outcome: Array) -> Array:
    """The change of the mean over the prediction error: what a Rescorla-Wagner learner would need.

    ``after`` is the mean for the next trial, so what the world may do between trials is in it:
    after an outcome that was nearly certain the rate can be negative.
    """
    return (after - before) / (outcome - before)
