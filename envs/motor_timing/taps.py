"""What tasks share in which several taps are to be made in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.policy import Policy, State
from ..core.response import Response
from ..core.scripted_task import Played
from ..core.simulation import simulated_score
from ..core.table import Rows
from ..core.task import Task

Array = npt.NDArray[Any]

TAP_REWARDS: Mapping[str, float] = MappingProxyType({"correct": 1.0, "extra": -0.1})
#: Row code of steps on which no tap is asked for; windows follow it.
OUTSIDE = 1
_TRIALS = 1500
#: Tap probabilities that are tried.
RATES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
#: Single changes of a schedule are tried where all of them take no more taps than this together.
_MANY = 4_000_000


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
    for window, action in enumerate(right.tolist()):
        code, met = 2 + window, 1 + window
        response.next[code, :, action] = met
        response.reward[code, :, action] = hit
        response.reward[code, met, action] = extra
    return response


def mark_windows(rows: Rows, due: Array, width: Array, which: Array | int = 1) -> None:
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


class RandomTapper(Policy):
    """Taps with a probability that the observation tells, with any effector, from its own luck."""

    def __init__(self, rate: Callable[[Array], Any], effectors: int) -> None:
        """Make the policy; ``rate`` maps observations (n, d) to tap probabilities."""
        self._rate, self._effectors = rate, effectors
        self._random = np.random.default_rng(0)

    def begin(self, n: int) -> State:
        return ()

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        taps = self._random.random(len(obs)) < self._rate(obs)
        return taps * self._random.integers(1, self._effectors + 1, len(obs)), state


def rate_score(task: Task, rate: Callable[[Array], Any], **options: Any) -> float:
    """Score of tapping with a probability that the observation tells, over 1,500 trials."""
    tapper = RandomTapper(rate, int(task.action_space.n) - 1)  # type: ignore[union-attr]
    return simulated_score(task, tapper, _TRIALS, **options)


def constant_score(task: Task, rate: float) -> float:
    """Score of tapping with a constant probability, simulated over 1,500 trials."""
    return rate_score(task, lambda obs: rate)


@dataclass
class TrialTypes:
    """All trials that can come, S of them, with the taps that they ask for.

    Attributes:
        due: (S, asked) steps from the trial's start at which taps are due.
        width: (S,) half-widths of the windows in steps.
        length: (S,) steps of the trial.
        weight: (S,) probabilities.
        which: (asked,) right action of each tap.
    """

    due: Array
    width: Array
    length: Array
    weight: Array
    which: Array

    def scores(self, plans: Array) -> Array:
        """Scores (P,) of taps at fixed steps, given as the actions (P, T) of each step."""
        effectors = int(self.which.max())
        taps = np.zeros((effectors, len(plans), plans.shape[1] + 1), dtype=np.int64)
        for effector in range(effectors):
            taps[effector, :, 1:] = np.cumsum(plans == effector + 1, axis=1)
        net = -taps.sum(axis=0)[:, self.length]
        for tap, action in enumerate(self.which):
            due, known = self.due[:, tap], taps[action - 1]
            # A hit is one tap that is not extra.
            net += 2 * (known[:, due + self.width + 1] > known[:, due - self.width])
        return np.maximum(net, 0) / len(self.which) @ self.weight

    def best_schedule(self) -> float:
        """Score of the best schedule found: one type's taps, changed while that brings more."""
        steps, actions = int(self.length.max()), int(self.which.max()) + 1
        plans = np.zeros((len(self.due), steps), dtype=np.int64)
        np.put_along_axis(plans, self.due, np.broadcast_to(self.which, self.due.shape), axis=1)
        scores = self.scores(plans)
        best, plan = float(scores.max()), plans[scores.argmax()]
        each = np.arange(steps)
        while steps * steps * actions <= _MANY:
            plans = np.tile(plan, (actions, steps, 1))
            plans[:, each, each] = np.arange(actions)[:, None]
            plans = plans.reshape(-1, steps)
            scores = self.scores(plans)
            if scores.max() <= best + 1e-12:
                break
            best, plan = float(scores.max()), plans[scores.argmax()]
        return best


def blind_score(task: Task, types: TrialTypes) -> float:
    """Best score known without observations: a constant tap probability, or a schedule."""
    return max(types.best_schedule(), *(constant_score(task, rate) for rate in RATES))
