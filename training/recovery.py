"""How far fits of trial-level models can be trusted: parameters and models found again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..agents.fitting import Confusion, Fit, Model, Recovery, confusion, profile, recover
from .bench_table import Columns
from .docs_page import replace_section
from .errors import UsageError, nearest
from .recovery_figure import draw_confusions, draw_recoveries, draw_ridge
from .runs import check_writable, write_json

Say = Callable[[str], None]

#: Name of a design -> its task and what is known of the arm that was not chosen.
DESIGNS = {"reversal": "none", "volatile": "mirror"}
DESIGN_TEXTS = {
    "reversal": "two arms that pay with .8 and .2 and change roles with hazard 1/40; the chosen "
    "arm's outcome is seen",
    "volatile": "exactly one of two arms pays, with stable, then volatile odds; both outcomes are "
    "known",
}
#: Softmax of every model.
TEMPERATURE = (2.0, 12.0)
#: A log likelihood this much below the highest is in the 95 % region of one parameter.
_REGION = 1.92


@dataclass(frozen=True)
class Study:
    """A model, and the parameters that simulated subjects have.

    Attributes:
        ranges: ends of the parameters' values; on the line they are spread evenly.
        values: parameters that are not fitted, where they are not the default.
    """

    ranges: Mapping[str, tuple[float, float]]
    values: Mapping[str, float] = field(default_factory=dict)


STUDIES = {
    "rescorla-wagner": Study({"learning_rate": (0.1, 0.8)}),
    "pearce-hall": Study({"salience": (0.2, 1.0), "associability_rate": (0.1, 0.7)}),
    # Only the ratios of the variances matter: in units of the noise, the start is as uncertain.
    "kalman": Study({"volatility": (0.02, 3.0)}, {"start": 0.5, "start_variance": 1.0}),
    "binary-vkf": Study(
        {"volatility_rate": (0.05, 0.4), "volatility": (0.1, 2.0), "noise": (0.2, 5.0)}
    ),
    # Above, volatility of arms that are not seen runs away.
    "hgf": Study({"tonic_volatility": (-6.0, -3.0), "meta_volatility": (-6.0, -3.0)}),
}


@dataclass(frozen=True, eq=False)
class Ridge:
    """The likelihood of one subject of the binary VKF over lambda and v0.

    Attributes:
        rates, volatilities: the grid.
        log_likelihood: (len(rates), len(volatilities)) below the highest, noise and temperature as
            good as can be.
        true: the subject's own values.
        within: share of the grid that is less than 1.92 below.
        error_correlation: mean over subjects of the correlation of the two parameters' errors.
    """

    rates: np.ndarray
    volatilities: np.ndarray
    log_likelihood: np.ndarray
    true: tuple[float, float]
    within: float
    error_correlation: float


@dataclass(frozen=True, eq=False)
class Findings:
    """Of one run of :func:`recover_models`, by design."""

    recoveries: dict[str, dict[str, Recovery]]
    confusions: dict[str, Confusion]
    ridges: dict[str, Ridge]


def recover_models(
    *,
    subjects: int = 100,
    trials: int = 300,
    starts: int = 4,
    seed: int = 0,
    only: Sequence[str] = (),
    json_file: Path | None = None,
    docs: Path | None = None,
    say: Say = print,
) -> Findings:
    """Simulate and fit subjects of each model, in both designs, and compare models on them.

    Args:
        subjects, trials: simulated of each model; half as many subjects for comparing models.
        starts: searches of each subject.
        only: names of models, instead of all.
        docs: folder of the documentation's data; the page beside it gets a section.

    Raises:
        UsageError: unknown models, or files that cannot be written.
    """
    for name in only:
        if name not in STUDIES:
            raise UsageError(f"Unknown model {name!r}: {nearest(name, STUDIES)}")
    if subjects < 6:
        raise UsageError(f"--subjects {subjects} is too few: take at least 6.")
    page = None if docs is None else docs.with_name(f"{docs.name}.md")
    check_writable(json_file, page)
    names = [name for name in STUDIES if not only or name in only]
    found = Findings({}, {}, {})
    for design in DESIGNS:
        models = {name: make_model(name, design) for name in names}
        options: dict[str, Any] = {"trials": trials, "task": design, "starts": starts, "seed": seed}
        recoveries = {}
        for name, model in models.items():
            recoveries[name] = recover(model, subjects=subjects, ranges=ranges_of(name), **options)
            say(f"{design}: {name} fitted")
        found.recoveries[design] = recoveries
        if "binary-vkf" in models:
            found.ridges[design] = ridge(recoveries["binary-vkf"])
        if len(models) > 1:
            found.confusions[design] = confusion(
                list(models.values()),
                subjects=subjects // 2,
                ranges={name: ranges_of(name) for name in names},
                **options,
            )
            say(f"{design}: models compared")
    say("\n" + text(found))
    if json_file is not None:
        write_json(json_file, content(found))
    if docs is not None and page is not None:
        command = f"caudate recover --subjects {subjects} --trials {trials} --starts {starts}"
        command += "".join(f" --only {name}" for name in only) + f" --docs {docs}"
        write_page(found, docs, page, command)
        say(f"wrote {page}")
    return found


def make_model(name: str, design: str) -> Model:
    """The model of a study in a design, with softmax."""
    return Model.named(name, values=STUDIES[name].values, counterfactual=DESIGNS[design])


def ranges_of(name: str) -> dict[str, tuple[float, float]]:
    """Of all free parameters of a study's model."""
    return dict(STUDIES[name].ranges) | {"inverse_temperature": TEMPERATURE}


def ridge(found: Recovery, nodes: int = 15) -> Ridge:
    """The likelihood over lambda and v0, of the subject whose choices are told best."""
    fit = found.fit
    subject = int(np.argmax(fit.likelihood_per_trial))
    rates, volatilities = np.geomspace(0.02, 0.6, nodes), np.geomspace(0.02, 10.0, nodes)
    values = profile(
        fit.model,
        found.data,
        {"volatility_rate": rates, "volatility": volatilities},
        subject=subject,
        start=fit.parameters[subject],
    )
    below = values - values.max()
    names = fit.model.free
    i, j = names.index("volatility_rate"), names.index("volatility")
    return Ridge(
        rates,
        volatilities,
        below,
        (float(found.true[subject, i]), float(found.true[subject, j])),
        float((below > -_REGION).mean()),
        float(np.nanmean(fit.error_correlation[:, i, j])),
    )


# -- tables ----------------------------------------------------------------------------------


def rows(found: Findings) -> list[dict[str, Any]]:
    """One record a design, model and parameter, of JSON values."""
    return [
        row
        for design, recoveries in found.recoveries.items()
        for name, one in recoveries.items()
        for row in _rows(design, name, one)
    ]


def _rows(design: str, name: str, one: Recovery) -> list[dict[str, Any]]:
    fit, limits = one.fit, ranges_of(name)
    on_line = fit.model.to_line(one.true)
    error = np.nanmedian(_line_errors(fit), axis=0) / on_line.std(0)
    return [
        {
            "design": design,
            "model": name,
            "parameter": parameter,
            "low": limits[parameter][0],
            "high": limits[parameter][1],
            "correlation": float(one.correlations[i]),
            "natural_correlation": float(one.natural_correlations[i]),
            "rank_correlation": float(one.rank_correlations[i]),
            "bias": float(one.biases[i]),
            "relative_error": float(error[i]),
            "coverage": float(one.coverage[i]),
            "agreeing_starts": float((fit.agreeing / fit.starts).mean()),
            "converged": float(fit.converged.mean()),
        }
        for i, parameter in enumerate(fit.model.free)
    ]


def _line_errors(fit: Fit) -> np.ndarray:
    return np.sqrt(np.diagonal(fit.covariance, axis1=1, axis2=2))


RECOVERY_COLUMNS: Columns[dict[str, Any]] = Columns(
    (
        ("model", 17, lambda row: row["model"]),
        ("parameter", 20, lambda row: row["parameter"]),
        ("range", 14, lambda row: f"{row['low']:g} to {row['high']:g}"),
        ("r", 7, lambda row: f"{row['correlation']:.2f}"),
        ("r, natural units", 18, lambda row: f"{row['natural_correlation']:.2f}"),
        ("r, ranks", 10, lambda row: f"{row['rank_correlation']:.2f}"),
        ("bias", 8, lambda row: f"{row['bias']:+.2f}"),
        ("error / spread", 16, lambda row: f"{row['relative_error']:.2f}"),
        ("in 95 %", 9, lambda row: f"{row['coverage']:.0%}"),
        ("starts agree", 14, lambda row: f"{row['agreeing_starts']:.0%}"),
    )
)


def confusion_columns(models: Sequence[str]) -> Columns[tuple[str, np.ndarray]]:
    """A line a model that made the choices, a column a model that won."""
    return Columns(
        (
            ("made by", 17, lambda row: row[0]),
            *((name, max(9, len(name) + 2), _share(i)) for i, name in enumerate(models)),
        )
    )


def _share(i: int) -> Callable[[tuple[str, np.ndarray]], str]:
    return lambda row: f"{row[1][i]:.2f}"


CONFUSIONS = {
    "by_bic": "share of subjects won, by BIC",
    "by_evidence": "share of subjects won, by Laplace's log evidence",
    "frequencies": "expected frequency, random-effects selection on the log evidence",
}


def text(found: Findings) -> str:
    """All tables, for a console."""
    parts = []
    for design in found.recoveries:
        parts += [f"{design}: {DESIGN_TEXTS[design]}", RECOVERY_COLUMNS.heading]
        parts += [RECOVERY_COLUMNS.line(row) for row in rows(found) if row["design"] == design]
        parts.append("")
        if design in found.confusions:
            one = found.confusions[design]
            table = confusion_columns(one.models)
            for name, title in CONFUSIONS.items():
                lines = zip(one.models, getattr(one, name), strict=True)
                parts += [f"{design}, {title}", table.heading, *map(table.line, lines), ""]
        if design in found.ridges:
            parts += [f"{design}: {ridge_text(found.ridges[design])}", ""]
    return "\n".join(parts)


def ridge_text(one: Ridge) -> str:
    """What a ridge's picture shows, in numbers."""
    return (
        f"of one subject's likelihood over lambda ({one.rates[0]:g} to {one.rates[-1]:g}) and v0 "
        f"({one.volatilities[0]:g} to {one.volatilities[-1]:g}), {one.within:.0%} of the grid lie "
        f"less than {_REGION} below the highest value; errors of the two correlate by "
        f"{one.error_correlation:+.2f} on average over subjects"
    )


def content(found: Findings) -> dict[str, Any]:
    """As JSON values."""
    return {
        "recovery": rows(found),
        "confusion": {
            design: {"models": list(one.models)}
            | {name: getattr(one, name).tolist() for name in CONFUSIONS}
            for design, one in found.confusions.items()
        },
        "ridge": {
            design: {
                "volatility_rate": one.rates.tolist(),
                "volatility": one.volatilities.tolist(),
                "log_likelihood": one.log_likelihood.round(4).tolist(),
                "true": one.true,
                "within": one.within,
                "error_correlation": one.error_correlation,
            }
            for design, one in found.ridges.items()
        },
    }


# -- page ------------------------------------------------------------------------------------


def write_page(found: Findings, folder: Path, page: Path, command: str) -> None:
    """Data and pictures into ``folder``, and a section on the page beside it."""
    write_json(folder / "recovery.json", content(found))
    parts = [
        "## Recovery of trial-level models",
        f"Made by `{command}`; data: [recovery.json]({folder.name}/recovery.json). Subjects are "
        "simulated with parameters spread evenly over the ranges on the line of each parameter's "
        "scale (logit of rates, log of positive numbers) and a softmax, and fitted with the "
        "default priors ([how](fitting.md)). r: correlation of true and found values on the line; "
        "error / spread: median standard error over the standard deviation of true values, above "
        "1 where choices cannot tell subjects apart; in 95 %: true values within 1.96 standard "
        "errors; starts agree: searches that end at the best value.",
    ]
    for design, recoveries in found.recoveries.items():
        mine = [row for row in rows(found) if row["design"] == design]
        picture = draw_recoveries(recoveries, folder / f"recovery-{design}.png")
        parts += [
            f"### Design {design}",
            f"{DESIGN_TEXTS[design][0].upper()}{DESIGN_TEXTS[design][1:]}.",
            RECOVERY_COLUMNS.markdown(mine),
            f"![True and found parameters]({folder.name}/{picture.name})",
        ]
        if design in found.ridges:
            parts.append(f"Volatility of the binary VKF: {ridge_text(found.ridges[design])}.")
        if design in found.confusions:
            one = found.confusions[design]
            table = confusion_columns(one.models)
            for name, title in CONFUSIONS.items():
                lines = list(zip(one.models, getattr(one, name), strict=True))
                parts += [f"{title[0].upper()}{title[1:]}:", table.markdown(lines)]
    if found.ridges:
        picture = draw_ridge(found.ridges, folder / "recovery-ridge.png")
        parts.append(f"![Likelihood over lambda and v0]({folder.name}/{picture.name})")
    if found.confusions:
        picture = draw_confusions(found.confusions, folder / "recovery-confusion.png")
        parts.append(f"![Which model wins]({folder.name}/{picture.name})")
    replace_section(page, "recovery", "\n\n".join(parts))
