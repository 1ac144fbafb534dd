"""Symmetric networks that settle, and the difference between their phases.

Units are inputs (clamped), hidden, outputs, in this order. With u the summed and V = g(u) the
outgoing activity, W symmetric, no self-connections::

    du/dt = -u + W V + b (+ the teacher)
    E = -1/2 V'WV - b'V + sum_i Int_0^{V_i} g^{-1}(v) dv

E falls along the way (Hopfield 1984, doi:10.1073/pnas.81.10.3088; Cohen & Grossberg 1983,
doi:10.1109/TSMC.1983.6313075). A taught network obeys E + beta F with the same weights. Contrastive
learning descends the difference of the two minima (Baldi & Pineda 1991,
doi:10.1162/neco.1991.3.4.526)::

    C = [E + beta F](V^t) - E(V^f),     dC/dW_ij = -(V_i^t V_j^t - V_i^f V_j^f)

because both states are stationary points: how they depend on W plays no part. What V_i V_j is to
W_ij, a product of more activities is to a synapse of higher order, and cos(th_i - th_j) to coupled
phase oscillators (:mod:`.systems`).

All arrays have leading axes S, networks, and P, patterns; networks of a batch do not meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..errors import AgentError
from ..options import choice
from .teachers import HARD, Teacher

Array = np.ndarray

ACTIVATIONS = ("tanh", "linear")
_LOOK = 5  # steps between looks whether all has settled


class Phase(NamedTuple):
    """A settled state.

    Attributes:
        v: (S, P, N) activities, inputs among them.
        u: (S, P, N - n_in) summed inputs of the others, to go on from.
        moved: (S, P) largest |du/dt| of the last step: 0 at rest, so a caller sees what has not
            settled.
    """

    v: Array
    u: Array
    moved: Array


@dataclass
class ContrastiveNet:
    """S networks of n_in + n_hidden + n_out units.

    Attributes:
        sizes: (n_in, n_hidden, n_out).
        weights: (S, N, N), symmetric, zero where there is no synapse.
        bias: (S, N), zero for inputs.
        gain: k of tanh(k u), the inverse temperature of a mean-field Boltzmann machine.
        output: ``tanh`` or ``linear`` output units (these run away where the norm of the inner
            synapses is far above 1: see :meth:`limit`); hidden ones are tanh.
        mask: (N, N) bool, which synapses there are.
        steps, dt: Euler steps of a phase at most, and their size in time constants.
        tolerance: a phase ends before that when no |du/dt| is above it; 0: never.
    """

    sizes: tuple[int, int, int]
    weights: Array
    bias: Array
    mask: Array
    gain: float = 1.0
    output: str = "tanh"
    steps: int = 60
    dt: float = 0.3
    tolerance: float = 0.0

    @classmethod
    def create(
        cls,
        sizes: tuple[int, int, int],
        seeds: Any = (0,),
        *,
        lateral: bool = False,
        scale: float | None = None,
        **how: Any,
    ) -> ContrastiveNet:
        """Random networks, one a seed.

        Args:
            lateral: synapses within hidden and output layers, and from inputs to outputs, too.
            scale: weights are uniform within it; None: sqrt(6 / (n_before + n_after)) by layer.

        Raises:
            AgentError: no units, or an unknown kind of outputs.
        """
        if len(sizes) != 3 or min(sizes) < 1:
            raise AgentError(f"sizes={sizes!r} must be inputs, hidden and outputs, 1 or more each.")
        choice("ContrastiveNet", "output", how.get("output", "tanh"), ACTIVATIONS)
        n, bounds = sum(sizes), np.cumsum((0, *sizes))
        layer = np.repeat(np.arange(3), sizes)
        apart = np.abs(layer[:, None] - layer)
        mask = np.ones((n, n), bool) if lateral else apart == 1
        mask &= ~np.eye(n, dtype=bool)
        mask[: sizes[0], : sizes[0]] = False
        weights = np.zeros((len(seeds), n, n))
        for one, seed in zip(weights, seeds, strict=True):
            rng = np.random.default_rng(seed)
            one[...] = np.triu(rng.uniform(-1, 1, (n, n)), 1)
        if scale is None:
            spread = np.ones((n, n))
            for i in range(3):
                for j in range(3):
                    at = np.ix_(range(bounds[i], bounds[i + 1]), range(bounds[j], bounds[j + 1]))
                    spread[at] = np.sqrt(6 / (sizes[i] + sizes[j]))
            weights *= spread
        else:
            weights *= scale
        weights = (weights + weights.transpose(0, 2, 1)) * mask
        return cls(sizes, weights, np.zeros((len(seeds), n)), mask, **how)

    @property
    def n_in(self) -> int:
        return self.sizes[0]

    @property
    def n_out(self) -> int:
        return self.sizes[2]

    # -- activity ----------------------------------------------------------------------------

    def activation(self, u: Array) -> Array:
        """V (..., free units)."""
        v = np.tanh(self.gain * u)
        if self.output == "linear":
            v[..., -self.n_out :] = u[..., -self.n_out :]
        return v

    def slope(self, v: Array) -> Array:
        """g'(u) of free units, from their activities."""
        slope = self.gain * (1 - v**2)
        if self.output == "linear":
            slope[..., -self.n_out :] = 1.0
        return slope

    def relax(
        self,
        x: Array,
        teacher: Teacher | None = None,
        start: Phase | None = None,
        steps: int | None = None,
    ) -> Phase:
        """Settle with inputs ``x`` (P, n_in) or (S, P, n_in), from rest or from a phase.

        A hard teacher clamps the outputs, others add a current to them.
        """
        n_in, k, s = self.n_in, self.n_out, len(self.weights)
        x = np.broadcast_to(x, (s, *np.shape(x)[-2:]))
        into = self.weights[:, n_in:, :n_in]
        among = self.weights[:, n_in:, n_in:].transpose(0, 2, 1)
        drive = x @ into.transpose(0, 2, 1) + self.bias[:, None, n_in:]
        u = np.zeros_like(drive) if start is None else start.u.copy()
        target = teacher.target if teacher is not None and teacher.kind == HARD else None
        step = np.zeros_like(u)
        for count in range(1, 1 + (self.steps if steps is None else steps)):
            v = self.activation(u)
            if target is not None:
                v[..., -k:] = target
            step = drive + v @ among - u
            if target is not None:
                step[..., -k:] = 0.0
            elif teacher is not None:
                step[..., -k:] += teacher.current(v[..., -k:])
            u += self.dt * step
            if self.tolerance and not count % _LOOK and np.abs(step).max() <= self.tolerance:
                break
        v = self.activation(u)
        if target is not None:
            v[..., -k:] = target
        return Phase(np.concatenate([x, v], axis=2), u, np.abs(step).max(-1))

    # -- energy ------------------------------------------------------------------------------

    def energy(self, v: Array) -> Array:
        """E (S, P) of activities (S, P, N)."""
        pairs = -0.5 * np.einsum("spi,sij,spj->sp", v, self.weights, v)
        linear = -np.einsum("spi,si->sp", v, self.bias)
        return pairs + linear + self._inner(v[..., self.n_in :]).sum(-1)

    def _inner(self, v: Array) -> Array:
        """The integral of g^{-1} from 0 to each activity."""
        inside = np.clip(v, -1, 1)
        found = (_xlogx(1 + inside) + _xlogx(1 - inside)) / (2 * self.gain)
        if self.output == "linear":
            found[..., -self.n_out :] = 0.5 * v[..., -self.n_out :] ** 2
        return found

    def contrast(self, taught: Phase, free: Phase, teacher: Teacher) -> Array:
        """C (S, P); below 0 where the phases are in different basins."""
        potential = teacher.potential(taught.v[..., -self.n_out :])
        return self.energy(taught.v) + potential - self.energy(free.v)

    # -- learning ----------------------------------------------------------------------------

    def difference(
        self, taught: Array, free: Array, credit: Array | None = None
    ) -> tuple[Array, Array]:
        """-dC/dW (S, N, N) and -dC/db (S, N): plus phase less minus phase, summed over patterns.

        ``credit`` (S, P) weighs patterns; without it they count alike.
        """
        plus, minus = (taught, free) if credit is None else (taught * credit[..., None],
                                                             free * credit[..., None])  # fmt: skip
        pairs = plus.transpose(0, 2, 1) @ taught - minus.transpose(0, 2, 1) @ free
        single = (plus - minus).sum(1)
        single[:, : self.n_in] = 0.0
        return pairs * self.mask, single

    def phases(self, x: Array, teacher: Teacher) -> tuple[Phase, Phase, Phase]:
        """The taught, the free and the minus phase of inputs ``x``.

        The taught phase goes on from the free one, to stay in its basin. The minus phase is the
        free one, but of a two-sided teacher that with the opposite sign.
        """
        free = self.relax(x)
        taught = self.relax(x, teacher.ready(free.v[..., -self.n_out :]), free)
        minus = self.relax(x, teacher.opposite(), free) if teacher.two_sided else free
        return taught, free, minus

    def update(self, taught: Phase, minus: Phase, rate: float) -> None:
        """Add ``rate`` (eta over the teacher's divisor) times :meth:`difference`."""
        pairs, single = self.difference(taught.v, minus.v)
        self.weights += rate * pairs
        self.bias += rate * single

    def learn(self, x: Array, teacher: Teacher, rate: float) -> tuple[Phase, Phase]:
        """All phases, then the update; returns (taught, free)."""
        taught, free, minus = self.phases(x, teacher)
        self.update(taught, minus, rate / teacher.divisor)
        return taught, free

    def limit(self, bound: float, *, up: bool = False) -> None:
        """Scale the synapses among free units down to a spectral norm of ``bound``; ``up``: or up.

        Below 1 / gain there is a single fixed point, and C >= 0.
        """
        factor = bound / np.maximum(self.inner_norm(), 1e-12)
        inner = self.weights[:, self.n_in :, self.n_in :]
        inner *= (factor if up else np.minimum(1.0, factor))[:, None, None]

    def inner_norm(self) -> Array:
        """Spectral norm (S,) of the synapses among free units."""
        return np.linalg.norm(self.weights[:, self.n_in :, self.n_in :], 2, axis=(1, 2))

    def recurrent_backprop(self, x: Array, target: Array) -> tuple[Array, Array]:
        """Gradient of 1/2 |target - V_out|^2 at the free state, summed over patterns.

        Pineda (1987), doi:10.1103/PhysRevLett.59.2229; Almeida (1987): one linear system instead of
        a second phase. For comparison. Returns dL/dW (S, N, N), of unordered pairs, and dL/db.
        """
        v = self.relax(x).v
        free = slice(self.n_in, None)
        error = np.zeros_like(v)
        error[..., -self.n_out :] = v[..., -self.n_out :] - target
        slope = self.slope(v[..., free])
        among = self.weights[:, None, free, free]
        system = np.eye(among.shape[-1]) - slope[..., :, None] * among
        adjoint = np.zeros_like(v)
        adjoint[..., free] = np.linalg.solve(system, (slope * error[..., free])[..., None])[..., 0]
        pairs = adjoint.transpose(0, 2, 1) @ v
        return (pairs + pairs.transpose(0, 2, 1)) * self.mask, adjoint.sum(1)


def _xlogx(x: Array) -> Array:
    return np.where(x > 0, x * np.log(np.maximum(x, 1e-300)), 0.0)
