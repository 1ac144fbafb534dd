"""What a fit found."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import AgentError
from .model import Model

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Fit:
    """The best parameters of S subjects, and how good they are.

    Where the model's beliefs break down wherever a search begins, a subject's log likelihood is
    minus infinity, and its parameters mean nothing.

    Attributes:
        model: what was fitted; ``model.free`` names the P parameters.
        method: "map" or "ml".
        subjects: their names.
        trials: (S,) choices.
        points: (S, P) the parameters on the line.
        parameters: (S, P) in natural units.
        covariance: (S, P, P) of the points, from the curvature at the optimum; NaN where the
            optimum is flat in some direction.
        log_likelihood, log_prior: (S,) at the optimum; the prior is one of points on the line.
        log_evidence: (S,) log probability of the choices under the model, by Laplace's
            approximation at the optimum; None with "ml".
        converged: (S,) whether the best search ended where the slope vanishes.
        agreeing: (S,) how many of the ``starts`` searches ended at the best value.
        at_edge: (S, P) parameters that ended more than four of the prior's standard deviations from
            its centre, where as a rule the choices say no more than "large" or "small".
    """

    model: Model
    method: str
    subjects: tuple[str, ...]
    trials: Array
    points: Array
    parameters: Array
    covariance: Array
    log_likelihood: Array
    log_prior: Array
    log_evidence: Array | None
    converged: Array
    agreeing: Array
    starts: int
    at_edge: Array

    def __getitem__(self, name: str) -> Array:
        """Values (S,) of a free parameter."""
        if name not in self.model.free:
            raise AgentError(
                f"{name!r} is no free parameter of the fit: it has {', '.join(self.model.free)}."
            )
        return self.parameters[:, self.model.free.index(name)]

    @property
    def standard_errors(self) -> Array:
        """(S, P) in natural units, by the delta method."""
        variance = np.diagonal(self.covariance, axis1=1, axis2=2)
        return np.sqrt(variance) * np.abs(self.model.steepness(self.points))

    @property
    def error_correlation(self) -> Array:
        """(S, P, P) correlations of the errors on the line."""
        sd = np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))
        return self.covariance / (sd[:, :, None] * sd[:, None, :])

    @property
    def aic(self) -> Array:
        """(S,) Akaike's criterion: less is better."""
        return 2 * len(self.model.free) - 2 * self.log_likelihood

    @property
    def bic(self) -> Array:
        """(S,) Schwarz's criterion: less is better."""
        return len(self.model.free) * np.log(self.trials) - 2 * self.log_likelihood

    @property
    def likelihood_per_trial(self) -> Array:
        """(S,) geometric mean of the probabilities of the choices."""
        return np.exp(self.log_likelihood / self.trials)

    def rows(self) -> list[dict[str, Any]]:
        """One record a subject, of JSON values; NaN becomes None."""
        errors = self.standard_errors
        numbers: dict[str, Array] = {}
        for i, name in enumerate(self.model.free):
            numbers |= {name: self.parameters[:, i], f"{name}_se": errors[:, i]}
        numbers |= {
            "log_likelihood": self.log_likelihood,
            "likelihood_per_trial": self.likelihood_per_trial,
            "log_prior": self.log_prior,
            "bic": self.bic,
            "aic": self.aic,
        }
        if self.log_evidence is not None:
            numbers["log_evidence"] = self.log_evidence
        return [
            {"subject": subject, "trials": int(self.trials[i])}
            | {name: _number(values[i]) for name, values in numbers.items()}
            | {
                "converged": bool(self.converged[i]),
                "agreeing_starts": int(self.agreeing[i]),
                "at_edge": [n for n, e in zip(self.model.free, self.at_edge[i], strict=True) if e],
            }
            for i, subject in enumerate(self.subjects)
        ]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        model = self.model.describe()
        return {
            "model": model,
            "method": self.method,
            "starts": self.starts,
            "subjects": self.rows(),
        }

    def write_json(self, path: str | Path) -> None:
        """Write :meth:`to_dict`.

        Raises:
            AgentError: a file that cannot be written.
        """
        _write(path, json.dumps(self.to_dict(), indent=1) + "\n")

    def write_csv(self, path: str | Path) -> None:
        """Write one line a subject; empty cells where there is no number.

        Raises:
            AgentError: a file that cannot be written.
        """
        _write(path, csv_text(self.rows()))


def csv_text(rows: list[dict[str, Any]]) -> str:
    """Records as comma-separated text: lists joined by spaces, None as empty cells."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: " ".join(v) if isinstance(v, list) else v for k, v in row.items()})
    return buffer.getvalue()


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _write(path: str | Path, text: str) -> None:
    try:
        Path(path).write_text(text, "utf-8", newline="")
    except OSError as error:
        raise AgentError(f"Cannot write {path}: {error.strerror}.") from error
