"""Delayed comparison of two frequencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.answers import (
    ANSWER_FACTS,
    ANSWER_REWARDS,
    DECIDE,
    FIXATE,
    answer_response,
    blindly_answered,
    random_answers,
)
from ..core.errors import TaskError, check_flag, check_int, check_number
from ..core.policy import Policy
from ..core.random import Draws
from ..core.registration import register
from ..core.scripted_task import ScriptedTask
from ..core.table import Rows, Trials
from ..core.task import Channel, Yardsticks
from ..core.time import DurationLike, parse_duration
from .comparison_observer import ComparisonObserver, score_of_observer

Array = npt.NDArray[Any]

_FIXATION, _FIRST, _DELAY, _SECOND, _GO = range(5)
_STIMULI = 2  # the first stimulus channel, behind fixation and go
_MOST_PAIRS = 200
#: Frequencies closer than this share of the largest one would be the same in 32 bits.
_CLOSEST = 1e-4


def symmetric_pairs(
    values: Sequence[float], differences: Sequence[float]
) -> tuple[tuple[float, float], ...]:
    """All pairs (f1, f2) of ``values`` that are one of the ``differences`` apart, in both orders.

    A second stimulus that has partners on both sides at every difference tells nothing about the
    answer.

    >>> symmetric_pairs([10, 14, 18], [4])
    ((10, 14), (14, 10), (14, 18), (18, 14))
    """
    apart = [float(one) for one in differences]
    return tuple(
        (first, second)
        for first in values
        for second in values
        if any(abs(abs(first - second) - one) < 1e-9 for one in apart)
    )


#: Hz; each frequency with the one 8 Hz above or below.
ROMO_PAIRS = symmetric_pairs((10.0, 14.0, 18.0, 22.0, 26.0, 30.0, 34.0), (8.0,))


@dataclass(kw_only=True, eq=False)
class DelayedComparison(ScriptedTask):
    """Hold the first of two frequencies in mind over a delay and say which of the two was higher.

    Timeline: fixation -> first stimulus -> delay -> second stimulus -> decision (go cue). The trial
    has a fixed length; the first answer in the decision period counts.

    Defaults: dt 100 ms, fixation 100 ms, stimuli 200 ms, delay 500 to 1000 ms, decision 200 ms;
    ten pairs out of 10, 14, ... 34 Hz, 8 Hz apart; one channel, no noise.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``fixation``            0, 1         1 until the decision period: withhold
    ``go``                  0, 1         1 during the decision period: answer
    ``stim``                [0, 1]       frequency over the highest one while a stimulus is on,
                                         else 0; with noise within +-(1 + 6 sigma)
    ``unit_0`` ...          [0, 1]       in its place with n_units > 1: Gaussian tuning curves
                                         over the range of frequencies, as wide as they are apart
    ======================  ===========  ====================================================

    Actions: 0 withhold, 1 "first is higher", 2 "second is higher".

    Reward: ``correct`` (1) or ``error`` (0) for the first answer in the decision period;
    ``fixation_break`` (-0.1) for an answer before it, once a trial. The return at the optimum is 1
    without noise.

    Info at trial end: ``trial_end``, ``trial``, ``correct``, ``choice`` (0 if none), ``rt`` (ms
    from the go cue, NaN without an answer), ``condition`` (which pair), ``fixation_break``,
    ``delay_ms``, ``f1``, ``f2``, and those of the previous trial, ``prev_f1`` and ``prev_f2`` (NaN
    in the first trial of an episode: contraction towards the past takes sessions).

    Score: share of correct trials. Yardsticks: random, chance and memoryless are exact; the last
    two are the share of the more frequent answer, because nothing is shown with the go cue (.5 for
    the default pairs; ``second_alone`` tells what the second stimulus gives away at the edges of
    the range, .7 there). The optimum is 1 without noise, else that of the Bayesian observer, who
    averages the samples of each stimulus and knows the pairs: for one channel integrated over
    quantiles of both averages (error below .001), for a population simulated with a fixed seed
    over 400,000 trials (standard error below .001). Frequencies far from the edges leave it
    Phi(difference / (sigma sqrt(1 / n1 + 1 / n2))) with n samples of each stimulus.

    Args:
        pairs: the pairs (f1, f2), equally likely, in Hz or any other positive unit;
            ``symmetric_pairs`` makes them.
        n_units: 1 for a single channel, 2 to 64 for a population code.
        fixation: fixation period, duration in ms.
        first: length of the first stimulus in ms.
        delay: delay, duration in ms.
        second: length of the second stimulus in ms.
        decision: decision period in ms.
        sigma: standard deviation of the Gaussian noise on the stimulus channels at each step of a
            stimulus.
        abort: a fixation break ends the trial.

    Vibrations compared by monkeys: Romo, Brody, Hernandez and Lemus 1999, doi:10.1038/20939; the
    pairs as in Song, Yang and Wang 2016, doi:10.1371/journal.pcbi.1004792.

    Versions: v0, first release. ``DelayedComparison-Romo-v0``: stimuli of 500 ms and a delay of 3 s
    as in the paper. ``DelayedComparison-Hard-v0``: 4 and 8 Hz apart with sigma .15, for
    psychometric curves.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/DelayedComparison-v0", pairs=[(10, 20), (20, 10)])
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('fixation', 'go', 'stim')
    >>> env.unwrapped.task.second_alone
    1.0
    """

    dt: float = 100.0
    pairs: Sequence[Sequence[float]] = ROMO_PAIRS
    n_units: int = 1
    fixation: DurationLike = 100.0
    first: float = 200.0
    delay: DurationLike = (500.0, 1000.0)
    second: float = 200.0
    decision: float = 200.0
    sigma: float = 0.0
    abort: bool = False

    name: ClassVar[str] = "DelayedComparison"
    family: ClassVar[str] = "working_memory"
    measures = "psychometric curve of f1 - f2, Weber fraction, contraction bias"
    default_rewards: ClassVar[Mapping[str, float]] = ANSWER_REWARDS
    action_names = ("withhold", "first", "second")
    period_names = ("fixation", "first", "delay", "second", "decision")
    int_facts = ("trial", "condition", *ANSWER_FACTS)
    float_facts = ("rt", "delay_ms", "f1", "f2", "prev_f1", "prev_f2")

    def prepare(self) -> None:
        self._pairs = self._check_pairs()
        self.n_units = check_int("n_units", self.n_units, 1, 64)
        self.sigma = check_number("sigma", self.sigma, low=0.0)
        self.abort = check_flag("abort", self.abort)
        for name in ("first", "second", "decision"):
            setattr(self, name, check_number(name, getattr(self, name), low=0.0))
        self._fixation = parse_duration("fixation", self.fixation, self.dt)
        self._first = parse_duration("first", self.first, self.dt, allow_zero=False).low
        self._delay = parse_duration("delay", self.delay, self.dt)
        self._second = parse_duration("second", self.second, self.dt, allow_zero=False).low
        self._decision = parse_duration("decision", self.decision, self.dt, allow_zero=False).low
        self._shown = self._encode(self._pairs)
        bound = 1.0 + 6.0 * self.sigma
        units = range(self.n_units)
        names = ("stim",) if self.n_units == 1 else (f"unit_{unit}" for unit in units)
        stimuli = (Channel(name, 1.0 - bound, bound) for name in names)
        self.channels = (Channel("fixation"), Channel("go"), *stimuli)
        self.action_space = spaces.Discrete(3)
        self.n_conditions = len(self._pairs)
        before = self._fixation.high + self._first + self._delay.high + self._second
        self.max_steps = before + self._decision
        self.answer_span = self._decision
        self.response = answer_response(2, self.earns, abort=self.abort)

    def _check_pairs(self) -> Array:
        """(P, 2) frequencies."""
        given = self.pairs
        shaped = isinstance(given, (list, tuple)) and 0 < len(given) <= _MOST_PAIRS
        if not shaped or any(not isinstance(p, (list, tuple)) or len(p) != 2 for p in given):
            raise TaskError(
                f"pairs={given!r} is not a list of 1 to {_MOST_PAIRS} pairs (f1, f2); pass such a "
                "list, e.g. [(10, 18), (18, 10)]."
            )
        pairs = np.array([[check_number("pairs", f, low=0.0) for f in pair] for pair in given])
        if pairs.min() <= 0:
            raise TaskError(
                f"pairs={given!r} has a frequency of 0; a stimulus of 0 could not be seen, pass "
                "frequencies > 0."
            )
        if (pairs[:, 0] == pairs[:, 1]).any():
            raise TaskError(
                f"pairs={given!r} has two equal frequencies, for which no answer is right; pass "
                "different ones."
            )
        if np.diff(np.unique(pairs)).min() < _CLOSEST * pairs.max():
            raise TaskError(
                f"pairs={given!r} has frequencies closer than {_CLOSEST:g} of the highest one; "
                "pass frequencies further apart."
            )
        return pairs

    def _encode(self, frequency: Array) -> Array:
        """What the stimulus channels show without noise, one more axis of n_units."""
        if self.n_units == 1:
            return frequency[..., None] / self._pairs.max()
        preferred = np.linspace(self._pairs.min(), self._pairs.max(), self.n_units)
        return np.exp(-0.5 * ((frequency[..., None] - preferred) / np.diff(preferred)[0]) ** 2)

    @property
    def second_alone(self) -> float:
        """Share of trials that knowing the second stimulus exactly, and nothing else, gets right.

        What is above one half comes from stimuli at the edges of the range.
        """
        higher = self._pairs[:, 0] > self._pairs[:, 1]
        right = 0
        for second in np.unique(self._pairs[:, 1]):
            answers = higher[self._pairs[:, 1] == second]
            right += max(answers.sum(), (~answers).sum())
        return float(right) / len(self._pairs)

    # ---------------------------------------------------------------- trials

    def draw(self, draws: Draws, trials: Trials) -> None:
        pair = draws.integers(len(self._pairs))
        fixation, delay = draws.duration(self._fixation), draws.duration(self._delay)
        durations, patterns = trials.durations, trials.patterns
        durations[:, _FIXATION], durations[:, _DELAY] = fixation, delay
        durations[:, _FIRST], durations[:, _SECOND] = self._first, self._second
        durations[:, _GO] = self._decision
        patterns[:, :_GO, 0] = 1
        patterns[:, _GO, 1] = 1
        patterns[:, _FIRST, _STIMULI:] = self._shown[pair, 0]
        patterns[:, _SECOND, _STIMULI:] = self._shown[pair, 1]
        f1, f2 = self._pairs[pair].T
        trials.codes[:, :_GO] = FIXATE
        trials.codes[:, _GO] = DECIDE + np.where(f1 > f2, 1, 2)
        trials.go[:] = fixation + self._first + delay + self._second
        trials.fact("condition")[:] = pair
        trials.fact("delay_ms")[:] = delay * self.dt
        trials.fact("f1")[:], trials.fact("f2")[:] = f1, f2
        trials.fact("prev_f1")[:] = trials.fact("prev_f2")[:] = np.nan
        if self.trials_per_episode > 1:
            later = trials.fact("trial") % self.trials_per_episode > 0
            past = self._pairs[draws.previous().integers(len(self._pairs))]
            trials.fact("prev_f1")[later], trials.fact("prev_f2")[later] = past[later].T

    @property
    def fills(self) -> bool:
        return self.sigma > 0

    def fill(self, rows: Rows, trials: Trials, go: Array, draws: Draws) -> None:
        first = rows.step - trials.durations[:, _FIXATION].take(rows.trial)
        second = rows.step - (go - self._second).take(rows.trial)
        in_first = (first >= 0) & (first < self._first)
        in_second = (second >= 0) & (second < self._second)
        shown = rows.live & (in_first | in_second)
        # Samples of the first stimulus, then those of the second.
        sample = np.where(in_first, first, self._first + second)[shown]
        noise = draws.stream(1).normal(self._first + self._second, self.n_units)
        channels = slice(_STIMULI, _STIMULI + self.n_units)
        noisy = rows.obs[shown, channels] + self.sigma * noise[rows.trial[shown], sample]
        bound = 1.0 + 6.0 * self.sigma
        rows.obs[shown, channels] = np.clip(noisy, 1.0 - bound, bound)

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        before = (self._fixation, self._first, self._delay, self._second)
        first_higher = float((self._pairs[:, 0] > self._pairs[:, 1]).mean())
        constant = max(first_higher, 1.0 - first_higher)
        own_past = self.prev_action or self.prev_reward
        return Yardsticks(
            random=random_answers(2, self._decision, before, abort=self.abort),
            chance=constant * blindly_answered(self._decision, before, abort=self.abort),
            memoryless=None if own_past else constant,
            optimum=1.0 if self.sigma == 0 else score_of_observer(self),
        )

    def oracle(self) -> Policy:
        return ComparisonObserver(self)


register(DelayedComparison)
register(DelayedComparison, "Romo", first=500.0, delay=3000.0, second=500.0)
register(
    DelayedComparison,
    "Hard",
    pairs=[
        list(pair)
        for pair in symmetric_pairs((10.0, 14.0, 18.0, 22.0, 26.0, 30.0, 34.0), (4.0, 8.0))
    ],
    sigma=0.15,
)
