"""Errors of delayed estimation: precision, swaps and guesses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .common import INK, MARK, TrialTable, column, columns, need, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class MixtureFit:
    """Errors as a mixture of reports of the target, of other items, and guesses.

    Attributes:
        kappa: concentration of the von Mises distribution around what is reported.
        target, swap, guess: shares of the three, 1 in sum.
        sd_rad: circular standard deviation that belongs to kappa.
        log_likelihood: at the estimates.
        errors: (n,) the errors in rad.
    """

    kappa: float
    target: float
    swap: float
    guess: float
    sd_rad: float
    log_likelihood: float
    errors: Array


def mixture_fit(
    trials: TrialTable,
    report: str = "report_rad",
    target: str = "target_rad",
    nontarget: str = "nontarget_",
) -> MixtureFit:
    """Fit the mixture model of Bays, Catalao and Husain 2009 (doi:10.1167/9.10.7) by
    expectation-maximisation.

    p(report) = target * vM(report - target) + swap * mean over others of vM(report - other)
    + guess / 2 pi, vM the von Mises density with concentration kappa; where a trial has no other
    item, its swap share counts as guessing. Where none has, the swap share is 0.

    Args:
        trials: the trial table.
        report, target: columns of angles in rad; trials without a report are left out.
        nontarget: beginning of the columns with the other items' angles, NaN where there is none.

    Raises:
        TaskError: fewer than 20 reports.
    """
    said, true = columns(trials, report, target)
    names = [name for name in trials if str(name).startswith(nontarget)]
    others = np.stack([column(trials, name) for name in names], axis=1) if names else None
    there = ~np.isnan(said)
    need(int(there.sum()), 20, "reports")
    error = _wrap(said - true)[there]
    swaps = None if others is None else _wrap(said[:, None] - others)[there]
    starts = [
        (kappa, np.array(share))
        for kappa in (3.0, 20.0)
        for share in ((0.8, 0.1, 0.1), (0.5, 0.25, 0.25))
    ]
    fits = [_mixture(error, swaps, kappa, share) for kappa, share in starts]
    kappa, share, likelihood = max(fits, key=lambda fit: fit[2])
    from scipy.special import ive

    length = float(ive(1, kappa) / ive(0, kappa))
    target_share, swap_share, guess_share = (float(one) for one in share)
    return MixtureFit(
        kappa,
        target_share,
        swap_share,
        guess_share,
        float(np.sqrt(-2.0 * np.log(max(length, 1e-300)))),
        likelihood,
        error,
    )


def _wrap(angle: Array) -> Array:
    return angle - 2 * np.pi * np.round(angle / (2 * np.pi))


def _von_mises(angle: Array, kappa: float) -> Array:
    from scipy.special import ive

    return np.exp(kappa * (np.cos(angle) - 1.0)) / (2 * np.pi * ive(0, kappa))


def _mixture(
    error: Array, swaps: Array | None, kappa: float, share: Array
) -> tuple[float, Array, float]:
    """Expectation-maximisation from one start: kappa, shares, log likelihood."""
    n, uniform = len(error), 1.0 / (2 * np.pi)
    there = np.zeros((n, 0), bool) if swaps is None else ~np.isnan(swaps)
    count = there.sum(axis=1)
    if not count.any():
        share = np.array([share[0], 0.0, share[1] + share[2]])  # no other item to be reported
    filled = np.zeros((n, 0)) if swaps is None else np.where(there, swaps, 0.0)
    likelihood = -np.inf
    for _ in range(500):
        direct = share[0] * _von_mises(error, kappa)
        each = np.where(there, _von_mises(filled, kappa), 0.0)
        each = share[1] * each / np.maximum(count, 1)[:, None]
        alone = np.where(count == 0, share[1] * uniform, 0.0)
        guess = np.full(n, share[2] * uniform)
        total = direct + each.sum(axis=1) + alone + guess
        new = float(np.log(total).sum())
        weight_direct, weight_each = direct / total, each / total[:, None]
        share = np.array(
            [
                weight_direct.mean(),
                ((each.sum(axis=1) + alone) / total).mean(),
                (guess / total).mean(),
            ]
        )
        resultant = (weight_direct * np.cos(error)).sum() + (weight_each * np.cos(filled)).sum()
        mass = weight_direct.sum() + weight_each.sum()
        kappa = _concentration(float(resultant / max(mass, 1e-12)))
        if new - likelihood < 1e-8 * n:
            break
        likelihood = new
    return kappa, share, new


def _concentration(length: float) -> float:
    """kappa of a von Mises distribution with that mean resultant length."""
    from scipy.optimize import brentq
    from scipy.special import ive

    length = min(max(length, 1e-4), 0.99999)
    root: Any = brentq(lambda kappa: ive(1, kappa) / ive(0, kappa) - length, 1e-6, 1e6)
    return float(root)


def plot_mixture(fit: MixtureFit, axes: Axes | None = None) -> Axes:
    """Histogram of errors with the fitted density (swaps count as spread)."""
    axes = new_axes(axes)
    axes.hist(fit.errors, bins=40, range=(-np.pi, np.pi), density=True, color=MARK, alpha=0.35)
    grid = np.linspace(-np.pi, np.pi, 400)
    spread = (1.0 - fit.target) / (2 * np.pi)
    axes.plot(grid, fit.target * _von_mises(grid, fit.kappa) + spread, color=INK, linewidth=1.2)
    axes.set(xlabel="error (rad)", ylabel="density")
    title = f"kappa {fit.kappa:.3g}, swap {fit.swap:.2f}, guess {fit.guess:.2f}"
    axes.set_title(title, fontsize=9, loc="left")
    return axes
