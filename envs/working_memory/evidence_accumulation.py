"""Counting cues on two sides."""

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
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.scripted_task import ScriptedTask
from ..core.table import Rows, Trials
from ..core.task import Channel, Yardsticks
from ..core.time import DurationLike, parse_duration

Array = npt.NDArray[Any]

_LEFT, _RIGHT, _CUE_GO = range(3)


@dataclass(kw_only=True, eq=False)
class EvidenceAccumulation(ScriptedTask):
    """Count cues on the left and on the right and, after a delay, choose the side that had more.

    Timeline: cues -> delay (the walk to the end of the maze) -> go. The trial has a fixed length;
    the first answer after the go cue counts.

    Defaults: dt 50 ms, 7 cues of 100 ms with 50 ms between them, delay 500 to 1500 ms, decision
    150 ms, no noise channels.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``left``, ``right``     0, 1         1 while a cue (a click, with ``rates``) is on that side
    ``go``                  0, 1         1 while an answer is asked for
    ``noise_0`` ...         0, 1         at random 1, with probability ``p_noise`` per step
    ======================  ===========  ====================================================

    Actions: 0 withhold, 1 left, 2 right.

    Reward: ``correct`` (1) or ``error`` (0) for the first answer after the go cue;
    ``fixation_break`` (-0.1) for an answer before it, once a trial. The return at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``correct``, ``choice`` (0 if none), ``rt`` (ms
    from the go cue, NaN without an answer), ``condition`` (which side is right), ``n_left``,
    ``n_right``, ``side`` (1 left, 2 right), ``fixation_break``, ``delay_ms``, and with cues
    ``cue_0`` ... (side of each cue, -1 left and 1 right).

    Score: share of correct trials. Yardsticks are exact: random; chance and memoryless .5, because
    sides are exchangeable and no cue is on when it counts; optimum 1 with an odd number of cues.
    With ``rates`` sides may draw, the right one is then a coin's, and the optimum 1 - P(draw) / 2.

    Args:
        n_cues: number of cues, odd.
        p_side: probability that a cue is on the trial's side.
        cue: length of a cue in ms.
        gap: time after each cue in ms.
        rates: None, or clicks per second on the trial's side and on the other one, at every step
            of the cue period, in place of single cues.
        delay: delay, duration in ms.
        decision: decision period in ms.
        n_noise: number of noise channels.
        p_noise: their probability of being on.
        abort: an answer before the go cue ends the trial.

    Cues in a virtual T-maze: Morcos and Harvey 2016, doi:10.1038/nn.4403; in this form (7 cues of
    100 ms, 50 ms apart, and a delay) in Bellec et al. 2020, doi:10.1038/s41467-020-17236-y. Poisson
    clicks: Brunton, Botvinick and Brody 2013, doi:10.1126/science.1233912.

    Versions: v0, first release. ``EvidenceAccumulation-Clicks-v0``: 40 clicks per second in all at
    26 to 14, dt 25 ms.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/EvidenceAccumulation-v0", n_noise=1)
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('left', 'right', 'go', 'noise_0')
    """

    dt: float = 50.0
    n_cues: int = 7
    p_side: float = 0.7
    cue: float = 100.0
    gap: float = 50.0
    rates: Sequence[float] | None = None
    delay: DurationLike = (500.0, 1500.0)
    decision: float = 150.0
    n_noise: int = 0
    p_noise: float = 0.05
    abort: bool = False

    name: ClassVar[str] = "EvidenceAccumulation"
    family: ClassVar[str] = "working_memory"
    measures = "psychometric curve of right minus left, weight of each cue by its place"
    default_rewards: ClassVar[Mapping[str, float]] = ANSWER_REWARDS
    action_names = ("withhold", "left", "right")

    def prepare(self) -> None:
        self.n_cues = check_int("n_cues", self.n_cues, 1, 1001)
        if self.n_cues % 2 == 0 and self.rates is None:
            raise TaskError(f"n_cues={self.n_cues} leaves draws between sides; pass an odd number.")
        self.p_side = check_number("p_side", self.p_side, low=0.5, high=1.0)
        self.p_noise = check_number("p_noise", self.p_noise, low=0.0, high=1.0)
        self.n_noise = check_int("n_noise", self.n_noise, 0, 1000)
        self.abort = check_flag("abort", self.abort)
        for name in ("cue", "gap", "decision"):
            setattr(self, name, check_number(name, getattr(self, name), low=0.0))
        self._cue = parse_duration("cue", self.cue, self.dt, allow_zero=False).low
        self._gap = parse_duration("gap", self.gap, self.dt).low
        self._delay = parse_duration("delay", self.delay, self.dt)
        self._decision = parse_duration("decision", self.decision, self.dt, allow_zero=False).low
        self._shown = self.n_cues * (self._cue + self._gap)
        self._click = None if self.rates is None else self._click_probabilities(self.rates)
        noise = (Channel(f"noise_{i}") for i in range(self.n_noise))
        self.channels = (Channel("left"), Channel("right"), Channel("go"), *noise)
        self.action_space = spaces.Discrete(3)
        self.n_conditions = 2
        cues = ("clicks",) if self._click else ("cue", "gap") * self.n_cues
        self.period_names = (*cues, "delay", "go")
        self.max_steps = self._shown + self._delay.high + self._decision
        self.answer_span = self._decision
        sides = () if self._click else tuple(f"cue_{i}" for i in range(self.n_cues))
        self.draws_ahead = self.n_cues + 4
        self.int_facts = (
            *("trial", "condition", "n_left", "n_right", "side", *sides),
            *ANSWER_FACTS,
        )
        self.float_facts = ("rt", "delay_ms")
        self.response = answer_response(2, self.earns, abort=self.abort)

    def _click_probabilities(self, rates: Any) -> tuple[float, float]:
        if not isinstance(rates, (list, tuple)) or len(rates) != 2:
            raise TaskError(
                f"rates={rates!r} is not a pair of clicks per second; pass (more, less)."
            )
        more, less = (check_number("rates", one, 0.0) * self.dt / 1000.0 for one in rates)
        if less > more or more > 1.0:
            raise TaskError(
                f"rates={rates!r} are not (more, less) with at most one click a step of "
                f"{self.dt:g} ms; pass lower rates or a smaller dt."
            )
        return more, less

    # ---------------------------------------------------------------- trials

    def draw(self, draws: Draws, trials: Trials) -> None:
        delay = draws.duration(self._delay)
        trials.durations[:, -2], trials.durations[:, -1] = delay, self._decision
        trials.patterns[:, -1, _CUE_GO] = 1
        if self._click is None:
            left, right = self._draw_cues(draws, trials)
        else:
            trials.durations[:, 0] = self._shown
            left, right = self._clicks(draws).sum(axis=1).T
        coin = draws.integers(2)
        side = np.where(left == right, 1 + coin, np.where(left > right, 1, 2))
        trials.codes[:, :-1] = FIXATE
        trials.codes[:, -1] = DECIDE + side
        trials.go[:] = self._shown + delay
        trials.fact("condition")[:] = side - 1
        trials.fact("n_left")[:], trials.fact("n_right")[:] = left, right
        trials.fact("side")[:] = side
        trials.fact("delay_ms")[:] = delay * self.dt

    def _draw_cues(self, draws: Draws, trials: Trials) -> tuple[Array, Array]:
        """Lay out single cues, each a period with a gap behind it; number on each side (n,)."""
        toward = draws.integers(2)
        right = (toward[:, None] + ~draws.bernoulli(self.p_side, self.n_cues)) % 2
        cues = slice(0, 2 * self.n_cues, 2)
        trials.durations[:, cues] = self._cue
        trials.durations[:, 1 : 2 * self.n_cues : 2] = self._gap
        trials.patterns[:, cues, _LEFT], trials.patterns[:, cues, _RIGHT] = 1 - right, right
        for place in range(self.n_cues):
            trials.fact(f"cue_{place}")[:] = 2 * right[:, place] - 1
        count = right.sum(axis=1)
        return self.n_cues - count, count

    def _clicks(self, draws: Draws) -> Array:
        """Clicks at each step of the cue period on the left and on the right, (n, steps, 2)."""
        assert self._click is not None
        draws = draws.stream(1).ahead(1 + 2 * self._shown)
        toward = draws.integers(2)
        luck = draws.uniform(self._shown, 2)
        odds = np.where(np.arange(2) == toward[:, None], *self._click)
        return (luck < odds[:, None]).astype(np.int64)

    @property
    def fills(self) -> bool:
        return self._click is not None or self.n_noise > 0

    def fill(self, rows: Rows, trials: Trials, go: Array, draws: Draws) -> None:
        if self._click is not None:
            shown = rows.live & (rows.step < self._shown)
            rows.obs[shown, :2] = self._clicks(draws)[rows.trial[shown], rows.step[shown]]
        if self.n_noise:
            live = rows.live
            luck = draws.stream(2).uniform(self.max_steps, self.n_noise)
            on = luck[rows.trial[live], rows.step[live]] < self.p_noise
            rows.obs[live, 3 : 3 + self.n_noise] = on

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        before = (self._shown, self._delay)
        own_past = self.prev_action or self.prev_reward
        return Yardsticks(
            random=random_answers(2, self._decision, before, abort=self.abort),
            chance=blindly_answered(self._decision, before, abort=self.abort) / 2,
            memoryless=None if own_past else 0.5,
            optimum=1.0 - self._draws() / 2,
        )

    def _draws(self) -> float:
        """Probability that both sides have the same number of clicks."""
        if self._click is None:
            return 0.0
        counts = []
        for probability in self._click:
            count = np.ones(1)
            for _ in range(self._shown):
                count = np.convolve(count, [1.0 - probability, probability])
            counts.append(count)
        return float((counts[0] * counts[1]).sum())

    def oracle(self) -> Policy:
        return CueCounter()


class CueCounter(Policy):
    """Counts the steps on which each side was lit."""

    def begin(self, n: int) -> State:
        return np.zeros(n), np.zeros(n, dtype=bool)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        balance, asked = state
        go = obs[:, _CUE_GO] > 0.5
        balance = np.where(asked & ~go, 0.0, balance)
        balance = balance + obs[:, _RIGHT] - obs[:, _LEFT]
        return np.where(go, np.where(balance > 0, 2, 1), 0), (balance, go)


register(EvidenceAccumulation)
register(EvidenceAccumulation, "Clicks", dt=25.0, rates=[26.0, 14.0], decision=150.0)
