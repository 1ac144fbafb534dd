"""Delayed response to a location, and away from it."""

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
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.scripted_task import Played, ScriptedTask
from ..core.table import Rows, Trials
from ..core.task import Channel, Yardsticks
from ..core.time import DurationLike, parse_duration

Array = npt.NDArray[Any]

_FIXATION, _CUE, _DELAY, _GO = range(4)


@dataclass(kw_only=True, eq=False)
class DelayedResponse(ScriptedTask):
    """Remember where a cue was shown and, after a delay, answer with that place or its opposite.

    Timeline: fixation -> cue -> delay -> go. The trial has a fixed length; the first answer after
    the go cue counts.

    Defaults: dt 100 ms, fixation 100 ms, cue 200 ms, delay 500 to 1000 ms, decision 200 ms, 4
    locations, no anti trials.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``fixation``            0, 1         1 until the go cue: withhold
    ``go``                  0, 1         1 while an answer is asked for
    ``anti``                0, 1         with anti trials: 1 throughout an anti trial's cue
    ``loc_0`` ...           0, 1         one channel per location, on during its cue; with noise
                                         within +-(1 + 6 sigma)
    ======================  ===========  ====================================================

    Actions: 0 withhold, 1 + location.

    Reward: ``correct`` (1) or ``error`` (0) for the first answer after the go cue;
    ``fixation_break`` (-0.1) for an answer before it, once a trial. The return at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``correct``, ``choice`` (0 if none), ``rt`` (ms
    from the go cue, NaN without an answer), ``condition`` (location + n_loc * is_anti), ``loc``
    (cued), ``is_anti``, ``target_loc`` (location to answer with), ``fixation_break``, ``delay_ms``,
    ``error_deg`` (angle from the target to the answer on the ring, within +-180; NaN without one).

    Score: share of correct trials. Yardsticks are exact: random; chance and memoryless 1 / n_loc,
    because nothing but the go cue is shown when it counts; optimum 1 without noise, else the share
    of trials in which the cued channel's sum over the cue is the largest.

    Args:
        n_loc: number of locations on a ring, 2 to 16; even with anti trials.
        anti: "never", "always", or "mixed" (half of the trials, at random).
        fixation: fixation period, duration in ms; fixed where there is noise.
        cue: cue period in ms.
        delay: delay, duration in ms.
        decision: decision period in ms.
        sigma: standard deviation of the Gaussian noise on the location channels at each step of the
            cue.
        abort: a fixation break ends the trial.

    Funahashi, Bruce and Goldman-Rakic 1989, doi:10.1152/jn.1989.61.2.331; anti-saccades: Hallett
    1978, doi:10.1016/0042-6989(78)90193-0.

    Versions: v0, first release. ``DelayedResponse-Anti-v0``: pro and anti trials mixed.
    ``DelayedResponse-Hard-v0``: 8 locations, delays of 1 to 3 s.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/DelayedResponse-v0", n_loc=2)
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('fixation', 'go', 'loc_0', 'loc_1')
    """

    dt: float = 100.0
    n_loc: int = 4
    anti: str = "never"
    fixation: DurationLike = 100.0
    cue: float = 200.0
    delay: DurationLike = (500.0, 1000.0)
    decision: float = 200.0
    sigma: float = 0.0
    abort: bool = False

    name: ClassVar[str] = "DelayedResponse"
    family: ClassVar[str] = "working_memory"
    measures = "forgetting curve (accuracy against the delay), angular error, pro against anti cost"
    default_rewards: ClassVar[Mapping[str, float]] = ANSWER_REWARDS
    period_names = ("fixation", "cue", "delay", "go")
    int_facts = ("trial", "condition", "loc", "is_anti", "target_loc", *ANSWER_FACTS)
    float_facts = ("rt", "delay_ms", "error_deg")
    finished_facts = ("error_deg",)

    def prepare(self) -> None:
        self.n_loc = check_int("n_loc", self.n_loc, 2, 16)
        self.anti = check_one_of("anti", self.anti, ("never", "always", "mixed"))
        if self.anti != "never" and self.n_loc % 2:
            raise TaskError(
                f"n_loc={self.n_loc} has no opposite locations for anti={self.anti!r}; pass an "
                "even number."
            )
        self.sigma = check_number("sigma", self.sigma, low=0.0)
        self.abort = check_flag("abort", self.abort)
        self.cue = check_number("cue", self.cue, low=0.0)
        self.decision = check_number("decision", self.decision, low=0.0)
        self._fixation = parse_duration("fixation", self.fixation, self.dt)
        if self.sigma > 0 and not self._fixation.fixed:
            raise TaskError(
                f"fixation={self.fixation!r} is random, which with sigma > 0 leaves the cue's "
                "onset unknown; pass a single number of ms."
            )
        self._cue = parse_duration("cue", self.cue, self.dt, allow_zero=False).low
        self._delay = parse_duration("delay", self.delay, self.dt)
        self._decision = parse_duration("decision", self.decision, self.dt, allow_zero=False).low
        bound = 1.0 + 6.0 * self.sigma
        rule = (Channel("anti"),) if self.anti != "never" else ()
        places = (Channel(f"loc_{i}", 1.0 - bound, bound) for i in range(self.n_loc))
        self.channels = (Channel("fixation"), Channel("go"), *rule, *places)
        self._first = 2 + len(rule)
        self.action_space = spaces.Discrete(self.n_loc + 1)
        self.action_names = ("withhold", *(f"location {i}" for i in range(self.n_loc)))
        self.n_conditions = 2 * self.n_loc
        self.max_steps = self._fixation.high + self._cue + self._delay.high + self._decision
        self.answer_span = self._decision
        self.response = answer_response(self.n_loc, self.earns, abort=self.abort)

    def draw(self, draws: Draws, trials: Trials) -> None:
        fixation, delay = draws.duration(self._fixation), draws.duration(self._delay)
        loc = draws.integers(self.n_loc)
        mixed = draws.bernoulli(0.5)
        is_anti = {"never": 0, "always": 1}.get(self.anti, mixed) * np.ones(draws.n, dtype=np.int64)
        target = (loc + is_anti * (self.n_loc // 2)) % self.n_loc
        trials.durations[:, _FIXATION], trials.durations[:, _CUE] = fixation, self._cue
        trials.durations[:, _DELAY], trials.durations[:, _GO] = delay, self._decision
        patterns = trials.patterns
        patterns[:, :_GO, 0] = 1
        patterns[:, _GO, 1] = 1
        patterns[np.arange(draws.n), _CUE, self._first + loc] = 1
        if self.anti != "never":
            patterns[:, _CUE, 2] = is_anti
        trials.codes[:, :_GO] = FIXATE
        trials.codes[:, _GO] = DECIDE + 1 + target
        trials.go[:] = fixation + self._cue + delay
        trials.fact("condition")[:] = loc + self.n_loc * is_anti
        trials.fact("loc")[:] = loc
        trials.fact("is_anti")[:] = is_anti
        trials.fact("target_loc")[:] = target
        trials.fact("delay_ms")[:] = delay * self.dt

    @property
    def fills(self) -> bool:
        return self.sigma > 0

    def fill(self, rows: Rows, trials: Trials, go: Array, draws: Draws) -> None:
        channels = slice(self._first, self._first + self.n_loc)
        place = rows.step - self._fixation.low
        shown = rows.live & (place >= 0) & (place < self._cue)
        noise = draws.stream(1).normal(self._cue, self.n_loc)
        noisy = rows.obs[shown, channels] + self.sigma * noise[rows.trial[shown], place[shown]]
        bound = 1.0 + 6.0 * self.sigma
        rows.obs[shown, channels] = np.clip(noisy, 1.0 - bound, bound)

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        apart = (facts["choice"] - 1 - facts["target_loc"]) * (360.0 / self.n_loc)
        apart = apart - 360.0 * np.ceil(apart / 360.0 - 0.5)
        facts["error_deg"][:] = np.where(facts["choice"] > 0, apart, np.nan)

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        before = (self._fixation, self._cue, self._delay)
        reached = blindly_answered(self._decision, before, abort=self.abort)
        own_past = self.prev_action or self.prev_reward
        return Yardsticks(
            random=random_answers(self.n_loc, self._decision, before, abort=self.abort),
            chance=reached / self.n_loc,
            memoryless=None if own_past else 1.0 / self.n_loc,
            optimum=self._largest(),
        )

    def _largest(self) -> float:
        """Probability that the cued channel's sum is larger than the n_loc - 1 others'."""
        if self.sigma == 0:
            return 1.0
        from scipy.special import ndtr

        signal = np.sqrt(self._cue) / self.sigma
        x = np.linspace(-8.0, 8.0, 4001)
        density = np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)
        return float((density * ndtr(x + signal) ** (self.n_loc - 1)).sum() * (x[1] - x[0]))

    def oracle(self) -> Policy:
        return PlaceObserver(self)


class PlaceObserver(Policy):
    """Sums what each location's channel shows and answers with the largest, or its opposite."""

    def __init__(self, task: DelayedResponse) -> None:
        self._first, self._n = task._first, task.n_loc
        self._anti = task.anti

    def begin(self, n: int) -> State:
        return np.zeros((n, self._n)), np.full(n, self._anti == "always"), np.zeros(n, dtype=bool)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        total, away, asked = state
        go = obs[:, 1] > 0.5
        anew = asked & ~go  # the next trial has begun
        total = np.where(anew[:, None], 0.0, total)
        total = total + obs[:, self._first : self._first + self._n]
        if self._anti == "mixed":
            away = np.where(anew, False, away) | (obs[:, 2] > 0.5)
        place = (total.argmax(axis=1) + away * (self._n // 2)) % self._n
        return np.where(go, 1 + place, 0), (total, away, go)


register(DelayedResponse)
register(DelayedResponse, "Anti", anti="mixed")
register(DelayedResponse, "Hard", n_loc=8, delay=[1000.0, 3000.0])
