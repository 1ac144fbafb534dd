"""What a report is made of: the runs of a folder, as results of a comparison."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..comparison import collect, pairs, read_curves, run_path
from ..comparison_spec import Comparison, Entrant, Row, slug
from ..comparison_status import is_comparison, read_status
from ..curves import Curve, read_curve
from ..errors import UsageError
from ..runs import Run, RunConfig
from ..table import Line, Table

FINISHED, UNFINISHED, FAILED, MISSING = "finished", "unfinished", "failed", "missing"


@dataclass(frozen=True)
class Entry:
    """One run, or the place of one: ``reason`` says why it failed."""

    row: str
    agent: str
    seed: int
    path: Path
    state: str
    config: RunConfig | None = None
    reason: str = ""

    @property
    def run(self) -> Run:
        return Run(self.path)


@dataclass(frozen=True)
class Material:
    """All that a page shows.

    Attributes:
        title, kind: what the folder is.
        table: results of the finished runs, with the comparison that they are, or as good as.
        entries: all runs, also those that are not there yet.
        curves: row's label -> learning curves.
        problems: files that could not be read, one sentence each.
    """

    title: str
    kind: str
    table: Table
    entries: list[Entry]
    curves: dict[str, list[Curve]]
    problems: list[str] = field(default_factory=list)


def gather(folder: Path) -> Material:
    """What is in a folder.

    Raises:
        UsageError: it is neither a comparison's, nor a run's, nor a folder of runs.
    """
    if not folder.is_dir():
        raise UsageError(
            f"There is no folder {folder}: name a comparison, a run or a folder of runs."
        )
    if is_comparison(folder):
        return _comparison(folder)
    if (folder / "config.json").is_file():
        return _runs(folder, [folder], "run")
    found = sorted(path.parent for path in folder.rglob("config.json") if "wandb" not in path.parts)
    if not found:
        raise UsageError(
            f"{folder} holds neither a comparison nor runs: name the folder of a comparison, of a "
            "run, or one that has run folders in it."
        )
    return _runs(folder, found, "folder of runs")


def _comparison(folder: Path) -> Material:
    comparison, failures = read_status(folder)
    entries = []
    for entrant, row in pairs(comparison):
        for seed in entrant.seed_list:
            path = run_path(folder, entrant, row, seed)
            why = failures.get(path.relative_to(folder).as_posix(), "")
            state, config = _state(path, why)
            entries.append(Entry(row.label, entrant.label, seed, path, state, config, why))
    title = comparison.title or comparison.name
    table = collect(comparison, folder, failures)
    return Material(title, "comparison", table, entries, read_curves(comparison, folder))


def _state(path: Path, why: str) -> tuple[str, RunConfig | None]:
    run = Run(path)
    if not (path / "config.json").is_file():
        return (FAILED if why else MISSING), None
    if run.result is not None:
        return FINISHED, run.config
    return (FAILED if why else UNFINISHED), run.config


def _runs(folder: Path, paths: list[Path], kind: str) -> Material:
    """Runs grouped by task and goal (rows) and by agent and options."""
    problems: list[str] = []
    found: list[tuple[Run, RunConfig]] = []
    for path in paths:
        try:
            found.append((Run(path), _checked(Run(path))))
        except UsageError as error:
            problems.append(str(error))
    if not found:
        raise UsageError(problems[0])
    rows = _named([config for _, config in found], _row_key, _row_label)
    agents = _named([config for _, config in found], _agent_key(found), _agent_label(found))
    entries, lines = [], []
    curves: dict[str, list[Curve]] = {}
    seeds: dict[str, list[int]] = {}
    specs: dict[str, Row] = {}
    for (run, config), row, agent in zip(found, rows, agents, strict=True):
        spec = specs.setdefault(row, _row(config, row))
        seeds.setdefault(agent, []).append(config.seed)
        entrant = Entrant.model_construct(name=config.agent, label=agent)
        try:
            state, _ = _state(run.path, "")
            if state == FINISHED:
                lines.append(Line.of(spec, entrant, config.seed, run.result or {}))
            curve = read_curve(run, agent)
            curves.setdefault(row, []).extend([curve] if curve is not None else [])
        except (UsageError, KeyError, TypeError) as error:
            problems.append(f"{run.path}: its results cannot be read ({error}).")
            state = UNFINISHED
        entries.append(Entry(row, agent, config.seed, run.path, state, config))
    name_of = dict(zip(agents, (config.agent for _, config in found), strict=True))
    comparison = Comparison.model_construct(
        name=folder.resolve().name,
        agents=[
            Entrant.model_construct(name=name_of[label], label=label, seeds=sorted(set(taken)))
            for label, taken in seeds.items()
        ],
        rows=list(specs.values()),
    )
    curves = {row: some for row, some in curves.items() if some}
    return Material(comparison.name, kind, Table(comparison, lines), entries, curves, problems)


def _checked(run: Run) -> RunConfig:
    config = run.config
    texts = isinstance(config.agent, str) and isinstance(config.env_id, str)
    tables = isinstance(config.env_kwargs, dict) and isinstance(config.options, dict)
    if not (texts and tables and isinstance(config.seed, int)):
        raise UsageError(f"{run.path / 'config.json'} is not a run's: check what wrote it.")
    return config


def _row_key(config: RunConfig) -> str:
    steps = config.steps if config.until is None else None
    return json.dumps([config.env_id, config.env_kwargs, config.until, steps], sort_keys=True)


def _row_label(config: RunConfig) -> str:
    parameters = "".join(f", {name}={value}" for name, value in config.env_kwargs.items())
    return config.env_id.split("/")[-1] + parameters


def _row(config: RunConfig, label: str) -> Row:
    return Row.model_construct(
        task=config.env_id,
        label=label,
        env=config.env_kwargs,
        until=config.until,
        steps=config.steps,
    )


def _agent_key(found: list[tuple[Run, RunConfig]]) -> Callable[[RunConfig], str]:
    vary = _varied(found)
    return lambda config: json.dumps([config.agent, _chosen(config, vary)], sort_keys=True)


def _agent_label(found: list[tuple[Run, RunConfig]]) -> Callable[[RunConfig], str]:
    vary = _varied(found)

    def label(config: RunConfig) -> str:
        return config.agent + "".join(f", {k}={v}" for k, v in _chosen(config, vary).items())

    return label


def _chosen(config: RunConfig, vary: dict[tuple[str, str], set[str]]) -> dict[str, Any]:
    names = vary[config.agent, config.env_id]
    return {name: config.options.get(name) for name in sorted(names)}


def _varied(found: list[tuple[Run, RunConfig]]) -> dict[tuple[str, str], set[str]]:
    """(agent, task) -> options that differ between its runs there (presets differ by task)."""
    options: dict[tuple[str, str], dict[str, set[str]]] = {}
    for _, config in found:
        values = options.setdefault((config.agent, config.env_id), {})
        for name, value in config.options.items():
            values.setdefault(name, set()).add(json.dumps(value))
    return {
        pair: {name for name, seen in values.items() if len(seen) > 1}
        for pair, values in options.items()
    }


def _named(
    configs: list[RunConfig], key: Callable[[RunConfig], str], name: Callable[[RunConfig], str]
) -> list[str]:
    """A label for each run: the same for equal keys, another for others."""
    labels: dict[str, str] = {}
    for config in configs:
        if key(config) not in labels:
            label, taken = name(config), {slug(one) for one in labels.values()}
            n = 2
            while slug(label) in taken:
                label, n = f"{name(config)} ({n})", n + 1
            labels[key(config)] = label
    return [labels[key(config)] for config in configs]
