"""What a code for time is worth: order, precision, sparseness, direction, and what can be read out.

Trials of one circuit and stimulus come as ``counts`` (T, N) and ``first`` (T, N), ms of the first
spike, NaN without one; leave stimulated neurons out before. Latency is the mean over trials.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

Array = np.ndarray


class Code(NamedTuple):
    """A circuit's answer to one stimulus.

    Attributes:
        reliable: share of neurons that fire in at least 80 % of the trials.
        once: share of trials x neurons with exactly one spike.
        latency, jitter: (N,) mean and SD over trials of the first spike, ms.
        span: 5th and 95th percentile of latencies.
        busiest: largest share of latencies in a window of 5 ms.
        order: mean correlation of latencies between two trials.
        shuffled: the same when the neurons of one of the trials are shuffled.
    """

    reliable: float
    once: float
    latency: Array
    jitter: Array
    span: tuple[float, float]
    busiest: float
    order: float
    shuffled: float


def code(counts: Array, first: Array, seed: int = 0) -> Code:
    """Measure the answer of N neurons in T trials."""
    with warnings.catch_warnings():  # neurons that never fire have no latency
        warnings.simplefilter("ignore", RuntimeWarning)
        latency, jitter = np.nanmean(first, 0), np.nanstd(first, 0)
    known = latency[np.isfinite(latency)]
    span = np.percentile(known, [5, 95]) if len(known) else np.full(2, np.nan)
    mixed = np.random.default_rng(seed).permuted(first, axis=1)
    return Code(
        reliable=float(((counts > 0).mean(0) >= 0.8).mean()),
        once=float((counts == 1).mean()),
        latency=latency,
        jitter=jitter,
        span=(float(span[0]), float(span[1])),
        busiest=busiest_window(known, 5.0),
        order=_pair_correlation(first[:-1], first[1:]),
        shuffled=_pair_correlation(first[:-1], mixed[1:]),
    )


def _pair_correlation(a: Array, b: Array) -> float:
    """Mean over rows of the correlation of ``a`` and ``b`` (T, N) where both are known."""
    found = []
    for x, y in zip(a, b, strict=True):
        both = np.isfinite(x) & np.isfinite(y)
        if both.sum() > 2:
            found.append(np.corrcoef(x[both], y[both])[0, 1])
    return float(np.mean(found)) if found else float("nan")


def busiest_window(times: Array, width: float) -> float:
    """Largest share of ``times`` in a window, which may begin anywhere."""
    ordered = np.sort(times)
    if not len(ordered):
        return float("nan")
    inside = np.searchsorted(ordered, ordered + width, "right") - np.arange(len(ordered))
    return float(inside.max() / len(ordered))


class Growth(NamedTuple):
    """How jitter grows with latency.

    Attributes:
        early, late: median jitter of the earliest and the latest quarter of neurons, ms.
        correlation: of jitter with latency over neurons.
    """

    early: float
    late: float
    correlation: float

    @property
    def ratio(self) -> float:
        return self.late / self.early


def growth(latency: Array, jitter: Array) -> Growth:
    """Jitter against latency over neurons that fire."""
    known = np.isfinite(latency)
    order = np.argsort(latency[known])
    sd, quarter = jitter[known][order], known.sum() // 4
    r = np.corrcoef(latency[known], jitter[known])[0, 1]
    return Growth(float(np.median(sd[:quarter])), float(np.median(sd[-quarter:])), float(r))


def feedforward_index(weights: Array, sources: Array, latency: Array) -> float:
    """Share of the weights (N, K) that lead from neurons that fire earlier to ones that fire later.

    Of the weights between neurons of unequal latency; one half means no order.
    """
    before, after = latency[sources], latency[:, None]
    forward, backward = weights[before < after].sum(), weights[before > after].sum()
    return float(forward / (forward + backward))


def recurrence_index(feedforward: float) -> float:
    """0 for a chain, 1 where as much weight leads back as leads on. (Of this library.)"""
    return 2 * (1 - feedforward)


def traces(first: Array, times: Array, tau: float) -> Array:
    """What each spike has left at ``times`` (K,): exp(-(t - t_i) / tau), (T, K, N)."""
    age = times[None, :, None] - np.where(np.isfinite(first), first, np.inf)[:, None, :]
    return np.where(age >= 0, np.exp(-np.maximum(age, 0) / tau), 0.0)


def ridge(features: Array, targets: Array, penalty: float) -> Array:
    """Weights (N + 1, M) of linear readouts with a constant (the last row, not penalised).

    Args:
        features: (..., N).
        targets: (..., M) of the same leading shape.
        penalty: on the squared weights.
    """
    x = _with_constant(features)
    y = targets.reshape(len(x), -1)
    penalties = penalty * np.eye(x.shape[1])
    penalties[-1, -1] = 1e-9
    return np.linalg.solve(x.T @ x + penalties, x.T @ y)


def read(features: Array, weights: Array) -> Array:
    """What such readouts say, (..., M)."""
    return (_with_constant(features) @ weights).reshape(*features.shape[:-1], -1)


def _with_constant(features: Array) -> Array:
    flat = features.reshape(-1, features.shape[-1])
    return np.concatenate([flat, np.ones((len(flat), 1))], axis=1)
