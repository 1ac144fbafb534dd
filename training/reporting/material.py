"""What a report is made of: the runs of a folder, as results of a comparison."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ..comparison import pairs, read_line, run_path
from ..comparison_spec import Comparison, Entrant, Row, slug
from ..comparison_status import is_comparison, read_status
from ..curves import Curve, read_curve
from ..errors import UsageError
from ..runs import Run, RunConfig
from ..table import Failure, Line, Table

T = TypeVar("T")

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
    found = sorted(
        path.parent
        for path in folder.rglob("config.json")
        if "wandb" not in path.relative_to(folder).parts
    )
    if not found:
        raise UsageError(
            f"{folder} holds neither a comparison nor runs: name the folder of a comparison, of a "
            "run, or one that has run folders in it."
        )
    return _runs(folder, found, "folder of runs")


@dataclass
class _Reader:
    """Reads runs one by one; a file that cannot be read is a problem, and ends nothing."""

    entries: list[Entry] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    curves: dict[str, list[Curve]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def config(self, path: Path) -> RunConfig | None:
        """A run's configuration; None if there is no run, or it cannot be read."""
        exists = (path / "config.json").is_file()
        return self._try(path, lambda: _checked(Run(path))) if exists else None

    def add(
        self,
        path: Path,
        config: RunConfig | None,
        row: Row,
        entrant: Entrant,
        seed: int,
        why: str = "",
    ) -> None:
        """Take a run in, or the place of one; ``why`` it failed."""
        state = UNFINISHED if (path / "config.json").is_file() else MISSING
        if why:
            state = FAILED
            self.failures.append(Failure(row.label, entrant.label, seed, why))
        elif config is not None:
            line = self._try(path, lambda: read_line(Run(path), row, entrant, seed))
            if line is not None:
                state = FINISHED
                self.lines.append(line)
        if config is not None:
            curve = self._try(path, lambda: read_curve(Run(path), entrant.label))
            if curve is not None:
                self.curves.setdefault(row.label, []).append(curve)
        self.entries.append(Entry(row.label, entrant.label, seed, path, state, config, why))

    def _try(self, path: Path, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except UsageError as error:
            self.problems.append(str(error))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            self.problems.append(f"{path}: its results cannot be read ({error!r}).")
        return None


def _checked(run: Run) -> RunConfig:
    config = run.config
    texts = isinstance(config.agent, str) and isinstance(config.env_id, str)
    tables = all(isinstance(x, dict) for x in (config.env_kwargs, config.options, config.versions))
    if not (texts and tables and isinstance(config.seed, int)):
        raise UsageError(f"{run.path / 'config.json'} is not a run's: check what wrote it.")
    return config


def _comparison(folder: Path) -> Material:
    comparison, failures = read_status(folder)
    reader = _Reader()
    for entrant, row in pairs(comparison):
        for seed in entrant.seed_list:
            path = run_path(folder, entrant, row, seed)
            why = failures.get(path.relative_to(folder).as_posix(), "")
            reader.add(path, reader.config(path), row, entrant, seed, why)
    return _material(comparison.title or comparison.name, "comparison", comparison, reader)


def _material(title: str, kind: str, comparison: Comparison, reader: _Reader) -> Material:
    table = Table(comparison, reader.lines, reader.failures)
    return Material(title, kind, table, reader.entries, reader.curves, reader.problems)


# -- folders of runs -------------------------------------------------------------------------


def _runs(folder: Path, paths: list[Path], kind: str) -> Material:
    """Runs grouped by task and goal (rows) and by agent and settings."""
    reader = _Reader()
    read = [(path, reader.config(path)) for path in paths]
    found = [(path, config) for path, config in read if config is not None]
    if not found:
        raise UsageError(reader.problems[0])
    configs = [config for _, config in found]
    rows, agents = _row_labels(configs), _agent_labels(configs)
    seeds: dict[str, list[int]] = {}
    specs: dict[str, Row] = {}
    entrants: dict[str, Entrant] = {}
    for (path, config), row, agent in zip(found, rows, agents, strict=True):
        spec = specs.setdefault(row, _row(config, row))
        seeds.setdefault(agent, []).append(config.seed)
        entrant = Entrant.model_construct(name=config.agent, label=agent)
        reader.add(path, config, spec, entrants.setdefault(agent, entrant), config.seed)
    comparison = Comparison.model_construct(
        name=folder.resolve().name,
        agents=[
            entrant.model_copy(update={"seeds": sorted(set(seeds[label]))})
            for label, entrant in entrants.items()
        ],
        rows=list(specs.values()),
    )
    return _material(comparison.name, kind, comparison, reader)


def _row(config: RunConfig, label: str) -> Row:
    return Row.model_construct(
        task=config.env_id,
        label=label,
        env=config.env_kwargs,
        until=config.until,
        steps=config.steps if config.until is None else None,
    )


def _row_labels(configs: list[RunConfig]) -> list[str]:
    """The task of each run, with its goal where runs of that task have others."""

    def goal(config: RunConfig) -> dict[str, Any]:
        # Agents that run until they reach a score are compared, whatever their budgets.
        return {"steps": config.steps} if config.until is None else {"until": config.until}

    def task(config: RunConfig) -> str:
        return json.dumps([config.env_id, config.env_kwargs], sort_keys=True)

    keys = [task(config) + json.dumps(goal(config)) for config in configs]
    apart = _told_apart(configs, task, goal)
    texts = [
        config.env_id.split("/")[-1] + _text(config.env_kwargs) + _text(own)
        for config, own in zip(configs, apart, strict=True)
    ]
    return _unlike(keys, texts)


def _agent_labels(configs: list[RunConfig]) -> list[str]:
    """The agent of each run, with settings that its runs on the task do not share."""

    def settings(config: RunConfig) -> dict[str, Any]:
        names = ["num_envs", "eval_every", "cpu_limit"]
        names += ["steps"] if config.until is not None else []
        return config.options | {name: getattr(config, name) for name in names}

    apart = _told_apart(configs, lambda config: f"{config.agent} {config.env_id}", settings)
    told = list(zip(configs, apart, strict=True))
    keys = [json.dumps([config.agent, own]) for config, own in told]
    return _unlike(keys, [config.agent + _text(own) for config, own in told])


def _told_apart(
    configs: list[RunConfig],
    group: Callable[[RunConfig], str],
    settings: Callable[[RunConfig], dict[str, Any]],
) -> list[dict[str, Any]]:
    """For each run, by name, those of its settings that its group does not share."""
    seen: dict[tuple[str, str], set[str]] = {}
    for config in configs:
        for name, value in settings(config).items():
            seen.setdefault((group(config), name), set()).add(json.dumps(value))
    return [
        {
            name: value
            for name, value in sorted(settings(config).items())
            if len(seen[group(config), name]) > 1
        }
        for config in configs
    ]


def _text(settings: dict[str, Any]) -> str:
    return "".join(f", {name}={value}" for name, value in settings.items())


def _unlike(keys: list[str], texts: list[str]) -> list[str]:
    """A label for each run: the same for equal keys, another for others."""
    labels: dict[str, str] = {}
    for key, text in zip(keys, texts, strict=True):
        if key not in labels:
            label, taken = text, {slug(one) for one in labels.values()}
            n = 2
            while slug(label) in taken:
                label, n = f"{text} ({n})", n + 1
            labels[key] = label
    return [labels[key] for key in keys]
