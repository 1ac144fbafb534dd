"""Tables of benchmarks: one list of columns for the terminal and for the documentation."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


def made_on(*packages: str) -> str:
    """What speed depends on beside the code: versions of Python and of packages, the processor."""
    found = {"Python": platform.python_version()} | {name: version(name) for name in packages}
    return f"{', '.join(f'{name} {number}' for name, number in found.items())}; {processor()}."


def processor() -> str:
    """Name of the processor, as the operating system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:  # not on Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (*names, platform.processor() or platform.machine())[0]


@dataclass(frozen=True)
class Columns(Generic[T]):
    """Heading, width in the terminal and text of each column; the first is set flush left."""

    columns: tuple[tuple[str, int, Callable[[T], str]], ...]

    @property
    def heading(self) -> str:
        return self._aligned([name for name, _, _ in self.columns])

    def line(self, row: T) -> str:
        return self._aligned(self._cells(row))

    def markdown(self, rows: Iterable[T]) -> str:
        names = [name for name, _, _ in self.columns]
        lines = [names, ["---", *["---:"] * (len(names) - 1)], *map(self._cells, rows)]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

    def _cells(self, row: T) -> list[str]:
        return [text(row) for _, _, text in self.columns]

    def _aligned(self, cells: list[str]) -> str:
        widths = [width for _, width, _ in self.columns]
        first = f"{cells[0]:<{widths[0]}}"
        return first + "".join(f"{c:>{w}}" for c, w in zip(cells[1:], widths[1:], strict=True))
