"""Fitting: the parameters under which a subject's choices are most likely, or most probable."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.stats import norm, qmc

from ..errors import AgentError
from .choices import Choices
from .likelihood import Told, check_data, row_likelihoods
from .model import Model
from .result import Fit
from .search import Minima, Objective, hessians, minimise

Array = np.ndarray

METHODS = ("map", "ml")
#: Searches that end this near to the best, in log units, agree with it.
_AGREEMENT = 0.01
#: So many standard deviations from the prior's centre a parameter counts as being at the edge.
_EDGE = 4.0
#: How often a start that is no good is replaced.
_DRAWS = 50
#: Curvature below this, in units of the prior's, is not told apart from none.
_FLAT = 1e-3


def fit(
    choices: Choices | npt.ArrayLike,
    rewards: npt.ArrayLike | None = None,
    *,
    model: Model,
    method: str = "map",
    starts: int = 8,
    seed: int = 0,
    arms: int | None = None,
    polish: bool = False,
) -> Fit:
    """Fit a model to each subject.

    Args:
        choices: :class:`Choices`, or arms chosen as (T,), (S, T) or (S, B, T) with -1 for missed
            trials.
        rewards: of the same shape; None with :class:`Choices`.
        method: "map", the most probable parameters under the model's prior on the line, or "ml",
            the most likely ones.
        starts: searches of each subject, from points that fill the prior evenly.
        seed: of the starting points.
        arms: how many there were; None for as many as were chosen.
        polish: search on from the best points with scipy's BFGS, one subject after another.

    Raises:
        AgentError: data or options that make no sense.
    """
    data = _data(choices, rewards, arms)
    if method not in METHODS:
        raise AgentError(f"method={method!r} is unknown: choose one of {', '.join(METHODS)}.")
    if starts < 1:
        raise AgentError(f"starts={starts} must be at least 1.")
    check_data(model, data)
    objective = _objective(model, data, prior=method == "map")
    n = len(data.subjects)
    whose = np.repeat(np.arange(n), starts)
    first = np.tile(_starts(model, starts, seed), (n, 1))
    first = _possible(model, objective, first, whose, seed)
    found = minimise(
        lambda points, rows: objective(points, whose[rows]), first, model.low, model.high
    )
    return _finish(model, data, method, objective, found, starts, polish)


def _data(choices, rewards, arms: int | None) -> Choices:
    if isinstance(choices, Choices):
        if rewards is not None or arms is not None:
            raise AgentError("Choices hold their rewards and arms: pass them alone.")
        return choices
    if rewards is None:
        raise AgentError("fit needs rewards beside the choices, of the same shape.")
    return Choices.of(choices, rewards, arms=arms)


def _objective(model: Model, data: Choices, *, prior: bool) -> Objective:
    """Negative log likelihood (plus log prior) at points on the line; rows are subjects."""

    told = Told.of(model, data)

    def objective(points: Array, subjects: Array) -> Array:
        value = row_likelihoods(model, model.from_line(points), subjects, data, told)
        return -(value + model.log_prior(points)) if prior else -value

    return objective


def _starts(model: Model, count: int, seed: int) -> Array:
    """The prior's centre, then a Latin hypercube of the prior, (count, P)."""
    points = qmc.LatinHypercube(len(model.free), rng=seed).random(max(count - 1, 1))
    spaced = model.centre + model.spread * norm.ppf(points)
    return np.concatenate([model.centre[None], spaced])[:count]


def _possible(model: Model, objective: Objective, points: Array, whose: Array, seed: int) -> Array:
    """Starts under which beliefs break down are drawn anew from the prior."""
    rng = np.random.default_rng(seed)
    lost = np.arange(len(points))
    for _ in range(_DRAWS):
        lost = lost[~np.isfinite(objective(points[lost], whose[lost]))]
        if not lost.size:
            break
        points[lost] = model.centre + model.spread * rng.standard_normal(points[lost].shape)
    return points


def _finish(
    model: Model,
    data: Choices,
    method: str,
    objective: Objective,
    found: Minima,
    starts: int,
    polish: bool,
) -> Fit:
    """The best of the searches of each subject, and what follows from it."""
    n = len(data.subjects)
    everyone = np.arange(n)
    values = found.value.reshape(n, starts)
    best = values.argmin(1)
    value = values[everyone, best]
    points = found.x.reshape(n, starts, -1)[everyone, best]
    converged = found.converged.reshape(n, starts)[everyone, best]
    if polish:
        points, value = _polish(model, objective, points, value)
    curvature = hessians(objective, points, model.low, model.high)
    parameters = model.from_line(points)
    log_prior = model.log_prior(points)
    covariance, log_volume = _laplace(model, curvature)
    return Fit(
        model=model,
        method=method,
        subjects=data.subjects,
        trials=data.n_trials,
        points=points,
        parameters=parameters,
        covariance=covariance,
        log_likelihood=-value - log_prior if method == "map" else -value,
        log_prior=log_prior,
        log_evidence=-value + log_volume if method == "map" else None,
        converged=converged,
        agreeing=(values <= value[:, None] + _AGREEMENT).sum(1),
        starts=starts,
        at_edge=np.abs(points - model.centre) > _EDGE * model.spread,
    )


def _laplace(model: Model, curvature: Array) -> tuple[Array, Array]:
    """Covariance (S, P, P) on the line, and the log volume (S,) of Laplace's approximation.

    In units of the prior's spread, curvature below :data:`_FLAT` is none: its direction has no
    standard error, and the prior's volume.
    """
    spread = model.spread
    known = np.where(np.isfinite(curvature).all((1, 2), keepdims=True), curvature, 0.0)
    values, vectors = np.linalg.eigh(known * spread[:, None] * spread)
    flat = values < _FLAT
    steep = np.where(flat, 1.0, values)
    volume = 0.5 * (np.log(2 * np.pi) - np.log(steep)).sum(1) + np.log(spread).sum()
    covariance = (vectors / steep[:, None]) @ vectors.transpose(0, 2, 1)
    covariance[flat.any(1)] = np.nan
    return covariance * spread[:, None] * spread, volume


def _polish(model: Model, objective: Objective, points: Array, value: Array) -> tuple[Array, Array]:
    """Search on with scipy, one subject at a time; what is no better is left as it was."""
    points, value = points.copy(), value.copy()
    box = list(zip(model.low, model.high, strict=True))
    for i in range(len(points)):
        done = minimize(
            lambda x, i=i: float(objective(x[None], np.array([i]))[0]),
            points[i],
            method="L-BFGS-B",
            bounds=box,
        )
        if done.fun < value[i]:
            points[i], value[i] = done.x, done.fun
    return points, value
