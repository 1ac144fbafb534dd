"""What presets came to, in the words that their files keep, from the data of the page of results.

``python -m caudate.training.preset_scores docs/results training/presets`` writes them again.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from .runs import write_text
from .table import Line, Table, read_table
from .toml_files import toml_value


def scores(preset: Path, results: Path) -> Iterator[tuple[str, str, str]]:
    """Agent, the score that its table says and the one that the results have, of one file.

    Only agents whose ``command`` is a comparison that ``results`` keeps, and that ran with the
    preset alone, without options of the comparison.
    """
    task = f"caudate/{preset.stem}"
    for agent, table in tomllib.loads(preset.read_text("utf-8")).items():
        named = re.fullmatch(r"caudate compare (\w+)", table.get("command", ""))
        if named and (results / f"{named[1]}.json").is_file():
            found = _found(_kept(results / named[1]), task, agent)
            if found:
                yield agent, table["score"], found


@cache
def _kept(stem: Path) -> Table:
    """The same few comparisons are asked for by hundreds of presets."""
    return read_table(stem)


def _found(table: Table, task: str, agent: str) -> str:
    """One part for each row of the task, named where it has parameters of its own."""
    parts = []
    for row in table.comparison.rows:
        labels = {
            entrant.label
            for entrant in table.comparison.agents
            if entrant.name == agent
            and entrant.preset == "default"
            and not entrant.options
            and entrant.label not in row.options
        }
        lines = [line for line in table.lines if line.row == row.label and line.agent in labels]
        if row.task == task and lines:
            goal = None if row.until is None else f"{row.until:g}"
            if row.way is not None:
                goal = f"{100 * row.way:g} % of the way from chance to optimum"
            parts.append((f"{row.label}: " if row.env else "") + words(lines, goal))
    return "; ".join(parts)


def words(lines: list[Line], goal: str | None) -> str:
    """How many seeds reached a goal, and their score."""
    median = f"{np.median([line.score for line in lines]):.3f}"
    if goal is not None:
        reached = sum(bool(line.reached) for line in lines)
        return f"{goal} reached by {reached} of {len(lines)} seeds, median score {median}"
    many = len(lines) > 1
    return f"{median}, " + (f"median of {len(lines)} seeds" if many else f"seed {lines[0].seed}")


def rewrite(preset: Path, results: Path) -> int:
    """Bring the scores of one file up to date; returns how many have changed."""
    text, changed = preset.read_text("utf-8"), 0
    for agent, old, new in scores(preset, results):
        if old != new:
            head = text.index(f"[{agent}]\n")
            place = text.index(f"score = {toml_value(old)}\n", head)
            end = place + len(f"score = {toml_value(old)}")
            text = f"{text[:place]}score = {toml_value(new)}{text[end:]}"
            changed += 1
    if changed:
        write_text(preset, text)
    return changed


if __name__ == "__main__":
    kept, folder = map(Path, sys.argv[1:])
    for file in sorted(folder.glob("*.toml")):
        changed = rewrite(file, kept)
        if changed:
            print(f"{file.name}: {changed} scores written")
