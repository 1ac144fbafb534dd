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
    was not seen takes the last step alone. What a run knows is its mean and how many outcomes that
    is worth, the prior's share included: it learns by the rate 1 / (worth + 1).

    Runs of ``longest`` outcomes and more share one weight, one mean and one worth, averaged by
    weight. So the belief is exact for the first ``longest`` outcomes and at hazard 0; later only
    what tells apart runs that are all long is lost, and a share (1 - hazard)^longest of all trials
    lies in such runs.

    State: weights, means and worths by run length, each (n, K, longest + 1). The learning rate
    reported is the mean of the runs', weighted by the belief after the outcome; it is near 1 where
    a change is likely. Adams & MacKay (2007), arXiv:0710.3742; for the runs as learners Nassar,
    Wilson, Heasly & Gold (2010), J. Neurosci. 30:12366, doi:10.1523/JNEUROSCI.0822-10.2010.
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
    def _prior(self) -> tuple[Value, Value]:
        """Mean of a new regime's quantity, and how many outcomes that is worth; a column each."""

    @abstractmethod
    def _variance(self, means: Array, worths: Array) -> Array:
        """Variance of the quantity in each run, (n, K, longest + 1)."""

    @abstractmethod
    def _likelihood(self, state: State, outcome: Array) -> Array:
        """Probability of outcomes (n, K, 1) in each run, up to a factor of each arm."""

    @abstractmethod
    def _draw(self, means: Array, worths: Array, rng: np.random.Generator) -> Array:
        """Quantities of runs, one of each arm (n, K, 1)."""

    def begin(self, n: int = 1, arms: int = 1, seed: int | Array = 0) -> State:
        zeros = np.zeros((n, arms, self.longest + 1))
        weights = zeros.copy()
        weights[..., 0] = 1.0
        mean, worth = self._prior()
        return weights, zeros + _deeper(mean), zeros + _deeper(worth)

    def mean(self, state: State) -> Array:
        weights, means, _ = state
        return (weights * means).sum(-1)

    def variance(self, state: State) -> Array:
        weights, means, worths = state
        off = means - self.mean(state)[..., None]
        return (weights * (self._variance(means, worths) + off**2)).sum(-1)

    def sample(self, state: State, rng: np.random.Generator) -> Array:
        weights, means, worths = state
        reached = weights.cumsum(-1) > rng.random((*weights.shape[:-1], 1))
        # Rounding may leave the last sum below 1 and nothing reached: then it is the first run.
        run = reached.argmax(-1, keepdims=True)
        mean, worth = (np.take_along_axis(part, run, -1) for part in (means, worths))
        return self._draw(mean, worth, rng)[..., 0]

    def _update(self, state: State, outcome: Array, seen: Array) -> tuple[State, Report]:
        weights, means, worths = state
        heard = outcome[..., None]
        likely = self._likelihood(state, heard)
        likely *= weights
        likely /= likely.sum(-1, keepdims=True)
        rates = 1.0 / (worths + 1.0)
        new = self._longer(likely, means + rates * (heard - means), worths + 1.0)
        if not seen.all():
            missed = ~seen[..., None]
            for part, old in zip(new, state, strict=True):
                np.copyto(part, old, where=missed)
        hazard = _deeper(self.hazard)
        new[0][...] *= 1.0 - hazard
        new[0][..., :1] += hazard
        return new, Report(learning_rate=(likely * rates).sum(-1))

    def _longer(self, weights: Array, means: Array, worths: Array) -> State:
        """Runs that have got their outcome, each at its new length; the last two become one."""
        longer = (np.empty_like(weights), np.empty_like(means), np.empty_like(worths))
        begin = (0.0, *self._prior())
        for new, old, first in zip(longer, (weights, means, worths), begin, strict=True):
            new[..., 1:] = old[..., :-1]
            new[..., 0] = column(first)
        pair, worth = weights[..., -2:], worths[..., -2:]
        total = pair.sum(-1)
        # Without weight there is nothing to average, and what stands there is not used.
        share = np.divide(pair[..., 1], total, out=np.zeros_like(total), where=total > 0.0)
        parts = np.stack([1.0 - share, share], -1) * worth
        longer[0][..., -1] = total
        longer[2][..., -1] = parts.sum(-1)
        longer[1][..., -1] = (parts * means[..., -2:]).sum(-1) / longer[2][..., -1]
        return longer


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

    def _prior(self) -> tuple[Value, Value]:
        worth = np.add(self.prior_ones, self.prior_zeros)
        return self.prior_ones / worth, worth

    def _variance(self, means: Array, worths: Array) -> Array:
        return means * (1.0 - means) / (worths + 1.0)

    def _likelihood(self, state: State, outcome: Array) -> Array:
        return np.where(outcome > 0.0, state[1], 1.0 - state[1])

    def _draw(self, means: Array, worths: Array, rng: np.random.Generator) -> Array:
        return rng.beta(means * worths, (1.0 - means) * worths)


@dataclass(frozen=True, kw_only=True, eq=False)
class GaussianChangePoint(RunLengths):
    """Change points of a mean: outcomes with normal noise of known variance, a normal prior.

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

    def _prior(self) -> tuple[Value, Value]:
        return self.start, self.stochasticity / self.start_variance

    def _variance(self, means: Array, worths: Array) -> Array:
        return _deeper(self.stochasticity) / worths

    def _likelihood(self, state: State, outcome: Array) -> Array:
        weights, means, worths = state
        variance = self._variance(means, worths) + _deeper(self.stochasticity)
        log = -0.5 * ((outcome - means) ** 2 / variance + np.log(variance))
        # Runs without weight do not count for the largest, or all others could vanish beside them.
        largest = np.where(weights > 0.0, log, -np.inf).max(-1, keepdims=True)
        return np.exp(np.minimum(log - largest, 0.0))

    def _draw(self, means: Array, worths: Array, rng: np.random.Generator) -> Array:
        spread = np.sqrt(self._variance(means, worths))
        return means + spread * rng.standard_normal(means.shape)
