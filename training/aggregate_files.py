"""The files in which a comparison keeps what all its rows say together."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from .aggregate import Aggregate, aggregate_data, aggregate_sheets
from .aggregate_figure import draw_aggregate
from .arrival import Arrival, arrival_data, arrival_sheet
from .curves import Band
from .errors import UsageError
from .runs import write_text
from .sheet import markdown_text


def write_aggregate(found: Aggregate | None, waited: list[Arrival], stem: Path) -> list[Path]:
    """``stem.md`` and ``stem.json``, and ``stem.png`` where there is an aggregate.

    Files of an earlier comparison in the folder that this one has nothing for are removed.

    Returns:
        What was written.
    """
    markdown, data, picture = (
        stem.with_name(f"{stem.name}.{end}") for end in ("md", "json", "png")
    )
    for path in (markdown, data, picture):
        path.unlink(missing_ok=True)
    sheets = aggregate_sheets(found) if found is not None else []
    sheets += [arrival_sheet(waited)] if waited else []
    if not sheets:
        return []
    write_text(markdown, "\n\n".join(markdown_text(sheet, level=1) for sheet in sheets) + "\n")
    write_data(found, waited, data)
    return [markdown, data, *([draw_aggregate(found, picture)] if found is not None else [])]


def with_kept_efficiency(found: Aggregate, path: Path) -> Aggregate:
    """``found`` with the efficiency curves that :func:`write_data` has kept, if it has any.

    Raises:
        UsageError: the file cannot be read.
    """
    if not path.is_file():
        return found
    try:
        kept = json.loads(path.read_text("utf-8"))["over_all_tasks"]["efficiency"]
        bands = {
            axis: {
                agent: _band(band, len(found.scores[agent].value)) for agent, band in own.items()
            }
            for axis, own in kept.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} does not hold what a comparison keeps: {error!r}.") from error
    return replace(found, efficiency=bands)


def _band(kept: dict[str, list[float]], n: int) -> Band:
    return Band(**{name: np.array(values) for name, values in kept.items()}, n=n)


def write_data(found: Aggregate | None, waited: list[Arrival], path: Path) -> None:
    """All numbers as JSON, None for what is not bounded."""
    content = {
        "over_all_tasks": aggregate_data(found) if found is not None else None,
        "time_to_criterion": arrival_data(waited),
    }
    write_text(path, json.dumps(content, allow_nan=False) + "\n")
