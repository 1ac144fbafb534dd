"""Coming to rest: units one at a time, all at once, or as activations that move at a rate.

A field of exactly 0 says nothing of a unit's sign, and the rule for such ties decides much: with
``ties="keep"`` states stay on plateaus of the energy, with ``ties="random"`` they wander over them
and find ways down. Who draws nothing (``luck=None``) keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..errors import AgentError
from ..options import choice
from .learning import checked_states
from .network import HopfieldNetwork

Array = np.ndarray
#: Uniform numbers in (0, 1), (K, P, N), of a sweep: those that break its ties.
Luck = Callable[[int], Array]

TIES = ("keep", "random")
TIE = 1e-9  # a field that is smaller is a tie: sums of weights are rounded


class Relaxed(NamedTuple):
    """What a relaxation came to.

    Attributes:
        states: (K, P, N).
        energies: (sweeps + 1, K, P), before and after each sweep.
        sweeps: (K, P) sweeps until nothing changed, the one without change included; all that
            were made where something changed in the last.
    """

    states: Array
    energies: Array
    sweeps: Array

    @property
    def arrival(self) -> Array:
        """Sweeps (K, P) after which the energy had its last value."""
        away = np.abs(self.energies - self.energies[-1]) > TIE
        return np.where(away.any(0), len(away) - away[::-1].argmax(0), 0)


def relax(
    network: HopfieldNetwork,
    states: Array,
    *,
    sweeps: int = 100,
    ties: str = "keep",
    luck: Luck | None = None,
    tie_width: float = TIE,
    synchronous: bool = False,
    until: Array | None = None,
) -> Relaxed:
    """Set units to the signs of their fields, in order of their numbers, sweep after sweep.

    Args:
        network: K networks.
        states: (K, P, N) of -1 and 1, left as they are.
        sweeps: at most so many; less where nothing changes any more (and ties are kept).
        ties: "keep" a unit as it is, or set it at "random".
        luck: numbers that break ties; needed for "random".
        tie_width: fields up to this are ties.
        synchronous: all units at once. The energy may then rise, and states may alternate.
        until: (K,) energies that end the relaxation once all patterns have reached them.

    Raises:
        AgentError: states of other shape or values, an unknown rule, or ties without luck.
    """
    choice("relax", "ties", ties, TIES)
    if (ties == "random") != (luck is not None):
        raise AgentError(
            f"relax: ties={ties!r} and luck={'given' if luck else 'None'} do not go together: pass "
            "luck, like drawn(rng, states.shape), with 'random' and nothing with 'keep'."
        )
    states = checked_states(states).astype(float)
    if states.shape[::2] != (network.n_networks, network.n_units):
        raise AgentError(
            f"relax: states of shape {states.shape} do not fit {network.n_networks} networks of "
            f"{network.n_units} units: pass (networks, patterns, units)."
        )
    energies, changes = [network.energy(states)], []
    for sweep in range(sweeps):
        before = states.copy()
        coins = None if luck is None else luck(sweep) < 0.5
        if synchronous:
            states = _settled(network.field(states), states, coins, tie_width)
        else:
            _one_by_one(network, states, coins, tie_width)
        energies.append(network.energy(states))
        changes.append((states != before).any(-1))
        if luck is None and not changes[-1].any():
            break
        if until is not None and (energies[-1] <= until[:, None] + TIE).all():
            break
    return Relaxed(states, np.array(energies), _until_rest(changes, states.shape[:2]))


def _one_by_one(
    network: HopfieldNetwork, states: Array, coins: Array | None, tie_width: float
) -> None:
    """One sweep, in place."""
    for unit in range(network.n_units):
        coin = None if coins is None else coins[..., unit]
        field = network.field_of(unit, states)
        states[..., unit] = _settled(field, states[..., unit], coin, tie_width)


def _settled(field: Array, states: Array, coins: Array | None, tie_width: float) -> Array:
    """Signs of fields; on ties those of ``states``, or heads of coins."""
    tied = states if coins is None else np.where(coins, 1.0, -1.0)
    return np.where(np.abs(field) <= tie_width, tied, np.sign(field))


def _until_rest(changes: list[Array], shape: tuple[int, ...]) -> Array:
    if not changes:
        return np.zeros(shape, int)
    changed = np.array(changes)
    last = np.where(changed.any(0), len(changed) - changed[::-1].argmax(0), 0)
    return np.minimum(last + 1, len(changed))


def drawn(rng: np.random.Generator, shape: tuple[int, ...]) -> Luck:
    """Luck from a generator."""
    return lambda sweep: rng.random(shape)


class Activations(NamedTuple):
    """What :func:`relax_at_rate` came to.

    Attributes:
        states: signs (K, P, N) of the activations.
        steps: (K, P) steps after which nothing moved; all that were made where it still did.
        settled: (K, P) whether it came to rest.
    """

    states: Array
    steps: Array
    settled: Array


def relax_at_rate(
    network: HopfieldNetwork,
    activations: Array,
    *,
    rate: float = 1.0,
    dt: float = 0.1,
    temperature: float = 0.2,
    steps: int = 2000,
    tolerance: float = 1e-4,
) -> Activations:
    """Let activations h follow their fields: h <- h + R dt (field(S) - h), S = tanh(h / T).

    R is the relaxation rate of Sathasivam (2010, Sains Malaysiana 39:115), after Zeng & Martinez
    (1999, Neural Process. Lett. 10:211). In continuous time it does no more than set the unit of
    time; in steps of dt it is their size, and with R dt of 1 or more h need not come to rest.

    Args:
        network: K networks.
        activations: h (K, P, N) at the beginning.
        rate, dt, temperature: R, dt and T.
        steps: at most so many.
        tolerance: at rest where no |field - h| is above it.

    Raises:
        AgentError: a rate, dt or temperature that is not above 0.
    """
    for name, value in (("rate", rate), ("dt", dt), ("temperature", temperature)):
        if not 0 < value < np.inf:
            raise AgentError(f"relax_at_rate: {name}={value} must be above 0 and finite.")
    h = np.array(activations, float)
    taken = np.full(h.shape[:2], steps)
    settled = np.zeros(h.shape[:2], bool)
    for step in range(steps):
        pull = network.field(np.tanh(h / temperature)) - h
        rest = np.abs(pull).max(-1) < tolerance
        taken[rest & ~settled] = step
        settled |= rest
        if settled.all():
            break
        h += rate * dt * pull
    return Activations(np.where(h >= 0, 1.0, -1.0), taken, settled)
