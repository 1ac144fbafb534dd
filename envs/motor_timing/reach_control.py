"""The moving point of the reaching task, a tuned controller for it, and what both can do."""

from __future__ import annotations

from collections.abc import Sequence
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
#: Most random trials, and about so many steps of them.
_RANDOM_TRIALS, _RANDOM_STEPS = 20_000, 2_000_000
#: A quarter turn to the left takes (a, b) to (-b, a).
_LEFT = np.array([[-1.0], [1.0]])


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
        self._turns = bool(damping or curl)
        self._straight, self._aside = kept * np.cos(angle), kept * np.sin(angle) * _LEFT
        self._straight_alone = float(self._straight)
        self._aside_alone = self._aside.ravel().tolist()
        undone = max(kept, 1e-12) ** 2
        self._back = self._straight / undone, -self._aside / undone

    def move(self, x: Array, v: Array, push: Array) -> tuple[Array, Array]:
        """Position and velocity (2, n) after a step with a push (2, n).

        Written without products of matrices, whose rounding depends on n.
        """
        v = v + self.impulse * push
        if self._turns:
            v = v * self._straight + v[::-1] * self._aside
        v = np.minimum(np.maximum(v, -FASTEST), FASTEST)
        x = x + self.dt * v
        return np.minimum(np.maximum(x, -ROOM), ROOM), v

    def move_alone(
        self, x: Sequence[float], v: Sequence[float], push: Sequence[float]
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        """``move`` for a single point, in plain Python."""
        v_x, v_y = v[0] + self.impulse * push[0], v[1] + self.impulse * push[1]
        if self._turns:
            straight, (to_x, to_y) = self._straight_alone, self._aside_alone
            v_x, v_y = v_x * straight + v_y * to_x, v_y * straight + v_x * to_y
        v_x = min(max(v_x, -FASTEST), FASTEST)
        v_y = min(max(v_y, -FASTEST), FASTEST)
        x_x = min(max(x[0] + self.dt * v_x, -ROOM), ROOM)
        x_y = min(max(x[1] + self.dt * v_y, -ROOM), ROOM)
        return (x_x, x_y), (v_x, v_y)

    def control(self, error: Array, v: Array, gains: tuple[float, float]) -> Array:
        """Push (2, n) that closes the gap ``error`` (2, n): a PD controller that knows the field.

        The velocity asked for is ``speed * error``; the share ``firmness`` of what is missing is
        made good at once.
        """
        speed, firmness = gains
        wanted = speed * error
        if self._turns:
            wanted = wanted * self._back[0] + wanted[::-1] * self._back[1]
        push = firmness / self.impulse * (wanted - v)
        # Too strong a push is weakened, not turned aside: movements stay straight.
        return push / np.maximum(np.abs(push).max(axis=0), 1.0)


def targets(count: int) -> Array:
    """(2, count) positions of targets on the unit circle."""
    angle = 2 * np.pi * np.arange(count) / count
    return np.stack([np.cos(angle), np.sin(angle)])


def length(vectors: Array) -> Array:
    """Length of vectors, whose components lie along the last axis but one."""
    squares = vectors * vectors
    return np.sqrt(squares[..., 0, :] + squares[..., 1, :])


def reach(task: DelayedReach, goals: Array, gains: tuple[float, float], steps: int) -> Array:
    """(steps, 2, k) positions after each step of reaches to goals (2, k), from rest."""
    x = v = np.zeros_like(goals)
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
        away = length(reach(task, goals, gains, task.move_steps) - goals)
        held = (away[-task.hold_steps :] <= task.radius).all(axis=0).mean()
        best = max(best, (float(held), -float(away.mean()), gains))
    return best[2], best[0]


def leaning_score(task: DelayedReach, gains: tuple[float, float]) -> float:
    """Score of the policy that leans towards the target inside the start area.

    It sees the target only in the cue; the lean tells it where to go. The mean over targets and
    delays is exact.
    """
    goals, plant = targets(task.n_targets), task.plant
    lean = 0.7 * task.start_radius
    x = v = np.zeros_like(goals)
    share = dict(zip(task.delays.steps.tolist(), task.delays.probability.tolist(), strict=True))
    score = 0.0
    for step in range(task.cue_steps + task.delays.high):
        wanted = lean * (goals if step < task.cue_steps else _outwards(x))
        x, v = plant.move(x, v, _sent(plant.control(wanted - x, v, gains)))
        if (length(x) > task.start_radius).any():
            return 0.0
        delay = step + 1 - task.cue_steps
        if delay in share:
            score += share[delay] * _finish_lean(task, x, v, gains)
    return score


def _finish_lean(task: DelayedReach, x: Array, v: Array, gains: tuple[float, float]) -> float:
    """Share of targets held by who goes from x (2, k) to the target in that direction."""
    goals, held = targets(task.n_targets), np.ones(x.shape[1], dtype=bool)
    for step in range(task.move_steps):
        near = goals[:, (goals.T @ x).argmax(axis=0)]
        x, v = task.plant.move(x, v, _sent(task.plant.control(near - x, v, gains)))
        if step >= task.move_steps - task.hold_steps:
            held &= length(goals - x) <= task.radius
    return float(held.mean())


def _outwards(x: Array) -> Array:
    return x / np.maximum(length(x), 1e-9)


def blind_score(task: DelayedReach, gains: tuple[float, float]) -> float:
    """Best score of going to a fixed place at a fixed step with the tuned controller.

    Places at 21 distances, in directions an eighth of the angle between targets apart, and all
    steps are tried. Whoever leaves too soon is early, whoever leaves too late has no time to hold.
    """
    directions = targets(8 * task.n_targets)[:, :9]
    places = (np.linspace(0, 1, 21)[:, None] * directions[:, None]).reshape(2, -1)
    longest = task.delays.high
    path = reach(task, places, gains, longest + task.move_steps)
    out = length(path) > task.start_radius
    left = np.where(out.any(axis=0), out.argmax(axis=0), len(path))
    # (steps, places) share of targets that are held from that step of the path on.
    held = np.zeros(path[:, 0].shape)
    for goal in targets(task.n_targets).T:
        inside = length(path - goal[:, None]) <= task.radius
        count = np.cumsum(np.concatenate([np.zeros_like(inside[:1]), inside]), axis=0)
        windows = count[task.hold_steps :] - count[: -task.hold_steps] == task.hold_steps
        held[: windows.shape[0]] += windows / task.n_targets
    scores = np.zeros((longest + 1, len(left)))
    for go, probability in zip(task.delays.steps, task.delays.probability, strict=True):
        for wait in range(longest + 1):
            first = go + task.move_steps - task.hold_steps - wait
            if first >= 0:  # before that the point is at the start, which is in no target
                scores[wait] += probability * held[first] * (wait + left >= go)
    return float(scores.max())


def random_score(task: DelayedReach) -> float:
    """Score of random pushes, over 20,000 trials with fixed seeds; fewer if they are long."""
    steps = task.cue_steps + task.delays.high + task.move_steps
    trials = min(_RANDOM_TRIALS, max(_RANDOM_STEPS // steps, 1000))
    every, none = np.arange(trials), np.zeros(trials, dtype=np.int64)
    draws = Draws(every, none, stream=1, ahead=min(2 * steps + 8, 200))
    go = task.cue_steps + draws.duration(task.delays)
    goals = targets(task.n_targets)[:, draws.integers(task.n_targets)]
    x = v = np.zeros((2, trials))
    good = np.ones(trials, dtype=bool)
    for step in range(steps):
        x, v = task.plant.move(x, v, 2 * draws.uniform(2).T - 1)
        since = step - go
        holds = (since >= task.move_steps - task.hold_steps) & (since < task.move_steps)
        good &= (since >= 0) | (length(x) <= task.start_radius)
        good &= ~holds | (length(goals - x) <= task.radius)
    return float(good.mean())
