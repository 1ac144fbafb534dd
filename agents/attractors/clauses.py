"""Clauses as synapses: their cost, and what Hebbian learning makes of their events.

With S = 1 for a true atom and sigma_i the value at which a literal of the clause is false (+1 in
its body, -1 at its head), a clause of k atoms costs (Wan Abdullah 1992, Int. J. Intell. Syst.
7:513; 1993, Phys. Lett. A 176:202)::

    E = prod_i (1 + sigma_i S_i) / 2             1 where it is violated, else 0
    J_T = -2^-k prod_{i in T} sigma_i / (|T| - 1)!     for every set T of its atoms

so that the energy of the network is the number of violated clauses, less sum 2^-k. A clause's
events are the assignments at which it holds: all of them together, each adding 2^-k / (r - 1)!
times the product of its values to every synapse of order r on its atoms, make the same J, because
products over all 2^k assignments sum to 0.
"""

from __future__ import annotations

import numpy as np

from .logic import forward_chain
from .network import HopfieldNetwork, all_states, powers

Array = np.ndarray


def clause_network(
    clauses: Array, orders: int | None = None, weights: Array | None = None
) -> HopfieldNetwork:
    """Networks whose energy is the number of violated clauses, but for :func:`offset`.

    Args:
        clauses: (K, M, N), see :mod:`.logic`.
        orders: the highest order of synapses; None: that of the longest clause.
        weights: (K, M) what violating each clause costs; 1 by default.
    """
    sizes = literals(clauses)
    orders = max(int(sizes.max(initial=1)), 1) if orders is None else orders
    signs = -clauses.astype(float)
    return HopfieldNetwork(powers(signs, -_share(sizes, weights), orders))


def offset(clauses: Array, weights: Array | None = None) -> Array:
    """(K,) what is to be added to the energy to make it the cost of violated clauses."""
    return _share(literals(clauses), weights).sum(1)


def literals(clauses: Array) -> Array:
    """Atoms of each clause, (K, M)."""
    return (clauses != 0).sum(2)


def least_model_network(network: HopfieldNetwork, epsilon: float | None = None) -> HopfieldNetwork:
    """The same networks with every true atom costing ``epsilon``, 1 / (N + 1) by default.

    Below 1 / N no saving on atoms pays for a violated clause; and the least model, being part of
    every other, is the one state of lowest cost.
    """
    if epsilon is None:
        epsilon = 1 / (network.n_units + 1)
    return network.biased(-epsilon / 2)


def events_network(
    clauses: Array, events: Array, orders: int | None = None, weights: Array | None = None
) -> HopfieldNetwork:
    """What Hebbian learning makes of events: equal to :func:`clause_network` for all events once.

    Args:
        clauses: (K, M, N), whose atoms the events are about.
        events: (K, M, P, N) of -1 and 1, of which a clause's own atoms count; 0 for no event.
        orders: see :func:`clause_network`.
        weights: (K, M) how much each clause's events count; 1 by default.
    """
    sizes = literals(clauses)
    orders = max(int(sizes.max(initial=1)), 1) if orders is None else orders
    k, m, p, n = events.shape
    seen = events * (clauses != 0)[:, :, None]
    shares = np.broadcast_to(_share(sizes, weights)[..., None], (k, m, p))
    return HopfieldNetwork(powers(seen.reshape(k, m * p, n), shares.reshape(k, m * p), orders))


def all_events(clauses: Array) -> Array:
    """Every assignment at which each clause holds, once: (K, M, P, N), 0 where there are less."""
    k, m, n = clauses.shape
    sizes = literals(clauses)
    found = np.zeros((k, m, 2 ** int(sizes.max(initial=0)), n))
    for network, clause in np.argwhere(sizes):
        row = clauses[network, clause]
        atoms = np.flatnonzero(row)
        states = all_states(len(atoms))
        holds = states[(states != -row[atoms]).any(1)]
        found[network, clause, : len(holds), atoms] = holds.T
    return found


def sampled_events(clauses: Array, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """``count`` events of each clause, drawn evenly: (K, M, count, N) and weights (K, M).

    Learned by :func:`events_network` with the weights, (2^k - 1) / count, they make synapses that
    are on average those of all events once.
    """
    k, m, n = clauses.shape
    states = rng.choice([-1.0, 1.0], size=(k, m, count, n))
    rows = clauses[:, :, None]
    while True:
        fails = ((states == -rows) | (rows == 0)).all(3) & (rows != 0).any(3)
        if not fails.any():
            break
        states[fails] = rng.choice([-1.0, 1.0], size=(int(fails.sum()), n))
    return states, (2.0 ** literals(clauses) - 1) / count


def least_states(clauses: Array) -> Array:
    """Least models (K, N) as states of -1 and 1."""
    return 2.0 * forward_chain(clauses) - 1


def _share(sizes: Array, weights: Array | None) -> Array:
    """2^-k of each clause, times its weight; 0 for no clause."""
    share = np.where(sizes > 0, 2.0**-sizes, 0.0)
    return share if weights is None else share * weights
