"""The parts of a page, each as HTML; empty where there is nothing to show."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ...agents import AgentError
from ...envs import TaskError
from ..aggregate import AXES, LEVELS, Aggregate, aggregate, aggregate_sheets
from ..arrival import arrival_sheet, arrivals, survivals
from ..comparison_spec import Row
from ..curves import COST_LABELS, CPU, STEPS, Band, band, group, wants_log
from ..errors import UsageError
from ..sheet import Sheet
from ..table import sheets
from ..task_stats import Bands
from .charts import Series, color, line_chart
from .markup import Html, join, tag, text
from .material import FINISHED, Entry, Material

_EMPTY = text("")


@dataclass
class Place:
    """What is shown, and where: links are relative to ``folder``."""

    material: Material
    folder: Path
    trials: int
    all_seeds: bool

    @cached_property
    def agents(self) -> list[str]:
        return [entrant.label for entrant in self.material.table.comparison.agents]

    @cached_property
    def tasks(self) -> list[str]:
        return [row.label for row in self.material.table.comparison.rows]

    def numbers(self, *, agent: str | None = None, task: str | None = None) -> dict[str, Any]:
        """Attributes by which the chooser finds an element."""
        return {
            "data_agent": self.agents.index(agent) if agent in self.agents else None,
            "data_task": self.tasks.index(task) if task in self.tasks else None,
        }

    def link(self, path: Path, label: Any) -> Html:
        relative = Path(os.path.relpath(path, self.folder)).as_posix()
        place = f"./{relative}/" if path.is_dir() else f"./{relative}"
        return tag("a", label, href=quote(os.fsencode(place)))  # a name need not be UTF-8

    @cached_property
    def aggregate(self) -> Aggregate | None:
        return aggregate(self.material.table, self.material.curves)


# -- parts of sections -----------------------------------------------------------------------


def html_table(
    caption: Any,
    titles: Sequence[Any],
    lines: Sequence[tuple[Sequence[Any], dict[str, Any]]],
    *,
    heads: Sequence[dict[str, Any]] | None = None,
    words: bool = False,
) -> Html:
    """A table in a box of its own that scrolls.

    Args:
        caption: above it.
        titles: of the columns; the first column names its lines.
        lines: cells of each line, and its attributes.
        heads: attributes of each column's cells.
        words: cells are texts, not numbers.
    """
    kinds = heads or [{}] * len(titles)
    head = [tag("th", one, scope="col", **kind) for one, kind in zip(titles, kinds, strict=True)]
    rows = []
    for (first, *rest), attributes in lines:
        cells = [tag("td", one, **kind) for one, kind in zip(rest, kinds[1:], strict=True)]
        rows.append(tag("tr", tag("th", first, scope="row"), *cells, **attributes))
    table = tag(
        "table",
        tag("caption", tag("span", caption)),
        tag("thead", tag("tr", *head)),
        tag("tbody", *rows),
        class_="sortable words" if words else "sortable",
    )
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=caption)


def _sheet(place: Place, sheet: Sheet, task: str | None = None) -> Html:
    """A table whose lines, and columns, of agents go with them."""
    lines = [(line, place.numbers(agent=line[0], task=task)) for line in sheet.lines]
    heads = [{k: v for k, v in place.numbers(agent=one).items() if v is not None}
             for one in sheet.titles]  # fmt: skip
    return html_table(sheet.note, sheet.titles, lines, heads=heads)


def legend(place: Place) -> Html:
    """Colours of the agents."""
    items = [
        tag(
            "li",
            tag("span", class_="swatch", aria_hidden="true"),
            tag("span", label, class_="name"),
            class_=color(i),
            data_agent=i,
        )
        for i, label in enumerate(place.agents)
    ]
    return tag("ul", *items, class_="legend", aria_label="Colours of agents")


def _figure(chart: Html, caption: Any, **attributes: Any) -> Html:
    return tag("figure", chart, tag("figcaption", caption), **attributes)


def _series(place: Place, agent: str, x: Any, bands: Bands | Band) -> Series:
    number = place.agents.index(agent)
    return Series(number, agent, x, bands.middle, bands.low, bands.high)


# -- sections --------------------------------------------------------------------------------


def problems(place: Place) -> Html:
    """Runs that failed or are missing, files that cannot be read."""
    open_ = [entry for entry in place.material.entries if entry.state != FINISHED]
    parts = [tag("p", problem, class_="bad") for problem in place.material.problems]
    if open_:
        counts = {state: sum(e.state == state for e in open_) for state in {e.state for e in open_}}
        parts.append(tag("p", ", ".join(f"{n} {state}" for state, n in sorted(counts.items()))))
        lines = [
            (
                [f"{e.row}, {e.agent}, seed {e.seed}", e.state, e.reason or "-"],
                place.numbers(agent=e.agent, task=e.row),
            )
            for e in open_
        ]
        wide = [{}, {}, {"class_": "wide"}]
        titles = ["run", "state", "reason"]
        parts.append(html_table("Runs without a result", titles, lines, heads=wide, words=True))
    return join(parts)


def all_tasks(place: Place) -> Html:
    """Aggregates, profiles and efficiency over all rows."""
    found = place.aggregate
    if found is None:
        return _EMPTY
    first, second = aggregate_sheets(found)
    profiles = [_series(place, agent, LEVELS, bands) for agent, bands in found.profiles.items()]
    charts = [
        _figure(
            line_chart(
                profiles,
                name="Performance profiles",
                x_label="way from chance (0) to optimum (1)",
                y_label="share of runs above it",
                y_range=(0, 1.02),
            ),
            "Performance profiles with pointwise 95 % bands.",
        )
    ]
    for axis in AXES:
        bands = found.efficiency[axis]
        if bands:
            chart = line_chart(
                [_series(place, agent, one.x, one) for agent, one in bands.items()],
                name=f"Way from chance to optimum against {COST_LABELS[axis]}",
                x_label=COST_LABELS[axis],
                y_label="way to optimum (IQM)",
                log=found.logarithmic(axis),
            )
            charts.append(_figure(chart, f"Efficiency: {COST_LABELS[axis]}."))
    return join(
        [
            _sheet(place, first),
            tag("h3", "Probability of improvement"),
            _sheet(place, second),
            tag("div", *charts, class_="charts"),
        ]
    )


def tasks(place: Place) -> Html:
    """A part for each row: table, learning curves, time to criterion, behaviour."""
    tables = {row.label: sheet for row, sheet in sheets(place.material.table)}
    parts = []
    for row in place.material.table.comparison.rows:
        content = [_sheet(place, tables[row.label], row.label)] if row.label in tables else []
        charts = [*_learning(place, row), *_waiting(place, row)]
        content += [tag("div", *charts, class_="charts")] if charts else []
        content.append(_behaviour(place, row))
        numbers = place.numbers(task=row.label)
        parts.append(tag("article", tag("h3", row.label), *content, **numbers))
    return join(parts)


def _learning(place: Place, row: Row) -> list[Html]:
    groups = group(place.material.curves.get(row.label, []))
    found = []
    for axis in (STEPS, CPU) if groups else ():
        log = wants_log(groups.values(), axis)
        bands = {agent: band(curves, axis, log) for agent, curves in groups.items()}
        chart = line_chart(
            [_series(place, agent, one.x, one) for agent, one in bands.items()],
            name=f"Learning curves on {row.label} against {COST_LABELS[axis]}",
            x_label=COST_LABELS[axis],
            y_label="greedy score",
            log=log,
            marks=place.material.table.marks(row),
        )
        what = "Interquartile mean over seeds with 95 % band" if axis == STEPS else "The same"
        found.append(_figure(chart, f"{what}, against {COST_LABELS[axis]}."))
    return found


def _waiting(place: Place, row: Row) -> list[Html]:
    curves = survivals(place.material.table, row, "cpu_seconds")
    if not curves:
        return []
    lines = []
    for agent, curve in curves.items():
        x, share, low, high = curve.steps()
        lines.append(Series(place.agents.index(agent), agent, x, share, low, high))
    chart = line_chart(
        lines,
        name=f"Share of runs that have not reached the criterion on {row.label}",
        x_label=COST_LABELS[CPU],
        y_label="share not there yet",
        y_range=(0, 1.02),
    )
    return [_figure(chart, "Runs still on their way to the criterion (Kaplan and Meier).")]


def _behaviour(place: Place, row: Row) -> Html:
    """Pictures of what agents do, one or all seeds of each."""
    shown: set[str] = set()
    figures = []
    for entry in place.material.entries if place.trials else ():
        skip = entry.agent in shown and not place.all_seeds
        if entry.row != row.label or entry.state != FINISHED or skip:
            continue
        shown.add(entry.agent)
        figures += _drawn(place, entry)
    if not figures:
        return _EMPTY
    return join([tag("h4", "Behaviour"), tag("div", *figures, class_="charts")])


def _drawn(place: Place, entry: Entry) -> list[Html]:
    from .psychophysics import behaviour

    name = f"{entry.agent}, seed {entry.seed}"
    numbers = place.numbers(agent=entry.agent)
    try:
        pictures, notes = behaviour(entry.run, place.trials)
    except (UsageError, AgentError, TaskError) as error:
        pictures, notes = [], [str(error)]
    figures = [
        _figure(
            tag("img", src=picture, alt=f"Behaviour of {name} on {entry.row}, picture {i + 1}"),
            f"{name}, fresh trials.",
            **numbers,
        )
        for i, picture in enumerate(pictures)
    ]
    return figures + [tag("p", f"{name}: {note}", class_="faint", **numbers) for note in notes]


def times(place: Place) -> Html:
    """The table of medians and means of time to criterion."""
    found = arrivals(place.material.table)
    if not found:
        return _EMPTY
    sheet = arrival_sheet(found)
    lines = [(line, place.numbers(task=line[0], agent=line[1])) for line in sheet.lines]
    return html_table(sheet.note, sheet.titles, lines)


def runs(place: Place) -> Html:
    """All runs with links to their folders."""
    lines = []
    for entry in place.material.entries:
        name = f"{entry.row}, {entry.agent}, seed {entry.seed}"
        result = entry.run.result if entry.state == FINISHED else None
        cells = [place.link(entry.path, name) if entry.path.is_dir() else name, entry.state]
        if result is None:
            cells += ["-"] * 5
        else:
            one = result["confirmed"]
            score = f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"
            goal = {None: "-", True: "yes", False: "no"}[result["reached"]]
            cells += [goal, score, f"{result['trials']:,}", f"{result['timesteps']:,}"]
            cells.append(f"{result['cpu_seconds']:.3g}")
        lines.append((cells, place.numbers(agent=entry.agent, task=entry.row)))
    titles = ["run", "state", "reached", "score [95 %]", "trials", "steps", "CPU-s"]
    caption = "Every run; scores on its confirmation episodes, with intervals over episodes."
    return html_table(caption, titles, lines)


def configuration(place: Place) -> Html:
    """Versions, agents, tasks, and the options as they were resolved."""
    configs = [(entry, entry.config) for entry in place.material.entries if entry.config]
    versions: dict[str, set[str]] = {}
    for _, config in configs:
        for name, version in config.versions.items():
            versions.setdefault(name, set()).add(str(version))
    comparison = place.material.table.comparison
    seeds: dict[str, set[int]] = {}
    for entry in place.material.entries:
        seeds.setdefault(entry.agent, set()).add(entry.seed)
    agents = [
        ([one.label, one.name, ", ".join(map(str, sorted(seeds.get(one.label, ()))))],
         place.numbers(agent=one.label))
        for one in comparison.agents
    ]  # fmt: skip
    rows = [
        ([row.label, row.task, _pairs(row.env), "-" if row.until is None else f"{row.until:g}",
          "-" if row.steps is None else f"{row.steps:,}"], place.numbers(task=row.label))
        for row in comparison.rows
    ]  # fmt: skip
    found = [
        html_table("Agents", ["agent", "name", "seeds"], agents, words=True),
        html_table("Tasks", ["task", "id", "parameters", "until", "steps"], rows, words=True),
    ]
    lines = [([name, ", ".join(sorted(seen))], {}) for name, seen in sorted(versions.items())]
    if lines:
        found.append(html_table("Versions", ["package", "version"], lines, words=True))
    return join([*found, tag("h3", "Options"), *_options(place, configs)])


def _options(place: Place, configs: list[tuple[Entry, Any]]) -> list[Html]:
    """The resolved options of each agent on each task; those of its first run."""
    seen: set[tuple[str, str]] = set()
    found = []
    for entry, config in configs:
        if (entry.agent, entry.row) in seen:
            continue
        seen.add((entry.agent, entry.row))
        name = f"{entry.agent} on {entry.row}"
        settings = {"num_envs": config.num_envs, "steps": config.steps, "preset": config.preset,
                    "eval_every": config.eval_every, "cpu_limit": config.cpu_limit}  # fmt: skip
        both = {**settings, **config.options}
        lines = [([key, json.dumps(value)], {}) for key, value in both.items()]
        table = html_table(f"Options of {name}", ["option", "value"], lines, words=True)
        numbers = place.numbers(agent=entry.agent, task=entry.row)
        found.append(tag("details", tag("summary", name), table, **numbers))
    return found


def _pairs(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items()) or "-"
