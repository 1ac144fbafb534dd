"""What is shown of many runs at a time: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .jobs import Job
from .progress import Say
from .runs import Run

if TYPE_CHECKING:
    from rich.progress import TaskID

_LOOK = 1.0  # seconds between looks at records


class Plain:
    """Nothing but what is said of runs."""

    def __init__(self, say: Say):
        self.say = say

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def look(self, running: list[Job]) -> None:
        """See how far runs are; called a few times a second."""

    def ended(self) -> None:
        """One run more has ended."""


class Bars(Plain):
    """A bar for each run and one for all of them.

    A run shows its bar from the first record that it writes, wherever that is: jobs that wait in a
    queue have none.
    """

    def __init__(self, total: int):
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
        from rich.progress import TimeElapsedColumn as Elapsed

        text = TextColumn("{task.description}", markup=False)
        columns = (text, BarColumn(), TaskProgressColumn(), Elapsed())
        self.bars = Progress(*columns, refresh_per_second=4, transient=True)
        self.total, self.count = total, 0
        self.all = self.bars.add_task("", total=total)
        self.shown: dict[Path, TaskID] = {}
        self.sizes: dict[Path, int] = {}
        self.next = 0.0
        super().__init__(lambda text: self.bars.console.print(text, markup=False, highlight=False))
        self._count(0)

    def __enter__(self) -> Bars:
        self.bars.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.bars.stop()

    def ended(self) -> None:
        self._count(1)

    def _count(self, more: int) -> None:
        self.count += more
        text = f"{self.count} of {self.total} runs"
        self.bars.update(self.all, completed=self.count, description=text)

    def look(self, running: list[Job]) -> None:
        now = time.monotonic()
        if now < self.next:
            return
        self.next = now + _LOOK
        paths = {job.path for job in running}
        for path in [path for path in self.sizes if path not in paths]:
            del self.sizes[path]
            if path in self.shown:
                self.bars.remove_task(self.shown.pop(path))
        for job in running:
            # A run that is started again takes its files away; what cannot be read is not shown.
            with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
                self._look(job)

    def _look(self, job: Job) -> None:
        """Show a run whose records have grown since the last look."""
        metrics = Run(job.path).metrics
        size = metrics.stat().st_size if metrics.is_file() else 0
        if size == self.sizes.setdefault(job.path, size if job.path.is_dir() else 0):
            return
        self.sizes[job.path] = size
        share, score = how_far(job)
        if job.path not in self.shown:
            self.shown[job.path] = self.bars.add_task("", total=1.0)
        text = f"{job.path.parent.name}/{job.path.name} {score}"
        self.bars.update(self.shown[job.path], completed=share, description=text)


def how_far(job: Job) -> tuple[float, str]:
    """Share of the budget that a run has used, be it steps or CPU-seconds, and its last score."""
    run = Run(job.path)
    records, times = run.records()[-1:], run.records("timing.jsonl")[-1:]
    if not records or not times:
        return 0.0, ""
    share = records[0]["timesteps"] / job.arguments["steps"]
    limit = job.arguments["cpu_limit"]
    if limit:
        share = max(share, times[0]["cpu_seconds"] / limit)
    return min(share, 1.0), f"{records[0]['score']:.3f}"


def show_runs(bars: bool, total: int, say: Callable[[str], None]) -> Plain:
    """Bars if they are asked for and standard output is a terminal, plain lines if not."""
    return Bars(total) if bars and total and sys.stdout.isatty() else Plain(say)
