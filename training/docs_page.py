"""The part of a documentation page that a command writes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mode

from .aggregate import Aggregate, aggregate_sheets
from .aggregate_figure import draw_aggregate
from .aggregate_files import write_data as write_aggregate_data
from .arrival import Arrival
from .comparison_spec import Comparison, Entrant, slug
from .overview import draw_overview, overview
from .runs import write_json, write_text
from .sheet import Sheet, markdown_text
from .table import Line, Table, markdown, write_data


def write_docs(
    table: Table,
    figures: Mapping[str, Path],
    folder: Path,
    command: str,
    found: Aggregate | None = None,
    waited: Sequence[Arrival] = (),
    intervals: Mapping[str, Sheet] | None = None,
) -> None:
    """Keep a comparison's data and pictures in ``folder`` and put its tables on the page beside it.

    Args:
        table: the results.
        figures: row's label -> picture; the copy has the comparison's name before its own. Rows
            without one keep the copy that is there.
        folder: where the data go; ``folder.md`` is the page.
        command: what makes all this, named on the page.
        found: what all rows say together, for a part of its own at the end.
        waited: times to criteria, kept with its data.
        intervals: row's label -> table of produced intervals, below the row's own; None: as kept.
    """
    name = table.comparison.name
    write_data(table, folder / name)
    page = folder.with_name(f"{folder.name}.md")
    title = table.comparison.title or name
    data = f"[{name}.csv]({_link(page, folder / f'{name}.csv')})"
    made = f"Made by `{command}` ({_cost(table.lines)}); one line a run: {data}."
    parts = [f"## {title}", f"{made} {_limits(table.comparison)}"]
    if table.comparison.overview:
        picture = draw_overview(table, folder / f"{name}.png")
        parts += [overview(table), f"![Scores and CPU-seconds by task]({_link(page, picture)})"]
    else:
        parts += _rows(table, figures, folder, page, _kept(folder, name, intervals))
    if found is not None:
        parts += _all_rows(found, waited, folder / f"{name}.aggregate", page)
    replace_section(page, name, "\n\n".join(parts))


def _cost(lines: Sequence[Line]) -> str:
    learning = sum(line.cpu_seconds for line in lines) / 60
    cost = f"{len(lines)} runs, {learning:,.0f} CPU-minutes of learning"
    scoring = [line.evaluation_cpu_seconds for line in lines]
    known = [seconds for seconds in scoring if seconds is not None]
    return f"{cost} and {sum(known) / 60:,.0f} of evaluation" if len(known) == len(lines) else cost


def _limits(comparison: Comparison) -> str:
    """How long agents may learn; the limit that most of them have is said once."""
    limits = {agent.label: _limit(agent) for agent in comparison.agents}
    usual = mode(limits.values())
    others = {
        limit: [name for name in limits if limits[name] == limit] for limit in limits.values()
    }
    del others[usual]
    texts = [f"{', '.join(names)} {limit}" for limit, names in others.items()]
    parts = [*texts, f"{'the others ' if texts else ''}{usual}"]
    return f"A run learns for at most: {'; '.join(parts)}."


def _limit(agent: Entrant) -> str:
    steps = [f"{agent.steps:,} steps"] if agent.steps else []
    seconds = [f"{agent.cpu_limit:g} CPU-seconds"] if agent.cpu_limit else []
    return " or ".join(steps + seconds) or "as long as its steps take"


def _kept(folder: Path, name: str, intervals: Mapping[str, Sheet] | None) -> Mapping[str, Sheet]:
    """Tables of produced intervals, which ``name.intervals.json`` keeps."""
    path = folder / f"{name}.intervals.json"
    if intervals is None:
        kept = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        return {label: Sheet(**sheet) for label, sheet in kept.items()}
    if intervals:
        write_json(path, {label: asdict(sheet) for label, sheet in intervals.items()})
    return intervals


def _rows(
    table: Table,
    figures: Mapping[str, Path],
    folder: Path,
    page: Path,
    intervals: Mapping[str, Sheet],
) -> list[str]:
    """A table and a picture for each row."""
    parts = []
    for row, text in markdown(table, level=3):
        parts.append(text)
        if row.label in intervals:
            parts.append(markdown_text(intervals[row.label], level=4))
        copy = folder / f"{table.comparison.name}-{slug(row.label)}.png"
        if row.label in figures:
            shutil.copyfile(figures[row.label], copy)
        if copy.is_file():
            parts.append(f"![Learning curves: {row.label}]({_link(page, copy)})")
    return parts


def _all_rows(found: Aggregate, waited: Sequence[Arrival], stem: Path, page: Path) -> list[str]:
    """The tables and the picture of all rows together. (No row's picture has a dot there.)"""
    data, picture = (stem.with_name(f"{stem.name}.{end}") for end in ("json", "png"))
    write_aggregate_data(found, list(waited), data)
    draw_aggregate(found, picture)
    first, second = (markdown_text(sheet, level=3) for sheet in aggregate_sheets(found))
    curves = " and efficiency curves" if any(found.efficiency.values()) else ""
    return [
        first,
        f"All numbers: [{data.name}]({_link(page, data)}).",
        second,
        f"![Performance profiles{curves} over all tasks]({_link(page, picture)})",
    ]


def replace_section(page: Path, name: str, text: str, title: str = "Results") -> None:
    """Put ``text`` between the markers of ``name``; without markers, at the page's end.

    A page that does not exist yet begins with ``title``.
    """
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    section = f"{begin}\n{text}\n{end}"
    old = page.read_text("utf-8") if page.is_file() else f"# {title}\n"
    before, found, rest = old.partition(begin)
    _, closed, after = rest.partition(end)
    new = before + section + after if found and closed else f"{old.rstrip()}\n\n{section}\n"
    write_text(page, new)


def _link(page: Path, target: Path) -> str:
    return Path(os.path.relpath(target, page.parent)).as_posix()
