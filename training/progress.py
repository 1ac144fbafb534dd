"""What a run shows while it goes on: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

Say = Callable[[str], None]


class Silent:
    """Shows nothing but what must be said."""

    def __init__(self, say: Say = print):
        self.say = say

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def advance(self, timesteps: int) -> None:
        """An update ended; ``timesteps`` is the total."""

    def evaluated(self, record: dict[str, Any]) -> None:
        """An evaluation ended."""


class Lines(Silent):
    """One line an evaluation, at most 20 or so in a run."""

    def __init__(self, total: int, start: int = 0, say: Say = print):
        super().__init__(say)
        self.every = max(1, total // 20)
        self.next = start

    def evaluated(self, record: dict[str, Any]) -> None:
        if record["timesteps"] >= self.next or "confirmed" in record:
            self.say(f"{record['timesteps']:>12,} steps  {_scores(record)}")
            self.next = record["timesteps"] + self.every


class Bar(Silent):
    """A bar over environment steps, with the latest score."""

    def __init__(self, total: int, start: int = 0):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), Remaining())
        self.bar = Progress(*columns, console=Console(stderr=True), refresh_per_second=4)
        self.task = self.bar.add_task("score    -", total=total, completed=start)
        super().__init__(lambda text: self.bar.console.print(text, markup=False, highlight=False))

    def __enter__(self) -> Bar:
        self.bar.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.bar.stop()

    def advance(self, timesteps: int) -> None:
        self.bar.update(self.task, completed=timesteps)

    def evaluated(self, record: dict[str, Any]) -> None:
        self.bar.update(self.task, description=_scores(record))


def make_progress(show: bool, total: int, start: int = 0, say: Say | None = None) -> Silent:
    """A bar if standard error is a terminal, lines if not, silence if not asked for."""
    if not show:
        return Silent(say or print)
    if say is None and sys.stderr.isatty():
        return Bar(total, start)
    return Lines(total, start, say or print)


def _scores(record: dict[str, Any]) -> str:
    text = f"score {record['score']:.3f}"
    return text + (f"  confirmed {record['confirmed']:.3f}" if "confirmed" in record else "")
