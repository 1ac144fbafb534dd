"""Hopfield networks with synapses of any order: fields and energies.

With S_i = -1 or 1 and synapses J symmetric in all indices and 0 where two indices agree
(Little 1974, Math. Biosci. 19:101; Hopfield 1982, doi:10.1073/pnas.79.8.2554)::

    h_i = sum_jk J3_ijk S_j S_k + sum_j J2_ij S_j + J1_i        sums over ordered indices
    H   = -1/3 sum_ijk J3 S S S - 1/2 sum_ij J2 S S - sum_i J1_i S_i
    h_i = -dH/dS_i,   H(S with unit i turned over) - H(S) = 2 S_i h_i

so that setting units to the signs of their fields, one at a time, never raises H. Both are
multilinear, and hold for S between -1 and 1 too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import AgentError

Array = np.ndarray


@dataclass(frozen=True)
class HopfieldNetwork:
    """K networks of N units. States are (K, P, N): P patterns for each network.

    Attributes:
        synapses: J1 (K, N), J2 (K, N, N), J3 (K, N, N, N), ... as far as there are any; symmetric,
            0 where two indices agree.
    """

    synapses: tuple[Array, ...]

    def __post_init__(self) -> None:
        shapes = [one.shape for one in self.synapses]
        fits = shapes and len(shapes[0]) == 2 and all(
            shape == shapes[0] + shapes[0][1:] * order for order, shape in enumerate(shapes)
        )  # fmt: skip
        if not fits:
            raise AgentError(
                f"HopfieldNetwork: synapses of shapes {shapes} must be (K, N), (K, N, N), ...: "
                "pass biases first and one more axis of units with each order."
            )

    @classmethod
    def of(cls, weights: Array, bias: Array | None = None) -> HopfieldNetwork:
        """Networks with pairwise synapses (K, N, N), and biases (K, N) or none."""
        weights = np.asarray(weights)
        return cls((np.zeros(weights.shape[:2]) if bias is None else bias, weights))

    @property
    def n_networks(self) -> int:
        return self.synapses[0].shape[0]

    @property
    def n_units(self) -> int:
        return self.synapses[0].shape[1]

    def field(self, states: Array) -> Array:
        """h (K, P, N) at states (K, P, N)."""
        return _sum(_contract(one, states, order) for order, one in enumerate(self.synapses))

    def field_of(self, unit: int, states: Array) -> Array:
        """h (K, P) of one unit; what it says itself does not count."""
        mine = (one[:, unit] for one in self.synapses)
        return _sum(_contract(one, states, order) for order, one in enumerate(mine))

    def energy(self, states: Array) -> Array:
        """H (K, P) at states (K, P, N)."""
        return -_sum(
            (_contract(one, states, order) * states).sum(-1) / (order + 1)
            for order, one in enumerate(self.synapses)
        )

    def biased(self, bias: float) -> HopfieldNetwork:
        """The same networks with so much added to each unit's J1."""
        first, *others = self.synapses
        return HopfieldNetwork((first + bias, *others))

    def chosen(self, networks: Array) -> HopfieldNetwork:
        """Some of the networks, by index or mask (K,)."""
        return HopfieldNetwork(tuple(one[networks] for one in self.synapses))


def all_states(n_units: int) -> Array:
    """Every state of N units, (2^N, N) of -1 and 1; the first unit changes slowest.

    Raises:
        AgentError: more units than can be enumerated.
    """
    if not 1 <= n_units <= 20:
        raise AgentError(
            f"attractors: all states of {n_units} units cannot be listed: use 1 to 20 units."
        )
    bits = np.arange(2**n_units)[:, None] >> np.arange(n_units)[::-1]
    return 2.0 * (bits & 1) - 1


def powers(
    vectors: Array, weights: Array, orders: int, factors: Sequence[float] | None = None
) -> tuple[Array, ...]:
    """Synapses that a sum of patterns makes: of order r, factor_r sum_v weight_v v_i v_j ... .

    Args:
        vectors: (K, V, N), added up over V; 0 in units that a vector does not touch.
        weights: (K, V).
        orders: the highest order.
        factors: of each order, 1 / (r - 1)! by default.

    Returns:
        J1 (K, N) to J_orders; 0 where two indices agree.
    """
    n = vectors.shape[2]
    found, product = [], weights[..., None] * vectors
    for order in range(1, orders + 1):
        if order > 1:
            product = product[..., None] * vectors.reshape(
                *vectors.shape[:2], *(1,) * (order - 1), n
            )
        factor = _inverse_factorial(order - 1) if factors is None else factors[order - 1]
        found.append(factor * product.sum(1) * distinct(n, order))
    return tuple(found)


def distinct(n: int, order: int) -> Array:
    """Where all of ``order`` indices below ``n`` differ, bool (n, ..., n)."""
    index = np.indices((n,) * order, sparse=True)
    apart = np.ones((n,) * order, bool)
    for i in range(order):
        for j in range(i):
            apart &= index[i] != index[j]
    return apart


def _inverse_factorial(k: int) -> float:
    return 1 / float(np.prod(np.arange(1, k + 1)))


def _contract(synapses: Array, states: Array, times: int) -> Array:
    """Synapses (K, ..., N) with the last ``times`` axes summed against states: (K, P, ...)."""
    if times == 0:
        return np.broadcast_to(synapses[:, None], (*states.shape[:2], *synapses.shape[1:]))
    if synapses.ndim == 3 and times == 1:  # the usual pairwise ones, at a matrix product's speed
        return states @ synapses
    found = np.einsum("k...j,kpj->kp...", synapses, states)
    for _ in range(times - 1):
        found = np.einsum("kp...j,kpj->kp...", found, states)
    return found


def _sum(parts: Iterable[Array]) -> Array:
    first, *others = parts
    total = first.astype(float)
    for one in others:
        total += one
    return total
