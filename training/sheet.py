"""A table of texts with a heading and a note: on a console, in Markdown."""

from __future__ import annotations

import io
from dataclasses import dataclass


@dataclass(frozen=True)
class Sheet:
    """Title, note and the lines of a table; the first column names, the others are numbers."""

    title: str
    note: str
    titles: list[str]
    lines: list[list[str]]


def console_text(sheet: Sheet) -> str:
    """The table in a frame, as wide as the console (at least 120 characters)."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(title=sheet.title, title_justify="left", caption_justify="left")
    shown.caption = sheet.note
    for i, title in enumerate(sheet.titles):
        shown.add_column(title, justify="right" if i else "left", overflow="fold")
    for line in sheet.lines:
        shown.add_row(*line)
    buffer = io.StringIO()
    # Labels are texts: [brackets] and :colons: in them are no markup.
    width = max(120, Console().width)
    Console(file=buffer, width=width, markup=False, emoji=False).print(shown)
    return buffer.getvalue().rstrip()


def markdown_text(sheet: Sheet, level: int) -> str:
    """Heading, note and table."""
    heading = f"{'#' * level} {sheet.title[:1].upper()}{sheet.title[1:]}"
    rule = ["---"] + ["---:"] * (len(sheet.titles) - 1)
    lines = [heading, "", sheet.note, ""]
    return "\n".join(lines + [_line(texts) for texts in (sheet.titles, rule, *sheet.lines)])


def _line(texts: list[str]) -> str:
    cells = [text.replace("|", "\\|") for text in texts]
    return f"| {' | '.join(cells)} |"
