"""Real-time recurrent learning: the gradient carried forward, as a reference for the others.

Williams & Zipser (1989), doi:10.1162/neco.1989.1.2.270. The derivative of every unit's state by
every weight goes along with the network, O(N^2 (N + D)) numbers and O(N^3 (N + D)) operations a
step: for checks on small networks. ``local=True`` leaves out the paths through other units'
activity (and through reset spikes), which is what e-prop and RFLO do.
"""

from __future__ import annotations

import numpy as np

from .networks import RateNetwork, SpikingNetwork
from .optimizers import Parameters
from .tape import Tape


def rtrl_gradient(
    network: RateNetwork | SpikingNetwork,
    parameters: Parameters,
    tape: Tape,
    feature_adjoint: np.ndarray,
    *,
    local: bool = False,
) -> Parameters:
    """Gradient of a loss whose direct dependence on features is ``feature_adjoint`` (T, B, N).

    Args:
        network, parameters: as they were when ``tape`` was recorded.
        tape: of one round, from the start of its episodes.
        local: cut the paths between units.
    """
    if isinstance(network, RateNetwork):
        sensitivities = _rate(network, parameters, tape, local)
    else:
        sensitivities = _spiking(network, parameters, tape, local)
    n, d = network.n_units, network.n_inputs
    total = np.zeros((n, d + n + 1))
    for learning, sensitivity in zip(feature_adjoint, sensitivities, strict=True):
        total += np.einsum("bi,biac->ac", learning, sensitivity)
    recurrent = total[:, d:-1].copy()
    if not network.self_connections:
        np.fill_diagonal(recurrent, 0)
    return {"W_in": total[:, :d], "W_rec": recurrent, "bias": total[:, -1]}


def _presynaptic(x: np.ndarray, activity: np.ndarray) -> np.ndarray:
    """Inputs, units, bias: (B, D + N + 1)."""
    return np.concatenate([x, activity, np.ones((len(x), 1), activity.dtype)], axis=1)


def _rate(network, parameters, tape, local):
    """d r[t] / d w of each step, (B, N, N, D + N + 1)."""
    on_input = network.nonlinearity == "input"
    leak = network.leak[:, None, None]
    x, r = tape["x"], tape["r"]
    s = tape["s"] if on_input else r
    n_envs = r.shape[1]
    before = network.initial_state(n_envs)[1]
    eye = np.eye(network.n_units)[None, :, :, None]
    of_state = of_activity = 0.0
    for t in range(len(r)):
        by_input = eye * _presynaptic(x[t], before)[:, None, None, :]
        if not local and t:
            by_input = by_input + np.einsum("ij,bjac->biac", parameters["W_rec"], of_activity)
        slope = (1 - s[t] ** 2)[:, :, None, None]
        if on_input:
            of_state = (1 - leak) * of_state + leak * slope * by_input
            of_activity = of_state
        else:
            of_state = (1 - leak) * of_state + leak * by_input
            of_activity = slope * of_state
        before = r[t]
        yield of_activity


def _spiking(network, parameters, tape, local):
    """d features[t] / d w of each environment step, (B, N, N, D + N + 1)."""
    c = network.constants
    alpha, rho, beta = (p[:, None, None] for p in (c.alpha, c.rho, c.beta))
    weights = parameters["W_rec"] - c.threshold * np.eye(network.n_units)
    x, z, psi = tape["x"], tape["z"], tape["psi"]
    eye = np.eye(network.n_units)[None, :, :, None]
    before = np.zeros(z.shape[2:])
    sources = network.n_inputs + network.n_units + 1
    shape = (z.shape[2], network.n_units, network.n_units, sources)
    potential = adaptation = spike = filtered = np.zeros(shape)
    for t in range(len(z)):
        for k in range(network.substeps):
            by_input = eye * _presynaptic(x[t], before)[:, None, None, :]
            if not local:
                by_input = by_input + np.einsum("ij,bjac->biac", weights, spike)
            adaptation = rho * adaptation + spike
            potential = alpha * potential + by_input
            spike = psi[t, k][:, :, None, None] * (potential - beta * adaptation)
            filtered = c.kappa * filtered + spike
            before = z[t, k].astype(psi.dtype)
        yield network.feature_gain * filtered
