"""Intervals and summaries over trials and seeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Z95 = 1.959963984540054  # 97.5th percentile of the standard normal distribution

Array = npt.NDArray[Any]


class Bounded(NamedTuple):
    """A number, or (``censored``) a value that it is known to exceed."""

    value: float
    censored: bool = False


class Estimate(NamedTuple):
    """A value with its 95 % interval, whose ends may be infinite."""

    value: float
    low: float
    high: float


class Spread(NamedTuple):
    """Median and range of a quantity over seeds."""

    median: Bounded
    low: Bounded
    high: Bounded


def wilson_interval(successes: float, n: int, z: float = Z95) -> tuple[float, float]:
    """Interval of a proportion, 95 % by default.

    Wilson (1927), doi:10.1080/01621459.1927.10502953.
    """
    if n == 0:
        return 0.0, 1.0
    p = successes / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def mean_interval(values: npt.ArrayLike) -> tuple[float, float]:
    """95 % interval of a mean: Wilson for values that are all 0 or 1, else by bootstrap."""
    x = np.asarray(values, float)
    if np.isin(x, (0.0, 1.0)).all():
        return wilson_interval(float(x.sum()), len(x))
    low, high = bootstrap_interval(x, np.mean)
    return float(low), float(high)


def interquartile_mean(values: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Array:
    """Mean of the middle half along the first axis, with fractional weights at its edges.

    Args:
        values: (n, ...).
        weights: (n,) how much each of them counts, the same if not given; the middle half is half
            of their sum.

    Agarwal et al. (2021), arXiv:2108.13264.
    """
    x = np.asarray(values, float)
    if weights is None:
        x = np.sort(x, axis=0)
        right = np.arange(1, len(x) + 1)
        middle = _middle_half(right - 1, right)
        return np.tensordot(middle / middle.sum(), x, axes=1)
    order = np.argsort(x, axis=0)
    share = np.asarray(weights, float)[order]
    right = np.cumsum(share, axis=0)
    middle = _middle_half(right - share, right)
    return (middle * np.take_along_axis(x, order, axis=0)).sum(axis=0) / middle.sum(axis=0)


def _middle_half(left: Array, right: Array) -> Array:
    """How much of each piece (left, right) lies between the quarters of the last one's end."""
    total = right[-1]
    return np.clip(np.minimum(right, 0.75 * total) - np.maximum(left, 0.25 * total), 0, None)


def bootstrap_interval(
    values: npt.ArrayLike,
    statistic: Callable[[Array], Any] = interquartile_mean,
    n_resamples: int = 2000,
    seed: int = 0,
    strata: npt.ArrayLike | None = None,
) -> tuple[Array, Array]:
    """95 % percentile bootstrap interval of ``statistic`` over the first axis (the seeds).

    ``values`` (n, ...); the ends have the shape that ``statistic`` returns. Resampling is seeded:
    equal values give equal intervals. With ``strata`` (n,), each value is replaced by one of its
    own stratum (the runs on one task), so that a resample has as many of each as the sample;
    Agarwal et al. (2021), arXiv:2108.13264.
    """
    x = np.asarray(values, float)
    picks = _picks(np.random.default_rng(seed), len(x), n_resamples, strata)
    low, high = np.percentile([statistic(x[pick]) for pick in picks], [2.5, 97.5], axis=0)
    return low, high


def _picks(
    rng: np.random.Generator, n: int, n_resamples: int, strata: npt.ArrayLike | None
) -> npt.NDArray[np.intp]:
    """Rows of each resample, (n_resamples, n)."""
    if strata is None:
        return rng.integers(n, size=(n_resamples, n))
    labels = np.asarray(strata)
    picks = np.empty((n_resamples, n), np.intp)
    for label in np.unique(labels):
        (members,) = np.nonzero(labels == label)
        picks[:, members] = members[rng.integers(len(members), size=(n_resamples, len(members)))]
    return picks


def median_and_range(values: npt.ArrayLike, censored: npt.ArrayLike | None = None) -> Spread:
    """Median, least and greatest of values, some of which may only be lower bounds.

    Args:
        values: (n,) values, or what they are known to exceed.
        censored: (n,) true where a value is such a bound. A result that depends on where those
            values really lie is a lower bound itself.
    """
    least = np.asarray(values, float)
    if censored is None:
        censored = np.zeros(len(least), bool)
    most = np.where(np.asarray(censored, bool), np.inf, least)

    def bounded(statistic: Callable[[Array], Any]) -> Bounded:
        low, high = float(statistic(least)), float(statistic(most))
        return Bounded(low, low != high)

    return Spread(bounded(np.median), bounded(np.min), bounded(np.max))
