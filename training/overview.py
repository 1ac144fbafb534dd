"""Many tasks at a glance: one table and one figure, scores between chance and optimum."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .comparison_spec import Row
from .pictures import AXIS, COLORS, FAINT, new_figure, save
from .stats import Bounded
from .table import Cell, Table, way_text

_NOTE = (
    "Each cell: the way from chance to optimum (interquartile mean over seeds), seeds that reached "
    "{goal}, steps and CPU-seconds of learning to there (medians; > where the median run was cut "
    "off)."
)


def overview(table: Table) -> str:
    """Tasks x agents as Markdown, with what its cells say."""
    agents = [entrant.label for entrant in table.comparison.agents]
    lines = [["task", *agents]]
    solved = dict.fromkeys(agents, 0)
    rows = [row for row in table.comparison.rows if table.cells(row)]
    for row in rows:
        cells = {cell.agent: cell for cell in table.cells(row)}
        for agent, cell in cells.items():
            solved[agent] += 2 * (cell.solved or 0) > cell.seeds
        marks = table.marks(row)
        lines.append([_name(row), *(_text(cells[a], marks) if a in cells else "-" for a in agents)])
    lines.append(
        ["**tasks solved by most seeds**", *(f"**{solved[a]}** of {len(rows)}" for a in agents)]
    )
    head, *rest = (f"| {' | '.join(texts)} |" for texts in lines)
    return "\n".join(
        [_NOTE.format(goal=_goal(rows)), "", head, "|---" * len(lines[0]) + "|", *rest]
    )


def _goal(rows: list[Row]) -> str:
    shares = {row.way for row in rows}
    share = shares.pop() if len(shares) == 1 else None
    return "the goal" if share is None else f"{share:.0%} of the way"


def _name(row: Row) -> str:
    return row.label.removesuffix("-v0")


def _text(cell: Cell, marks: dict[str, float]) -> str:
    share = way_text(cell.score[0], marks)
    if cell.solved is not None and 2 * cell.solved > cell.seeds:
        share = f"**{share}**"
    steps = _amount(cell.costs["steps"].median, 1e6, "M")
    seconds = _amount(cell.costs["cpu_seconds"].median, 1, "s")
    return f"{share} {cell.solved}/{cell.seeds}, {steps}, {seconds}"


def _amount(bounded: Bounded, unit: float, name: str) -> str:
    value = bounded.value / unit
    return f"{'>' if bounded.censored else ''}{value:.2g} {name}"


def draw_overview(table: Table, path: Path) -> Path:
    """Scores of all seeds between chance and optimum, and CPU-seconds to the goal."""
    rows = [row for row in table.comparison.rows if table.cells(row)]
    agents = [entrant.label for entrant in table.comparison.agents]
    figure, (scores, costs) = new_figure(2, width=7.4, height=0.8 + 0.3 * len(rows), share_y=True)
    offsets = np.linspace(0.3, -0.3, len(agents))
    for i, agent in enumerate(agents):
        color = COLORS[i % len(COLORS)]
        for k, row in enumerate(rows):
            marks = table.marks(row)
            span = marks["optimum"] - marks["chance"]
            y = len(rows) - 1 - k + offsets[i]
            for line in table.lines:
                if (line.row, line.agent) != (row.label, agent):
                    continue
                x = (line.score - marks["chance"]) / span
                scores.plot(max(x, -0.1), y, "o", color=color, ms=3, alpha=0.8)
                costs.plot(
                    line.cpu_seconds,
                    y,
                    "o",
                    ms=3,
                    alpha=0.8,
                    color=color,
                    markerfacecolor=color if line.reached else "none",
                )
        scores.plot([], [], "o", color=color, ms=4, label=agent)
    for k in range(len(rows) - 1):
        for axis in (scores, costs):
            axis.axhline(k + 0.5, color=FAINT, lw=0.3, alpha=0.5)
    for level in (0, 1):
        scores.axvline(level, **AXIS)
    scores.set_yticks(range(len(rows)), [_name(row) for row in reversed(rows)], fontsize=7)
    scores.set_ylim(-0.6, len(rows) - 0.4)
    scores.set_xlim(-0.14, 1.06)
    scores.set_xlabel("score: chance 0, optimum 1 (below -0.1 drawn there)", fontsize=8)
    costs.set_xscale("log")
    costs.set_xlabel("CPU-seconds of learning (open: goal not reached)", fontsize=8)
    handles, labels = scores.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    return save(figure, path)
