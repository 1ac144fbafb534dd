"""What a front end remembers of a round: frames, the state at some of them, spike counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..tape import Tape

if TYPE_CHECKING:
    from .front import SpikingVision, State, Tensor


class VisionTape:
    """Record of a round for the backward pass: frames, the state at some of them, spike counts."""

    def __init__(self, front: SpikingVision, n: int):
        self._front, self._n = front, n
        self._frames = Tape(frames=((n, *front.shape), np.uint8))
        # Potentials as they are, spikes in a byte; pooled spikes are not needed backwards.
        self._starts = Tape(
            capacity=8,
            **{
                f"part{i}": (part.shape, front.dtype if i % 2 == 0 else np.uint8)
                for i, part in enumerate(front.initial_state(n)[:-1])
            },
        )
        self._counts = [np.zeros(shape) for shape in front.shapes[1:]]
        self._counted = 0

    @property
    def frames(self) -> np.ndarray:
        """(T, B, H, W), uint8."""
        return self._frames["frames"]

    @property
    def length(self) -> int:
        return self._frames.length

    @length.setter
    def length(self, length: int) -> None:
        self._frames.length = length

    @property
    def nbytes(self) -> int:
        """Memory of the record so far."""
        return self._frames.nbytes + self._starts.nbytes

    def clear(self) -> None:
        self._frames.clear()
        self._starts.clear()
        for counts in self._counts:
            counts[...] = 0
        self._counted = 0

    def open_row(self, state: State, frames: np.ndarray) -> None:
        self._frames.row("frames")[...] = frames
        if self._frames.length % self._front.chunk == 0:
            for i, part in enumerate(state[:-1]):
                self._starts.row(f"part{i}")[...] = part
            self._starts.advance()

    def count(self, z: list[Tensor]) -> None:
        """Take in the spikes of a network step."""
        for counts, z_i in zip(self._counts, z, strict=True):
            counts += z_i.sum(0).numpy()
        self._counted += self._n

    def advance(self) -> None:
        self._frames.advance()

    def start(self, t: int) -> State:
        """The state before frame ``t``, a multiple of the chunk; without pooled spikes."""
        parts = 2 * len(self._front.layers)
        row = t // self._front.chunk
        dtype = self._front.dtype
        state = tuple(self._starts[f"part{i}"][row].astype(dtype) for i in range(parts))
        return (*state, np.empty((self._n, 0), dtype))

    def rates(self, layer: int) -> np.ndarray:
        """Mean spikes a network step of a layer's neurons, (C, H, W)."""
        return self._counts[layer] / max(1, self._counted)
