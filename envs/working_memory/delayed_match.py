"""Delayed match to sample."""

from __future__ import annotations

from collections.abc import Mapping
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
from ..core.errors import TaskError, check_flag, check_int, check_number, check_one_of
from ..core.policy import Policy
from ..core.random import Draws
from ..core.registration import register
from ..core.scripted_task import ScriptedTask
from ..core.table import Rows, Trials
from ..core.task import Channel, Yardsticks
from ..core.time import MOST_STEPS, DurationLike, parse_duration
from .match_observer import MatchObserver, simulate_optimum
from .match_rules import RULES, PairRule

Array = npt.NDArray[Any]


@dataclass(kw_only=True, eq=False)
class DelayedMatch(ScriptedTask):
    """Hold a sample stimulus in mind over a delay and say whether the test stimulus matches it.

    Timeline: fixation -> sample -> delay (blank, or with distractors) -> decision (test shown).
    The trial has a fixed length; the first answer in the decision period counts.

    Defaults: dt 100 ms, fixation 100 ms, sample 200 ms, delay 500 to 1000 ms, decision 200 ms.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``fixation``            0, 1         1 until the decision period: withhold
    ``stim_0`` ...          0, 1         one channel per stimulus, on while it is shown; with
                                         noise within +-(1 + 6 sigma)
    ======================  ===========  ====================================================

    Actions: 0 withhold, 1 "match" (the rule holds), 2 "non-match".

    Reward: ``correct`` (1) or ``error`` (0) for the first answer in the decision period;
    ``fixation_break`` (-0.1) for an answer before it, once a trial. The return at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``correct``, ``choice`` (0 if none), ``rt`` (ms
    from the onset of the test, NaN without an answer), ``condition`` (2 * sample + is_match),
    ``sample``, ``test``, ``is_match`` (the rule holds), ``fixation_break``, ``delay_ms``.

    Score: share of correct trials. Yardsticks: chance .5 (a constant answer); memoryless from the
    distribution of pairs given the test (.5 for all rules here); optimum 1 without noise, else
    the Bayesian observer's, simulated with a fixed seed over 200,000 trials (standard error .001).

    Args:
        rule: "match" (test = sample), "nonmatch" (test differs), "category" (same half of the
            ring) or "paired" (test is the sample's partner: 0 with 1, 2 with 3, ...).
        n_stim: number of stimuli, 2 to 32, on a ring; even for "category" and "paired".
        fixation: fixation period, duration in ms.
        sample: sample period in ms.
        delay: delay, duration in ms.
        decision: decision period in ms.
        sigma: standard deviation of the Gaussian noise on the stimulus channels at each step.
        n_distractors: stimuli shown during the delay, each as long as the sample.
        abort: a fixation break ends the trial.

    The task of Fuster and Alexander 1971 (doi:10.1126/science.173.3997.652) in the form of
    Miller, Erickson and Desimone 1996 (doi:10.1523/JNEUROSCI.16-16-05154.1996); categories after
    Freedman and Assad 2006 (doi:10.1038/nature05078), pairs after Sakai and Miyashita 1991
    (doi:10.1038/354152a0).

    Versions: v0, first release. ``DelayedMatch-Bench-v0``: no fixation period, sample and test of
    one step each, delay of 5 steps (T = delay + 2), no penalty.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/DelayedMatch-v0")
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('fixation', 'stim_0', 'stim_1')
    >>> obs
    array([1., 0., 0.], dtype=float32)
    """

    dt: float = 100.0
    rule: str = "match"
    n_stim: int = 2
    fixation: DurationLike = 100.0
    sample: float = 200.0
    delay: DurationLike = (500.0, 1000.0)
    decision: float = 200.0
    sigma: float = 0.0
    n_distractors: int = 0
    abort: bool = False

    name: ClassVar[str] = "DelayedMatch"
    family: ClassVar[str] = "working_memory"
    measures = "accuracy and d' against the delay, by rule and number of distractors"
    default_rewards: ClassVar[Mapping[str, float]] = ANSWER_REWARDS
    action_names = ("withhold", "match", "non-match")
    int_facts = (
        *("trial", "condition", "sample", "test", "is_match"),
        *ANSWER_FACTS,
    )
    float_facts = ("rt", "delay_ms")
    #: Channel of the fixation cue.
    _cue = 0

    def prepare(self) -> None:
        self.rule = check_one_of("rule", self.rule, RULES)
        self.n_stim = check_int("n_stim", self.n_stim, 2, 32)
        self.n_distractors = check_int("n_distractors", self.n_distractors, 0, MOST_STEPS)
        self.sigma = check_number("sigma", self.sigma, low=0.0)
        self.abort = check_flag("abort", self.abort)
        self.sample = check_number("sample", self.sample, low=0.0)
        self.decision = check_number("decision", self.decision, low=0.0)
        self._pairs = PairRule(self.rule, self.n_stim)
        self._fixation = parse_duration("fixation", self.fixation, self.dt)
        self._delay = parse_duration("delay", self.delay, self.dt)
        self._sample = parse_duration("sample", self.sample, self.dt, allow_zero=False).low
        self._decision = parse_duration("decision", self.decision, self.dt, allow_zero=False).low
        self._check_distractors()
        self._set_channels()
        self._set_periods()
        self.response = answer_response(2, self.earns, abort=self.abort)

    def _check_distractors(self) -> None:
        shortest = self.n_distractors * self._sample + self.n_distractors + 1
        if self.n_distractors and self._delay.low < shortest:
            raise TaskError(
                f"n_distractors={self.n_distractors} do not fit a delay of {self._delay.low} steps "
                f"with blanks between them; use a delay of at least {shortest * self.dt:g} ms."
            )
        if self.n_distractors and self.sigma > 0 and not self._fixation.fixed:
            raise TaskError(
                f"fixation={self.fixation!r} is random, which with sigma > 0 and distractors "
                "leaves the sample's onset unknown; pass a single number of ms."
            )

    def _set_channels(self) -> None:
        bound = 1.0 + 6.0 * self.sigma
        low = 1.0 - bound
        stimuli = (Channel(f"stim_{i}", low, bound) for i in range(self.n_stim))
        self.channels = (Channel("fixation"), *stimuli)

    def _set_periods(self) -> None:
        self.action_space = spaces.Discrete(3)
        self.n_conditions = 2 * self.n_stim
        gaps = ("distractor", "delay") * self.n_distractors
        self.period_names = ("fixation", "sample", "delay", *gaps, "decision")
        durations = self._fixation.high + self._sample + self._delay.high + self._decision
        self.max_steps = durations
        self.answer_span = self._decision

    # ---------------------------------------------------------------- trials

    def draw(self, draws: Draws, trials: Trials) -> None:
        fixation, delay = draws.duration(self._fixation), draws.duration(self._delay)
        sample, test, holds = self._pairs.draw(draws, draws.integers(self.n_stim))
        durations, patterns = trials.durations, trials.patterns
        durations[:, 0], durations[:, 1], durations[:, -1] = fixation, self._sample, self._decision
        every = np.arange(draws.n)
        patterns[:, :-1, self._cue] = 1
        self._show(draws, patterns, (every, 1), sample)
        self._show(draws, patterns, (every, -1), test)
        if self.n_distractors:
            self._place_distractors(draws, delay, durations, patterns)
        else:
            durations[:, 2] = delay
        trials.codes[:] = FIXATE
        trials.codes[:, -1] = DECIDE + 2 - holds
        trials.go[:] = fixation + self._sample + delay
        trials.fact("condition")[:] = 2 * sample + holds
        trials.fact("sample")[:] = sample
        trials.fact("test")[:] = test
        trials.fact("is_match")[:] = holds
        trials.fact("delay_ms")[:] = delay * self.dt

    def _place_distractors(
        self, draws: Draws, delay: Array, durations: Array, patterns: Array
    ) -> None:
        """Spread the distractors evenly over the delay; what is left over goes to its end."""
        count = self.n_distractors
        gap = (delay - count * self._sample) // (count + 1)
        durations[:, 2:-1:2] = gap[:, None]
        durations[:, -2] = delay - count * (self._sample + gap)
        durations[:, 3:-1:2] = self._sample
        shown = draws.integers(self.n_stim, count)
        rows, which = np.indices(shown.shape)
        self._show(draws, patterns, (rows, 3 + 2 * which), shown)

    def _show(self, draws: Draws, patterns: Array, where: tuple[Any, Any], stimuli: Array) -> None:
        """Show stimuli, an array of numbers, in these trials and periods of the patterns."""
        patterns[(*where, 1 + stimuli)] = 1

    @property
    def fills(self) -> bool:
        return self.sigma > 0

    def fill(self, rows: Rows, trials: Trials, go: Array, draws: Draws) -> None:
        live = rows.live
        steps = int(trials.durations.sum(axis=1).max())
        noise = draws.stream(1).normal(steps, self.n_stim)[rows.trial[live], rows.step[live]]
        noisy = rows.obs[live, 1 : 1 + self.n_stim] + self.sigma * noise
        bound = 1.0 + 6.0 * self.sigma
        rows.obs[live, 1 : 1 + self.n_stim] = np.clip(noisy, 1.0 - bound, bound)

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        joint = self._pairs.joint()
        holds = float(joint[1].sum())
        own_past = self.prev_action or self.prev_reward
        before = (self._fixation, self._sample, self._delay)
        reached = blindly_answered(self._decision, before, abort=self.abort)
        return Yardsticks(
            random=random_answers(2, self._decision, before, abort=self.abort),
            chance=max(holds, 1.0 - holds) * reached,
            memoryless=None if own_past else float(joint.sum(axis=1).max(axis=0).sum()),
            optimum=1.0 if self.sigma == 0 else simulate_optimum(self),
        )

    def oracle(self) -> Policy:
        return MatchObserver(self)


register(DelayedMatch)
register(
    DelayedMatch,
    "Bench",
    fixation=0.0,
    sample=100.0,
    delay=500.0,
    decision=100.0,
    rewards={"fixation_break": 0.0},
)
