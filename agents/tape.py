"""Growing (T, B, ...) records of what happened in a round of episodes."""

from __future__ import annotations

import numpy as np


class Tape:
    """Named arrays with a leading time axis that grows by doubling; reused from round to round.

    ``tape.row(name)`` is the row of the current step, to be written in place; ``tape[name]`` is the
    record so far, shape (T, ...).
    """

    def __init__(self, capacity: int = 32, **fields: tuple[tuple[int, ...], np.dtype | type]):
        self._arrays = {
            name: np.zeros((capacity, *shape), dtype) for name, (shape, dtype) in fields.items()
        }
        self._capacity = capacity
        self.length = 0

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name][: self.length]

    @property
    def nbytes(self) -> int:
        """Memory of the record so far."""
        return sum(self[name].nbytes for name in self._arrays)

    def row(self, name: str) -> np.ndarray:
        return self._arrays[name][self.length]

    def advance(self) -> None:
        """Close the current step."""
        self.length += 1
        if self.length == self._capacity:
            self._capacity *= 2
            for name, array in self._arrays.items():
                grown = np.zeros((self._capacity, *array.shape[1:]), array.dtype)
                grown[: self.length] = array
                self._arrays[name] = grown

    def clear(self) -> None:
        self.length = 0
