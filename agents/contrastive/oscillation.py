"""The two phases as the halves of a rhythm: no state is stored, the rule alternates its sign.

A network that is taught in one half of an oscillation and free in the other learns by::

    dW/dt = (eta / beta) s(t) V V',     teacher strength beta (1 + s(t)) / 2

where s is a square or a sine wave, below 0 in the free half and above 0 in the taught one. It comes
to contrastive learning where each half is long against the time that settling takes, and where a
pattern first finds its free state: one that the teacher has led to may stay when it is gone. So a
pattern begins at rest and with the teacher off. That a rhythm of the brain may be this alternation
is Baldi & Pineda's conjecture (1991, doi:10.1162/neco.1991.3.4.526); these equations are this
library's.
"""

from __future__ import annotations

import numpy as np

from ..options import choice
from .network import ContrastiveNet

Array = np.ndarray

WAVES = ("square", "sine")


def oscillate(
    net: ContrastiveNet,
    x: Array,
    target: Array,
    *,
    rate: float,
    beta: float,
    half_period: float,
    wave: str = "square",
    u: Array | None = None,
) -> Array:
    """One period for each pattern in turn, learning all the while; changes the network.

    Args:
        x, target: (P, n_in), (P, n_out).
        rate: eta of a whole period: the sum of its updates is that of one contrastive step.
        beta: greatest strength of the teacher, a spring.
        half_period: in time constants.
        wave: square, or sine from its trough on.
        u: (S, 1, n) summed inputs to go on from; None: each pattern begins at rest.

    Returns:
        The last u.
    """
    choice("oscillate", "wave", wave, WAVES)
    steps = max(round(half_period / net.dt), 1)
    turn = np.arange(2 * steps) + 0.5
    s = np.where(turn < steps, -1.0, 1.0) if wave == "square" else -np.cos(np.pi * turn / steps)
    share = rate / beta / s[s > 0].sum()
    n_in, k = net.n_in, net.n_out
    rest = np.zeros((len(net.weights), 1, net.weights.shape[1] - n_in))
    state = rest if u is None else u.copy()
    for one, wanted in zip(x, target, strict=True):
        state = rest.copy() if u is None else state
        for sign in s:
            v = net.activation(state)
            full = np.concatenate([np.broadcast_to(one, (*v.shape[:2], n_in)), v], axis=2)
            step = full @ net.weights[:, :, n_in:] + net.bias[:, None, n_in:] - state
            step[..., -k:] += beta * (1 + sign) / 2 * (wanted - v[..., -k:])
            state += net.dt * step
            net.weights += share * sign * net.mask * (full.transpose(0, 2, 1) @ full)
            net.bias[:, n_in:] += share * sign * v[:, 0]
    return state
