"""Tables of recovery, for a console, as data, and on the page of results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..agents.fitting import Fit, Recovery
from .bench_table import Columns
from .docs_page import replace_section
from .recovery_figure import draw_confusions, draw_recoveries, draw_ridge
from .recovery_studies import DESIGN_TEXTS, REGION, Findings, Ridge, ranges_of
from .runs import write_json


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
        f"less than {REGION} below the highest value; errors of the two correlate by "
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
