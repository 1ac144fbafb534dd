"""The command ``caudate export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    folder: Annotated[Path, typer.Argument(help="A run, a comparison, or a folder of them.")],
    out: Annotated[
        Path, typer.Option(metavar="FILE.csv|FOLDER", help="One table, or a folder for all.")
    ],
    table: Annotated[
        str | None, typer.Option(help="For a file: runs (the default), evaluations or trials.")
    ] = None,
    trials: Annotated[
        int, typer.Option(min=0, help="Greedy trials to play with each run's best agent.")
    ] = 0,
) -> None:
    """Write runs, their evaluations and trials as CSV tables."""
    from .exporting import export

    export(folder, out, table=table, trials=trials, say=typer.echo)
