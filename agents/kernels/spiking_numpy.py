"""Forward and backward pass of LIF/ALIF networks in NumPy: the reference.

Bellec et al. (2020), doi:10.1038/s41467-020-17236-y. The backward pass is e-prop with its sums
exchanged: every recursion of the eligibility trace is diagonal in the postsynaptic neuron, so
per-neuron adjoints and one matrix product replace the traces of all synapses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

State = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class SpikingConstants:
    """Decays a network step and thresholds (see :mod:`caudate.agents.networks.spiking`)."""

    alpha: np.ndarray
    rho: np.ndarray
    beta: np.ndarray
    kappa: float
    threshold: float
    dampening: float
    refractory: int = 1  # shortest inter-spike interval in network steps; 1: none


def forward(
    constants: SpikingConstants,
    w_rec: np.ndarray,
    current: np.ndarray,
    substeps: int,
    state: State,
    z_out: np.ndarray,
    psi_out: np.ndarray,
    f_out: np.ndarray | None = None,
) -> None:
    """Run S environment steps of K network steps; updates ``state`` (v, a, z, f, s) in place.

    ``current`` (S, B, N), held for K network steps each; ``z_out`` (S K, B, N) uint8 and
    ``psi_out`` (S K, B, N) receive spikes and pseudo-derivatives, ``f_out`` (S, B, N), where given,
    the filtered spikes at the end of each environment step. In a network step::

        a = rho a + z
        v = alpha v + current + W_rec z - v_th z
        u = (v - v_th - beta a) / v_th
        psi = dampening / v_th * max(0, 1 - |u|)
        z = u > 0
        f = kappa f + z

    A neuron stays silent, with psi = 0, for ``refractory`` - 1 steps after a spike; s counts them.
    """
    v, a, z, f, silent = state
    threshold = constants.threshold
    inverse = v.dtype.type(1 / threshold)
    minus_scale = v.dtype.type(-constants.dampening / threshold)
    kappa = v.dtype.type(constants.kappa)
    beta = constants.beta * inverse
    # Reset and recurrence are one product: the diagonal of W_rec is zero.
    weights = np.array(w_rec.T, order="C")  # a copy: it is changed below
    weights[np.diag_indices_from(weights)] -= v.dtype.type(threshold)
    u = np.empty_like(v)
    scratch = np.empty_like(v)
    for t in range(len(z_out)):
        np.multiply(a, constants.rho, out=a)
        a += z
        np.matmul(z, weights, out=u)
        u += current[t // substeps]
        v *= constants.alpha
        v += u
        np.multiply(v, inverse, out=u)
        np.multiply(a, beta, out=scratch)
        u -= scratch
        u -= 1
        np.greater(u, 0, out=z_out[t], casting="unsafe")
        psi = psi_out[t]
        np.abs(u, out=psi)
        psi -= 1
        np.minimum(psi, 0, out=psi)
        psi *= minus_scale
        if constants.refractory > 1:
            ready = silent == 0
            z_out[t] *= ready
            psi *= ready
            np.maximum(silent - 1, 0, out=silent)
            silent[z_out[t] > 0] = constants.refractory - 1
        z[...] = z_out[t]
        f *= kappa
        f += z
        if f_out is not None and (t + 1) % substeps == 0:
            f_out[t // substeps] = f


def backward(
    constants: SpikingConstants,
    w_rec: np.ndarray,
    z: np.ndarray,
    psi: np.ndarray,
    substeps: int,
    feature_adjoint: np.ndarray,
    rate_adjoint: np.ndarray | None = None,
    exact: bool = False,
    before: np.ndarray | None = None,
    chunk: int = 64,
) -> tuple[np.ndarray, np.ndarray]:
    """Adjoint pass over S K network steps, zero beyond the end::

        lam[t]   = L[t] (at the last network step of an environment step) + kappa lam[t+1]
        Lz[t]    = lam[t] + mu[t+1] + rate term  (exact: + W_rec^T nu[t+1] - v_th nu[t+1])
        delta[t] = psi[t] Lz[t]
        mu[t]    = rho mu[t+1] - beta delta[t]
        nu[t]    = delta[t] + alpha nu[t+1]
        dW_rec   = sum_t nu[t] z[t-1]^T

    ``feature_adjoint`` and ``rate_adjoint`` (S, B, N); ``before`` (B, N) are the spikes of the step
    before the first, none if not given. Returns dW_rec (N, N) and the derivative by
    the input current of each environment step (S, B, N).
    """
    steps, n_envs, n = psi.shape
    dtype = psi.dtype
    kappa = dtype.type(constants.kappa)
    lam, mu, nu = (np.zeros((n_envs, n), dtype) for _ in range(3))
    signal = np.empty((n_envs, n), dtype)
    drive = np.zeros((steps // substeps, n_envs, n), dtype)
    gradient = np.zeros((n, n), dtype)
    weights = w_rec - dtype.type(constants.threshold) * np.eye(n, dtype=dtype) if exact else None
    stop = steps
    while stop > 0:  # chunks keep the adjoints of one matrix product in cache
        start = max(0, stop - chunk)
        nus = np.empty((stop - start, n_envs, n), dtype)
        for t in range(stop - 1, start - 1, -1):
            s = t // substeps
            lam *= kappa
            if (t + 1) % substeps == 0:
                lam += feature_adjoint[s]
            np.add(lam, mu, out=signal)
            if rate_adjoint is not None:
                signal += rate_adjoint[s]
            if weights is not None:
                signal += nu @ weights
            signal *= psi[t]
            mu *= constants.rho
            np.multiply(nu, constants.alpha, out=nus[t - start])
            nu = nus[t - start]
            nu += signal
            drive[s] += nu
            signal *= constants.beta
            mu -= signal
        first = max(start, 1)
        previous = z[first - 1 : stop - 1].astype(dtype).reshape(-1, n)
        gradient += nus[first - start :].reshape(-1, n).T @ previous
        stop = start
    if before is not None and steps:
        gradient += nu.T @ before.astype(dtype)
    return gradient, drive
