"""The command ``sweep``; :mod:`.cli` has the others."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from . import fan_out_options as fan_out
from .commands import JsonFile
from .errors import UsageError


def sweep(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE.toml", help="A file with the table [sweep].")
    ] = None,
    agents: fan_out.Agents = [],  # noqa: B006 (typer copies it)
    tasks: fan_out.Tasks = [],  # noqa: B006
    seeds: fan_out.Seeds = None,
    grid: Annotated[
        list[str],
        typer.Option(
            metavar="OPTION=V,V", help="... and values to try; AGENT.OPTION=V,V: of one agent."
        ),
    ] = [],  # noqa: B006
    env: fan_out.Env = [],  # noqa: B006
    env_grid: Annotated[
        list[str], typer.Option(metavar="KEY=V,V", help="... and values of them to go through.")
    ] = [],  # noqa: B006
    until: fan_out.Until = None,
    way: fan_out.Way = None,
    steps: fan_out.Steps = None,
    cpu_limit: fan_out.CpuLimit = None,
    eval_every: Annotated[int | None, typer.Option(help="Transitions between evaluations.")] = None,
    name: fan_out.Name = None,
    wandb_sweep: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Run nothing: write a W&B sweep over the same grid."),
    ] = None,
    out: fan_out.Out = Path("runs"),
    overwrite: fan_out.Overwrite = False,
    jobs: fan_out.Jobs = None,
    engine: fan_out.EngineName = "local",
    cluster: fan_out.Cluster = None,
    slurm: fan_out.Slurm = [],  # noqa: B006
    retries: fan_out.Retries = None,
    wandb: fan_out.Wandb = "off",
    wandb_project: fan_out.WandbProject = "caudate",
    wandb_entity: fan_out.WandbEntity = None,
    wandb_group: fan_out.WandbGroup = None,
    wandb_tag: fan_out.WandbTag = [],  # noqa: B006
    wandb_artifacts: fan_out.WandbArtifacts = False,
    bars: fan_out.Bars = True,
    json_file: JsonFile = None,
) -> None:
    """Run agents x tasks x seeds x options; prints the best settings and writes them as presets."""
    from .assignments import env_parameters, names
    from .engines import EngineSettings
    from .sweep import sweep, write_wandb_sweep
    from .sweep_spec import load_sweep, sweep_from_flags
    from .wandb_log import WandbSettings

    flags = fan_out.given(
        seeds=seeds, env=env_parameters(env) or None, until=until, way=way,
        steps=steps, cpu_limit=cpu_limit, eval_every=eval_every, name=name,
    )  # fmt: skip
    chosen = names("agents", agents), names("tasks", tasks)
    if file is None and not all(chosen):
        raise UsageError("sweep needs a file, or --agents and --tasks.")
    if file is not None:
        fan_out.refuse_flags(file, "sweep", any(chosen) or grid or env_grid or flags)
    spec = load_sweep(file) if file else sweep_from_flags(*chosen, grid, env_grid, **flags)
    if wandb_sweep is not None:
        write_wandb_sweep(spec, wandb_sweep)
        typer.echo(f"wrote {wandb_sweep}; to start it: wandb sweep {wandb_sweep}")
        return
    outcome, best = sweep(
        spec,
        command=shlex.join(["caudate", *sys.argv[1:]]),
        out=out,
        engine=EngineSettings(engine, jobs, retries, cluster, tuple(slurm)),
        overwrite=overwrite,
        wandb=WandbSettings(
            wandb, wandb_project, wandb_entity, wandb_group, tuple(wandb_tag), wandb_artifacts
        ),
        bars=bars,
        say=typer.echo,
    )
    settings = [
        {"task": one.rows[0].task, "agent": one.entrant.name, "options": one.entrant.options,
         "score": one.score} for one in best
    ]  # fmt: skip
    fan_out.finish(outcome, json_file, {"best": settings})


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(sweep)
