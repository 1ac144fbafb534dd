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
    constants,
    parameter,
)
from .logit import LogitFilter


def _spread(state: State) -> Array:
    """Variance of the belief about the next trial's x."""
    _, variance, volatility, gap = state
    return variance + gap * volatility


def _learn(
    state: State, prior: Array, noise: Value, learning: Value, seen: Array, step: Array
) -> State:
    """The state once m moved by ``step``, which is 0 where nothing was seen."""
    mean, variance, volatility, gap = state
    kept = noise / (prior + noise)  # 1 - k
    posterior = kept * prior
    # Expected square of x - (x at the last outcome): (1 - k) w is the covariance of the two.
    squared = step * step + posterior + (1.0 - 2.0 * kept) * variance
    return (
        mean + step,
        np.where(seen, posterior, variance),
        volatility + seen * (learning * (squared / gap - volatility)),
        np.where(seen, 1.0, gap + 1.0),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class VolatileKalman(Filter):
    """VKF for outcomes of any size: x' = x + N(0, v), outcome = x + N(0, sigma2), v unknown.

    With the gain k = (w + v) / (w + v + sigma2): m' = m + k (o - m), w' = (1 - k) (w + v), and
    v <- v + lambda ((m' - m)^2 + w' + w - 2 (1 - k) w - v). As in the paper the last trial's m and
    w are not revised by the new outcome, so that learned volatility lies above the true one, far
    above in slow worlds.

    The paper has an outcome every trial. Here an arm that was not seen grows uncertain by v a
    trial; after a gap of g trials x has moved g times, so that w + v becomes w + g v above, and
    what v learns from becomes ((m' - m)^2 + w' + w - 2 (1 - k) w) / g. (Were w itself to grow in
    the gap, v would learn from it and explode.)

    Args:
        volatility_rate: lambda, how fast volatility is learned.
        volatility: v before the first trial, in the squared unit of outcomes.
        stochasticity: sigma2, known; also w before the first trial, as in the paper.
        start: m before the first trial.

    State: m, w, v after the last outcome, and trials from there to the next one. ``variance`` is
    about the next trial's x; reported are k and the v that it was made of. Piray & Daw (2020), PLoS
    Comput. Biol. 16:e1007963, doi:10.1371/journal.pcbi.1007963.

    >>> VolatileKalman().run([1.0, 1.0]).learning_rate.ravel().round(4)
    array([0.6   , 0.5383])
    """

    name: ClassVar[str] = "vkf"

    volatility_rate: Value = parameter(0.1, INSIDE_UNIT, centre=-2.0)
    volatility: Value = parameter(0.5, POSITIVE)
    stochasticity: Value = parameter(1.0, POSITIVE)
    start: Value = parameter(0.0, REAL, fixed=True)

    def begin(self, n: int = 1, arms: int = 1, seed: int | Array = 0) -> State:
        return constants(n, arms, self.start, self.stochasticity, self.volatility, 1.0)

    def mean(self, state: State) -> Array:
        return state[0]

    def variance(self, state: State) -> Array:
        return _spread(state)

    def _update(self, state: State, outcome: Array, seen: Array) -> tuple[State, Report]:
        noise, prior = column(self.stochasticity), _spread(state)
        gain = prior / (prior + noise)
        step = seen * gain * (outcome - state[0])
        new = _learn(state, prior, noise, column(self.volatility_rate), seen, step)
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

    State: m, w, v on the logit after the last outcome, and trials from there to the next one.
    Reported are the rate sqrt(w + v), which may exceed 1, and the v that it was made of. Piray &
    Daw (2020), PLoS Comput. Biol. 16:e1007963, doi:10.1371/journal.pcbi.1007963.

    >>> BinaryVolatileKalman().run([1, 1, 0]).mean.ravel().round(4)
    array([0.6485, 0.7295, 0.5546])
    """

    name: ClassVar[str] = "binary-vkf"

    volatility_rate: Value = parameter(0.1, INSIDE_UNIT, centre=-2.0)
    volatility: Value = parameter(0.5, POSITIVE)
    noise: Value = parameter(1.0, POSITIVE)
    start: Value = parameter(0.0, REAL, fixed=True)

    def begin(self, n: int = 1, arms: int = 1, seed: int | Array = 0) -> State:
        return constants(n, arms, self.start, self.noise, self.volatility, 1.0)

    def logit(self, state: State) -> tuple[Array, Array]:
        return state[0], _spread(state)

    def _update(self, state: State, outcome: Array, seen: Array) -> tuple[State, Report]:
        prior = _spread(state)
        rate = np.sqrt(prior)
        step = seen * rate * (outcome - expit(state[0]))
        learning = column(self.volatility_rate)
        new = _learn(state, prior, column(self.noise), learning, seen, step)
        return new, Report(learning_rate=rate, volatility=state[2])
