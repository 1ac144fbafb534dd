"""Context-dependent decisions between two streams of evidence."""

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
from ..core.errors import TaskError, check_flag, check_number, check_one_of
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.scripted_task import ScriptedTask
from ..core.table import Rows, Trials
from ..core.task import Channel, Yardsticks
from ..core.time import DurationLike, parse_duration

Array = npt.NDArray[Any]

_FIXATION, _CUE, _STIMULUS, _DELAY, _GO = range(5)
# Channels: fixation, go, two contexts, then left and right of both modalities.
_CONTEXT, _EVIDENCE = slice(2, 4), slice(4, 8)
_MOST_COHERENCES = 20
#: Coherences closer than that would hardly differ in 32 bits.
_CLOSEST = 1e-4
#: Values of the evidence, per modality, over which the optimum without a cue is integrated.
_NODES = 1200


@dataclass(kw_only=True, eq=False)
class ContextDecision(ScriptedTask):
    """Decide left or right by one of two noisy streams of evidence, as a context cue says.

    Timeline: fixation -> cue -> stimulus (both modalities at once) -> delay -> decision (go cue).
    The trial has a fixed length; the first answer in the decision period counts.

    Defaults: dt 100 ms, fixation 100 ms, cue 100 ms, stimulus 500 ms, delay 300 to 600 ms, decision
    200 ms; coherences .25, .5 and 1 in both modalities, sigma .4, the cue on until the go cue.

    ============================  ===========  ==============================================
    Observation                   Range        Meaning
    ============================  ===========  ==============================================
    ``fixation``                  0, 1         1 until the decision period: withhold
    ``go``                        0, 1         1 during the decision period: answer
    ``context_a``, ``context_b``  0, 1         which modality counts: from the cue period to the
                                               decision (cue "on"), in the cue period ("early")
                                               or never ("off")
    ``a_left``, ``a_right``       [0, 1]       (1 - coherence) / 2 and (1 + coherence) / 2 during
                                               the stimulus, else 0; with noise within
                                               +-(1 + 6 sigma)
    ``b_left``, ``b_right``       [0, 1]       likewise, the other modality
    ============================  ===========  ==============================================

    Actions: 0 withhold, 1 left, 2 right.

    Reward: ``correct`` (1) or ``error`` (0) for the first answer in the decision period;
    ``fixation_break`` (-0.1) for an answer before it, once a trial. The return at the optimum is
    the optimum of the score.

    Info at trial end: ``trial_end``, ``trial``, ``correct``, ``choice`` (0 if none), ``rt`` (ms
    from the go cue, NaN without an answer), ``condition`` (which modality and signed coherence
    count), ``context`` (0: a counts, 1: b), ``congruent`` (both favour one side),
    ``fixation_break``, ``coh_a``, ``coh_b`` (signed, right > 0), ``delay_ms``.

    Score: share of correct trials; at coherence 0 a coin has decided which side is right.
    Yardsticks: random, chance (.5) and memoryless (.5, nothing but the go cue is shown with it) are
    exact. So is the optimum with a cue, the mean over modalities and coherences of
    Phi(coherence sqrt(n / 2) / sigma) with n samples of the stimulus. Without a cue the best an
    observer can do is to weigh both modalities alike; integrated over quantiles of the evidence
    (error below .001; .75 where there is no noise).

    Args:
        coherences_a: coherences of modality a, each in [0, 1], equally likely, with either sign.
        coherences_b: those of modality b.
        cue: "on", "early" (the context has to be kept in mind) or "off" (it cannot be known).
        sigma: standard deviation of the Gaussian noise on the four channels of evidence at each
            step of the stimulus.
        fixation: fixation period, duration in ms.
        cue_period: time from the cue's onset to the stimulus in ms.
        stimulus: stimulus period in ms.
        delay: delay, duration in ms.
        decision: decision period in ms.
        abort: a fixation break ends the trial.

    Mante, Sussillo, Shenoy and Newsome 2013, doi:10.1038/nature12742.

    Versions: v0, first release. ``ContextDecision-Mante-v0``: coherences .05, .15 and .5 of motion
    and .06, .18 and .5 of colour and a stimulus of 750 ms as in the paper (monkey A); sigma .25,
    dt 50 ms, delay 300 to 1500 ms. ``ContextDecision-Early-v0``: cue "early".

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/ContextDecision-v0", sigma=0)
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names[:5]
    ('fixation', 'go', 'context_a', 'context_b', 'a_left')
    >>> env.unwrapped.task.yardsticks.optimum
    1.0
    """

    dt: float = 100.0
    coherences_a: Sequence[float] = (0.25, 0.5, 1.0)
    coherences_b: Sequence[float] = (0.25, 0.5, 1.0)
    cue: str = "on"
    sigma: float = 0.4
    fixation: DurationLike = 100.0
    cue_period: float = 100.0
    stimulus: float = 500.0
    delay: DurationLike = (300.0, 600.0)
    decision: float = 200.0
    abort: bool = False

    name: ClassVar[str] = "ContextDecision"
    family: ClassVar[str] = "working_memory"
    measures = "psychometric curve of each modality in each context, choice matrix"
    default_rewards: ClassVar[Mapping[str, float]] = ANSWER_REWARDS
    action_names = ("withhold", "left", "right")
    period_names = ("fixation", "cue", "stimulus", "delay", "decision")
    int_facts = ("trial", "condition", "context", "congruent", *ANSWER_FACTS)
    float_facts = ("rt", "delay_ms", "coh_a", "coh_b")

    def prepare(self) -> None:
        self._coherences = tuple(
            _check_coherences(name, getattr(self, name))
            for name in ("coherences_a", "coherences_b")
        )
        self.cue = check_one_of("cue", self.cue, ("on", "early", "off"))
        self.sigma = check_number("sigma", self.sigma, low=0.0)
        self.abort = check_flag("abort", self.abort)
        for name in ("cue_period", "stimulus", "decision"):
            setattr(self, name, check_number(name, getattr(self, name), low=0.0))
        self._fixation = parse_duration("fixation", self.fixation, self.dt)
        early = self.cue == "early"  # a cue of no length would be no cue
        self._cue = parse_duration("cue_period", self.cue_period, self.dt, allow_zero=not early).low
        self._stimulus = parse_duration("stimulus", self.stimulus, self.dt, allow_zero=False).low
        self._delay = parse_duration("delay", self.delay, self.dt)
        self._decision = parse_duration("decision", self.decision, self.dt, allow_zero=False).low
        bound = 1.0 + 6.0 * self.sigma
        evidence = ("a_left", "a_right", "b_left", "b_right")
        self.channels = (
            *(Channel(name) for name in ("fixation", "go", "context_a", "context_b")),
            *(Channel(name, 1.0 - bound, bound) for name in evidence),
        )
        self.action_space = spaces.Discrete(3)
        self.n_conditions = 2 * sum(map(len, self._coherences))
        before = self._fixation.high + self._cue + self._stimulus + self._delay.high
        self.max_steps = before + self._decision
        self.answer_span = self._decision
        self.draws_ahead = 8
        self.response = answer_response(2, self.earns, abort=self.abort)

    # ---------------------------------------------------------------- trials

    def draw(self, draws: Draws, trials: Trials) -> None:
        context, right = draws.integers(2), draws.integers(2, 2)
        rank = np.stack([draws.integers(len(one)) for one in self._coherences], axis=1)
        fixation, delay = draws.duration(self._fixation), draws.duration(self._delay)
        size = np.stack([one[rank[:, i]] for i, one in enumerate(self._coherences)], axis=1)
        signed = (2 * right - 1) * size
        every = np.arange(draws.n)
        durations, patterns = trials.durations, trials.patterns
        durations[:, _FIXATION], durations[:, _CUE] = fixation, self._cue
        durations[:, _STIMULUS], durations[:, _DELAY] = self._stimulus, delay
        durations[:, _GO] = self._decision
        patterns[:, :_GO, 0] = 1
        patterns[:, _GO, 1] = 1
        if self.cue != "off":
            last = _DELAY if self.cue == "on" else _CUE
            patterns[every, _CUE : last + 1, _CONTEXT.start + context] = 1
        evidence = np.stack([1 - signed, 1 + signed], axis=2) / 2
        patterns[:, _STIMULUS, _EVIDENCE] = evidence.reshape(draws.n, 4)
        side = right[every, context]
        trials.codes[:, :_GO] = FIXATE
        trials.codes[:, _GO] = DECIDE + 1 + side
        trials.go[:] = fixation + self._cue + self._stimulus + delay
        first = context * 2 * len(self._coherences[0])
        trials.fact("condition")[:] = first + 2 * rank[every, context] + side
        trials.fact("context")[:] = context
        trials.fact("congruent")[:] = right[:, 0] == right[:, 1]
        trials.fact("delay_ms")[:] = delay * self.dt
        trials.fact("coh_a")[:], trials.fact("coh_b")[:] = signed.T

    @property
    def fills(self) -> bool:
        return self.sigma > 0

    def fill(self, rows: Rows, trials: Trials, go: Array, draws: Draws) -> None:
        onset = trials.durations[:, _FIXATION] + self._cue
        sample = rows.step - onset.take(rows.trial)
        shown = rows.live & (sample >= 0) & (sample < self._stimulus)
        noise = draws.stream(1).normal(self._stimulus, 4)[rows.trial[shown], sample[shown]]
        bound = 1.0 + 6.0 * self.sigma
        noisy = rows.obs[shown, _EVIDENCE] + self.sigma * noise
        rows.obs[shown, _EVIDENCE] = np.clip(noisy, 1.0 - bound, bound)

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        before = (self._fixation, self._cue, self._stimulus, self._delay)
        own_past = self.prev_action or self.prev_reward
        return Yardsticks(
            random=random_answers(2, self._decision, before, abort=self.abort),
            chance=blindly_answered(self._decision, before, abort=self.abort) / 2,
            memoryless=None if own_past else 0.5,
            optimum=self._without_cue() if self.cue == "off" else self._with_cue(),
        )

    def _with_cue(self) -> float:
        """Probability that the evidence of the modality that counts points to the right side."""
        return float(np.mean([_above_zero(one, self.noise).mean() for one in self._coherences]))

    @property
    def noise(self) -> float:
        """Standard deviation of the mean of right minus left over the samples of a stimulus."""
        return self.sigma * float(np.sqrt(2.0 / self._stimulus))

    def _without_cue(self) -> float:
        """Mean probability of the better answer, over the evidence of both modalities."""
        beliefs = []
        for modality, coherences in enumerate(self._coherences):
            mean = np.concatenate([-coherences, coherences])
            count = max(20, _NODES // len(mean))
            quantiles = _quantiles(count) if self.noise > 0 else np.zeros(1)
            evidence = (mean[:, None] + self.noise * quantiles).ravel()
            beliefs.append(self.belief(evidence, modality))
        right = np.add.outer(*beliefs) / 2.0
        return float(np.maximum(right, 1.0 - right).mean())

    def belief(self, evidence: Array, modality: int) -> Array:
        """Probability that a modality favours right, (n,), from its mean right minus left (n,)."""
        if self.noise == 0:
            return (1.0 + np.sign(np.round(evidence, 6))) / 2.0
        coherences = self._coherences[modality]
        z = evidence[:, None] / self.noise
        scaled = coherences / self.noise
        # exp(-(z -+ c)^2 / 2) up to a common factor, with the larger exponent taken out.
        toward, away = z * scaled - scaled**2 / 2, -z * scaled - scaled**2 / 2
        top = np.maximum(toward, away).max(axis=1, keepdims=True)
        toward, away = np.exp(toward - top).sum(axis=1), np.exp(away - top).sum(axis=1)
        return toward / (toward + away)

    def oracle(self) -> Policy:
        return ContextObserver(self)


def _check_coherences(name: str, value: Any) -> Array:
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= _MOST_COHERENCES:
        raise TaskError(
            f"{name}={value!r} is not a list of 1 to {_MOST_COHERENCES} coherences; pass such a "
            "list."
        )
    coherences = np.array([check_number(name, one, low=0.0, high=1.0) for one in value])
    if np.diff(np.sort(np.append(coherences[coherences > 0], 0.0))).min(initial=1.0) < _CLOSEST:
        raise TaskError(
            f"{name}={value!r} has coherences that differ by less than {_CLOSEST:g}, or are so "
            "close to 0; pass different ones."
        )
    if (coherences == 0).sum() > 1:
        raise TaskError(f"{name}={value!r} has coherence 0 more than once; pass different ones.")
    return coherences


def _above_zero(mean: Array, spread: float) -> Array:
    """Probability that a normal value with that mean >= 0 is above 0; a coin for 0."""
    if spread == 0:
        return np.where(mean > 0, 1.0, 0.5)
    from scipy.special import ndtr  # loaded only where it is needed

    return ndtr(mean / spread)


def _quantiles(count: int) -> Array:
    """(count,) centres of equally likely parts of the standard normal distribution."""
    from scipy.special import ndtri

    return ndtri((np.arange(count) + 0.5) / count)


class ContextObserver(Policy):
    """Sums the evidence of both modalities and answers by the cued one, or by both."""

    def __init__(self, task: ContextDecision) -> None:
        self._task = task

    def begin(self, n: int) -> State:
        # Sums of right minus left, context cue seen (0 none, 1 a, 2 b), go cue seen.
        return np.zeros((n, 2)), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        total, context, asked = state
        go = obs[:, 1] > 0.5
        anew = asked & ~go  # the next trial has begun
        total, context = np.where(anew[:, None], 0.0, total), np.where(anew, 0, context)
        cue, evidence = obs[:, _CONTEXT], obs[:, _EVIDENCE].astype(np.float64)
        context = np.where(cue.any(axis=1), 1 + cue.argmax(axis=1), context)
        total = total + evidence[:, 1::2] - evidence[:, 0::2]
        actions = np.zeros(len(obs), dtype=np.int64)
        if go.any():
            actions[go] = 1 + self._right(total[go], context[go])
        return actions, (total, context, go)

    def _right(self, total: Array, context: Array) -> Array:
        """Whether right is the more probable answer, (n,) bool."""
        if self._task.cue != "off":
            return np.where(context == 2, total[:, 1], total[:, 0]) >= 0
        mean = total / self._task._stimulus
        return self._task.belief(mean[:, 0], 0) + self._task.belief(mean[:, 1], 1) >= 1


register(ContextDecision)
register(
    ContextDecision,
    "Mante",
    dt=50.0,
    coherences_a=[0.05, 0.15, 0.5],
    coherences_b=[0.06, 0.18, 0.5],
    sigma=0.25,
    stimulus=750.0,
    delay=[300.0, 1500.0],
)
register(ContextDecision, "Early", cue="early")
