"""Analyses of produced and reproduced intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError
from .common import FAINT, INK, MARK, Interval, TrialTable, columns, need, new_axes
from .fitting import RESAMPLES, by_level, percentile_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]

# ---------------------------------------------------------------------- scalar property


@dataclass(frozen=True)
class ScalarProperty:
    """How the spread of produced intervals grows with their mean.

    Attributes:
        weber: w of SD^2 = (w mean)^2 + constant^2, without unit.
        constant_ms: the part of the SD that does not grow, in ms; 0 where it was not fitted.
        weber_interval, constant_interval: 95 % intervals (parametric bootstrap).
        target_ms: (k,) targets.
        mean_ms, sd_ms: (k,) of the produced intervals.
        counts: (k,) trials.
    """

    weber: float
    constant_ms: float
    weber_interval: Interval
    constant_interval: Interval
    target_ms: Array
    mean_ms: Array
    sd_ms: Array
    counts: Array

    @property
    def cv(self) -> Array:
        """(k,) coefficient of variation by target; the same for all under the scalar property."""
        return self.sd_ms / self.mean_ms


def scalar_property(
    trials: TrialTable,
    target: str = "t_target_ms",
    produced: str = "t_prod_ms",
    *,
    constant: bool = True,
) -> ScalarProperty:
    """Fit SD^2 = (w mean)^2 + constant^2 over targets by maximum likelihood.

    The scalar property is SD = w mean (Gibbon 1977, doi:10.1037/0033-295X.84.3.279); the constant
    stands for noise that does not depend on the interval, as that of the movement. The likelihood
    is that of the sums of squares around each target's mean (chi-square distributed).

    Args:
        trials: the trial table; trials without a production (NaN) are left out.
        target: column of targets in ms.
        produced: column of produced intervals in ms.
        constant: fit the constant; else it is 0.

    Raises:
        TaskError: fewer than 5 trials of a target, none of them above 0, or one target where a
            constant is to be fitted.
    """
    goal, made = columns(trials, target, produced)
    there = ~(np.isnan(goal) | np.isnan(made))
    need(int(there.sum()), 5, "produced intervals")
    levels, _, counts, mean, squares = by_level(goal[there], made[there])
    need(int(counts.min()), 5, "produced intervals of a target")
    if constant:
        need(len(levels), 2, "different targets for a Weber fraction and a constant")
    if not (mean > 0).all():
        raise TaskError("all produced intervals of a target are 0; leave that target out.")
    if squares.sum() == 0.0:
        raise TaskError("the produced intervals do not vary; there is no spread to be fitted.")
    free = counts - 1.0
    weber, fixed = _fit_spread(mean, squares, free, constant)
    spread = (weber * mean) ** 2 + fixed**2
    random = np.random.default_rng(0)
    draws = spread * random.chisquare(free, size=(RESAMPLES, len(free)))
    again = np.array([_fit_spread(mean, draw, free, constant) for draw in draws])
    return ScalarProperty(
        weber,
        fixed,
        percentile_interval(again[:, 0]),
        percentile_interval(again[:, 1]),
        levels,
        mean,
        np.sqrt(squares / free),
        counts,
    )


def _fit_spread(mean: Array, squares: Array, free: Array, constant: bool) -> tuple[float, float]:
    """Weber fraction and constant from sums of squares (k,) with their degrees of freedom."""
    strict = float(np.sqrt((squares / mean**2).sum() / free.sum()))
    if not constant:
        return strict, 0.0
    from scipy.optimize import minimize

    # Variances over their sizes, so that both parameters are near 1.
    unit = float(squares.sum() / free.sum())
    grows = mean**2 / np.average(mean**2, weights=free)

    def loss(shares: Array) -> tuple[float, Array]:
        variance = shares[0] * grows + shares[1] + 1e-12
        slope = free / variance - squares / unit / variance**2
        value = float((free * np.log(variance) + squares / unit / variance).sum())
        return value, np.array([(slope * grows).sum(), slope.sum()])

    grown, fixed = minimize(loss, [0.5, 0.5], jac=True, bounds=[(0.0, None)] * 2).x
    scale = np.average(mean**2, weights=free)
    return float(np.sqrt(grown * unit / scale)), float(np.sqrt(fixed * unit))


def plot_scalar_property(fit: ScalarProperty, axes: Axes | None = None) -> Axes:
    """SD against mean with 95 % intervals, and the fitted law."""
    from scipy.stats import chi2

    axes = new_axes(axes)
    free = fit.counts - 1
    low = fit.sd_ms * np.sqrt(free / chi2.ppf(0.975, free))
    high = fit.sd_ms * np.sqrt(free / chi2.ppf(0.025, free))
    grid = np.linspace(0.0, fit.mean_ms.max() * 1.08, 200)
    axes.plot(grid, np.hypot(fit.weber * grid, fit.constant_ms), color=INK, linewidth=1.2)
    errors = np.array([fit.sd_ms - low, high - fit.sd_ms])
    axes.errorbar(fit.mean_ms, fit.sd_ms, errors, fmt="o", color=MARK, markersize=4, linewidth=1)
    axes.set(xlabel="mean produced interval (ms)", ylabel="standard deviation (ms)")
    axes.set(xlim=(0, grid[-1]), ylim=(0, None))
    title = f"Weber fraction {fit.weber:.3f}, constant {fit.constant_ms:.0f} ms"
    axes.set_title(title, fontsize=9, loc="left")
    return axes


# ---------------------------------------------------------------------- reproduction


@dataclass(frozen=True)
class Reproduction:
    """Bias and spread of reproduced intervals.

    Attributes:
        bias_ms: root of BIAS^2, how far means are off beyond chance.
        sd_ms: root of the mean over targets of the variance.
        rmse_ms: root of bias_ms^2 + sd_ms^2.
        slope: of produced on target intervals; 1 is veridical, 0 one answer for all.
        indifference_ms: where the regression line meets the diagonal; NaN where it runs along it.
        bias_interval, sd_interval, slope_interval: 95 % intervals (bootstrap over trials).
        target_ms, mean_ms, sds_ms, counts: (k,) by target.
    """

    bias_ms: float
    sd_ms: float
    rmse_ms: float
    slope: float
    indifference_ms: float
    bias_interval: Interval
    sd_interval: Interval
    slope_interval: Interval
    target_ms: Array
    mean_ms: Array
    sds_ms: Array
    counts: Array


def reproduction(
    trials: TrialTable, target: str = "t_target_ms", produced: str = "t_prod_ms"
) -> Reproduction:
    """Bias, variance and regression to the mean of reproduced intervals.

    BIAS^2 = mean over targets of (mean t_p - t)^2 - var(t_p) / n, VAR = mean over targets of
    var(t_p), n trials of a target; an observer who knows the prior trades one for the other
    (Jazayeri and Shadlen 2010, doi:10.1038/nn.2590). Means of n trials miss the target by chance:
    var(t_p) / n is how much, so that an observer without bias has a BIAS^2 of 0 on average, and
    BIAS^2 + VAR is the mean over targets of the mean squared error. A BIAS^2 below 0 counts as 0.
    The slope is of least squares over trials.

    Intervals are percentiles of a bootstrap. That of BIAS^2 is moved down by the mean of
    var(t_p) / n: a resample's means have the chance of the trials beside that of the resampling.

    Args:
        trials: the trial table; trials without a production (NaN) are left out.
        target: column of targets in ms (sample interval times gain).
        produced: column of produced intervals in ms.

    Raises:
        TaskError: fewer than 3 targets, or fewer than 5 trials of a target.
    """
    goal, made = columns(trials, target, produced)
    there = ~(np.isnan(goal) | np.isnan(made))
    goal, made = goal[there], made[there]
    levels, which, counts, mean, squares = by_level(goal, made)
    need(len(levels), 3, "different targets")
    need(int(counts.min()), 5, "reproductions of a target")
    squared, sd, slope, intercept = _bias_and_spread(goal, made, which, levels)
    bias = float(np.sqrt(max(squared, 0.0)))
    random = np.random.default_rng(0)
    # Within targets, so that each keeps its trials.
    order = np.argsort(which, kind="stable")
    starts = (np.cumsum(counts) - counts).astype(int)
    again = []
    for _ in range(RESAMPLES):
        spot = random.random(len(goal))
        row = order[starts[which] + (spot * counts[which]).astype(int)]
        again.append(_bias_and_spread(goal, made[row], which, levels)[:3])
    samples = np.array(again)
    chance = (squares / (counts - 1) / counts).mean()
    samples[:, 0] = np.sqrt(np.maximum(samples[:, 0] - chance, 0.0))
    across = intercept / (1.0 - slope) if abs(1.0 - slope) > 1e-6 else np.nan
    of_bias, of_sd, of_slope = (percentile_interval(samples[:, i]) for i in range(3))
    return Reproduction(
        bias,
        sd,
        float(np.hypot(bias, sd)),
        slope,
        float(across),
        of_bias,
        of_sd,
        of_slope,
        levels,
        mean,
        np.sqrt(squares / (counts - 1)),
        counts,
    )


def _bias_and_spread(
    goal: Array, made: Array, which: Array, levels: Array
) -> tuple[float, float, float, float]:
    """BIAS^2 (which may be below 0), root of the variance, slope and intercept."""
    counts = np.bincount(which)
    mean = np.bincount(which, weights=made) / counts
    variance = np.bincount(which, weights=(made - mean[which]) ** 2) / (counts - 1)
    away = goal - goal.mean()
    slope = float((away * made).sum() / (away**2).sum())
    squared = float(((mean - levels) ** 2 - variance / counts).mean())
    return squared, float(np.sqrt(variance.mean())), slope, float(made.mean() - slope * goal.mean())


def plot_reproduction(result: Reproduction, axes: Axes | None = None) -> Axes:
    """Mean and SD of produced intervals by target, the diagonal and the regression line."""
    axes = new_axes(axes)
    t = result.target_ms
    ends = np.array([t.min(), t.max()])
    axes.plot(ends, ends, color=FAINT, linewidth=0.8, linestyle="--", label="veridical")
    centre = np.average(t, weights=result.counts)
    height = np.average(result.mean_ms, weights=result.counts)
    line = height + result.slope * (ends - centre)
    axes.plot(ends, line, color=INK, linewidth=1.2, label="regression")
    axes.errorbar(t, result.mean_ms, result.sds_ms, fmt="o", color=MARK, markersize=4, linewidth=1)
    axes.legend(fontsize=7, frameon=False, loc="upper left")
    axes.set(xlabel="target interval (ms)", ylabel="produced interval (ms), mean and SD")
    title = f"slope {result.slope:.2f}, bias {result.bias_ms:.0f}, SD {result.sd_ms:.0f} ms"
    axes.set_title(title, fontsize=9, loc="left")
    return axes
