"""Going to a remembered place on a signal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import TaskError, check_int, check_number
from ..core.interactive_task import InteractiveTask
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.task import Channel, Yardsticks
from ..core.time import DurationLike, parse_duration
from .room import Room, places_along

Array = npt.NDArray[Any]
World = dict[str, Array]

#: Places on a side of the largest room.
_MOST_SIDE = 127


@dataclass(kw_only=True, eq=False)
class DelayedGoal(InteractiveTask):
    """Remember which of several goals was shown, wait for the go signal, then walk to it.

    Timeline: ``cue`` (the goal is shown), ``delay`` (nothing is), then the go signal, which stays
    on until the trial ends: on the step that enters the area around a goal, the right one or
    another, or ``time_limit`` after the signal came on. The agent is a point in a square room of
    width 1 and stands in its middle until the go signal: moves before it are without effect.

    =======================  ===========  =====================================================
    Observation              Range        Meaning
    =======================  ===========  =====================================================
    ``go``                   0, 1         the go signal
    ``goal_0``, _1, ...      0, 1         the goal that is shown, one-hot; goal k lies at k times
                                          360 / n_goals degrees, counterclockwise from the right
    ``x``, ``y``             -.5 to .5    own position from the middle, in widths of the room
    =======================  ===========  =====================================================

    Actions: 0 stay, 1 right, 2 up, 3 left, 4 down; a move is ``speed`` times dt long (.05 by
    default, so that goals are 5 or 8 moves away), and none is made through a wall.

    Reward: ``goal`` (1) for entering the area of the goal, ``wrong`` (0) for that of another one.
    The return at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (the goal), ``correct`` (the goal is
    reached), ``choice`` (the goal whose area is entered, -1 if none is), ``rt`` (ms from the go
    signal to the first move, NaN without one), ``delay_ms``, ``movement_ms`` (from the first move
    to the end, NaN without one), ``end_error`` (distance from the goal at the end, in widths of
    the room), ``path_length`` (in the same unit).

    Score: share of trials in which the goal is reached. Yardsticks: chance and memoryless are
    1 / n_goals, because a trial ends in the first area that is entered and what is seen from the
    go signal on says nothing of the goal (with ``prev_action`` memoryless is not known: actions
    of no effect can carry the memory); random is that share of the probability that a random walk
    enters any area in time, from its Markov chain; optimum is the share of goals that shortest
    ways around the other areas reach in time, 1 by default. All are exact.

    Args:
        n_goals: 2 to 64, as many as have room.
        cue: duration of the cue, ms.
        delay: between cue and go signal, ms; a number, (low, high) or a named distribution.
        time_limit: for the way, ms.
        radius: distance of the goals from the middle, in widths of the room.
        goal_radius: of the areas around the goals, in the same unit.
        speed: widths of the room per s.

    A design of this library, inspired by the delayed-goal navigation that reward-based e-prop
    learns in Bellec, Scherr, Subramoney and others 2020 (doi:10.1038/s41467-020-17236-y).

    Versions: v0, first release. Variants: -Hard (delay 1000 to 3000 ms).

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/DelayedGoal-v0", n_goals=4, cue=50, delay=50)
    >>> obs, info = env.reset(seed=1)
    >>> obs.tolist()  # go, goals, position
    [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
    >>> for action in (0, 0, 4, 4, 4, 4, 4):
    ...     obs, reward, terminated, truncated, info = env.step(action)
    >>> reward, terminated, info["choice"], info["movement_ms"]
    (1.0, True, 3, 250.0)
    """

    dt: float = 50.0
    n_goals: int = 8
    cue: float = 100.0
    delay: DurationLike = (200.0, 1000.0)
    time_limit: float = 1000.0
    radius: float = 0.35
    goal_radius: float = 0.1
    speed: float = 1.0

    name: ClassVar[str] = "DelayedGoal"
    family: ClassVar[str] = "other"
    measures: ClassVar[str] = "share of goals reached by delay, reaction time, length of the way"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType({"goal": 1.0, "wrong": 0.0})
    action_names = ("stay", "right", "up", "left", "down")
    period_names: ClassVar[tuple[str, ...]] = ("cue", "delay", "go")
    begins_each_trial = True
    int_facts = ("trial", "condition", "correct", "choice")
    float_facts = ("rt", "delay_ms", "movement_ms", "end_error", "path_length")

    def prepare(self) -> None:
        self.n_goals = check_int("n_goals", self.n_goals, 2, 64)
        self.cue, self.time_limit = (
            check_number(name, getattr(self, name), low=0.0) for name in ("cue", "time_limit")
        )
        self.delays = parse_duration("delay", self.delay, self.dt)
        self.cue_steps, self.limit = (
            parse_duration(name, getattr(self, name), self.dt, allow_zero=False).low
            for name in ("cue", "time_limit")
        )
        self.max_steps = self.cue_steps + self.delays.high + self.limit
        self._make_room()
        self.channels = (
            Channel("go"),
            *(Channel(f"goal_{k}") for k in range(self.n_goals)),
            *(Channel(name, -0.5, 0.5) for name in ("x", "y")),
        )
        self.action_space = spaces.Discrete(5)
        self.n_conditions = self.n_goals
        # Rewards by what is entered: the goal, another area.
        self._worth = np.array([self.earns["wrong"], self.earns["goal"]])

    def _make_room(self) -> None:
        self.radius = check_number("radius", self.radius, low=0.0, high=0.5)
        self.goal_radius = check_number("goal_radius", self.goal_radius, low=0.0, high=0.5)
        self.speed = check_number("speed", self.speed, low=1e-3)
        if not self.goal_radius < self.radius <= 0.5 - self.goal_radius + 1e-9:
            raise TaskError(
                f"radius={self.radius:g} and goal_radius={self.goal_radius:g} put goals over the "
                "start or through the walls; keep radius between goal_radius and .5 - goal_radius."
            )
        if self.radius * np.sin(np.pi / self.n_goals) <= self.goal_radius:
            raise TaskError(
                f"n_goals={self.n_goals}, radius={self.radius:g} and goal_radius="
                f"{self.goal_radius:g} let goals touch; use fewer goals or a smaller goal_radius."
            )
        self.stride = self.speed * self.dt / 1000
        # The farthest that a point can be from a square grid is half a diagonal.
        if self.stride > np.sqrt(2) * self.goal_radius:
            raise TaskError(
                f"speed={self.speed:g} at dt={self.dt:g} ms makes moves of {self.stride:g}, which "
                f"can pass over goals of goal_radius={self.goal_radius:g}; use a smaller speed or "
                "dt, or larger goals."
            )
        side = places_along(self.stride)
        if side > _MOST_SIDE:
            raise TaskError(
                f"speed={self.speed:g} at dt={self.dt:g} ms makes a grid of {side} places on a "
                f"side, more than {_MOST_SIDE}; use a larger speed or dt."
            )
        angle = 2 * np.pi * np.arange(self.n_goals) / self.n_goals
        goals = self.radius * np.stack([np.cos(angle), np.sin(angle)])
        self.room = room = Room(goals, self.goal_radius, self.stride)
        if room.farthest > self.limit:
            raise TaskError(
                f"time_limit={self.time_limit:g} is too short for the {room.farthest} moves to "
                f"the farthest goal with n_goals={self.n_goals}, radius={self.radius:g}, "
                f"goal_radius={self.goal_radius:g}, speed={self.speed:g} and dt={self.dt:g}; use a "
                "longer one."
            )
        self._after = room.after.ravel()
        # The same for a step in plain Python.
        self._after_alone = room.after.tolist()
        self._area_alone, self._at_alone = room.area.tolist(), room.at.tolist()

    def reward_range(self) -> tuple[float, float]:
        return min(0.0, *self._worth.tolist()), max(0.0, *self._worth.tolist())

    # ---------------------------------------------------------------- the world

    def luck(self, draws: Draws) -> World:
        goal = draws.integers(self.n_goals)
        return {"goal": goal, "go": self.cue_steps + draws.duration(self.delays)}

    def begin(self, luck: World) -> World:
        n = len(luck["go"])
        zeros = np.zeros(n, dtype=np.int64)
        return {
            **luck,
            "step": zeros,
            "place": np.full(n, self.room.start),
            "still": zeros,  # steps before the first move
            "moves": zeros,
        }

    def observe(self, world: World, obs: Array) -> None:
        step = world["step"]
        obs[:, 0] = step >= world["go"]
        shown = (step < self.cue_steps).nonzero()[0]
        obs[shown, 1 + world["goal"][shown]] = 1
        first = 1 + self.n_goals
        obs[:, first : first + 2] = self.room.at.take(world["place"], axis=0)

    def act(self, world: World, luck: World, actions: Array) -> tuple[World, Array, Array]:
        step, place = world["step"], world["place"]
        chosen = actions * (step >= world["go"])
        after = self._after.take(5 * place + chosen)
        moves = world["moves"] + (after != place)
        area = self.room.area.take(after)
        step = step + 1
        new = {
            **world,
            "step": step,
            "place": after,
            "still": world["still"] + (moves == 0),
            "moves": moves,
        }
        entered = area >= 0
        reward = self._worth.take(area == world["goal"]) * entered
        return new, reward, entered | (step >= world["go"] + self.limit)

    def observe_alone(self, world: dict[str, Any]) -> list[float]:
        step = world["step"]
        shown = [0.0] * (1 + self.n_goals)
        if step >= world["go"]:
            shown[0] = 1.0
        elif step < self.cue_steps:
            shown[1 + world["goal"]] = 1.0
        return shown + self._at_alone[world["place"]]

    def act_alone(
        self, world: dict[str, Any], luck: dict[str, Any], action: int
    ) -> tuple[dict[str, Any], float, bool]:
        step, place, go = world["step"], world["place"], world["go"]
        after = self._after_alone[place][action] if step >= go else place
        moves = world["moves"] + (after != place)
        area = self._area_alone[after]
        new = {
            **world,
            "step": step + 1,
            "place": after,
            "still": world["still"] + (moves == 0),
            "moves": moves,
        }
        if area >= 0:
            return new, self.earns["goal" if area == world["goal"] else "wrong"], True
        return new, 0.0, step + 1 >= go + self.limit

    def facts(self, before: World, luck: World, actions: Array, after: World) -> World:
        goal, place, still = luck["goal"], after["place"], after["still"]
        area, moved = self.room.area[place], after["moves"] > 0
        return {
            "condition": goal,
            "correct": area == goal,
            "choice": area,
            "rt": np.where(moved, (still - luck["go"]) * self.dt, np.nan),
            "delay_ms": (luck["go"] - self.cue_steps) * self.dt,
            "movement_ms": np.where(moved, (after["step"] - still) * self.dt, np.nan),
            "end_error": self.room.away[goal, place],
            "path_length": after["moves"] * self.stride,
        }

    def periods(self, world: World) -> Array:
        return np.where(world["step"] >= world["go"], 2, world["step"] >= self.cue_steps)

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        blind = 1 / self.n_goals
        return Yardsticks(
            random=self.room.entered_at_random(self.limit) / self.n_goals,
            chance=blind,
            memoryless=None if self.prev_action else blind,
            optimum=float((self.room.strides_left[:, self.room.start] <= self.limit).mean()),
        )

    def oracle(self) -> Policy:
        return Walker(self)


class Walker(Policy):
    """Remembers the goal and takes the shortest way to it once it may go."""

    def __init__(self, task: DelayedGoal) -> None:
        self._room, self._ways, self._goals = task.room, task.room.ways, task.n_goals

    def begin(self, n: int) -> State:
        return (np.zeros(n, dtype=np.int64),)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        (goal,) = state
        shown, at = obs[:, 1 : 1 + self._goals], obs[:, 1 + self._goals : 3 + self._goals]
        goal = np.where(shown.any(axis=1), shown.argmax(axis=1), goal)
        way = self._ways[goal, self._room.place(at.astype(np.float64))]
        return np.where(obs[:, 0] > 0.5, way, 0), (goal,)


register(DelayedGoal)
register(DelayedGoal, "Hard", delay=(1000.0, 3000.0))
