"""How variances drift: random factors from trial to trial.

Under the *beta* diffusion a precision z becomes ``z e / eta`` with ``e ~ Beta(a, 1/2)``,
``a = (1 - lambda) / (2 lambda)`` and ``eta = E[e] = 1 - lambda``: z is a martingale, a variance
shrinks by at most the factor eta in a trial and can grow by any (Piray & Daw 2021,
doi:10.1038/s41467-021-26731-9). If t has Student's distribution with 2 a degrees of freedom,
``1 / (1 + t^2 / 2a)`` is such an e, and the polar method gives t from two uniform numbers (Bailey
1994, Math Comp 62:779, doi:10.2307/2153537). The factor of a variance is then

    eta / e = eta (1 + (U^(-1/a) - 1) cos^2(2 pi V)),

exact, and as cheap for a lambda of each column as for one. The *log-normal* diffusion adds a normal
number (Box & Muller 1958) to the logarithm.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .counted import polar

Array = np.ndarray


def beta_factor(words: Array, drift: float | Array) -> Array:
    """Factors eta / e of variances, from random words; ``drift`` is lambda in [0, 0.9]."""
    share, cosine = polar(words)
    exponent = -2 * np.asarray(drift) / (1 - np.asarray(drift))  # -1 / a
    power = np.log(share, out=share)
    power *= exponent
    factor = np.expm1(power, out=power)
    factor *= np.square(cosine, out=cosine)
    factor += 1
    factor *= 1 - np.asarray(drift)
    return factor


def log_normal_factor(words: Array, drift: float | Array) -> Array:
    """Factors exp(sigma N(0, 1)) of variances, from random words; ``drift`` is sigma."""
    share, cosine = polar(words)
    power = np.sqrt(-2 * np.log(share, out=share))
    power *= cosine
    power *= drift
    return np.exp(power, out=power)


#: Name -> ``factor(words, drift)``.
DIFFUSIONS: dict[str, Callable[[Array, float | Array], Array]] = {
    "beta": beta_factor,
    "log-normal": log_normal_factor,
}
