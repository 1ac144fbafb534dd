"""Time to criterion where some runs were cut off before they reached it.

Kaplan and Meier (1958), doi:10.1080/01621459.1958.10501452.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from .stats import Z95, Estimate

Array = npt.NDArray[Any]

_TAIL = 0.025


@dataclass(frozen=True)
class Survival:
    """Kaplan and Meier's estimate of the share that has not reached the criterion yet.

    Attributes:
        time: (k,) the different times at which it was reached, ascending.
        at_risk: (k,) runs still on their way just before.
        reached: (k,) runs that reached it then.
        share: (k,) share that is left from then on, 1 before the first time.
        low, high: (k,) its 95 % limits: on the scale of log(-log(share)) with Greenwood's variance,
            exact binomial ones where no run is left.
        last: the longest time seen, of a run that reached the criterion or was cut off.
        n: runs in all.
    """

    time: Array
    at_risk: Array
    reached: Array
    share: Array
    low: Array
    high: Array
    last: float
    n: int

    @property
    def error(self) -> Array:
        """(k,) Standard errors of ``share`` by Greenwood's formula."""
        return self.share * np.sqrt(_greenwood(self.at_risk, self.reached))

    @property
    def left(self) -> float:
        """Share that was not seen to reach the criterion."""
        return float(self.share[-1]) if len(self.share) else 1.0

    def median(self) -> Estimate:
        """First time at which at most half of the runs are left; inf where that is not seen.

        The interval holds the times whose limits hold one half (Brookmeyer and Crowley 1982,
        doi:10.2307/2530286). It begins at 0 with fewer than six runs: so few do not bound a median
        from below.
        """
        half = [share <= Fraction(1, 2) for share in _shares(self.at_risk, self.reached)]
        # Before the first time nobody has arrived: the exact limit of a share of one.
        low = np.concatenate([[_TAIL ** (1 / self.n)], self.low])
        times = np.concatenate([[0.0], self.time])
        return Estimate(
            _first(self.time, np.array(half, bool)),
            _first(times, low <= 0.5),
            _first(self.time, self.high <= 0.5),
        )

    def restricted_mean(self, until: float) -> Estimate:
        """Mean time to criterion if all runs ended at ``until``: the area below the curve to there.

        ``until`` should not exceed ``last`` unless no run is ``left``. The interval is
        the normal one (Klein and Moeschberger 2003, doi:10.1007/b97377, eq. 4.5.2).
        """
        inside = self.time < until
        edges = np.concatenate([[0.0], self.time[inside], [until]])
        heights = np.concatenate([[1.0], self.share[inside]])
        areas = np.diff(edges) * heights
        beyond = areas[::-1].cumsum()[::-1][1:]  # area from each time on
        n, d = self.at_risk[inside], self.reached[inside]
        # Where the last run arrives no area is left, and 0 / 0 is 0.
        terms = np.divide(beyond**2 * d, n * (n - d), out=np.zeros(len(n)), where=n > d)
        mean, half = float(areas.sum()), Z95 * float(np.sqrt(terms.sum()))
        return Estimate(mean, max(0.0, mean - half), min(float(until), mean + half))

    def steps(self) -> tuple[Array, Array, Array, Array]:
        """Corners of the curve from 0 to ``last``: times, shares and their limits."""
        ends = [self.last] if len(self.time) == 0 or self.last > self.time[-1] else []
        x = np.repeat(np.concatenate([[0.0], self.time, ends]), 2)[1:]

        def corners(values: Array) -> Array:
            return np.repeat(np.concatenate([[1.0], values]), 2)[: len(x)]

        y = corners(self.share)
        return x[: len(y)], y, corners(self.low), corners(self.high)


def kaplan_meier(times: npt.ArrayLike, reached: npt.ArrayLike) -> Survival:
    """Estimate from when runs reached a criterion or were cut off.

    Args:
        times: (n,) steps, trials or seconds, to the criterion or to the end.
        reached: (n,) false where a run was cut off; one that is cut off when another arrives
            counts as still on its way at that time.

    Raises:
        ValueError: no runs, or shapes that differ.
    """
    t, event = np.asarray(times, float), np.asarray(reached, bool)
    if t.ndim != 1 or len(t) == 0 or t.shape != event.shape:
        raise ValueError(f"times {t.shape} and reached {event.shape} must be two lists of runs.")
    time, count = np.unique(t[event], return_counts=True)
    at_risk = (t[:, None] >= time).sum(axis=0)
    share = np.array([float(one) for one in _shares(at_risk, count)])
    low, high = _limits(share, at_risk, count)
    return Survival(time, at_risk, count, share, low, high, float(t.max()), len(t))


def _shares(at_risk: Array, reached: Array) -> list[Fraction]:
    """Products of the shares that stay at each time; rounded ones miss one half by an event."""
    stay = [Fraction(int(n - d), int(n)) for n, d in zip(at_risk, reached, strict=True)]
    return list(accumulate(stay, operator.mul))


def _greenwood(at_risk: Array, reached: Array) -> Array:
    """Sum of d / (n (n - d)) up to each time; once none is left, as it was before."""
    left = at_risk - reached
    return np.cumsum(np.divide(reached, at_risk * left, out=np.zeros(len(left)), where=left > 0))


def _limits(share: Array, at_risk: Array, reached: Array) -> tuple[Array, Array]:
    inside = share > 0
    log = np.log(share[inside])
    spread = np.sqrt(_greenwood(at_risk, reached)[inside]) / np.abs(log)
    low, high = np.zeros(len(share)), np.ones(len(share))
    low[inside] = np.exp(log * np.exp(Z95 * spread))
    high[inside] = np.exp(log * np.exp(-Z95 * spread))
    high[~inside] = 1 - _TAIL ** (1 / at_risk[~inside])
    return low, np.minimum.accumulate(high) if len(high) else high


def _first(times: Array, there: Array) -> float:
    return float(times[there][0]) if there.any() else float("inf")
