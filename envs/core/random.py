"""Counted randomness: every random value is a function of (column seed, trial, stream, index).

The generator is Philox-4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as
easy as 1, 2, 3", doi:10.1145/2063384.2063405), a keyed bijection of counters. Because nothing is
carried from one call to the next, any trial of any column can be drawn at any time, alone or
together with thousands of others, with the same result.
"""

from __future__ import annotations

import math
import numbers
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import TaskError

if TYPE_CHECKING:
    from .time import Duration

Array = npt.NDArray[Any]

_MULTIPLIERS = np.array([0xD2511F53, 0xCD9E8D57], dtype=np.uint64)
_WEYL = np.array([0x9E3779B9, 0xBB67AE85], dtype=np.uint64)
_ROUNDS = 10
_MASK = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_PIECE = 2**15  # values
_LOW, _HIGH = (0, 1) if sys.byteorder == "little" else (1, 0)
MAX_SEED = 2**63


def philox_4x32(counter: Array, key: Array) -> Array:
    """Encrypt counters with Philox-4x32-10.

    Args:
        counter: (4, ...) unsigned integers below 2**32, the four counter words.
        key: (2, ...) unsigned integers below 2**32, broadcastable against one counter word.

    Returns:
        (4, ...) uint32 random words.
    """
    counter, key = np.asarray(counter), np.asarray(key, dtype=np.uint64)
    shape = counter.shape[1:]
    ones = (1,) * len(shape)
    key = key.reshape(2, *ones[key.ndim - 1 :], *key.shape[1:])
    bumps = np.arange(_ROUNDS, dtype=np.uint64).reshape(-1, 1) * _WEYL
    keys = ((key + bumps.reshape(_ROUNDS, 2, *ones)) & _MASK).astype(np.uint32)
    factors = _MULTIPLIERS.reshape(2, *ones)
    # The two halves of the cipher (words 0, 1 and words 2, 3) do the same to each other, so both
    # run as one array, and reading the products back to front crosses them over. The high and low
    # words of a product are read in place; the next round writes to the other buffer.
    products = [np.empty((2, *shape), dtype=np.uint64) for _ in range(2)]
    halves = [one.view(np.uint32).reshape(2, *shape, 2)[::-1] for one in products]
    left, right = counter[0::2].astype(np.uint32), counter[1::2].astype(np.uint32)
    for turn in range(_ROUNDS):
        np.multiply(left, factors, out=products[turn % 2])
        np.bitwise_xor(halves[turn % 2][..., _HIGH], right, out=left)
        np.bitwise_xor(left, keys[turn], out=left)
        right = halves[turn % 2][..., _LOW]
    words = np.empty((4, *shape), dtype=np.uint32)
    words[0::2], words[1::2] = left, right
    return words


def check_seed(seed: Any) -> int:
    """Return a seed as int; raise TaskError unless it is a whole number in [0, 2**63)."""
    whole = isinstance(seed, numbers.Integral) and not isinstance(seed, bool)
    if not whole or not 0 <= int(seed) < MAX_SEED:
        raise TaskError(f"seed={seed!r} is not a whole number from 0 to 2**63 - 1; pass such one.")
    return int(seed)


class Draws:
    """Random values for n trials at once, one row per trial.

    Each method takes the next values of every row; how many it takes depends on the shape that is
    asked for and on nothing else, so rows never get out of step.

    Args:
        seeds: (n,) column seeds in [0, 2**63).
        trials: (n,) trial numbers of those columns, from 0.
        stream: purpose of these values; values of different streams are independent.
        ahead: how many values to compute at once (speed only).
    """

    def __init__(self, seeds: Array, trials: Array, stream: int = 0, ahead: int = 4) -> None:
        self._seeds = np.asarray(seeds, dtype=np.uint64)
        self._trials = np.asarray(trials, dtype=np.uint64)
        self._stream = stream
        self._ahead = ahead
        self._taken = 0
        self._pool = np.empty((self._seeds.size, 0))
        self._pool_start = 0
        self.n = int(self._seeds.size)

    @property
    def seeds(self) -> Array:
        """(n,) uint64 column seeds."""
        return self._seeds

    @property
    def trials(self) -> Array:
        """(n,) uint64 trial numbers."""
        return self._trials

    def stream(self, stream: int) -> Draws:
        """Values for another purpose, e.g. noise whose amount varies from call to call."""
        return Draws(self._seeds, self._trials, stream, self._ahead)

    def previous(self) -> Draws:
        """Values of the trials before; of a first trial its own."""
        before = np.where(self._trials > 0, self._trials - np.uint64(1), self._trials)
        return Draws(self._seeds, before, self._stream, self._ahead)

    def ahead(self, count: int) -> Draws:
        """The same values from the beginning, computed so many at once (speed only)."""
        return Draws(self._seeds, self._trials, self._stream, count)

    def _generate(self, first: int, count: int) -> Array:
        """Values ``first`` to ``first + count`` (both multiples of 4) of every row, (n, count)."""
        values = np.empty((self.n, count))
        # Piece by piece, so that what is computed on the way stays in the cache.
        rows = max(_PIECE // count, 1)
        for start in range(0, self.n, rows):
            piece = slice(start, start + rows)
            words = self._words(self._seeds[piece], self._trials[piece], first // 4, count // 4)
            # Centres of 2**32 equal cells: never 0 and never 1.
            part = values[piece]
            np.add(words, 0.5, out=part)
            part *= 2.0**-32
        return values

    def _words(self, seeds: Array, trials: Array, first: int, blocks: int) -> Array:
        """Random words (rows, 4 * blocks) of some rows, from block ``first`` on."""
        block = np.arange(first, first + blocks)
        trial = np.stack([trials & _MASK, trials >> _HALF])
        key = np.stack([seeds & _MASK, seeds >> _HALF])
        # NumPy runs along the last axis, so that should be a long one.
        by_row = blocks > len(trials)
        if by_row:
            trial, key = trial[..., None], key[..., None]
        else:
            block, trial, key = block[:, None], trial[:, None], key[:, None]
        counter = np.empty((4, *np.broadcast_shapes(block.shape, key[0].shape)), dtype=np.uint32)
        counter[0], counter[1], counter[2:] = block, self._stream, trial
        words = np.empty((len(trials), blocks, 4), dtype=np.uint32)
        for word, drawn in enumerate(philox_4x32(counter, key)):
            words[:, :, word] = drawn if by_row else drawn.T
        return words.reshape(len(trials), -1)

    def _take(self, count: int) -> Array:
        """The next ``count`` values of every row, (n, count), float64 in (0, 1)."""
        start = self._taken - self._pool_start
        if start + count > self._pool.shape[1]:
            first = 4 * (self._taken // 4)
            stop = -4 * (-(self._taken + max(count, self._ahead)) // 4)
            self._pool, self._pool_start = self._generate(first, stop - first), first
            start = self._taken - first
        self._taken += count
        return self._pool[:, start : start + count]

    def uniform(self, *shape: int) -> Array:
        """Uniform values in (0, 1) on a grid of 2**-32, (n, \\*shape) float64."""
        return self._take(math.prod(shape)).reshape(self.n, *shape).copy()

    def integers(self, high: int, *shape: int) -> Array:
        """Whole numbers 0 to ``high - 1``, equally likely, (n, \\*shape) int64."""
        return (self.uniform(*shape) * high).astype(np.int64)

    def bernoulli(self, probability: float | Array, *shape: int) -> Array:
        """True with the given probability, (n, \\*shape) bool."""
        return self.uniform(*shape) < probability

    def choice(self, values: Sequence[Any] | Array, *shape: int) -> Array:
        """Equally likely picks from ``values``, (n, \\*shape)."""
        values = np.asarray(values)
        return values[self.integers(len(values), *shape)]

    def normal(self, *shape: int) -> Array:
        """Standard normal values (Box and Muller 1958), (n, \\*shape) float64."""
        count = math.prod(shape)
        pairs = self._take(2 * ((count + 1) // 2)).reshape(self.n, -1, 2)
        radius = np.sqrt(-2.0 * np.log(pairs[:, :, 0]))
        angle = 2.0 * np.pi * pairs[:, :, 1]
        both = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
        return both.reshape(self.n, -1)[:, :count].reshape(self.n, *shape)

    def permutation(self, size: int) -> Array:
        """Random orders of 0 to ``size - 1``, (n, size) int64."""
        return np.argsort(self.uniform(size), axis=1, kind="stable")

    def duration(self, duration: Duration) -> Array:
        """Draws from a duration, in steps, (n,) int64; a fixed one takes no value."""
        if duration.fixed:
            return np.full(self.n, duration.low, dtype=np.int64)
        return duration.pick(self.uniform())
