"""Sweeps over options: a comparison of all settings, and the best of each agent on each task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .comparison import Outcome, compare
from .comparison_spec import Comparison, Entrant, Row
from .errors import UsageError
from .presets import find_preset
from .progress import Say
from .runs import check_writable, write_json, write_text
from .sweep_spec import Sweep, expand, load_sweep
from .table import Table, rank, score_text
from .toml_files import toml_table


@dataclass(frozen=True)
class Best:
    """The best setting of an agent on a task.

    Attributes:
        entrant: the setting.
        rows: the task, with each combination of its parameters.
        score: in words.
    """

    entrant: Entrant
    rows: list[Row]
    score: str


def sweep(
    spec: Sweep | str | Path, *, command: str = "", say: Say = print, **how: Any
) -> tuple[Outcome, list[Best]]:
    """Run a sweep, print its settings from best to worst, and write ``best.toml``.

    Args:
        spec: a sweep, or a TOML file.
        command: what the user wrote, for ``best.toml``.
        say: where messages go.
        how: other arguments of :func:`~.comparison.compare`.

    Raises:
        UsageError: a sweep that makes no sense; as for ``compare``.
    """
    comparison = _expanded(spec)
    outcome = compare(comparison, say=say, **how)
    if outcome.interrupted:  # settings would be judged on unequal seeds
        return outcome, []
    found = best_settings(outcome.table)
    if found:
        for one in found:
            say(f"best: {_task(one)}, {one.entrant.label}: {one.score}")
        write_text(outcome.path / "best.toml", preset_text(found, command))
        say(f"presets of these: {outcome.path / 'best.toml'}")
    return outcome, found


def best_settings(table: Table) -> list[Best]:
    """For each task and agent the setting that is best on the mean over the task's rows.

    With a goal, best is what most seeds reach, then in the fewest steps, then the score; without
    one, what most seeds bring to an end, then the score.
    """
    found = []
    for task in dict.fromkeys(row.task for row in table.comparison.rows):
        rows = [row for row in table.comparison.rows if row.task == task]
        for name in dict.fromkeys(entrant.name for entrant in table.comparison.agents):
            ranked = []
            for entrant in table.comparison.agents:
                cells = [cell for row in rows for cell in table.cells(row)
                         if cell.agent == entrant.label]  # fmt: skip
                if entrant.name == name and len(cells) == len(rows):
                    ranks = zip(*map(rank, cells), strict=True)
                    means = tuple(sum(one) / len(rows) for one in ranks)
                    score = "; ".join(map(score_text, rows, cells))
                    ranked.append((means, Best(entrant, rows, score)))
            if ranked:
                found.append(max(ranked, key=lambda one: one[0])[1])
    return found


def preset_text(found: list[Best], command: str) -> str:
    """Settings in the form of presets: a table a task, in it a table an agent."""
    parts = []
    for one in found:
        row, preset = one.rows[0], find_preset(one.entrant.name, one.rows[0].task)
        table = {"score": one.score or None, "command": command or None}
        table |= {"num_envs": preset.num_envs, "steps": row.steps or preset.steps}
        table |= {"eval_every": row.eval_every or preset.eval_every}
        names = (_task(one), one.entrant.name)
        options = preset.options | one.entrant.options
        lines = [*toml_table(names, table), *toml_table((*names, "options"), options)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _expanded(spec: Sweep | str | Path) -> Comparison:
    if isinstance(spec, Sweep):
        return expand(spec)
    return expand(load_sweep(spec), f"Sweep {spec}")


def _task(one: Best) -> str:
    return one.rows[0].task.split("/")[-1]


# -- Weights & Biases ------------------------------------------------------------------------


def write_wandb_sweep(spec: Sweep | str | Path, file: Path) -> None:
    """A sweep of W&B over the same grid, whose program is ``caudate train``.

    The file is JSON, which is YAML too: ``wandb sweep FILE``.

    Raises:
        UsageError: a grid that W&B cannot hold: one that differs between agents.
    """
    sweep = load_sweep(spec) if not isinstance(spec, Sweep) else spec
    rows = expand(sweep).rows
    grids = [sweep.grid_of(agent) for agent in sweep.agents]
    if any(grid != grids[0] for grid in grids):
        raise UsageError(
            "A W&B sweep has one grid for all agents: write a file for each agent "
            f"(--agents {sweep.agents[0]})."
        )
    if len({row.until for row in rows}) > 1:
        raise UsageError(
            "A W&B sweep has one goal for all tasks: give --until or --steps instead of --way, or "
            "write a file for each task."
        )
    check_writable(file)
    seeds = list(range(sweep.seeds)) if isinstance(sweep.seeds, int) else sweep.seeds
    environment = {name: [value] for name, value in sweep.env.items()} | sweep.env_grid
    parameters: dict[str, Any] = {
        "agent": {"values": sweep.agents},
        "task": {"values": list(dict.fromkeys(row.task for row in rows))},
        "seed": {"values": seeds},
    }
    for name, grid in (("options", grids[0]), ("env", environment)):
        if grid:
            parameters[name] = {"parameters": {key: {"values": grid[key]} for key in grid}}
    ends = {
        "--until": rows[0].until,
        "--steps": sweep.steps,
        "--cpu-limit": sweep.cpu_limit,
        "--eval-every": sweep.eval_every,
    }
    flags = [
        word for flag, value in ends.items() if value is not None for word in (flag, str(value))
    ]
    content = {
        "name": sweep.name,
        "program": "caudate",
        "method": "grid",
        "metric": {"name": "score", "goal": "maximize"},
        "parameters": parameters,
        "command": ["${env}", "${program}", "train", "--point", "${args_json}", *flags],
    }
    write_json(file, content)
