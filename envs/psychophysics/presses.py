"""Analyses of free pressing: inter-response times (DRL) and the peak-interval procedure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError, check_number
from ..core.time import to_steps
from .common import FAINT, INK, MARK, WARM, Interval, TrialTable, column, need, new_axes, wilson
from .fitting import matrix, wald_intervals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]

# ---------------------------------------------------------------------- inter-response times


@dataclass(frozen=True)
class InterResponseTimes:
    """Distribution of the times between presses under DRL.

    Attributes:
        efficiency: rewarded presses over presses.
        efficiency_interval: 95 % interval (Wilson).
        burst_share: share of inter-response times in the first bin.
        burst_ratio: bursts over those expected from presses at random; 1 at random, NaN where the
            first bin is shorter than a step.
        peak_ms: centre of the peak above what is expected at random; NaN without one.
        peak_area: share of pauses in that peak beyond the expected; 0 at random, at most 1.
        edges_ms: (k + 1,) shortest times of the bins, and infinity.
        counts: (k,) inter-response times in the bins.
        expected: (k,) at random, with as many pauses.
        wait_ms: shortest rewarded time.
    """

    efficiency: float
    efficiency_interval: Interval
    burst_share: float
    burst_ratio: float
    peak_ms: float
    peak_area: float
    edges_ms: Array
    counts: Array
    expected: Array
    wait_ms: float


def inter_response_times(
    trials: TrialTable,
    wait_ms: float,
    prefix: str = "irt_bin_",
    *,
    per_wait: int = 6,
    dt_ms: float = 0.0,
) -> InterResponseTimes:
    """Efficiency, bursts and the peak of inter-response times, all sessions together.

    Peak deviation analysis after Richards, Sabol and Seiden 1993 (doi:10.1901/jeab.1993.60-361),
    on binned times: pauses (all but the first bin, the bursts) are compared with the distribution
    that presses at random would have, P(time >= e) = exp(-(max(e, dt) - dt) / mean) for an edge e:
    exponential without steps, else geometric from one step on. The mean is the maximum-likelihood
    estimate from the bins. The peak is the run of bins above the expected with the largest excess;
    its centre is weighed by the excess, its area is the excess over the number of pauses.

    Args:
        trials: the trial table, one session per row, with ``n_presses``, ``n_rewarded`` and the
            bins; ``bin_times`` makes it from single times.
        wait_ms: shortest rewarded time.
        prefix: of the columns with counts, as ``irt_bin_0``; the last bin is open.
        per_wait: number of bins that make up ``wait_ms``.
        dt_ms: step in which times were counted, ``dt`` of the task; 0 for times without steps.
            Bins begin with the first step in them, so they need not be equally long.

    Raises:
        TaskError: no such columns, fewer than 10 pauses, or times that ``dt_ms`` does not allow.
    """
    if not wait_ms > 0:
        raise TaskError(f"wait_ms={wait_ms!r} is not above 0; pass ms.")
    dt = check_number("dt_ms", dt_ms, low=0.0)
    numbers, values = matrix(trials, prefix)
    need(len(numbers), 3, f"columns {prefix}0, {prefix}1, ...")
    counts = np.nansum(values, axis=0)
    edges = np.append(_shortest_times(len(counts), wait_ms, per_wait, dt), np.inf)
    exists = np.diff(edges) > 0
    if counts[~exists].any():
        raise TaskError(
            f"times lie in bins without a step of dt_ms={dt:g} at wait_ms={wait_ms:g}; pass dt and "
            "wait of the task."
        )
    pauses = float(counts[1:].sum())
    need(int(pauses), 10, "inter-response times beyond bursts")
    mean = _exponential_mean(counts[1:], edges[1:-1])
    survival = np.exp((edges[1] - np.maximum(edges, dt)) / mean)
    expected = pauses * (survival[:-1] - survival[1:])
    # Longest times of the bins; the open one is taken to be as long as the others.
    ends = np.append(edges[1:-1], edges[-2] + wait_ms / per_wait) - dt
    centres = ((edges[:-1] + ends) / 2)[1:][exists[1:]]
    excess = (counts - expected)[1:][exists[1:]]
    first, last = _largest_run(excess)
    centres, excess = centres[first:last], excess[first:last]
    area = float(excess.sum())
    presses, rewarded = (
        np.nansum(column(trials, "n_presses")),
        np.nansum(column(trials, "n_rewarded")),
    )
    return InterResponseTimes(
        float(rewarded / presses) if presses else np.nan,
        wilson(float(rewarded), float(presses)),
        float(counts[0] / counts.sum()),
        float(counts[0] / expected[0]) if expected[0] > 0 else np.nan,
        float((centres * excess).sum() / area) if area > 0 else np.nan,
        max(area, 0.0) / pauses,
        edges,
        counts,
        expected,
        float(wait_ms),
    )


def _shortest_times(bins: int, wait_ms: float, per_wait: int, dt: float) -> Array:
    """(bins,) shortest time in each bin, in ms."""
    if dt == 0.0:
        return np.arange(bins) * (wait_ms / per_wait)
    wait = to_steps(wait_ms, dt)
    if wait < 1:
        raise TaskError(f"wait_ms={wait_ms:g} is shorter than a step of dt_ms={dt:g}; pass ms.")
    return -(-np.arange(bins) * wait // per_wait) * dt


def _exponential_mean(counts: Array, starts: Array) -> float:
    """Likeliest mean of exponential times from counts (k,) in bins from (k,), the last one open."""
    from scipy.optimize import minimize_scalar

    stayed, passed = counts[:-1], float((counts * (starts - starts[0])).sum())
    some = stayed > 0
    if not some.any():
        raise TaskError("all inter-response times are in the last bin; use fewer bins a wait.")
    stayed, widths = stayed[some], np.diff(starts)[some]

    def loss(log_mean: float) -> float:
        mean = np.exp(log_mean)
        return float(passed / mean - (stayed * np.log(-np.expm1(-widths / mean))).sum())

    # With all in the first bin the likeliest mean is 0: as short as makes no difference will do.
    bounds = np.log([widths.max() / 50.0, (starts[-1] - starts[0]) * counts.sum()])
    found: Any = minimize_scalar(loss, bounds=bounds, method="bounded")
    return float(np.exp(found.x))


def _largest_run(values: Array) -> tuple[int, int]:
    """Start and stop of the neighbouring positive values with the largest sum; none: (0, 0)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (values > 0).astype(int), [0]])))
    runs = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
    return max(runs, key=lambda run: values[run[0] : run[1]].sum(), default=(0, 0))


def bin_times(
    sessions: Sequence[Any], wait_ms: float, *, per_wait: int = 6, bins: int = 12
) -> dict[str, Array]:
    """A trial table for ``inter_response_times`` from single times.

    Args:
        sessions: for each session its inter-response times in ms.
        wait_ms: shortest rewarded time.
        per_wait: number of bins that make up ``wait_ms``.
        bins: number of bins, the last one open.
    """
    rows = []
    for times in sessions:
        times = np.asarray(times, dtype=float)
        place = np.minimum(np.floor(times * per_wait / wait_ms + 1e-9), bins - 1)
        rows.append(np.bincount(place.astype(int), minlength=bins))
    counts = np.array(rows)
    table = {f"irt_bin_{i}": counts[:, i] for i in range(bins)}
    table["n_presses"] = counts.sum(axis=1)
    table["n_rewarded"] = np.array([int((np.asarray(t) >= wait_ms).sum()) for t in sessions])
    return table


def plot_inter_response_times(result: InterResponseTimes, axes: Axes | None = None) -> Axes:
    """Shares of the bins, and what presses at random would have."""
    axes = new_axes(axes)
    total = result.counts.sum()
    left = result.edges_ms[:-1]
    # The last bin is open, and drawn as wide as the widest.
    width = np.append(np.diff(left), np.diff(left).max())
    axes.bar(left, result.counts / total, width=width, align="edge", color=MARK, alpha=0.45)
    # What is expected in the open bin does not go on the line.
    middles, random = left + width / 2, result.expected / total
    axes.plot(middles[1:-1], random[1:-1], color=INK, linewidth=1.2, label="random")
    axes.plot(middles[-1:], random[-1:], "D", color=INK, markersize=4, label="random, last bin")
    axes.axvline(result.wait_ms, color=WARM, linewidth=0.9, linestyle=":", label="wait")
    axes.legend(fontsize=7, frameon=False)
    axes.set(xlabel="inter-response time (ms, last bin open)", ylabel="share")
    title = f"efficiency {result.efficiency:.2f}, burst ratio {result.burst_ratio:.2f}"
    axes.set_title(title, fontsize=9, loc="left")
    return axes


# ---------------------------------------------------------------------- peak interval


@dataclass(frozen=True)
class PeakInterval:
    """Presses on probe trials of the peak-interval procedure.

    Attributes:
        peak_ms: time of the highest rate.
        spread_ms: SD of the rate's Gaussian.
        height_hz, floor_hz: presses per second of the Gaussian's top and of its floor.
        peak_interval, spread_interval: 95 % intervals (from the likelihood's curvature).
        start_ms, stop_ms: mean times at which high rates begin and end; NaN if not told.
        start_sd_ms, stop_sd_ms: their SDs over trials.
        start_stop_correlation: positive where the whole high state moves from trial to trial.
        edges_ms: (k + 1,) edges of the bins.
        rate_hz: (k,) presses per second.
        n_probes: number of probe trials.
    """

    peak_ms: float
    spread_ms: float
    height_hz: float
    floor_hz: float
    peak_interval: Interval
    spread_interval: Interval
    start_ms: float
    stop_ms: float
    start_sd_ms: float
    stop_sd_ms: float
    start_stop_correlation: float
    edges_ms: Array
    rate_hz: Array
    n_probes: int

    @property
    def cv(self) -> float:
        """Spread over peak time."""
        return self.spread_ms / self.peak_ms

    def rate(self, time_ms: Any) -> Array:
        """Fitted presses per second at times in ms."""
        z = (np.asarray(time_ms, dtype=float) - self.peak_ms) / self.spread_ms
        return self.floor_hz + self.height_hz * np.exp(-0.5 * z**2)


def peak_interval(
    trials: TrialTable,
    bin_ms: float,
    prefix: str = "presses_bin_",
    *,
    probe: str = "is_probe",
    start: str = "start_ms",
    stop: str = "stop_ms",
) -> PeakInterval:
    """Peak time and spread of the press rate on probes (Roberts 1981,
    doi:10.1037/0097-7403.7.3.242), start and stop of high rates (Church, Meck and Gibbon 1994,
    doi:10.1037/0097-7403.20.2.135).

    The rate floor + height exp(-(t - peak)^2 / (2 spread^2)), integrated over the bins, is fitted
    by maximum likelihood with Poisson counts.

    Args:
        trials: the trial table.
        bin_ms: width of the bins, a quarter of the interval in ``PeakInterval``.
        prefix: of the columns with counts of presses, as ``presses_bin_0``.
        probe: column that is 1 on probes.
        start, stop: columns with times in ms on probes, NaN without presses; see ``start_stop``.

    Raises:
        TaskError: no such columns, fewer than 4 bins, or fewer than 20 presses on probes.
    """
    if not bin_ms > 0:
        raise TaskError(f"bin_ms={bin_ms!r} is not above 0; pass ms.")
    numbers, values = matrix(trials, prefix)
    need(len(numbers), 4, f"columns {prefix}0, {prefix}1, ...")
    probes = column(trials, probe) > 0.5
    counts = np.nansum(values[probes], axis=0)
    need(int(counts.sum()), 20, "presses on probes")
    edges = np.arange(len(counts) + 1) * float(bin_ms)
    at, intervals = _fit_peak(counts, edges)
    n = int(probes.sum())
    gaussian, floor = np.exp(at[2]), np.exp(at[3])
    spread = float(np.exp(at[1]))
    times = [
        column(trials, name)[probes] if name in trials else np.full(n, np.nan)
        for name in (start, stop)
    ]
    both = ~(np.isnan(times[0]) | np.isnan(times[1]))
    begin, end = times[0][both], times[1][both]
    enough = len(begin) > 1 and begin.std() > 0 and end.std() > 0
    return PeakInterval(
        float(at[0]),
        spread,
        float(gaussian / (np.sqrt(2 * np.pi) * spread) / n * 1000),
        float(floor / edges[-1] / n * 1000),
        intervals[0],
        Interval(float(np.exp(intervals[1].low)), float(np.exp(intervals[1].high))),
        float(begin.mean()) if len(begin) else np.nan,
        float(end.mean()) if len(end) else np.nan,
        float(begin.std(ddof=1)) if len(begin) > 1 else np.nan,
        float(end.std(ddof=1)) if len(end) > 1 else np.nan,
        float(np.corrcoef(begin, end)[0, 1]) if enough else np.nan,
        edges,
        counts / n / bin_ms * 1000,
        n,
    )


def _fit_peak(counts: Array, edges: Array) -> tuple[Array, list[Interval]]:
    """Peak, log spread, log presses of Gaussian and floor; intervals of the first two."""
    from scipy.optimize import minimize
    from scipy.special import ndtr

    width, total = edges[1], float(counts.sum())

    def loss(free: Array) -> float:
        share = np.diff(ndtr((edges - free[0]) / np.exp(free[1])))
        mean = np.exp(free[2]) * share + np.exp(free[3]) * np.diff(edges) / edges[-1]
        return float((mean - counts * np.log(mean + 1e-12)).sum())

    centres = edges[:-1] + width / 2
    top = float(centres[counts.argmax()])
    bounds = [
        (0.0, edges[-1]),
        (np.log(width / 10), np.log(2 * edges[-1])),
        (np.log(1e-3), np.log(10 * total)),
        (np.log(1e-3), np.log(2 * total)),
    ]
    starts = [
        [top, np.log(edges[-1] / part), np.log(total * share), np.log(total * (1 - share))]
        for part in (5, 12)
        for share in (0.9, 0.5)
    ]
    fits = [minimize(loss, x, method="L-BFGS-B", bounds=bounds) for x in starts]
    at = np.asarray(min(fits, key=lambda fit: fit.fun).x)
    # A floor of nothing has no curvature and is no news for the others.
    free = 4 if np.exp(at[3]) > 1e-2 * total else 3

    def partly(part: Array) -> float:
        return loss(np.concatenate([part, at[free:]]))

    step = np.array([0.02 * np.exp(at[1]), 0.02, 0.02, 0.02])[:free]
    return at, wald_intervals(partly, at[:free], step)[:2]


def plot_peak_interval(result: PeakInterval, axes: Axes | None = None) -> Axes:
    """Press rate over the probe, the fit, and the mean high state."""
    axes = new_axes(axes)
    if not np.isnan(result.start_ms):
        span, label = (result.start_ms, result.stop_ms), "mean start to stop"
        axes.axvspan(*span, color=FAINT, alpha=0.18, linewidth=0, label=label)
    axes.stairs(result.rate_hz, result.edges_ms, fill=True, color=MARK, alpha=0.4)
    grid = np.linspace(0, result.edges_ms[-1], 300)
    axes.plot(grid, result.rate(grid), color=INK, linewidth=1.2, label="fit")
    axes.axvline(result.peak_ms, color=WARM, linewidth=0.9, linestyle=":", label="peak")
    axes.legend(fontsize=7, frameon=False, loc="upper right")
    axes.set(xlabel="time on a probe (ms)", ylabel="presses per second")
    title = f"peak {result.peak_ms:.0f} ms, spread {result.spread_ms:.0f} ms"
    axes.set_title(title, fontsize=9, loc="left")
    return axes


def start_stop(press_ms: Any, duration_ms: float) -> tuple[float, float]:
    """Start and stop of the high rate in one probe trial, in ms.

    Of all pairs of presses that with the largest index d1 (r - r1) + d2 (r2 - r) + d3 (r - r3),
    where d are the lengths and r1, r2, r3 the rates before, between and behind, and r is the rate
    of the trial (Church, Meck and Gibbon 1994, doi:10.1037/0097-7403.20.2.135).

    Args:
        press_ms: (m,) times of presses.
        duration_ms: length of the trial.

    Returns:
        Start and stop, both NaN with fewer than 2 presses.

    Raises:
        TaskError: a press outside the trial.
    """
    times = np.sort(np.asarray(press_ms, dtype=float))
    if len(times) and not (times[0] >= 0 and times[-1] <= duration_ms):
        raise TaskError(f"presses lie outside 0 to duration_ms={duration_ms!r}; pass times in it.")
    if len(times) < 2:
        return np.nan, np.nan
    n, rate = len(times), len(times) / duration_ms
    i, j = np.triu_indices(n, 1)
    begin, end = times[i], times[j]
    # Presses at the border belong to the high state. d r is a number of presses.
    low_before = begin * rate - i
    high = (j - i + 1) - (end - begin) * rate
    low_after = (duration_ms - end) * rate - (n - 1 - j)
    best = int(np.argmax(low_before + high + low_after))
    return float(begin[best]), float(end[best])
