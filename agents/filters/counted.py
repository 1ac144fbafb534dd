"""Random numbers that are counted: functions of (column seed, trial, index), with no state.

So a column's luck depends neither on the batch around it nor on when it is drawn, and what a
learner must carry for it is two whole numbers. The generator is SplitMix64 (Steele, Lea & Flood
2014, Fast splittable pseudorandom number generators, doi:10.1145/2660193.2660195), entered at a
place that is hashed from seed and trial.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ..errors import AgentError

Array = np.ndarray

_GAMMA = np.uint64(0x9E3779B97F4A7C15)  # odd, 2^64 over the golden ratio
_ANGLE_BITS = 24
_ANGLE_MASK = np.uint64(2**_ANGLE_BITS - 1)


def seeds(seed: int | Sequence[int] | Array, n: int, owner: str) -> Array:
    """Seeds (n,) uint64 of ``n`` columns; seed + i for column i where one is given.

    Raises:
        AgentError: seeds that are not whole numbers from 0 to 2^63 - 1, or not one or ``n``.
    """
    given = np.asarray(seed)
    whole = given.dtype.kind in "iu" and bool((given >= 0).all() and (given < 2**63).all())
    if not whole or given.shape not in ((), (n,)):
        raise AgentError(
            f"{owner}: seed={seed!r} must be a whole number from 0 to 2^63 - 1, or {n} of them, "
            "one for each column."
        )
    first = given.astype(np.uint64)
    return first.copy() if given.ndim else first + np.arange(n, dtype=np.uint64)


def entry(seeds: Array, trials: Array) -> Array:
    """Where the words of trials (n,) of columns with seeds (n,) begin, (n,) uint64."""
    return _mixed(_mixed(seeds + _GAMMA) ^ trials.astype(np.uint64))


def words(seeds: Array, trials: Array, count: int) -> Array:
    """Random words (n, count) uint64 of trials (n,) of columns with seeds (n,)."""
    return _mixed(entry(seeds, trials)[:, None] + _steps(count))


def window(entries: Array, begin: int, count: int) -> Array:
    """Words ``begin`` to ``begin + count`` of those at :func:`entry`, (n, count) uint64."""
    with np.errstate(over="ignore"):  # of numbers that are meant to go round
        start = entries + np.uint64(begin) * _GAMMA
    return _mixed(start[:, None] + _steps(count))


def uniform(words: Array) -> Array:
    """Numbers in (0, 1) on a grid of 2^-53."""
    return ((words >> np.uint64(11)) + 0.5) * 2.0**-53


def polar(words: Array) -> tuple[Array, Array]:
    """Of each word a uniform number in (0, 1), and the cosine of an independent uniform angle."""
    share = ((words >> np.uint64(_ANGLE_BITS)) + 0.5) * 2.0 ** (_ANGLE_BITS - 64)
    # Single precision holds all 24 bits of the angle, and its cosine is a tenth of the time.
    angle = (words & _ANGLE_MASK).astype(np.float32)
    angle *= np.float32(2 * np.pi * 2.0**-_ANGLE_BITS)
    return share, np.cos(angle, out=angle)


@lru_cache(maxsize=16)
def _steps(count: int) -> Array:
    return np.arange(1, count + 1, dtype=np.uint64) * _GAMMA


def _mixed(words: Array) -> Array:
    """A bijection of 64 bits in which every bit decides every other, in place."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        words ^= words >> np.uint64(shift)
        words *= np.uint64(factor)
    words ^= words >> np.uint64(31)
    return words
