"""All rows of a comparison at once: scores on a common scale, with intervals over tasks x seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .curves import CPU, STEPS, Array, Band, Curve, grid, scores_at, wants_log
from .sheet import Sheet
from .stats import Estimate
from .table import Table, way
from .task_stats import (
    Bands,
    Scores,
    Summary,
    interquartile_means,
    performance_profile,
    probability_of_improvement,
    summarise,
)

AXES = (STEPS, CPU)
_READABLE = 8  # agents, in a matrix with intervals
LEVELS = np.linspace(0, 1, 101)  # from chance to optimum
_NOTE = (
    "Scores between chance (0) and optimum (1) of their task, over tasks x seeds; 95 % intervals "
    "by stratified bootstrap (Agarwal et al. 2021). IQM: mean of the middle half of all runs; "
    "optimality gap: mean distance to the optimum. No interval where the runs of a task are equal, "
    "or only one."
)
_BETTER = (
    "How likely a run of the agent of the line scores above one of the agent of the column, on a "
    "task drawn at random; ties count one half."
)


@dataclass(frozen=True)
class Aggregate:
    """Agents over all rows; a row's place in the comparison is its task's number.

    Attributes:
        tasks: how many there are.
        scores: agent -> the way from chance to optimum of its runs.
        summaries: agent -> interquartile mean, mean, optimality gap.
        better: (agent, other) -> probability of improvement, where they have a task in common.
        profiles: agent -> share of its runs above each of ``LEVELS``.
        efficiency: axis -> agent -> interquartile mean of the way against steps or CPU-seconds.
    """

    tasks: int
    scores: dict[str, Scores]
    summaries: dict[str, Summary]
    better: dict[tuple[str, str], Estimate]
    profiles: dict[str, Bands]
    efficiency: dict[str, dict[str, Band]]

    def logarithmic(self, axis: str) -> bool:
        """Whether the grid of an axis of ``efficiency`` is even on a logarithmic scale."""
        return any(band.x[0] > 0 for band in self.efficiency[axis].values())


def aggregate(table: Table, curves: Mapping[str, Sequence[Curve]]) -> Aggregate | None:
    """What all rows say together.

    Args:
        table: the finished runs.
        curves: row's label -> learning curves of its runs.

    Returns:
        None with fewer than two rows or two agents that have finished runs, or where a row has no
        yardsticks.
    """
    rows = [row.label for row in table.comparison.rows if table.cells(row)]
    scores = _scores(table, rows)
    if scores is None or len(rows) < 2 or len(scores) < 2:
        return None
    pairs = [
        (a, b)
        for a in scores
        for b in scores
        if a != b and np.isin(scores[a].task, scores[b].task).any()
    ]
    marks = {row.label: table.marks(row) for row in table.comparison.rows}
    return Aggregate(
        tasks=len(rows),
        scores=scores,
        summaries={agent: summarise(runs) for agent, runs in scores.items()},
        better={(a, b): probability_of_improvement(scores[a], scores[b]) for a, b in pairs},
        profiles={agent: performance_profile(runs, LEVELS) for agent, runs in scores.items()},
        efficiency={axis: _efficiency(list(scores), rows, marks, curves, axis) for axis in AXES},
    )


def _scores(table: Table, rows: list[str]) -> dict[str, Scores] | None:
    """Agents' runs, in the comparison's order; None where a row has no yardsticks."""
    ways: dict[str, list[tuple[float, int]]] = {}
    for line in table.lines:
        share = way(line.score, line.yardsticks)
        if share is None:
            return None
        ways.setdefault(line.agent, []).append((share, rows.index(line.row)))
    agents = [entrant.label for entrant in table.comparison.agents if entrant.label in ways]
    return {agent: Scores(*map(np.array, zip(*ways[agent], strict=True))) for agent in agents}


def _efficiency(
    agents: list[str],
    rows: list[str],
    marks: Mapping[str, Mapping[str, float]],
    curves: Mapping[str, Sequence[Curve]],
    axis: str,
) -> dict[str, Band]:
    """One band an agent, up to its longest run. A run that has ended keeps its last score."""
    found = {a: [(c, i) for i, r in enumerate(rows) for c in curves.get(r, ()) if c.label == a]
             for a in agents}  # fmt: skip
    found = {agent: runs for agent, runs in found.items() if runs}
    if not found:
        return {}
    log = wants_log([[curve for curve, _ in runs] for runs in found.values()], axis)
    common = grid([curve for runs in found.values() for curve, _ in runs], axis, log)
    bands = {}
    for agent, runs in found.items():
        own = [curve for curve, _ in runs]
        end = max(curve.x[axis][-1] for curve in own)
        # Two places at least, for an agent that ends before the others' first measurement.
        x = common[: max(2, np.searchsorted(common, end, "right"))]
        chance, span = np.array([_scale(marks[rows[i]]) for _, i in runs]).T
        shares = (scores_at(own, axis, x) - chance[:, None]) / span[:, None]
        values = interquartile_means(Scores(shares, np.array([i for _, i in runs])))
        bands[agent] = Band(x, *values, n=len(own))
    return bands


def _scale(marks: Mapping[str, float]) -> tuple[float, float]:
    return marks["chance"], marks["optimum"] - marks["chance"]


# -- texts and data --------------------------------------------------------------------------


def aggregate_sheets(found: Aggregate) -> list[Sheet]:
    """The table of summaries and the matrix of probabilities of improvement."""
    agents = list(found.scores)
    titles = ["agent", "tasks", "runs", "IQM [95 %]", "mean [95 %]", "optimality gap [95 %]"]
    lines = []
    for agent, runs in found.scores.items():
        tasks = f"{len(np.unique(runs.task))}/{found.tasks}"
        estimates = map(estimate_text, found.summaries[agent])
        lines.append([agent, tasks, str(len(runs.value)), *estimates])
    wide = len(agents) > _READABLE
    matrix = [[a, *(_better_text(found, a, b, alone=wide) for b in agents)] for a in agents]
    note = _BETTER + (" Intervals are in the data." if wide else "")
    return [
        Sheet("over all tasks", _NOTE, titles, lines),
        Sheet("probability of improvement", note, ["better than", *agents], matrix),
    ]


def _better_text(found: Aggregate, agent: str, other: str, alone: bool) -> str:
    if (agent, other) not in found.better:
        return "-"
    estimate = found.better[agent, other]
    return f"{estimate.value:.2f}" if alone else estimate_text(estimate)


def estimate_text(estimate: Estimate) -> str:
    """Two digits; nothing is minus zero; no interval where the bootstrap has nothing to draw."""
    value, low, high = (round(part, 2) + 0.0 for part in estimate)
    return (
        f"{value:.2f} [{low:.2f}, {high:.2f}]" if estimate.low < estimate.high else f"{value:.2f}"
    )


def aggregate_data(found: Aggregate) -> dict[str, Any]:
    """All numbers, JSON-able."""
    return {
        "tasks": found.tasks,
        "summaries": {
            agent: {name: one._asdict() for name, one in summary._asdict().items()}
            for agent, summary in found.summaries.items()
        },
        "probability_of_improvement": [
            {"agent": a, "over": b} | one._asdict() for (a, b), one in found.better.items()
        ],
        "performance_profiles": {
            "levels": _numbers(LEVELS),
            "agents": {agent: _bands(bands) for agent, bands in found.profiles.items()},
        },
        "efficiency": {
            axis: {agent: {"x": _numbers(band.x)} | _bands(band) for agent, band in bands.items()}
            for axis, bands in found.efficiency.items()
        },
    }


def _bands(bands: Bands | Band) -> dict[str, list[float]]:
    return {name: _numbers(getattr(bands, name)) for name in ("middle", "low", "high")}


def _numbers(values: Array) -> list[float]:
    """With six digits, which is more than the intervals know."""
    return [float(f"{value:.6g}") for value in values]
