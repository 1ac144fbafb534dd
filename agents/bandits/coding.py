"""How rewards become outcomes that filters learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import AgentError
from ..filters.base import Filter
from .reader import Reader

Array = np.ndarray

_SMALLEST = 1e-12  # magnitude that a reward is divided by


@dataclass(frozen=True, kw_only=True, eq=False)
class Coding:
    """How rewards become outcomes that filters learn from.

    An outcome is ``(reward - low) / (high - low)``, and where the arms show magnitudes, that over
    the chosen arm's. For filters of binary outcomes it is 1 if that is above 1/2, else 0.

    Args:
        low, high: rewards that count as 0 and 1.
        binary: whether outcomes are 0 and 1.
    """

    low: float = 0.0
    high: float = 1.0
    binary: bool = False

    def __call__(self, reward: Array, magnitude: Array | None = None) -> Array:
        outcome = (reward - self.low) / (self.high - self.low)
        if magnitude is not None:
            outcome = outcome / np.maximum(magnitude, _SMALLEST)
        return (outcome > 0.5).astype(np.float64) if self.binary else outcome


def make_coding(
    agent: str, belief: Filter | None, low: float | None, high: float | None, reader: Reader
) -> Coding:
    """The coding for a filter: 0 and 1 stay if nothing is given, but for binary filters, which take
    the bounds of the reward's channel.

    Raises:
        AgentError: bounds that are not known, or are one number.
    """
    binary = belief is not None and belief.outcomes == "binary"
    defaults = reader.reward_bounds if binary else (0.0, 1.0)
    low = defaults[0] if low is None else low
    high = defaults[1] if high is None else high
    if not (np.isfinite(low) and np.isfinite(high)) or low == high:
        raise AgentError(
            f"{agent}: rewards of {low:g} and {high:g} cannot count as outcomes 0 and 1: set "
            "reward_low and reward_high to two different numbers."
        )
    return Coding(low=low, high=high, binary=binary)
