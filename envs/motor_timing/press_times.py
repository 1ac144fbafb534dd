"""Exact scores of pressing by the clock alone, or by chance, where the first press counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def best_press_times(earned: Array, *, abort: bool, shown: int = 0) -> float:
    """Best score of a set of press times counted from the trial's start.

    Only the first press at or after Set counts, so the score of a set is a sum over neighbouring
    presses a < b: what b earns from all trials whose Set falls in (a, b]. The best set follows by
    dynamic programming over its last press. If a press before Set ends the trial, only the first
    press ever counts.

    A subject who also sees which steps are the first ones from Set on leaves its press times out
    there, so that a later press still answers the trial.

    Args:
        earned: (set step, press step) probability of that Set times the share that the press hits.
        abort: whether a press before Set ends the trial.
        shown: from Set on, how many steps show themselves, so that no press is made there.
    """
    sets, ends = earned.shape
    # By the step from which presses are made; what a press on a shown step would earn is left out.
    open_from = np.zeros((sets + shown, ends))
    since = np.arange(ends) - np.arange(sets)[:, None]
    open_from[shown:] = np.where(since >= shown, earned, 0.0)
    if not abort:
        return _best_chain(open_from)
    # The first press ends all trials with a later Set; those that show Set may be answered later.
    best = 0.0
    for first in range(ends):
        left = open_from[: first + shown + 1, first:]
        best = max(best, _best_chain(left, first) if shown else float(left[:, 0].sum()))
    return min(best, 1.0)


def _best_chain(earned: Array, first: int = 0) -> float:
    """Best sum over neighbouring presses a < b, steps counted from ``first``: b earns (a, b]."""
    ends = earned.shape[1]
    # within[a, b]: trials with Set from a on, answered at b.
    within = np.vstack([np.cumsum(earned[::-1], axis=0)[::-1], np.zeros((1, ends))])
    # By press step, from the step behind the press before.
    after = within[np.minimum(first + np.arange(ends) + 1, len(within) - 1)].T.copy()
    best = np.zeros(ends)
    for b in range(ends):
        # A first press at b answers every Set up to b; else the last press before was at a.
        best[b] = max(within[0, b], (best[:b] + after[b, :b]).max(initial=0.0))
    return min(float(best.max()), 1.0)  # sums of probabilities, up to rounding


def best_rate(score: Callable[[float], float]) -> float:
    """Largest value of a function of a press probability."""
    return best_of_rates(lambda rates: np.array([score(rate) for rate in rates]))


def best_of_rates(scores: Callable[[Array], Array]) -> float:
    """Largest value of a function of press probabilities (r,): finer grids around the best."""
    low, high, best = 0.0, 1.0, 0.0
    for _ in range(4):
        grid = np.linspace(low, high, 101)
        values = scores(grid)
        top = int(np.argmax(values))
        best = max(best, float(values[top]))
        low, high = grid[max(top - 1, 0)], grid[min(top + 1, 100)]
    return best
