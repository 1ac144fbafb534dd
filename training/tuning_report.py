"""What a search found, shown on fresh seeds and written as a preset."""

from __future__ import annotations

import csv
import io
import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .comparison import compare
from .comparison_spec import comparison_from_names
from .engines import EngineSettings
from .progress import Say
from .runs import write_text
from .table import Line
from .toml_files import toml_table
from .tuning_objective import Objective
from .tuning_space import Space


@dataclass(frozen=True)
class Report:
    """The best trial's parameters on fresh seeds.

    Attributes:
        preset: the TOML file, for ``--preset``.
        score: what it came to, in words; empty if no fresh run has finished.
        command: what shows it.
        lines: one finished run each.
    """

    preset: Path
    score: str
    command: str
    lines: list[Line]
    interrupted: bool = False


def report_best(
    folder: Path,
    arguments: dict[str, Any],
    objective: Objective,
    seeds: int,
    engine: EngineSettings,
    say: Say,
) -> Report:
    """Write the preset, run it on seeds 0 to ``seeds`` - 1, and write what it came to beside it."""
    path = folder / "preset.toml"
    command = _command(path, arguments, objective, max(seeds, 1))
    write_text(path, preset_text(arguments, "", command))
    if seeds == 0:
        say(f"preset: {path}")
        return Report(path, "", command, [])
    comparison = comparison_from_names(
        [arguments["agent"]],
        [arguments["env_id"]],
        seeds,
        until=objective.until,
        steps=arguments["steps"],
        cpu_limit=arguments["cpu_limit"] or 0.0,
        env_kwargs=arguments["env_kwargs"],
        preset=str(path),
        name="report",
    )
    outcome = compare(comparison, out=folder, engine=engine, say=say)
    lines = outcome.table.lines
    score = _score(lines, objective) if lines else ""
    write_text(path, preset_text(arguments, score, command))
    say(f"preset: {path} ({score or 'no fresh run finished'}); to show it: {command}")
    missing = len(lines) + len(outcome.failures) < seeds
    return Report(path, score, command, lines, interrupted=outcome.interrupted or missing)


def preset_text(arguments: dict[str, Any], score: str, command: str) -> str:
    """A preset as TOML, in the form of those that come with the library."""
    agent = arguments["agent"]
    table = {"score": score or None, "command": command}
    table |= {name: arguments[name] for name in ("num_envs", "steps", "eval_every")}
    lines = [
        f"# {agent} on {arguments['env_id']}, tuned",
        "",
        *toml_table((agent,), table),
        *toml_table((agent, "options"), arguments["options"]),
    ]
    return "\n".join(lines) + "\n"


def write_trials_table(study: Any, space: Space, path: Path) -> None:
    """All trials as CSV: state, value, scores by seed, reason of a failure, parameters."""
    names = [dimension.name for dimension in space]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", "value", "scores", "reached", "reason", *names])
    for trial in study.trials:
        told = trial.user_attrs
        texts = [json.dumps(told[key]) if key in told else "" for key in ("scores", "reached")]
        # Of a trial that was broken off, optuna keeps what pruning compared, in another unit.
        value = trial.value if trial.state.name == "COMPLETE" else ""
        head = [trial.number, trial.state.name.lower(), value, *texts, told.get("reason", "")]
        writer.writerow([*head, *(trial.params.get(name, "") for name in names)])
    write_text(path, text.getvalue())


def _score(lines: list[Line], objective: Objective) -> str:
    median = f"median score {np.median([line.score for line in lines]):.3f}"
    if objective.until is None:
        return f"{median} of {len(lines)} seeds"
    reached = [line for line in lines if line.reached]
    text = f"{objective.until:g} reached by {len(reached)} of {len(lines)} seeds"
    if len(reached) == len(lines):
        return f"{text}, median {np.median([line.steps for line in reached]):,.0f} steps"
    return f"{text}, {median}"


def _command(path: Path, arguments: dict[str, Any], objective: Objective, seeds: int) -> str:
    words = ["caudate", "compare", "--agents", arguments["agent"], "--tasks", arguments["env_id"]]
    words += ["--preset", str(path), "--seeds", str(seeds), "--steps", str(arguments["steps"])]
    words += ["--cpu-limit", f"{arguments['cpu_limit'] or 0:g}"]
    if objective.until is not None:
        words += ["--until", f"{objective.until!r}"]
    for name, value in arguments["env_kwargs"].items():
        words += ["--env", f"{name}={json.dumps(value)}"]
    return shlex.join(words)
