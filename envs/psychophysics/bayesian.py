"""An observer who reproduces intervals by what is likely: Bayes-least-squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError, real_number
from .common import FAINT, MARK, WARM, Interval, TrialTable, columns, need, new_axes
from .fitting import by_level, wald_intervals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class BayesianTimer:
    """Noise of an observer who reproduces intervals by Bayes-least-squares.

    Attributes:
        measurement: w_m, SD of the measured interval over the interval.
        production: w_p, SD of the produced interval over the one intended.
        measurement_interval, production_interval: 95 % intervals (from the likelihood's curvature).
        log_likelihood: of the produced intervals in ms, at the estimates.
        prior_ms: (lowest, highest) interval of the uniform prior.
        sample_ms, produced_ms: (n,) the trials.
        gain: produced over measured interval.
    """

    measurement: float
    production: float
    measurement_interval: Interval
    production_interval: Interval
    log_likelihood: float
    prior_ms: tuple[float, float]
    sample_ms: Array
    produced_ms: Array
    gain: float

    def estimate(self, measured_ms: Any) -> Array:
        """The interval the observer takes a measurement for, both in ms."""
        measured = np.asarray(measured_ms, dtype=float)
        return _posterior_mean(measured.ravel(), self.measurement, self.prior_ms).reshape(
            measured.shape
        )


def bayesian_timer(
    trials: TrialTable,
    sample: str = "t_sample_ms",
    produced: str = "t_prod_ms",
    *,
    gain: float = 1.0,
) -> BayesianTimer:
    """Fit the observer of Jazayeri and Shadlen 2010 (doi:10.1038/nn.2590) by maximum likelihood.

    Measured t_m ~ N(t_s, (w_m t_s)^2); estimate t_e = E[t_s | t_m] under a uniform prior over the
    range of samples; produced t_p ~ N(gain t_e, (w_p gain t_e)^2). The measurement is integrated
    out.

    Args:
        trials: the trial table; trials without a production (NaN) are left out.
        sample: column of sample intervals in ms.
        produced: column of produced intervals in ms.
        gain: asked ratio of produced and sample intervals.

    Raises:
        TaskError: fewer than 30 trials, fewer than 3 sample intervals, or intervals or a gain not
            above 0.
    """
    from scipy.optimize import minimize

    if not 0 < real_number(gain) < np.inf:
        raise TaskError(f"gain={gain!r} is no number above 0; pass the ratio that was asked for.")
    given, made = columns(trials, sample, produced)
    there = ~(np.isnan(given) | np.isnan(made))
    given, made = given[there], made[there]
    need(len(given), 30, "reproductions")
    need(len(np.unique(given)), 3, "different sample intervals")
    if not (given > 0).all():
        raise TaskError(f"column {sample!r} has values that are not above 0; pass ms.")
    prior = float(given.min()), float(given.max())

    def loss(free: Array) -> float:
        return -_timer_likelihood(given, made / gain, np.exp(free), prior)

    start = np.log([0.1, max(float(np.std(made / gain - given) / given.mean()) / 2, 0.02)])
    best = minimize(loss, start, method="L-BFGS-B", bounds=[(np.log(0.005), 0.0)] * 2)
    at = np.asarray(best.x)
    intervals = wald_intervals(loss, at, np.full(2, 0.02))
    first, second = (Interval(float(np.exp(low)), float(np.exp(high))) for low, high in intervals)
    weights = np.exp(at)
    return BayesianTimer(
        measurement=float(weights[0]),
        production=float(weights[1]),
        measurement_interval=first,
        production_interval=second,
        # The loss is that of made / gain.
        log_likelihood=-float(best.fun) - len(made) * float(np.log(gain)),
        prior_ms=prior,
        sample_ms=given,
        produced_ms=made,
        gain=gain,
    )


def _posterior_mean(measured: Array, noise: float, prior: tuple[float, float]) -> Array:
    """E[t_s | t_m] for measurements (m,) under the uniform prior."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    half = (prior[1] - prior[0]) / 2
    t = prior[0] + half * (nodes + 1)
    off = -0.5 * ((measured[:, None] - t) / (noise * t)) ** 2
    # The largest term is 1, so that measurements far off do not underflow.
    density = weights * np.exp(off - off.max(axis=1, keepdims=True)) / t
    return (density * t).sum(axis=1) / density.sum(axis=1)


def _timer_likelihood(
    given: Array, made: Array, weights: Array, prior: tuple[float, float]
) -> float:
    """Log likelihood of produced intervals (n,); the floor is far below what any observer has."""
    measurement, production = weights
    levels, which = np.unique(given, return_inverse=True)
    nodes = np.linspace(-4.0, 4.0, 61)
    mass = np.exp(-0.5 * nodes**2)
    mass /= mass.sum()
    measured = levels[:, None] * (1.0 + measurement * nodes)
    meant = _posterior_mean(measured.ravel(), measurement, prior).reshape(measured.shape)[which]
    z = (made[:, None] - meant) / (production * meant)
    density = (mass * np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * production * meant)).sum(axis=1)
    return float(np.log(density + 1e-9 / prior[1]).sum())


def plot_bayesian_timer(fit: BayesianTimer, axes: Axes | None = None) -> Axes:
    """Produced against sample intervals: single trials, their means, the observer's mean."""
    axes = new_axes(axes)
    levels, _, _, mean, _ = by_level(fit.sample_ms, fit.produced_ms)
    axes.scatter(fit.sample_ms, fit.produced_ms, s=3, color=MARK, alpha=0.2, linewidths=0)
    axes.plot(levels, mean, "o", color=MARK, markersize=5, label="mean")
    asked = np.multiply(fit.gain, fit.prior_ms)
    axes.plot(fit.prior_ms, asked, "--", color=FAINT, linewidth=0.8, label="asked for")
    grid = np.linspace(*fit.prior_ms, 60)
    nodes = np.linspace(-4, 4, 61)
    mass = np.exp(-0.5 * nodes**2) / np.exp(-0.5 * nodes**2).sum()
    meant = fit.estimate(grid[:, None] * (1 + fit.measurement * nodes))
    made = fit.gain * (meant * mass).sum(axis=1)
    axes.plot(grid, made, color=WARM, linewidth=1.4, label="observer")
    axes.legend(fontsize=7, frameon=False, loc="upper left")
    axes.set(xlabel="sample interval (ms)", ylabel="produced interval (ms)")
    title = f"measurement {fit.measurement:.3f}, production {fit.production:.3f}"
    axes.set_title(title, fontsize=9, loc="left")
    return axes
