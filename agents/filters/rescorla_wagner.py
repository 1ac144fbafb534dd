"""Rescorla-Wagner: a fixed share of every prediction error is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .base import REAL, UNIT, Array, Filter, Report, State, Value, column, constants, parameter


@dataclass(frozen=True, kw_only=True, eq=False)
class RescorlaWagner(Filter):
    """V <- V + alpha (r - V) for arms whose outcome was seen; the others are forgotten.

    Args:
        learning_rate: alpha, in [0, 1].
        forgetting: share by which an arm that is not seen returns to ``start``.
        start: V before the first trial, in the unit of outcomes.

    Rescorla & Wagner (1972), in: Classical Conditioning II, pp. 64-99.
    """

    name: ClassVar[str] = "rescorla-wagner"

    learning_rate: Value = parameter(0.1, UNIT)
    forgetting: Value = parameter(0.0, UNIT, fixed=True)
    start: Value = parameter(0.5, REAL, fixed=True)

    def begin(self, n: int = 1, arms: int = 1, seed: int | Array = 0) -> State:
        return constants(n, arms, self.start)

    def mean(self, state: State) -> Array:
        return state[0]

    def _update(self, state: State, outcome: Array, seen: Array) -> tuple[State, Report]:
        (value,) = state
        rate = np.where(seen, column(self.learning_rate), column(self.forgetting))
        value = value + rate * (np.where(seen, outcome, column(self.start)) - value)
        return (value,), Report(learning_rate=rate)
