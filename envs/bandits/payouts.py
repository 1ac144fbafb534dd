"""Rewards of arms that pay or do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError, check_number
from ..core.task import Task

Array = npt.NDArray[Any]
AnyTask = TypeVar("AnyTask", bound=Task)

#: Default rewards of a trial that pays, and of one that does not.
PAYOUTS = {"reward": 1.0, "no_reward": 0.0}


def payouts(earns: Mapping[str, float]) -> tuple[float, float]:
    """Reward without and with a win; TaskError if they are the same."""
    low, high = earns["no_reward"], earns["reward"]
    if low == high:
        raise TaskError(f"rewards reward and no_reward are both {low:g}; pass two that differ.")
    return low, high


def won(reward: Any, payout: tuple[float, float]) -> Array:
    """Which rewards were those of a win, (n,) float64 of zeros and ones."""
    low, high = payout
    above = np.asarray(reward, dtype=np.float64) > (low + high) / 2
    return (above == (high > low)).astype(np.float64)


def check_positive(earns: Mapping[str, float], key: str) -> None:
    """TaskError unless the reward value of that name is above 0."""
    if earns[key] <= 0:
        raise TaskError(f"rewards {key}={earns[key]:g} is not above 0; pass such a number.")


def with_past(task: AnyTask, **changed: Any) -> AnyTask:
    """The task with previous choices and rewards in sight; who chose knows the choices anyway."""
    shown = {"prev_action": True, "prev_reward": True}
    return type(task).create(**{**task.parameters, **shown, **changed})


def check_pair(p: Any) -> tuple[float, float]:
    """Probabilities of a better and a worse arm; TaskError unless they are in this order."""
    if not isinstance(p, (list, tuple)) or len(p) != 2:
        raise TaskError(f"p={p!r} is not a pair of probabilities; pass (better, worse).")
    better, worse = (check_number("p", one, low=0.0, high=1.0) for one in p)
    if better <= worse:
        raise TaskError(f"p={p!r} names no better arm; put the higher probability first.")
    return better, worse
