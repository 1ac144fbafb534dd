"""The numba twin of :mod:`.traces_numpy`: one pass through memory, a synaptic row at a time."""

from __future__ import annotations

import numba
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
    """As :func:`.traces_numpy.advance`; leaves rows of ``adaptation`` alone where beta = 0."""
    _advance(
        constants.alpha,
        constants.rho,
        constants.beta,
        psi.dtype.type(constants.kappa),
        psi.dtype.type(feature_gain),
        arriving,
        psi_before,
        psi,
        presynaptic,
        adaptation,
        eligibility,
        raw_sum,
    )


def assign_credit(
    decay: float,
    score_signal: np.ndarray,
    direct_signal: np.ndarray,
    eligibility: np.ndarray,
    credit: np.ndarray,
    total: np.ndarray,
) -> None:
    """As :func:`.traces_numpy.assign_credit`."""
    real = credit.dtype
    _assign_credit(
        real.type(decay),
        score_signal.astype(real, copy=False),
        direct_signal.astype(real, copy=False),
        eligibility,
        credit,
        total,
    )


def collect(weights: np.ndarray, traces: np.ndarray, total: np.ndarray) -> None:
    """As :func:`.traces_numpy.collect`."""
    _collect(weights.astype(total.dtype), traces, total)


# Loops write one array each, so that LLVM vectorises them; the rows of a neuron are in the
# first-level cache from the first loop to the last, and of all network steps.


@numba.njit(cache=True, error_model="numpy")
def _advance(
    alpha, rho, beta, kappa, gain, arriving, psi_before, psi,
    presynaptic, adaptation, eligibility, raw_sum,
):  # fmt: skip
    n_envs, n, n_sources = presynaptic.shape
    zero = kappa * 0  # literals would promote float32 to float64
    e = np.empty(n_sources, presynaptic.dtype)
    for b in range(n_envs):
        for j in range(n):
            zbar, eps = presynaptic[b, j], adaptation[b, j]
            ebar, raw = eligibility[b, j], raw_sum[b, j]
            decay, strength, before = alpha[j], beta[j], psi_before[b, j]
            adaptive = strength != zero
            for k in range(psi.shape[0]):
                source, slope = arriving[k, b], psi[k, b, j]
                if adaptive:
                    keep = rho[j] - strength * before
                    for i in range(n_sources):
                        eps[i] = keep * eps[i] + before * zbar[i]
                for i in range(n_sources):
                    zbar[i] = decay * zbar[i] + source[i]
                if adaptive:
                    for i in range(n_sources):
                        e[i] = slope * (zbar[i] - strength * eps[i])
                else:
                    for i in range(n_sources):
                        e[i] = slope * zbar[i]
                for i in range(n_sources):
                    ebar[i] = kappa * ebar[i] + gain * e[i]
                if k == 0:
                    for i in range(n_sources):
                        raw[i] = e[i]
                else:
                    for i in range(n_sources):
                        raw[i] += e[i]
                before = slope


@numba.njit(cache=True, error_model="numpy")
def _assign_credit(decay, score_signal, direct_signal, eligibility, credit, total):
    n_envs, n, n_sources = credit.shape
    zero = decay * 0
    for b in range(n_envs):
        for j in range(n):
            ebar, waiting, sure = eligibility[b, j], credit[b, j], total[j]
            score, direct = score_signal[b, j], direct_signal[b, j]
            for i in range(n_sources):
                waiting[i] = decay * waiting[i] + score * ebar[i]
            if direct != zero:
                for i in range(n_sources):
                    sure[i] += direct * ebar[i]


@numba.njit(cache=True, error_model="numpy")
def _collect(weights, traces, total):
    n_envs, n, n_sources = traces.shape
    grouped = n_envs // 4 * 4  # four columns at a time, for fewer rounds over the total
    for b in range(0, grouped, 4):
        w0, w1, w2, w3 = weights[b], weights[b + 1], weights[b + 2], weights[b + 3]
        for j in range(n):
            row = total[j]
            t0, t1, t2, t3 = traces[b, j], traces[b + 1, j], traces[b + 2, j], traces[b + 3, j]
            for i in range(n_sources):
                row[i] += w0 * t0[i] + w1 * t1[i] + w2 * t2[i] + w3 * t3[i]
    for b in range(grouped, n_envs):
        weight = weights[b]
        for j in range(n):
            row, trace = total[j], traces[b, j]
            for i in range(n_sources):
                row[i] += weight * trace[i]
