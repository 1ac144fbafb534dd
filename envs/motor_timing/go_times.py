"""What the time of the go cue alone tells, where it is the later the longer an interval was."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def sum_of_steps(*periods: tuple[Array, Array]) -> Array:
    """Distribution (T,) of the sum of independent periods, each steps (k,) and probability (k,)."""
    mass = np.ones(1)
    for steps, probability in periods:
        spread = np.zeros(int(np.max(steps)) + 1)
        spread[steps] = probability
        mass = np.convolve(mass, spread)
    return mass


def pad_sum(parts: list[Array]) -> Array:
    """Sum of arrays (T,) of different lengths."""
    total = np.zeros(max(len(part) for part in parts))
    for part in parts:
        total[: len(part)] += part
    return total


def best_by_time(right: Array) -> float:
    """Best score of who sees the go cue and the time, and nothing else.

    Args:
        right: (answers, T) probability that the cue comes at that step and the answer is right.
    """
    return min(float(right.max(axis=0).sum()), 1.0)


def best_blind(right: Array, decision: int, *, abort: bool) -> float:
    """Best score of one answer all the time; if early answers end the trial, of its best moment.

    Args:
        right: as above.
        decision: steps in which to answer.
        abort: whether an answer before the cue ends the trial.
    """
    if not abort:
        return float(right.sum(axis=1).max())
    window = np.ones(decision)
    return max(float(np.convolve(one, window).max()) for one in right)
