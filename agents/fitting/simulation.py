"""Made-up subjects on made-up bandits: schedules of outcomes, and learners that choose.

>>> from caudate.agents.fitting import Model, reversals, simulate
>>> model = Model.named("rescorla-wagner", "softmax")
>>> data = simulate(model, [[0.3, 5.0], [0.6, 5.0]], reversals(trials=100, subjects=2), seed=1)
>>> data.choices.shape
(100, 2)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..bandits.choice import draw
from ..errors import AgentError
from .choices import Choices
from .likelihood import Trial, check_data, play, what_is_seen
from .model import Model

Array = np.ndarray


def reversals(
    trials: int = 300,
    subjects: int = 1,
    *,
    p: float = 0.8,
    hazard: float = 1 / 40,
    seed: int = 0,
) -> Array:
    """Two arms that pay with probabilities p and 1 - p and change roles without notice.

    Args:
        hazard: probability of a change after a trial.

    Returns:
        Outcomes (T, S, 2), 0 or 1, of both arms, drawn independently.
    """
    _check_schedule(trials, subjects, p, hazard)
    rng = np.random.default_rng(seed)
    changes = rng.random((trials, subjects)) < hazard
    better = (rng.integers(2, size=subjects) + np.cumsum(changes, axis=0) - changes) % 2
    odds = np.where(better[:, :, None] == np.arange(2), p, 1 - p)
    return (rng.random(odds.shape) < odds).astype(np.float64)


#: Blocks of :func:`volatile_odds`: trials, and the probability that arm 0 pays.
VOLATILE = ((120, 0.75), (40, 0.2), (40, 0.8), (30, 0.2), (30, 0.8), (40, 0.2))


def volatile_odds(
    subjects: int = 1, *, blocks: Sequence[tuple[int, float]] = VOLATILE, seed: int = 0
) -> Array:
    """Two arms of which exactly one pays on every trial, with odds that change between blocks.

    Args:
        blocks: trials of each, and the probability that arm 0 pays. By default a stable half and
            a volatile half, after Behrens et al. (2007), doi:10.1038/nn1954.

    Returns:
        Outcomes (T, S, 2), 0 or 1.
    """
    lengths, odds = zip(*blocks, strict=True)
    for p in odds:
        _check_schedule(min(lengths), subjects, p, 0.0)
    rng = np.random.default_rng(seed)
    first = rng.random((sum(lengths), subjects)) < np.repeat(odds, lengths)[:, None]
    return np.stack([first, ~first], axis=2).astype(np.float64)


def simulate(
    model: Model,
    parameters: npt.ArrayLike,
    outcomes: npt.ArrayLike,
    *,
    seed: int = 0,
    subjects: Sequence[str] | None = None,
) -> Choices:
    """Choices of the model, one subject a row of parameters.

    Args:
        parameters: (S, P), natural units, in the order of ``model.free``.
        outcomes: (T, S, K), or (T, K) for one schedule for all: what each arm would bring.
        seed: of the choices.
        subjects: their names; None for numbers.

    Raises:
        AgentError: shapes that do not fit, or outcomes that the model cannot learn from.
    """
    rows, given = np.asarray(parameters, np.float64), np.asarray(outcomes, np.float64)
    series = given[:, None] if given.ndim == 2 else given
    if rows.ndim != 2 or rows.shape[1] != len(model.free):
        raise AgentError(
            f"Parameters of shape {rows.shape} do not fit {model.name}: pass (subjects, "
            f"{len(model.free)}), in the order {', '.join(model.free)}."
        )
    if series.ndim != 3 or series.shape[1] not in (1, len(rows)) or series.shape[2] < 2:
        raise AgentError(
            f"Outcomes of shape {given.shape} do not fit {len(rows)} subjects: pass (T, K) or "
            f"(T, {len(rows)}, K) with at least two arms."
        )
    trials, _, arms = series.shape
    series = np.broadcast_to(series, (trials, len(rows), arms))
    everyone = np.arange(len(rows))
    rng = np.random.default_rng(seed)
    chosen, earned = np.zeros((trials, len(rows)), np.int64), np.zeros((trials, len(rows)))

    def happen(t: int, probabilities: Array) -> Trial:
        lost = ~np.isfinite(probabilities).all(1)
        if lost.any():
            values = zip(model.free, rows[lost][0], strict=True)
            raise AgentError(
                f"{model.name} has no belief on trial {t + 1} with "
                f"{', '.join(f'{name}={value:.4g}' for name, value in values)}: simulate with "
                "parameters that its equations allow."
            )
        chosen[t] = draw(probabilities, rng)
        earned[t] = series[t, everyone, chosen[t]]
        return what_is_seen(model, chosen[t], earned[t], arms)

    empty = Choices.of(np.zeros((1, trials)), series[:, 0, 0][None], arms=arms)
    check_data(model, empty)
    play(model, rows, arms, trials, happen)
    data = Choices.of(chosen.T, earned.T, arms=arms)
    if subjects is None:
        return data
    return replace(data, subjects=tuple(subjects))


def _check_schedule(trials: int, subjects: int, p: float, hazard: float) -> None:
    if trials < 1 or subjects < 1:
        raise AgentError(
            f"A schedule of {trials} trials for {subjects} subjects is empty: both must be at "
            "least 1."
        )
    if not (0 <= p <= 1 and 0 <= hazard <= 1):
        raise AgentError(f"p={p} and hazard={hazard} are probabilities: both lie from 0 to 1.")
