"""Agents x tasks x seeds on the local cores: every run once, then tables and curves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..agents.registry import agent_spec, option_types
from .comparison_spec import Comparison, Entrant, Row, load_comparison, slug
from .curves import read_curve
from .docs_page import write_docs
from .errors import UsageError
from .evaluation import has_task, yardsticks
from .plotting import draw_curves
from .presets import find_preset
from .progress import Say
from .runs import Run
from .table import Line, Table, print_table, write_table
from .wandb_log import OFF, WandbSettings
from .workers import Job, Report, cores, run_jobs

DONE, RESUME, START = "done", "resume", "start"


@dataclass(frozen=True)
class Outcome:
    """What ``compare`` returns.

    Attributes:
        path: folder of the comparison: run folders by row, table and figures.
        table: the results of the finished runs.
        failures: one line for each run that failed.
        interrupted: Ctrl-C ended it; the same call goes on.
    """

    path: Path
    table: Table
    failures: list[str]
    interrupted: bool = False


def compare(
    spec: Comparison | str | Path,
    *,
    out: str | Path = "runs",
    jobs: int | None = None,
    docs: str | Path | None = None,
    wandb: str | WandbSettings = OFF,
    say: Say = print,
) -> Outcome:
    """Run what is not finished yet, then write and print the tables and draw the curves.

    Args:
        spec: a comparison, the name of one that comes with the library, or a TOML file.
        out: folder in which the comparison has its folder.
        jobs: runs at a time, the number of cores if not given.
        docs: folder for the results that the documentation keeps; the page beside it that has the
            folder's name (``docs/results`` and ``docs/results.md``) gets the tables.
        wandb: as for :func:`~.trainer.train`; the comparison's name is the group if none is given.
        say: where messages go.

    Raises:
        UsageError: an unknown comparison, an invalid one, or a folder that cannot be written.
    """
    comparison = spec if isinstance(spec, Comparison) else load_comparison(spec)
    if jobs is not None and jobs < 1:
        raise UsageError(f"jobs={jobs} must be 1 or more.")
    comparison.check()
    settings = WandbSettings(wandb) if isinstance(wandb, str) else wandb
    settings.check()
    settings = replace(settings, group=settings.group or comparison.name)
    folder = Path(out) / comparison.name
    planned = [plan(entrant, row, folder) for entrant, row in _pairs(comparison)]
    todo = [
        replace(job, wandb=settings) for some in planned for state, job in some if state != DONE
    ]
    total = sum(map(len, planned))
    say(f"{comparison.name}: {total} runs, {total - len(todo)} finished before, {len(todo)} to do")
    failures: list[str] = []
    notes: dict[str, None] = {}
    complete = run_jobs(
        todo, jobs or cores(), partial(_ended, say, folder, failures, notes, _Counter(len(todo)))
    )
    for note in notes:
        say(f"note: {note}")
    table = collect(comparison, folder)
    _write(comparison, table, folder, docs, spec)
    print_table(table, say)
    for failure in failures:
        say(f"failed: {failure}")
    say(f"{folder}: table.md, table.csv, table.json, figures")
    return Outcome(folder, table, failures, interrupted=not complete)


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
        state = _state(path, arguments | {"seed": seed})
        plans.append((state, Job(path, arguments | {"seed": seed}, resume=state == RESUME)))
    return plans


def run_path(folder: Path, entrant: Entrant, row: Row, seed: int) -> Path:
    """Folder of one run of a comparison."""
    return folder / slug(row.label) / f"{slug(entrant.label)}-seed{seed}"


def _pairs(comparison: Comparison) -> list[tuple[Entrant, Row]]:
    return [
        (entrant, row)
        for row in comparison.rows
        for entrant in comparison.agents
        if entrant.takes_part(row)
    ]


def _state(path: Path, arguments: dict[str, Any]) -> str:
    """Whether a run is finished, can be gone on with, or has to be started (again)."""
    try:
        run = Run.open(path)
        config = run.config
        result = run.result
    except UsageError:
        return START
    wanted = arguments | {"options": _resolved(arguments)}
    del wanted["preset"]  # the options tell it all
    if wanted["num_envs"] is None:  # the agent's own default
        del wanted["num_envs"]
    if any(getattr(config, name) != value for name, value in _as_json(wanted).items()):
        return START
    if result is not None:
        return DONE
    return RESUME if run.last.is_file() else START


def _resolved(arguments: dict[str, Any]) -> dict[str, Any]:
    """All hyper-parameters of a run, as the agent will resolve them."""
    agent, env_id = arguments["agent"], arguments["env_id"]
    defaults = {name: default for name, (_, default) in option_types(agent).items()}
    preset = find_preset(agent, env_id, arguments["preset"]).options
    return defaults | agent_spec(agent).options | preset | arguments["options"]


def _as_json(value: Any) -> Any:
    """As it looks after it was written to a file."""
    return json.loads(json.dumps(value))


class _Counter:
    """How far the runs are, for messages."""

    def __init__(self, total: int):
        self.total, self.count = total, 0

    def __call__(self) -> str:
        self.count += 1
        return f"[{self.count}/{self.total}]"


def _ended(
    say: Say,
    folder: Path,
    failures: list[str],
    notes: dict[str, None],
    count: Callable[[], str],
    report: Report,
) -> None:
    """Tell how one run ended and keep what is to be said once, at the end."""
    name = str(report.job.path.relative_to(folder))
    notes.update(dict.fromkeys(report.warnings))
    if report.error is not None:
        failures.append(f"{name}: {report.error}")
        say(f"{count()} {name}: failed: {report.error}")
    elif report.interrupted:
        say(f"{count()} {name}: interrupted, the same command goes on with it")
    else:
        result = Run(report.job.path).result or {}
        ended = {"until": "reached", "steps": "out of steps", "cpu_limit": "CPU limit"}
        say(
            f"{count()} {name}: {ended[result['finished']]}, score "
            f"{result['confirmed']['value']:.3f}, {result['timesteps']:,} steps, "
            f"{result['cpu_seconds']:.1f} CPU-s"
        )


def collect(comparison: Comparison, folder: Path) -> Table:
    """The results of all finished runs of a comparison."""
    lines = []
    for entrant, row in _pairs(comparison):
        for seed in entrant.seed_list:
            path = run_path(folder, entrant, row, seed)
            result = Run(path).result if (path / "config.json").is_file() else None
            if result is not None:
                lines.append(Line.of(row, entrant, seed, result))
    return Table(comparison, lines)


def _write(
    comparison: Comparison,
    table: Table,
    folder: Path,
    docs: str | Path | None,
    spec: Comparison | str | Path,
) -> None:
    write_table(table, folder / "table")
    figures = _draw(comparison, folder)
    if docs is not None:
        if isinstance(spec, Comparison):
            command = f"caudate.training.compare, comparison in {comparison.name}.json"
        else:
            command = f"caudate compare {spec} --docs {docs}"
        write_docs(table, figures, Path(docs), command)


def _draw(comparison: Comparison, folder: Path) -> dict[str, Path]:
    """One picture a row that has records, by the row's label."""
    drawn = {}
    for row in comparison.rows:
        curves = []
        for entrant in comparison.agents:
            for seed in entrant.seed_list:
                path = run_path(folder, entrant, row, seed)
                curve = read_curve(Run(path), entrant.label) if path.is_dir() else None
                curves += [curve] if curve is not None else []
        if curves:
            picture = folder / "figures" / f"{slug(row.label)}.png"
            kind = "score" if has_task(row.task) else "return"
            marks = yardsticks(row.task, row.env)
            draw_curves(curves, picture, title=row.label, marks=marks, kind=kind)
            drawn[row.label] = picture
    return drawn
