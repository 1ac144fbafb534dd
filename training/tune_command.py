"""The command ``caudate tune``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .commands import EXIT_FAILED, EXIT_INTERRUPTED


def tune(
    agent: Annotated[str, typer.Argument(help="Name from `caudate agents`.")],
    task: Annotated[str, typer.Argument(help="Id from `caudate envs` or of Gymnasium.")],
    space: Annotated[
        list[str],
        typer.Option(
            metavar="KEY=RANGE",
            help="log:LOW:HIGH, float:LOW:HIGH, int:LOW:HIGH or a,b,c; `default`: the agent's own.",
        ),
    ] = [],  # noqa: B006 (typer copies it)
    trials: Annotated[int, typer.Option(help="In all; those of earlier calls count.")] = 50,
    seeds: Annotated[int, typer.Option(help="Runs of a trial, averaged.")] = 2,
    first_seed: Annotated[int, typer.Option(min=0, help="Their first seed.")] = 100,
    report_seeds: Annotated[
        int, typer.Option(min=0, help="The best is shown on seeds 0 to this - 1.")
    ] = 5,
    objective: Annotated[
        str | None, typer.Option(help="score, or steps or cpu to the criterion.")
    ] = None,
    until: Annotated[float | None, typer.Option(help="The criterion, as a score.")] = None,
    way: Annotated[
        float | None, typer.Option(help="... as a share of the way from chance to optimum.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Budget of a run in transitions.")] = None,
    cpu_limit: Annotated[float | None, typer.Option(help="... in CPU-seconds.")] = None,
    eval_every: Annotated[int | None, typer.Option(help="Transitions between evaluations.")] = None,
    pruner: Annotated[str, typer.Option(help="median, asha or none.")] = "median",
    preset: Annotated[
        str, typer.Option(help="Where to start: default, none, a task's name, or FILE.toml.")
    ] = "default",
    set_: Annotated[
        list[str], typer.Option("--set", metavar="KEY=VALUE", help="Hyper-parameter to keep.")
    ] = [],  # noqa: B006
    env: Annotated[
        list[str], typer.Option(metavar="KEY=VALUE", help="Parameter of the environment.")
    ] = [],  # noqa: B006
    num_envs: Annotated[int | None, typer.Option(help="Copies played at a time.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Trials at a time; default: all cores.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the study's folder.")] = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of the study's folder.")] = None,
) -> None:
    """Search for hyper-parameters; the same command goes on, and the best becomes a preset."""
    from .assignments import agent_options, env_parameters
    from .tuning import tune

    found = tune(
        agent,
        task,
        space=space,
        options=agent_options(agent, set_),
        env_kwargs=env_parameters(env),
        preset=preset,
        trials=trials,
        seeds=seeds,
        first_seed=first_seed,
        report_seeds=report_seeds,
        objective=objective,
        until=until,
        way=way,
        num_envs=num_envs,
        steps=steps,
        cpu_limit=cpu_limit,
        eval_every=eval_every,
        pruner=pruner,
        jobs=jobs,
        out=out,
        name=name,
        say=typer.echo,
    )
    if found.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    raise typer.Exit(EXIT_FAILED if found.best is None else 0)
