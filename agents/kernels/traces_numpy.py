"""Eligibility and credit traces carried forward synapse by synapse, in NumPy: the reference.

Shapes: B columns, N postsynaptic neurons, P presynaptic sources, K network steps.
"""

from __future__ import annotations

import numpy as np

from .spiking_numpy import SpikingConstants


def advance(
    constants: SpikingConstants,
    feature_gain: float,
    arriving: np.ndarray,
    psi_before: np.ndarray,
    psi: np.ndarray,
    presynaptic: np.ndarray,
    adaptation: np.ndarray,
    eligibility: np.ndarray,
    raw_sum: np.ndarray,
) -> None:
    """Carry the traces of LIF/ALIF neurons over the K network steps of an environment step.

    Bellec et al. (2020), doi:10.1038/s41467-020-17236-y, eqs 13, 22-25. ``arriving`` (K, B, P) is
    what reaches the synapses, ``psi`` (K, B, N) the pseudo-derivatives, ``psi_before`` (B, N) that
    of the network step before the first. The traces (B, N, P) change in place; ``raw_sum`` is begun
    anew. In a network step::

        eps_a = (rho - beta psi[k-1]) eps_a + psi[k-1] zbar
        zbar  = alpha zbar + arriving
        e     = psi (zbar - beta eps_a)
        ebar  = kappa ebar + feature_gain e
        raw_sum += e

    ``adaptation`` (eps_a) acts on nothing where beta = 0; its rows there mean nothing.
    """
    alpha, rho, beta = (p[:, None] for p in (constants.alpha, constants.rho, constants.beta))
    kappa, gain = psi.dtype.type(constants.kappa), psi.dtype.type(feature_gain)
    slopes = np.concatenate([psi_before[None], psi])[..., None]
    raw_sum[...] = 0
    for k in range(len(psi)):
        adaptation *= rho - beta * slopes[k]
        adaptation += slopes[k] * presynaptic
        presynaptic *= alpha
        presynaptic += arriving[k][:, None, :]
        e = slopes[k + 1] * (presynaptic - beta * adaptation)
        eligibility *= kappa
        raw_sum += e
        e *= gain
        eligibility += e


def assign_credit(
    decay: float,
    score_signal: np.ndarray,
    direct_signal: np.ndarray,
    eligibility: np.ndarray,
    credit: np.ndarray,
    total: np.ndarray,
) -> None:
    """Learning signals (B, N) meet ``eligibility`` (B, N, P).

    In place: ``credit`` (B, N, P), which waits for reward, and ``total`` (N, P), which does not::

        credit = decay credit + score_signal eligibility
        total += sum_b direct_signal eligibility
    """
    credit *= credit.dtype.type(decay)
    credit += score_signal.astype(credit.dtype)[:, :, None] * eligibility
    total += np.einsum("bj,bji->ji", direct_signal.astype(total.dtype), eligibility)


def collect(weights: np.ndarray, traces: np.ndarray, total: np.ndarray) -> None:
    """``total`` (N, P) += sum over columns of ``weights`` (B,) times ``traces`` (B, N, P)."""
    total += np.tensordot(weights.astype(total.dtype), traces, 1)
