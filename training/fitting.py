"""Fits of trial-level models to a file of choices, as tables and files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..agents.bandits.choice import CHOICES
from ..agents.filters import FILTERS
from ..agents.filters.base import scales
from ..agents.fitting import (
    Choices,
    Fit,
    Model,
    Selection,
    choice_probabilities,
    fit,
    read_choices,
    select_models,
)
from ..agents.fitting.result import csv_text
from .assignments import named_numbers
from .bench_table import Columns
from .errors import UsageError, nearest
from .runs import check_writable, write_json, write_text

Say = Callable[[str], None]


def fit_file(
    file: Path,
    models: Sequence[str],
    *,
    choice: str = "softmax",
    method: str = "map",
    free: Sequence[str] = (),
    fix: Iterable[str] = (),
    counterfactual: str = "none",
    arms: int | None = None,
    starts: int = 8,
    seed: int = 0,
    polish: bool = False,
    out: Path | None = None,
    trials: Path | None = None,
    json_file: Path | None = None,
    say: Say = print,
) -> list[Fit]:
    """Fit models to a file of choices, print what was found, and write it.

    Args:
        file: see :func:`caudate.agents.fitting.read_choices`.
        models: names of filters; two or more are compared.
        choice: name of the choice rule.
        free, fix: parameters to fit beside the usual ones, and NAME=VALUE of those not to fit;
            MODEL.NAME where it is meant for one of several models alone.
        out: CSV file, one line a subject and model.
        trials: CSV file, one line a trial, with the probability of every arm; for one model.
        json_file: all of it.

    Raises:
        UsageError: options that make no sense; errors of the file and of models are AgentError.
    """
    if len(set(models)) < len(models):
        raise UsageError(f"--models {','.join(models)} names a model twice: name each once.")
    if trials is not None and len(models) > 1:
        raise UsageError("--trials is for one model: give --model instead of --models.")
    made = make_models(models, choice, free=free, fix=fix, counterfactual=counterfactual)
    check_writable(out, trials, json_file)
    data = read_choices(file, arms=arms)
    fits = []
    for model in made:
        found = fit(data, model=model, method=method, starts=starts, seed=seed, polish=polish)
        say(fit_text(found) + "\n")
        fits.append(found)
    selection = select_models(evidence_of(fits)) if len(fits) > 1 else None
    if selection is not None:
        say(comparison_text(fits, selection))
    if out is not None:
        rows = [{"model": one.model.name} | row for one in fits for row in one.rows()]
        write_text(out, csv_text(_alike(rows)))
    if trials is not None:
        write_text(trials, csv_text(trial_rows(fits[0], data)))
    if json_file is not None:
        write_json(json_file, _content(file, fits, selection))
    return fits


def make_models(
    names: Sequence[str],
    choice: str = "softmax",
    *,
    free: Sequence[str] = (),
    fix: Iterable[str] = (),
    counterfactual: str = "none",
) -> list[Model]:
    """Models by name, with the same parameters freed and fixed in all that have them.

    Raises:
        UsageError: a parameter that none of the models has.
    """
    given = named_numbers("--fix", fix)
    made, used = [], set()
    for name in names:
        usual = Model.named(name, choice, counterfactual=counterfactual)
        known = scales(FILTERS[name]) | scales(CHOICES[choice])
        mine = {key: _own(key, name) for key in (*free, *given) if _own(key, name) in known}
        used |= mine.keys()
        values = {mine[key]: value for key, value in given.items() if key in mine}
        wanted = {*usual.free, *(mine[key] for key in free if key in mine)} - values.keys()
        made.append(
            Model.named(name, choice, free=wanted, values=values, counterfactual=counterfactual)
        )
    for key in (*free, *given):
        if key not in used:
            names_known = [
                n for name in names for n in scales(FILTERS[name]) | scales(CHOICES[choice])
            ]
            raise UsageError(
                f"{', '.join(names)}: no parameter {key!r}; {nearest(key, names_known)}"
            )
    return made


def _own(key: str, model: str) -> str:
    """``model.name`` as ``name``; other models' stay as they are, and fit no parameter."""
    return key.removeprefix(f"{model}.")


def evidence_of(fits: Sequence[Fit]) -> np.ndarray:
    """Log evidence (S, M): Laplace's, or -BIC / 2 where there is no prior.

    Raises:
        UsageError: a model whose beliefs break down for a subject.
    """
    for one in fits:
        lost = ~np.isfinite(one.log_likelihood)
        if lost.any():
            raise UsageError(
                f"{one.model.name} has no belief under any parameters that were tried for subject "
                f"{_few(np.array(one.subjects)[lost])}: fix fewer of its parameters, or leave the "
                "model out."
            )
    return np.stack(
        [-one.bic / 2 if one.log_evidence is None else one.log_evidence for one in fits], axis=1
    )


def trial_rows(found: Fit, data: Choices) -> list[dict[str, Any]]:
    """Every trial with the probability that the fitted model gave to each arm."""
    p = choice_probabilities(found.model, found.parameters, data)
    rows = []
    for column, (subject, block) in enumerate(zip(data.subject, data.blocks, strict=True)):
        made = data.choices[:, column] >= 0
        for trial in range(int(made.nonzero()[0].max(initial=-1)) + 1):
            chosen = int(data.choices[trial, column])
            row = {"subject": data.subjects[subject], "block": block, "trial": trial + 1}
            row["choice"] = chosen if made[trial] else ""
            row["reward"] = float(data.rewards[trial, column]) if made[trial] else ""
            row["p_choice"] = float(p[trial, column, chosen]) if made[trial] else ""
            rows.append(row | {f"p_{k}": float(p[trial, column, k]) for k in range(data.arms)})
    return rows


def _alike(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records that all have the columns of all."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name) for name in names} for row in rows]


# -- text ------------------------------------------------------------------------------------


def fit_text(found: Fit) -> str:
    """A line a subject, the medians, and what to be wary of."""
    model = found.model
    rows = found.rows()
    table: Columns[dict[str, Any]] = Columns(
        (
            ("subject", max(10, *(len(name) + 2 for name in found.subjects)), _text("subject")),
            ("choices", 9, _text("trials")),
            *(
                column
                for name in model.free
                for column in (
                    (name, max(len(name) + 2, 9), _number(name)),
                    ("± se", 8, _number(f"{name}_se")),
                )
            ),
            ("log-lik.", 10, _number("log_likelihood", ".2f")),
            ("p/choice", 10, _number("likelihood_per_trial", ".3f")),
            ("starts", 8, lambda row: f"{row['agreeing_starts']}/{found.starts}"),
        )
    )
    head = (
        f"{model.name}, {model.rule.name}: {found.method}, {len(rows)} subjects, "
        f"{found.trials.sum():,} choices"
    )
    medians = ", ".join(
        f"{name} {value:.3g}"
        for name, value in zip(model.free, np.median(found.parameters, axis=0), strict=True)
    )
    lines = [head, table.heading, *(table.line(row) for row in rows), f"median: {medians}"]
    return "\n".join([*lines, *_warnings(found)])


def _warnings(found: Fit) -> list[str]:
    subjects = np.array(found.subjects)
    told = []
    for chosen, text in (
        (~found.converged, "searches did not converge"),
        (found.agreeing == 1, "only one start found the best value (try more --starts)"),
        (found.at_edge.any(1), "parameters at the edge"),
        (np.isnan(found.covariance).any((1, 2)), "no standard errors, the optimum is flat"),
    ):
        if chosen.any() and not (found.starts == 1 and "start found" in text):
            told.append(f"{text}: {_few(subjects[chosen])}")
    return told


def _few(names: np.ndarray, most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def comparison_text(fits: Sequence[Fit], selection: Selection) -> str:
    """Models side by side, and random-effects model selection."""
    rows = comparison_rows(fits, selection)
    table: Columns[dict[str, Any]] = Columns(
        (
            ("model", max(8, *(len(one.model.name) + 2 for one in fits)), _text("model")),
            ("free", 6, _text("parameters")),
            ("log-lik.", 11, lambda row: f"{row['log_likelihood']:.1f}"),
            ("AIC", 10, lambda row: f"{row['aic']:.1f}"),
            ("BIC", 10, lambda row: f"{row['bic']:.1f}"),
            ("log evidence", 14, lambda row: f"{row['log_evidence']:.1f}"),
            ("best for", 10, _text("best_for")),
            ("frequency", 11, lambda row: f"{row['frequency']:.3f}"),
            ("exceedance", 12, lambda row: f"{row['exceedance']:.3f}"),
            ("protected", 11, lambda row: f"{row['protected_exceedance']:.3f}"),
        )
    )
    lines = ["sums over subjects, and random-effects selection on the log evidence", table.heading]
    risk = f"probability that all models are equally frequent: {selection.omnibus_risk:.3f}"
    return "\n".join([*lines, *(table.line(row) for row in rows), risk])


def comparison_rows(fits: Sequence[Fit], selection: Selection) -> list[dict[str, Any]]:
    """One record a model, of JSON values."""
    evidence = evidence_of(fits)
    best = np.bincount(evidence.argmax(1), minlength=len(fits))
    return [
        {
            "model": one.model.name,
            "parameters": len(one.model.free),
            "log_likelihood": float(one.log_likelihood.sum()),
            "aic": float(one.aic.sum()),
            "bic": float(one.bic.sum()),
            "log_evidence": float(evidence[:, i].sum()),
            "best_for": int(best[i]),
            "frequency": float(selection.frequencies[i]),
            "exceedance": float(selection.exceedance[i]),
            "protected_exceedance": float(selection.protected[i]),
        }
        for i, one in enumerate(fits)
    ]


def _content(file: Path, fits: Sequence[Fit], selection: Selection | None) -> dict[str, Any]:
    content: dict[str, Any] = {"file": str(file), "fits": [one.to_dict() for one in fits]}
    if selection is not None:
        content["comparison"] = comparison_rows(fits, selection)
        content["omnibus_risk"] = selection.omnibus_risk
    return content


def _text(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda row: str(row[name])


def _number(name: str, form: str = ".3g") -> Callable[[dict[str, Any]], str]:
    return lambda row: "-" if row[name] is None else f"{row[name]:{form}}"
