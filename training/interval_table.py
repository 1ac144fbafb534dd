"""Produced intervals of a comparison's agents, beside their scores: one table a row."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .comparison_spec import Comparison, Entrant, Row
from .errors import UsageError
from .produced import TRIALS, Level, Produced, play_intervals, produces_intervals
from .runs import Run
from .sheet import Sheet

_FILE = "intervals.json"  # in each run folder: what its agent was measured to produce
_MOST = 5  # targets that have a column

#: Row's label, and agents' labels with the intervals of all their seeds.
Measured = dict[str, dict[str, Produced]]


def measure_intervals(comparison: Comparison, paths: dict[tuple[str, str], list[Path]]) -> Measured:
    """Intervals that the agents produce on the rows that ask for some, greedily on fresh trials.

    What has been measured is kept in the run's folder, and measured again when the run went on.

    Args:
        comparison: whose rows and agents.
        paths: row's and agent's label -> folders of finished runs.
    """
    found: Measured = {}
    for row in comparison.rows:
        if not produces_intervals(row.task):
            continue
        of_row = {}
        for entrant in comparison.agents:
            each = [_measure(path, row) for path in paths.get((row.label, entrant.label), [])]
            if each:
                of_row[entrant.label] = Produced(
                    np.concatenate([one.target_ms for one in each]),
                    np.concatenate([one.made_ms for one in each]),
                )
        if of_row:
            found[row.label] = of_row
    return found


def _measure(path: Path, row: Row) -> Produced:
    """From the run's folder, or by playing its best agent."""
    run = Run.open(path)
    steps = (run.result or {}).get("timesteps")
    try:
        kept = run.read_json(_FILE)
        if kept["timesteps"] == steps:
            return Produced.of_lists(kept["target_ms"], kept["made_ms"])
    except (UsageError, KeyError, TypeError):
        pass  # none yet, or of another version
    made = play_intervals(run.agent(), row.task, row.env)
    target_ms, made_ms = made.to_lists()
    run.write_json(_FILE, {"timesteps": steps, "target_ms": target_ms, "made_ms": made_ms})
    return made


def interval_sheets(comparison: Comparison, measured: Measured) -> dict[str, Sheet]:
    """Row's label -> table of medians, their deviations and Weber fractions."""
    return {
        row.label: _sheet(row, comparison.agents, measured[row.label])
        for row in comparison.rows
        if row.label in measured
    }


def _sheet(row: Row, agents: list[Entrant], measured: dict[str, Produced]) -> Sheet:
    targets = np.unique(np.concatenate([one.target_ms for one in measured.values()]))
    targets = targets[~np.isnan(targets)]
    if len(targets) > _MOST:
        targets = targets[np.linspace(0, len(targets) - 1, _MOST).round().astype(int)]
    lines = []
    for agent in agents:
        if agent.label in measured:
            produced = measured[agent.label]
            levels = {level.target_ms: level for level in produced.summary()}
            cells = [_level_text(levels.get(float(t))) for t in targets]
            lines.append([agent.label, *cells, _weber_text(produced)])
    note = (
        f"{row.task}: median ± median absolute deviation of produced intervals in ms, greedy, all "
        f"seeds ({TRIALS} trials each); in brackets the share that was left out"
    )
    titles = ["agent", *(f"{t:g} ms" for t in targets), "Weber fraction [95 %]"]
    return Sheet(f"{row.label}: produced intervals", note, titles, lines)


def _level_text(level: Level | None) -> str:
    if level is None or not level.n:
        return "none"
    left_out = f" ({level.omitted:.0%})" if level.omitted > 0 else ""
    return f"{level.median_ms:.0f} ± {level.mad_ms:.0f}{left_out}"


def _weber_text(produced: Produced) -> str:
    found = produced.weber()
    return "-" if found is None else "{:.3f} [{:.3f}, {:.3f}]".format(*found)
