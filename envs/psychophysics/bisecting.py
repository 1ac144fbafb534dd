"""Temporal bisection: which durations are called long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError
from .choice import PsychometricFit, plot_psychometric, psychometric_fit
from .common import FAINT, Interval, TrialTable, columns
from .fitting import wald_intervals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Bisection:
    """Where durations are called short and long equally often.

    Attributes:
        point_ms: bisection point.
        point_interval: its 95 % interval (from the curvature of the likelihood).
        weber_ratio: half the distance between the 25 and the 75 % points over the bisection point.
        geometric_ms, arithmetic_ms: means of the shortest and the longest duration.
        fit: cumulative normal over the natural logarithm of the duration in ms.
    """

    point_ms: float
    point_interval: Interval
    weber_ratio: float
    geometric_ms: float
    arithmetic_ms: float
    fit: PsychometricFit


def bisection(
    trials: TrialTable,
    duration: str = "duration_ms",
    choice: str = "choice",
    *,
    upper: float = 2,
    lapses: bool = True,
) -> Bisection:
    """Bisection point and Weber ratio of temporal bisection.

    A cumulative normal is fitted to P("long") over log duration. Animals bisect near the geometric
    mean of the anchors (Church and Deluty 1977, doi:10.1037/0097-7403.3.3.216). Points of 25, 50
    and 75 % are those of the curve without lapses.

    Args:
        trials: the trial table; trials without an answer (0) are left out.
        duration: column of durations in ms.
        choice: column of choices.
        upper: the choice "long".
        lapses: fit lower and upper asymptotes too.

    Raises:
        TaskError: durations that are not above 0, fewer than 10 answers or 2 durations, or answers
            that are all the same.
    """
    length, said = columns(trials, duration, choice)
    if not (length > 0).all():
        raise TaskError(f"column {duration!r} has values that are not above 0; pass ms.")
    long = said[said > 0] == upper
    if long.all() or not long.any():
        raise TaskError("all answers are the same; there is no bisection point.")
    table = {"log_duration": np.log(length), "choice": said}
    fit = psychometric_fit(table, "log_duration", upper=upper, lapses=lapses)
    quarter = 0.6744897501960817 * fit.width

    def loss(free: Array) -> float:
        from scipy.special import ndtr

        p = fit.guess + (1 - fit.guess - fit.lapse) * ndtr((fit.x - free[0]) / np.exp(free[1]))
        p = np.clip(p, 1e-9, 1 - 1e-9)
        return -float(
            (fit.successes * np.log(p) + (fit.counts - fit.successes) * np.log(1 - p)).sum()
        )

    step = np.array([0.02 * fit.width, 0.02])
    low, high = wald_intervals(loss, np.array([fit.bias, np.log(fit.width)]), step)[0]
    return Bisection(
        float(np.exp(fit.bias)),
        Interval(float(np.exp(low)), float(np.exp(high))),
        float(np.sinh(quarter)),
        float(np.sqrt(length.min() * length.max())),
        float((length.min() + length.max()) / 2),
        fit,
    )


def _marks(durations: Array) -> Array:
    """Durations (k,) that are named on the axis: those tested, or some where they are many."""
    if len(durations) <= 10:
        return np.unique(np.round(durations))
    evenly = np.geomspace(durations[0], durations[-1], 7)
    unit = 10.0 ** (np.floor(np.log10(evenly)) - 1)
    return np.unique(np.round(evenly / unit) * unit)


def plot_bisection(result: Bisection, axes: Axes | None = None) -> Axes:
    """P("long") over the duration, the bisection point and the means of the anchors."""
    axes = plot_psychometric(result.fit, axes)
    axes.lines[-1].set_label("bisection point")
    marks = _marks(np.exp(result.fit.x))
    axes.set_xticks(np.log(marks), [f"{mark:g}" for mark in marks], rotation=45)
    axes.axvline(np.log(result.geometric_ms), color=FAINT, linewidth=0.8, label="geometric mean")
    axes.axvline(
        np.log(result.arithmetic_ms),
        color=FAINT,
        linewidth=0.8,
        linestyle="--",
        label="arithmetic mean",
    )
    axes.legend(fontsize=7, frameon=False, loc="upper left")
    axes.set(xlabel="duration (ms)", ylabel="share of long")
    title = f"bisection at {result.point_ms:.0f} ms, Weber ratio {result.weber_ratio:.2f}"
    axes.set_title(title, fontsize=9, loc="left")
    return axes
