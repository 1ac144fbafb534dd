"""Commands that fit trial-level models to choices, and that tell how far fits can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .errors import UsageError

JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write the result here.")]


def fit(
    file: Annotated[Path, typer.Argument(help="CSV file: subject, block, trial, choice, reward.")],
    model: Annotated[
        str | None, typer.Option(help="Filter; default: rescorla-wagner.", show_default=False)
    ] = None,
    models: Annotated[
        list[str], typer.Option(metavar="A,B,...", help="Instead: several, to be compared.")
    ] = [],  # noqa: B006 (typer copies it)
    choice: Annotated[str, typer.Option(help="Choice rule.")] = "softmax",
    method: Annotated[
        str, typer.Option(help="map (with the parameters' priors) or ml (without).")
    ] = "map",
    free: Annotated[list[str], typer.Option(metavar="NAME", help="Also fit this parameter.")] = [],  # noqa: B006
    fix: Annotated[
        list[str],
        typer.Option(metavar="NAME=VALUE", help="Do not fit this one; MODEL.NAME for one model."),
    ] = [],  # noqa: B006
    counterfactual: Annotated[
        str, typer.Option(help="none, or mirror: of two arms exactly one pays, so both are known.")
    ] = "none",
    arms: Annotated[int | None, typer.Option(help="How many; default: as many as chosen.")] = None,
    starts: Annotated[int, typer.Option(help="Searches of each subject.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of where searches start.")] = 0,
    polish: Annotated[bool, typer.Option("--polish", help="Search on with scipy.")] = False,
    out: Annotated[Path | None, typer.Option(help="CSV file: a line a subject.")] = None,
    trials: Annotated[
        Path | None, typer.Option(help="CSV file: a line a trial, with fitted probabilities.")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Fit trial-level models to choices; several models are compared."""
    from .assignments import names
    from .fitting import fit_file

    if model is not None and models:
        raise UsageError("--model is for one model and --models for several: give one of the two.")
    fit_file(
        file,
        names("models", models) if models else [model or "rescorla-wagner"],
        choice=choice,
        method=method,
        free=free,
        fix=fix,
        counterfactual=counterfactual,
        arms=arms,
        starts=starts,
        seed=seed,
        polish=polish,
        out=out,
        trials=trials,
        json_file=json_file,
        say=typer.echo,
    )


def recover(
    subjects: Annotated[int, typer.Option(help="Simulated subjects of each model.")] = 100,
    trials: Annotated[int, typer.Option(help="Of each subject.")] = 300,
    starts: Annotated[int, typer.Option(help="Searches of each subject.")] = 4,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    only: Annotated[
        list[str], typer.Option(metavar="MODEL", help="Not all; as often as you like.")
    ] = [],  # noqa: B006 (typer copies it)
    json_file: JsonFile = None,
    docs: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also write to the page beside this.")
    ] = None,
) -> None:
    """Simulate subjects of each model, and see whether fits find parameters and models again."""
    from .recovery import recover_models

    recover_models(
        subjects=subjects,
        trials=trials,
        starts=starts,
        seed=seed,
        only=only,
        json_file=json_file,
        docs=docs,
        say=typer.echo,
    )


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the command line."""
    for command in (fit, recover):
        app.command()(command)
