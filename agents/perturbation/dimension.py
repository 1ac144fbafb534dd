"""How good a perturbation estimate of a gradient is: effective dimensions and cosines.

The effective dimension of an unbiased estimate g_hat is ``D = E|g_hat|^2 / |g|^2``. The formulas
hold for any network and small antithetic perturbations; the rule with the smaller D learns faster
with small steps. For linear readouts the results are those of Zuege, Klos & Memmesheimer (2023),
doi:10.1103/PhysRevX.13.021006; the general forms are our own derivation from Gaussian moments.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Array = np.ndarray


def weight_dimension(n_weights: int) -> float:
    """D of weight perturbation: g_hat = (g . x) x has E|g_hat|^2 = (n + 2) |g|^2."""
    return n_weights + 2.0


def node_dimension(node_gradient: Array, presynaptic: Array) -> float:
    """D of node perturbation of a weight matrix.

    ``D = M |G|^2 |r|^2 / |g|^2 + 2`` with g = G^T r, the weights' gradient: small if few nodes and
    steps dominate G, or if G and r have the same few time courses.

    Args:
        node_gradient: G (S, M), derivative of the error by each unit's summed input and step.
        presynaptic: r (S, N), what the weights saw; S counts steps of all trials that share the
            perturbed error.
    """
    gradient = node_gradient.T @ presynaptic
    squares = (node_gradient**2).sum() * (presynaptic**2).sum()
    return float(node_gradient.shape[1] * squares / (gradient**2).sum() + 2)


def predicted_cosine(dimension: float, n: Array | int) -> Array:
    """Cosine of the mean of n estimates with the gradient: 1 / sqrt(1 + (D - 1) / n)."""
    return 1 / np.sqrt(1 + (dimension - 1) / np.asarray(n, float))


def fresh_input_factor(rule: Literal["GD", "NP", "WP"], n_outputs: int, n_inputs: int) -> int:
    """A in ``|w - w*|^2 <- (1 - 2 eta + eta^2 A) |w - w*|^2``; eta* = 1/A.

    Inputs are new standard normal numbers in each trial of one step (T = 1), with
    E = |e|^2 / 2 and a target within reach. Gradient descent N + 2; NP (M + 2)(N + 2);
    WP (M N + 2)(N + 2), because NP's noise has M directions and WP's M N. The scaling is that of
    Werfel, Xie & Seung (2005), doi:10.1162/089976605774320539; the constants are ours.
    """
    directions = {"GD": 1, "NP": n_outputs + 2, "WP": n_outputs * n_inputs + 2}
    return directions[rule] * (n_inputs + 2)
