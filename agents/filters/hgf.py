"""Hierarchical Gaussian filters: the log of each level's volatility is the level above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit

from .base import (
    NOT_NEGATIVE,
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

#: Logs of volatility count up to here: exp(100) is past any precision that could tell it from more.
_LARGEST = 100.0


def _volatility(log: Value) -> Array:
    return np.exp(np.minimum(log, _LARGEST))


def _predicted(precision: Array, volatility: Array | Value) -> Array:
    """Precision of a level after its random step, before anything is seen."""
    return precision / (1.0 + precision * volatility)


def _learn_volatility(
    mean: Array, predicted: Array, coupling: Value, share: Array, error: Array
) -> tuple[Array, Array]:
    """Mean and precision of a level that is the log-volatility of the one below.

    Args:
        mean, predicted: the level's mean and predicted precision before this trial.
        coupling: kappa.
        share: of the volatility in the predicted variance of the level below; 0 where nothing was
            seen, which leaves mean and predicted precision as they are.
        error: expected square of the step that the level below took, given all that was seen, over
            its predicted variance; less 1.

    One Newton step on the level's variational energy (Mathys et al. 2014). The
    curvature there can come out negative: the precision, and with it the arm, is then NaN.
    """
    precision = predicted + 0.5 * coupling**2 * share * (share + (2.0 * share - 1.0) * error)
    precision = np.where(precision > 0.0, precision, np.nan)
    return mean + 0.5 * coupling * share * error / precision, precision


@dataclass(frozen=True, kw_only=True, eq=False)
class BinaryHGF(LogitFilter):
    """Three levels for binary outcomes: probability's logit, its log-volatility, one step above.

    The logit x2 walks with variance V = exp(kappa x3 + omega2), x3 with variance exp(omega3). With
    p = logistic(mu2) and predicted precisions pi2^ = 1 / (1 / pi2 + V), pi3^ = 1 / (1 / pi3 +
    exp(omega3)):

        pi2 <- pi2^ + p (1 - p),  mu2 <- mu2 + (o - p) / pi2
        pi3 <- pi3^ + kappa^2 g (g + (2 g - 1) d) / 2,  mu3 <- mu3 + kappa g d / (2 pi3)

    with g = V pi2^ and d = (1 / pi2 + (mu2's change)^2) pi2^ - 1. An arm that was not seen keeps
    its means, and its precisions become the predicted ones.

    Where parameters and outcomes drive pi3 to 0 or below, the equations have no meaning. The belief
    about that arm is NaN from there on, and so is the likelihood of choices made of it; other
    columns of the batch go on. (Clipping would be another model than the one that is named.) A more
    negative ``meta_volatility`` or ``tonic_volatility`` helps.

    Args:
        tonic_volatility: omega2.
        meta_volatility: omega3.
        coupling: kappa; 0 makes volatility constant.
        start, start_precision: mu2 (a logit) and pi2 before the first trial.
        start_log_volatility, start_log_volatility_precision: mu3 and pi3 before the first trial.

    State: mu2, pi2, mu3, pi3 after the last outcome. Reported are 1 / pi2, the weight of the error
    o - p in the change of the logit, and V. Mathys, Daunizeau, Friston & Stephan (2011), Front.
    Hum. Neurosci. 5:39, doi:10.3389/fnhum.2011.00039.

    >>> BinaryHGF().run([0, 1, 1]).mean.ravel().round(4)
    array([0.3975, 0.5057, 0.5853])
    """

    name: ClassVar[str] = "hgf"

    tonic_volatility: Value = parameter(-3.0, REAL, centre=-3.0, spread=2.0)
    meta_volatility: Value = parameter(-6.0, REAL, centre=-6.0, spread=2.0)
    coupling: Value = parameter(1.0, NOT_NEGATIVE, fixed=True)
    start: Value = parameter(0.0, REAL, fixed=True)
    start_precision: Value = parameter(1.0, POSITIVE, fixed=True)
    start_log_volatility: Value = parameter(0.0, REAL, fixed=True)
    start_log_volatility_precision: Value = parameter(1.0, POSITIVE, fixed=True)

    def begin(self, n: int = 1, arms: int = 1, seed: int | Array = 0) -> State:
        return constants(
            n,
            arms,
            self.start,
            self.start_precision,
            self.start_log_volatility,
            self.start_log_volatility_precision,
        )

    def logit(self, state: State) -> tuple[Array, Array]:
        return state[0], 1.0 / state[1] + self._walk(state)

    def _walk(self, state: State) -> Array:
        return _volatility(column(self.coupling) * state[2] + column(self.tonic_volatility))

    def _update(self, state: State, outcome: Array, seen: Array) -> tuple[State, Report]:
        mean, precision, log_volatility, known = state
        volatility = self._walk(state)
        predicted = _predicted(precision, volatility)
        p = expit(mean)
        precision = predicted + seen * (p * (1.0 - p))
        rate = 1.0 / precision
        step = seen * (outcome - p) * rate
        upper = _learn_volatility(
            log_volatility,
            _predicted(known, _volatility(column(self.meta_volatility))),
            column(self.coupling),
            seen * (volatility * predicted),
            (rate + step * step) * predicted - 1.0,
        )
        new = (mean + step, precision, *upper)
        return new, Report(learning_rate=rate, volatility=volatility)


@dataclass(frozen=True, kw_only=True, eq=False)
class ContinuousHGF(Filter):
    """Three levels for outcomes of any size: value, its log-volatility, the volatility of that.

    The value x1 is seen through noise of variance s and walks with variance V = exp(kappa1 x2 +
    omega1); x2 walks with variance exp(kappa2 x3 + omega2), x3 with exp(omega3). Predictions are
    pi^ = 1 / (1 / pi + the level's volatility), means stay, and then

        pi1 <- pi1^ + 1 / s,  mu1 <- mu1 + (o - mu1) / (s pi1)
        pi_i <- pi_i^ + kappa^2 g (g + (2 g - 1) d) / 2,  mu_i <- mu_i + kappa g d / (2 pi_i)

    for i = 2, 3, with kappa, g = (volatility) pi^ and d = (1 / pi + (mu's change)^2) pi^ - 1 of the
    level below. An arm that was not seen keeps its means, and its precisions become the predicted
    ones. Precisions of 0 or below end in NaN as in :class:`BinaryHGF`.

    Args:
        stochasticity: s, in the squared unit of outcomes.
        tonic_volatility: omega1.
        meta_volatility: omega2.
        top_volatility: omega3.
        coupling: kappa1; at 0 this is a Kalman filter whose volatility is exp(omega1).
        meta_coupling: kappa2; 0 makes two levels of it.
        start, start_precision: mu1 and pi1 before the first trial.
        start_log_volatility, start_log_volatility_precision: mu2 and pi2 before it.
        start_top, start_top_precision: mu3 and pi3 before it.

    State: mu1, pi1, mu2, pi2, mu3, pi3 after the last outcome. ``variance`` is about the next
    trial's x1; reported are 1 / (s pi1), the gain of the value, and V. Mathys et al. (2014), Front.
    Hum. Neurosci. 8:825, doi:10.3389/fnhum.2014.00825.

    >>> still = ContinuousHGF(coupling=0.0, tonic_volatility=np.log(0.5), stochasticity=1.0)
    >>> still.run(np.zeros(50)).learning_rate[-1].round(12)
    array([[0.5]])
    """

    name: ClassVar[str] = "continuous-hgf"

    stochasticity: Value = parameter(1.0, POSITIVE)
    tonic_volatility: Value = parameter(-3.0, REAL, centre=-3.0, spread=2.0)
    meta_volatility: Value = parameter(-6.0, REAL, centre=-6.0, spread=2.0)
    top_volatility: Value = parameter(-6.0, REAL, fixed=True, centre=-6.0, spread=2.0)
    coupling: Value = parameter(1.0, NOT_NEGATIVE, fixed=True)
    meta_coupling: Value = parameter(1.0, NOT_NEGATIVE, fixed=True)
    start: Value = parameter(0.0, REAL, fixed=True)
    start_precision: Value = parameter(1.0, POSITIVE, fixed=True)
    start_log_volatility: Value = parameter(0.0, REAL, fixed=True)
    start_log_volatility_precision: Value = parameter(1.0, POSITIVE, fixed=True)
    start_top: Value = parameter(0.0, REAL, fixed=True)
    start_top_precision: Value = parameter(1.0, POSITIVE, fixed=True)

    def begin(self, n: int = 1, arms: int = 1, seed: int | Array = 0) -> State:
        return constants(
            n,
            arms,
            self.start,
            self.start_precision,
            self.start_log_volatility,
            self.start_log_volatility_precision,
            self.start_top,
            self.start_top_precision,
        )

    def mean(self, state: State) -> Array:
        return state[0]

    def variance(self, state: State) -> Array:
        return 1.0 / state[1] + self._walk(state)

    def _walk(self, state: State) -> Array:
        return _volatility(column(self.coupling) * state[2] + column(self.tonic_volatility))

    def _update(self, state: State, outcome: Array, seen: Array) -> tuple[State, Report]:
        mean, precision, log_volatility, log_precision, top, top_precision = state
        noise, coupling = column(self.stochasticity), column(self.meta_coupling)
        volatility = self._walk(state)
        predicted = _predicted(precision, volatility)
        precision = predicted + seen / noise
        rate = 1.0 / (noise * precision)
        step = seen * rate * (outcome - mean)
        above = _volatility(coupling * top + column(self.meta_volatility))
        log_predicted = _predicted(log_precision, above)
        raised, log_precision = _learn_volatility(
            log_volatility,
            log_predicted,
            column(self.coupling),
            seen * (volatility * predicted),
            (1.0 / precision + step * step) * predicted - 1.0,
        )
        uppermost = _learn_volatility(
            top,
            _predicted(top_precision, _volatility(column(self.top_volatility))),
            coupling,
            seen * (above * log_predicted),
            (1.0 / log_precision + (raised - log_volatility) ** 2) * log_predicted - 1.0,
        )
        new = (mean + step, precision, raised, log_precision, *uppermost)
        return new, Report(learning_rate=rate, volatility=volatility)
