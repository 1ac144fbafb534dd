"""The part of a documentation page that a command writes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from .overview import draw_overview, overview
from .runs import write_text
from .table import Table, markdown, write_data


def write_docs(table: Table, figures: Mapping[str, Path], folder: Path, command: str) -> None:
    """Keep a comparison's data and pictures in ``folder`` and put its tables on the page beside it.

    Args:
        table: the results.
        figures: row's label -> picture; the copy has the comparison's name before its own.
        folder: where the data go; ``folder.md`` is the page.
        command: what makes all this, named on the page.
    """
    name = table.comparison.name
    write_data(table, folder / name)
    page = folder.with_name(f"{folder.name}.md")
    title = table.comparison.title or name
    data = f"[{name}.csv]({_link(page, folder / f'{name}.csv')})"
    parts = [f"## {title}", f"Made by `{command}`; one line a run: {data}."]
    if table.comparison.overview:
        picture = draw_overview(table, folder / f"{name}.png")
        parts += [overview(table), f"![Scores and CPU-seconds by task]({_link(page, picture)})"]
    else:
        parts += _rows(table, figures, folder, page)
    replace_section(page, name, "\n\n".join(parts))


def _rows(table: Table, figures: Mapping[str, Path], folder: Path, page: Path) -> list[str]:
    """A table and a picture for each row."""
    parts = []
    for row, text in markdown(table, level=3):
        parts.append(text)
        if row.label in figures:
            copy = folder / f"{table.comparison.name}-{figures[row.label].name}"
            shutil.copyfile(figures[row.label], copy)
            parts.append(f"![Learning curves: {row.label}]({_link(page, copy)})")
    return parts


def replace_section(page: Path, name: str, text: str, title: str = "Results") -> None:
    """Put ``text`` between the markers of ``name``; without markers, at the page's end.

    A page that does not exist yet begins with ``title``.
    """
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    section = f"{begin}\n{text}\n{end}"
    old = page.read_text("utf-8") if page.is_file() else f"# {title}\n"
    before, found, rest = old.partition(begin)
    _, closed, after = rest.partition(end)
    new = before + section + after if found and closed else f"{old.rstrip()}\n\n{section}\n"
    write_text(page, new)


def _link(page: Path, target: Path) -> str:
    return Path(os.path.relpath(target, page.parent)).as_posix()
