"""Analyses of tapping: asynchrony, clock and motor noise, phase correction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError
from .common import (
    FAINT,
    INK,
    MARK,
    WARM,
    Interval,
    TrialTable,
    column,
    need,
    new_axes,
    whole_ticks,
)
from .fitting import RESAMPLES, matrix, percentile_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]

_FEWEST_FOR_INTERVALS = 5


def _chosen(
    trials: TrialTable, prefix: str, suffix: str, beats: Iterable[int] | None
) -> tuple[Array, Array]:
    """Numbers (k,) of the beats that are asked for, and values (n, k)."""
    numbers, values = matrix(trials, prefix, suffix)
    if beats is not None:
        among = np.isin(numbers, list(beats))
        need(int(among.sum()), 1, f"of the beats asked for with columns {prefix}<beat>{suffix}")
        numbers, values = numbers[among], values[:, among]
    return numbers, values


def _bootstrap(parts: Array, estimate: Any) -> list[Interval]:
    """Intervals of statistics (s,) of sums over trials, of parts (n, p); NaN for few trials."""
    if len(parts) < _FEWEST_FOR_INTERVALS:
        return [Interval(np.nan, np.nan)] * len(estimate(parts.sum(axis=0)))
    weights = np.random.default_rng(0).multinomial(
        len(parts), np.full(len(parts), 1 / len(parts)), size=RESAMPLES
    )
    samples = np.array([estimate(total) for total in weights @ parts])
    return [percentile_interval(values) for values in samples.T]


# ---------------------------------------------------------------------- asynchrony


@dataclass(frozen=True)
class Asynchrony:
    """Taps against beats.

    Attributes:
        mean_ms: mean of tap minus beat; negative for taps that come early.
        sd_ms: SD over all taps.
        mean_interval, sd_interval: 95 % intervals (bootstrap over trials; NaN for fewer than 5).
        beat: (k,) number of the beat.
        by_beat_ms: (k,) mean at each beat.
        error_ms: (k,) its standard error.
        missed: share of beats without a tap.
    """

    mean_ms: float
    sd_ms: float
    mean_interval: Interval
    sd_interval: Interval
    beat: Array
    by_beat_ms: Array
    error_ms: Array
    missed: float


def asynchrony(
    trials: TrialTable,
    prefix: str = "asynchrony_",
    suffix: str = "_ms",
    *,
    beats: Iterable[int] | None = None,
) -> Asynchrony:
    """Mean and SD of asynchronies, tap minus beat (Repp 2005, doi:10.3758/BF03206433).

    Args:
        trials: the trial table, one sequence of taps per trial.
        prefix, suffix: of the columns with asynchronies in ms, as ``asynchrony_2_ms``; NaN where
            there was no tap.
        beats: numbers of the beats to use, e.g. those that were heard; None for all.

    Raises:
        TaskError: no such columns, or fewer than 3 taps.
    """
    numbers, values = _chosen(trials, prefix, suffix, beats)
    there = ~np.isnan(values)
    need(int(there.sum()), 3, "taps")
    filled = np.where(there, values, 0.0)
    parts = np.stack([there.sum(axis=1), filled.sum(axis=1), (filled**2).sum(axis=1)], axis=1)

    def estimate(total: Array) -> tuple[float, float]:
        count, first, second = total
        if count < 2:
            return np.nan, np.nan
        return first / count, np.sqrt(max(second - first**2 / count, 0.0) / (count - 1))

    mean, sd = estimate(parts.sum(axis=0))
    counts = there.sum(axis=0)
    at_beat = np.where(counts, filled.sum(axis=0) / np.maximum(counts, 1), np.nan)
    squares = np.where(there, (values - at_beat) ** 2, 0.0).sum(axis=0)
    error = np.where(
        counts > 1, np.sqrt(squares / np.maximum(counts - 1, 1) / np.maximum(counts, 1)), np.nan
    )
    of_mean, of_sd = _bootstrap(parts, estimate)
    missed = 1.0 - float(there.mean())
    return Asynchrony(float(mean), float(sd), of_mean, of_sd, numbers, at_beat, error, missed)


def plot_asynchrony(result: Asynchrony, axes: Axes | None = None) -> Axes:
    """Mean asynchrony by beat with its standard error."""
    axes = new_axes(axes)
    axes.axhline(0.0, color=FAINT, linewidth=0.8)
    axes.axhline(result.mean_ms, color=WARM, linewidth=0.8, linestyle=":")
    axes.errorbar(
        result.beat, result.by_beat_ms, result.error_ms, fmt="o-", color=MARK, markersize=4
    )
    axes.set(xlabel="beat", ylabel="tap minus beat (ms)")
    whole_ticks(axes)
    title = f"mean {result.mean_ms:.0f} ms, SD {result.sd_ms:.0f} ms"
    axes.set_title(title, fontsize=9, loc="left")
    return axes


# ---------------------------------------------------------------------- clock and motor noise


@dataclass(frozen=True)
class WingKristofferson:
    """Intervals between taps as clock intervals and motor delays.

    Attributes:
        clock_ms: SD of the clock, sqrt(var(I) + 2 cov1); 0 where that is negative.
        motor_ms: SD of one motor delay, sqrt(-cov1); 0 where cov1 is positive.
        interval_sd_ms: SD of the intervals.
        lag1: lag-1 autocorrelation of the intervals, between -.5 and 0 in the model.
        clock_interval, motor_interval, lag1_interval: 95 % intervals (bootstrap over trials; NaN
            for fewer than 5).
        autocovariance_ms2: (4,) at lags 0 to 3, the model has 0 from lag 2 on.
        mean_ms: mean interval.
        n: number of intervals.
    """

    clock_ms: float
    motor_ms: float
    interval_sd_ms: float
    lag1: float
    clock_interval: Interval
    motor_interval: Interval
    lag1_interval: Interval
    autocovariance_ms2: Array
    mean_ms: float
    n: int


def wing_kristofferson(
    trials: TrialTable,
    prefix: str = "tap_",
    suffix: str = "_ms",
    *,
    beats: Iterable[int] | None = None,
    by: str | None = "period_ms",
) -> WingKristofferson:
    """Clock and motor variance of free tapping (Wing and Kristofferson 1973,
    doi:10.3758/BF03198607).

    An interval between taps is I_j = C_j + D_j - D_(j-1), a clock interval and the difference of
    two motor delays, all independent, so var(I) = var(C) + 2 var(D), cov(I_j, I_(j+1)) = -var(D).
    Deviations are from the mean interval of all trials with the same ``by``, so that short runs do
    not bias the covariance; tempo that differs from trial to trial counts as clock variance.

    Args:
        trials: the trial table, one sequence of taps per trial.
        prefix, suffix: of the columns with tap times in ms, as ``tap_2_ms``; NaN where there was no
            tap.
        beats: numbers of the taps to use, e.g. those of the continuation; None for all.
        by: column that tells trials of different tempo apart; None, or a column that the table does
            not have, for one tempo.

    Raises:
        TaskError: no such columns, fewer than 10 pairs of neighbouring intervals, or intervals
            that do not vary.
    """
    numbers, times = _chosen(trials, prefix, suffix, beats)
    intervals = np.diff(times, axis=1)[:, np.diff(numbers) == 1]
    if intervals.size == 0 or (np.diff(numbers) != 1).any():
        raise TaskError(f"columns {prefix}<beat>{suffix} are no unbroken row of taps; pass one.")
    there = ~np.isnan(intervals)
    need(int((there[:, 1:] & there[:, :-1]).sum()), 10, "pairs of neighbouring intervals")
    tempo = column(trials, by) if by is not None and by in trials else np.zeros(len(times))
    off = np.full_like(intervals, np.nan)
    for one in np.unique(tempo):
        here = tempo == one
        if there[here].any():
            off[here] = intervals[here] - np.nanmean(intervals[here])
    parts = []
    for lag in range(4):
        products = off[:, lag:] * off[:, : max(off.shape[1] - lag, 0)]
        parts += [np.nansum(products, axis=1), (~np.isnan(products)).sum(axis=1)]
    sums = np.stack(parts, axis=1)

    def covariances(total: Array) -> Array:
        return total[0::2] / np.where(total[1::2] > 0, total[1::2], np.nan)

    def estimate(total: Array) -> tuple[float, float, float]:
        variance, lag1 = covariances(total)[:2]
        clock = np.sqrt(max(variance + 2 * lag1, 0.0))
        return clock, np.sqrt(max(-lag1, 0.0)), lag1 / variance if variance > 0 else np.nan

    covariance = covariances(sums.sum(axis=0))
    if covariance[0] == 0.0:
        raise TaskError("the intervals do not vary; there is no noise to be told apart.")
    clock, motor, lag1 = estimate(sums.sum(axis=0))
    of_clock, of_motor, of_lag1 = _bootstrap(sums, estimate)
    return WingKristofferson(
        float(clock),
        float(motor),
        float(np.sqrt(covariance[0])),
        float(lag1),
        of_clock,
        of_motor,
        of_lag1,
        covariance,
        float(np.nanmean(intervals)),
        int(there.sum()),
    )


def plot_wing_kristofferson(result: WingKristofferson, axes: Axes | None = None) -> Axes:
    """Autocovariances of the intervals and what the model has for them."""
    axes = new_axes(axes)
    lags = np.arange(len(result.autocovariance_ms2))
    axes.axhline(0.0, color=FAINT, linewidth=0.8)
    axes.bar(lags, result.autocovariance_ms2, width=0.55, color=MARK, alpha=0.6)
    model = np.zeros(len(lags))
    model[:2] = result.clock_ms**2 + 2 * result.motor_ms**2, -(result.motor_ms**2)
    axes.plot(lags, model, "D", color=INK, markersize=4, label="model")
    axes.legend(fontsize=7, frameon=False)
    axes.set(xlabel="lag (intervals)", ylabel="autocovariance (ms²)", xticks=lags)
    noise = f"clock {result.clock_ms:.0f} ms, motor {result.motor_ms:.0f} ms"
    title = f"{noise}, lag 1 {result.lag1:.2f}"
    axes.set_title(title, fontsize=9, loc="left")
    return axes


# ---------------------------------------------------------------------- phase correction


@dataclass(frozen=True)
class PhaseCorrection:
    """How much of an asynchrony the next interval takes back.

    Attributes:
        gain: alpha; 0 takes nothing back, 1 all of it, above 1 overshoots.
        gain_interval: 95 % interval (bootstrap over trials; NaN for fewer than 5).
        before_ms, after_ms: (m,) neighbouring asynchronies, each minus its beat's mean.
    """

    gain: float
    gain_interval: Interval
    before_ms: Array
    after_ms: Array


def phase_correction(
    trials: TrialTable,
    prefix: str = "asynchrony_",
    suffix: str = "_ms",
    *,
    beats: Iterable[int] | None = None,
) -> PhaseCorrection:
    """Gain of linear phase correction in synchronised tapping.

    In A_(j+1) = (1 - alpha) A_j + noise (Vorberg and Schulze 2002, doi:10.1006/jmps.2001.1375),
    alpha is 1 minus the least-squares slope of an asynchrony on the one before. Means of the beats
    are taken off. Motor noise, which two neighbouring asynchronies do not share, makes the estimate
    too large; it is unbiased where the clock's noise dominates.

    Args:
        trials: the trial table, one sequence of taps per trial.
        prefix, suffix: of the columns with asynchronies in ms, as ``asynchrony_2_ms``.
        beats: numbers of the beats to use, e.g. those that were heard; None for all.

    Raises:
        TaskError: no such columns, fewer than 10 neighbouring asynchronies, or some without
            variation.
    """
    numbers, values = _chosen(trials, prefix, suffix, beats)
    values = values - np.array([np.nan if np.isnan(v).all() else np.nanmean(v) for v in values.T])
    follows = np.diff(numbers) == 1
    before, after = values[:, :-1][:, follows], values[:, 1:][:, follows]
    there = ~(np.isnan(before) | np.isnan(after))
    need(int(there.sum()), 10, "pairs of neighbouring asynchronies")
    before, after = np.where(there, before, 0.0), np.where(there, after, 0.0)
    sums = np.stack([(before * after).sum(axis=1), (before**2).sum(axis=1)], axis=1)

    def estimate(total: Array) -> tuple[float]:
        return (1.0 - total[0] / total[1] if total[1] > 0 else np.nan,)

    (gain,) = estimate(sums.sum(axis=0))
    if np.isnan(gain):
        raise TaskError("the asynchronies do not vary; there is nothing to correct.")
    return PhaseCorrection(float(gain), _bootstrap(sums, estimate)[0], before[there], after[there])


def plot_phase_correction(result: PhaseCorrection, axes: Axes | None = None) -> Axes:
    """Each asynchrony against the one before, and the regression line."""
    axes = new_axes(axes)
    axes.axhline(0.0, color=FAINT, linewidth=0.8)
    axes.axvline(0.0, color=FAINT, linewidth=0.8)
    axes.scatter(result.before_ms, result.after_ms, s=3, color=MARK, alpha=0.3, linewidths=0)
    ends = np.array([result.before_ms.min(), result.before_ms.max()])
    axes.plot(ends, (1 - result.gain) * ends, color=INK, linewidth=1.2)
    axes.set(xlabel="asynchrony (ms)", ylabel="next asynchrony (ms)")
    axes.set_title(f"phase correction {result.gain:.2f}", fontsize=9, loc="left")
    return axes
