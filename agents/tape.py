"""Growing (T, B, ...) records of what happened in a round of episodes."""

from __future__ import annotations

import numpy as np


class Tape:
    """Named arrays with a leading time axis that grows by doubling; reused from round to round.

    ``tape.row(name)`` is the row of the current step, to be written in place; ``tape[name]`` is the
    record so far, shape (T, ...). Many steps at once: ``tape.rows(name, n)``, then ``advance(n)``.

    Attributes:
        before: presynaptic activity (B, N) of the step before the first, where the record begins in
            the middle of an episode; None: silence.
    """

    def __init__(self, capacity: int = 32, **fields: tuple[tuple[int, ...], np.dtype | type]):
        self._arrays = {
            name: np.zeros((capacity, *shape), dtype) for name, (shape, dtype) in fields.items()
        }
        self._capacity = capacity
        self.length = 0
        self.before: np.ndarray | None = None

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name][: self.length]

    @property
    def nbytes(self) -> int:
        """Memory of the record so far."""
        return sum(self[name].nbytes for name in self._arrays)

    def row(self, name: str) -> np.ndarray:
        return self._arrays[name][self.length]

    def rows(self, name: str, n: int) -> np.ndarray:
        """The next n rows, to be written in place."""
        self._reserve(self.length + n)
        return self._arrays[name][self.length : self.length + n]

    def advance(self, n: int = 1) -> None:
        """Close the current step, or n steps; there is always room for one more."""
        self.length += n
        self._reserve(self.length + 1)

    def _reserve(self, wanted: int) -> None:
        if wanted <= self._capacity:
            return
        self._capacity = max(2 * self._capacity, wanted)
        for name, array in self._arrays.items():
            grown = np.zeros((self._capacity, *array.shape[1:]), array.dtype)
            grown[: self.length] = array[: self.length]
            self._arrays[name] = grown

    def clear(self, before: np.ndarray | None = None) -> None:
        self.length = 0
        self.before = before
