"""What tasks share in which several taps are to be made in time."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.policy import Policy, State
from ..core.response import Response
from ..core.simulation import simulated_score
from ..core.table import Rows
from ..core.task import Played, Task

Array = npt.NDArray[Any]

TAP_REWARDS: Mapping[str, float] = MappingProxyType({"correct": 1.0, "extra": -0.1})
#: Row code of steps on which no tap is asked for; windows follow it.
OUTSIDE = 1
_TRIALS = 1500


def tap_response(
    asked: int, effectors: int, earns: Mapping[str, float], which: Any = None
) -> Response:
    """Codes 2, 3, ... are the windows of the taps asked for; the first right tap in each counts.

    States are 0 and the number of the window that has been met last.

    Args:
        asked: number of windows.
        effectors: number of actions besides withholding.
        earns: rewards ``correct`` and ``extra`` of a trial.
        which: (asked,) right action of each window; None for 1.
    """
    right = np.ones(asked, dtype=np.int64) if which is None else np.asarray(which)
    none = np.zeros(asked + 1, dtype=np.int64)
    response = Response(2 + asked, asked + 1, effectors + 1, {"correct": none, "choice": none})
    hit, extra = earns["correct"] / asked, earns["extra"] / asked
    for action in range(1, effectors + 1):
        response.reward[OUTSIDE:, :, action] = extra
    for window in range(asked):
        code, met, action = 2 + window, 1 + window, int(right[window])
        others = np.arange(asked + 1) != met
        response.next[code, others, action], response.reward[code, others, action] = met, hit
    return response


def mark_windows(rows: Rows, due: Array, width: Array, which: Any = 1) -> None:
    """Give the rows around each tap its window's code, and the tap's row its target.

    Args:
        rows: of the table, all ``OUTSIDE`` so far.
        due: (n, asked) rows on which the taps of n trials are due.
        width: (n,) steps by which a tap may miss, by trial; windows do not overlap.
        which: (asked,) right action of each window, or one for all.
    """
    codes = np.broadcast_to(OUTSIDE + 1 + np.arange(due.shape[1]), due.shape)
    for apart in range(int(width.max()) + 1):
        wide = width >= apart
        rows.code[due[wide] - apart] = rows.code[due[wide] + apart] = codes[wide]
    rows.target[due] = which


def tap_facts(played: Played, asked: int, which: Any = None) -> tuple[Array, Array, Array]:
    """First right tap in each window (k, asked) in steps, NaN without; hits and extra taps (k,)."""
    actions, codes = played.actions, played.codes
    right = np.ones(asked, dtype=np.int64) if which is None else np.asarray(which)
    wanted = np.concatenate([[-9, -9], right])[codes]
    meets = (actions == wanted) & (codes > OUTSIDE)
    times = np.full((len(actions), asked), np.nan)
    # Backwards, so that the first tap of a window stays.
    rows, steps = meets.nonzero()
    times[rows[::-1], codes[rows, steps][::-1] - 2] = steps[::-1]
    hits = (~np.isnan(times)).sum(axis=1)
    return times, hits, (actions > 0).sum(axis=1) - hits


class ConstantTapper(Policy):
    """Each action with a constant probability, from an own generator."""

    def __init__(self, probability: Array) -> None:
        self._edges = np.cumsum(probability)[:-1]
        self._random = np.random.default_rng(0)

    def begin(self, n: int) -> State:
        return ()

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        return np.searchsorted(self._edges, self._random.random(len(obs)), side="right"), state


def random_taps(task: Task, probability: Array) -> float:
    """Score of tapping with constant probabilities (actions,), simulated over 1,500 trials."""
    return simulated_score(task, ConstantTapper(probability), _TRIALS)


def best_tapper(task: Task) -> float:
    """Best score of a constant tap probability, the same for all effectors, on a grid."""
    effectors = int(task.action_space.n) - 1  # type: ignore[union-attr]
    scores = [
        random_taps(task, np.array([1.0 - rate, *[rate / effectors] * effectors]))
        for rate in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
    ]
    return max(0.0, *scores)
