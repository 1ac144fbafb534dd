"""Is the model that made choices told from others?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import AgentError
from .estimation import fit
from .model import Model
from .recovery import Ranges, draw_parameters, schedule
from .selection import select_models
from .simulation import simulate

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Confusion:
    """Which model wins where another (or itself) made the choices.

    Attributes:
        models: M names.
        by_bic: (M, M) share of the subjects made by the row's model that the column's model fits
            best by BIC.
        by_evidence: (M, M) the same by Laplace's log evidence.
        frequencies: (M, M) expected frequencies by random-effects selection on the log evidence.
    """

    models: tuple[str, ...]
    by_bic: Array
    by_evidence: Array
    frequencies: Array


def confusion(
    models: Sequence[Model],
    *,
    subjects: int = 50,
    trials: int = 300,
    task: str | npt.ArrayLike = "reversal",
    ranges: Mapping[str, Ranges] | None = None,
    starts: int = 4,
    seed: int = 0,
) -> Confusion:
    """Simulate subjects of each model, fit all models to all of them, and see which wins.

    Args:
        models: with different names.
        ranges: name of a model -> ranges as for :func:`draw_parameters`.
    """
    names = tuple(model.name for model in models)
    if len(models) < 2 or len(set(names)) < len(names):
        raise AgentError(
            f"Models {', '.join(names)} cannot be told apart: pass two or more, with names that "
            "differ."
        )
    tables = []
    for i, model in enumerate(models):
        true = draw_parameters(model, subjects, ranges=(ranges or {}).get(model.name), seed=seed)
        outcomes = schedule(task, trials, subjects, seed + i)
        data = simulate(model, true, outcomes, seed=seed + i)
        fits = [fit(data, model=one, starts=starts, seed=seed) for one in models]
        bic = np.stack([one.bic for one in fits], axis=1)
        evidence = np.stack([np.asarray(one.log_evidence) for one in fits], axis=1)
        tables.append((_wins(-bic), _wins(evidence), select_models(evidence).frequencies))
    by_bic, by_evidence, frequencies = (np.array(one) for one in zip(*tables, strict=True))
    return Confusion(names, by_bic, by_evidence, frequencies)


def _wins(score: Array) -> Array:
    return np.bincount(score.argmax(1), minlength=score.shape[1]) / len(score)
