"""Weight noise, one perturbation a pair of columns, in three forms.

============  ==============================  ===================  ==========================
form          perturbation of pair p          memory               a step of the batch costs
============  ==============================  ===================  ==========================
``dense``     xi_p, independent entries       P M N                a product a pair
``flip``      ``s_p r_p^T * base``            M N + P (M + N)      one product
``rank-one``  ``sigma u_p v_p^T``             P (M + N)            O(P (M + N))
============  ==============================  ===================  ==========================

All have mean 0 and covariance sigma^2 between equal entries, 0 between different ones, which is
what makes ``E[xi (xi . g)] = sigma^2 g``: each gives an unbiased estimate of the gradient g. They
differ in higher moments only. ``s``, ``r``, ``u``, ``v`` are random signs, so the squared norm of a
``flip`` or ``rank-one`` perturbation is exactly sigma^2 M N and its effective dimension M N.

Flipout: Wen, Vicol, Ba, Tran & Grosse (2018), arXiv:1803.04386; low-rank perturbations in
evolution strategies: Sarkar et al. (2025), arXiv:2511.16652.

Noise is counted: a function of (key, pair, entry), computed by Philox (Salmon et al. 2011,
doi:10.1145/2063384.2063405). So the same pair gets the same noise however the batch is split, and
dense noise that would not fit ``memory`` is drawn again at each use instead of stored.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from .rules import weight_gradient

Array = np.ndarray

_BLOCK = 8  # float32 numbers that one step of the Philox counter gives


class WeightNoise(ABC):
    """Perturbations xi_p (M, N) of one weight matrix for P pairs (or single columns).

    Args:
        shape: (M, N) of the weights.
        pairs: P.
        sigma: standard deviation of an entry.
        dtype: of the products.
        memory: bytes that stored noise may take.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        pairs: int,
        sigma: float,
        dtype: np.dtype | type,
        memory: float = 2.0**28,
    ):
        self.shape, self.pairs, self.sigma = shape, pairs, sigma
        self.dtype = np.dtype(dtype)
        self.memory = memory
        self.key = 0

    def draw(self, key: int) -> None:
        """Take the perturbations that ``key`` (an integer below 2^64) stands for."""
        self.key = key
        self._draw()

    @abstractmethod
    def _draw(self) -> None: ...

    @abstractmethod
    def drive(self, x: Array) -> Array:
        """xi_p x for the columns of each pair: (P C, N) -> (P C, M), pairs one behind another."""

    @abstractmethod
    def gradient(self, credit: Array, mask: Array | None = None) -> Array:
        """``1/sigma^2 sum_p credit[p] xi_p`` (M, N), with columns of xi_p times ``mask`` (P, N)."""

    @abstractmethod
    def perturbation(self, pair: int) -> Array:
        """xi_p (M, N) itself."""

    @property
    def nbytes(self) -> int:
        """Memory of the noise that is stored."""
        return sum(value.nbytes for value in vars(self).values() if isinstance(value, np.ndarray))

    def diagonal(self) -> Array:
        """Entries (P, M) between a unit and itself, where the first M inputs are the units'."""
        return np.stack([np.diagonal(self.perturbation(p)) for p in range(self.pairs)])

    def _by_pair(self, x: Array) -> Array:
        return x.reshape(self.pairs, -1, self.shape[1])

    def _signs(self, stream: int, shape: tuple[int, int]) -> Array:
        """Random signs; ``stream`` keeps the draws of one key apart."""
        rng = np.random.Generator(np.random.Philox(key=self.key, counter=[0, 0, 0, stream]))
        n = shape[0] * shape[1]
        bits = np.unpackbits(rng.integers(0, 256, -(-n // 8), np.uint8), count=n)
        return np.where(bits.reshape(shape), self.dtype.type(1), self.dtype.type(-1))


class DenseNoise(WeightNoise):
    """Uniform numbers, a matrix a pair."""

    def _draw(self) -> None:
        m, n = self.shape
        self.blocks = -(-m * n // _BLOCK)
        self.stored = self.pairs * m * n * self.dtype.itemsize <= self.memory
        if self.stored:
            drawn = self._numbers(0, self.pairs)
            self.xi = drawn[:, : m * n].reshape(self.pairs, m, n).astype(self.dtype, copy=False)

    def _numbers(self, first: int, pairs: int) -> Array:
        """Noise of some pairs in a row, (pairs, 8 blocks)."""
        source = np.random.Philox(key=self.key, counter=first * self.blocks)
        drawn = np.random.Generator(source).random((pairs, self.blocks * _BLOCK), np.float32)
        drawn -= np.float32(0.5)
        drawn *= np.float32(np.sqrt(12.0) * self.sigma)
        return drawn

    def perturbation(self, pair: int) -> Array:
        if self.stored:
            return self.xi[pair]
        m, n = self.shape
        return self._numbers(pair, 1)[0, : m * n].reshape(m, n).astype(self.dtype, copy=False)

    def drive(self, x: Array) -> Array:
        x = self._by_pair(x)
        if self.stored:
            out = _products(self.xi, x)
        else:
            out = np.stack([x[p] @ self.perturbation(p).T for p in range(self.pairs)])
        return out.reshape(-1, self.shape[0])

    def gradient(self, credit: Array, mask: Array | None = None) -> Array:
        if self.stored and mask is None:
            return weight_gradient(self.xi, credit.astype(self.dtype), self.sigma)
        total = np.zeros(self.shape, self.dtype)
        for p in range(self.pairs):
            xi = self.perturbation(p)
            total += credit[p].astype(self.dtype) * (xi if mask is None else xi * mask[p])
        return total / self.sigma**2


def _products(matrices: Array, vectors: Array) -> Array:
    """(P, M, N) times (P, C, N) -> (P, C, M); limited by how fast the matrices are read."""
    if hasattr(np, "matvec"):  # NumPy 2.2: twice as fast as a product with few columns
        return np.matvec(matrices[:, None], vectors)
    return vectors @ matrices.transpose(0, 2, 1)


class FlipNoise(WeightNoise):
    """One matrix of random signs, decorrelated between pairs by flipping its rows and columns."""

    def _draw(self) -> None:
        m, n = self.shape
        self.base = self.dtype.type(self.sigma) * self._signs(0, (m, n))
        self.rows = self._signs(1, (self.pairs, m))
        self.columns = self._signs(2, (self.pairs, n))

    def perturbation(self, pair: int) -> Array:
        return np.outer(self.rows[pair], self.columns[pair]) * self.base

    def drive(self, x: Array) -> Array:
        flipped = self._by_pair(x) * self.columns[:, None]
        out = (flipped.reshape(-1, self.shape[1]) @ self.base.T).reshape(
            self.pairs, -1, self.shape[0]
        )
        out *= self.rows[:, None]
        return out.reshape(-1, self.shape[0])

    def gradient(self, credit: Array, mask: Array | None = None) -> Array:
        columns = self.columns if mask is None else self.columns * mask
        weighted = self.rows * (credit / self.sigma**2).astype(self.dtype)[:, None]
        return (weighted.T @ columns) * self.base


class RankOneNoise(WeightNoise):
    """An outer product of two vectors of random signs for each pair."""

    def _draw(self) -> None:
        m, n = self.shape
        self.rows = self._signs(1, (self.pairs, m))
        self.columns = self._signs(2, (self.pairs, n))

    def perturbation(self, pair: int) -> Array:
        return self.dtype.type(self.sigma) * np.outer(self.rows[pair], self.columns[pair])

    def drive(self, x: Array) -> Array:
        along = np.einsum("pcn,pn->pc", self._by_pair(x), self.columns)
        along *= self.dtype.type(self.sigma)
        return (along[:, :, None] * self.rows[:, None]).reshape(-1, self.shape[0])

    def gradient(self, credit: Array, mask: Array | None = None) -> Array:
        columns = self.columns if mask is None else self.columns * mask
        weighted = self.rows * (credit / self.sigma).astype(self.dtype)[:, None]
        return weighted.T @ columns


WEIGHT_NOISE: dict[str, type[WeightNoise]] = {
    "dense": DenseNoise,
    "flip": FlipNoise,
    "rank-one": RankOneNoise,
}
