"""Press when a cued interval has passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import TaskError, check_flag, check_number, check_one_of
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.scripted_task import Played, ScriptedTask
from ..core.table import Rows, Trials
from ..core.task import MOST_SHOWN, Channel, Yardsticks
from ..core.time import MOST_STEPS, DurationLike, parse_duration, to_steps
from .press_times import best_press_times, best_rate
from .single_press import (
    PRESS_REWARDS,
    PRODUCE,
    WAIT,
    broken_is_not_late,
    press_response,
    tell_press,
)

Array = npt.NDArray[Any]

#: The linear reward falls to 0 at this share of the target.
LINEAR_WINDOW = 0.5


@dataclass(kw_only=True, eq=False)
class IntervalProduction(ScriptedTask):
    """Press once when the interval that a cue stands for has passed since the set pulse.

    Timeline: foreperiod -> set pulse -> production. The cue is on throughout the trial. The first
    press after Set ends the trial; without one it ends at ``limit`` times the longest target.

    Defaults: dt 50 ms, targets 500, 1000, 1500 and 2000 ms, foreperiod 100 to 500 ms, pulse 50 ms.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``set``                 0, 1         pulse from which the interval counts
    ``cue_0`` ...           0, 1         which target is asked for (``cue="onehot"``)
    ``cue``                 0 to 1       target over the longest target (``cue="analog"``)
    ======================  ===========  ====================================================

    Actions: 0 withhold, 1 press.

    A press in answer to the observation k steps after the set pulse's first has t_prod = k dt. It
    is correct if its error is at most ``half_width`` ms, or ``tolerance`` times the target.

    Reward: for the press after Set ``correct`` (1) times a factor, going over to ``error`` (0)
    where that falls to 0. ``reward_shape`` "linear": max(0, 1 - abs(error) / (0.5 target)), the
    default because learning from scratch finds it; "window": 1 if correct, else 0; "gaussian":
    exp(-error^2 / (2 s^2)) with the half-width for s. Nothing without a press; ``fixation_break``
    (-0.1) for a press before Set, once a trial. The return at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``correct``, ``choice`` (1 if pressed after Set),
    ``rt`` (= t_prod), ``condition`` (which target), ``fixation_break``, ``early`` and ``late``
    (missed to that side; no press is late), ``t_target_ms``, ``t_prod_ms`` and ``error_ms`` (NaN
    without a press).

    Score: share of correct trials. Yardsticks are exact: random presses by enumeration; chance the
    best set of press times counted from the trial's start; memoryless the best constant press
    probability for each cue while no pulse is on, with ``time`` the best set of press times for
    each cue; optimum 1, because targets are rounded to steps.

    Args:
        targets_ms: intervals in ms, all different, rounded to steps; numbered from the shortest.
        cue: "onehot" or "analog".
        reward_shape: "linear", "window" or "gaussian".
        tolerance: half-width of the correct window as a share of the target.
        half_width: half-width in ms, in place of ``tolerance``.
        foreperiod: time before Set, duration in ms.
        pulse: length of the set pulse in ms, at least one step.
        limit: longest production as a multiple of the longest target.
        abort: a press before Set ends the trial.

    Scalar timing: Gibbon 1977, doi:10.1037/0033-295X.84.3.279; produced intervals: Rakitin et al.
    1998, doi:10.1037/0097-7403.24.1.15.

    Versions: v0, first release. ``IntervalProduction-TimedPress-v0``: targets of 400 and 600 ms,
    all-or-nothing reward within 60 ms, dt 20 ms. ``IntervalProduction-One-v0``: a single target of
    1 s.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/IntervalProduction-v0", targets_ms=[500, 1000])
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('set', 'cue_0', 'cue_1')
    """

    dt: float = 50.0
    targets_ms: Sequence[float] = (500.0, 1000.0, 1500.0, 2000.0)
    cue: str = "onehot"
    reward_shape: str = "linear"
    tolerance: float = 0.1
    half_width: float | None = None
    foreperiod: DurationLike = (100.0, 500.0)
    pulse: float = 50.0
    limit: float = 1.5
    abort: bool = False

    name: ClassVar[str] = "IntervalProduction"
    family: ClassVar[str] = "motor_timing"
    measures = "scalar property: SD and CV of produced intervals against the target, Weber slope"
    default_rewards: ClassVar[Mapping[str, float]] = PRESS_REWARDS
    action_names = ("withhold", "press")
    period_names = ("foreperiod", "set", "production")
    int_facts = ("trial", "condition", "early", "late", "correct", "choice", "fixation_break")
    float_facts = ("rt", "t_target_ms", "t_prod_ms", "error_ms")
    finished_facts = ("correct", "early", "late", "t_prod_ms", "error_ms")

    def prepare(self) -> None:
        self._targets = self._check_targets()
        self.cue = check_one_of("cue", self.cue, ("onehot", "analog"))
        shapes = ("linear", "window", "gaussian")
        self.reward_shape = check_one_of("reward_shape", self.reward_shape, shapes)
        self.tolerance = check_number("tolerance", self.tolerance, low=0.0, high=1.0)
        if self.half_width is not None:
            self.half_width = check_number("half_width", self.half_width, low=0.0)
        self._foreperiod = parse_duration("foreperiod", self.foreperiod, self.dt)
        self.pulse = check_number("pulse", self.pulse, low=0.0)
        self._pulse = parse_duration("pulse", self.pulse, self.dt, allow_zero=False).low
        if self._pulse * self.dt > self._targets[0]:
            raise TaskError(
                f"pulse={self.pulse:g} ms is longer than the shortest target of "
                f"{self._targets[0]:g} ms; pass a shorter pulse."
            )
        self.limit = check_number("limit", self.limit, low=1.0, high=100.0)
        self.abort = check_flag("abort", self.abort)
        count = len(self._targets)
        cues = [Channel(f"cue_{i}") for i in range(count)]
        self.channels = (Channel("set"), *(cues if self.cue == "onehot" else [Channel("cue")]))
        self.action_space = spaces.Discrete(2)
        self.n_conditions = count
        self._wait = to_steps(self.limit * float(self._targets[-1]), self.dt) + 1
        self.max_steps = self._foreperiod.high + self._wait
        self.check_fits("steps in a trial", self.max_steps, MOST_STEPS)
        self.check_fits("worths of presses", self.n_conditions * self._wait, MOST_SHOWN)
        pairs = self._foreperiod.high * self.max_steps
        self.check_fits("pairs of Set and a press in steps", pairs, 4 * MOST_SHOWN)
        self.response = press_response(self.earns, abort=self.abort)
        self.values_by_time = self._values()

    def _check_targets(self) -> Array:
        given = self.targets_ms
        if not isinstance(given, (list, tuple)) or not given:
            raise TaskError(f"targets_ms={given!r} is no list of intervals in ms; pass such one.")
        return parse_duration("targets_ms", ("choice", list(given)), self.dt, allow_zero=False).ms

    def allowed_ms(self, target_ms: Array) -> Array:
        """Largest error in ms of a correct press, by target."""
        if self.half_width is not None:
            return np.full(np.shape(target_ms), self.half_width + 1e-6)
        return self.tolerance * target_ms + 1e-6

    # ---------------------------------------------------------------- trials

    def draw(self, draws: Draws, trials: Trials) -> None:
        foreperiod = draws.duration(self._foreperiod)
        which = draws.integers(len(self._targets))
        trials.durations[:, 0], trials.durations[:, 1] = foreperiod, self._pulse
        trials.durations[:, 2] = self._wait - self._pulse
        trials.patterns[:, 1, 0] = 1
        if self.cue == "onehot":
            trials.patterns[np.arange(draws.n), :, 1 + which] = 1
        else:
            trials.patterns[:, :, 1] = (self._targets[which] / self._targets[-1])[:, None]
        trials.codes[:] = (WAIT, PRODUCE, PRODUCE)
        trials.go[:] = foreperiod
        trials.fact("condition")[:] = which
        trials.fact("t_target_ms")[:] = self._targets[which]

    def _values(self) -> Array:
        """(targets, steps since Set) what a press is worth."""
        target = self._targets[:, None]
        error = np.abs(np.arange(self._wait) * self.dt - target)
        if self.reward_shape == "linear":
            return np.maximum(0.0, 1.0 - error / (LINEAR_WINDOW * target))
        if self.reward_shape == "window":
            return (error <= self.allowed_ms(target)).astype(np.float64)
        return np.exp(-0.5 * (error / np.maximum(self.allowed_ms(target), 1e-6)) ** 2)

    def teach(self, rows: Rows, trials: Trials, since: Array) -> None:
        error = since * self.dt - trials.fact("t_target_ms").take(rows.trial)
        rows.target[:] = (np.abs(error) < 1e-6) & (rows.code == PRODUCE)

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        tell_press(facts, self.allowed_ms(facts["t_target_ms"]))
        if self.abort:
            broken_is_not_late(facts)

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        produced = np.arange(self._wait) * self.dt
        targets = self._targets[:, None]
        hit = np.abs(produced - targets) <= self.allowed_ms(targets)
        if self.prev_action or self.prev_reward:
            memoryless = None
        elif self.time:
            memoryless = float(np.mean([self._schedule(one, self._pulse) for one in hit]))
        else:
            rates = [best_rate(lambda rate, one=one: self._rate(rate, one, False)) for one in hit]
            memoryless = float(np.mean(rates))
        return Yardsticks(
            random=float(np.mean([self._rate(0.5, one, True) for one in hit])),
            chance=self._schedule(hit.mean(axis=0)),
            memoryless=memoryless,
            optimum=float(hit.any(axis=1).mean()),
        )

    def _rate(self, rate: float, hit: Array, at_pulse: bool) -> float:
        """Score of pressing with a constant probability, during the pulse too or not."""
        step = np.arange(self._wait)
        press = rate * (1.0 - rate) ** (step if at_pulse else np.maximum(step - self._pulse, 0))
        if not at_pulse:
            press[: self._pulse] = 0.0
        score = float((hit * press).sum())
        if self.abort:
            fore = self._foreperiod
            score *= float(np.dot(fore.probability, (1.0 - rate) ** fore.steps.astype(float)))
        return score

    def _schedule(self, hit: Array, shown: int = 0) -> float:
        """Best score of press times counted from the trial's start; ``hit`` (wait,) by press.

        ``shown`` steps of the pulse are seen.
        """
        fore = self._foreperiod
        earned = np.zeros((fore.high + 1, fore.high + self._wait))
        for steps, probability in zip(fore.steps, fore.probability, strict=True):
            earned[steps, steps : steps + self._wait] += probability * hit
        return best_press_times(earned, abort=self.abort, shown=shown)

    def oracle(self) -> Policy:
        return IntervalCounter(self)


class IntervalCounter(Policy):
    """Counts the steps since Set and presses when the cued target has come."""

    def __init__(self, task: IntervalProduction) -> None:
        self._targets = np.rint(task._targets / task.dt)
        self._onehot = task.cue == "onehot"

    def begin(self, n: int) -> State:
        return (np.full(n, -1, dtype=np.int64),)  # steps since set onset; -1: not yet

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        (since,) = state
        lit = obs[:, 0] > 0.5
        since = np.where(since >= 0, since + 1, np.where(lit, 0, -1))
        if self._onehot:
            which = obs[:, 1 : 1 + len(self._targets)].argmax(axis=1)
        else:
            asked = obs[:, 1] * self._targets[-1]
            which = np.abs(asked[:, None] - self._targets).argmin(axis=1)
        press = since == self._targets[which]
        # A press ends the trial: what comes next is another one's foreperiod.
        return press.astype(np.int64), (np.where(press, -1, since),)


register(IntervalProduction)
register(
    IntervalProduction,
    "TimedPress",
    dt=20.0,
    targets_ms=[400.0, 600.0],
    reward_shape="window",
    half_width=60.0,
    pulse=20.0,
)
register(IntervalProduction, "One", targets_ms=[1000.0])
