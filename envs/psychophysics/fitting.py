"""What fits share: intervals, values by level, numbered columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .common import Interval, TrialTable, column, need

Array = npt.NDArray[Any]

#: Bootstrap samples of an interval.
RESAMPLES = 400
_Z = 1.959963984540054


def percentile_interval(samples: Array) -> Interval:
    """95 % interval from bootstrap samples (n,); the percentile method."""
    low, high = np.nanpercentile(samples, [2.5, 97.5])
    return Interval(float(low), float(high))


def wald_intervals(loss: Callable[[Array], float], at: Array, step: Array) -> list[Interval]:
    """95 % intervals of maximum-likelihood estimates from the curvature of the loss.

    Args:
        loss: negative log likelihood of parameters (k,).
        at: (k,) where it is smallest.
        step: (k,) differences with which the curvature is measured.

    Returns:
        One interval per parameter, NaN where the data do not bound it.
    """
    size = len(at)
    curvature = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            corners = [
                a
                * b
                * loss(at + a * step * (np.arange(size) == i) + b * step * (np.arange(size) == j))
                for a in (1, -1)
                for b in (1, -1)
            ]
            curvature[i, j] = sum(corners) / (4 * step[i] * step[j])
    with np.errstate(invalid="ignore"):
        half = _Z * np.sqrt(np.diag(np.linalg.pinv(curvature)))
    half = np.where(np.linalg.eigvalsh(curvature).min() > 0, half, np.nan)
    return [Interval(float(a - h), float(a + h)) for a, h in zip(at, half, strict=True)]


def by_level(level: Array, values: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Different levels (k,), which of them each value has (n,), counts, means, sums of squares."""
    levels, which = np.unique(level, return_inverse=True)
    counts = np.bincount(which).astype(float)
    mean = np.bincount(which, weights=values) / counts
    squares = np.bincount(which, weights=(values - mean[which]) ** 2)
    return levels, which, counts, mean, squares


def matrix(trials: TrialTable, prefix: str, suffix: str = "") -> tuple[Array, Array]:
    """Numbered columns side by side.

    Returns:
        Numbers (k,) in order, and values (n, k) of columns ``prefix<number>suffix``.

    Raises:
        TaskError: there is no such column.
    """
    names = {}
    for name in trials:
        text = str(name)
        if text.startswith(prefix) and text.endswith(suffix):
            number = text[len(prefix) : len(text) - len(suffix)]
            if number.isdigit():
                names[int(number)] = text
    need(len(names), 1, f"columns {prefix}0{suffix}, {prefix}1{suffix}, ...")
    numbers = np.array(sorted(names))
    return numbers, np.stack([column(trials, names[number]) for number in numbers.tolist()], axis=1)
