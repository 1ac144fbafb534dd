"""When runs reach a row's criterion, where some are cut off before: a survival curve an agent."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from .comparison_spec import Row
from .sheet import Sheet
from .stats import Bounded, Estimate
from .survival import Survival, kaplan_meier
from .table import COSTS, Line, Table, number_text

COUNTED = ("steps", "cpu_seconds")
_NOTE = (
    "Median (95 % interval) and mean time to the row's criterion by Kaplan and Meier (1958), runs "
    "that were cut off counted as long as they were seen; where there are any, means are "
    "restricted to the time that is named, to which all agents of the row were seen."
)


@dataclass(frozen=True)
class Arrival:
    """One agent's time to a row's criterion.

    Attributes:
        cost: steps or cpu_seconds, the unit of the times.
        runs, reached: how many there are, and how many reached the criterion.
        median: inf where fewer than half are seen to arrive; so may be the ends of its interval.
        mean: up to ``until``.
        until: the time to which all agents of the row were seen.
    """

    row: str
    agent: str
    cost: str
    runs: int
    reached: int
    median: Estimate
    mean: Estimate
    until: float


def survivals(table: Table, row: Row, cost: str) -> dict[str, Survival]:
    """Agent -> how many of its runs have not reached the criterion yet, against a cost."""
    groups: dict[str, list[Line]] = {cell.agent: [] for cell in table.cells(row)}
    for line in table.lines:
        if line.row == row.label and line.reached is not None:
            groups[line.agent].append(line)
    return {
        agent: kaplan_meier([getattr(x, cost) for x in lines], [bool(x.reached) for x in lines])
        for agent, lines in groups.items()
        if lines
    }


def arrivals(table: Table) -> list[Arrival]:
    """Every row that has a criterion, every agent, both costs."""
    found = []
    for row in table.comparison.rows:
        for cost in COUNTED:
            curves = survivals(table, row, cost)
            until = common_end(list(curves.values()))
            found += [
                Arrival(
                    row=row.label,
                    agent=agent,
                    cost=cost,
                    runs=curve.n,
                    reached=int(curve.reached.sum()),
                    median=curve.median(),
                    mean=curve.restricted_mean(until),
                    until=until,
                )
                for agent, curve in curves.items()
            ]
    return found


def common_end(curves: list[Survival]) -> float:
    """To where all curves are known; one of which no run is left stays at zero."""
    open_ends = [curve.last for curve in curves if curve.left]
    return min(open_ends, default=max((curve.last for curve in curves), default=0.0))


def arrival_sheet(found: list[Arrival]) -> Sheet:
    """A line a row and agent."""
    titles = ["row", "agent", "reached"]
    for cost in COUNTED:
        titles += [f"median {COSTS[cost]} [95 %]", f"mean {COSTS[cost]} [95 %]"]
    cut = {one.row for one in found if one.reached < one.runs}  # elsewhere means are plain ones
    lines: dict[tuple[str, str], list[str]] = {}
    for one in found:
        begin = [one.row, one.agent, f"{one.reached}/{one.runs}"]
        restricted = f" (to {_time(one.until)})" if one.row in cut else ""
        mean = _text(one.mean) + restricted
        lines.setdefault((one.row, one.agent), begin).extend([_text(one.median), mean])
    return Sheet("time to criterion", _NOTE, titles, list(lines.values()))


def arrival_data(found: list[Arrival]) -> list[dict[str, Any]]:
    """JSON-able: what is infinite is None."""
    return [
        asdict(one) | {name: _finite(getattr(one, name)) for name in ("median", "mean")}
        for one in found
    ]


def _finite(estimate: Estimate) -> dict[str, float | None]:
    return {k: v if math.isfinite(v) else None for k, v in estimate._asdict().items()}


def _text(estimate: Estimate) -> str:
    value, low, high = map(_time, estimate)
    return f"{value} [{low}, {high}]"


def _time(value: float) -> str:
    return "∞" if math.isinf(value) else number_text(Bounded(value))
