"""Is an interval more like the short or more like the long one?"""

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
    random_answers,
)
from ..core.errors import TaskError, check_flag, check_number
from ..core.go_times import best_by_time, best_moment, sum_of_steps
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.response import Response
from ..core.scripted_task import ScriptedTask
from ..core.table import Trials
from ..core.task import Channel, Yardsticks
from ..core.time import Duration, DurationLike, parse_duration

Array = npt.NDArray[Any]

_FIXATION, _STIMULUS, _DELAY, _GO = range(4)
_SHORT, _LONG = 1, 2


@dataclass(kw_only=True, eq=False)
class TemporalBisection(ScriptedTask):
    """Say whether an interval is more like a short or more like a long standard.

    Timeline: fixation -> stimulus (its duration is what counts) -> delay -> go. The first answer
    after the go cue counts. Anchors are the two standards; probes lie between them and earn
    nothing.

    Defaults: dt 50 ms, anchors 400 and 1600 ms, probes 500, 650, 800, 1000 and 1250 ms on half of
    the trials, fixation 100 to 500 ms, delay 200 ms, decision 200 ms.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``stimulus``            0, 1         1 during the interval
    ``go``                  0, 1         1 while an answer is asked for
    ======================  ===========  ====================================================

    Actions: 0 withhold, 1 short, 2 long.

    Reward: on anchor trials ``correct`` (1) or ``error`` (0) for the first answer after the go
    cue, nothing on probe trials; ``fixation_break`` (-0.1) for an answer before it, once a trial.
    The mean return at the optimum is the share of anchor trials.

    Info at trial end: ``trial_end``, ``trial``, ``correct``, ``choice`` (0 if none), ``rt`` (ms
    from the go cue, NaN without an answer), ``condition`` (rank of the duration), ``is_probe``,
    ``fixation_break``, ``duration_ms``.

    Score: share of correct trials; probes count as the anchor that is nearer in log time, either
    answer at the geometric mean. Yardsticks are exact: random; chance the more frequent category
    (with ``abort`` the best answer at the best moment); memoryless the more frequent category as
    well, because nothing but the go cue is on when it counts, with ``time`` the category that is
    more probable at each moment; optimum 1. Chance does not count steps: the longer the interval,
    the later the go cue, so whoever counts them from the trial's start needs no stimulus. A
    fixation period of wide range makes that harder.

    Args:
        anchors: short and long standard in ms, equally likely.
        probes: durations between them in ms, maybe none.
        p_probe: share of probe trials.
        fixation: fixation period, duration in ms.
        delay: time between stimulus and go cue, duration in ms.
        decision: decision period in ms.
        abort: an answer before the go cue ends the trial.

    Church and Deluty 1977, doi:10.1037/0097-7403.3.3.216.

    Versions: v0, first release.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/TemporalBisection-v0")
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('stimulus', 'go')
    """

    dt: float = 50.0
    anchors: Sequence[float] = (400.0, 1600.0)
    probes: Sequence[float] = (500.0, 650.0, 800.0, 1000.0, 1250.0)
    p_probe: float = 0.5
    fixation: DurationLike = (100.0, 500.0)
    delay: DurationLike = 200.0
    decision: float = 200.0
    abort: bool = False

    name: ClassVar[str] = "TemporalBisection"
    family: ClassVar[str] = "motor_timing"
    optimal_return = None
    measures = "bisection point against the geometric mean of the anchors, Weber ratio"
    default_rewards: ClassVar[Mapping[str, float]] = ANSWER_REWARDS
    action_names = ("withhold", "short", "long")
    period_names = ("fixation", "stimulus", "delay", "go")
    int_facts = ("trial", "condition", "is_probe", *ANSWER_FACTS)
    float_facts = ("rt", "duration_ms")

    def prepare(self) -> None:
        self._durations = self._check_durations()
        self.p_probe = check_number("p_probe", self.p_probe, low=0.0, high=1.0)
        if not self.probes:
            self.p_probe = 0.0
        self.decision = check_number("decision", self.decision, low=0.0)
        self.abort = check_flag("abort", self.abort)
        self._fixation = parse_duration("fixation", self.fixation, self.dt)
        self._delay = parse_duration("delay", self.delay, self.dt)
        self._decision = parse_duration("decision", self.decision, self.dt, allow_zero=False).low
        self.channels = (Channel("stimulus"), Channel("go"))
        self.action_space = spaces.Discrete(3)
        self.n_conditions = len(self._durations.steps)
        before = self._fixation.high + self._durations.high + self._delay.high
        self.max_steps = before + self._decision
        self.answer_span = self._decision
        self.response = self._make_response()

    def _check_durations(self) -> Duration:
        for name in ("anchors", "probes"):
            if not isinstance(getattr(self, name), (list, tuple)):
                raise TaskError(f"{name}={getattr(self, name)!r} is no list of ms; pass one.")
        for name in ("anchors", "probes"):
            for one in getattr(self, name):
                check_number(name, one, low=0.0)
        both = [*self.anchors, *self.probes]
        if len(self.anchors) != 2 or not self.anchors[0] < self.anchors[1]:
            raise TaskError(f"anchors={self.anchors!r} is not (short, long); pass such a pair.")
        grid = parse_duration("anchors and probes", ("choice", both), self.dt, allow_zero=False)
        if min(both) < self.anchors[0] or max(both) > self.anchors[1]:
            raise TaskError(
                f"probes={self.probes!r} do not lie between the anchors {self.anchors!r}; pass "
                "durations that do."
            )
        return grid

    def _categories(self) -> Array:
        """(durations,) 1 short, 2 long, 0 at the geometric mean."""
        low, high = float(self._durations.ms[0]), float(self._durations.ms[-1])
        side = np.sign(np.round(np.log(self._durations.ms**2 / (low * high)), 9))
        return np.where(side == 0, 0, np.where(side > 0, _LONG, _SHORT))

    def _make_response(self) -> Response:
        """Codes beyond those of anchors: a probe that is short, long, or neither."""
        usual = answer_response(2, self.earns, abort=self.abort)
        codes, states, actions = usual.shape
        response = Response(codes + 3, states, actions, usual.facts)
        for name in ("next", "reward", "ends", "stamps"):
            table, wide = getattr(usual, name), getattr(response, name)
            wide[:codes] = table
            # Probes are answered like anchors, unpaid; in the middle every answer is right.
            wide[codes : codes + 2] = table[DECIDE + 1 :]
            wide[codes + 2] = table[DECIDE + 1]
            wide[codes + 2, :, 2] = table[DECIDE + 2, :, 2]
        response.reward[codes:] = 0.0
        response.target[:codes] = usual.target
        response.target[codes:] = (_SHORT, _LONG, _SHORT)
        self._probe_code = np.array([codes + 2, codes, codes + 1])  # neither, short, long
        return response

    def draw(self, draws: Draws, trials: Trials) -> None:
        fixation, delay = draws.duration(self._fixation), draws.duration(self._delay)
        count = len(self._durations.steps)
        is_probe = draws.bernoulli(self.p_probe)
        luck = draws.uniform()
        anchor = (luck < 0.5) * (count - 1)
        probe = 1 + (luck * max(count - 2, 1)).astype(np.int64)
        rank = np.where(is_probe, np.minimum(probe, count - 1), anchor)
        duration = self._durations.steps[rank]
        category = self._categories()[rank]
        trials.durations[:, _FIXATION], trials.durations[:, _STIMULUS] = fixation, duration
        trials.durations[:, _DELAY], trials.durations[:, _GO] = delay, self._decision
        trials.patterns[:, _STIMULUS, 0] = 1
        trials.patterns[:, _GO, 1] = 1
        trials.codes[:, :_GO] = FIXATE
        trials.codes[:, _GO] = np.where(is_probe, self._probe_code[category], DECIDE + category)
        trials.go[:] = fixation + duration + delay
        trials.fact("condition")[:] = rank
        trials.fact("is_probe")[:] = is_probe
        trials.fact("duration_ms")[:] = duration * self.dt

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        category = self._categories()
        weight = np.full(len(category), self.p_probe / max(len(category) - 2, 1))
        weight[[0, -1]] = (1.0 - self.p_probe) / 2
        # By step of the go cue: how probable it is there with that answer right.
        weights = [weight * (category != other) for other in (_LONG, _SHORT)]
        right = np.stack([self._go_times(one) for one in weights])
        # Any answer is right half the time, at the geometric mean always.
        before = (self._fixation, self._delay)
        kept = (1 / 3) ** self._durations.steps if self.abort else 1.0
        random = random_answers(2, self._decision, before, abort=self.abort)
        random *= float((weight * (1.0 + (category == 0)) * kept).sum())
        guess = max(float(one.sum()) for one in weights)
        chance = best_moment(right, self._decision) if self.abort else guess
        memoryless = best_by_time(right) if self.time else guess
        # Never below random play by a rounding error.
        return Yardsticks(
            random=min(random, 1.0),
            chance=max(random, chance),
            memoryless=None if self.prev_action or self.prev_reward else max(random, memoryless),
            optimum=1.0,
        )

    def _go_times(self, weight: Array) -> Array:
        """(T,) probability of the go cue at each step, by weights (durations,)."""
        fixation, delay = self._fixation, self._delay
        return sum_of_steps(
            (fixation.steps, fixation.probability),
            (self._durations.steps, weight),
            (delay.steps, delay.probability),
        )

    def oracle(self) -> Policy:
        return BisectionObserver(self)


class BisectionObserver(Policy):
    """Counts the steps of the stimulus and compares with the geometric mean of the anchors."""

    def __init__(self, task: TemporalBisection) -> None:
        steps = task._durations.steps
        self._middle = float(np.sqrt(float(steps[0]) * float(steps[-1])))

    def begin(self, n: int) -> State:
        return np.zeros(n), np.zeros(n, dtype=bool)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        count, asked = state
        go = obs[:, 1] > 0.5
        count = np.where(asked & ~go, 0.0, count) + (obs[:, 0] > 0.5)
        return np.where(go, np.where(count > self._middle, _LONG, _SHORT), 0), (count, go)


register(TemporalBisection)
