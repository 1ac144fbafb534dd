"""Forward and adjoint pass of leaky tanh units over whole trials in NumPy: the reference.

``form`` says where the nonlinearity stands, see :mod:`caudate.agents.networks.rate`.
"""

from __future__ import annotations

import numpy as np

STATE, INPUT = "state", "input"


def forward(
    form: str,
    leak: np.ndarray,
    w_rec: np.ndarray,
    drive: np.ndarray,
    state: tuple[np.ndarray, ...],
    r_out: np.ndarray,
    s_out: np.ndarray,
) -> None:
    """Run T steps; updates ``state`` (h, r), both (B, N), in place.

    ``drive`` (T, B, N) is what inputs and biases add; ``r_out`` and ``s_out`` (T, B, N) receive the
    activity that is passed on and what the nonlinearity returned, the same for ``state``.
    """
    h, r = state
    weights = w_rec.T
    summed = np.empty_like(h)
    for t in range(len(drive)):
        np.matmul(r, weights, out=summed)
        summed += drive[t]
        if form == INPUT:
            np.tanh(summed, out=s_out[t])
            np.subtract(s_out[t], h, out=summed)
        else:
            summed -= h
        summed *= leak
        h += summed
        if form == INPUT:
            r[...] = h
        else:
            np.tanh(h, out=r)
        r_out[t] = r


def adjoint(
    form: str,
    leak: np.ndarray,
    w_rec: np.ndarray,
    s: np.ndarray,
    feature_adjoint: np.ndarray,
    exact: bool,
) -> np.ndarray:
    """delta (T, B, N): derivative of the loss by the summed input of each unit and step.

    With L = ``feature_adjoint``, S = L + W_rec^T delta[t+1] (the second term if ``exact``) and
    phi' = 1 - s^2::

        D[t] = phi'[t] S[t] + (1 - a) D[t+1]    delta[t] = a D[t]           (state)
        D[t] = S[t] + (1 - a) D[t+1]            delta[t] = a phi'[t] D[t]   (input)
    """
    delta = np.multiply(s, s)
    np.subtract(1, delta, out=delta)
    carried = np.zeros(s.shape[1:], s.dtype)
    keep = 1 - leak
    for t in range(len(s) - 1, -1, -1):
        signal = feature_adjoint[t]
        if exact and t + 1 < len(s):
            signal = signal + delta[t + 1] @ w_rec
        carried *= keep
        slope = delta[t]
        if form == INPUT:
            carried += signal
            slope *= carried
            slope *= leak
        else:
            slope *= signal
            carried += slope
            np.multiply(carried, leak, out=slope)
    return delta
