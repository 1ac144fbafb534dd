"""Which of two intervals was longer?"""

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
from ..core.errors import TaskError, check_flag, check_number, check_one_of
from ..core.go_times import best_by_time, best_moment, pad_sum, sum_of_steps
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.scripted_task import ScriptedTask
from ..core.table import Trials
from ..core.task import MOST_SHOWN, Channel, Yardsticks
from ..core.time import DurationLike, parse_duration

Array = npt.NDArray[Any]

_FIXATION, _FIRST, _GAP, _SECOND, _DELAY, _GO = range(6)
#: Clock noise is cut off at so many standard deviations.
_CUT = 4.0


@dataclass(kw_only=True, eq=False)
class IntervalDiscrimination(ScriptedTask):
    """Compare two intervals that follow one another and say which one was longer.

    Timeline: fixation -> first interval -> gap -> second interval -> delay -> go. One interval is
    the standard, the other one longer or shorter by one of the ratios. The first answer after the
    go cue counts.

    Defaults: dt 25 ms, standards 400, 600 and 800 ms, ratios 1.125, 1.25 and 1.5, gap 500 ms, delay
    200 ms, decision 200 ms, no clock noise.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``stim_1``, ``stim_2``  0, 1         1 during the first, during the second interval
    ``go``                  0, 1         1 while an answer is asked for
    ======================  ===========  ====================================================

    Actions: 0 withhold, 1 the first was longer, 2 the second was longer.

    Reward: ``correct`` (1) or ``error`` (0) for the first answer after the go cue;
    ``fixation_break`` (-0.1) for an answer before it, once a trial. The return at the optimum is 1
    without clock noise.

    Info at trial end: ``trial_end``, ``trial``, ``correct``, ``choice`` (0 if none), ``rt`` (ms
    from the go cue, NaN without an answer), ``condition`` (which standard, ratio, and side),
    ``second_longer``, ``standard_first``, ``fixation_break``, ``d1_ms``, ``d2_ms`` (nominal),
    ``log_ratio`` (log of d2 / d1).

    Score: share of correct trials. Yardsticks are exact: random; chance .5 (with ``abort`` the best
    answer at the best moment); memoryless .5, because nothing but the go cue is on when it counts,
    with ``time`` the answer that is more probable at each moment (still .5 if the order is random);
    optimum 1 without clock noise and equal intervals, else that of the observer who knows all pairs
    and the noise, by enumeration of what can be shown. For one standard and ratio that is
    Phi(log ratio / (sqrt(2) w)) in random order, and Phi(log ratio / w) where the standard has its
    place, because only the other interval tells then. Chance does not count steps: where the order
    is not random, the go cue comes the later the longer the other interval was. Roving leaves
    something to whoever knows exact lengths: the second interval alone tells .75 by default.

    Args:
        standards: intervals in ms that are compared with, roved from trial to trial.
        ratios: longer over shorter interval, above 1; 1 only with ``allow_equal``.
        gap: time between the intervals, duration in ms.
        order: "random", "standard-first" or "standard-last".
        fixation: fixation period, duration in ms.
        delay: time between the second interval and the go cue, duration in ms.
        decision: decision period in ms.
        clock_weber: Weber fraction w: the intervals that are shown last exp(w z) times as long as
            they should, z standard normal, each with its own.
        allow_equal: take the ratio 1, whose answer a coin decides.
        abort: an answer before the go cue ends the trial.

    Interval discrimination in monkeys: Leon and Shadlen 2003, doi:10.1016/S0896-6273(03)00185-5.
    Weber's law for time: Gibbon 1977, doi:10.1037/0033-295X.84.3.279.

    Versions: v0, first release. ``IntervalDiscrimination-Noisy-v0``: clock noise w = .15.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/IntervalDiscrimination-v0")
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('stim_1', 'stim_2', 'go')
    """

    dt: float = 25.0
    standards: Sequence[float] = (400.0, 600.0, 800.0)
    ratios: Sequence[float] = (1.125, 1.25, 1.5)
    gap: DurationLike = 500.0
    order: str = "random"
    fixation: DurationLike = (100.0, 500.0)
    delay: DurationLike = 200.0
    decision: float = 200.0
    clock_weber: float = 0.0
    allow_equal: bool = False
    abort: bool = False

    name: ClassVar[str] = "IntervalDiscrimination"
    family: ClassVar[str] = "motor_timing"
    measures = "psychometric curve over the log ratio, Weber fraction, time-order error"
    default_rewards: ClassVar[Mapping[str, float]] = ANSWER_REWARDS
    action_names = ("withhold", "first longer", "second longer")
    period_names = ("fixation", "first", "gap", "second", "delay", "go")
    int_facts = ("trial", "condition", "second_longer", "standard_first", *ANSWER_FACTS)
    float_facts = ("rt", "d1_ms", "d2_ms", "log_ratio")

    def prepare(self) -> None:
        self.allow_equal = check_flag("allow_equal", self.allow_equal)
        self.abort = check_flag("abort", self.abort)
        orders = ("random", "standard-first", "standard-last")
        self.order = check_one_of("order", self.order, orders)
        self.clock_weber = check_number("clock_weber", self.clock_weber, low=0.0, high=1.0)
        self.decision = check_number("decision", self.decision, low=0.0)
        self._fixation = parse_duration("fixation", self.fixation, self.dt)
        self._gap = parse_duration("gap", self.gap, self.dt, allow_zero=False)
        self._delay = parse_duration("delay", self.delay, self.dt)
        self._decision = parse_duration("decision", self.decision, self.dt, allow_zero=False).low
        self._pairs = self._make_pairs()
        self._shown = self._shown_distributions()
        longest = max(int(steps[-1]) for steps, _ in self._shown.values())
        self.check_fits("pairs of intervals in steps", (longest + 1) ** 2, MOST_SHOWN)
        self.channels = (Channel("stim_1"), Channel("stim_2"), Channel("go"))
        self.action_space = spaces.Discrete(3)
        self.n_conditions = len(self._pairs)
        before = self._fixation.high + self._gap.high + self._delay.high + 2 * longest
        self.max_steps = before + self._decision
        self.answer_span = self._decision
        self.response = answer_response(2, self.earns, abort=self.abort)

    def _make_pairs(self) -> Array:
        """(pairs, 3) first and second interval in steps, and whether the standard is first."""
        for name in ("standards", "ratios"):
            given = getattr(self, name)
            if not isinstance(given, (list, tuple)) or not given:
                raise TaskError(f"{name}={given!r} is no list of numbers; pass such one.")
        choice = ("choice", list(self.standards))
        standards = parse_duration("standards", choice, self.dt, allow_zero=False).ms
        lowest = 1.0 if self.allow_equal else 1.0 + 1e-9
        ratios = [check_number("ratios", one, low=lowest, high=100.0) for one in self.ratios]
        pairs = []
        for standard in standards:
            levels: dict[float, float] = {}  # by steps: which interval in ms has become them
            for ratio in ratios:
                for other in (standard * ratio, standard / ratio):
                    one, two = np.floor(np.array([standard, other]) / self.dt + 0.5 + 1e-9)
                    if min(one, two) < 1:
                        raise TaskError(
                            f"ratios={self.ratios!r} and standards={self.standards!r} make "
                            f"intervals of {min(standard, other):g} ms, less than half a step of "
                            f"dt={self.dt:g} ms; use a smaller dt or other values."
                        )
                    levels.setdefault(one, standard)
                    if two in levels and ratio > 1:
                        same = levels[two]
                        raise TaskError(
                            f"ratios={self.ratios!r} and standards={self.standards!r} make "
                            f"{same:g} and {other:g} ms the same at dt={self.dt:g} ms; use a "
                            "smaller dt or other values."
                        )
                    levels[two] = other
                    pairs += [(one, two, 1)] * (self.order != "standard-last")
                    pairs += [(two, one, 0)] * (self.order != "standard-first")
        return np.array(pairs, dtype=np.int64)

    def _shown_distributions(self) -> dict[int, tuple[Array, Array]]:
        """By nominal steps: what can be shown (k,) and with which probability (k,)."""
        from scipy.special import ndtr  # loaded only where it is needed

        shown = {}
        for nominal in np.unique(self._pairs[:, :2]).tolist():
            if self.clock_weber == 0:
                shown[nominal] = np.array([nominal]), np.ones(1)
                continue
            spread = np.exp(self.clock_weber * _CUT)
            steps = np.arange(max(1, int(nominal / spread)), int(np.ceil(nominal * spread)) + 1)
            edges = np.log(np.concatenate([[1e-9], (steps[:-1] + steps[1:]) / 2, [1e9]]) / nominal)
            shown[nominal] = steps, np.diff(ndtr(edges / self.clock_weber))
        return shown

    def draw(self, draws: Draws, trials: Trials) -> None:
        fixation, gap = draws.duration(self._fixation), draws.duration(self._gap)
        delay = draws.duration(self._delay)
        pair = draws.integers(len(self._pairs))
        luck, coin = draws.uniform(2), draws.bernoulli(0.5)
        first, second, standard_first = self._pairs[pair].T
        second_longer = np.where(first == second, coin, second > first)
        lasts = [self._last(nominal, luck[:, i]) for i, nominal in enumerate((first, second))]
        durations, patterns = trials.durations, trials.patterns
        durations[:, _FIXATION], durations[:, _GAP], durations[:, _DELAY] = fixation, gap, delay
        durations[:, _FIRST], durations[:, _SECOND] = lasts
        durations[:, _GO] = self._decision
        patterns[:, _FIRST, 0] = patterns[:, _SECOND, 1] = patterns[:, _GO, 2] = 1
        trials.codes[:, :_GO] = FIXATE
        trials.codes[:, _GO] = DECIDE + 1 + second_longer
        trials.go[:] = fixation + gap + delay + lasts[0] + lasts[1]
        trials.fact("condition")[:] = pair
        trials.fact("second_longer")[:] = second_longer
        trials.fact("standard_first")[:] = standard_first
        trials.fact("d1_ms")[:], trials.fact("d2_ms")[:] = first * self.dt, second * self.dt
        trials.fact("log_ratio")[:] = np.log(second / first)

    def _last(self, nominal: Array, luck: Array) -> Array:
        """Steps (n,) that intervals of nominal steps (n,) last."""
        if self.clock_weber == 0:
            return nominal
        lasts = np.empty_like(nominal)
        for one, (steps, probability) in self._shown.items():
            here = nominal == one
            edges = np.cumsum(probability)[:-1]
            lasts[here] = steps[np.searchsorted(edges, luck[here], side="right")]
        return lasts

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        own_past = self.prev_action or self.prev_reward
        right = self._right_by_time()
        random = float(np.mean([self._random(pair) for pair in self._pairs]))
        # Never below random play by a rounding error.
        chance = max(random, best_moment(right, self._decision)) if self.abort else 0.5
        memoryless = max(0.5, best_by_time(right)) if self.time else 0.5
        return Yardsticks(
            random=random,
            chance=chance,
            memoryless=None if own_past else memoryless,
            optimum=float(np.maximum(*self.weights()).sum()),
        )

    def _random(self, pair: Array) -> float:
        first, second = (self._shown[int(one)] for one in pair[:2])
        before = (self._fixation, self._gap, self._delay)
        kept = 1.0
        if self.abort:
            for steps, probability in (first, second):
                kept *= float((probability * (1 / 3) ** steps).sum())
        return random_answers(2, self._decision, before, abort=self.abort) * kept

    def _right_by_time(self) -> Array:
        """(2, T) probability of the go cue at that step with the first, the second longer."""
        others = [(one.steps, one.probability) for one in (self._fixation, self._gap, self._delay)]
        sides: tuple[list[Array], list[Array]] = ([], [])
        for first, second, _ in self._pairs:
            mass = sum_of_steps(*others, self._shown[int(first)], self._shown[int(second)])
            share = 0.5 if first == second else float(second > first)
            for side, part in zip(sides, (1.0 - share, share), strict=True):
                side.append(mass * part / len(self._pairs))
        return np.stack([pad_sum(side) for side in sides])

    def weights(self) -> tuple[Array, Array]:
        """Probability of each pair of shown steps, with the first and with the second longer."""
        most = max(int(steps[-1]) for steps, _ in self._shown.values()) + 1
        longer = np.zeros((2, most, most))
        for first, second, _ in self._pairs:
            (a, p_a), (b, p_b) = self._shown[int(first)], self._shown[int(second)]
            mass = np.outer(p_a, p_b) / len(self._pairs)
            for side in (0, 1):
                share = 0.5 if first == second else float((second > first) == side)
                if share:
                    longer[side][np.ix_(a, b)] += share * mass
        return longer[0], longer[1]

    def oracle(self) -> Policy:
        return DurationObserver(self)


class DurationObserver(Policy):
    """Counts the steps of both intervals and answers what is more probable given all pairs."""

    def __init__(self, task: IntervalDiscrimination) -> None:
        first, second = task.weights()
        self._answer = np.where(second > first, 2, 1)

    def begin(self, n: int) -> State:
        return np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        first, second, asked = state
        lit, go = obs[:, :2] > 0.5, obs[:, 2] > 0.5
        anew = asked & ~go
        first = np.where(anew, 0, first) + lit[:, 0]
        second = np.where(anew, 0, second) + lit[:, 1]
        most = len(self._answer) - 1
        answer = self._answer[np.minimum(first, most), np.minimum(second, most)]
        return np.where(go, answer, 0), (first, second, go)


register(IntervalDiscrimination)
register(IntervalDiscrimination, "Noisy", clock_weber=0.15)
