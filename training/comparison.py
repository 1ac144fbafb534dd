"""Agents x tasks x seeds on an engine: every run once, then tables and curves."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .aggregate import Aggregate, aggregate, aggregate_sheets
from .aggregate_files import with_kept_efficiency, write_aggregate
from .arrival import Arrival, arrival_sheet, arrivals
from .comparison_spec import Comparison, Entrant, Row, load_comparison, slug
from .comparison_status import Status
from .curves import Curve, read_curve
from .docs_page import write_docs
from .engines import EngineSettings
from .errors import UsageError
from .evaluation import has_task, yardsticks
from .interval_table import interval_sheets, measure_intervals
from .jobs import DONE, OTHER, Job, Report
from .plotting import draw_curves
from .presets import find_preset
from .progress import Say
from .run_bars import Plain, show_runs
from .runs import Run, write_text
from .sheet import Sheet, console_text, markdown_text
from .table import Failure, Line, Table, print_table, read_table, write_table
from .wandb_log import OFF, WandbSettings
from .workers import run_jobs


@dataclass(frozen=True)
class Outcome:
    """What ``compare`` returns.

    Attributes:
        path: folder of the comparison: run folders by row, table and figures.
        table: the results of the finished runs.
        aggregate: what all rows say together; None with fewer than two rows or two agents, or where
            a row has no yardsticks.
        failures: one line for each run that failed.
        interrupted: Ctrl-C ended it; the same call goes on.
        costs: ``wall_seconds`` and ``cpu_seconds`` of what this call ran.
    """

    path: Path
    table: Table
    failures: list[str]
    interrupted: bool = False
    aggregate: Aggregate | None = None
    costs: dict[str, float] = field(default_factory=dict)


def compare(
    spec: Comparison | str | Path,
    *,
    out: str | Path = "runs",
    jobs: int | None = None,
    engine: str | EngineSettings = "local",
    overwrite: bool = False,
    docs: str | Path | None = None,
    wandb: str | WandbSettings = OFF,
    bars: bool = False,
    say: Say = print,
) -> Outcome:
    """Run what is not finished yet, then write and print the tables and draw the curves.

    Args:
        spec: a comparison, the name of one that comes with the library, or a TOML file.
        out: folder in which the comparison has its folder.
        jobs: runs at a time; see :class:`~.engines.EngineSettings`.
        engine: where runs are done: ``local``, ``dask``, ``slurm``, or all its settings.
        overwrite: remove runs that stand in the folder with other settings, and run them anew.
        docs: folder for the results that the documentation keeps; the page beside it that has the
            folder's name (``docs/results`` and ``docs/results.md``) gets the tables.
        wandb: as for :func:`~.trainer.train`; the comparison's name is the group if none is given.
        bars: show a bar for each run that goes on and one for all of them, on standard output.
        say: where messages go.

    Raises:
        UsageError: an unknown comparison, an invalid one, a folder that cannot be written or has
            runs with other settings, or an engine that cannot be used.
    """
    comparison = spec if isinstance(spec, Comparison) else load_comparison(spec)
    engine = EngineSettings(engine) if isinstance(engine, str) else engine
    engine = replace(engine, jobs=jobs) if jobs is not None else engine
    engine.check()
    comparison.check()
    settings = WandbSettings(wandb) if isinstance(wandb, str) else wandb
    settings.check()
    settings = replace(settings, group=settings.group or comparison.name)
    folder = Path(out) / comparison.name
    planned = [plan(entrant, row, folder) for entrant, row in pairs(comparison)]
    todo = [
        replace(job, wandb=settings) for some in planned for state, job in some if state != DONE
    ]
    others = [job for some in planned for state, job in some if state == OTHER]
    _make_way(others, folder, overwrite)
    total = sum(map(len, planned))
    say(f"{comparison.name}: {total} runs, {total - len(todo)} finished before, {len(todo)} to do")
    with show_runs(bars, len(todo), say) as shown:
        account = _Account(folder, Status(folder, comparison), len(todo), shown)
        complete = run_jobs(todo, engine, folder, account.ended, shown.look)
    costs = account.costs()
    for note in account.notes:
        say(f"note: {note}")
    table = collect(comparison, folder, account.status.failures)
    waited = arrivals(table)
    intervals = _intervals(comparison, table, folder)
    found = _write(comparison, table, waited, folder, docs, spec, intervals)
    print_table(table, say)
    for sheet in intervals.values():
        say(console_text(sheet))
    for sheet in aggregate_sheets(found) if found is not None else []:
        say(console_text(sheet))
    if waited:
        say(console_text(arrival_sheet(waited)))
    if todo:
        say(_costs_text(account.count, costs))
    say(f"{folder}: table.* and aggregate.* (Markdown and data), figures")
    failures = [f"{name}: {why}" for name, why in account.status.failures.items()]
    return Outcome(folder, table, failures, not complete, found, costs)


def _make_way(others: list[Job], folder: Path, overwrite: bool) -> None:
    """Nothing that was learned is lost unasked, and no table mixes settings."""
    if others and not overwrite:
        first = others[0].path.relative_to(folder).as_posix()
        raise UsageError(
            f"{folder} has {len(others)} of these runs with other settings "
            f"({others[0].difference()} in {first}): replace them (--overwrite), or keep them and "
            "use another folder (--out, or --name where there is no file)."
        )
    for job in others:
        Run(job.path).clear()


def _costs_text(count: int, costs: Mapping[str, float]) -> str:
    wall, cpu = costs["wall_seconds"], costs["cpu_seconds"]
    at_a_time = cpu / wall if wall > 0 else 0.0
    return f"{count} runs in {wall:.1f} s, {cpu:.1f} CPU-s, {at_a_time:.2f} CPU-s a second"


def restate(source: str, docs: str | Path) -> Table:
    """Write a comparison's part of the page again, from the data that ``--docs`` has kept.

    Args:
        source: its name, or the file that it came from.
        docs: the folder.

    For pages after a change of the statistics or of their form. What needs the learning curves of
    runs stays as it is: efficiency curves, and pictures of rows.

    Raises:
        UsageError: the folder has no such data.
    """
    name = Path(source).stem if source.endswith(".toml") else source
    table = read_table(Path(docs) / name)
    found = aggregate(table, {})
    if found is not None:
        found = with_kept_efficiency(found, Path(docs) / f"{name}.aggregate.json")
    write_docs(table, {}, Path(docs), _command(source, docs), found, arrivals(table))
    return table


def plan(entrant: Entrant, row: Row, folder: Path) -> list[tuple[str, Job]]:
    """What there is to do for each seed of one agent on one row."""
    preset = find_preset(entrant.name, row.task, entrant.preset)
    arguments: dict[str, Any] = {
        "agent": entrant.name,
        "env_id": row.task,
        "env_kwargs": row.env,
        "preset": entrant.preset,
        "options": entrant.options | row.options.get(entrant.label, {}),
        "steps": entrant.budget(row),
        "until": row.until,
        "num_envs": preset.num_envs,
        "cpu_limit": entrant.cpu_limit or None,
        "eval_every": row.eval_every or preset.eval_every,
    }
    plans = []
    for seed in entrant.seed_list:
        path = run_path(folder, entrant, row, seed)
        job = Job(path, arguments | {"seed": seed})
        plans.append((job.state(), job))
    return plans


def run_path(folder: Path, entrant: Entrant, row: Row, seed: int) -> Path:
    """Folder of one run of a comparison."""
    return folder / slug(row.label) / f"{slug(entrant.label)}-seed{seed}"


def pairs(comparison: Comparison) -> list[tuple[Entrant, Row]]:
    """Who takes part in what, row by row."""
    return [
        (entrant, row)
        for row in comparison.rows
        for entrant in comparison.agents
        if entrant.takes_part(row)
    ]


class _Account:
    """Tells how runs end and keeps what is to be said of all of them."""

    def __init__(self, folder: Path, status: Status, total: int, shown: Plain):
        self.folder, self.status, self.total, self.shown = folder, status, total, shown
        self.count = 0
        self.cpu_seconds = 0.0
        self.notes: dict[str, None] = {}
        self._began = time.monotonic()

    def ended(self, report: Report) -> None:
        """A run ended, in whatever way."""
        self.count += 1
        self.cpu_seconds += report.cpu_seconds
        self.notes.update(dict.fromkeys(report.warnings))
        path = report.job.path
        name = path.relative_to(self.folder).as_posix()
        text = f"[{self.count}/{self.total}] {name}: "
        if report.error is not None:
            self.status.failed(name, report.error)
            self.shown.say(f"{text}failed: {report.error}")
        elif report.interrupted:
            self.shown.say(f"{text}interrupted, the same command goes on with it")
        else:
            self.shown.say(text + _ending(Run(path).result or {}))
        self.shown.ended()

    def costs(self) -> dict[str, float]:
        """Wall seconds since the start; CPU-seconds of all runs, evaluation included."""
        wall = time.monotonic() - self._began
        return {"wall_seconds": round(wall, 3), "cpu_seconds": round(self.cpu_seconds, 3)}


def _ending(result: dict[str, Any]) -> str:
    ended = {"until": "reached", "steps": "out of steps", "cpu_limit": "CPU limit"}
    return (
        f"{ended[result['finished']]}, score {result['confirmed']['value']:.3f}, "
        f"{result['timesteps']:,} steps, {result['cpu_seconds']:.1f} CPU-s"
    )


def collect(comparison: Comparison, folder: Path, failed: Mapping[str, str] | None = None) -> Table:
    """The results of all finished runs of a comparison, and why others failed.

    Args:
        failed: run's folder, relative to the comparison's -> reason.
    """
    failed = failed or {}
    lines, failures = [], []
    for entrant, row in pairs(comparison):
        for seed in entrant.seed_list:
            path = run_path(folder, entrant, row, seed)
            reason = failed.get(path.relative_to(folder).as_posix())
            if reason is None and (path / "config.json").is_file():
                try:
                    line = read_line(Run(path), row, entrant, seed)
                    lines += [line] if line is not None else []
                except UsageError as error:
                    reason = str(error)
            if reason is not None:
                failures.append(Failure(row.label, entrant.label, seed, reason))
    return Table(comparison, lines, failures)


def read_line(run: Run, row: Row, entrant: Entrant, seed: int) -> Line | None:
    """The result of a run as a line of a table; None while it is not finished.

    Raises:
        UsageError: ``result.json`` is damaged.
    """
    result = run.result
    if result is None:
        return None
    try:
        line = Line.of(row, entrant, seed, result)
        score = (line.score, line.score_low, line.score_high)
        numbers = (*score, line.trials, line.steps, line.cpu_seconds, *line.yardsticks.values())
        if not all(isinstance(one, (int, float)) for one in numbers):
            raise TypeError("something else stands in the place of a number")
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{run.path / 'result.json'} is damaged: {error!r}.") from error
    return line


def _intervals(comparison: Comparison, table: Table, folder: Path) -> dict[str, Sheet]:
    """Row's label -> table of produced intervals, where the comparison has such tables."""
    if not comparison.intervals:
        return {}
    paths: dict[tuple[str, str], list[Path]] = {}
    for entrant, row in pairs(comparison):
        for line in table.lines:
            if (line.row, line.agent) == (row.label, entrant.label):
                path = run_path(folder, entrant, row, line.seed)
                paths.setdefault((row.label, entrant.label), []).append(path)
    return interval_sheets(comparison, measure_intervals(comparison, paths))


def _write(
    comparison: Comparison,
    table: Table,
    waited: list[Arrival],
    folder: Path,
    docs: str | Path | None,
    spec: Comparison | str | Path,
    intervals: Mapping[str, Sheet],
) -> Aggregate | None:
    write_table(table, folder / "table")
    if intervals:
        texts = [markdown_text(sheet, level=1) for sheet in intervals.values()]
        write_text(folder / "intervals.md", "\n\n".join(texts) + "\n")
    curves = read_curves(comparison, folder)
    figures = _draw(comparison, curves, folder)
    found = aggregate(table, curves)
    write_aggregate(found, waited, folder / "aggregate")
    if docs is not None:
        if isinstance(spec, Comparison):
            command = f"caudate.training.compare, comparison in {comparison.name}.json"
        else:
            command = _command(spec, docs)
        write_docs(table, figures, Path(docs), command, found, waited, intervals)
    return found


def _command(spec: str | Path, docs: str | Path) -> str:
    return f"caudate compare {spec} --docs {docs}"


def read_curves(comparison: Comparison, folder: Path) -> dict[str, list[Curve]]:
    """Row's label -> learning curves of its runs, finished or not; no row without one."""
    found: dict[str, list[Curve]] = {}
    for entrant, row in pairs(comparison):
        for seed in entrant.seed_list:
            path = run_path(folder, entrant, row, seed)
            curve = read_curve(Run(path), entrant.label) if path.is_dir() else None
            if curve is not None:
                found.setdefault(row.label, []).append(curve)
    return found


def _draw(comparison: Comparison, curves: dict[str, list[Curve]], folder: Path) -> dict[str, Path]:
    """One picture a row that has records, by the row's label."""
    labels = [entrant.label for entrant in comparison.agents]
    drawn = {}
    for row in comparison.rows:
        if row.label in curves:
            picture = folder / "figures" / f"{slug(row.label)}.png"
            kind = "score" if has_task(row.task) else "return"
            marks = yardsticks(row.task, row.env)
            runs = curves[row.label]
            draw_curves(runs, picture, title=row.label, marks=marks, kind=kind, labels=labels)
            drawn[row.label] = picture
    return drawn
