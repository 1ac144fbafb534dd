"""Other energies with the same rule: a linear unit, oscillators, synapses of higher order.

Where E = E_0(x) - sum_k w_k phi_k(x), contrastive learning is dw_k = eta (phi_k(x^t) - phi_k(x^f)),
local if phi_k is (the form is Baldi & Pineda's, 1991, doi:10.1162/neco.1991.3.4.526; these examples
of it are worked out here).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Array = np.ndarray


class LinearUnit(NamedTuple):
    """V with E = V^2 / 2 - w x V, taught by a spring: everything in closed form."""

    w: float
    x: float
    target: float
    beta: float

    @property
    def free(self) -> float:
        return self.w * self.x

    @property
    def taught(self) -> float:
        return (self.w * self.x + self.beta * self.target) / (1 + self.beta)

    @property
    def contrast(self) -> float:
        """beta (t - w x)^2 / (2 (1 + beta))."""
        return self.beta * (self.target - self.w * self.x) ** 2 / (2 * (1 + self.beta))

    @property
    def slope(self) -> float:
        """-dC/dw = x (V^t - V^f)."""
        return self.x * (self.taught - self.free)


class System(NamedTuple):
    """An energy that is linear in its weights.

    Attributes:
        energy: (weights, state) -> E.
        force: (weights, state) -> -dE/dstate.
        features: state -> phi, one for each weight.
    """

    energy: Callable[[Array, Array], float]
    force: Callable[[Array, Array], Array]
    features: Callable[[Array], Array]


def oscillators(drive: Array, angle: Array) -> System:
    """Phases with E = -sum_{i<j} w_ij cos(th_i - th_j) - sum_i I_i cos(th_i - a_i).

    Args:
        drive, angle: (n,) I and a, the input; weights are (n (n - 1) / 2,).
    """
    i, j = np.triu_indices(len(drive), 1)

    def features(th: Array) -> Array:
        return np.cos(th[i] - th[j])

    def force(w: Array, th: Array) -> Array:
        pull = w * np.sin(th[j] - th[i])
        found = drive * np.sin(angle - th)
        np.add.at(found, i, pull)
        np.add.at(found, j, -pull)
        return found

    def energy(w: Array, th: Array) -> float:
        return float(-w @ features(th) - drive @ np.cos(th - angle))

    return System(energy, force, features)


def higher_order(drive: Array, synapses: Array) -> System:
    """Units whose synapses join m: E = sum_i (x^2 / 2 + x^q / q - I x) - sum_k w_k x_a x_b ...

    Args:
        drive: (n,) I, the input.
        synapses: (K, m) the units that each joins, all different.

    The even power q > m keeps activities finite whatever the weights.
    """
    order = synapses.shape[1]
    power = order + 2 - order % 2

    def features(x: Array) -> Array:
        return x[synapses].prod(1)

    def force(w: Array, x: Array) -> Array:
        found = drive - x - x ** (power - 1)
        for own in range(order):
            others = np.delete(synapses, own, axis=1)
            np.add.at(found, synapses[:, own], w * x[others].prod(1))
        return found

    def energy(w: Array, x: Array) -> float:
        return float((x**2 / 2 + x**power / power - drive * x).sum() - w @ features(x))

    return System(energy, force, features)


def settle(
    system: System,
    weights: Array,
    start: Array,
    pull: Callable[[Array], Array] | None = None,
    *,
    steps: int = 20_000,
    dt: float = 0.05,
    tolerance: float = 1e-14,
) -> tuple[Array, float]:
    """Gradient descent of E, with the force of a teacher where there is one.

    Returns the state and the largest force in it, which is 0 at rest.
    """
    x = np.array(start, float)
    moved = np.inf
    for _ in range(steps):
        move = system.force(weights, x)
        if pull is not None:
            move = move + pull(x)
        x += dt * move
        moved = float(np.abs(move).max())
        if moved <= tolerance:
            break
    return x, moved
