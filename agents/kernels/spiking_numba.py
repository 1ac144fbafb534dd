"""The numba twin of :mod:`.spiking_numpy`: spikes as events, the time loop per column in cache."""

from __future__ import annotations

import numba
import numpy as np

from . import spiking_numpy
from .spiking_numpy import SpikingConstants, State


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
    """As :func:`.spiking_numpy.forward`."""
    real = psi_out.dtype.type
    v, a, z, f, silent = state
    _forward(
        constants.alpha,
        constants.rho,
        constants.beta,
        real(constants.kappa),
        real(constants.threshold),
        real(constants.dampening),
        np.ascontiguousarray(w_rec.T),
        current,
        substeps,
        v,
        a,
        z,
        f,
        silent,
        constants.refractory,
        z_out,
        psi_out,
        np.empty((0, 0, 0), psi_out.dtype) if f_out is None else f_out,
    )


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
) -> tuple[np.ndarray, np.ndarray]:
    """As :func:`.spiking_numpy.backward`; the exact gradient is the reference's alone."""
    if exact:
        return spiking_numpy.backward(
            constants, w_rec, z, psi, substeps, feature_adjoint, rate_adjoint, exact, before
        )
    n = psi.shape[2]
    gradient = np.zeros((n, n), psi.dtype)  # transposed: a spike adds one contiguous row
    drive = np.empty((len(psi) // substeps, *psi.shape[1:]), psi.dtype)
    nothing = np.empty((0, 0, 0), psi.dtype)
    if before is None:
        before = np.zeros(psi.shape[1:], np.uint8)
    _backward(
        constants.alpha,
        constants.rho,
        constants.beta,
        psi.dtype.type(constants.kappa),
        before.astype(np.uint8),
        z,
        psi,
        substeps,
        feature_adjoint,
        nothing if rate_adjoint is None else rate_adjoint,
        gradient,
        drive,
    )
    return np.ascontiguousarray(gradient.T), drive


# Loops write one array each: with more, LLVM gives up proving that arrays do not overlap and leaves
# the loop scalar. Columns go in blocks: their state stays in the first-level cache while the
# time-major records stream by in runs.
_BLOCK = 8


@numba.njit(cache=True, error_model="numpy")
def _forward(
    alpha, rho, beta, kappa, threshold, dampening, weights, current, substeps,
    v, a, z, f, silent, refractory, z_out, psi_out, f_out,
):  # fmt: skip
    n_envs, n = v.shape
    one, zero = v.dtype.type(1), v.dtype.type(0)  # literals would promote float32 to float64
    inverse = one / threshold
    scale = dampening * inverse
    hold = v.dtype.type(refractory - 1)
    u = np.empty(n, v.dtype)
    events = np.empty(n, np.int64)
    for first in range(0, n_envs, _BLOCK):
        for t in range(z_out.shape[0]):
            for b in range(first, min(first + _BLOCK, n_envs)):
                vb, ab, zb, fb = v[b], a[b], z[b], f[b]
                drive, out, psi = current[t // substeps, b], z_out[t, b], psi_out[t, b]
                count = _spikes(zb, events)
                for j in range(n):
                    vb[j] = alpha[j] * vb[j] + drive[j] - threshold * zb[j]
                for e in range(count):
                    i = events[e]
                    for j in range(n):
                        vb[j] += weights[i, j]
                for j in range(n):
                    ab[j] = rho[j] * ab[j] + zb[j]
                for j in range(n):
                    u[j] = (vb[j] - beta[j] * ab[j]) * inverse - one
                for j in range(n):
                    psi[j] = scale * max(zero, one - abs(u[j]))
                for j in range(n):
                    zb[j] = one if u[j] > zero else zero
                if refractory > 1:
                    sb = silent[b]
                    for j in range(n):
                        zb[j] = zb[j] if sb[j] == zero else zero
                    for j in range(n):
                        psi[j] = psi[j] if sb[j] == zero else zero
                    for j in range(n):
                        sb[j] = hold if zb[j] > zero else max(zero, sb[j] - one)
                for j in range(n):
                    out[j] = zb[j] > zero
                for j in range(n):
                    fb[j] = kappa * fb[j] + zb[j]
                if f_out.shape[0] > 0 and (t + 1) % substeps == 0:
                    filtered = f_out[t // substeps, b]
                    for j in range(n):
                        filtered[j] = fb[j]


@numba.njit(cache=True, error_model="numpy")
def _spikes(z, events):
    """Indices of the neurons that spiked, into ``events``; returns how many."""
    count = 0
    for j in range(z.shape[0]):
        if z[j]:
            events[count] = j
            count += 1
    return count


@numba.njit(cache=True, error_model="numpy")
def _backward(
    alpha, rho, beta, kappa, before, z, psi, substeps, feature_adjoint, rate_adjoint, gradient,
    drive,
):  # fmt: skip
    steps, n_envs, n = psi.shape
    with_rate = rate_adjoint.shape[0] > 0
    lam = np.empty((_BLOCK, n), psi.dtype)
    mu = np.empty((_BLOCK, n), psi.dtype)
    nu = np.empty((_BLOCK, n), psi.dtype)
    delta = np.empty(n, psi.dtype)
    events = np.empty(n, np.int64)
    for first in range(0, n_envs, _BLOCK):
        lam[:] = 0
        mu[:] = 0
        nu[:] = 0
        for t in range(steps - 1, -1, -1):
            s = t // substeps
            for b in range(first, min(first + _BLOCK, n_envs)):
                lam_b, mu_b, nu_b = lam[b - first], mu[b - first], nu[b - first]
                slope, total = psi[t, b], drive[s, b]
                for j in range(n):
                    lam_b[j] *= kappa
                if (t + 1) % substeps == 0:
                    learning = feature_adjoint[s, b]
                    for j in range(n):
                        lam_b[j] += learning[j]
                    total[:] = 0
                for j in range(n):
                    delta[j] = slope[j] * (lam_b[j] + mu_b[j])
                if with_rate:
                    rate = rate_adjoint[s, b]
                    for j in range(n):
                        delta[j] += slope[j] * rate[j]
                for j in range(n):
                    mu_b[j] = rho[j] * mu_b[j] - beta[j] * delta[j]
                for j in range(n):
                    nu_b[j] = delta[j] + alpha[j] * nu_b[j]
                for j in range(n):
                    total[j] += nu_b[j]
                for e in range(_spikes(z[t - 1, b] if t > 0 else before[b], events)):
                    i = events[e]
                    for j in range(n):
                        gradient[i, j] += nu_b[j]
