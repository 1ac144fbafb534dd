"""Options that commands share which run many trainings: where, and how to log them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import UsageError
from .runs import write_json

if TYPE_CHECKING:
    from .comparison import Outcome

EXIT_FAILED, EXIT_INTERRUPTED = 1, 130

Agents = Annotated[
    list[str],
    typer.Option(metavar="A,B,...", help="Instead of a file: names, separated by commas."),
]
Tasks = Annotated[
    list[str], typer.Option(metavar="ID,ID,...", help="... and ids of tasks, or families.")
]
Seeds = Annotated[int | None, typer.Option(min=1, help="... and how many seeds.")]
Until = Annotated[float | None, typer.Option(help="... and the score that ends a run.")]
Way = Annotated[
    float | None, typer.Option(help="... as a share of the way from chance to optimum.")
]
Steps = Annotated[int | None, typer.Option(help="... and the budget in transitions.")]
CpuLimit = Annotated[
    float | None,
    typer.Option(help="... and in CPU-seconds of learning; default: ppo 20, recurrent-ppo 60, 30."),
]
Env = Annotated[
    list[str], typer.Option(metavar="KEY=VALUE", help="... and parameters of the tasks.")
]
Preset = Annotated[
    str | None,
    typer.Option(help="... and default, none, a task whose preset to use, or FILE.toml."),
]
Name = Annotated[str | None, typer.Option(help="... and the name of its folder.")]
Out = Annotated[Path, typer.Option(help="Folder of its folder.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace runs there that have other settings.")
]
Jobs = Annotated[
    int | None, typer.Option(help="Runs at a time; default: all cores, or what a cluster has.")
]
EngineName = Annotated[str, typer.Option("--engine", help="local, dask or slurm.")]
Cluster = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler; default: workers here.")
]
Slurm = Annotated[
    list[str],
    typer.Option(
        metavar="KEY=VALUE",
        help="partition, account, qos, constraint, time (minutes or h:mm:ss), memory (GB), cpus.",
    ),
]
Retries = Annotated[
    int | None, typer.Option(help="How often to go on with a run whose worker died.")
]
Bars = Annotated[bool, typer.Option("--bars/--no-bars", help="Bars, where output is a terminal.")]
Wandb = Annotated[str, typer.Option(help="auto, online, offline or off.")]
WandbProject = Annotated[str, typer.Option()]
WandbEntity = Annotated[str | None, typer.Option()]
WandbGroup = Annotated[str | None, typer.Option(help="Default: the name of its folder.")]
WandbTag = Annotated[list[str], typer.Option()]
WandbArtifacts = Annotated[
    bool, typer.Option("--wandb-artifacts", help="Send the checkpoints too.")
]


def given(**flags: Any) -> dict[str, Any]:
    """Flags that the user has given."""
    return {name: value for name, value in flags.items() if value is not None}


def refuse_flags(source: str | Path, what: str, flags: Any) -> None:
    """Raise UsageError where a file or a name says what flags say too."""
    if flags:
        raise UsageError(
            f"{source} says what the {what} is: leave out --agents and what goes with it."
        )


def finish(outcome: Outcome, json_file: Path | None, more: dict[str, Any] | None = None) -> None:
    """Write what many runs came to and leave with the exit code that tells it."""
    if json_file is not None:
        content = {
            "folder": str(outcome.path),
            "finished": len(outcome.table.lines),
            "failed": outcome.failures,
            "interrupted": outcome.interrupted,
            **outcome.costs,
            **(more or {}),
        }
        write_json(json_file, content)
    if outcome.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    raise typer.Exit(EXIT_FAILED if outcome.failures else 0)
