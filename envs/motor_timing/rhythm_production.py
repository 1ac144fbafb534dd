"""Playing a rhythm from memory, at any tempo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import TaskError, check_int, check_number
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.scripted_task import Played, ScriptedTask
from ..core.table import Rows, Trials
from ..core.task import Channel, Yardsticks
from ..core.time import DurationLike, parse_duration
from .taps import (
    RATES,
    TAP_REWARDS,
    TrialTypes,
    blind_score,
    constant_score,
    mark_windows,
    rate_score,
    tap_facts,
    tap_response,
)

Array = npt.NDArray[Any]


@dataclass(kw_only=True, eq=False)
class RhythmProduction(ScriptedTask):
    """Play a fixed sequence of intervals from the go pulse on, at the tempo that a cue asks for.

    Timeline: foreperiod -> go pulse -> production. The first tap is due one interval after the
    pulse, the others follow; with several effectors each tap has one of its own.

    Defaults: dt 50 ms, intervals 600, 300, 300, 600 ms, one repeat, one effector, tempi 1 and 1.5,
    foreperiod 100 to 500 ms, window 20 %.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``go``                  0, 1         pulse from which the rhythm counts
    ``tempo``               0 to 1       interval scale over the largest, throughout the trial
    ``prev_action_0`` ...   0, 1         what was done on the step before
    ======================  ===========  ====================================================

    Actions: 0 withhold, 1 ... tap with that effector.

    Reward: ``correct`` (1) over the number of taps, for the first tap of the right effector in the
    window around each due time; ``extra`` (-.1), over the same number, for every other tap. The
    return at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (which tempo), ``correct`` (all taps
    met, none extra), ``choice`` (0), ``rt`` (NaN), ``n_hits``, ``n_extra``, ``scale``, ``tap_0_ms``
    ... (time from the pulse, NaN without a tap), ``error_0_ms`` ... (tap minus due time),
    ``ratio_0`` ... (each produced interval over the mean of those produced, over the same of the
    rhythm: 1 where ratios are kept).

    Score: hits minus extra taps over the taps asked for, not below 0. Yardsticks: random by
    simulation with a fixed seed; chance the best that is known without observations, a schedule of
    taps counted from the trial's start (exact; found by local search from the taps of each trial
    type) or a constant tap probability (simulated); optimum 1. Memoryless is not known where the
    previous action, reward or time is shown; else it is simulated: the best tap probability for
    each tempo while no pulse is on.

    Args:
        intervals_ms: the rhythm at scale 1.
        repeats: how often it is played.
        effectors: 1 to 4; taps go round.
        scales: tempi: what intervals are multiplied by, each trial one of them.
        window: half-width of the window as a share of the shortest interval, below .5.
        foreperiod: time before the pulse, duration in ms.
        pulse: length of the go pulse in ms.

    Rhythms of small integer ratios: Povel 1981, doi:10.1037/0096-1523.7.1.3.

    Versions: v0, first release. ``RhythmProduction-Two-v0``: two effectors, two repeats.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/RhythmProduction-v0")
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('go', 'tempo', 'prev_action_0', 'prev_action_1')
    """

    dt: float = 50.0
    prev_action: bool = True
    intervals_ms: Sequence[float] = (600.0, 300.0, 300.0, 600.0)
    repeats: int = 1
    effectors: int = 1
    scales: Sequence[float] = (1.0, 1.5)
    window: float = 0.2
    foreperiod: DurationLike = (100.0, 500.0)
    pulse: float = 50.0

    name: ClassVar[str] = "RhythmProduction"
    family: ClassVar[str] = "motor_timing"
    measures = "interval ratios kept at other tempi, timing variability by interval"
    default_rewards: ClassVar[Mapping[str, float]] = TAP_REWARDS
    period_names = ("foreperiod", "go", "production")
    records = True

    def prepare(self) -> None:
        self.repeats = check_int("repeats", self.repeats, 1, 100)
        self.effectors = check_int("effectors", self.effectors, 1, 4)
        self.window = check_number("window", self.window, low=0.0, high=0.49)
        self._foreperiod = parse_duration("foreperiod", self.foreperiod, self.dt)
        self.pulse = check_number("pulse", self.pulse, low=0.0)
        self._pulse = parse_duration("pulse", self.pulse, self.dt, allow_zero=False).low
        self._due = self._due_times()
        self.taps = self._due.shape[1]
        gaps = np.diff(self._due, axis=1, prepend=0)
        self._widths = np.floor(self.window * gaps.min(axis=1) + 1e-9).astype(np.int64)
        if (gaps.min(axis=1) < 2 * self._widths + 1).any() or (gaps < 1).any():
            raise TaskError(
                f"intervals_ms={self.intervals_ms!r} are too short for dt={self.dt:g} ms; use a "
                "smaller dt, longer intervals or larger scales."
            )
        if self._pulse > self._due[:, 0].min():
            raise TaskError(f"pulse={self.pulse:g} ms outlasts the first interval; pass a shorter.")
        self._which = np.arange(self.taps) % self.effectors + 1
        self._tail = int(self._widths.max()) + 1
        self.max_steps = self._foreperiod.high + int(self._due[:, -1].max()) + self._tail
        self.answer_span = self._tail
        self.channels = (Channel("go"), Channel("tempo"))
        self.action_space = spaces.Discrete(self.effectors + 1)
        self.action_names = ("withhold", *(f"tap {i}" for i in range(self.effectors)))
        self.n_conditions = len(self._scales)
        self.int_facts = ("trial", "condition", "n_hits", "n_extra", "correct", "choice")
        each = range(self.taps)
        self.float_facts = (
            *("rt", "scale"),
            *(f"tap_{tap}_ms" for tap in each),
            *(f"error_{tap}_ms" for tap in each),
            *(f"ratio_{tap}" for tap in each),
        )
        self.finished_facts = ("n_hits", "n_extra", "correct", *self.float_facts[2:])
        self.response = tap_response(self.taps, self.effectors, self.earns, self._which)

    def _due_times(self) -> Array:
        """(scales, taps) steps from the pulse at which taps are due."""
        for name in ("intervals_ms", "scales"):
            if not isinstance(getattr(self, name), (list, tuple)) or not getattr(self, name):
                raise TaskError(f"{name}={getattr(self, name)!r} is no list of numbers; pass one.")
        intervals = [check_number("intervals_ms", one, 1e-3, 1e7) for one in self.intervals_ms]
        scales = [check_number("scales", one, 1e-3, 1e3) for one in self.scales]
        if len(set(scales)) < len(scales):
            raise TaskError(f"scales={self.scales!r} has a value twice; pass different scales.")
        self._scales = np.array(scales)
        times = np.cumsum(intervals * self.repeats) * self._scales[:, None]
        return np.floor(times / self.dt + 0.5 + 1e-9).astype(np.int64)

    def draw(self, draws: Draws, trials: Trials) -> None:
        fore, which = draws.duration(self._foreperiod), draws.integers(len(self._scales))
        last = self._due[which, -1]
        trials.durations[:, 0], trials.durations[:, 1] = fore, self._pulse
        trials.durations[:, 2] = last - self._pulse + self._tail
        trials.patterns[:, 1, 0] = 1
        trials.patterns[:, :, 1] = (self._scales[which] / self._scales.max())[:, None]
        trials.codes[:] = 1  # a tap here is extra, where ``fill`` does not say otherwise
        trials.go[:] = fore + last
        trials.fact("condition")[:] = which
        trials.fact("scale")[:] = self._scales[which]

    def fill(self, rows: Rows, trials: Trials, go: Array, draws: Draws) -> None:
        which = trials.fact("condition")
        due = self._due[which]
        first = trials.go - due[:, -1]  # the pulse's rows
        mark_windows(rows, first[:, None] + due, self._widths[which], self._which)

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        assert played is not None
        which = facts["condition"]
        due = self._due[which]
        pulse = (played.codes == 2).argmax(axis=1) + self._widths[which] - due[:, 0]
        times, hits, extra = tap_facts(played, self.taps, self._which)
        times = times - pulse[:, None]
        facts["n_hits"][:], facts["n_extra"][:] = hits, extra
        facts["correct"][:] = (hits == self.taps) & (extra == 0)
        made = np.diff(times, axis=1, prepend=0.0)
        asked = np.diff(due, axis=1, prepend=0)
        there = ~np.isnan(made)
        count = np.maximum(there.sum(axis=1), 1)
        mean = np.where(there, made, 0.0).sum(axis=1) / count
        fair = np.where(there, asked, 0).sum(axis=1) / count
        scale = np.where(there.any(axis=1) & (mean > 0), fair / np.where(mean > 0, mean, 1), np.nan)
        ratio = made / asked * scale[:, None]
        for tap in range(self.taps):
            facts[f"tap_{tap}_ms"][:] = times[:, tap] * self.dt
            facts[f"error_{tap}_ms"][:] = (times[:, tap] - due[:, tap]) * self.dt
            facts[f"ratio_{tap}"][:] = ratio[:, tap]

    def score(self, facts: Mapping[str, Any]) -> Array:
        kept = np.asarray(facts["n_hits"], dtype=np.float64) - np.asarray(facts["n_extra"])
        return np.maximum(kept, 0.0) / self.taps

    def compute_yardsticks(self) -> Yardsticks:
        random = constant_score(self, self.effectors / (self.effectors + 1))
        seen = self.prev_action or self.prev_reward or self.time
        return Yardsticks(
            random=random,
            chance=max(random, blind_score(self, self._trial_types())),
            memoryless=None if seen else max(random, self._memoryless()),
            optimum=1.0,
        )

    def _trial_types(self) -> TrialTypes:
        fore, count = self._foreperiod, len(self._scales)
        due = (fore.steps[:, None, None] + self._due).reshape(-1, self.taps)
        return TrialTypes(
            due=due,
            width=np.tile(self._widths, len(fore.steps)),
            length=due[:, -1] + self._tail,
            weight=np.repeat(fore.probability, count) / count,
            which=self._which,
        )

    def _memoryless(self) -> float:
        def score(rate: float, tempo: int) -> float:
            return rate_score(
                self,
                lambda obs: np.where(obs[:, 0] > 0.5, 0.0, rate),
                measure=lambda info: self.score(info) * (info["condition"] == tempo),
            )

        return sum(max(score(rate, tempo) for rate in RATES) for tempo in range(self.n_conditions))

    def oracle(self) -> Policy:
        return Player(self)


class Player(Policy):
    """Counts the steps since the pulse and taps when the rhythm at this tempo asks for it."""

    def __init__(self, task: RhythmProduction) -> None:
        self._scales, self._last = task._scales, task._due[:, -1]
        self._taps = np.zeros((len(task._scales), int(task._due.max()) + 1), dtype=np.int64)
        for row, due in enumerate(task._due):
            self._taps[row, due] = task._which

    def begin(self, n: int) -> State:
        return (np.full(n, -1, dtype=np.int64),)  # steps since the pulse's first; -1: none yet

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        (since,) = state
        lit = obs[:, 0] > 0.5
        since = np.where(since >= 0, since + 1, np.where(lit, 0, -1))
        scale = obs[:, 1] * self._scales.max()
        which = np.abs(scale[:, None] - self._scales).argmin(axis=1)
        tap = np.where(since >= 0, self._taps[which, np.maximum(since, 0)], 0)
        # Behind the last tap the next pulse, that of another trial, is waited for.
        return tap, (np.where(since == self._last[which], -1, since),)


register(RhythmProduction)
register(RhythmProduction, "Two", effectors=2, repeats=2)
