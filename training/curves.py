"""Learning curves: what runs recorded, brought onto one axis and summarised over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .runs import Run
from .stats import bootstrap_interval, interquartile_mean

Array = npt.NDArray[Any]

STEPS, CPU = "timesteps", "cpu_seconds"
COST_LABELS = {STEPS: "environment steps", CPU: "learning time (CPU-seconds)"}
_POINTS = 160


@dataclass(frozen=True)
class Curve:
    """Scores of one run; ``x`` maps an axis (steps, CPU-seconds) to where they were measured."""

    label: str
    x: dict[str, Array]
    score: Array


@dataclass(frozen=True)
class Band:
    """Interquartile mean over the seeds of a group and its 95 % bootstrap interval."""

    x: Array
    middle: Array
    low: Array
    high: Array
    n: int


def read_curve(run: Run, label: str | None = None) -> Curve | None:
    """The learning curve of a run; None while it has no record."""
    metrics, timing = run.records(), run.records("timing.jsonl")
    n = min(len(metrics), len(timing))
    if n == 0:
        return None
    x = {
        STEPS: np.array([record["timesteps"] for record in metrics[:n]], float),
        CPU: np.array([record["cpu_seconds"] for record in timing[:n]], float),
    }
    score = np.array([record["score"] for record in metrics[:n]], float)
    return Curve(label or run.config.agent, x, score)


def group(curves: Iterable[Curve]) -> dict[str, list[Curve]]:
    """Curves by label, in the order in which the labels come."""
    groups: dict[str, list[Curve]] = {}
    for curve in curves:
        groups.setdefault(curve.label, []).append(curve)
    return groups


def wants_log(groups: Iterable[Sequence[Curve]], axis: str, ratio: float = 20.0) -> bool:
    """Whether some group needs so much more than another that a linear axis would hide one."""
    ends = [max(curve.x[axis][-1] for curve in curves) for curves in groups]
    return min(ends) > 0 and max(ends) / min(ends) > ratio


def band(curves: Sequence[Curve], axis: str, log: bool) -> Band:
    """Summary of one group. A run that has ended keeps its last score."""
    x = grid(curves, axis, log)
    scores = scores_at(curves, axis, x)
    low, high = bootstrap_interval(scores, n_resamples=1000)
    return Band(x, interquartile_mean(scores), low, high, len(curves))


def grid(curves: Sequence[Curve], axis: str, log: bool) -> Array:
    """Places from the start (of a logarithmic axis: the first measurement) to the longest end."""
    end = max(curve.x[axis][-1] for curve in curves)
    start = min(_first(curve.x[axis]) for curve in curves) if log else 0.0
    space = np.geomspace if log and 0 < start < end else np.linspace
    return space(start, end, _POINTS)


def scores_at(curves: Sequence[Curve], axis: str, x: Array) -> Array:
    """Scores of the runs at each place, (runs, places); one that has ended keeps its last."""
    return np.stack([np.interp(x, curve.x[axis], curve.score) for curve in curves])


def _first(x: Array) -> float:
    """The first measurement after the start, where a logarithmic axis can begin."""
    return float(x[x > 0][0]) if (x > 0).any() else 0.0
