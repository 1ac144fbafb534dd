"""Are parameters found again in choices that they made?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import qmc, rankdata

from ..errors import AgentError
from .choices import Choices
from .estimation import fit
from .likelihood import check_data, row_likelihoods
from .model import Model
from .result import Fit
from .search import minimise
from .simulation import VOLATILE, reversals, simulate, volatile_odds

Array = np.ndarray
#: Name -> (low, high) in natural units.
Ranges = Mapping[str, tuple[float, float]]

TASKS = ("reversal", "volatile")


@dataclass(frozen=True, eq=False)
class Recovery:
    """What parameters were, and what was found.

    Attributes:
        true: (S, P) the parameters that made the choices, in natural units.
        fit: what was found, its arrays in the same order.
        data: the choices.
    """

    true: Array
    fit: Fit
    data: Choices

    @property
    def correlations(self) -> Array:
        """(P,) Pearson correlations of true and found values on the line."""
        model = self.fit.model
        pairs = zip(model.to_line(self.true).T, self.fit.points.T, strict=True)
        return np.array([_correlation(a, b) for a, b in pairs])

    @property
    def natural_correlations(self) -> Array:
        """(P,) Pearson correlations of true and found values in natural units."""
        pairs = zip(self.true.T, self.fit.parameters.T, strict=True)
        return np.array([_correlation(a, b) for a, b in pairs])

    @property
    def rank_correlations(self) -> Array:
        """(P,) Spearman correlations of true and found values."""
        pairs = zip(self.true.T, self.fit.parameters.T, strict=True)
        return np.array([_correlation(rankdata(a), rankdata(b)) for a, b in pairs])

    @property
    def biases(self) -> Array:
        """(P,) mean of found less true values on the line."""
        return (self.fit.points - self.fit.model.to_line(self.true)).mean(0)

    @property
    def coverage(self) -> Array:
        """(P,) share of true values within 1.96 standard errors of the found ones, on the line."""
        sd = np.sqrt(np.diagonal(self.fit.covariance, axis1=1, axis2=2))
        error = np.abs(self.fit.points - self.fit.model.to_line(self.true))
        return (error <= 1.96 * sd).mean(0)


def _correlation(a: Array, b: Array) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def schedule(task: str | npt.ArrayLike, trials: int, subjects: int, seed: int = 0) -> Array:
    """Outcomes (T, S, K) of a task by name, or those that are given.

    Args:
        task: "reversal" (odds .8 and .2 that change roles with hazard 1/40), "volatile" (exactly
            one arm pays; a stable, then a volatile half), or outcomes (T, K) or (T, S, K).
        trials: of a schedule by name; the blocks of "volatile" are stretched to it.

    Raises:
        AgentError: an unknown name.
    """
    if not isinstance(task, str):
        return np.asarray(task, dtype=np.float64)
    if task == "reversal":
        return reversals(trials, subjects, seed=seed)
    if task == "volatile":
        ends = np.cumsum([length for length, _ in VOLATILE])
        stretched = np.diff(np.round(ends * trials / ends[-1]).astype(int), prepend=0)
        odds = [p for _, p in VOLATILE]
        blocks = [(int(n), p) for n, p in zip(stretched, odds, strict=True) if n > 0]
        return volatile_odds(subjects, blocks=blocks, seed=seed)
    raise AgentError(
        f"Unknown task {task!r}: choose one of {', '.join(TASKS)}, or pass outcomes (T, S, K)."
    )


def draw_parameters(
    model: Model, subjects: int, *, ranges: Ranges | None = None, seed: int = 0
) -> Array:
    """Parameters (S, P) in natural units, spread evenly over ranges on the line.

    They are a Latin hypercube: each parameter's values are spread evenly, in an order of its own.

    Args:
        ranges: ends of a parameter's values; of those not named, one standard deviation of the
            prior to either side of its centre.

    Raises:
        AgentError: a range of a parameter that is not free, or one that is empty.
    """
    ranges = dict(ranges or {})
    for name in ranges:
        if name not in model.free:
            raise AgentError(
                f"{model.name} has no free parameter {name!r} to draw: it has "
                f"{', '.join(model.free)}."
            )
    low, high = model.centre - model.spread, model.centre + model.spread
    for i, name in enumerate(model.free):
        if name in ranges:
            low[i], high[i] = model.scales[i].to_line(np.asarray(ranges[name], np.float64))
            if not (np.isfinite(low[i]) and np.isfinite(high[i]) and low[i] < high[i]):
                raise AgentError(
                    f"The range {ranges[name]} of {name} is empty or reaches the bounds: give two "
                    "values within them, the lower first."
                )
    even = qmc.LatinHypercube(len(low), rng=seed).random(subjects)
    return model.from_line(low + even * (high - low))


def recover(
    model: Model,
    *,
    subjects: int = 100,
    trials: int = 300,
    task: str | npt.ArrayLike = "reversal",
    ranges: Ranges | None = None,
    method: str = "map",
    starts: int = 8,
    seed: int = 0,
) -> Recovery:
    """Draw parameters, simulate choices, fit them.

    Args:
        task: as for :func:`schedule`.
        ranges: as for :func:`draw_parameters`.
        method, starts: as for :func:`~caudate.agents.fitting.fit`.
    """
    if subjects < 3:
        raise AgentError(f"subjects={subjects} are too few for a correlation: take at least 3.")
    true = draw_parameters(model, subjects, ranges=ranges, seed=seed)
    data = simulate(model, true, schedule(task, trials, subjects, seed), seed=seed)
    return Recovery(true, fit(data, model=model, method=method, starts=starts, seed=seed), data)


def profile(
    model: Model,
    data: Choices,
    grid: Mapping[str, npt.ArrayLike],
    *,
    subject: int = 0,
    start: npt.ArrayLike | None = None,
) -> Array:
    """Log likelihood of one subject over a grid of some parameters, the others as good as can be.

    Args:
        grid: name -> values in natural units, of the parameters to hold.
        start: (P,) where searches of the others begin, natural units; None for the prior's centre.

    Returns:
        An axis for each name of the grid, in its order.

    Raises:
        AgentError: names that are no free parameters.
    """
    check_data(model, data)
    for name in grid:
        if name not in model.free:
            raise AgentError(
                f"{name!r} is no free parameter of {model.name}: it has {', '.join(model.free)}."
            )
    held = [model.free.index(name) for name in grid]
    rest = [i for i in range(len(model.free)) if i not in held]
    axes = [np.asarray(values, np.float64) for values in grid.values()]
    shape = tuple(len(one) for one in axes)
    nodes = np.stack([one.ravel() for one in np.meshgrid(*axes, indexing="ij")], axis=1)
    centre = model.from_line(model.centre)
    first = model.to_line(centre if start is None else np.asarray(start, np.float64))
    lines = np.tile(first, (len(nodes), 1))
    full = np.tile(centre, (len(nodes), 1))
    full[:, held] = nodes
    lines[:, held] = model.to_line(full)[:, held]

    def objective(points: Array, rows: Array) -> Array:
        complete = lines[rows]
        complete[:, rest] = points
        whose = np.full(len(rows), subject)
        return -row_likelihoods(model, model.from_line(complete), whose, data)

    if not rest:
        return -objective(np.zeros((len(nodes), 0)), np.arange(len(nodes))).reshape(shape)
    found = minimise(objective, lines[:, rest], model.low[rest], model.high[rest])
    return -found.value.reshape(shape)
