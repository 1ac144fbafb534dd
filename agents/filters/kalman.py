"""The Kalman filter: what drifts with known volatility is seen through known stochasticity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .base import (
    NOT_NEGATIVE,
    POSITIVE,
    REAL,
    UNIT,
    Array,
    Filter,
    Report,
    State,
    Value,
    column,
    constants,
    parameter,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Kalman(Filter):
    """Optimal for x' = theta + rho (x - theta) + N(0, v), outcome = x + N(0, s).

    The belief N(m, w) about the last trial's x becomes one about the next trial's,
    m <- theta + rho (m - theta), w <- rho^2 w + v, and an outcome then moves it by the gain
    k = w / (w + s): m <- m + k (o - m), w <- (1 - k) w. Arms that were not seen drift: their belief
    takes the first of these steps alone.

    Args:
        volatility: v, variance of the drift of one trial, in the squared unit of outcomes.
        stochasticity: s, variance of outcomes around x.
        decay: rho, the share of its distance from ``centre`` that x keeps; 1 is a random walk.
        centre: theta.
        start, start_variance: m and w before the first trial; x drifts once before it is seen.

    State: m, w after the last outcome. ``mean`` and ``variance`` are about the next trial's x; the
    learning rate reported is k. Kalman (1960), J. Basic Eng. 82:35, doi:10.1115/1.3662552; for
    bandits Daw et al. (2006), Nature 441:876, doi:10.1038/nature04766.

    >>> Kalman(volatility=0.5, stochasticity=1.0).run([0.0] * 50).learning_rate[-1]
    array([[0.5]])
    """

    name: ClassVar[str] = "kalman"

    volatility: Value = parameter(0.5, NOT_NEGATIVE)
    stochasticity: Value = parameter(1.0, POSITIVE, fixed=True)
    decay: Value = parameter(1.0, UNIT, fixed=True)
    centre: Value = parameter(0.0, REAL, fixed=True)
    start: Value = parameter(0.0, REAL, fixed=True)
    start_variance: Value = parameter(100.0, NOT_NEGATIVE, fixed=True)

    def begin(self, n: int = 1, arms: int = 1, seed: int | Array = 0) -> State:
        return constants(n, arms, self.start, self.start_variance)

    def mean(self, state: State) -> Array:
        centre = column(self.centre)
        return centre + column(self.decay) * (state[0] - centre)

    def variance(self, state: State) -> Array:
        return column(self.decay) ** 2 * state[1] + column(self.volatility)

    def _update(self, state: State, outcome: Array, seen: Array) -> tuple[State, Report]:
        mean, variance = self.mean(state), self.variance(state)
        gain = seen * (variance / (variance + column(self.stochasticity)))
        new = (mean + gain * (outcome - mean), (1.0 - gain) * variance)
        return new, Report(learning_rate=gain)
