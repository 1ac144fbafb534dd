"""Reaching to one of several targets, after a delay, on a signal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import TaskError, check_flag, check_int, check_number
from ..core.interactive_task import InteractiveTask
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.task import Channel, Yardsticks
from ..core.time import DurationLike, parse_duration
from .reach_control import (
    FASTEST,
    ROOM,
    PointMass,
    blind_score,
    leaning_score,
    random_score,
    targets,
    tune,
)

Array = npt.NDArray[Any]
World = dict[str, Array]

#: Longest trial in steps: each step keeps the path so far.
_MOST_STEPS = 2000


@dataclass(kw_only=True, eq=False)
class DelayedReach(InteractiveTask):
    """See a target, wait for the go signal, then push a point mass to the target and hold it there.

    Timeline: ``cue`` (a target on a circle of radius 1 around the start is shown), ``delay`` (it
    stays, or with ``memory`` it vanishes), then the go signal for ``movement``; the point must be
    in the target for the last ``hold`` of it. A rest follows in which nothing counts, so that
    trials with long and with short delays are equally long.

    =========================  =========  ======================================================
    Observation                Range      Meaning
    =========================  =========  ======================================================
    ``go``                     0, 1       the go signal, on for the movement period
    ``target_x``, ``target_y`` -1 to 1    target (0, 0 while it is not shown)
    ``x``, ``y``               -2 to 2    position, the room has walls at 2
    ``v_x``, ``v_y``           -20 to 20  velocity, per s
    =========================  =========  ======================================================

    Actions: pushes along x and y, -1 to 1 each; 1 accelerates by ``acceleration``.

    Reward: ``hold`` (1, spread over the steps of the hold period) in the target; while the go
    signal is on ``distance`` (-.1) times the distance from the target and ``effort`` (-.02) times
    the squared push, both means over the movement period; ``early`` (-.02) on each step before
    the go signal that ends outside the start area. The return at the optimum is about 1: .97 by
    default.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` and ``target`` (its index),
    ``correct`` (in the target for the whole hold period, and not early), ``choice`` (the index of
    the target that the point is in at the end, -1 if in none), ``early`` (left the start area
    before the go signal), ``rt`` (ms from the go signal until the start area is left, NaN if it
    is not, or was before), ``delay_ms``, ``movement_ms`` (from leaving the start area until the
    target is entered for good, NaN if one is missing), ``hold_ms`` (spent in the target in the hold
    period), ``end_error`` (distance from the target at the end), ``peak_speed`` (per s),
    ``curvature`` (largest distance from the straight line between start and target since the go
    signal, positive to its left), ``path_length`` (since the go signal).

    Score: share of correct reaches. Nothing is random but target and delay. Yardsticks: optimum is
    the score of the oracle, a PD controller that knows the force field and whose two gains are
    tuned on a grid: 1 unless the movement period is too short, or the field too strong, for
    straight reaches (other policies may do better then). Without ``memory`` the controller is
    memoryless; with it the memoryless number is that of a policy that keeps the target in its
    posture: it leans towards it inside the start area. Chance is the best of going at a fixed step
    to a fixed place with the same controller; random is simulated over 20,000 trials with fixed
    seeds.

    Args:
        n_targets: 1 to 64.
        cue: duration of the cue, ms.
        delay: between cue and go signal, ms; a number, (low, high) or a named distribution.
        movement: from the go signal to the end, ms: the movement-time goal and the hold.
        hold: the last part of ``movement``, ms.
        radius: of the targets, in reaches (distances from start to target).
        start_radius: of the start area, below 1 - radius.
        memory: whether the target vanishes with the cue.
        acceleration: of a push of 1, in reaches per s^2; 25 can cover a reach in .4 s.
        damping: viscosity per mass, 1/s.
        curl: force field that pushes at right angles to the velocity, to the left where positive,
            in 1/s per unit of velocity.

    Centre-out reaching with instructed delay after Georgopoulos, Kalaska, Caminiti and Massey 1982
    (doi:10.1523/JNEUROSCI.02-11-01527.1982) and, for the delay, Churchland, Cunningham, Kaufman
    and others 2012 (doi:10.1038/nature11129); the curl field is that of Shadmehr and
    Mussa-Ivaldi 1994 (doi:10.1523/JNEUROSCI.14-05-03208.1994).

    Versions: v0, first release. Variants: -Memory (the target vanishes), -Field (curl 6).

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/DelayedReach-v0", n_targets=4, delay=300)
    >>> obs, info = env.reset(seed=0)
    >>> task = env.unwrapped.task
    >>> oracle, state, over = task.oracle(), None, False
    >>> while not over:
    ...     action, state = oracle.predict(obs, state)
    ...     obs, reward, over, truncated, info = env.step(action)
    >>> info["correct"], info["early"], info["delay_ms"]
    (1, 0, 300.0)
    """

    dt: float = 50.0
    n_targets: int = 8
    cue: float = 200.0
    delay: DurationLike = (200.0, 600.0)
    movement: float = 800.0
    hold: float = 200.0
    radius: float = 0.15
    start_radius: float = 0.15
    memory: bool = False
    acceleration: float = 25.0
    damping: float = 0.0
    curl: float = 0.0

    name: ClassVar[str] = "DelayedReach"
    family: ClassVar[str] = "motor_timing"
    measures: ClassVar[str] = "reaction and movement time, curvature, end error, peak speed"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(
        {"hold": 1.0, "distance": -0.1, "effort": -0.02, "early": -0.02}
    )
    action_names = ("push x", "push y")
    period_names: ClassVar[tuple[str, ...]] = ("cue", "delay", "movement", "rest")
    begins_each_trial = True
    draws_ahead = 4
    int_facts = ("trial", "condition", "target", "correct", "choice", "early")
    float_facts = (
        *("rt", "delay_ms", "movement_ms", "hold_ms", "end_error", "peak_speed"),
        *("curvature", "path_length"),
    )

    def prepare(self) -> None:
        self.n_targets = check_int("n_targets", self.n_targets, 1, 64)
        self.memory = check_flag("memory", self.memory)
        self.radius = check_number("radius", self.radius, low=1e-3, high=1.0)
        self.start_radius = check_number("start_radius", self.start_radius, low=1e-3)
        if self.start_radius + self.radius >= 1:
            raise TaskError(
                f"start_radius={self.start_radius!r} and radius={self.radius!r} let start and "
                "targets touch; make their sum less than 1."
            )
        self.acceleration = check_number("acceleration", self.acceleration, low=1e-3)
        self.damping = check_number("damping", self.damping, low=0.0, high=1e3)
        self.curl = check_number("curl", self.curl, low=-1e3, high=1e3)
        for name in ("cue", "movement", "hold"):
            setattr(self, name, check_number(name, getattr(self, name), low=0.0))
        self.delays = parse_duration("delay", self.delay, self.dt)
        self.cue_steps, self.move_steps, self.hold_steps = (
            parse_duration(name, getattr(self, name), self.dt, allow_zero=False).low
            for name in ("cue", "movement", "hold")
        )
        if self.hold_steps > self.move_steps:
            raise TaskError(
                f"hold={self.hold!r} is longer than movement={self.movement!r}, of which it is the "
                "last part; use a shorter hold or a longer movement period."
            )
        self.max_steps = self.cue_steps + self.delays.high + self.move_steps
        self.check_fits("steps in a trial", self.max_steps, _MOST_STEPS)
        self.plant = PointMass(self.dt / 1000, self.acceleration, self.damping, self.curl)
        self._goals = targets(self.n_targets)
        self._start_square = self.start_radius**2
        self.channels = (
            Channel("go"),
            *(Channel(name, -1.0, 1.0) for name in ("target_x", "target_y")),
            *(Channel(name, -ROOM, ROOM) for name in ("x", "y")),
            *(Channel(name, -FASTEST, FASTEST) for name in ("v_x", "v_y")),
        )
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.n_conditions = self.n_targets
        earns = self.earns
        per_hold = earns["hold"] / self.hold_steps
        self._per_distance = earns["distance"] / self.move_steps
        self._per_effort = earns["effort"] / self.move_steps
        # By step since the go signal, moved by max_steps: what being in the target brings, what
        # being outside the start brings, and whether distance and effort count.
        since = np.arange(2 * self.max_steps + 2) - self.max_steps
        moving = (since >= 0) & (since < self.move_steps)
        holding = moving & (since >= self.move_steps - self.hold_steps)
        self._worth = np.stack([per_hold * holding, earns["early"] * (since < 0), 1.0 * moving])
        self._worth_alone = self._worth.T.tolist()

    def reward_range(self) -> tuple[float, float]:
        farthest = 1 + ROOM * np.sqrt(2)
        per_hold = self.earns["hold"] / self.hold_steps
        moving = [self._per_distance * farthest, 2 * self._per_effort, per_hold]
        ends = [
            min(self.earns["early"], sum(min(0.0, part) for part in moving), 0.0),
            max(self.earns["early"], sum(max(0.0, part) for part in moving), 0.0),
        ]
        return float(ends[0]), float(ends[1])

    # ---------------------------------------------------------------- the world

    def luck(self, draws: Draws) -> World:
        target = draws.integers(self.n_targets)
        return {"target": target, "go": self.cue_steps + draws.duration(self.delays)}

    # Components lie along the first axis in memory, so that each is one stretch: worlds are
    # transposed, and actions as well.

    def begin(self, luck: World) -> World:
        n = len(luck["go"])
        body = np.zeros((6, n))
        body[:2] = self._goals[:, luck["target"]]
        clock = np.stack([np.zeros(n, dtype=np.int64), self.max_steps - luck["go"]])
        return {
            # Steps done, and the same counted from max_steps before the go signal.
            "clock": clock.T,
            "body": body.T,  # target, position, velocity
            "path": np.zeros((n, self.max_steps + 1, 2)),  # positions after each step
        }

    def observe(self, world: World, obs: Array) -> None:
        t, phase = world["clock"].T
        obs[:, 0] = self._worth[2].take(phase)
        obs[:, 1:7] = world["body"]
        if self.memory:
            obs[t >= self.cue_steps, 1:3] = 0

    def act(self, world: World, luck: World, actions: Array) -> tuple[World, Array, Array]:
        clock, old = world["clock"].T, world["body"].T
        t, phase = clock
        push, goal = actions.T.astype(np.float64), old[:2]
        x, v = self.plant.move(old[2:4], old[4:], push)
        squares = np.concatenate([goal - x, push, x])
        squares *= squares
        away, effort, out = squares[::2] + squares[1::2]
        away = np.sqrt(away)
        in_hold, early, counts = self._worth.take(phase, axis=1)
        reward = away * self._per_distance
        reward += effort * self._per_effort
        reward *= counts
        reward += in_hold * (away <= self.radius)
        reward += early * (out > self._start_square)
        path = world["path"].copy()
        path[np.arange(len(t)), t] = x.T
        body = np.concatenate([goal, x, v])
        return (
            {"clock": (clock + 1).T, "body": body.T, "path": path},
            reward,
            t == self.max_steps - 1,
        )

    def observe_alone(self, world: dict[str, Any]) -> list[float]:
        t, phase = world["clock"]
        shown = [self._worth_alone[phase][2], *world["body"]]
        if self.memory and t >= self.cue_steps:
            shown[1] = shown[2] = 0.0
        return shown

    def act_alone(
        self, world: dict[str, Any], luck: dict[str, Any], action: tuple[float, float]
    ) -> tuple[dict[str, Any], float, bool]:
        (t, phase), (goal_x, goal_y, *body) = world["clock"], world["body"]
        (x, y), v = self.plant.move_alone(body[:2], body[2:], action)
        in_hold, early, counts = self._worth_alone[phase]
        # Products, because powers are rounded in another way than NumPy's squares.
        to_x, to_y = goal_x - x, goal_y - y
        away = math.sqrt(to_x * to_x + to_y * to_y)
        effort = action[0] * action[0] + action[1] * action[1]
        reward = (away * self._per_distance + effort * self._per_effort) * counts
        if away <= self.radius:
            reward += in_hold
        if x * x + y * y > self._start_square:
            reward += early
        path = world["path"].copy()
        path[t] = (x, y)
        new = {"clock": (t + 1, phase + 1), "body": [goal_x, goal_y, x, y, *v], "path": path}
        return new, reward, t == self.max_steps - 1

    def facts(self, before: World, luck: World, actions: Array, after: World) -> World:
        every, target, go = np.arange(len(actions)), luck["target"], luck["go"]
        goal = self._goals[:, target]
        path = np.moveaxis(after["path"][:, :-1], 2, 0)  # (2, n, steps)
        times = np.arange(self.max_steps) - go[:, None]  # 0 answers the go signal
        moving = (times >= 0) & (times < self.move_steps)
        holding = moving & (times >= self.move_steps - self.hold_steps)
        away = np.hypot(*(goal[:, :, None] - path))
        out = np.hypot(*path) > self.start_radius
        hold_steps = ((away <= self.radius) & holding).sum(axis=1)
        early = (out & (times < 0)).any(axis=1)
        left = out & moving & ~early[:, None]
        rt = np.where(left.any(axis=1), (left.argmax(axis=1) - go + 1) * self.dt, np.nan)
        last_out = np.where(moving & (away > self.radius), times, -1).max(axis=1)
        entered = np.where(last_out < self.move_steps - 1, (last_out + 2) * self.dt, np.nan)
        covered = np.hypot(*np.diff(path, axis=2, prepend=0.0)) * moving
        sideways = (goal[0, :, None] * path[1] - goal[1, :, None] * path[0]) * moving
        end = path[:, every, go + self.move_steps - 1]
        to_targets = np.hypot(*(self._goals[:, :, None] - end[:, None]))
        inside = to_targets.min(axis=0) <= self.radius
        return {
            "condition": target,
            "target": target,
            "correct": (hold_steps == self.hold_steps) & ~early,
            "choice": np.where(inside, to_targets.argmin(axis=0), -1),
            "early": early,
            "rt": rt,
            "delay_ms": (go - self.cue_steps) * self.dt,
            "movement_ms": entered - rt,
            "hold_ms": hold_steps * self.dt,
            "end_error": to_targets[target, every],
            "peak_speed": covered.max(axis=1) / self.plant.dt,
            "curvature": sideways[every, np.abs(sideways).argmax(axis=1)],
            "path_length": covered.sum(axis=1),
        }

    def periods(self, world: World) -> Array:
        t, phase = world["clock"].T
        since = phase - self.max_steps
        going = np.where(since < self.move_steps, 2, 3)
        return np.where(since >= 0, going, t >= self.cue_steps)

    # ---------------------------------------------------------------- yardsticks

    @cached_property
    def tuned(self) -> tuple[tuple[float, float], float]:
        """Gains of the oracle, and its score."""
        return tune(self)

    def compute_yardsticks(self) -> Yardsticks:
        gains, best = self.tuned
        random = random_score(self)
        chance = min(max(random, blind_score(self, gains)), best)
        memoryless = min(max(random, leaning_score(self, gains)), best) if self.memory else best
        return Yardsticks(min(random, best), chance, memoryless, best)

    def oracle(self) -> Policy:
        return ReachController(self)


class ReachController(Policy):
    """Remembers the target, stays at the start, and goes with the tuned PD controller."""

    def __init__(self, task: DelayedReach) -> None:
        self._plant = task.plant
        self._gains = task.tuned[0]

    def begin(self, n: int) -> State:
        return (np.zeros((n, 2)),)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        (goal,) = state
        shown = obs[:, 1:3].astype(np.float64)
        goal = np.where(shown.any(axis=1, keepdims=True), shown, goal)
        wanted = goal * (obs[:, :1] > 0.5)
        x, v = obs[:, 3:5].astype(np.float64), obs[:, 5:7].astype(np.float64)
        push = self._plant.control((wanted - x).T, v.T, self._gains)
        return push.T.astype(np.float32), (goal,)


register(DelayedReach)
register(DelayedReach, "Memory", memory=True)
register(DelayedReach, "Field", curl=6.0)
