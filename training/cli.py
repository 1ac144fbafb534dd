"""The command line: thin commands over functions that scripts call just as well.

Heavy libraries are imported inside the commands, so that ``caudate --help`` answers at once.
"""

from __future__ import annotations

import io
import json
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from . import export_command, fit_commands, sweep_commands, tune_command
from .commands import EXIT_INTERRUPTED, JsonFile, register
from .errors import UsageError
from .runs import write_json

if TYPE_CHECKING:
    from .trainer import RunResult

EXIT_USAGE, EXIT_BELOW = 2, 3

app = typer.Typer(
    name="caudate",
    help="Reward-driven learning in recurrent circuits: tasks, local learning rules, experiments.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Agent = Annotated[str | None, typer.Argument(help="Name from `caudate agents`.")]
Task = Annotated[str | None, typer.Argument(help="Id from `caudate envs` or of Gymnasium.")]
RunOrFile = Annotated[Path, typer.Argument(help="Run folder or checkpoint file.")]


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"caudate {version('caudate')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the program itself."""


@app.command()
def envs(
    file: Annotated[
        Path | None, typer.Argument(help="With --json: write the list here; else it is printed.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for machines.")] = False,
) -> None:
    """List the tasks with family, yardsticks and one line each."""
    from .listing import list_tasks, task_table

    if file is not None and not as_json:
        raise UsageError(f"The list is written to a file as JSON alone: caudate envs --json {file}")
    rows = task_table()
    if not as_json:
        typer.echo(list_tasks(rows))
    elif file is None or str(file) == "-":
        typer.echo(json.dumps(rows, indent=2))
    else:
        write_json(file, rows)


@app.command()
def gallery(
    folder: Annotated[Path, typer.Argument(help="Where tasks.md and its pictures go.")] = Path(
        "docs"
    ),
) -> None:
    """Make the gallery of tasks: a page with picture, timeline and yardsticks of each."""
    from .gallery import make_gallery

    typer.echo(f"wrote {make_gallery(folder, say=typer.echo)}")


@app.command()
def agents() -> None:
    """List the agents."""
    from .listing import list_agents

    typer.echo(list_agents())


@app.command()
def train(
    context: typer.Context,
    agent: Agent = None,
    task: Task = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped.")
    ] = None,
    point: Annotated[
        str | None,
        typer.Option(
            metavar="JSON", help="Agent, task, seed, options and env, as W&B sweeps give them."
        ),
    ] = None,
    preset: Annotated[
        str, typer.Option(help="default, none, a task whose preset to use, or FILE.toml.")
    ] = "default",
    set_: Annotated[
        list[str], typer.Option("--set", metavar="KEY=VALUE", help="Hyper-parameter.")
    ] = [],  # noqa: B006 (typer copies it)
    env: Annotated[
        list[str], typer.Option(metavar="KEY=VALUE", help="Parameter of the environment.")
    ] = [],  # noqa: B006
    seed: Annotated[int, typer.Option(min=0)] = 0,
    num_envs: Annotated[int | None, typer.Option(help="Copies played at a time.")] = None,
    steps: Annotated[int | None, typer.Option(help="Budget in transitions.")] = None,
    until: Annotated[
        float | None, typer.Option(help="Stop at this greedy score; exit 3 if it is not reached.")
    ] = None,
    cpu_limit: Annotated[
        float | None, typer.Option(help="Stop after so many CPU-seconds of learning.")
    ] = None,
    eval_every: Annotated[int | None, typer.Option(help="Transitions between evaluations.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of run folders.")] = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of the run's folder.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a run that is there.")] = False,
    wandb: Annotated[
        str | None, typer.Option(help="auto (the default), online, offline or off.")
    ] = None,
    wandb_project: Annotated[str, typer.Option()] = "caudate",
    wandb_entity: Annotated[str | None, typer.Option()] = None,
    wandb_group: Annotated[str | None, typer.Option()] = None,
    wandb_tag: Annotated[list[str], typer.Option()] = [],  # noqa: B006
    wandb_artifacts: Annotated[
        bool, typer.Option("--wandb-artifacts", help="Send the checkpoints too.")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write event files into the run's folder.")
    ] = False,
    progress: Annotated[bool, typer.Option(help="Show how it goes.")] = True,
    json_file: JsonFile = None,
) -> None:
    """Train an agent on a task, or go on with a run (--resume RUN)."""
    from . import trainer
    from .assignments import agent_options, env_parameters
    from .points import Point
    from .wandb_log import WandbSettings

    if resume is not None:
        read = {"resume", "wandb", "progress", "json_file"}
        if _given(context) - read:
            raise UsageError(
                "--resume takes the agent, the task and their options from the run: give the run "
                "folder alone."
            )
        _finish(trainer.resume(resume, wandb=wandb, progress=progress), json_file)
    options, env_kwargs = {}, env_parameters(env)
    if point is not None:
        if agent is not None or set_ or env:
            raise UsageError("--point has the agent, the task and all options: leave out others.")
        given = Point.of(point)
        agent, task, seed, name = given.agent, given.task, given.seed, name or given.name
        options, env_kwargs = given.options, given.env
    elif agent is not None:
        options = agent_options(agent, set_)
    if agent is None or task is None:
        raise UsageError("train needs an agent and a task: caudate train AGENT TASK.")
    result = trainer.train(
        agent,
        task,
        preset=preset,
        options=options,
        env_kwargs=env_kwargs,
        seed=seed,
        num_envs=num_envs,
        steps=steps,
        until=until,
        cpu_limit=cpu_limit,
        eval_every=eval_every,
        out=out,
        name=name,
        overwrite=overwrite,
        wandb=WandbSettings(
            wandb or "auto",
            wandb_project,
            wandb_entity,
            wandb_group,
            tuple(wandb_tag),
            wandb_artifacts,
        ),
        tensorboard=tensorboard,
        progress=progress,
    )
    _finish(result, json_file)


def _finish(result: RunResult, json_file: Path | None) -> NoReturn:
    """Write what the run came to and leave with the exit code that tells it."""
    if json_file is not None:
        write_json(json_file, {"run": str(result.path), **result.result})
    if result.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    raise typer.Exit(0 if result.reached else EXIT_BELOW)


def _given(context: typer.Context) -> set[str]:
    """Parameters that are on the command line. (By name: typer has a click of its own.)"""
    sources = ((name, context.get_parameter_source(name)) for name in context.params)
    return {name for name, source in sources if source is not None and source.name == "COMMANDLINE"}


@app.command()
def evaluate(
    run: RunOrFile,
    episodes: Annotated[
        int | None, typer.Option(help="Fresh episodes; default: 1,000 (20 of foreign tasks).")
    ] = None,
    env: Annotated[
        list[str], typer.Option(metavar="KEY=VALUE", help="Change the environment.")
    ] = [],  # noqa: B006
    json_file: JsonFile = None,
) -> None:
    """Score a trained agent on fresh episodes, beside the task's yardsticks."""
    from .assignments import env_parameters
    from .report import evaluate_run, evaluation_text

    found = evaluate_run(run, episodes, env_parameters(env))
    typer.echo(evaluation_text(found))
    if json_file is not None:
        write_json(json_file, found)


register(app)
sweep_commands.register(app)
fit_commands.register(app)
app.command()(tune_command.tune)
app.command()(export_command.export)


def main() -> None:
    """Entry point: a user's mistake is one sentence on standard error and exit code 2."""
    for stream in (sys.stdout, sys.stderr):  # names of files need not be text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")  # matrices are small: threads only get in the way
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            app()
        except ValueError as error:
            if not _is_users(error):
                raise
            typer.echo(str(error), err=True)
            sys.exit(EXIT_USAGE)


def _is_users(error: ValueError) -> bool:
    from ..agents import AgentError
    from ..envs import TaskError

    return isinstance(error, (UsageError, AgentError, TaskError))


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    typer.echo(f"{category.__name__}: {message}", err=True)
