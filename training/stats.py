"""Intervals and summaries over trials and seeds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Z95 = 1.959963984540054  # 97.5th percentile of the standard normal distribution


def wilson_interval(successes: float, n: int, z: float = Z95) -> tuple[float, float]:
    """Interval of a proportion, 95 % by default (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    if n == 0:
        return 0.0, 1.0
    p = successes / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def mean_interval(values: npt.ArrayLike) -> tuple[float, float]:
    """95 % interval of a mean: Wilson for values that are all 0 or 1, else normal."""
    x = np.asarray(values, float)
    if np.isin(x, (0.0, 1.0)).all():
        return wilson_interval(float(x.sum()), len(x))
    half = Z95 * x.std(ddof=1) / np.sqrt(len(x)) if len(x) > 1 else np.inf
    return float(x.mean() - half), float(x.mean() + half)


def interquartile_mean(values: npt.ArrayLike) -> float:
    """Mean of the middle half, with fractional weights at its edges.

    Agarwal et al. (2021), arXiv:2108.13264.
    """
    x = np.sort(np.asarray(values, float))
    n = len(x)
    left, right = np.arange(n), np.arange(1, n + 1)
    weight = np.clip(np.minimum(right, 0.75 * n) - np.maximum(left, 0.25 * n), 0, None)
    return float((weight * x).sum() / weight.sum())


def bootstrap_interval(
    values: npt.ArrayLike, statistic=interquartile_mean, n_resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of ``statistic`` over the first axis."""
    x = np.asarray(values, float)
    rng = np.random.default_rng(seed)
    picks = rng.integers(len(x), size=(n_resamples, len(x)))
    low, high = np.percentile([statistic(x[p]) for p in picks], [2.5, 97.5])
    return float(low), float(high)
