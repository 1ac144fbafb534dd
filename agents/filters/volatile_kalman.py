"""Volatile Kalman filters: volatility is learned from the belief's own movements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit

from .base import (
    INSIDE_UNIT,
    POSITIVE,
    REAL,
    Array,
    Filter,
    Report,
    State,
    Value,
    column,
    parameter,
)
from .logit import LogitFilter


def _move(
    state: State, noise: Value, learning: Value, seen: Array, weight: Array, error: Array
) -> State:
    """(m, w, v) after an error that moves m by ``weight`` times itself (eqs. 9 to 13)."""
    mean, variance, volatility = state
    prior = variance + volatility
    kept = 1.0 - seen * (prior / (prior + noise))
    step = weight * error
    posterior = kept * prior
    # Expected square of x' - x under the posterior: (1 - k) w is the covariance of the two.
    squared = step * step + posterior + variance - 2.0 * kept * variance
    return mean + step, posterior, volatility + learning * (squared - volatility)


@dataclass(frozen=True, kw_only=True, eq=False)
class VolatileKalman(Filter):
    """VKF for outcomes of any size: x' = x + N(0, v), outcome = x + N(0, sigma2), v unknown.

    With the gain k = (w + v) / (w + v + sigma2): m' = m + k (o - m), w' = (1 - k) (w + v), and
    v <- v + lambda ((m' - m)^2 + w' + w - 2 (1 - k) w - v). An arm that was not seen has k = 0 in
    the same equations: its uncertainty grows by v, its volatility stays. As in the paper the last
    trial's m and w are not revised by the new outcome, so that learned volatility lies above the
    true one, far above in slow worlds.

    Args:
        volatility_rate: lambda, how fast volatility is learned.
        volatility: v before the first trial, in the squared unit of outcomes.
        stochasticity: sigma2, known; also w before the first trial, as in the paper.
        start: m before the first trial.

    State: m, w, v after the last outcome. ``variance`` is about the next trial's x, w + v; reported
    are k and the v that it was made of. Piray & Daw (2020), PLoS Comput. Biol. 16:e1007963,
    doi:10.1371/journal.pcbi.1007963.

    >>> VolatileKalman().run([1.0, 1.0]).learning_rate.ravel().round(4)
    array([0.6   , 0.5383])
    """

    name: ClassVar[str] = "vkf"

    volatility_rate: Value = parameter(0.1, INSIDE_UNIT, centre=-2.0)
    volatility: Value = parameter(0.5, POSITIVE)
    stochasticity: Value = parameter(1.0, POSITIVE)
    start: Value = parameter(0.0, REAL, fixed=True)

    def begin(self, n: int = 1, arms: int = 1, seed: int | Array = 0) -> State:
        zeros = np.zeros((n, arms))
        return (
            zeros + column(self.start),
            zeros + column(self.stochasticity),
            zeros + column(self.volatility),
        )

    def mean(self, state: State) -> Array:
        return state[0]

    def variance(self, state: State) -> Array:
        return state[1] + state[2]

    def _update(self, state: State, outcome: Array, seen: Array) -> tuple[State, Report]:
        noise = column(self.stochasticity)
        prior = self.variance(state)
        gain = seen * (prior / (prior + noise))
        new = _move(state, noise, column(self.volatility_rate), seen, gain, outcome - state[0])
        return new, Report(learning_rate=gain, volatility=state[2])


@dataclass(frozen=True, kw_only=True, eq=False)
class BinaryVolatileKalman(LogitFilter):
    """VKF for binary outcomes: x is the logit of their probability.

    m' = m + sqrt(w + v) (o - logistic(m)) with the old w and v; w and v are learned as in
    :class:`VolatileKalman`, with omega in the place of sigma2. Arms that were not seen are as
    there: their uncertainty, and with it the rate of their next outcome, grows.

    Args:
        volatility_rate: lambda.
        volatility: v before the first trial, in squared logits.
        noise: omega; also w before the first trial, as in the paper.
        start: m before the first trial, a logit.

    State: m, w, v after the last outcome, on the logit. Reported are the rate sqrt(w + v), which
    may exceed 1, and the v that it was made of. Piray & Daw (2020), PLoS Comput. Biol. 16:e1007963,
    doi:10.1371/journal.pcbi.1007963.

    >>> BinaryVolatileKalman().run([1, 1, 0]).mean.ravel().round(4)
    array([0.6485, 0.7295, 0.5546])
    """

    name: ClassVar[str] = "binary-vkf"

    volatility_rate: Value = parameter(0.1, INSIDE_UNIT, centre=-2.0)
    volatility: Value = parameter(0.5, POSITIVE)
    noise: Value = parameter(1.0, POSITIVE)
    start: Value = parameter(0.0, REAL, fixed=True)

    def begin(self, n: int = 1, arms: int = 1, seed: int | Array = 0) -> State:
        zeros = np.zeros((n, arms))
        return (
            zeros + column(self.start),
            zeros + column(self.noise),
            zeros + column(self.volatility),
        )

    def logit(self, state: State) -> tuple[Array, Array]:
        return state[0], state[1] + state[2]

    def _update(self, state: State, outcome: Array, seen: Array) -> tuple[State, Report]:
        rate = np.sqrt(state[1] + state[2])
        error = seen * (outcome - expit(state[0]))
        learning = column(self.volatility_rate)
        new = _move(state, column(self.noise), learning, seen, rate, error)
        return new, Report(learning_rate=rate, volatility=state[2])
