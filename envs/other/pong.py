"""A small Pong seen as pixels."""

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
from .rallies import SLOPES, Court

Array = npt.NDArray[Any]
World = dict[str, Array]

#: What each action does to the paddle's row: stay, up, down.
_MOVES = (0, -1, 1)


@dataclass(kw_only=True, eq=False)
class Pong(InteractiveTask):
    """Move a paddle up and down so that it meets a ball that an opponent plays back.

    Timeline: one trial is a game of ``points`` balls. A ball is served from the opponent's column
    on the left, at a random row and with a random slope (-1, 0 or 1 rows a step), and flies one
    column a step; it bounces off the upper and the lower wall. In the own paddle's column on the
    right it is returned if the paddle covers its row, and flies back with the slope that it has;
    the opponent follows it and plays it back with a fresh random slope, which makes it the next
    ball. A ball that passes a paddle rests for a step, then the next one is served. The game ends
    when the last ball has been returned or missed: after 99 steps if none is missed, after 59 if
    all are.

    =====================  ======  ===============================================================
    Observation            Range   Meaning
    =====================  ======  ===============================================================
    ``pixel_0_0``, ...     0, 1    row and column of the current frame, rows from above one after
                                   the other: ``obs.reshape(height, width)`` is the picture
    =====================  ======  ===============================================================

    A pixel is 1 where the ball or a paddle is: the opponent's in the first column, the own one in
    the last. A frame shows neither slope nor direction.

    Actions: 0 stay, 1 up, 2 down, by one row; the paddle takes up its new row before the ball
    arrives, and begins each game in the middle.

    Reward: ``returned`` (1), ``missed`` (-1) and, where the opponent misses, ``won`` (1), each over
    ``points``. The return lies between -1 and 1 and is 1 at the optimum; an opponent that misses
    adds up to 1.

    Info at trial end: ``trial_end``, ``trial``, ``correct`` (all balls are returned), ``choice``
    (0), ``rt`` (NaN), ``condition`` (0: games differ by luck alone), ``n_returned``, ``n_won``
    (balls that the opponent missed).

    Score: share of the balls that are returned. Yardsticks: optimum is 1, because the court must
    be long enough for the paddle to get from wall to wall while a ball flies. Memoryless is 1 as
    well, because the paddle is as fast as the ball: following the ball's row gets there in time
    and is never more than one row behind. So slope and direction need not be remembered, though
    who remembers them can wait for the ball where it will land. Random (the paddle's random walk)
    and chance (waiting in the best row) are exact, from the Markov chain of paddle and ball; a
    local search among paddles that change rows at certain steps finds no better ones by default.

    Args:
        height: rows, at least twice the paddle's.
        width: columns, at least height - paddle + 2.
        paddle: rows of each paddle, at least 3.
        points: balls of a game, 1 to 100.
        opponent_error: probability that the opponent misses a ball that was returned to it.

    A reduced form of Atari's Pong, for learning from pixels: Mnih, Kavukcuoglu, Silver and others
    2015 (doi:10.1038/nature14236); learned by spiking networks with reward-based e-prop in Bellec,
    Scherr, Subramoney and others 2020 (doi:10.1038/s41467-020-17236-y).

    Versions: v0, first release.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/Pong-v0", height=6, width=8)
    >>> obs, info = env.reset(seed=0)
    >>> for row in obs.reshape(6, 8):
    ...     print("|" + "".join(" #"[int(pixel)] for pixel in row) + "|")
    |        |
    |#       |
    |#      #|
    |#      #|
    |       #|
    |        |
    """

    dt: float = 50.0
    height: int = 10
    width: int = 12
    paddle: int = 3
    points: int = 5
    opponent_error: float = 0.0

    name: ClassVar[str] = "Pong"
    family: ClassVar[str] = "other"
    measures: ClassVar[str] = "share of balls returned"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(
        {"returned": 1.0, "missed": -1.0, "won": 1.0}
    )
    action_names = ("stay", "up", "down")
    period_names: ClassVar[tuple[str, ...]] = ("coming", "going", "past")
    reactive = True
    begins_each_trial = True
    int_facts = ("trial", "condition", "correct", "choice", "n_returned", "n_won")
    float_facts = ("rt",)

    def prepare(self) -> None:
        self.paddle = check_int("paddle", self.paddle, 3, 100)
        self.height = check_int("height", self.height, 2, 1000)
        self.width = check_int("width", self.width, 2, 1000)
        self.points = check_int("points", self.points, 1, 100)
        self.opponent_error = check_number("opponent_error", self.opponent_error, 0.0, 1.0)
        if self.height < 2 * self.paddle:
            raise TaskError(
                f"height={self.height} leaves paddle={self.paddle} no room to move; make the court "
                "at least twice as high as a paddle."
            )
        shortest = self.height - self.paddle + 2
        if self.width < shortest:
            raise TaskError(
                f"width={self.width} is too short for a paddle to get from wall to wall in time; "
                f"at height={self.height} and paddle={self.paddle} use at least {shortest}."
            )
        self.check_fits("pixels", self.height * self.width, 20_000)
        self.channels = tuple(
            Channel(f"pixel_{row}_{column}")
            for row in range(self.height)
            for column in range(self.width)
        )
        self.frame = (self.height, self.width)
        self.action_space = spaces.Discrete(3)
        self.n_conditions = 1
        self.court = Court(self.height, self.width, self.paddle)
        self._flight = flight = self.court.flight
        rests = 1 if self.opponent_error > 0 else 0
        self.max_steps = self.points * flight + (self.points - 1) * (flight + rests)
        self.draws_ahead = 3 * self.points
        names = ("returned", "missed", "won")
        self._returned, self._missed, self._won = (self.earns[one] / self.points for one in names)
        self._make_tables()

    def _make_tables(self) -> None:
        court, flight = self.court, self.court.flight
        rows, tops = np.arange(self.height), np.arange(court.tops)
        # By row of the ball: where the opponent stands who meets it, and who misses it.
        self._meets = court.facing
        self._avoids = np.where(2 * rows < self.height, court.tops - 1, 0)
        # By place of the paddle: its places after each action, and its pixels on either side.
        after = np.clip(tops[:, None] + np.array(_MOVES), 0, court.tops - 1)
        self._after = after.ravel()
        pixels = (tops[:, None] + np.arange(self.paddle)) * self.width
        self._left, self._right = pixels, pixels + self.width - 1
        # By step of the flight there and back: the ball's column.
        self._column = flight - np.abs(flight - np.arange(2 * flight + 1))
        # The same for a step in plain Python.
        self._after_alone, self._row_alone = after.tolist(), court.row.tolist()
        self._meets_alone, self._avoids_alone = self._meets.tolist(), self._avoids.tolist()
        self._left_alone, self._right_alone = self._left.tolist(), self._right.tolist()
        self._column_alone = self._column.tolist()

    def reward_range(self) -> tuple[float, float]:
        brought = (0.0, self._returned, self._missed, self._won)
        return min(brought), max(brought)

    # ---------------------------------------------------------------- the world

    def luck(self, draws: Draws) -> World:
        return {
            "row": draws.integers(self.height, self.points),
            "slope": draws.choice(SLOPES, self.points),
            # Whether a ball is served because the opponent has missed the one before.
            "served": draws.bernoulli(self.opponent_error, self.points),
        }

    def begin(self, luck: World) -> World:
        zeros, row = np.zeros(len(luck["row"]), dtype=np.int64), luck["row"][:, 0]
        return {
            "ball": zeros,
            "flown": zeros,  # steps there and back
            "phase": row,
            "slope": luck["slope"][:, 0],
            "rests": zeros > 0,  # it has passed a paddle
            "top": zeros + self.court.tops // 2,  # of the own paddle, and of the opponent's
            "other": self._meets.take(row),
            "returned": zeros,
            "won": zeros,
        }

    def observe(self, world: World, obs: Array) -> None:
        ball = self.court.row.take(world["phase"]) * self.width
        ball += self._column.take(world["flown"])
        shown = np.concatenate(
            [
                self._left.take(world["other"], axis=0),
                self._right.take(world["top"], axis=0),
                ball[:, None],
            ],
            axis=1,
        )
        obs[np.arange(len(obs))[:, None], shown] = 1

    def act(self, world: World, luck: World, actions: Array) -> tuple[World, Array, Array]:
        ball, rests, flown = world["ball"], world["rests"], world["flown"] + 1
        following = np.minimum(ball + 1, self.points - 1)
        cell = following + np.arange(0, following.size * self.points, self.points)
        new_slope, served = luck["slope"].take(cell), luck["served"].take(cell)
        top = self._after.take(3 * world["top"] + actions)
        phase = (world["phase"] + world["slope"]) % self.court.period
        phase = np.where(rests, luck["row"].take(cell), phase)
        flown[rests] = 0
        row = self.court.row.take(phase)
        there, back = flown == self._flight, flown == 2 * self._flight
        hit = there & self.court.returned(top, row)
        missed, won = there & ~hit, back & served
        played_back = back & ~served
        flown[played_back] = 0
        begins = rests | played_back
        slope = np.where(begins, new_slope, world["slope"])
        other = self._meets.take(row)
        if self.opponent_error > 0:
            lands = (phase + slope * (2 * self._flight - flown)) % self.court.period
            leaves = served & (hit | (flown > self._flight))
            other = np.where(leaves, self._avoids.take(self.court.row.take(lands)), other)
        new = {
            "ball": np.where(begins, following, ball),
            "flown": flown,
            "phase": phase,
            "slope": slope,
            "rests": missed | won,
            "top": top,
            "other": other,
            "returned": world["returned"] + hit,
            "won": world["won"] + won,
        }
        reward = self._returned * hit + self._missed * missed + self._won * won
        return new, reward, there & (ball == self.points - 1)

    def facts(self, before: World, luck: World, actions: Array, after: World) -> World:
        returned, zeros = after["returned"], np.zeros(len(actions), dtype=np.int64)
        return {
            "condition": zeros,
            "correct": returned == self.points,
            "choice": zeros,
            "n_returned": returned,
            "n_won": after["won"],
            "rt": np.full(len(actions), np.nan),
        }

    def periods(self, world: World) -> Array:
        return np.where(world["rests"], 2, world["flown"] >= self._flight)

    def observe_alone(self, world: dict[str, Any]) -> list[float]:
        shown = [0.0] * (self.height * self.width)
        row = self._row_alone[world["phase"]]
        shown[row * self.width + self._column_alone[world["flown"]]] = 1.0
        for pixel in self._left_alone[world["other"]] + self._right_alone[world["top"]]:
            shown[pixel] = 1.0
        return shown

    def act_alone(
        self, world: dict[str, Any], luck: dict[str, Any], action: int
    ) -> tuple[dict[str, Any], float, bool]:
        ball, flown, slope = world["ball"], world["flown"] + 1, world["slope"]
        following, period = min(ball + 1, self.points - 1), self.court.period
        served = luck["served"][following]
        top = self._after_alone[world["top"]][action]
        if world["rests"]:
            flown, phase = 0, luck["row"][following]
        else:
            phase = (world["phase"] + slope) % period
        row = self._row_alone[phase]
        there, back = flown == self._flight, flown == 2 * self._flight
        hit = there and top <= row < top + self.paddle
        missed, won = there and not hit, back and served
        if world["rests"] or (back and not served):
            flown, slope, ball = 0, luck["slope"][following], following
        other = self._meets_alone[row]
        if served and (hit or flown > self._flight):
            lands = (phase + slope * (2 * self._flight - flown)) % period
            other = self._avoids_alone[self._row_alone[lands]]
        new = {
            "ball": ball,
            "flown": flown,
            "phase": phase,
            "slope": slope,
            "rests": missed or won,
            "top": top,
            "other": other,
            "returned": world["returned"] + hit,
            "won": world["won"] + won,
        }
        reward = self._returned * hit + self._missed * missed + self._won * won
        return new, reward, there and world["ball"] == self.points - 1

    # ---------------------------------------------------------------- yardsticks

    def score(self, facts: Mapping[str, Any]) -> Array:
        return np.asarray(facts["n_returned"], dtype=np.float64) / self.points

    def compute_yardsticks(self) -> Yardsticks:
        tops, game = self.court.tops, (self.points, self.opponent_error)
        after = self._after.reshape(tops, -1)
        walk = np.eye(tops)[after].mean(axis=1)
        start = np.eye(tops)[tops // 2]
        random = float(self.court.blind_shares(walk, start, *game).sum())
        # A paddle that waits in a row has been there by the time that the first ball arrives.
        waiting = self.court.blind_shares(np.eye(tops), np.ones(tops), *game)
        return Yardsticks(random, max(random, float(waiting.max())), 1.0, 1.0)

    def oracle(self) -> Policy:
        return Follower(self)


class Follower(Policy):
    """Keeps the middle of the paddle in the ball's row, or as near as it can; has no memory.

    A ball in a paddle's column is as good as hidden; the opponent, who follows it too, is where
    it is.
    """

    def __init__(self, task: Pong) -> None:
        self._shape, self._facing = (task.height, task.width), task.court.facing

    def begin(self, n: int) -> State:
        return ()

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        height, width = self._shape
        frame = obs[:, : height * width].reshape(-1, height, width) > 0.5
        ball = np.any(frame[:, :, 1:-1], axis=2)
        other, top = frame[:, :, 0].argmax(axis=1), frame[:, :, -1].argmax(axis=1)
        goal = np.where(ball.any(axis=1), self._facing[ball.argmax(axis=1)], other)
        return np.where(goal < top, 1, np.where(goal > top, 2, 0)), state


register(Pong)
