"""Rules that store patterns in pairwise synapses, for K networks side by side.

``W`` (K, N, N) is symmetric with diagonal 0, patterns (K, P, N) are -1 or 1. Incremental rules take
patterns one after another and go on from the weights they get; the pseudo-inverse needs all of
them at once.

=================  ==========================================================================
rule               change of w_ij (i != j) by a pattern e
=================  ==========================================================================
hebb               e_i e_j / N (Hopfield 1982, doi:10.1073/pnas.79.8.2554)
storkey            (e_i e_j - e_i h_ji - h_ij e_j) / N,  h_ij = sum_{k != i, j} w_ik e_k
                   (Storkey 1997, doi:10.1007/BFb0020196)
storkey-extended   (e_i - h_i)(e_j - h_j) / N,  h = W e
                   (Storkey & Valabregue 1999, doi:10.1016/S0893-6080(99)00038-6)
pseudo-inverse     W = X^+ X, patterns as rows of X (Personnaz, Guyon & Dreyfus 1985,
                   J. Physique Lett. 46:359)
=================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import AgentError
from ..options import choice

Array = np.ndarray

PSEUDO_INVERSE = "pseudo-inverse"


def _hebb(w: Array, e: Array) -> Array:
    return e[:, :, None] * e[:, None, :]


def _storkey(w: Array, e: Array) -> Array:
    # h_ij = h_i - w_ij e_j, because w_ii = 0; so e_i h_ji + h_ij e_j needs no sum for each pair.
    h = (w @ e[:, :, None])[..., 0]
    ones = e[:, :, None] * e[:, None, :]
    mixed = e[:, :, None] * h[:, None, :] + h[:, :, None] * e[:, None, :]
    return ones - mixed + 2 * w  # e_i^2 = e_j^2 = 1


def _extended(w: Array, e: Array) -> Array:
    error = e - (w @ e[:, :, None])[..., 0]
    return error[:, :, None] * error[:, None, :]


_CHANGES: dict[str, Callable[[Array, Array], Array]] = {
    "hebb": _hebb,
    "storkey": _storkey,
    "storkey-extended": _extended,
}
#: Rules that take one pattern at a time.
INCREMENTAL = tuple(_CHANGES)
RULES = (*INCREMENTAL, PSEUDO_INVERSE)


def write(weights: Array, pattern: Array, rule: str = "storkey", decay: float = 0.0) -> Array:
    """New weights (K, N, N) after one pattern (K, N), by an incremental rule.

    Args:
        weights: (K, N, N), left as they are.
        pattern: (K, N) of -1 and 1.
        rule: one of :data:`INCREMENTAL`.
        decay: share of the weights that is lost first.

    Raises:
        AgentError: an unknown rule, or one that needs all patterns at once.
    """
    choice("attractors", "rule", rule, INCREMENTAL)
    kept = (1 - decay) * weights if decay else weights
    new = kept + _CHANGES[rule](kept, pattern) / pattern.shape[1]
    units = np.arange(pattern.shape[1])
    new[:, units, units] = 0
    return new


def store(patterns: Array, rule: str = "storkey") -> Array:
    """Weights (K, N, N) that hold patterns (K, P, N) of -1 and 1, float64.

    Raises:
        AgentError: an unknown rule, or patterns with other values or axes.
    """
    choice("attractors", "rule", rule, RULES)
    patterns = checked_states(patterns, "patterns").astype(float)
    if rule == PSEUDO_INVERSE:
        weights = np.linalg.pinv(patterns) @ patterns
        units = np.arange(patterns.shape[2])
        weights[:, units, units] = 0
        return weights
    k, _, n = patterns.shape
    weights = np.zeros((k, n, n))
    for pattern in np.moveaxis(patterns, 1, 0):
        weights = write(weights, pattern, rule)
    return weights


def checked_states(states: Array, what: str = "states") -> Array:
    """``states`` as an array if it is (K, P, N) of -1 and 1; else AgentError."""
    states = np.asarray(states)
    if states.ndim != 3 or not (np.abs(states) == 1).all():
        raise AgentError(
            f"attractors: {what} of shape {states.shape} must be (networks, patterns, units) of -1 "
            "and 1: turn bits b into 2 b - 1 and add the missing axes."
        )
    return states
