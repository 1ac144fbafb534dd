"""Bayesian online change-point detection: how long has the present regime lasted?"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import AgentError
from .base import (
    POSITIVE,
    REAL,
    UNIT,
    Array,
    Filter,
    Report,
    State,
    Value,
    column,
    parameter,
)


def _deeper(value: Value) -> Value:
    """A parameter so that it meets arrays (n, K, run lengths)."""
    array = np.asarray(value)
    return array[:, None, None] if array.ndim else value


@dataclass(frozen=True, kw_only=True, eq=False)
class RunLengths(Filter):
    """An arm's quantity stays, and after each trial is drawn anew with probability ``hazard``.

    The belief is a weight for every run length: the number of the arm's outcomes since the last
    change. A trial multiplies each weight by its run's predictive probability of the outcome, which
    joins the run; then a share ``hazard`` of all weight begins a run of no outcomes. An arm that
    was not seen takes the last step alone.

    Runs of ``longest`` outcomes and more share one weight, and their sufficient statistics are
    averaged by weight. So the belief is exact for the first ``longest`` outcomes and at hazard 0;
    later only what tells apart runs that are all long is lost, and a share (1 - hazard)^longest of
    all trials lies in such runs.

    State: weights, counts of outcomes and their sums, each (n, K, longest + 1). The learning rate
    reported is the mean, weighted by the belief after the outcome, of the runs' own: 1 / (prior's
    worth in outcomes + count + 1). It is near 1 where a change is likely. Adams & MacKay (2007),
    arXiv:0710.3742.
    """

    hazard: Value = parameter(0.05, UNIT, centre=-3.0)
    longest: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.longest < 1:
            raise AgentError(
                f"{self.name}: longest={self.longest} must be 1 or more: it is the run length from "
                "which on runs are held together."
            )

    @abstractmethod
    def _moments(self, state: State) -> tuple[Array, Array]:
        """Mean and variance of the quantity for each run length, (n, K, longest + 1) each."""

    @abstractmethod
    def _prior_worth(self) -> Value:
        """How many outcomes the prior counts for, so that it meets (n, K, longest + 1)."""

    @abstractmethod
    def _likelihood(self, state: State, outcome: Array) -> Array:
        """Probability of outcomes (n, K, 1) under each run length, up to a factor of each arm."""

    @abstractmethod
    def _draw(self, runs: tuple[Array, Array], rng: np.random.Generator) -> Array:
        """Quantities (n, K) of runs with these counts and sums, (n, K) each."""

    def begin(self, n: int = 1, arms: int = 1, seed: int | Array = 0) -> State:
        weights = np.zeros((n, arms, self.longest + 1))
        weights[..., 0] = 1.0
        return weights, np.zeros_like(weights), np.zeros_like(weights)

    def mean(self, state: State) -> Array:
        return (state[0] * self._moments(state)[0]).sum(-1)

    def variance(self, state: State) -> Array:
        means, variances = self._moments(state)
        mean = (state[0] * means).sum(-1, keepdims=True)
        return (state[0] * (variances + (means - mean) ** 2)).sum(-1)

    def sample(self, state: State, rng: np.random.Generator) -> Array:
        weights, counts, sums = state
        reached = weights.cumsum(-1) > rng.random((*weights.shape[:-1], 1))
        # Rounding may leave the last sum below 1 and nothing reached: then it is the first run.
        run = reached.argmax(-1, keepdims=True)
        drawn = (np.take_along_axis(counts, run, -1), np.take_along_axis(sums, run, -1))
        return self._draw((drawn[0][..., 0], drawn[1][..., 0]), rng)

    def _update(self, state: State, outcome: Array, seen: Array) -> tuple[State, Report]:
        weights, counts, sums = state
        here = seen[..., None]
        heard = outcome[..., None]
        likely = weights * self._likelihood(state, heard)
        likely /= likely.sum(-1, keepdims=True)
        grown = self._grow(likely, counts + 1.0, sums + heard)
        stayed = np.where(here, grown[0], weights)
        hazard = _deeper(self.hazard)
        stayed *= 1.0 - hazard
        stayed[..., :1] += hazard
        new = (stayed, np.where(here, grown[1], counts), np.where(here, grown[2], sums))
        rate = (likely / (self._prior_worth() + counts + 1.0)).sum(-1)
        return new, Report(learning_rate=rate)

    def _grow(self, weights: Array, counts: Array, sums: Array) -> State:
        """All runs one outcome longer; the last two become one."""
        grown = (np.empty_like(weights), np.empty_like(counts), np.empty_like(sums))
        for old, new in zip((weights, counts, sums), grown, strict=True):
            new[..., 1:] = old[..., :-1]
            new[..., 0] = 0.0
        pair = weights[..., -2:]
        total = pair.sum(-1)
        grown[0][..., -1] = total
        # Where there is no weight there is nothing to average, and what stands there is not used.
        share = np.divide(pair[..., 1], total, out=np.zeros_like(total), where=total > 0.0)
        for old, new in zip((counts, sums), grown[1:], strict=True):
            new[..., -1] += share * (old[..., -1] - old[..., -2])
        return grown


@dataclass(frozen=True, kw_only=True, eq=False)
class ChangePointObserver(RunLengths):
    """Change points of a probability: binary outcomes, a beta prior for each new regime.

    Args:
        hazard: probability of a change after a trial.
        longest: from this run length on, runs are held together; see :class:`RunLengths`.
        prior_ones, prior_zeros: parameters of the beta prior.

    >>> observer = ChangePointObserver(hazard=0.0)  # then it is a beta distribution
    >>> observer.run([1, 1, 0]).mean.ravel()
    array([0.66666667, 0.75      , 0.6       ])
    """

    name: ClassVar[str] = "change-point"
    outcomes: ClassVar[str] = "binary"

    prior_ones: Value = parameter(1.0, POSITIVE, fixed=True)
    prior_zeros: Value = parameter(1.0, POSITIVE, fixed=True)

    def _beta(self, counts: Array, sums: Array) -> tuple[Array, Array]:
        spread = _deeper if counts.ndim == 3 else column
        return spread(self.prior_ones) + sums, spread(self.prior_zeros) + (counts - sums)

    def _moments(self, state: State) -> tuple[Array, Array]:
        ones, zeros = self._beta(state[1], state[2])
        total = ones + zeros
        mean = ones / total
        return mean, mean * (1.0 - mean) / (total + 1.0)

    def _prior_worth(self) -> Value:
        return _deeper(self.prior_ones) + _deeper(self.prior_zeros)

    def _likelihood(self, state: State, outcome: Array) -> Array:
        mean, _ = self._moments(state)
        return np.where(outcome > 0.0, mean, 1.0 - mean)

    def _draw(self, runs: tuple[Array, Array], rng: np.random.Generator) -> Array:
        return rng.beta(*self._beta(*runs))


@dataclass(frozen=True, kw_only=True, eq=False)
class GaussianChangePoint(RunLengths):
    """Change points of a mean: outcomes with normal noise of known variance, a normal prior.

    The observer of tasks like that of Nassar, Wilson, Heasly & Gold (2010), J. Neurosci. 30:12366,
    doi:10.1523/JNEUROSCI.0822-10.2010.

    Args:
        hazard: probability of a change after a trial.
        longest: from this run length on, runs are held together; see :class:`RunLengths`.
        stochasticity: variance of outcomes around the mean.
        start, start_variance: mean and variance of the prior for each new regime.

    >>> observer = GaussianChangePoint(hazard=0.05, stochasticity=1.0, start_variance=100.0)
    >>> observer.run([0.0] * 20 + [10.0]).learning_rate[[-2, -1]].ravel().round(2)
    array([0.06, 0.99])
    """

    name: ClassVar[str] = "gaussian-change-point"

    stochasticity: Value = parameter(1.0, POSITIVE)
    start: Value = parameter(0.0, REAL, fixed=True)
    start_variance: Value = parameter(100.0, POSITIVE, fixed=True)

    def _normal(self, counts: Array, sums: Array) -> tuple[Array, Array]:
        spread = _deeper if counts.ndim == 3 else column
        noise = spread(self.stochasticity)
        worth = noise / spread(self.start_variance)
        weight = 1.0 / (worth + counts)
        return (worth * spread(self.start) + sums) * weight, noise * weight

    def _moments(self, state: State) -> tuple[Array, Array]:
        return self._normal(state[1], state[2])

    def _prior_worth(self) -> Value:
        return _deeper(self.stochasticity) / _deeper(self.start_variance)

    def _likelihood(self, state: State, outcome: Array) -> Array:
        mean, variance = self._moments(state)
        variance = variance + _deeper(self.stochasticity)
        log = -0.5 * ((outcome - mean) ** 2 / variance + np.log(variance))
        # Runs without weight do not count for the largest, or all others could vanish beside them.
        largest = np.where(state[0] > 0.0, log, -np.inf).max(-1, keepdims=True)
        return np.exp(np.minimum(log - largest, 0.0))

    def _draw(self, runs: tuple[Array, Array], rng: np.random.Generator) -> Array:
        mean, variance = self._normal(*runs)
        return mean + np.sqrt(variance) * rng.standard_normal(mean.shape)
