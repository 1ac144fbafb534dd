"""What every filter is: a learner of hidden quantities from outcomes, many at a time.

A filter is a frozen dataclass of its parameters. What it believes is a *state*, a tuple of arrays
whose first axis is columns (agents, subjects, simulations) and, of the last one at least, whose
second is arms (or cues); ``update`` returns a new state and leaves the old one alone. A parameter
is one number, or an array (n,) with one value for each column: subjects that differ run as one
batch.

>>> from caudate.agents.filters import RescorlaWagner
>>> learner = RescorlaWagner(learning_rate=0.5)
>>> state = learner.begin(n=2)
>>> state, report = learner.update(state, [[1.0], [0.0]])
>>> learner.mean(state).ravel()
array([0.75, 0.25])
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from ..errors import AgentError

Array = np.ndarray
State = tuple[Array, ...]
#: A parameter: one number, or one for each column.
Value = float | Array


class Report(NamedTuple):
    """What a filter tells of one update, each (n, K), or None where it has no such notion.

    Attributes:
        learning_rate: weight of the prediction error in the change of the belief.
        volatility: estimated variance of the hidden quantity's change from trial to trial.
        stochasticity: estimated variance of outcomes around the hidden quantity.
    """

    learning_rate: Array | None = None
    volatility: Array | None = None
    stochasticity: Array | None = None


@dataclass(frozen=True)
class Course:
    """A filter's run over T trials; arrays (T, n, K), None where the filter has no such notion.

    Attributes:
        predicted, variance: mean and variance of the belief before each outcome.
        mean: of the belief after it.
        learning_rate, volatility, stochasticity: as in :class:`Report`.
        state: after the last trial.
    """

    predicted: Array
    variance: Array
    mean: Array
    learning_rate: Array | None
    volatility: Array | None
    stochasticity: Array | None
    state: State


@dataclass(frozen=True)
class Scale:
    """Where a parameter lives, and where it is usually found.

    Attributes:
        low, high: bounds, themselves excluded where ``open``.
        to_line, from_line: between the range and the real line, where fits search.
        centre, spread: mean and standard deviation, on that line, of a weakly informative prior.
    """

    low: float
    high: float
    open: bool
    to_line: Callable[[Any], Any]
    from_line: Callable[[Any], Any]
    centre: float = 0.0
    spread: float = 1.5

    def check(self, owner: str, name: str, value: Value) -> None:
        """Raise one sentence unless all of ``value`` is in range."""
        array = np.asarray(value, dtype=np.float64)
        inside = (
            (array > self.low) & (array < self.high)
            if self.open
            else (array >= self.low) & (array <= self.high)
        )
        # NaN is inside nothing; infinity only where the range has no end.
        if array.ndim > 1 or not (inside & np.isfinite(array)).all():
            ends = "()" if self.open else "[]"
            raise AgentError(
                f"{owner}: {name}={value!r} must be a number in {ends[0]}{self.low:g}, "
                f"{self.high:g}{ends[1]}, or an array with one for each column."
            )


def _same(value: Any) -> Any:
    return value


UNIT = Scale(0.0, 1.0, False, logit, expit)
INSIDE_UNIT = Scale(0.0, 1.0, True, logit, expit)
POSITIVE = Scale(0.0, np.inf, True, np.log, np.exp)
NOT_NEGATIVE = Scale(0.0, np.inf, False, np.log, np.exp)
REAL = Scale(-np.inf, np.inf, False, _same, _same)


def parameter(default: float, scale: Scale, *, fixed: bool = False, **prior: float) -> Any:
    """A dataclass field for a parameter.

    Args:
        default: its value where none is given.
        scale: its range.
        fixed: fits leave it at its value unless told otherwise.
        prior: ``centre`` and ``spread`` on the line, where they differ from the scale's.
    """
    return field(default=default, metadata={"scale": replace(scale, **prior), "fixed": fixed})


def scales(owner: type) -> dict[str, Scale]:
    """Name -> scale of all parameters of a dataclass."""
    return {f.name: f.metadata["scale"] for f in fields(owner) if "scale" in f.metadata}


def check_parameters(owner: Any, name: str) -> None:
    """Raise one sentence for a parameter of the dataclass ``owner`` that is out of its range."""
    for key, scale in scales(type(owner)).items():
        scale.check(name, key, getattr(owner, key))


def column(value: Value) -> Value:
    """A parameter so that it meets arrays (n, K): numbers stay, (n,) becomes (n, 1)."""
    array = np.asarray(value)
    return array[:, None] if array.ndim else value


def constants(n: int, arms: int, *values: Value) -> State:
    """Arrays (n, K) that hold one value each, or one for each column."""
    return tuple(np.zeros((n, arms)) + column(value) for value in values)


@dataclass(frozen=True, kw_only=True, eq=False)
class Filter(ABC):
    """A learner of K hidden quantities a column; see the module for states and parameters."""

    #: As on the command line.
    name: ClassVar[str]
    #: What outcomes may be: "any", or "binary" (0 and 1).
    outcomes: ClassVar[str] = "any"

    def __post_init__(self) -> None:
        check_parameters(self, self.name)

    @abstractmethod
    def begin(self, n: int = 1, arms: int = 1, seed: int | Array = 0) -> State:
        """The prior of ``n`` columns with ``arms`` arms each.

        Args:
            n: columns.
            arms: hidden quantities of a column.
            seed: of filters that draw random numbers: one, or one for each column (n,). Column i
                of a batch seeded with s has seed s + i.
        """

    def renewed(self, state: State, arms: int) -> State:
        """The prior for all columns of a state whose arms are new. Luck goes on where it stands."""
        return self.begin(len(self.mean(state)), arms)

    @abstractmethod
    def mean(self, state: State) -> Array:
        """Expected next outcome of each arm, (n, K)."""

    @property
    def has_variance(self) -> bool:
        """Whether the filter knows how uncertain its belief is."""
        return type(self).variance is not Filter.variance

    def variance(self, state: State) -> Array:
        """Variance of the belief about each arm's worth (not of outcomes), (n, K); 0 if none."""
        return np.zeros_like(self.mean(state))

    def sample(self, state: State, rng: np.random.Generator) -> Array:
        """Worths (n, K) drawn from the belief."""
        mean = self.mean(state)
        return mean + np.sqrt(self.variance(state)) * rng.standard_normal(mean.shape)

    def update(
        self, state: State, outcome: npt.ArrayLike, seen: npt.ArrayLike | None = None
    ) -> tuple[State, Report]:
        """One trial on.

        Args:
            state: the belief before the outcome.
            outcome: (n, K), or what broadcasts to it.
            seen: (n, K) bool, arms whose outcome was seen; None for all. The others' outcomes are
                ignored, and what time does to a belief without evidence happens to theirs.

        Returns:
            The new state, and what the filter tells of this update; the report's values at arms
            that were not seen mean nothing.

        Raises:
            AgentError: outcomes of another shape.
        """
        here = np.empty(state[-1].shape[:2], bool)
        here[...] = True if seen is None else seen
        values = np.where(here, outcome, 0.0)
        if values.shape != here.shape:
            raise AgentError(
                f"{self.name}: outcomes of shape {np.shape(outcome)} do not fit the belief's "
                f"{here.shape}: pass one for each column and arm."
            )
        return self._update(state, values, here)

    @abstractmethod
    def _update(self, state: State, outcome: Array, seen: Array) -> tuple[State, Report]:
        """As :meth:`update`, with arrays of full size; outcomes that were not seen are 0."""

    def run(
        self, outcomes: npt.ArrayLike, seen: npt.ArrayLike | None = None, seed: int | Array = 0
    ) -> Course:
        """Watch a series of outcomes.

        Args:
            outcomes: (T,), (T, n) or (T, n, K).
            seen: which were seen, of the same shape; None for all.
            seed: as for :meth:`begin`.

        Raises:
            AgentError: outcomes that are not finite where they were seen, or not binary where the
                filter needs that.
        """
        values = _series(np.asarray(outcomes, dtype=np.float64))
        shown = np.ones(values.shape, bool) if seen is None else _series(np.asarray(seen, bool))
        self.check_outcomes(values[np.broadcast_to(shown, values.shape)])
        state = self.begin(values.shape[1], values.shape[2], seed)
        means, variance, reports = [self.mean(state)], [], []
        for outcome, here in zip(values, np.broadcast_to(shown, values.shape), strict=True):
            variance.append(self.variance(state))
            state, report = self._update(state, np.where(here, outcome, 0.0), here)
            means.append(self.mean(state))
            reports.append(report)
        return Course(
            np.array(means[:-1]),
            np.array(variance),
            np.array(means[1:]),
            _stacked([report.learning_rate for report in reports]),
            _stacked([report.volatility for report in reports]),
            _stacked([report.stochasticity for report in reports]),
            state,
        )

    def check_outcomes(self, outcomes: Array) -> None:
        """Raise one sentence unless the filter can learn from these outcomes."""
        if not np.isfinite(outcomes).all():
            bad = outcomes[~np.isfinite(outcomes)].flat[0]
            raise AgentError(
                f"{self.name}: outcome {bad} is not finite: mark missing outcomes with seen=False."
            )
        if self.outcomes == "binary" and not np.isin(outcomes, (0.0, 1.0)).all():
            bad = outcomes[~np.isin(outcomes, (0.0, 1.0))].flat[0]
            raise AgentError(
                f"{self.name}: outcome {bad:g} is neither 0 nor 1: this filter is for binary "
                "outcomes; recode them, or take a filter for any outcome."
            )


def _stacked(parts: list[Array | None]) -> Array | None:
    known = [part for part in parts if part is not None]
    return np.array(known) if known else None


def _series(values: Array) -> Array:
    """(T,), (T, n) or (T, n, K) as (T, n, K)."""
    if not 1 <= values.ndim <= 3 or values.size == 0:
        raise AgentError(
            f"A series of shape {values.shape} is not one of outcomes: pass (T,), (T, n) or "
            "(T, n, K) with at least one trial."
        )
    return values.reshape(values.shape + (1,) * (3 - values.ndim))
