"""Reaches and holds of a cursor, each commanded by an input of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import TaskError, check_number
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.scripted_task import Played, TrackingTask
from ..core.table import Rows, Trials
from ..core.task import Channel, Yardsticks
from ..core.time import parse_duration

Array = npt.NDArray[Any]

REACHES = ("right", "up", "left", "down")
#: Four reaches, then the hold of the posture that each of them ends in.
SYLLABLES = (*REACHES, *(f"hold_{reach}" for reach in REACHES))
#: (8, 2) where each syllable takes the cursor, in reaches.
MOVES = np.array([[1, 0], [0, 1], [-1, 0], [0, -1], *[[0, 0]] * 4])

_FEWEST = 4  # steps of a syllable
#: Peak speed and tolerance may go so far: what is on target is then within the actions' bounds.
_FASTEST, _WIDEST = 0.8, 0.25


@dataclass(kw_only=True, eq=False)
class Syllables(TrackingTask):
    """Move a cursor as the syllable that is commanded asks: one of four reaches or four holds.

    Timeline: one syllable of ``duration``, during which its input is on.

    Defaults: dt 1 ms, duration 200 ms, which are 20 time constants of 10 ms. An episode is one
    syllable; with more trials in an episode syllables follow one another without a pause.

    ========================================  =====  =========================================
    Observation                               Range  Meaning
    ========================================  =====  =========================================
    ``right``, ``up``, ``left``, ``down``     0, 1   the reach that is commanded
    ``hold_right``, ``hold_up``,              0, 1   the hold that is commanded: that of the
    ``hold_left``, ``hold_down``                     posture which the reach of this name ends in
    ========================================  =====  =========================================

    Actions: Box(-1, 1), velocity of the cursor along x and y as a share of the highest, which is 2
    / ``peak`` reaches per duration: 2.5 by default.

    The goal of a reach is straight, with the speed ``peak`` / 2 (1 - cos(2 pi t / duration)) in
    the middle t of each step, so that the cursor moves by one reach. The goal of a hold is zero.

    Reward per step: ``correct`` (1) times (1 - |error|^2 / variance) / steps, with the variance of
    the goal over syllables and time (3/16 ``peak``^2): an output of 0 earns 0 on average, and the
    return at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (the syllable, 0 to 7 in the order of
    the inputs), ``correct`` (on target at every step), ``choice`` (the reach, 0 to 3, whose end
    the cursor came nearest to; -1 if it stayed nearest to its start), ``rt`` (NaN), ``on_target``
    (share of steps), ``rmse`` (of the actions), ``end_error`` (distance of the cursor from where
    the goal leads, in reaches).

    Score: time on target, the share of steps whose velocity is at most ``tolerance`` times
    ``peak`` off. All syllables are equally likely. Yardsticks, all exact: chance counts steps and
    gives at each the velocity that is right for the most syllables (0, or a compromise with the
    nearest reaches when they are slow); memoryless has one velocity for each input (1 where the
    time is shown; not known where past actions or rewards are); optimum 1.

    Args:
        duration: of a syllable in ms, at least 4 steps.
        peak: highest speed of a reach, in units of the actions; at most .8.
        tolerance: of the score, as a share of ``peak``; at most .25.

    The syllables of Murray 2019, "Local online learning in recurrent networks with random
    feedback", eLife 8:e43299, doi:10.7554/eLife.43299, figure 4. The paper gives their duration
    and an input for each reach, but neither the speed profile nor how holds are commanded: these
    are choices made here.
    ``caudate/SyllableSequence-v0`` is the task of putting them in order.

    Versions: v0, first release.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/Syllables-v0")
    >>> env.action_space
    Box(-1.0, 1.0, (2,), float32)
    >>> samples = env.unwrapped.task.sample_trials(5, seed=0)
    >>> samples.obs.shape, samples.target.shape
    ((200, 5, 8), (200, 5, 2))
    """

    dt: float = 1.0
    duration: float = 200.0
    peak: float = 0.8
    tolerance: float = 0.1

    name: ClassVar[str] = "Syllables"
    family: ClassVar[str] = "other"
    measures = "error of velocity and of end point per syllable"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType({"correct": 1.0})
    action_names = ("velocity x", "velocity y")
    period_names = ("syllable",)
    int_facts = ("trial", "condition", "correct", "choice")
    float_facts = ("rt", "on_target", "rmse", "end_error")
    finished_facts = ("correct", "choice", "on_target", "rmse", "end_error")

    def prepare(self) -> None:
        self.peak = check_number("peak", self.peak, low=1e-3, high=_FASTEST)
        self.tolerance = check_number("tolerance", self.tolerance, low=1e-6, high=_WIDEST)
        self.duration = check_number("duration", self.duration, low=0.0)
        steps = parse_duration("duration", self.duration, self.dt).low
        if steps < _FEWEST:
            raise TaskError(
                f"duration={self.duration:g} ms is shorter than {_FEWEST} steps of dt={self.dt:g} "
                "ms; pass a longer duration or a smaller dt."
            )
        self.max_steps = self.answer_span = steps
        self.channels = tuple(Channel(syllable) for syllable in SYLLABLES)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.n_conditions = len(SYLLABLES)
        middles = (np.arange(steps) + 0.5) / steps
        #: (steps,) speed of a reach, and (8, steps, 2) velocity of each syllable.
        self._speed = self.peak / 2 * (1.0 - np.cos(2 * np.pi * middles))
        self._goals = MOVES[:, None] * self._speed[:, None]
        self._variance = float((self._goals**2).sum(axis=2).mean())

    def reward_range(self) -> tuple[float, float]:
        most = self.earns["correct"] / self.max_steps
        farthest = (self.peak + 1.0) ** 2 + 1.0
        ends = most, most * (1.0 - farthest / self._variance)
        return min(ends), max(ends)

    def draw(self, draws: Draws, trials: Trials) -> None:
        syllable = trials.fact("condition")
        held = draws.bernoulli(0.5)
        syllable[:] = draws.integers(len(REACHES)) + len(REACHES) * held
        trials.durations[:] = self.max_steps
        trials.codes[:] = 1
        trials.patterns[np.arange(draws.n), 0, syllable] = 1

    def fill(self, rows: Rows, trials: Trials, go: Array, draws: Draws) -> None:
        rows.target[rows.live] = self._goals[trials.fact("condition")].reshape(-1, 2)
        rows.value[rows.live] = self.earns["correct"] / self.max_steps

    def payoff(self, goal: Sequence[Any], action: Sequence[Any]) -> Any:
        off_x, off_y = goal[0] - action[0], goal[1] - action[1]
        return 1.0 - (off_x * off_x + off_y * off_y) / self._variance

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        assert played is not None
        velocity, goal = played.actions.astype(np.float64), played.rows("target")
        error = np.hypot(*np.moveaxis(goal - velocity, 2, 0))
        hit = error <= self._slack
        facts["correct"][:] = hit.all(axis=1)
        facts["on_target"][:] = hit.mean(axis=1)
        facts["rmse"][:] = np.sqrt((error**2).mean(axis=1))
        end, due = velocity.mean(axis=1), goal.mean(axis=1)
        reach = self._speed.mean()
        facts["end_error"][:] = np.hypot(*(end - due).T) / reach
        # The first of the holds stands for the start, where all of them end.
        ends = MOVES[: len(REACHES) + 1] * reach
        nearest = np.hypot(*(end[:, None] - ends).T).argmin(axis=0)
        facts["choice"][:] = np.where(nearest < len(REACHES), nearest, -1)

    @property
    def _slack(self) -> float:
        """Largest error that is on target, room for rounding included."""
        return (self.tolerance + 1e-6) * self.peak

    def score(self, facts: Mapping[str, Any]) -> Array:
        return np.asarray(facts["on_target"], dtype=np.float64)

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        return Yardsticks(
            random=float(np.pi * (self.tolerance * self.peak) ** 2 / 4),
            chance=self._blind(),
            memoryless=self._constant(),
            optimum=1.0,
        )

    def _blind(self) -> float:
        """Time on target of the best velocity at each step, whatever the syllable.

        The velocity 0 is right for the holds, half of all syllables, and more than one velocity
        that does without them is. What else is within reach of it is told by the smallest circle
        around 0 and the goals of one reach (radius speed / 2), of two reaches at right angles
        (speed / sqrt(2)) or of more (speed).
        """
        radius = self._speed / self._slack
        known = [radius <= 1.0, radius <= np.sqrt(2.0), radius <= 2.0]
        return float(np.select(known, [1.0, 0.75, 0.625], 0.5).mean())

    def _constant(self) -> float | None:
        """Time on target of the best velocity for each input."""
        if self.time:
            return 1.0
        if self.prev_action or self.prev_reward:
            return None
        speeds = np.sort(self._speed)
        within = np.searchsorted(speeds, speeds + 2 * self._slack, side="right")
        most = (within - np.arange(len(speeds))).max() / len(speeds)
        return float(0.5 + 0.5 * most)

    def oracle(self) -> Policy:
        return SyllablePlayer(self)


class SyllablePlayer(Policy):
    """Counts steps, and gives the velocity of the syllable that is shown."""

    def __init__(self, task: Syllables) -> None:
        self._goals = task._goals.astype(np.float32)

    def begin(self, n: int) -> State:
        return (np.zeros(n, dtype=np.int64),)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        (step,) = state
        syllable = obs[:, : len(SYLLABLES)].argmax(axis=1)
        return self._goals[syllable, step], ((step + 1) % self._goals.shape[1],)


register(Syllables)
