"""Commands that look at trained agents and compare them; :mod:`.cli` has the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import fan_out_options as fan_out
from .errors import UsageError
from .fan_out_options import EXIT_FAILED, EXIT_INTERRUPTED

JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write the result here.")]


def plot(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.")],
    out: Annotated[Path | None, typer.Option(help="The picture.")] = None,
) -> None:
    """Draw learning curves of runs on one task, grouped by agent."""
    from .plotting import plot

    typer.echo(f"learning curve: {plot(runs, out)}")


def watch(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    trials: Annotated[int, typer.Option(help="How many.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the first trial.")] = 0,
    max_steps: Annotated[int, typer.Option(help="In all.")] = 1000,
    inside: Annotated[
        bool, typer.Option("--inside", help="Draw one episode of the network and its rule.")
    ] = False,
    unit: Annotated[
        list[int], typer.Option(help="... and neurons to follow, as often as you like.")
    ] = [],  # noqa: B006 (typer copies it)
) -> None:
    """Play greedy trials with a trained agent, step by step, and draw the last one."""
    if inside:
        from .inside import look_inside

        if trials != 1:
            raise UsageError(f"--inside shows one episode, not --trials {trials}: leave it out.")
        picture = look_inside(
            run, seed=seed, max_steps=max_steps, units=unit or None, say=typer.echo
        )
        typer.echo(f"picture: {picture}")
        return
    if unit:
        raise UsageError("--unit is for a look inside: add --inside.")
    from .watching import watch

    picture = watch(run, trials, seed=seed, max_steps=max_steps, say=typer.echo)
    typer.echo(f"picture: {picture}")


def compare(
    source: Annotated[
        str | None, typer.Argument(metavar="NAME|FILE", help="Comparison by name or TOML file.")
    ] = None,
    agents: fan_out.Agents = [],  # noqa: B006 (typer copies it)
    tasks: fan_out.Tasks = [],  # noqa: B006
    seeds: fan_out.Seeds = None,
    until: fan_out.Until = None,
    way: fan_out.Way = None,
    steps: fan_out.Steps = None,
    cpu_limit: fan_out.CpuLimit = None,
    env: fan_out.Env = [],  # noqa: B006
    preset: fan_out.Preset = None,
    name: fan_out.Name = None,
    out: fan_out.Out = Path("runs"),
    overwrite: fan_out.Overwrite = False,
    jobs: fan_out.Jobs = None,
    engine: fan_out.EngineName = "local",
    cluster: fan_out.Cluster = None,
    slurm: fan_out.Slurm = [],  # noqa: B006
    retries: fan_out.Retries = None,
    docs: Annotated[
        Path | None, typer.Option(help="Folder for results that the documentation keeps.")
    ] = None,
    stored: Annotated[
        bool, typer.Option("--stored", help="Run nothing: write the page again from that folder.")
    ] = False,
    wandb: fan_out.Wandb = "off",
    wandb_project: fan_out.WandbProject = "caudate",
    wandb_entity: fan_out.WandbEntity = None,
    wandb_group: fan_out.WandbGroup = None,
    wandb_tag: fan_out.WandbTag = [],  # noqa: B006
    wandb_artifacts: fan_out.WandbArtifacts = False,
    bars: fan_out.Bars = True,
    json_file: JsonFile = None,
) -> None:
    """Run agents x tasks x seeds; finished runs are not repeated."""
    from .assignments import env_parameters, names
    from .comparison import compare, restate
    from .comparison_spec import comparison_from_names
    from .engines import EngineSettings
    from .table import print_table
    from .wandb_log import WandbSettings

    if stored:
        if source is None or docs is None:
            raise UsageError("--stored needs a comparison's name and --docs.")
        print_table(restate(source, docs), typer.echo)
        return
    chosen = names("agents", agents), names("tasks", tasks)
    flags = fan_out.given(
        seeds=seeds, until=until, way=way, steps=steps, cpu_limit=cpu_limit, preset=preset,
        name=name, env_kwargs=env_parameters(env) or None,
    )  # fmt: skip
    if source is None and not all(chosen):
        raise UsageError("compare needs a name or a file, or --agents and --tasks.")
    if source is not None:
        fan_out.refuse_flags(source, "comparison", any(chosen) or flags)
    spec = source or comparison_from_names(*chosen, **flags)
    settings = WandbSettings(
        wandb, wandb_project, wandb_entity, wandb_group, tuple(wandb_tag), wandb_artifacts
    )
    outcome = compare(
        spec,
        out=out,
        engine=EngineSettings(engine, jobs, retries, cluster, tuple(slurm)),
        overwrite=overwrite,
        docs=docs,
        wandb=settings,
        bars=bars,
        say=typer.echo,
    )
    fan_out.finish(outcome, json_file)


def report(
    folder: Annotated[Path, typer.Argument(help="A comparison, a run, or a folder of runs.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The page; default: report.html there.")
    ] = None,
    trials: Annotated[
        int, typer.Option(min=0, help="Fresh trials for pictures of behaviour; 0: none.")
    ] = 500,
    all_seeds: Annotated[
        bool, typer.Option("--all-seeds", help="... of every run, not of one of each agent.")
    ] = False,
) -> None:
    """Write one HTML page on a comparison or on runs, to be opened anywhere."""
    from .reporting import make_report

    path = make_report(folder, out, trials=trials, all_seeds=all_seeds)
    typer.echo(f"report: {path}")


def reproduce(
    paper: Annotated[
        str | None, typer.Argument(help="Name of a paper; without one, the list of them.")
    ] = None,
    only: Annotated[
        list[str], typer.Option(metavar="EXPERIMENT", help="Not all of it; as often as you like.")
    ] = [],  # noqa: B006
    quick: Annotated[
        bool, typer.Option("--quick", help="A smaller version for a look; claims may fail.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measure again what is finished.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of the paper's folder.")] = Path("runs"),
    docs: Annotated[
        Path | None, typer.Option(help="Folder for figures that the documentation keeps.")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Run a paper's experiments and hold its claims to what comes out; exit 1 if one fails."""
    from .listing import list_papers
    from .reproduction import reproduce

    if paper is None:
        typer.echo(list_papers())
        return
    try:
        found = reproduce(
            paper,
            out=out,
            docs=docs,
            json_file=json_file,
            only=only,
            quick=quick,
            fresh=fresh,
            say=typer.echo,
        )
    except KeyboardInterrupt:
        typer.echo("interrupted: the same command goes on after the last finished experiment")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    raise typer.Exit(0 if found.passed else EXIT_FAILED)


def bench_envs(
    tasks: Annotated[
        list[str] | None, typer.Argument(help="Ids; default: all of this library.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="CPU time of a repeat.")] = 1.0,
    json_file: JsonFile = None,
    docs: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also write to the page speed.md here.")
    ] = None,
) -> None:
    """Steps per CPU-second of the tasks: single, natively batched, in Gymnasium's SyncVectorEnv."""
    from .bench_envs import bench_envs

    bench_envs(tasks or None, seconds=seconds, json_file=json_file, docs=docs, say=typer.echo)


def bench_agents(
    agents: Annotated[
        list[str] | None, typer.Argument(help="Names; default: networks and baselines.")
    ] = None,
    task: Annotated[list[str] | None, typer.Option(help="Ids, as often as you like.")] = None,
    seconds: Annotated[float, typer.Option(help="CPU time of a repeat.")] = 1.0,
    kernels: Annotated[bool, typer.Option(help="The spiking kernels too.")] = True,
    json_file: JsonFile = None,
    docs: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also write to the page speed.md here.")
    ] = None,
) -> None:
    """Steps per CPU-second of agents while they learn, beside RecurrentPPO."""
    from .bench_agents import TASKS, bench_agents

    bench_agents(
        agents or None,
        task or TASKS,
        seconds=seconds,
        kernels=kernels,
        json_file=json_file,
        docs=docs,
        say=typer.echo,
    )


def bench_perturbation(
    units: Annotated[list[int] | None, typer.Argument(help="Default: 100 400 1000.")] = None,
    seconds: Annotated[float, typer.Option(help="CPU time of a repeat.")] = 1.0,
    json_file: JsonFile = None,
    docs: Annotated[
        Path | None, typer.Option(metavar="PAGE", help="Page that gets the table.")
    ] = None,
) -> None:
    """Time and memory of the perturbation rules, beside the matrix product's rate."""
    from .bench_perturbation import UNITS, bench_perturbation

    bench_perturbation(
        units or UNITS, seconds=seconds, json_file=json_file, docs=docs, say=typer.echo
    )


def bench_filters(
    filters: Annotated[list[str] | None, typer.Argument(help="Names; default: all.")] = None,
    seconds: Annotated[float, typer.Option(help="CPU time of a repeat.")] = 1.0,
    json_file: JsonFile = None,
    docs: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also write to the page speed.md here.")
    ] = None,
) -> None:
    """Trials per CPU-second of the filters: one subject, and many in a batch."""
    from .bench_filters import bench_filters

    bench_filters(filters or None, seconds=seconds, json_file=json_file, docs=docs, say=typer.echo)


def bench_timing(
    circuits: Annotated[
        list[int] | None, typer.Argument(help="How many at a time; default: 1 16 128.")
    ] = None,
    brian: Annotated[
        Path | None, typer.Option(metavar="PYTHON", help="A Python that has Brian2.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="CPU time of a repeat.")] = 1.0,
    json_file: JsonFile = None,
    docs: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also write to the page speed.md here.")
    ] = None,
) -> None:
    """Simulated seconds per CPU-second of timing circuits, beside Brian2."""
    from .bench_timing import COPIES, bench_timing

    bench_timing(
        circuits or COPIES,
        brian=brian,
        seconds=seconds,
        json_file=json_file,
        docs=docs,
        say=typer.echo,
    )


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the command line."""
    for command in (plot, watch, compare, report, reproduce):
        app.command()(command)
    bench = typer.Typer(help="Measure speed.", no_args_is_help=True, rich_markup_mode=None)
    bench.command("envs")(bench_envs)
    bench.command("agents")(bench_agents)
    bench.command("perturbation")(bench_perturbation)
    bench.command("filters")(bench_filters)
    bench.command("timing")(bench_timing)
    app.add_typer(bench, name="bench")
