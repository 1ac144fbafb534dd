"""Attractors as working memory: what was written comes back when noise has disturbed it.

:class:`AttractorMemory` is for experiments with memories alone. :class:`Latch` is the memory of a
recurrent agent: it stands outside the network that learns, as further inputs that depend on past
observations and on counted luck alone, and so leaves every gradient what it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base import State
from ..errors import AgentError
from ..filters import counted
from ..options import choice
from .learning import INCREMENTAL, checked_states, write
from .network import HopfieldNetwork
from .relaxation import relax

Array = np.ndarray


class AttractorMemory:
    """Memories of K columns side by side, each a Hopfield network of N units with a state.

    Args:
        n_columns, n_units: K and N.
        rule: how patterns are written, see :mod:`.learning`.
        decay: share of the weights that each writing takes away.
        seed: of the noise; column k has seed + k, or K seeds.

    Examples:
        >>> memory = AttractorMemory(1, 100)
        >>> pattern = np.where(np.arange(100) % 3, 1.0, -1.0)[None]
        >>> memory.write(pattern)
        >>> for _ in range(50):
        ...     state = memory.step(noise=0.05)
        >>> float(memory.read()[1][0, 0])
        1.0
    """

    def __init__(
        self,
        n_columns: int,
        n_units: int,
        *,
        rule: str = "storkey",
        decay: float = 0.0,
        seed: int | Sequence[int] | Array = 0,
    ):
        choice("AttractorMemory", "rule", rule, INCREMENTAL)
        if n_columns < 1 or n_units < 1 or not 0 <= decay <= 1:
            raise AgentError(
                f"AttractorMemory: n_columns={n_columns} and n_units={n_units} must be 1 or more, "
                f"and decay={decay} between 0 and 1."
            )
        self.rule, self.decay = rule, decay
        self.seeds = counted.seeds(seed, n_columns, "AttractorMemory")
        self.weights = np.zeros((n_columns, n_units, n_units))
        self.patterns = np.zeros((n_columns, 0, n_units))
        self.state = np.zeros((n_columns, n_units))
        self.steps = 0

    def write(self, pattern: Array) -> None:
        """Store patterns (K, N) of -1 and 1, one a column, and take them as the state."""
        pattern = checked_states(np.asarray(pattern)[:, None], "pattern").astype(float)
        if pattern[:, 0].shape != self.state.shape:
            raise AgentError(
                f"AttractorMemory: a pattern of shape {pattern[:, 0].shape} does not fit "
                f"{self.state.shape}: pass one pattern for each column."
            )
        self.weights = write(self.weights, pattern[:, 0], self.rule, self.decay)
        self.patterns = np.concatenate([self.patterns, pattern], axis=1)
        self.state = pattern[:, 0].copy()

    def step(self, cue: Array | None = None, noise: float = 0.0, sweeps: int = 1) -> Array:
        """State (K, N) after a cue, after noise and after sweeps of relaxation, in this order.

        Args:
            cue: (K, N) of -1, 0 and 1; where it is not 0 it replaces the state.
            noise: probability that a unit is turned over.
            sweeps: of one unit after the other; 0 for none.
        """
        state = self.state if cue is None else np.where(cue == 0, self.state, cue)
        state = disturbed(state, noise, self.seeds, np.full(len(state), self.steps))
        if sweeps and (state != 0).all():
            network = HopfieldNetwork.of(self.weights)
            state = relax(network, state[:, None], sweeps=sweeps).states[:, 0]
        self.state, self.steps = state, self.steps + 1
        return state.copy()

    def read(self) -> tuple[Array, Array]:
        """State (K, N), and its overlaps (K, P) with what was written, from -1 to 1."""
        overlaps = np.einsum("kpn,kn->kp", self.patterns, self.state) / self.state.shape[1]
        return self.state.copy(), overlaps

    def energy(self) -> Array:
        """H (K,) of the states."""
        return HopfieldNetwork.of(self.weights).energy(self.state[:, None])[:, 0]

    def reset(self, keep_weights: bool = True) -> None:
        """Forget the state; without ``keep_weights`` also all that was written."""
        self.state = np.zeros_like(self.state)
        if not keep_weights:
            self.weights = np.zeros_like(self.weights)
            self.patterns = self.patterns[:, :0]

    def get_state(self) -> dict[str, Any]:
        """All that changes, as arrays and numbers."""
        return {
            "weights": self.weights.copy(),
            "patterns": self.patterns.copy(),
            "state": self.state.copy(),
            "seeds": self.seeds.copy(),
            "steps": self.steps,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`get_state` was called."""
        for name in ("weights", "patterns", "state", "seeds"):
            setattr(self, name, np.array(state[name]))
        self.steps = int(state["steps"])


def disturbed(states: Array, noise: float, seeds: Array, steps: Array) -> Array:
    """States (K, N) with each unit turned over with probability ``noise``.

    The luck of step ``steps`` (K,) of a column is counted from its seed (K,).
    """
    if noise == 0:
        return states
    luck = counted.uniform(counted.words(seeds, steps, states.shape[1]))
    return np.where(luck < noise, -states, states)


@dataclass(frozen=True)
class Latch:
    """Holds what was shown last once it is gone: an attractor memory of its own in each column.

    Some channels are watched. Something is shown while any of them is beyond ``threshold``. When it
    ends, or becomes something else, the mean of the showing is coded as the signs of a fixed random
    projection, written into the column's weights, and taken as the state. What is shown just now
    is not in memory: the network sees that itself, beside what was there before.

    In every step units turn over with probability ``noise`` and then relax, all at once
    ``sweeps`` times; with one or a few patterns a sweep repairs them. Without sweeps the memory is
    a register that noise wears out.

    Attributes:
        channels: (C,) numbers of watched channels.
        projection: (N, C) fixed.
        rule, decay: how patterns are written, see :mod:`.learning`.
        noise, sweeps, threshold: see above.
        dtype: of what the network gets.
    """

    channels: Array
    projection: Array
    rule: str
    decay: float
    noise: float
    sweeps: int
    threshold: float
    dtype: np.dtype

    @classmethod
    def create(
        cls,
        rng: np.random.Generator,
        channels: Sequence[int],
        n_units: int,
        *,
        rule: str,
        decay: float,
        noise: float,
        sweeps: int,
        threshold: float,
        dtype: np.dtype,
    ) -> Latch:
        """Draw the projection."""
        projection = rng.standard_normal((n_units, len(channels)))
        return cls(np.array(channels), projection, rule, decay, noise, sweeps, threshold, dtype)

    @property
    def n_units(self) -> int:
        return len(self.projection)

    def begin(self, seeds: Array) -> State:
        """State of columns with these seeds (n,): nothing is held."""
        n, units = len(seeds), self.n_units
        return (
            np.zeros((n, units), self.dtype),  # state of the units; 0 while there is nothing
            np.zeros((n, units, units), self.dtype),  # weights
            np.zeros((n, len(self.channels))),  # sum of what is being shown
            np.zeros(n, np.int64),  # steps that it has been shown for
            np.asarray(seeds).astype(np.uint64),
            np.zeros(n, np.int64),  # steps of the episode
        )

    def step(self, observation: Array, state: State) -> tuple[Array, State]:
        """What the network sees of the memory, (n, N), at an observation (n, D); the new state.

        It is the units' state over sqrt(N), a vector of length 1, or 0 while nothing is held.
        """
        units, weights, total, count, seeds, steps = state
        seen = observation[:, self.channels].astype(float)
        shown = np.abs(seen).max(1) > self.threshold
        mean = total / np.maximum(count, 1)[:, None]
        other = np.abs(seen - mean).max(1) > self.threshold
        ended = (count > 0) & (~shown | other)
        if ended.any():
            units, weights = self._write(units, weights, mean, ended)
        goes_on = shown & ~ended
        total = np.where(goes_on[:, None], total, 0) + np.where(shown[:, None], seen, 0)
        count = np.where(goes_on, count, 0) + shown
        units = disturbed(units, self.noise, seeds, steps)
        for _ in range(self.sweeps):
            field = (weights @ units[..., None])[..., 0]
            units = np.where(field == 0, units, np.sign(field))
        return units / np.sqrt(self.dtype.type(self.n_units)), (
            units, weights, total, count, seeds, steps + 1,
        )  # fmt: skip

    def _write(self, units: Array, weights: Array, shown: Array, where: Array) -> tuple:
        """Units and weights with what was shown (n, C) written in some columns (n,)."""
        code = shown[where] @ self.projection.T
        pattern = np.where(code >= 0, 1.0, -1.0).astype(self.dtype)
        units, weights = units.copy(), weights.copy()
        weights[where] = write(weights[where], pattern, self.rule, self.decay)
        units[where] = pattern
        return units, weights

    def get_constants(self) -> dict[str, Array]:
        """What was drawn, for checkpoints."""
        return {"projection": self.projection.copy()}

    def set_constants(self, constants: Mapping[str, Array]) -> None:
        self.projection[...] = constants["projection"]
