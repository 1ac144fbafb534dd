"""Weights of particles (n, G, N): columns, groups of arms that are weighed together, particles."""

from __future__ import annotations

import numpy as np

Array = np.ndarray

#: No weight falls below this, so that its logarithm is a number.
_LEAST_WEIGHT = 1e-300


def any_seen(shown: Array | None, groups: int) -> Array | None:
    """Of which groups of arms one was seen, (n, groups, 1): each arm one, or all together."""
    if shown is None or groups == shown.shape[1]:
        return shown
    return np.logical_or.reduce(shown, 1, keepdims=True)


def weighed(weights: Array, likelihood: Array, shown: Array | None) -> tuple[Array, Array | None]:
    """Weights after an outcome.

    Args:
        weights: (n, G, N) before it.
        likelihood: (n, K, N), logarithms; those of all arms count together if G is 1.
        shown: (n, K, 1), arms whose outcome was seen; None for all.

    Returns:
        Weights (n, G, N), and which groups saw an outcome, (n, G, 1), None for all.
    """
    groups, arms = weights.shape[1], likelihood.shape[1]
    if groups < arms:
        if shown is not None:
            likelihood = np.where(shown, likelihood, 0.0)
        likelihood = likelihood.sum(1, keepdims=True)
    judged = any_seen(shown, groups)
    posterior = np.log(weights)
    posterior += likelihood
    posterior -= posterior.max(-1, keepdims=True)
    np.exp(posterior, out=posterior)
    posterior /= posterior.sum(-1, keepdims=True)
    np.maximum(posterior, _LEAST_WEIGHT, out=posterior)
    return (posterior if judged is None else np.where(judged, posterior, weights)), judged


def resample(weights: Array, luck: Array, judged: Array | None, arrays: list[Array]) -> None:
    """Systematic resampling, in place, of groups whose effective number of particles is too low.

    Args:
        weights: (n, G, N), set to 1/N where resampled.
        luck: (n, G) uniform numbers.
        judged: (n, G, 1), groups that may be resampled; None for all.
        arrays: (n, G or more, N), what their particles hold.
    """
    many = weights.shape[-1]
    poor = np.square(weights).sum(-1) > 2 / many
    if judged is not None:
        poor &= judged[..., 0]
    rows = np.flatnonzero(poor)
    if not rows.size:
        return
    flat = weights.reshape(-1, many)
    edges = flat[rows].cumsum(-1)
    edges /= edges[:, -1:]
    # Points (luck + j) / N, j = 0.. N-1: how many lie below each edge, then between edges.
    below = np.ceil(many * edges - luck.reshape(-1, 1)[rows]).clip(0, many).astype(np.int64)
    below[:, -1] = many
    copies = np.diff(below, axis=-1, prepend=0)
    ancestors = np.repeat(np.tile(np.arange(many), len(rows)), copies.ravel()).reshape(-1, 1, many)
    flat[rows] = 1 / many
    for array in arrays:
        grouped = array.reshape(weights.shape[0] * weights.shape[1], -1, many)
        width = grouped.shape[1]
        firsts = (rows[:, None] * width + np.arange(width))[..., None] * many
        grouped[rows] = grouped.ravel()[firsts + ancestors]
