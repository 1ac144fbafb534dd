"""Which recurrent connections exist and what sign they may have: Dale's law, sparseness, rewiring.

Rewiring is DEEP R, Bellec et al. (2018), arXiv:1711.05136: a connection that learning drives across
zero is given up and a random silent one takes its place, so that their number stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..optimizers import Parameters


@dataclass
class Wiring:
    """Constraint on W_rec (N, N), row = target, that holds after every update.

    Attributes:
        sign: (N, N) of -1, 0, 1: the sign that a connection keeps, 0 where it is free.
        active: (N, N) bool, the connections that exist.
        rewiring: replace connections that reach zero.
        l1: shrinkage of every connection an update, in weight units, with ``rewiring``.
    """

    sign: np.ndarray
    active: np.ndarray
    rewiring: bool
    l1: float
    self_connections: bool

    @classmethod
    def create(
        cls,
        rng: np.random.Generator,
        n: int,
        *,
        connectivity: float,
        excitatory: float,
        rewiring: bool,
        l1: float,
        self_connections: bool,
    ) -> Wiring:
        """Draw connections and signs.

        Args:
            connectivity: share of the connections that exist.
            excitatory: share of the neurons that only excite, the others only inhibit; 0: no such
                law, and with ``rewiring`` every connection keeps a sign of its own.
        """
        allowed = np.ones((n, n), bool)
        if not self_connections:
            np.fill_diagonal(allowed, False)
        places = np.flatnonzero(allowed)
        active = np.zeros(n * n, bool)
        active[rng.permutation(places)[: round(connectivity * len(places))]] = True
        if excitatory:
            of_neuron = np.where(np.arange(n) < round(excitatory * n), 1, -1)
            sign = np.broadcast_to(of_neuron, (n, n)).copy()
        elif rewiring:
            sign = rng.choice([-1, 1], (n, n))
        else:
            sign = np.zeros((n, n), int)
        return cls(sign.astype(np.int8), active.reshape(n, n), rewiring, l1, self_connections)

    def prepare(self, parameters: Parameters) -> None:
        """Make freshly drawn dense weights obey, their variance of summed input kept.

        Where neurons excite or inhibit, the fewer ones get the stronger weights, so that
        excitation and inhibition cancel in the mean.
        """
        w = parameters["W_rec"]
        places = w.size if self.self_connections else w.size - len(w)
        w *= self.active / np.sqrt(max(self.active.sum(), 1) / max(places, 1))
        if self.sign.any():
            np.multiply(self.sign, np.abs(w), out=w)
            if (self.sign == self.sign[0]).all():  # one sign a neuron
                share = float((self.sign[0] > 0).mean())
                if 0 < share < 1:
                    size = np.where(self.sign[0] > 0, np.sqrt((1 - share) / share), 0.0)
                    size[self.sign[0] < 0] = np.sqrt(share / (1 - share))
                    w *= size.astype(w.dtype)

    def mask(self, gradient: Parameters) -> None:
        """Only connections that exist learn."""
        if "W_rec" in gradient:
            gradient["W_rec"] *= self.active

    def enforce(self, parameters: Parameters, rng: np.random.Generator) -> None:
        """After an update: signs hold, and with rewiring dead connections make way for new ones."""
        w = parameters["W_rec"]
        w *= self.active  # momentum would go on in connections that were given up
        if self.rewiring and self.l1:
            w -= self.l1 * self.sign * self.active
        crossed = self.active & (w * self.sign < 0)
        w[crossed] = 0
        if self.rewiring and crossed.any():
            self._rewire(crossed, rng)

    def _rewire(self, crossed: np.ndarray, rng: np.random.Generator) -> None:
        self.active &= ~crossed
        silent = ~self.active & ~crossed
        if not self.self_connections:
            np.fill_diagonal(silent, False)
        places = np.flatnonzero(silent)
        if len(places) < crossed.sum():  # nowhere else to go: they stay
            self.active |= crossed
            return
        born = rng.choice(places, int(crossed.sum()), replace=False)
        self.active.reshape(-1)[born] = True  # of weight 0, to grow into their sign

    def get_state(self) -> dict[str, Any]:
        return {"sign": self.sign.copy(), "active": self.active.copy()}

    def set_state(self, state: dict[str, Any]) -> None:
        self.sign[...] = state["sign"]
        self.active[...] = state["active"]
