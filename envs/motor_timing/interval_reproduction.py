"""Ready-Set-Go: measure an interval and reproduce it."""

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
from .reproduction_yardsticks import ReproductionYardsticks
from .single_press import (
    PRESS_REWARDS,
    PRODUCE,
    WAIT,
    broken_is_not_late,
    press_response,
    tell_press,
)

Array = npt.NDArray[Any]

#: Priors of Jazayeri and Shadlen 2010, in ms.
PRIORS: dict[str, tuple[float, float]] = {
    "short": (494.0, 847.0),
    "intermediate": (671.0, 1023.0),
    "long": (847.0, 1200.0),
}

_READY, _SET, _CONTEXT = 0, 1, 2
#: A production within this share of the target counts as correct.
TOLERANCE = 0.1
#: The reward falls to 0 at this share of the target.
WINDOW = 0.5


@dataclass(kw_only=True, eq=False)
class IntervalReproduction(ScriptedTask):
    """Measure the interval between a Ready and a Set pulse and press when it has passed once more.

    Timeline: foreperiod -> ready pulse -> (sample interval) -> set pulse -> production. The first
    press after Set ends the trial; without one it ends at ``limit`` times the longest target.

    Defaults: dt 50 ms, foreperiod 100 to 500 ms, pulses 50 ms, sample 800 to 1500 ms, gain 1.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``ready``               0, 1         pulse that begins the sample interval
    ``set``                 0, 1         pulse that ends it and begins the production
    ``context_0`` ...       0, 1         on throughout the trial, one channel per gain
    ======================  ===========  ====================================================

    Actions: 0 withhold, 1 press.

    Times run from onset to onset: a press in answer to the observation k steps after the first of
    the set pulse has t_prod = k dt, for the reward, the score and the teacher alike. The target is
    gain times the sample interval.

    Reward: for the press after Set ``correct`` (1) times max(0, 1 - abs(error) / (0.5 target)),
    going over to ``error`` (0) where that falls to 0; nothing without a press;
    ``fixation_break`` (-0.1) for a press before Set, once a trial. The return at the optimum is 1
    if every target falls on a step, else slightly less.

    Info at trial end: ``trial_end``, ``trial``, ``correct`` (error at most 10 % of the target),
    ``choice`` (1 if pressed after Set), ``rt`` (= t_prod), ``condition`` (which gain and sample
    interval), ``context``, ``fixation_break``, ``early`` and ``late`` (missed the 10 % to that
    side; no press is late), ``t_sample_ms``, ``t_target_ms``, ``t_prod_ms`` and ``error_ms`` (NaN
    without a press).

    Score: share of correct trials. Yardsticks are exact: random presses by enumeration, chance the
    best set of press times counted from the trial's start, memoryless the best constant press
    probability while nothing is shown (with ``time`` the best set of press times that leaves out
    the set pulse, which with ``abort`` is not known), optimum the share of targets that a press on
    the grid reaches.

    Args:
        prior: sample interval, duration in ms, or "short" (494 to 847), "intermediate" (671 to
            1023), "long" (847 to 1200) as in the paper, rounded to steps.
        gain: target over sample interval, or a list of gains, equally likely and cued by context.
        foreperiod: time before Ready, duration in ms.
        pulse: length of the pulses in ms, at least one step.
        limit: longest production as a multiple of the longest target.
        abort: a press before Set ends the trial.

    Jazayeri and Shadlen 2010, "Temporal context calibrates interval timing",
    doi:10.1038/nn.2590. Gains after Remington, Narain, Hosseini and Jazayeri 2018,
    doi:10.1016/j.neuron.2018.05.020.

    Versions: v0, first release.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/IntervalReproduction-v0", prior="short")
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('ready', 'set', 'context_0')
    >>> env.unwrapped.task.yardsticks.optimum
    1.0
    """

    dt: float = 50.0
    prior: str | DurationLike = (800.0, 1500.0)
    gain: float | Sequence[float] = 1.0
    foreperiod: DurationLike = (100.0, 500.0)
    pulse: float = 50.0
    limit: float = 1.5
    abort: bool = False

    name: ClassVar[str] = "IntervalReproduction"
    family: ClassVar[str] = "motor_timing"
    measures = "slope of produced on sample intervals, bias and variance (Bayesian least squares)"
    default_rewards: ClassVar[Mapping[str, float]] = PRESS_REWARDS
    action_names = ("withhold", "press")
    period_names = ("foreperiod", "ready", "interval", "set", "production")
    int_facts = (
        *("trial", "condition", "context", "early", "late"),
        *("correct", "choice", "fixation_break"),
    )
    float_facts = ("rt", "t_sample_ms", "t_target_ms", "t_prod_ms", "error_ms")
    finished_facts = ("correct", "early", "late", "t_prod_ms", "error_ms")

    def prepare(self) -> None:
        prior = self.prior
        if isinstance(prior, str):
            prior = PRIORS[check_one_of("prior", prior, PRIORS)]
        self._prior = parse_duration("prior", prior, self.dt, allow_zero=False)
        self._foreperiod = parse_duration("foreperiod", self.foreperiod, self.dt)
        self.pulse = check_number("pulse", self.pulse, low=0.0)
        self._pulse = parse_duration("pulse", self.pulse, self.dt, allow_zero=False).low
        self.limit = check_number("limit", self.limit, low=1.0, high=100.0)
        self.abort = check_flag("abort", self.abort)
        self._gains = self._check_gains()
        self._check_pulse()
        contexts = (Channel(f"context_{i}") for i in range(len(self._gains)))
        self.channels = (Channel("ready"), Channel("set"), *contexts)
        self.action_space = spaces.Discrete(2)
        self.n_conditions = len(self._gains) * len(self._prior.steps)
        longest = float(self._gains.max()) * self._prior.high
        self._wait = to_steps(self.limit * longest, 1.0) + 1
        self.max_steps = self._foreperiod.high + self._prior.high + self._wait
        self.check_fits("steps in a trial", self.max_steps, MOST_STEPS)
        self.check_fits("worths of presses", self.n_conditions * self._wait, MOST_SHOWN)
        pairs = (self._foreperiod.high + self._prior.high) * self.max_steps
        self.check_fits("pairs of Set and a press in steps", pairs, 4 * MOST_SHOWN)
        self.response = press_response(self.earns, abort=self.abort)
        targets = np.outer(self._gains, self._prior.steps).reshape(-1, 1)  # by condition
        error = np.abs(np.arange(self._wait) - targets)
        self.values_by_time = np.maximum(0.0, 1.0 - error / (WINDOW * targets))

    def _check_gains(self) -> Array:
        gains = [self.gain] if not isinstance(self.gain, (list, tuple)) else list(self.gain)
        if not gains:
            raise TaskError("gain=[] is empty; pass a number > 0 or a list of such numbers.")
        values = np.array([check_number("gain", one, low=0.05, high=20.0) for one in gains])
        if len(np.unique(values)) < len(values):
            raise TaskError(f"gain={self.gain!r} has a value twice; pass different gains.")
        return values

    def _check_pulse(self) -> None:
        shortest = self._prior.low * min(1.0, float(self._gains.min()))
        if self._pulse >= (1.0 - TOLERANCE) * shortest:
            raise TaskError(
                f"pulse={self.pulse:g} ms is too long for prior={self.prior!r}, whose "
                f"shortest interval is {shortest * self.dt:g} ms; pass a shorter pulse."
            )

    # ---------------------------------------------------------------- trials

    def draw(self, draws: Draws, trials: Trials) -> None:
        foreperiod, interval = draws.duration(self._foreperiod), draws.duration(self._prior)
        context = draws.integers(len(self._gains))
        durations, patterns = trials.durations, trials.patterns
        durations[:, 0], durations[:, 1], durations[:, 3] = foreperiod, self._pulse, self._pulse
        durations[:, 2] = interval - self._pulse
        durations[:, 4] = self._wait - self._pulse
        patterns[:, 1, _READY] = patterns[:, 3, _SET] = 1
        patterns[np.arange(draws.n), :, _CONTEXT + context] = 1
        trials.codes[:] = (WAIT, WAIT, WAIT, PRODUCE, PRODUCE)
        trials.go[:] = foreperiod + interval
        rank = np.searchsorted(self._prior.steps, interval)
        trials.fact("condition")[:] = context * len(self._prior.steps) + rank
        trials.fact("context")[:] = context
        trials.fact("t_sample_ms")[:] = interval * self.dt
        trials.fact("t_target_ms")[:] = self._gains[context] * interval * self.dt

    def teach(self, rows: Rows, trials: Trials, since: Array) -> None:
        target = trials.fact("t_target_ms").take(rows.trial) / self.dt
        rows.target[:] = (since == np.floor(target + 0.5)) & (rows.code == PRODUCE)

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        tell_press(facts, TOLERANCE * facts["t_target_ms"] + 1e-6)
        if self.abort:
            broken_is_not_late(facts)

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        count = ReproductionYardsticks(
            self._foreperiod, self._prior, self._gains, self._pulse, self._wait, self.abort
        )
        own_past = self.prev_action or self.prev_reward
        chance = count.best_schedule(range(len(self._gains)))
        if own_past or (self.time and self.abort):
            memoryless = None  # where a press can end the trial, seeing Ready helps a schedule too
        elif self.time:
            # With a clock in sight, the best that one observation allows is a schedule per context
            # (that leaves out the pulses).
            every = range(len(self._gains))
            each = [count.best_schedule([context], sees_set=True) for context in every]
            memoryless = float(np.mean(each))
        else:
            memoryless = count.best_constant_rate()
        return Yardsticks(
            random=count.constant_rate(0.5, at_pulse=True),
            chance=chance,
            memoryless=memoryless,
            optimum=count.reachable(),
        )

    def oracle(self) -> Policy:
        return IntervalObserver(self._gains)


class IntervalObserver(Policy):
    """Counts the steps from Ready to Set and presses after gain times as many."""

    def __init__(self, gains: Array) -> None:
        self._gains = gains

    def begin(self, n: int) -> State:
        # Steps since ready onset, sample interval, steps since set onset; -1: not yet.
        return tuple(np.full(n, -1, dtype=np.int64) for _ in range(3))

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        measured, sample, produced = state
        ready, sets = obs[:, _READY] > 0.5, obs[:, _SET] > 0.5
        ready_onset = ready & ((measured < 0) | (produced >= 0))
        measured = np.where(ready_onset, 0, np.where(measured >= 0, measured + 1, -1))
        sample, produced = np.where(ready_onset, -1, sample), np.where(ready_onset, -1, produced)
        set_onset = sets & (sample < 0) & (measured > 0)
        sample = np.where(set_onset, measured, sample)
        produced = np.where(set_onset, 0, np.where(produced >= 0, produced + 1, -1))
        contexts = obs[:, _CONTEXT : _CONTEXT + len(self._gains)]
        target = np.floor(self._gains[contexts.argmax(axis=1)] * sample + 0.5)
        press = (produced >= 0) & (produced == target)
        return press.astype(np.int64), (measured, sample, produced)


register(IntervalReproduction)
