"""The reflected walks of the two-step task, the filter that follows them, and its score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..core.random import Draws

if TYPE_CHECKING:
    from .two_step import TwoStep

Array = npt.NDArray[Any]

_POINTS = 41
_SESSIONS, _FEWEST, _TRIALS = 400, 40, 80_400
_LONGEST = 2000


def fold(position: Array, low: float, high: float) -> Array:
    """Positions of an unbounded walk, reflected at the bounds as often as needed."""
    span = high - low
    if span == 0:
        return np.full_like(position, low)
    return low + np.abs(np.mod(position - low + span, 2 * span) - span)


class WalkFilter:
    """Beliefs about four probabilities that walk between bounds, on a grid.

    Args:
        bounds: lowest and highest probability.
        step: standard deviation of a step.
    """

    def __init__(self, bounds: tuple[float, float], step: float) -> None:
        low, high = bounds
        width = (high - low) / _POINTS
        self._grid = low + width * (np.arange(_POINTS) + 0.5)
        self._move = _kernel(step / width if width else 0.0)

    def begin(self, n: int) -> Array:
        """(n, 4, points) beliefs at the start of a session."""
        return np.full((n, 4, _POINTS), 1 / _POINTS)

    def mean(self, belief: Array) -> Array:
        """(n, 4) expected probabilities."""
        return belief @ self._grid

    def learn(self, belief: Array, option: Array, won: Array) -> Array:
        """Beliefs one trial after choosing ``option`` (n,) with the outcome ``won`` (n,)."""
        every = np.arange(len(belief))
        seen = belief[every, option] * np.where(won[:, None], self._grid, 1 - self._grid)
        total = seen.sum(axis=1, keepdims=True)
        belief = belief.copy()
        # Where an outcome is held impossible, nothing is learned from it.
        np.divide(seen, total, out=seen, where=total > 0)
        belief[every, option] = np.where(total > 0, seen, belief[every, option])
        return belief @ self._move


def _kernel(step: float) -> Array:
    """(points, points) probabilities of going from one point to another, steps in grid widths."""
    here, there = np.arange(_POINTS)[:, None], np.arange(_POINTS)
    if step > 2 * _POINTS:
        return np.full((_POINTS, _POINTS), 1 / _POINTS)
    if step * step < 0.5:
        # To the neighbours, so often that the variance is right; those at the bounds stay.
        side = step * step / 2
        move = np.where(np.abs(here - there) == 1, side, 0.0)
        return move + np.diag(1 - move.sum(axis=1))
    rounds = int(5 * step / _POINTS) + 1
    move = np.zeros((_POINTS, _POINTS))
    for turn in range(-rounds, rounds + 1):
        for image in (there, -1 - there):
            move += np.exp(-0.5 * ((image + 2 * _POINTS * turn - here) / step) ** 2)
    return move / move.sum(axis=1, keepdims=True)


def full_knowledge(bounds: tuple[float, float], p_common: float) -> float:
    """Expected reward of who knows the four probabilities, which are evenly spread.

    Of four independent values evenly spread over [0, 1] the highest is 4/5 on average; the better
    one of the other pair makes up the rest of 2 * 2/3, the sum of both pairs' better ones.
    """
    best, other = 4 / 5, 4 / 3 - 4 / 5
    return bounds[0] + (bounds[1] - bounds[0]) * (p_common * best + (1 - p_common) * other)


def greedy_score(task: TwoStep) -> float:
    """Reward per trial of the greedy Bayesian observer, simulated with fixed seeds."""
    trials = min(task.trials_per_episode, _LONGEST)
    sessions = max(_FEWEST, min(_SESSIONS, _TRIALS // trials))
    every, none = np.arange(sessions), np.zeros(sessions, dtype=np.int64)
    draws = Draws(every, none, stream=1, ahead=6 * trials + 4)
    walk = draws.normal(trials, 4) * task.walk_sd
    walk[:, 0] = draws.uniform(4) * (task.bounds[1] - task.bounds[0])
    p = fold(np.cumsum(walk, axis=1) + task.bounds[0], *task.bounds)
    luck, common = draws.uniform(trials), draws.uniform(trials) < task.p_common
    tracker = WalkFilter(task.bounds, task.walk_sd)
    belief = tracker.begin(sessions)
    earned = np.zeros(sessions)
    for trial in range(trials):
        mean = tracker.mean(belief).reshape(-1, 2, 2)
        first = mean.max(axis=2).argmax(axis=1)
        planet = np.where(common[:, trial], first, 1 - first)
        option = 2 * planet + mean[every, planet].argmax(axis=1)
        # Expected rewards have the same mean as drawn ones, and less noise.
        options = 2 * np.arange(2) + mean.argmax(axis=2)
        value = p[every[:, None], trial, options]
        earned += _mixed(value[every, first], value[every, 1 - first], task.p_common)
        belief = tracker.learn(belief, option, luck[:, trial] < p[every, trial, option])
    better = p.reshape(sessions, trials, 2, 2).max(axis=3)
    known = _mixed(better.max(axis=2), better.min(axis=2), task.p_common).mean(axis=1)
    gap = float((known - earned / trials).mean())
    return max(full_knowledge(task.bounds, task.p_common) - gap, sum(task.bounds) / 2)


def _mixed(common: Array, rare: Array, p_common: float) -> Array:
    return p_common * common + (1 - p_common) * rare
