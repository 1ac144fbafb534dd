"""Learning when the latent inputs differ in strength: mode by mode.

The strengths ``lam_j`` are the eigenvalues of the inputs' correlation ``S = r r^T / T`` of one task
that is the same in each trial; ``x_j = E|w_j - w*_j|^2``, summed over the M outputs, and
``E - E_opt = 1/2 sum_j lam_j x_j``. One update of P averaged perturbations makes

``x_j <- (1 - 2 eta lam_j + eta^2 lam_j^2 (1 + 1/P)) x_j + eta^2 M / P * spread_j``

- WP: ``spread_j = sum_i lam_i^2 x_i + sigma_w^2 / 4 * (M^2 (tr S)^2 + 2 M tr S^2 + 4 M lam_j tr S
  + 8 lam_j^2)``
- NP: ``spread_j = lam_j (sum_i lam_i x_i + 2 E_opt + sigma^2 (MK + 2)(MK + 4) / 4K)``
- HP: as WP with eta replaced by ``eta T lam_j``: gradient times the inputs' correlation.

Our own derivation, by the moments of :mod:`.theory`, whose closed forms these are at equal
strengths. The effective number and strength of inputs are those of Zuege, Klos & Memmesheimer
(2023), doi:10.1103/PhysRevX.13.021006.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .theory import Scheme

Array = np.ndarray


class ModeCourse(NamedTuple):
    """Expected course of learning; index n is before update n."""

    excess: Array  # (n + 1,) E - E_opt
    squares: Array  # (n_modes,) x_j after the last update


def input_strengths(inputs: Array) -> Array:
    """Eigenvalues of r r^T / T, largest first, of inputs (T, N): min(T, N) of them."""
    return np.linalg.svd(np.asarray(inputs, float), compute_uv=False) ** 2 / len(inputs)


def participation_ratio(strengths: Array) -> float:
    """Effective number of inputs: (sum lam)^2 / sum lam^2."""
    lam = np.asarray(strengths, float)
    return float(lam.sum() ** 2 / (lam**2).sum())


def effective_strength(strengths: Array) -> float:
    """Effective alpha^2: sum lam / PR = sum lam^2 / sum lam."""
    lam = np.asarray(strengths, float)
    return float((lam**2).sum() / lam.sum())


def mode_factors(strengths: Array, n_steps: int, scheme: Scheme, eta: float) -> Array:
    """How much gradient of each mode a step of the rule is: eta, or eta T lam_j for HP."""
    lam = np.asarray(strengths, float)
    return eta * n_steps * lam if scheme.rule == "HP" else np.full_like(lam, eta)


def mode_course(
    strengths: Array, squares: Array, n_outputs: int, n_steps: int, scheme: Scheme, eta: float,
    n: int, unreachable_error: float = 0.0,
) -> ModeCourse:  # fmt: skip
    """n updates from ``squares`` = |w_j - w*_j|^2 (n_modes,), summed over outputs.

    WP0 is WP here: one task has no input that is silent now and then.
    """
    lam = np.asarray(strengths, float)
    steps = mode_factors(lam, n_steps, scheme, eta)
    p = scheme.n_perturbations
    keep = 1 - 2 * steps * lam + (steps * lam) ** 2 * (1 + 1 / p)
    gain = steps**2 * n_outputs / p
    if scheme.rule == "NP":
        row, column = lam, gain * lam
        noise = column * _node_noise(n_outputs, n_steps, scheme, unreachable_error)
    else:
        row, column = lam**2, gain
        noise = gain * _weight_noise(lam, n_outputs, scheme)
    x = np.array(squares, float)
    excess = np.empty(n + 1)
    for i in range(n + 1):
        excess[i] = lam @ x / 2
        if i < n:
            x = keep * x + column * (row @ x) + noise
    return ModeCourse(excess, x)


def stability_bound(strengths: Array, n_outputs: int, n_perturbations: int = 1) -> float:
    """Largest eta of WP and NP at which the mean of X over runs does not explode.

    The eta at which ``eta M / 2P sum_j lam_j / (1 - eta lam_j (1 + 1/P) / 2) = 1``, roughly
    2 P / (M tr S). A single run may look fine beyond it: the mean explodes by rare runs.
    """
    lam, p = np.asarray(strengths, float), n_perturbations
    spread = (1 + 1 / p) / 2
    low, high = 0.0, 1 / (lam.max() * spread)
    for _ in range(100):
        eta = (low + high) / 2
        load = eta * n_outputs / (2 * p) * (lam / (1 - eta * lam * spread)).sum()
        low, high = (eta, high) if load < 1 else (low, eta)
    return low


def _node_noise(n_outputs: int, n_steps: int, scheme: Scheme, unreachable_error: float) -> float:
    steps = scheme.n_noise_modes or n_steps
    sigma, dimension = scheme.output_sigma, n_outputs * steps
    moment = (dimension + 2) * (dimension + 4)
    if scheme.baseline == "antithetic":
        moment = 0
    elif scheme.baseline != "clean":
        moment = 2 * (dimension + 4)
    noise = sigma**2 * moment / (4 * steps)
    if scheme.noise_meets_residual:
        noise += 2 * unreachable_error
    return noise + (steps * (scheme.error_noise / sigma) ** 2 if scheme.error_noise else 0.0)


def _weight_noise(lam: Array, n_outputs: int, scheme: Scheme) -> Array:
    """With Q = sum lam x^2 over all weights: sigma_w^2 / 4 E[(Q - baseline)^2 x_j^2]."""
    trace, square = lam.sum(), (lam**2).sum()
    sigma = scheme.output_sigma / np.sqrt(trace)
    moment = 2 * n_outputs * square + 8 * lam**2
    if scheme.baseline == "clean":
        moment = moment + (n_outputs * trace) ** 2 + 4 * n_outputs * lam * trace
    elif scheme.baseline == "antithetic":
        moment = np.zeros_like(lam)
    noise = sigma**2 / 4 * moment
    return noise + ((scheme.error_noise / sigma) ** 2 if scheme.error_noise else 0.0)
