"""Tapping on with the tempo of clicks that are heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ..core.errors import check_int
from ..core.policy import Policy
from ..core.random import Draws
from ..core.registration import register
from ..core.table import Rows, Trials
from ..core.task import Channel, Yardsticks
from ..motor_timing.sync_continuation import Metronome, SyncContinuation
from ..senses.banks import Bank, Nearest, Reading, Sounds, sound_bank
from .tone_sequence import check_heard, heard_channels

Array = npt.NDArray[Any]

#: Steps that a click is heard: longer than the ear's lowest channel rings.
_RINGING = 2


@dataclass(kw_only=True, eq=False)
class TempoContinuation(SyncContinuation):
    """Tap in time with clicks that are heard as sound, and go on when they fall silent.

    Timeline: foreperiod -> synchronisation (``n_sync`` clicks are heard) -> continuation
    (``n_cont`` are not). Each beat but the first two, which tell the tempo, asks for one tap. A
    click is a burst of noise of 20 ms with a mean of 0, one of several, so that no single sample
    tells that it is there.

    Defaults: dt 50 ms, intervals 300, 400, 500 and 600 ms, 4 heard and 4 silent beats, foreperiod
    100 to 500 ms, window 20 %, sound at 8 kHz.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``sound_0`` ...         -1 to 1      the samples of this step
    ``sense_0`` ...         0 to 2       with a ``sensor``, one channel of the ear each
    ``continue``            0, 1         1 from the last click on
    ``prev_action_0``, _1   0, 1         what was done on the step before
    ======================  ===========  ====================================================

    Actions: 0 withhold, 1 tap.

    Reward: ``correct`` (1) over the number of taps asked for, for the first tap in the window
    around each such beat, an answer to the step of the beat or within ``window`` times the
    interval of it; ``extra`` (-.1), over the same number, for every other tap. The return at the
    optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (which interval), ``correct`` (all
    beats met, no extra tap), ``choice`` (0), ``rt`` (NaN), ``n_hits``, ``n_extra``, ``shifted_at``
    (first beat after the shift, -1 without one), ``period_ms``, ``shift_ms``, for each beat asked
    for ``tap_2_ms`` ... (time from the first beat, NaN without a tap) and ``asynchrony_2_ms`` ...
    (tap minus beat), ``mean_asynchrony_ms`` (heard beats), and over the intervals between
    neighbouring taps of the continuation ``iti_mean_ms``, ``iti_sd_ms``, ``iti_acov1_ms2`` (lag-1
    autocovariance).

    Score: hits minus extra taps over the beats asked for, not below 0. Yardsticks are those of
    ``caudate/SyncContinuation-v0`` with the same beats, because a click can be told from silence
    at once: optimum 1; memoryless is not known where the previous action is shown.

    Args:
        periods_ms, n_sync, n_cont, window, shift, shift_share, foreperiod: as in
            ``caudate/SyncContinuation-v0``.
        fs: samples a second, 4,000 to 48,000; a step must hold a whole number of them.
        exemplars: different clicks, 1 to 64.
        sensor: None (samples) or "cochlea" (8 channels). Each click is heard as if there had been
            silence before it.

    Wing and Kristofferson 1973, doi:10.3758/BF03198607; the ear: Glasberg and Moore 1990,
    doi:10.1016/0378-5955(90)90170-T.

    Versions: v0, first release. ``TempoContinuation-Cochlea-v0``: heard by a cochlea.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/TempoContinuation-Cochlea-v0")
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names[-4:]
    ('sense_7', 'continue', 'prev_action_0', 'prev_action_1')
    """

    periods_ms: Sequence[float] = (300.0, 400.0, 500.0, 600.0)
    n_sync: int = 4
    n_cont: int = 4
    fs: float = 8000.0
    exemplars: int = 16
    sensor: str | None = None

    name: ClassVar[str] = "TempoContinuation"
    family: ClassVar[str] = "other"
    measures = "asynchrony and variance of intervals, with an ear and without"

    def prepare(self) -> None:
        self.exemplars = check_int("exemplars", self.exemplars, 1, 64)
        self.sensor, self.chunk = check_heard(self.sensor, self.fs, self.dt)
        super().prepare()

    @cached_property
    def sounds(self) -> Sounds:
        """What is played."""
        return Sounds("clicks", 1, self.fs, self.chunk, 1, _RINGING, self.exemplars)

    @property
    def bank(self) -> Bank:
        """All clicks as they are heard, computed when first asked for."""
        return sound_bank(self.sounds, self.sensor)

    def _set_channels(self) -> None:
        self._continue = self.sounds.width(self.sensor)
        self.channels = (*heard_channels(self.sensor, self._continue), Channel("continue"))

    def draw(self, draws: Draws, trials: Trials) -> None:
        super().draw(draws, trials)
        # ``fill`` finds here which click it is, and puts its samples in place of the number.
        clicks = draws.integers(self.exemplars, self.n_sync)
        trials.patterns[:, 1:-1:2, 0] = 1 + clicks

    def fill(self, rows: Rows, trials: Trials, go: Array, draws: Draws) -> None:
        super().fill(rows, trials, go, draws)
        first: Array = (rows.obs[:, 0] > 0.5).nonzero()[0]
        which = rows.obs[first, 0].astype(np.int64) - 1
        bank = self.bank
        # The last beat can be so near the trial's end that it rings into what is not its own.
        left = trials.durations.sum(axis=1)[rows.trial[first]] - rows.step[first]
        for step in range(min(_RINGING, self._shortest_interval())):
            here = left > step
            rows.obs[first[here] + step, : self._continue] = bank.rows[which[here], step]

    def _shortest_interval(self) -> int:
        return int(np.diff(self._onsets, axis=2).min())

    def compute_yardsticks(self) -> Yardsticks:
        shared = {field.name: getattr(self, field.name) for field in fields(SyncContinuation)}
        return SyncContinuation(**shared).yardsticks

    def oracle(self) -> Policy:
        bank, width = self.bank, self._continue
        begins = np.zeros(bank.rows.shape[:2], dtype=np.int64)
        begins[:, 0] = 1
        nearest = Nearest(
            np.vstack([bank.rows.reshape(-1, width), bank.blank]), np.append(begins, 0)
        )

        def read(obs: Array) -> Array:
            return np.stack([nearest(obs[:, :width]), obs[:, width]], axis=1)

        return Reading(Metronome(self.beats), read)


register(TempoContinuation)
register(TempoContinuation, "Cochlea", sensor="cochlea")
