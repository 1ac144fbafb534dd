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
    parameter,
)
from .logit import LogitFilter

#: Logs of volatility count up to here: exp(100) is past any precision that could tell it from more.
_LARGEST = 100.0


def _volatility(coupling: Value, level: Array, tonic: Value) -> Array:
    return np.exp(np.minimum(coupling * level + tonic, _LARGEST))


def _predicted(precision: Array, volatility: Array | Value) -> Array:
    """Precision of a level after its random step, before anything is seen."""
    return precision / (1.0 + precision * volatility)


def _volatility_level(
    mean: Array, predicted: Array, coupling: Value, volatility: Array, below: Array, change: Array
) -> tuple[Array, Array]:
    """Mean and precision of a level that is the log-volatility of another.

    Args:
        mean, predicted: the level's mean and predicted precision, before this trial.
        coupling: kappa.
        volatility: of the level below, under ``mean``.
        below: predicted precision of the level below.
        change: expected square of the step that the level below took, given all that was seen.

    The update is one Newton step on the level's variational energy (Mathys et al. 2014, eqs. 9 to
    14). Its curvature can come out negative; the precision, and with it the arm, is then NaN.
    """
    share = volatility * below
    error = change * below - 1.0
    precision = predicted + 0.5 * coupling**2 * share * (share + (2.0 * share - 1.0) * error)
    precision = np.where(precision > 0.0, precision, np.nan)
    return mean + 0.5 * coupling * share * error / precision, precision


@dataclass(frozen=True, kw_only=True, eq=False)
class BinaryHGF(LogitFilter):
    """Three levels for binary outcomes: probability's logit, its log-volatility, one step above.

    The logit x2 walks with variance V = exp(kappa x3 + omega2), x3 with variance exp(omega3). With
    precisions pi and predictions (hats) pi2^ = 1 / (1 / pi2 + V), pi3^ = 1 / (1 / pi3 + exp(omega3)),
    p = logistic(mu2):

        pi2 <- pi2^ + p (1 - p),  mu2 <- mu2 + (o - p) / pi2
        pi3 <- pi3^ + kappa^2 g (g + (2 g - 1) d) / 2,  mu3 <- mu3 + kappa g d / (2 pi3)

    with g = V pi2^ and d = (1 / pi2 + (mu2's change)^2) pi2^ - 1. An arm that was not seen keeps its
    means, and its precisions become the predicted ones.

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
    o - p in the change of the logit, and V. Mathys, Daunizeau, Friston & Stephan (2011), Front. Hum.
    Neurosci. 5:39, doi:10.3389/fnhum.2011.00039.

    >>> BinaryHGF().run([0, 1, 1]).mean.ravel().round(4)
    array([0.3753, 0.5357, 0.6521])
    """

    name: ClassVar[str] = "hgf"

    tonic_volatility: Value = parameter(-2.0, REAL, centre=-2.0, spread=2.0)
    meta_volatility: Value = parameter(-4.0, REAL, centre=-4.0, spread=2.0)
    coupling: Value = parameter(1.0, NOT_NEGATIVE, fixed=True)
    start: Value = parameter(0.0, REAL, fixed=True)
    start_precision: Value = parameter(1.0, POSITIVE, fixed=True)
    start_log_volatility: Value = parameter(1.0, REAL, fixed=True)
    start_log_volatility_precision: Value = parameter(1.0, POSITIVE, fixed=True)

    def begin(self, n: int = 1, arms: int = 1, seed: int | Array = 0) -> State:
        zeros = np.zeros((n, arms))
        return (
            zeros + column(self.start),
            zeros + column(self.start_precision),
            zeros + column(self.start_log_volatility),
            zeros + column(self.start_log_volatility_precision),
        )

    def logit(self, state: State) -> tuple[Array, Array]:
        return state[0], 1.0 / state[1] + self._walk(state)

    def _walk(self, state: State) -> Array:
        return _volatility(column(self.coupling), state[2], column(self.tonic_volatility))

    def _update(self, state: State, outcome: Array, seen: Array) -> tuple[State, Report]:
        mean, precision, log_volatility, above = state
        volatility = self._walk(state)
        predicted = _predicted(precision, volatility)
        p = expit(mean)
        precision = predicted + seen * (p * (1.0 - p))
        step = seen * (outcome - p) / precision
        top = _predicted(above, np.exp(column(self.meta_volatility)))
        raised, known = _volatility_level(
            log_volatility,
            top,
            column(self.coupling),
            volatility,
            predicted,
            1.0 / precision + step * step,
        )
        new = (
            mean + step,
            precision,
            np.where(seen, raised, log_volatility),
            np.where(seen, known, top),
        )
        return new, Report(learning_rate=1.0 / precision, volatility=volatility)
