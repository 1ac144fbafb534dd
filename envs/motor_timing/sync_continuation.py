"""Tapping with a metronome, and going on without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import TaskError, check_int, check_number, check_one_of
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
class SyncContinuation(ScriptedTask):
    """Tap in time with a metronome and keep its tempo when it falls silent.

    Timeline: foreperiod -> synchronisation (``n_sync`` beats are heard) -> continuation (``n_cont``
    beats are not). Each beat but the first two, which tell the tempo, asks for one tap. A shift of
    phase or tempo may come in the middle of the synchronisation.

    Defaults: dt 50 ms, periods 400, 500 and 600 ms, 8 heard and 8 silent beats, foreperiod 100 to
    500 ms, window 20 %.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``beat``                0, 1         1 on the step of a heard beat
    ``continue``            0, 1         1 from the last heard beat on
    ``prev_action_0``, _1   0, 1         what was done on the step before
    ======================  ===========  ====================================================

    Actions: 0 withhold, 1 tap.

    Reward: ``correct`` (1) over the number of taps asked for, for the first tap in the window
    around each such beat, an answer to the step of the beat or within ``window`` times the period
    of it; ``extra`` (-.1), over the same number, for every other tap. The return at the optimum is
    1.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (which period), ``correct`` (all
    beats met, no extra tap), ``choice`` (0), ``rt`` (NaN), ``n_hits``, ``n_extra``, ``shifted_at``
    (first beat after the shift, -1 without one), ``period_ms``, ``shift_ms``, for each beat asked
    for ``tap_2_ms`` ... (time from the first beat, NaN without a tap) and ``asynchrony_2_ms`` ...
    (tap minus beat), ``mean_asynchrony_ms`` (heard beats), and over the intervals between
    neighbouring taps of the continuation ``iti_mean_ms``, ``iti_sd_ms``, ``iti_acov1_ms2`` (lag-1
    autocovariance).

    Score: hits minus extra taps over the beats asked for, not below 0. Yardsticks: random by
    simulation with a fixed seed; chance the best that is known without observations, a schedule of
    taps counted from the trial's start (exact; found by local search from the beats of each trial
    type) or a constant tap probability (simulated); optimum 1. Memoryless is not known where the
    previous action, reward or time is shown; else it is simulated: the best of tapping with one
    probability on heard beats but the last, always on the last, and with another one behind it.

    Args:
        periods_ms: beat intervals in ms, each trial one of them.
        n_sync: heard beats, at least 3.
        n_cont: silent beats.
        window: half-width of the window as a share of the period, below .5.
        shift: "none", "phase" (all later beats come later or earlier) or "tempo" (later intervals
            are longer or shorter) in the middle of the heard beats.
        shift_share: size of the shift as a share of the period, rounded to steps; its sign is
            drawn.
        foreperiod: time before the first beat, duration in ms.

    Wing and Kristofferson 1973, doi:10.3758/BF03198607; error correction after shifts: Repp 2005,
    doi:10.3758/BF03206433.

    Versions: v0, first release. ``SyncContinuation-Phase-v0``: phase shifts, no silent beats.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/SyncContinuation-v0")
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('beat', 'continue', 'prev_action_0', 'prev_action_1')
    """

    dt: float = 50.0
    prev_action: bool = True
    periods_ms: Sequence[float] = (400.0, 500.0, 600.0)
    n_sync: int = 8
    n_cont: int = 8
    window: float = 0.2
    shift: str = "none"
    shift_share: float = 0.2
    foreperiod: DurationLike = (100.0, 500.0)

    name: ClassVar[str] = "SyncContinuation"
    family: ClassVar[str] = "motor_timing"
    measures = (
        "asynchrony, variance and lag-1 autocovariance of intervals (clock and motor noise), "
        "phase correction"
    )
    default_rewards: ClassVar[Mapping[str, float]] = TAP_REWARDS
    action_names = ("withhold", "tap")
    records = True
    #: Channel that tells of the continuation.
    _continue = 1

    def prepare(self) -> None:
        if not isinstance(self.periods_ms, (list, tuple)) or not self.periods_ms:
            raise TaskError(f"periods_ms={self.periods_ms!r} is no list of ms; pass such one.")
        grid = parse_duration(
            "periods_ms", ("choice", list(self.periods_ms)), self.dt, allow_zero=False
        )
        self._periods = grid.steps
        self.n_sync = check_int("n_sync", self.n_sync, 3, 1000)
        self.n_cont = check_int("n_cont", self.n_cont, 0, 1000)
        self.window = check_number("window", self.window, low=0.0, high=0.49)
        self.shift = check_one_of("shift", self.shift, ("none", "phase", "tempo"))
        self.shift_share = check_number("shift_share", self.shift_share, low=0.0, high=0.5)
        self._foreperiod = parse_duration("foreperiod", self.foreperiod, self.dt)
        self._widths = np.floor(self.window * self._periods + 1e-9).astype(np.int64)
        self._shifts = np.floor(self.shift_share * self._periods + 0.5).astype(np.int64)
        if self.shift != "none" and self.shift_share > 0 and (self._shifts == 0).any():
            raise TaskError(
                f"shift_share={self.shift_share:g} of the shortest period is less than half a step "
                f"of dt={self.dt:g} ms; use a larger share or a smaller dt."
            )
        if (self._periods - self._shifts * (self.shift != "none") < 2 * self._widths + 1).any():
            raise TaskError(
                f"window={self.window:g} makes the windows of neighbouring beats overlap at "
                f"dt={self.dt:g} ms; use a smaller window, shift or dt."
            )
        self.beats = self.n_sync + self.n_cont
        #: Beats that ask for a tap.
        self.asked = self.beats - 2
        self._onsets = self._beat_onsets()
        self._beats = self._onsets.reshape(-1, self.beats)
        self._tail = int(self._widths.max()) + 1
        longest = int(self._onsets[:, :, -1].max())
        self.max_steps = self._foreperiod.high + longest + self._tail
        self._set_channels()
        self.action_space = spaces.Discrete(2)
        self.n_conditions = len(self._periods)
        self.period_names = (
            "foreperiod",
            *("beat", "between") * (self.n_sync - 1),
            "last beat",
            "continuation",
        )
        self.int_facts = (
            *("trial", "condition", "n_hits", "n_extra", "shifted_at"),
            *("correct", "choice"),
        )
        taps = range(2, self.beats)
        self.float_facts = (
            *("rt", "period_ms", "shift_ms"),
            *(f"tap_{beat}_ms" for beat in taps),
            *(f"asynchrony_{beat}_ms" for beat in taps),
            *("mean_asynchrony_ms", "iti_mean_ms", "iti_sd_ms", "iti_acov1_ms2"),
        )
        self.finished_facts = ("n_hits", "n_extra", "correct", *self.float_facts[3:])
        self.response = tap_response(self.asked, 1, self.earns)
        self.answer_span = self._tail  # every trial ends so long after its last beat

    def _set_channels(self) -> None:
        self.channels = (Channel("beat"), Channel("continue"))

    def _beat_onsets(self) -> Array:
        """(periods, sign of the shift, beats) steps from the first beat."""
        intervals = np.repeat(self._periods[:, None, None], self.beats - 1, axis=2)
        intervals = np.repeat(intervals, 2, axis=1)
        middle = self.n_sync // 2
        signs = np.array([1, -1])[:, None]
        if self.shift == "phase":
            intervals[:, :, middle - 1] += self._shifts[:, None] * signs[:, 0]
        elif self.shift == "tempo":
            intervals[:, :, middle - 1 :] += self._shifts[:, None, None] * signs
        starts = np.zeros((len(self._periods), 2, 1), dtype=np.int64)
        return np.concatenate([starts, np.cumsum(intervals, axis=2)], axis=2)

    def draw(self, draws: Draws, trials: Trials) -> None:
        fore, which = draws.duration(self._foreperiod), draws.integers(len(self._periods))
        sign = draws.integers(2)
        onsets = self._onsets[which, sign]
        heard = np.diff(onsets[:, : self.n_sync], axis=1)
        durations, patterns = trials.durations, trials.patterns
        durations[:, 0] = fore
        durations[:, 1:-2:2] = 1
        durations[:, 2:-2:2] = heard - 1
        durations[:, -2] = 1
        durations[:, -1] = onsets[:, -1] - onsets[:, self.n_sync - 1] - 1 + self._tail
        patterns[:, 1:-1:2, 0] = 1
        patterns[:, -2:, self._continue] = 1
        trials.codes[:] = 1  # a tap here is extra, where ``fill`` does not say otherwise
        trials.go[:] = fore + onsets[:, -1]
        trials.fact("condition")[:] = which
        trials.fact("shifted_at")[:] = -1 if self.shift == "none" else self.n_sync // 2
        trials.fact("period_ms")[:] = self._periods[which] * self.dt
        moved = (1 - 2 * sign) * self._shifts[which] * (self.shift != "none")
        trials.fact("shift_ms")[:] = moved * self.dt

    def _kind(self, condition: Array, shift_ms: Array) -> Array:
        """(n,) which line of the beats (lines, beats)."""
        return 2 * condition + (shift_ms < 0)

    def fill(self, rows: Rows, trials: Trials, go: Array, draws: Draws) -> None:
        which = trials.fact("condition")
        beats = self._beats[self._kind(which, trials.fact("shift_ms"))]
        first = trials.go - beats[:, -1]  # the first beats' rows
        mark_windows(rows, first[:, None] + beats[:, 2:], self._widths[which])

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        assert played is not None
        onsets = self._beats[self._kind(facts["condition"], facts["shift_ms"])]
        fore = (played.codes == 2).argmax(axis=1) + self._widths[facts["condition"]] - onsets[:, 2]
        times, hits, extra = tap_facts(played, self.asked)
        times = (times - fore[:, None]) * self.dt
        beats = onsets[:, 2:] * self.dt
        facts["n_hits"][:], facts["n_extra"][:] = hits, extra
        facts["correct"][:] = (hits == self.asked) & (extra == 0)
        for place in range(self.asked):
            facts[f"tap_{place + 2}_ms"][:] = times[:, place]
            facts[f"asynchrony_{place + 2}_ms"][:] = times[:, place] - beats[:, place]
        heard = (times - beats)[:, : self.n_sync - 2]
        facts["mean_asynchrony_ms"][:] = _mean(heard)
        intervals = np.diff(times[:, max(self.n_sync - 2, 0) :], axis=1)
        mean = _mean(intervals)
        apart = intervals - mean[:, None]
        facts["iti_mean_ms"][:] = mean
        facts["iti_sd_ms"][:] = np.sqrt(_mean(apart**2))
        facts["iti_acov1_ms2"][:] = _mean(apart[:, 1:] * apart[:, :-1])

    def score(self, facts: Mapping[str, Any]) -> Array:
        kept = np.asarray(facts["n_hits"], dtype=np.float64) - np.asarray(facts["n_extra"])
        return np.maximum(kept, 0.0) / self.asked

    def compute_yardsticks(self) -> Yardsticks:
        random = constant_score(self, 0.5)
        seen = self.prev_action or self.prev_reward or self.time
        return Yardsticks(
            random=random,
            chance=max(random, blind_score(self, self._trial_types())),
            memoryless=None if seen else max(random, self._memoryless()),
            optimum=1.0,
        )

    def _trial_types(self) -> TrialTypes:
        signs = slice(None) if self.shift != "none" else slice(1)
        onsets = self._onsets[:, signs, :]
        fore, probability = self._foreperiod.steps, self._foreperiod.probability
        first = fore[:, None, None, None]
        beats = (first + onsets).reshape(-1, self.beats)
        each = np.ones(onsets.shape[:2])
        return TrialTypes(
            due=beats[:, 2:],
            width=np.tile((each * self._widths[:, None]).ravel(), len(fore)).astype(np.int64),
            length=beats[:, -1] + self._tail,
            weight=np.repeat(probability, each.size) / each.size,
            which=np.ones(self.asked, dtype=np.int64),
        )

    def _memoryless(self) -> float:
        def score(heard: float, silent: float) -> float:
            return rate_score(
                self,
                lambda obs: np.where(
                    obs[:, 0] > 0.5,
                    np.where(obs[:, 1] > 0.5, 1.0, heard),
                    np.where(obs[:, 1] > 0.5, silent, 0.0),
                ),
            )

        scores = {heard: score(heard, 0.0) for heard in (0.0, 0.5, 1.0)}
        best = max(scores, key=lambda heard: scores[heard])
        if self.n_cont == 0:
            return scores[best]
        return max(scores[best], *(score(best, rate) for rate in RATES))

    def oracle(self) -> Policy:
        return Metronome(self.beats)


def _mean(values: Array) -> Array:
    """Mean (k,) of the values that are there, (k, m) with NaN; NaN where there is none."""
    there = ~np.isnan(values)
    count = there.sum(axis=1)
    total = np.where(there, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


class Metronome(Policy):
    """Taps where the next beat is due: the interval between the last two beats after the last one.

    Heard beats are answered as they come, so shifts need no foresight.
    """

    def __init__(self, beats: int) -> None:
        self._beats = beats

    def begin(self, n: int) -> State:
        # Beats so far, steps since the last beat, last interval; whether the last beat was heard.
        return (*(np.zeros(n, dtype=np.int64) for _ in range(3)), np.zeros(n, dtype=bool))

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        beats, since, interval, was_alone = state
        heard, alone = obs[:, 0] > 0.5, obs[:, 1] > 0.5
        # Another trial of the session has begun.
        beats = np.where(was_alone & ~alone, 0, beats)
        since = since + 1
        due = alone & ~heard & (since == interval)
        now = heard | due
        interval = np.where(heard & (beats > 0), since, interval)
        beats = np.where(now, beats + 1, beats)
        tap = (now & (beats > 2) & (beats <= self._beats)).astype(np.int64)
        return tap, (beats, np.where(now, 0, since), interval, alone)


register(SyncContinuation)
register(SyncContinuation, "Phase", shift="phase", n_cont=0, n_sync=16)
