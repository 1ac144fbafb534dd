"""Tables of benchmarks: one list of columns for the terminal and for the documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


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
