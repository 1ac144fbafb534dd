"""The moving point of the reaching task, a tuned controller for it, and what both can do."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..core.random import Draws

if TYPE_CHECKING:
    from .delayed_reach import DelayedReach

Array = npt.NDArray[Any]

#: Walls of the room, and the highest speed along an axis.
ROOM, FASTEST = 2.0, 20.0
_SPEEDS = np.geomspace(1.0, 30.0, 24)  # per second
_FIRMNESS = (0.3, 0.5, 0.7, 0.85, 1.0)
_RANDOM_TRIALS = 20_000


class PointMass:
    """A point that is pushed around, braked by viscosity and turned aside by a curl field.

    Over a step the push counts as one impulse at its beginning; viscosity and curl are exact.

    Args:
        dt: one step in s.
        acceleration: of a push of 1, in reaches per s^2.
        damping: viscosity per mass, 1/s.
        curl: strength of the field per mass, 1/s; positive turns movements to the left.
    """

    def __init__(self, dt: float, acceleration: float, damping: float, curl: float) -> None:
        self.dt, self.impulse = dt, dt * acceleration
        angle, kept = dt * curl, np.exp(-dt * damping)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        self._turn, self._back = kept * turn, turn.T / max(kept, 1e-12)

    def move(self, x: Array, v: Array, push: Array) -> tuple[Array, Array]:
        """Position and velocity (n, 2) after a step with a push (n, 2)."""
        v = (v + self.impulse * push) @ self._turn
        v = np.minimum(np.maximum(v, -FASTEST), FASTEST)
        x = x + self.dt * v
        return np.minimum(np.maximum(x, -ROOM), ROOM), v

    def control(self, error: Array, v: Array, gains: tuple[float, float]) -> Array:
        """Push (n, 2) that closes the gap ``error`` (n, 2): a PD controller that knows the field.

        The velocity asked for is ``speed * error``; the share ``firmness`` of what is missing is
        made good at once.
        """
        speed, firmness = gains
        push = firmness / self.impulse * ((speed * error) @ self._back - v)
        return np.clip(push, -1.0, 1.0)


def targets(count: int) -> Array:
    """(count, 2) positions of targets on the unit circle."""
    angle = 2 * np.pi * np.arange(count) / count
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def reach(
    task: DelayedReach, goals: Array, gains: tuple[float, float], steps: int, start: Array | None
) -> Array:
    """(steps, k, 2) positions after each step of reaches to goals (k, 2), from rest."""
    x = np.zeros_like(goals) if start is None else start
    v = np.zeros_like(x)
    path = []
    for _ in range(steps):
        x, v = task.plant.move(x, v, _sent(task.plant.control(goals - x, v, gains)))
        path.append(x)
    return np.array(path)


def _sent(push: Array) -> Array:
    """Pushes as they arrive: actions are float32."""
    return push.astype(np.float32).astype(np.float64)


def tune(task: DelayedReach) -> tuple[tuple[float, float], float]:
    """The controller's best gains and the share of targets that it reaches and holds.

    Of all pairs on a grid of 24 speeds and 5 degrees of firmness the one that holds most targets,
    among these the one with the least distance on the way.
    """
    goals = targets(task.n_targets)
    best: tuple[float, float, tuple[float, float]] = (-1.0, 0.0, (1.0, 1.0))
    for gains in product(_SPEEDS.tolist(), _FIRMNESS):
        away = _distance(reach(task, goals, gains, task.move_steps, None), goals)
        held = (away[-task.hold_steps :] <= task.radius).all(axis=0).mean()
        best = max(best, (float(held), -float(away.mean()), gains))
    return best[2], best[0]


def _distance(path: Array, goals: Array) -> Array:
    return np.sqrt(((path - goals) ** 2).sum(axis=2))


def leaning_score(task: DelayedReach, gains: tuple[float, float]) -> float:
    """Score of the policy that leans towards the target inside the start area.

    It sees the target only in the cue; the lean tells it where to go. The mean over targets and
    delays is exact.
    """
    goals = targets(task.n_targets)
    lean = 0.7 * min(task.start_radius, 1.0)
    x, v = np.zeros_like(goals), np.zeros_like(goals)
    score, plant = 0.0, task.plant
    share = dict(zip(task.delays.steps.tolist(), task.delays.probability.tolist(), strict=True))
    for step in range(task.cue_steps + int(task.delays.steps[-1])):
        wanted = lean * goals if step < task.cue_steps else lean * _outwards(x)
        x, v = plant.move(x, v, _sent(plant.control(wanted - x, v, gains)))
        if (np.hypot(*x.T) > task.start_radius).any():
            return 0.0
        delay = step + 1 - task.cue_steps
        if delay in share:
            score += share[delay] * _finish_lean(task, x, v, gains)
    return score


def _finish_lean(task: DelayedReach, x: Array, v: Array, gains: tuple[float, float]) -> float:
    goals, held = targets(task.n_targets), np.ones(len(x), dtype=bool)
    for step in range(task.move_steps):
        near = (_outwards(x) @ goals.T).argmax(axis=1)
        x, v = task.plant.move(x, v, _sent(task.plant.control(goals[near] - x, v, gains)))
        if step >= task.move_steps - task.hold_steps:
            held &= np.hypot(*(goals - x).T) <= task.radius
    return float(held.mean())


def _outwards(x: Array) -> Array:
    return x / np.maximum(np.hypot(x[:, 0], x[:, 1]), 1e-9)[:, None]


def blind_score(task: DelayedReach, gains: tuple[float, float]) -> float:
    """Best score of going, at a fixed step, to a fixed place that covers as many targets as can be.

    Places on a grid of 21 distances and 8 directions per target are tried, the moment is the best
    one. Whoever leaves too soon is early, whoever leaves too late has no time to hold.
    """
    directions = targets(8 * task.n_targets)
    places = (np.linspace(0, 1, 21)[:, None, None] * directions[: 8 + 1]).reshape(-1, 2)
    offsets = places[:, None] - targets(task.n_targets)
    covers = (np.hypot(offsets[..., 0], offsets[..., 1]) <= 0.98 * task.radius).mean(axis=1)
    longest = int(task.delays.steps[-1])
    path = reach(task, places, gains, longest + task.move_steps, None)
    there = _distance(path, places) <= 0.02 * task.radius
    out = np.hypot(path[..., 0], path[..., 1]) > task.start_radius
    # Steps until the place is reached for good, and until the start is left (never: very late).
    settled = len(path) - there[::-1].cumprod(axis=0).sum(axis=0)
    left = np.where(out.any(axis=0), out.argmax(axis=0), 10 * len(path))
    go = task.delays.steps
    best = 0.0
    for wait in range(longest + 1):
        fine = wait + left[:, None] >= go
        fine &= wait + settled[:, None] <= go + task.move_steps - task.hold_steps
        best = max(best, float((covers * (fine @ task.delays.probability)).max()))
    return best


def random_score(task: DelayedReach) -> float:
    """Score of random pushes, over 20,000 trials with fixed seeds."""
    every, none = np.arange(_RANDOM_TRIALS), np.zeros(_RANDOM_TRIALS, dtype=np.int64)
    before = task.cue_steps + int(task.delays.steps[-1])
    draws = Draws(every, none, stream=1, ahead=2 * (before + task.move_steps) + 8)
    go = task.cue_steps + draws.duration(task.delays)
    goals = targets(task.n_targets)[draws.integers(task.n_targets)]
    x, v = np.zeros((_RANDOM_TRIALS, 2)), np.zeros((_RANDOM_TRIALS, 2))
    good = np.ones(_RANDOM_TRIALS, dtype=bool)
    for step in range(before + task.move_steps):
        x, v = task.plant.move(x, v, 2 * draws.uniform(2) - 1)
        waits = step < go
        holds = (step >= go + task.move_steps - task.hold_steps) & (step < go + task.move_steps)
        good &= ~waits | (np.hypot(*x.T) <= task.start_radius)
        good &= ~holds | (np.hypot(*(goals - x).T) <= task.radius)
    return float(good.mean())
