"""Perturbation rules: what is correlated with the reward that it earned.

All rules but one sum credit times fluctuation times presynaptic activity over samples (steps of
trials): ``1/sigma^2 sum_s credit[s] fluctuation[s] presynaptic[s]^T``. They differ in what
fluctuates:

==========================  =========================================================
rule                        fluctuation of a unit's summed input
==========================  =========================================================
node perturbation (NP)      the noise that was injected there
hybrid perturbation (HP)    what perturbed weights made of the presynaptic activity
activity-based NP (ANP)     the measured change from a clean run
Miconi's rule               the activation minus its running mean, supralinearly
==========================  =========================================================

Weight perturbation (WP) needs no presynaptic activity: its gradient is ``1/sigma^2 sum credit xi``
over trials. The credit is the change of the *loss* that the perturbation caused, so that a step
``w -= eta gradient`` has the same meaning for every rule: on average it is a step of gradient
descent, for NP, WP and WP0; for HP the gradient times the inputs' correlation.

Zuege, Klos & Memmesheimer (2023), doi:10.1103/PhysRevX.13.021006; Miconi (2017),
doi:10.7554/eLife.20899; Dalm, van Gerven & Ahmad (2023), arXiv:2310.00965.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray


def node_gradient(fluctuation: Array, presynaptic: Array, credit: Array, sigma: float) -> Array:
    """``1/sigma^2 sum_s credit[s] fluctuation[s] presynaptic[s]^T``.

    Args:
        fluctuation: (..., S, M), of the summed inputs.
        presynaptic: (..., S, N), what the weights saw when they passed it on.
        credit: (..., S) change of the loss, or of shape that broadcasts to it.
        sigma: standard deviation of the fluctuation of one unit at one step (HP: of one weight).

    Returns:
        (..., M, N).
    """
    weighted = fluctuation * (np.asarray(credit)[..., None] / sigma**2)
    return np.swapaxes(weighted, -1, -2) @ presynaptic


def weight_gradient(xi: Array, credit: Array, sigma: float) -> Array:
    """``1/sigma^2 sum_p credit[p] xi[p]``: xi (..., P, M, N), credit (..., P) -> (..., M, N)."""
    return np.einsum("...p,...pmn->...mn", credit, xi) / sigma**2


def active_inputs(presynaptic: Array) -> Array:
    """Inputs that are not silent for a whole trial: (..., T, N) -> (..., N), 0 or 1.

    WP0 is weight perturbation times this mask: weights that nothing passed through stay.
    """
    return (presynaptic != 0).any(-2).astype(presynaptic.dtype)


def node_noise(
    rng: np.random.Generator, shape: tuple[int, ...], sigma: float, law: str = "uniform",
    dtype: np.dtype | type = np.float64,
) -> Array:  # fmt: skip
    """White noise of standard deviation ``sigma``: gaussian, or uniform, several times cheaper."""
    draw = np.float32 if np.dtype(dtype) == np.float32 else np.float64
    if law == "gaussian":
        noise = rng.standard_normal(shape, draw)
        noise *= sigma
    else:
        noise = rng.random(shape, draw)
        noise -= 0.5
        noise *= np.sqrt(12.0) * sigma
    return noise


def kicks(
    rng: np.random.Generator, shape: tuple[int, ...], probability: float, size: float,
    dtype: np.dtype | type = np.float64,
) -> Array:  # fmt: skip
    """Rare strong noise: with ``probability`` a uniform number in +-``size``, else 0.

    Miconi (2017), doi:10.7554/eLife.20899.
    """
    u = rng.random(shape, np.float32)
    hit = u < probability
    noise = np.zeros(shape, dtype)
    # What is left of u below the threshold is uniform itself: no second draw.
    noise[hit] = (2 * u[hit] / probability - 1) * size
    return noise


def cube(x: Array) -> Array:
    return x * x * x


def signed_square(x: Array) -> Array:
    return x * np.abs(x)


def identity(x: Array) -> Array:
    return x


#: f in Miconi's trace ``sum_t f(r_j[t-1] dx_i[t])``. All are multiplicative, f(a b) = f(a) f(b), so
#: that the trace is one matrix product of transformed factors.
SUPRALINEAR: dict[str, Callable[[Array], Array]] = {
    "cubic": cube,
    "signed-square": signed_square,
    "identity": identity,
}


class Fluctuations:
    """Activation minus its running mean, ``dx = x - xbar``, then ``xbar <- m xbar + (1 - m) x``.

    Args:
        memory: m; .05 in Miconi (2017), nearly a difference of successive steps.
        start: xbar before the first step.
    """

    def __init__(self, memory: float, start: Array):
        self.memory = memory
        self.mean = start.copy()

    def __call__(self, x: Array) -> Array:
        change = x - self.mean
        self.mean += (1 - self.memory) * change
        return change
