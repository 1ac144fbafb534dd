"""Analyses of choices: psychometric curves, sensitivity, memory curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError
from .common import (
    INK,
    MARK,
    WARM,
    Interval,
    TrialTable,
    column,
    columns,
    draw_shares,
    need,
    new_axes,
    wilson,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]

# ---------------------------------------------------------------------- psychometric curve


@dataclass(frozen=True)
class PsychometricFit:
    """P(choice) = guess + (1 - guess - lapse) Phi((x - bias) / width).

    Attributes:
        bias: point of subjective equality, in units of x.
        width: standard deviation of the underlying normal, in units of x; its inverse is the slope.
        guess: lower asymptote.
        lapse: distance of the upper asymptote from 1.
        log_likelihood: at the estimates.
        x, successes, counts: the points (k,) that were fitted.
    """

    bias: float
    width: float
    guess: float
    lapse: float
    log_likelihood: float
    x: Array
    successes: Array
    counts: Array

    @property
    def weber_fraction(self) -> float:
        """Width over sqrt(2): the noise of one stimulus where x is the log ratio of two."""
        return float(self.width / np.sqrt(2.0))

    def predict(self, x: Any) -> Array:
        """Probability at x."""
        return _psychometric(
            np.asarray(x, dtype=float), self.bias, self.width, self.guess, self.lapse
        )


def _psychometric(x: Array, bias: float, width: float, guess: float, lapse: float) -> Array:
    from scipy.special import ndtr

    return guess + (1.0 - guess - lapse) * ndtr((x - bias) / width)


def psychometric_fit(
    trials: TrialTable,
    x: str,
    choice: str = "choice",
    *,
    upper: float = 2,
    lapses: bool = True,
) -> PsychometricFit:
    """Fit a cumulative normal to choices by maximum likelihood (Wichmann and Hill 2001,
    doi:10.3758/BF03194544).

    Trials without a choice (0) are left out.

    Args:
        trials: the trial table.
        x: column of the stimulus, e.g. ``log_ratio`` or ``n_right`` minus ``n_left``.
        choice: column of the choice.
        upper: the choice whose share grows with x.
        lapses: fit lower and upper asymptotes too, each at most .3.

    Raises:
        TaskError: fewer than 10 answered trials, or fewer than 2 different stimuli.
    """
    from scipy.optimize import minimize

    stimulus, chosen = columns(trials, x, choice)
    answered = (chosen > 0) & ~np.isnan(stimulus)
    need(int(answered.sum()), 10, "answered trials")
    points, which = np.unique(stimulus[answered], return_inverse=True)
    need(len(points), 2, f"different values of {x}")
    counts = np.bincount(which).astype(float)
    hits = np.bincount(which, weights=(chosen[answered] == upper).astype(float))
    spread = float(points[-1] - points[0])

    def loss(free: Array) -> float:
        guess, lapse = (free[2], free[3]) if lapses else (0.0, 0.0)
        p = np.clip(
            _psychometric(points, free[0], float(np.exp(free[1])), guess, lapse), 1e-9, 1 - 1e-9
        )
        return -float((hits * np.log(p) + (counts - hits) * np.log(1 - p)).sum())

    bounds = [
        (points[0] - spread, points[-1] + spread),
        (np.log(spread * 1e-3), np.log(spread * 1e2)),
        *([(0.0, 0.3)] * 2 if lapses else []),
    ]
    starts = [
        [
            float(np.average(points, weights=counts)),
            np.log(spread * scale),
            *([0.02, 0.02] * lapses),
        ]
        for scale in (0.05, 0.2, 0.6)
    ]
    fits = [minimize(loss, start, method="L-BFGS-B", bounds=bounds) for start in starts]
    best = min(fits, key=lambda fit: fit.fun)
    guess, lapse = (float(best.x[2]), float(best.x[3])) if lapses else (0.0, 0.0)
    width = float(np.exp(best.x[1]))
    return PsychometricFit(
        float(best.x[0]), width, guess, lapse, -float(best.fun), points, hits, counts
    )


def plot_psychometric(
    fit: PsychometricFit, axes: Axes | None = None, *, xlabel: str = "stimulus"
) -> Axes:
    """Shares with their intervals, and the fitted curve.

    Where there are more than 20 different stimuli, neighbours are drawn together in 12 groups of
    about equally many trials.
    """
    axes = new_axes(axes)
    margin = 0.05 * (fit.x[-1] - fit.x[0])
    grid = np.linspace(fit.x[0] - margin, fit.x[-1] + margin, 300)
    axes.plot(grid, fit.predict(grid), color=INK, linewidth=1.2)
    draw_shares(axes, *_grouped(fit.x, fit.successes, fit.counts))
    axes.axvline(fit.bias, color=WARM, linewidth=0.8, linestyle=":")
    axes.set(xlabel=xlabel, ylabel="share of choices", ylim=(-0.03, 1.03))
    axes.set_title(f"bias {fit.bias:.3g}, width {fit.width:.3g}", fontsize=9, loc="left")
    return axes


def _grouped(x: Array, successes: Array, counts: Array) -> tuple[Array, Array, Array]:
    """Points (k,) as they are, or in groups where they are too many to be told apart."""
    if len(x) <= 20:
        return x, successes, counts
    group = ((np.cumsum(counts) - counts / 2) / counts.sum() * 12).astype(int)
    total = np.bincount(group, weights=counts)
    full = total > 0
    mean = np.bincount(group, weights=counts * x)[full] / total[full]
    return mean, np.bincount(group, weights=successes)[full], total[full]


# ---------------------------------------------------------------------- detection


@dataclass(frozen=True)
class Sensitivity:
    """Signal detection measures.

    Attributes:
        d_prime: sensitivity, z(hit rate) - z(false-alarm rate).
        criterion: bias, -(z(hit rate) + z(false-alarm rate)) / 2; positive for few "yes".
        hit_rate, false_alarm_rate: as observed.
        n_signal, n_noise: trials of each kind.
    """

    d_prime: float
    criterion: float
    hit_rate: float
    false_alarm_rate: float
    n_signal: int
    n_noise: int


def sensitivity(hits: float, n_signal: float, false_alarms: float, n_noise: float) -> Sensitivity:
    """d' and criterion with the log-linear correction (half a trial more of each outcome; Hautus
    1995, doi:10.3758/BF03203619).

    Raises:
        TaskError: no signal or no noise trials.
    """
    from scipy.special import ndtri

    need(int(min(n_signal, n_noise)), 1, "trials of signal and of noise")
    z_hit = float(ndtri((hits + 0.5) / (n_signal + 1.0)))
    z_false = float(ndtri((false_alarms + 0.5) / (n_noise + 1.0)))
    return Sensitivity(
        z_hit - z_false,
        -(z_hit + z_false) / 2.0,
        hits / n_signal,
        false_alarms / n_noise,
        int(n_signal),
        int(n_noise),
    )


def d_prime(
    trials: TrialTable,
    signal: str = "is_match",
    choice: str = "choice",
    *,
    yes: float = 1,
    no: float | None = None,
) -> Sensitivity:
    """Sensitivity from single trials.

    Args:
        trials: the trial table.
        signal: column that is 1 on signal trials.
        choice: column of choices.
        yes: the choice that says that there is a signal.
        no: the choice that says that there is none, so that trials with another one are left out;
            None where every other choice says so, withholding (0) included.

    Raises:
        TaskError: no signal or no noise trials.
    """
    present, chosen = columns(trials, signal, choice)
    said = chosen == yes
    counts = ~np.isnan(chosen) if no is None else said | (chosen == no)
    on, off = counts & (present > 0.5), counts & (present <= 0.5)
    return sensitivity((said & on).sum(), on.sum(), (said & off).sum(), off.sum())


# ---------------------------------------------------------------------- shares by something


class Curve(NamedTuple):
    """A mean by the values of something.

    Attributes:
        x: (k,) the values.
        mean: (k,) mean at each.
        low, high: (k,) 95 % interval of the mean; NaN where there is none.
        counts: (k,) trials.
    """

    x: Array
    mean: Array
    low: Array
    high: Array
    counts: Array


def share_by(trials: TrialTable, by: str, what: str = "correct") -> Curve:
    """Share of trials with ``what`` = 1 for each value of ``by``, with Wilson intervals.

    Forgetting curves by ``delay_ms``, set-size curves by ``set_size`` or ``n_pairs``, accuracy by
    ``condition``.
    """
    x, outcome = columns(trials, by, what)
    there = ~(np.isnan(x) | np.isnan(outcome))
    need(int(there.sum()), 1, "trials")
    if not np.isin(outcome[there], (0.0, 1.0)).all():
        raise TaskError(f"column {what!r} has other values than 0 and 1; pass one that has not.")
    values, which = np.unique(x[there], return_inverse=True)
    counts = np.bincount(which).astype(float)
    hits = np.bincount(which, weights=outcome[there])
    bounds = np.array([wilson(a, b) for a, b in zip(hits, counts, strict=True)])
    return Curve(values, hits / counts, bounds[:, 0], bounds[:, 1], counts)


def serial_position(trials: TrialTable, prefix: str = "correct_at_") -> Curve:
    """Share right at each place of a list, from columns ``correct_at_0``, ``correct_at_1``, ..."""
    places = sorted(
        int(name[len(prefix) :])
        for name in trials
        if str(name).startswith(prefix) and str(name)[len(prefix) :].isdigit()
    )
    need(len(places), 1, f"columns {prefix}0, {prefix}1, ...")
    rows = []
    for place in places:
        values = column(trials, f"{prefix}{place}")
        values = values[~np.isnan(values)]
        low, high = wilson(values.sum(), len(values))
        rows.append((place, values.mean() if len(values) else np.nan, low, high, len(values)))
    return Curve(*np.array(rows, dtype=float).T)


def mean_by(trials: TrialTable, by: str, what: str) -> Curve:
    """Mean of a quantity, such as ``rt``, for each value of ``by``, with normal 95 % intervals.

    A single trial has no interval.
    """
    x, values = columns(trials, by, what)
    there = ~(np.isnan(x) | np.isnan(values))
    need(int(there.sum()), 1, "trials")
    points, which = np.unique(x[there], return_inverse=True)
    counts = np.bincount(which).astype(float)
    mean = np.bincount(which, weights=values[there]) / counts
    square = np.bincount(which, weights=(values[there] - mean[which]) ** 2)
    half = 1.96 * np.sqrt(square / np.maximum(counts - 1, 1) / counts)
    half[counts < 2] = np.nan
    return Curve(points, mean, mean - half, mean + half, counts)


def plot_curve(
    curve: Curve, axes: Axes | None = None, *, xlabel: str = "", ylabel: str = "share correct"
) -> Axes:
    """A curve with its intervals."""
    axes = new_axes(axes)
    axes.plot(curve.x, curve.mean, "o-", color=MARK, markersize=4, linewidth=1.2)
    axes.vlines(curve.x, curve.low, curve.high, color=MARK, linewidth=1.0)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    return axes


# ---------------------------------------------------------------------- dual task


class DualTaskCost(NamedTuple):
    """What a second task costs the first.

    Attributes:
        alone, together: share right in the outer task without and with the inner one.
        cost: their difference.
        interval: 95 % interval of the cost, from both Wilson intervals (Newcombe 1998, Statistics
            in Medicine 17, 873-890).
    """

    alone: float
    together: float
    cost: float
    interval: Interval


def dual_task_cost(
    alone: TrialTable, together: TrialTable, what: str = "outer_correct"
) -> DualTaskCost:
    """Cost of an inner task for the outer one (interval: doi:10.1002/(SICI)1097-0258(19980430)17:8
    <873::AID-SIM779>3.0.CO;2-I)."""
    one, two = column(alone, what), column(together, what)
    need(min(len(one), len(two)), 1, "trials of each kind")
    a, b = one.mean(), two.mean()
    (low_a, high_a), (low_b, high_b) = wilson(one.sum(), len(one)), wilson(two.sum(), len(two))
    low = a - b - np.hypot(a - low_a, high_b - b)
    high = a - b + np.hypot(high_a - a, b - low_b)
    return DualTaskCost(float(a), float(b), float(a - b), Interval(float(low), float(high)))
