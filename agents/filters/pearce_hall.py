"""Pearce-Hall: surprise raises the rate at which the next outcomes are learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .base import (
    NOT_NEGATIVE,
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
class PearceHall(Filter):
    """The hybrid of Rescorla-Wagner and Pearce-Hall: errors teach values, their size the rate.

    With delta = r - V, in this order: V <- V + kappa alpha delta, alpha <- eta |delta| +
    (1 - eta) alpha. Arms that were not seen keep V and alpha: there was no event to be surprised
    by. The rate kappa alpha is in the unit of outcomes, so outcomes far larger than 1 ask for a
    smaller kappa; it is not held below 1.

    Args:
        salience: kappa.
        associability: alpha before the first trial.
        associability_rate: eta, the share of alpha that the last error replaces.
        start: V before the first trial, in the unit of outcomes.

    State: V, alpha. Li, Schiller, Schoenbaum, Phelps & Daw (2011), Nat. Neurosci. 14:1250,
    doi:10.1038/nn.2904; Pearce & Hall (1980), Psychol. Rev. 87:532, doi:10.1037/0033-295X.87.6.532.

    >>> learner = PearceHall(salience=0.5, associability=1.0, associability_rate=0.3)
    >>> learner.run([0.0, 1.0]).mean.ravel()
    array([0.25   , 0.56875])
    """

    name: ClassVar[str] = "pearce-hall"

    salience: Value = parameter(0.5, NOT_NEGATIVE, centre=-0.7)
    associability: Value = parameter(1.0, NOT_NEGATIVE, fixed=True)
    associability_rate: Value = parameter(0.3, UNIT)
    start: Value = parameter(0.5, REAL, fixed=True)

    def begin(self, n: int = 1, arms: int = 1, seed: int | Array = 0) -> State:
        return constants(n, arms, self.start, self.associability)

    def mean(self, state: State) -> Array:
        return state[0]

    def _update(self, state: State, outcome: Array, seen: Array) -> tuple[State, Report]:
        value, associability = state
        error = outcome - value
        rate = column(self.salience) * associability
        surprise = column(self.associability_rate) * (np.abs(error) - associability)
        new = (value + seen * rate * error, associability + seen * surprise)
        return new, Report(learning_rate=rate)
