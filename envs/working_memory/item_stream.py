"""Streams of items: one behind another, each shown for a while and followed by a blank."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.table import Trials
from ..core.time import parse_duration

Array = npt.NDArray[Any]

#: Most items in a row; some tasks draw them one after another.
MOST_ITEMS = 10_000


class ItemStream:
    """The time of items that follow one another, each with a window of the same length.

    A window has one to three periods: the item, the blank behind it, and its last step, which has
    a period of its own because there the window is judged.

    Args:
        item: how long an item is shown, in ms.
        gap: blank behind it, in ms.
        dt: one step in ms.

    Attributes:
        names: names of the window's periods.
        durations: (P,) int64, their lengths in steps; the last one is 1.
        shown: (P,) bool, whether the item is on.
        window: length of the window in steps.
    """

    def __init__(self, item: float, gap: float, dt: float) -> None:
        on = parse_duration("item", item, dt, allow_zero=False).low
        off = parse_duration("gap", gap, dt).low
        parts = [("item", on, True), ("gap", off, False)][: 1 + (off > 0)]
        name, steps, shown = parts.pop()
        parts += [(name, steps - 1, shown)] * (steps > 1) + [(name, 1, shown)]
        self.names = tuple(part[0] for part in parts)
        self.durations = np.array([part[1] for part in parts], dtype=np.int64)
        self.shown = np.array([part[2] for part in parts])
        self.window = on + off

    def lay_out(self, trials: Trials, early: Array, last: Array) -> None:
        """Fill in durations and codes of the first ``length`` windows of the trials.

        Args:
            trials: blank trials.
            early: (n, length) row codes before the last step of each window.
            last: (n, length) row codes of the last step.
        """
        length, per_item = early.shape[1], len(self.names)
        first = per_item * np.arange(length)
        trials.durations[:, : per_item * length] = np.tile(self.durations, length)
        for period in range(per_item - 1):
            trials.codes[:, first + period] = early
        trials.codes[:, first + per_item - 1] = last

    def show(self, trials: Trials, symbols: Array) -> None:
        """Show symbols (n, length) one-hot, on the first channels, as items of these windows."""
        n, length = symbols.shape
        first, every = len(self.names) * np.arange(length), np.arange(n)[:, None]
        for period in self.shown.nonzero()[0]:
            trials.patterns[every, first + period, symbols] = 1
