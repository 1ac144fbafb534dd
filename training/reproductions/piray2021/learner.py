"""The paper's learners, and rows of numbers with standard errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....agents.filters import Course, JointParticle
from ...reproduction import Claim

Array = np.ndarray

#: What the authors' programs do and the model does not: machine precision is added to likelihoods,
#: and, in the program behind the figures, resampling left means and variances where they were.
FLOOR: dict[str, Any] = {"likelihood_floor": 2.2e-16}
PUBLISHED: dict[str, Any] = FLOOR | {"carry_moments": False}


def both(drift: float, start: float) -> dict[str, Any]:
    """Options that are the same for volatility and stochasticity."""
    return {
        "volatility_drift": drift,
        "stochasticity_drift": drift,
        "initial_volatility": start,
        "initial_stochasticity": start,
    }


def without(noise: str, fixed: float) -> dict[str, Any]:
    """Options of a learner that takes a noise for constant."""
    return {"lesion": noise, f"initial_{noise}": fixed}


def watch(outcomes: Array, seed: int = 0, **options: Any) -> Course:
    """The joint filter on outcomes (T, n) or (T, n, K)."""
    return JointParticle(**options).run(outcomes, seed=seed)


def rates(course: Course) -> Array:
    """Learning rates (T, n) of the first arm."""
    return _first(course.learning_rate)


def volatilities(course: Course) -> Array:
    """Estimated volatilities (T, n) of the first arm."""
    return _first(course.volatility)


def stochasticities(course: Course) -> Array:
    """Estimated stochasticities (T, n) of the first arm."""
    return _first(course.stochasticity)


def _first(values: Array | None) -> Array:
    assert values is not None  # the joint filter has all notions
    return values[..., 0]


# -- numbers and claims ------------------------------------------------------------------------

#: Mean and standard error.
Number = Sequence[float]


def number(values: Array) -> list[float]:
    """Mean over runs (n,) and its standard error."""
    return [float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size))]


def median(values: Array) -> list[float]:
    """Median over runs (n,) and its standard error, from resampled runs."""
    rng = np.random.default_rng(0)
    again = np.median(rng.choice(values, (400, values.size)), axis=1)
    return [float(np.median(values)), float(again.std(ddof=1))]


def text(one: Number) -> str:
    """Mean and standard error with as many digits as the error is worth."""
    mean, error = one
    digits = int(np.clip(1 - np.floor(np.log10(error)), 2, 5)) if error > 0 else 3
    return f"{mean:.{digits}f} +- {error:.{digits}f}"


def difference(a: Number, b: Number) -> list[float]:
    """a - b of independent numbers."""
    return [a[0] - b[0], float(np.hypot(a[1], b[1]))]


def near(
    claim: str,
    found: Sequence[Number],
    expected: Sequence[float],
    tolerance: float | Sequence[float],
) -> Claim:
    """A row of numbers, each within its tolerance of what is expected."""
    allowed = np.broadcast_to(np.asarray(tolerance, float), len(expected))
    same = len(set(allowed.tolist())) == 1
    within = f"within {allowed[0]:g}" if same else "within " + ", ".join(f"{x:g}" for x in allowed)
    return Claim(
        claim,
        f"{', '.join(f'{x:g}' for x in expected)} ({within})",
        ", ".join(text(one) for one in found),
        all(abs(f[0] - x) <= t for f, x, t in zip(found, expected, allowed, strict=True)),
    )


def between(claim: str, found: Number, low: float = -np.inf, high: float = np.inf) -> Claim:
    """A number above ``low`` and below ``high``."""
    bounds = [f"above {low:g}"] if low > -np.inf else []
    bounds += [f"below {high:g}"] if high < np.inf else []
    return Claim(claim, " and ".join(bounds), text(found), low < found[0] < high)


def runs(full: int, quick: bool) -> int:
    """How many runs: a tenth, and at least 20, for a look."""
    return max(full // 10, 20) if quick else full


def course_of(values: Array) -> list[float]:
    """Means over runs of (T, n), trial by trial."""
    return values.mean(1).tolist()
