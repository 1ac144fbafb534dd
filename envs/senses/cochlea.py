"""The cochlea: a bank of gammatone filters, hair cells behind them, frames of their activity."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError, check_int, check_number
from .base import Sensor, State

Array = npt.NDArray[Any]

#: A filter whose centre is below this share of the sampling rate loses precision as one polynomial.
LOWEST_SHARE = 1 / 160
#: Filter memories below this are taken for silence: smaller ones become denormal and slow.
_SILENCE = 1e-200


def erb(frequency: Any) -> Any:
    """Equivalent rectangular bandwidth in Hz of the human ear's filter at a frequency in Hz.

    Glasberg and Moore 1990, doi:10.1016/0378-5955(90)90170-T, equation 3.
    """
    return 24.7 * (4.37 * np.asarray(frequency) / 1000.0 + 1.0)


def erb_rate(frequency: Any) -> Any:
    """How many bandwidths lie below a frequency in Hz (equation 4 of the same paper)."""
    return 21.4 * np.log10(1.0 + 0.00437 * np.asarray(frequency))


def frequency_at(rate: Any) -> Any:
    """Frequency in Hz with so many bandwidths below it, the inverse of ``erb_rate``."""
    return (10.0 ** (np.asarray(rate) / 21.4) - 1.0) / 0.00437


def centre_frequencies(n: int, low: float, high: float) -> Array:
    """(n,) frequencies in Hz from low to high, evenly spaced in bandwidths."""
    return frequency_at(np.linspace(erb_rate(low), erb_rate(high), n))


class Cochlea(Sensor):
    """Chunks of sound in, one frame of hair cells' activity per chunk out.

    Each channel is a gammatone filter of fourth order (``scipy.signal.gammatone``), followed by
    half-wave rectification, compression z = y^compression, and a lowpass of two first-order stages
    above which fine structure is lost; a frame is the mean over the chunk. Filters go on from
    chunk to chunk, so chunked sound gives what the whole would.

    Input: (chunk,) samples in [-1, 1]. Output: (n_channels,) from 0 to ``high``, which no sound
    within these bounds can pass.

    Args:
        fs: sampling rate in Hz.
        chunk: samples of a chunk; 160 at 16 kHz are 10 ms.
        n_channels: number of channels.
        low, high: centre frequencies in Hz of the first and the last, ``low`` at least fs / 160 and
            ``high`` below fs / 2.
        compression: exponent, 0.1 to 1 (none).
        cutoff: of each stage of the lowpass in Hz, below fs / 2.

    Slaney 1993 (Apple technical report 35) as implemented by SciPy; bandwidths of Glasberg and
    Moore 1990, doi:10.1016/0378-5955(90)90170-T; loss of phase locking: Palmer and Russell 1986,
    doi:10.1016/0378-5955(86)90002-X.

    >>> ear = Cochlea(fs=8000, chunk=80, n_channels=8, low=200, high=3000)
    >>> tone = np.sin(2 * np.pi * 3000 * np.arange(80) / 8000)
    >>> int(ear(tone).argmax())
    7
    """

    def __init__(
        self,
        fs: float = 16_000.0,
        chunk: int = 160,
        n_channels: int = 16,
        low: float = 100.0,
        high: float = 6000.0,
        *,
        compression: float = 0.3,
        cutoff: float = 1000.0,
    ) -> None:
        from scipy.signal import butter, gammatone

        super().__init__()
        self.fs = check_number("fs", fs, low=100.0)
        self.chunk = check_int("chunk", chunk, 1)
        self.n_channels = check_int("n_channels", n_channels, 1, 1000)
        low = check_number("low", low, low=self.fs * LOWEST_SHARE, high=self.fs / 2)
        high = check_number("high", high, low=low, high=self.fs / 2)
        if high >= self.fs / 2:
            raise TaskError(f"high={high:g} is not below fs / 2; pass a lower frequency.")
        self.compression = check_number("compression", compression, low=0.1, high=1.0)
        self.cutoff = check_number("cutoff", cutoff, low=1.0, high=0.49 * self.fs)
        #: (n_channels,) centre frequencies in Hz.
        self.frequencies = centre_frequencies(self.n_channels, low, high)
        filters: Any = [gammatone(one, "iir", fs=self.fs) for one in self.frequencies]
        #: (n_channels, 5) and (n_channels, 9), coefficients of the filters.
        self.numerators = np.stack([one[0] for one in filters])
        self.denominators = np.stack([one[1] for one in filters])
        stage: Any = butter(1, self.cutoff, fs=self.fs)
        self._lowpass = np.convolve(stage[0], stage[0]), np.convolve(stage[1], stage[1])
        self.input_shape, self.output_shape = (self.chunk,), (self.n_channels,)
        self.high = self._largest() ** self.compression

    def _largest(self) -> float:
        """Most that a filter can make of sound in [-1, 1]: the sum of its absolute response."""
        from scipy.signal import lfilter

        pulse = np.zeros(int(0.3 * self.fs) + 1)
        pulse[0] = 1.0
        pairs = zip(self.numerators, self.denominators, strict=True)
        return max(float(np.abs(lfilter(b, a, pulse)).sum()) for b, a in pairs)

    def begin(self, n: int) -> State:
        order = self.denominators.shape[1] - 1
        return {
            "filters": np.zeros((n, self.n_channels, order)),
            "cells": np.zeros((n, self.n_channels, 2)),
        }

    def cells(self, sound: Array, state: State) -> tuple[Array, State]:
        """Activity (k, n_channels, samples) of hair cells, sample by sample, and the state."""
        from scipy.signal import lfilter

        waves = np.empty((len(sound), self.n_channels, sound.shape[1]))
        filters = np.empty_like(state["filters"])
        for channel, (b, a) in enumerate(zip(self.numerators, self.denominators, strict=True)):
            before = state["filters"][:, channel]
            waves[:, channel], filters[:, channel] = lfilter(b, a, sound, axis=-1, zi=before)
        np.maximum(waves, 0.0, out=waves)
        if self.compression != 1:
            waves **= self.compression
        smooth, cells = lfilter(*self._lowpass, waves, axis=-1, zi=state["cells"])
        for part in (filters, cells):
            part[np.abs(part) < _SILENCE] = 0.0
        return smooth, {"filters": filters, "cells": cells}

    def sense(self, stimulus: Array, state: State) -> tuple[Array, State]:
        activity, after = self.cells(stimulus, state)
        return activity.mean(axis=-1).clip(0.0, self.high), after

    def cochleagram(self, sound: Array) -> Array:
        """Frames (F, n_channels) of a whole sound (samples,), begun and ended in silence.

        The last chunk is filled up with silence.
        """
        sound = np.asarray(sound, dtype=np.float64)
        frames = -(-len(sound) // self.chunk)
        padded = np.zeros(frames * self.chunk)
        padded[: len(sound)] = sound
        activity, _ = self.cells(padded[None], self.begin(1))
        mean = activity[0].reshape(self.n_channels, frames, self.chunk).mean(axis=-1)
        return mean.T.clip(0.0, self.high)


def beat_interval(frames: Array, shortest: int, longest: int) -> int:
    """Interval between beats in frames, from the autocorrelation of onsets.

    Args:
        frames: (F, channels) of a cochlea; onsets are their increases, summed over channels.
        shortest, longest: intervals that are considered.

    Raises:
        TaskError: fewer frames than twice the longest interval.
    """
    if len(frames) < 2 * longest:
        raise TaskError(
            f"{len(frames)} frames are fewer than two intervals of {longest}; listen on."
        )
    onset = np.maximum(np.diff(frames, axis=0), 0.0).sum(axis=1)
    onset = onset - onset.mean()
    lags = np.arange(shortest, longest + 1)
    # Per pair of frames, so that long lags, which have fewer pairs, are not at a disadvantage.
    strength = [float(onset[lag:] @ onset[: len(onset) - lag]) / (len(onset) - lag) for lag in lags]
    best = max(strength)
    # Multiples of the interval correlate as well: the first that comes near is the interval.
    near = np.flatnonzero(np.array(strength) >= 0.8 * best)[0]
    stop = near
    while stop + 1 < len(lags) and strength[stop + 1] > strength[stop]:
        stop += 1
    return int(lags[stop])
