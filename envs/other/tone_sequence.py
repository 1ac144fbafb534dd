"""Serial recall of tones that are heard."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError, check_int, check_number, check_one_of
from ..core.policy import Policy
from ..core.random import Draws
from ..core.registration import register
from ..core.table import Rows, Trials
from ..core.task import Channel
from ..core.time import DurationLike
from ..senses.banks import SOUND_SENSORS, Bank, Nearest, Reading, Sounds, sound_bank
from ..working_memory.sequence_recall import RecallingObserver, SequenceRecall

Array = npt.NDArray[Any]


@dataclass(kw_only=True, eq=False)
class ToneSequence(SequenceRecall):
    """Hear a few tones one after another, and name them in order after a delay.

    Timeline: tones, each followed by a gap -> delay (silence) -> one recall slot per tone; the
    answer on a slot's last step counts. Every tone begins at a phase of its own, so its samples
    differ from one time to the next.

    Defaults: dt 50 ms, 3 of 4 tones, each 100 ms long with a gap of 50 ms, delay 200 to 400 ms,
    slots of 50 ms, sound at 8 kHz.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``sound_0`` ...         -1 to 1      the samples of this step
    ``sense_0`` ...         0 to 2       with a ``sensor``, one channel of the ear each
    ``recall``              0, 1         1 on the last step of each recall slot: answer now
    ``probe_0`` ...         0, 1         order "probed" only: one-hot, the position that is asked
                                         for, throughout the slot
    ======================  ===========  ====================================================

    Actions: one per tone, low to high, to name it; there is no withholding.

    Reward: per tone ``correct`` (1) or ``error`` (0), divided by the length of the list. The return
    at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (which length), ``correct`` (the
    whole list was right), ``choice`` (last answer), ``rt`` (NaN), ``length``, ``n_correct``,
    ``n_transpositions`` (wrong answers that are elsewhere in the list), ``n_intrusions`` (answers
    that are not in the list), ``delay_ms``, ``accuracy`` (share of tones right), and by position in
    the list ``correct_at_0`` ... (1 or 0) and ``transposition_at_0`` ... (nearest position of the
    tone that was named in its place, minus its own; NaN for intrusions).

    Score: ``accuracy``. Yardsticks are exact: random, chance and memoryless 1 / n_symbols; optimum
    1, reached by a nearest neighbour among all sounds as they are heard.

    Args:
        length, order, repeats, delay, answer: as in ``caudate/SequenceRecall-v0``.
        n_symbols: number of tones, 2 to 16; their frequencies are the centres of every second
            channel of the ear, between .03 and .4 of ``fs``.
        item, gap: how long a tone and the silence behind it last, in ms.
        fs: samples a second, 4,000 to 48,000; a step must hold a whole number of them.
        exemplars: phases of each tone, 1 to 64.
        snr_db: None, or the level in dB of each tone over noise that goes with it.
        sensor: None (samples) or "cochlea" (twice as many channels as there are tones). Each tone
            is heard as if there had been silence before it.

    Serial recall: Botvinick and Plaut 2006, doi:10.1037/0033-295X.113.2.201;
    the ear: Glasberg and Moore 1990, doi:10.1016/0378-5955(90)90170-T.

    Versions: v0, first release. ``ToneSequence-Cochlea-v0``: heard by a cochlea.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/ToneSequence-Cochlea-v0", n_symbols=3)
    >>> obs, info = env.reset(seed=0)
    >>> obs.shape
    (7,)
    """

    dt: float = 50.0
    length: Any = 3
    n_symbols: int = 4
    item: float = 100.0
    gap: float = 50.0
    delay: DurationLike = (200.0, 400.0)
    answer: float = 50.0
    fs: float = 8000.0
    exemplars: int = 16
    snr_db: float | None = None
    sensor: str | None = None

    name: ClassVar[str] = "ToneSequence"
    family: ClassVar[str] = "other"
    measures = "serial-position curve with an ear and without, span against noise"

    def prepare(self) -> None:
        self.n_symbols = check_int("n_symbols", self.n_symbols, 2, 16)
        self.exemplars = check_int("exemplars", self.exemplars, 1, 64)
        self.sensor, self.chunk = check_heard(self.sensor, self.fs, self.dt)
        if self.snr_db is not None:
            self.snr_db = check_number("snr_db", self.snr_db, low=-20.0, high=100.0)
        super().prepare()

    @cached_property
    def sounds(self) -> Sounds:
        """What is played."""
        on, steps = int(self._stream.durations[self._stream.shown].sum()), self._stream.window
        return Sounds(
            "tones", self.n_symbols, self.fs, self.chunk, on, steps, self.exemplars, self.snr_db
        )

    @property
    def bank(self) -> Bank:
        """All sounds as they are heard, computed when first asked for."""
        return sound_bank(self.sounds, self.sensor)

    def _set_channels(self) -> None:
        super()._set_channels()
        others = self.channels[self.n_symbols :]
        self._recall = self.sounds.width(self.sensor)
        self.channels = (*heard_channels(self.sensor, self._recall), *others)

    def _show(self, draws: Draws, trials: Trials, symbols: Array) -> None:
        longest = symbols.shape[1]
        which = symbols * self.exemplars + draws.integers(self.exemplars, longest)
        # ``fill`` finds here which sound goes on, and puts its samples in place of the number.
        periods = len(self._stream.names) * longest
        marks = np.repeat(1 + which, len(self._stream.names), axis=1)
        trials.patterns[:, :periods, 0] = marks

    @property
    def fills(self) -> bool:
        return True

    def fill(self, rows: Rows, trials: Trials, go: Array, draws: Draws) -> None:
        sounding: Array = (rows.obs[:, 0] > 0.5).nonzero()[0]
        which = rows.obs[sounding, 0].astype(np.int64) - 1
        step = rows.step[sounding] % self._stream.window
        rows.obs[sounding, : self._recall] = self.bank.rows[which, step]

    def oracle(self) -> Policy:
        bank, width, n = self.bank, self._recall, self.n_symbols
        # The first step of a tone tells it; all else is as good as silence.
        labels = np.full(bank.rows.shape[:2], n)
        labels[:, 0] = bank.labels
        known = bank.rows.reshape(-1, width)
        nearest = Nearest(np.vstack([known, bank.blank]), np.append(labels, n))
        symbols = np.eye(n + 1)[:, :n]

        def read(obs: Array) -> Array:
            return np.concatenate([symbols[nearest(obs[:, :width])], obs[:, width:]], axis=1)

        return Reading(RecallingObserver(self), read)


def check_heard(sensor: Any, fs: Any, dt: float) -> tuple[str | None, int]:
    """Sensor and samples of a step; TaskError unless the step holds a whole number of them."""
    if sensor is not None:
        sensor = check_one_of("sensor", sensor, SOUND_SENSORS)
    fs = check_number("fs", fs, low=4000.0, high=48_000.0)
    samples = fs * dt / 1000.0
    chunk = round(samples)
    if chunk < 2 or abs(samples - chunk) > 1e-6:
        raise TaskError(
            f"fs={fs:g} gives {samples:g} samples in a step of dt={dt:g} ms; choose them so that "
            "it is a whole number, 2 or more."
        )
    return sensor, chunk


def heard_channels(sensor: str | None, width: int) -> list[Channel]:
    """Channels of samples, or of what an ear makes of them."""
    if sensor is None:
        return [Channel(f"sound_{i}", -1.0, 1.0) for i in range(width)]
    return [Channel(f"sense_{i}", 0.0, 2.0) for i in range(width)]


register(ToneSequence)
register(ToneSequence, "Cochlea", sensor="cochlea")
