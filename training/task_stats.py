"""Statistics over tasks x seeds, of scores that tasks have in common: 0 chance, 1 optimum.

Every task counts the same, however many runs it has. Intervals are 95 % stratified bootstrap
intervals: runs are resampled within their tasks. Agarwal et al. (2021), arXiv:2108.13264.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .stats import Estimate, bootstrap_interval, interquartile_mean

Array = npt.NDArray[Any]

_RESAMPLES = 2000


class Scores(NamedTuple):
    """Runs of one agent: ``value`` (n, ...), and ``task`` (n,), the number of each run's task."""

    value: Array
    task: Array

    @property
    def weights(self) -> Array:
        """(n,) Shares of the runs, so that tasks count the same; their sum is 1."""
        _, place, count = np.unique(self.task, return_inverse=True, return_counts=True)
        return 1 / (count[place] * len(count))

    def on(self, tasks: set[int]) -> Scores:
        """The runs on some of the tasks."""
        chosen = np.isin(self.task, list(tasks))
        return Scores(self.value[chosen], self.task[chosen])


class Bands(NamedTuple):
    """A statistic at many places with its interval, each (k,)."""

    middle: Array
    low: Array
    high: Array


class Summary(NamedTuple):
    """What one agent's runs come to, where 1 is the optimum.

    Attributes:
        iqm: interquartile mean, the mean of the middle half of all runs.
        mean: of all runs.
        optimality_gap: mean of how much the runs fall short of 1; a score above 1 falls short by 0.
    """

    iqm: Estimate
    mean: Estimate
    optimality_gap: Estimate


def summarise(scores: Scores) -> Summary:
    """Interquartile mean, mean and optimality gap with their intervals."""
    weights = scores.weights
    return Summary(
        _estimate(scores, lambda x: interquartile_mean(x, weights)),
        _estimate(scores, lambda x: weights @ x),
        _estimate(scores, lambda x: optimality_gap(x, weights)),
    )


def optimality_gap(values: npt.ArrayLike, weights: npt.ArrayLike, optimum: float = 1.0) -> float:
    """Weighted mean of the distance to ``optimum``, none for what lies above it."""
    return optimum - float(np.asarray(weights) @ np.minimum(np.asarray(values, float), optimum))


def performance_profile(scores: Scores, levels: npt.ArrayLike) -> Bands:
    """Share of runs that score above each level, (k,): the run-score distribution."""
    above = np.asarray(scores.value, float)[:, None] > np.asarray(levels, float)
    weights = scores.weights
    return _bands(Scores(above.astype(float), scores.task), lambda x: weights @ x)


def interquartile_means(scores: Scores) -> Bands:
    """Interquartile mean at each of k places, of ``scores.value`` (n, k)."""
    weights = scores.weights
    if np.ptp(weights) < 1e-12:  # all the same: without the detour of sorting indices
        return _bands(scores, interquartile_mean)
    return _bands(scores, lambda x: interquartile_mean(x, weights))


def probability_of_improvement(
    x: Scores, y: Scores, n_resamples: int = _RESAMPLES, seed: int = 0
) -> Estimate:
    """How likely a run of X scores above one of Y on a task that is drawn at random.

    The mean over tasks of P(X > Y) + P(X = Y) / 2, over all pairs of runs on the task (Mann and
    Whitney's statistic). Tasks on which only one of the two has runs are left out.

    Raises:
        ValueError: the two have no task in common.
    """
    common = sorted(set(x.task.tolist()) & set(y.task.tolist()))
    if not common:
        raise ValueError("probability_of_improvement needs a task on which both have runs.")
    rng = np.random.default_rng(seed)
    value, resampled = 0.0, np.zeros(n_resamples)
    for task in common:
        ours, theirs = x.value[x.task == task], y.value[y.task == task]
        wins = (np.sign(ours[:, None] - theirs) + 1) / 2
        value += wins.mean()
        # How often each run is drawn says all about a resample.
        times = rng.multinomial(len(ours), np.full(len(ours), 1 / len(ours)), n_resamples)
        others = rng.multinomial(len(theirs), np.full(len(theirs), 1 / len(theirs)), n_resamples)
        resampled += ((times @ wins) * others).sum(axis=1) / wins.size
    low, high = np.percentile(resampled / len(common), [2.5, 97.5])
    return Estimate(float(value / len(common)), float(low), float(high))


def _estimate(scores: Scores, statistic: Callable[[Array], Any]) -> Estimate:
    low, high = bootstrap_interval(scores.value, statistic, _RESAMPLES, strata=scores.task)
    return Estimate(float(statistic(scores.value)), float(low), float(high))


def _bands(scores: Scores, statistic: Callable[[Array], Array]) -> Bands:
    low, high = bootstrap_interval(scores.value, statistic, n_resamples=1000, strata=scores.task)
    return Bands(statistic(scores.value), low, high)
