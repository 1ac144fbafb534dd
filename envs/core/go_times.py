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


def best_moment(right: Array, decision: int) -> float:
    """Best score of a single answer at a fixed step, where one before the cue ends the trial.

    Args:
        right: as above.
        decision: steps in which to answer.
    """
    window = np.ones(decision)
    return max(float(np.convolve(one, window).max()) for one in right)
