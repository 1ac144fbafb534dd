"""The numba twin of :mod:`.rate_numpy`, for so few columns that NumPy's price per call counts."""

from __future__ import annotations

import numba
import numpy as np

from .rate_numpy import INPUT


def forward(
    form: str,
    leak: np.ndarray,
    w_rec: np.ndarray,
    drive: np.ndarray,
    state: tuple[np.ndarray, ...],
    r_out: np.ndarray,
    s_out: np.ndarray,
) -> None:
    """As :func:`.rate_numpy.forward`."""
    weights = np.ascontiguousarray(w_rec.T)
    _forward(form == INPUT, leak, weights, drive, *state, r_out, s_out)


def adjoint(
    form: str,
    leak: np.ndarray,
    w_rec: np.ndarray,
    s: np.ndarray,
    feature_adjoint: np.ndarray,
    exact: bool,
) -> np.ndarray:
    """As :func:`.rate_numpy.adjoint`."""
    delta = np.empty_like(s)
    signal = np.ascontiguousarray(feature_adjoint, s.dtype)
    _adjoint(form == INPUT, leak, np.ascontiguousarray(w_rec), s, signal, exact, delta)
    return delta


@numba.njit(cache=True, error_model="numpy", fastmath={"contract"})
def _forward(on_input, leak, weights, drive, h, r, r_out, s_out):
    steps, n_envs, n = drive.shape
    u = np.empty(n, drive.dtype)
    for b in range(n_envs):
        hb, rb = h[b], r[b]
        for t in range(steps):
            given, out = drive[t, b], r_out[t, b]
            for j in range(n):
                u[j] = given[j]
            for i in range(n):
                activity = rb[i]
                for j in range(n):
                    u[j] += weights[i, j] * activity
            if on_input:
                squashed = s_out[t, b]
                for j in range(n):
                    u[j] = np.tanh(u[j])
                for j in range(n):
                    squashed[j] = u[j]
            for j in range(n):
                hb[j] += leak[j] * (u[j] - hb[j])
            if on_input:
                for j in range(n):
                    rb[j] = hb[j]
            else:
                for j in range(n):
                    rb[j] = np.tanh(hb[j])
            for j in range(n):
                out[j] = rb[j]


@numba.njit(cache=True, error_model="numpy", fastmath={"contract"})
def _adjoint(on_input, leak, w_rec, s, feature_adjoint, exact, delta):
    steps, n_envs, n = s.shape
    one = s.dtype.type(1)
    carried = np.empty(n, s.dtype)
    signal = np.empty(n, s.dtype)
    for b in range(n_envs):
        carried[:] = 0
        for t in range(steps - 1, -1, -1):
            learning, squashed, out = feature_adjoint[t, b], s[t, b], delta[t, b]
            for j in range(n):
                signal[j] = learning[j]
            if exact and t + 1 < steps:
                later = delta[t + 1, b]
                for i in range(n):
                    blame = later[i]
                    for j in range(n):
                        signal[j] += w_rec[i, j] * blame
            for j in range(n):
                carried[j] *= one - leak[j]
            if on_input:
                for j in range(n):
                    carried[j] += signal[j]
                for j in range(n):
                    out[j] = leak[j] * (one - squashed[j] * squashed[j]) * carried[j]
            else:
                for j in range(n):
                    carried[j] += (one - squashed[j] * squashed[j]) * signal[j]
                for j in range(n):
                    out[j] = leak[j] * carried[j]
