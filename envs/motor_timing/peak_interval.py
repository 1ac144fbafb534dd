"""The peak-interval procedure."""

from __future__ import annotations

from collections.abc import Mapping
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
from ..core.response import Response
from ..core.scripted_task import Played, ScriptedTask
from ..core.table import Rows, Trials
from ..core.task import MOST_SHOWN, Channel, Yardsticks
from ..core.time import DurationLike, parse_duration
from .press_times import best_press_times, best_rate
from .single_press import tell_press

Array = npt.NDArray[Any]

_OFF, _EARLY, _PAID, _PROBE = 1, 2, 3, 4
#: A first press within this share of the interval counts as correct.
TOLERANCE = 0.1
#: Length of probe trials, and of others without a press, over the interval.
LIMIT = 3
#: Bins of the histogram of presses, quarters of the interval.
BINS = 4 * LIMIT


@dataclass(kw_only=True, eq=False)
class PeakInterval(ScriptedTask):
    """A signal promises reward for the first press after a fixed interval, but not on probe trials.

    Timeline: gap (signal off) -> signal. On fixed-interval trials the first press after the
    interval is rewarded and ends the trial; probe trials go on for three intervals whatever is
    done, and so do others without a press.

    Defaults: dt 100 ms, interval 2000 ms, gap 500 to 2500 ms, probes on a quarter of the trials.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``signal``              0, 1         1 while the interval runs
    ``prev_action_0``, _1   0, 1         what was done on the step before
    ======================  ===========  ====================================================

    Actions: 0 withhold, 1 press.

    Reward: ``correct`` (1) for the rewarded press; ``press`` (-.02) for every press, the rewarded
    one too. The mean return at the optimum, one press when the interval is over, is 1 - p_probe -
    .02.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` and ``is_probe``, ``correct`` (the
    first press under the signal missed the interval by at most 10 %), ``choice`` (1 if there was
    one), ``rt`` and ``t_prod_ms`` (its time), ``t_target_ms``, ``error_ms``, ``early``, ``late``
    (none is late), ``n_presses`` (under the signal), ``rewarded``, ``presses_bin_0`` ...
    ``presses_bin_11`` (by quarters of the interval), ``start_ms`` and ``stop_ms`` (probes: the
    stretch of high rate that fits best; NaN elsewhere and without a press).

    Score: share of correct trials, by the first press under the signal. Yardsticks are exact:
    random by enumeration; chance the best set of press times counted from the trial's start;
    memoryless the best constant press probability while the signal is on (with ``prev_action`` not
    on its first step, which presses all through the gap tell from the others; with ``time`` the
    best set of press times); optimum 1, because the interval is rounded to steps.

    Args:
        interval: the fixed interval in ms.
        p_probe: share of probe trials.
        gap: time before the signal, duration in ms; in a session, where trials follow one another,
            at least one step.

    Catania 1970; Roberts 1981, doi:10.1037/0097-7403.7.3.242. Start and stop: Church, Meck and
    Gibbon 1994, doi:10.1037/0097-7403.20.2.135.

    Versions: v0, first release. ``PeakInterval-Long-v0``: an interval of 20 s, dt 500 ms.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/PeakInterval-v0")
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('signal', 'prev_action_0', 'prev_action_1')
    """

    dt: float = 100.0
    prev_action: bool = True
    interval: float = 2000.0
    p_probe: float = 0.25
    gap: DurationLike = (500.0, 2500.0)

    name: ClassVar[str] = "PeakInterval"
    family: ClassVar[str] = "motor_timing"
    optimal_return = None
    measures = "peak time and spread of the press rate on probes, start and stop times"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(
        {"correct": 1.0, "press": -0.02}
    )
    action_names = ("withhold", "press")
    period_names = ("gap", "signal", "paid")
    records = True
    int_facts = (
        *("trial", "condition", "is_probe", "early", "late", "n_presses"),
        *(f"presses_bin_{i}" for i in range(BINS)),
        *("correct", "choice", "rewarded"),
    )
    float_facts = ("rt", "t_target_ms", "t_prod_ms", "error_ms", "start_ms", "stop_ms")
    finished_facts = (*int_facts[3:-2], *float_facts[2:])

    def prepare(self) -> None:
        self.interval = check_number("interval", self.interval, low=0.0)
        self.p_probe = check_number("p_probe", self.p_probe, low=0.0, high=1.0)
        self._interval = parse_duration("interval", self.interval, self.dt, allow_zero=False).low
        self._gap = parse_duration("gap", self.gap, self.dt)
        if self._interval < 2:
            raise TaskError(
                f"interval={self.interval:g} ms is a single step at dt={self.dt:g} ms; use a "
                "smaller dt or a longer interval."
            )
        if self.trials_per_episode > 1 and self._gap.low == 0:
            raise TaskError(
                f"gap={self.gap!r} may be 0, so that trials_per_episode={self.trials_per_episode} "
                "trials run into one another; pass a gap of at least one step."
            )
        self._signal = LIMIT * self._interval
        self.max_steps = self._gap.high + self._signal
        pairs = (self._gap.high + 1) * self.max_steps
        self.check_fits("pairs of a gap and a press in steps", pairs, 4 * MOST_SHOWN)
        self.channels = (Channel("signal"),)
        self.action_space = spaces.Discrete(2)
        self.n_conditions = 2
        self.response = self._make_response()

    def _make_response(self) -> Response:
        """States: no press under the signal, some press, rewarded; the first press is stamped."""
        facts = {"correct": [0, 0, 0], "choice": [0, 1, 1], "rewarded": [0, 0, 1]}
        response = Response(5, 3, 2, facts)
        cost, pay = self.earns["press"], self.earns["correct"]
        for state in (0, 1):
            response.rule(_OFF, state, 1, to=state, reward=cost)
            first = state == 0
            for code in (_EARLY, _PROBE):
                response.rule(code, state, 1, to=1, reward=cost, stamp=first)
            response.rule(_PAID, state, 1, to=2, reward=pay + cost, ends=True, stamp=first)
        return response

    def draw(self, draws: Draws, trials: Trials) -> None:
        gap, is_probe = draws.duration(self._gap), draws.bernoulli(self.p_probe)
        trials.durations[:, 0], trials.durations[:, 1] = gap, self._interval
        trials.durations[:, 2] = self._signal - self._interval
        trials.patterns[:, 1:, 0] = 1
        trials.codes[:, 0] = _OFF
        trials.codes[:, 1] = np.where(is_probe, _PROBE, _EARLY)
        trials.codes[:, 2] = np.where(is_probe, _PROBE, _PAID)
        trials.go[:] = gap
        trials.fact("condition")[:] = trials.fact("is_probe")[:] = is_probe
        trials.fact("t_target_ms")[:] = self._interval * self.dt

    def teach(self, rows: Rows, trials: Trials, since: Array) -> None:
        rows.target[:] = (since == self._interval) & rows.live

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        assert played is not None
        tell_press(facts, TOLERANCE * facts["t_target_ms"] + 1e-6)
        press, since = self._under_signal(played)
        facts["n_presses"][:] = press.sum(axis=1)
        for place in range(BINS):
            inside = (since * 4) // self._interval == place
            facts[f"presses_bin_{place}"][:] = (press & inside).sum(axis=1)
        start, stop = self._high_stretch(press, since)
        probe = (facts["is_probe"] == 1) & (facts["n_presses"] > 0)
        facts["start_ms"][:] = np.where(probe, start * self.dt, np.nan)
        facts["stop_ms"][:] = np.where(probe, stop * self.dt, np.nan)

    def _under_signal(self, played: Played) -> tuple[Array, Array]:
        """Presses under the signal (k, T) bool, and steps since its onset (k, T)."""
        lit = played.codes > _OFF
        since = np.arange(lit.shape[1]) - lit.argmax(axis=1)[:, None]
        return (played.actions == 1) & lit, since

    def _high_stretch(self, press: Array, since: Array) -> tuple[Array, Array]:
        """Start and stop (k,) in steps of the stretch whose press rate stands out most.

        Of all stretches the one with the largest sum of lengths times differences from the mean
        rate: low before, high within, low behind (Church, Meck and Gibbon 1994).
        """
        total, count = self._signal, press.sum(axis=1)
        steps = np.zeros((len(press), total + 1), dtype=np.int64)
        rows, columns = press.nonzero()
        np.add.at(steps, (rows, np.minimum(since[rows, columns], total - 1) + 1), 1)
        # A stretch is worth the rise, over it, of presses so far less those of an even rate; in
        # whole numbers, so that equal stretches are equal. The first of the best ones counts.
        above = np.cumsum(steps, axis=1) * total - count[:, None] * np.arange(total + 1)
        lowest = np.minimum.accumulate(above, axis=1)
        stop = (above[:, 1:] - lowest[:, :-1]).argmax(axis=1) + 1
        start = (above == lowest[np.arange(len(press)), stop - 1][:, None]).argmax(axis=1)
        return start, stop

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        produced = np.arange(self._signal)
        hit = np.abs(produced - self._interval) <= TOLERANCE * self._interval + 1e-9
        chance = self._schedule(hit)
        # A press on the step before, or none at all on a trial's first step, is a press in the gap
        # as long as there was none under the signal: it tells the signal's onset.
        onset = int(self.prev_action)
        if self.prev_reward and not self.prev_action:
            memoryless = None
        elif self.time:
            memoryless = self._schedule(hit, onset)
        else:
            memoryless = best_rate(lambda rate: self._rate(rate, hit, onset))
        return Yardsticks(
            random=self._rate(0.5, hit),
            chance=chance,
            memoryless=memoryless,
            optimum=float(hit.any()),
        )

    def _rate(self, rate: float, hit: Array, since: int = 0) -> float:
        """Score of pressing with a constant probability from some step of the signal on."""
        waited = np.arange(self._signal - since)
        return float((hit[since:] * rate * (1.0 - rate) ** waited).sum())

    def _schedule(self, hit: Array, shown: int = 0) -> float:
        """Best score of press times from the trial's start; ``shown`` steps of signal stand out."""
        gap = self._gap
        earned = np.zeros((gap.high + 1, gap.high + self._signal))
        for steps, probability in zip(gap.steps, gap.probability, strict=True):
            earned[steps, steps : steps + self._signal] += probability * hit
        return best_press_times(earned, abort=False, shown=shown)

    def oracle(self) -> Policy:
        return SignalCounter(self._interval)


class SignalCounter(Policy):
    """Counts the steps of the signal and presses once, when the interval is over."""

    def __init__(self, interval: int) -> None:
        self._interval = interval

    def begin(self, n: int) -> State:
        return (np.full(n, -1, dtype=np.int64),)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        since = np.where(obs[:, 0] > 0.5, state[0] + 1, -1)
        return (since == self._interval).astype(np.int64), (since,)


register(PeakInterval)
register(PeakInterval, "Long", dt=500.0, interval=20_000.0, gap=[5000.0, 25_000.0])
