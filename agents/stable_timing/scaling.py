"""The rules by which circuits organise themselves: synaptic scaling, plain and presynaptic.

Per trial, with spike counts S and running averages A, j before and i after the synapse::

    A_i <- A_i + a_A (S_i - A_i)
    presynaptic-dependent:  W_ij <- W_ij (1 + a_W A_j (goal - A_i))
    plain:                  W_ij <- W_ij (1 + a_W (goal - A_i))

Buonomano (2005), doi:10.1152/jn.01250.2004; Liu & Buonomano (2009),
doi:10.1523/JNEUROSCI.2358-09.2009. The averages are brought up to date first.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray

LEAST = 1e-6  # a weight that multiplication can still bring back


def averaged(activity: Array, counts: Array, rate: float) -> Array:
    """A after a trial with ``counts``."""
    return activity + rate * (counts - activity)


def presynaptic_scaling(
    weights: Array, before: Array, after: Array, goal: float, rate: float, bound: float
) -> Array:
    """Weights (..., N, K) after a trial.

    Args:
        weights: K inputs of each of N neurons.
        before: A of the presynaptic neurons, (..., N, K).
        after: A of the postsynaptic neurons, (..., N).
        goal: spikes a trial.
        rate: a_W.
        bound: largest weight.
    """
    change = 1 + rate * before * (goal - after)[..., None]
    return np.clip(weights * change, LEAST, bound)


def plain_scaling(
    weights: Array, before: Array, after: Array, goal: float, rate: float, bound: float
) -> Array:
    """The same without the presynaptic factor."""
    return np.clip(weights * (1 + rate * (goal - after)[..., None]), LEAST, bound)


RULES = {"presynaptic": presynaptic_scaling, "plain": plain_scaling}
