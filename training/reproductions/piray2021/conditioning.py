"""Conditioned suppression after weak shocks, and extinction after partial reinforcement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from ...pictures import COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from . import schedules
from .learner import (
    FLOOR,
    PUBLISHED,
    between,
    both,
    difference,
    near,
    number,
    rates,
    runs,
    stochasticities,
    text,
    volatilities,
    watch,
)

Array = np.ndarray

OPTIONS = both(0.2, 0.1)
SLOPE = 5.0  # of responding, a logistic function of the expected outcome
TRAINED = 100
FILTERS: dict[str, dict[str, Any]] = {"exact": {}, "floor": FLOOR, "published": PUBLISHED}
LARGER = 1000  # particles


def _numbers(outcomes: Array, trial: int, after: slice, options: dict[str, Any]) -> dict[str, Any]:
    """Estimates on one trial, and median responding after the outcomes of some."""
    course = watch(outcomes, **(OPTIONS | options))
    return {
        "learning rate": number(rates(course)[trial]),
        "volatility": number(volatilities(course)[trial]),
        "stochasticity": number(stochasticities(course)[trial]),
        "responding": np.median(expit(SLOPE * course.mean[after, :, 0]), 1).tolist(),
    }


# -- conditioned suppression -------------------------------------------------------------------

SUPPRESSION_RUNS = 4000
OMISSIONS = {"control": 0, "omission": 5}


def measure_suppression(quick: bool) -> dict[str, Any]:
    """The first strong shock after weak ones, with omissions between or none."""
    filters = {
        "exact": ({}, SUPPRESSION_RUNS),
        "published": (PUBLISHED, SUPPRESSION_RUNS),
        "larger": ({"particles": LARGER}, SUPPRESSION_RUNS // 10),
    }
    return {
        name: {
            group: _numbers(
                schedules.suppression(
                    np.random.default_rng([1, omitted]), runs(full, quick), omitted
                ),
                TRAINED + omitted,
                slice(TRAINED + omitted - 1, TRAINED + omitted + 5),
                options,
            )
            for group, omitted in OMISSIONS.items()
        }
        for name, (options, full) in filters.items()
    }


def claims_suppression(result: dict[str, Any]) -> list[Claim]:
    """Omissions restore what weak shocks took away."""
    exact, published = (
        {key: [result[name][group][key] for group in OMISSIONS] for key in _KEYS}
        for name in ("exact", "published")
    )
    rate = exact["learning rate"]
    larger = [result["larger"][group]["learning rate"] for group in OMISSIONS]
    return [
        between(
            "First strong shock: omission before it raises the learning rate",
            difference(rate[1], rate[0]),
            0.03,
        ),
        near("... control and omission group", rate, (0.195, 0.255), 0.02),
        between(
            f"... with {LARGER:,} particles, omission - control", difference(*larger[::-1]), 0.03
        ),
        near(
            "Published program (moments not carried, likelihood floor): learning rate",
            published["learning rate"],
            (0.213, 0.275),
            0.015,
        ),
        near("... volatility", published["volatility"], (0.0004, 0.0020), (0.0001, 0.0002)),
        near("... stochasticity", published["stochasticity"], (0.0078, 0.0091), 0.0005),
    ]


_KEYS = ("learning rate", "volatility", "stochasticity")


def draw_suppression(result: dict[str, Any], folder: Path) -> list[Path]:
    """Estimates on the first strong shock, and responding from the trial before it on."""
    figure, axes = new_figure(4, height=2.8)
    for axis, key in zip(axes, _KEYS, strict=False):
        for i, group in enumerate(OMISSIONS):
            mean, error = result["exact"][group][key]
            axis.bar(i, mean, yerr=error, color=COLORS[i], width=0.6)
        axis.set_xticks((0, 1), OMISSIONS)
        axis.set_title(key, fontsize=9)
    for i, group in enumerate(OMISSIONS):
        axes[3].plot(result["exact"][group]["responding"], "o-", color=COLORS[i], ms=4, label=group)
    axes[3].set_xlabel("strong shocks so far", fontsize=9)
    axes[3].set_title("responding (median)", fontsize=9)
    axes[3].set_ylim(bottom=0)
    axes[3].legend(frameon=False, fontsize=8)
    return [save(figure, folder / "suppression.png")]


# -- partial reinforcement ---------------------------------------------------------------------

EXTINCTION_RUNS = 4000
GROUPS = {"full": False, "partial": True}


def measure_extinction(quick: bool) -> dict[str, Any]:
    """The first trials without reward after rewards on all trials, or twice as large on half."""
    n = runs(EXTINCTION_RUNS, quick)
    return {
        name: {
            group: _numbers(
                schedules.reinforcement(np.random.default_rng([2, partial]), n, partial=partial),
                TRAINED,
                slice(TRAINED - 1, TRAINED + 7),
                own,
            )
            for group, partial in GROUPS.items()
        }
        for name, own in FILTERS.items()
    }


def claims_extinction(result: dict[str, Any]) -> list[Claim]:
    """Partial reinforcement looks like stochasticity, and is learned away slowly."""
    exact, floored = result["exact"], result["floor"]
    noise = [exact[group]["stochasticity"] for group in GROUPS]
    rate = [exact[group]["learning rate"] for group in GROUPS]
    responding = {name: [result[name][g]["responding"] for g in GROUPS] for name in FILTERS}
    full, partial = responding["floor"]
    kept_full, kept_partial = responding["exact"]
    return [
        Claim(
            "First trial of extinction: stochasticity after full and partial reinforcement",
            "below .01; .7 to 1",
            ", ".join(map(text, noise)),
            noise[0][0] < 0.01 and 0.7 <= noise[1][0] <= 1.0,
        ),
        between("... learning rate, full - partial", difference(*rate), 0.05),
        near(
            "With the likelihood floor: learning rate, full and partial",
            [floored[group]["learning rate"] for group in GROUPS],
            (0.421, 0.226),
            0.02,
        ),
        Claim(
            "... the partial group goes on responding (medians after extinction trials 1, 2, 3)",
            "partial above full on each",
            f"full {_list(full[1:4])}; partial {_list(partial[1:4])}",
            all(b > a for a, b in zip(full[1:4], partial[1:4], strict=True)),
        ),
        Claim(
            "Without it, the particle with the largest noise alone survives an omission that none "
            "expected, and takes it for stochasticity",
            "full above partial after extinction trial 3",
            f"full {_list(kept_full[1:4])}; partial {_list(kept_partial[1:4])}",
            kept_full[3] > kept_partial[3],
        ),
        near(
            "Published program (moments not carried, likelihood floor): learning rate, partial",
            [result["published"]["partial"]["learning rate"]],
            (0.284,),
            0.015,
        ),
        near(
            "... responding of the partial group after extinction trials 1, 2, 3",
            [[x, 0.0] for x in responding["published"][1][1:4]],
            (0.974, 0.931, 0.864),
            0.01,
        ),
    ]


def _list(values: list[float]) -> str:
    return ", ".join(f"{value:.3f}" for value in values)


def draw_extinction(result: dict[str, Any], folder: Path) -> list[Path]:
    """Estimates on the first extinction trial, and responding with floor and without."""
    figure, axes = new_figure(3, height=2.9)
    for axis, key in zip(axes[:2], ("learning rate", "stochasticity"), strict=True):
        for i, group in enumerate(GROUPS):
            for j, name in enumerate(("exact", "floor")):
                mean, error = result[name][group][key]
                axis.bar(
                    i + 0.36 * j - 0.18,
                    mean,
                    yerr=error,
                    width=0.32,
                    color=COLORS[i],
                    alpha=(1.0, 0.5)[j],
                )
        axis.set_xticks((0, 1), GROUPS)
        axis.set_title(f"{key}\n(pale: with floor)", fontsize=9)
    for i, group in enumerate(GROUPS):
        for j, name in enumerate(("exact", "floor")):
            label = group + (", floor" if j else "")
            values = result[name][group]["responding"]
            # Wide and pale beneath, so that it shows where both are the same.
            look: Any = {"lw": 6.0, "alpha": 0.4} if j else {"lw": 1.4, "marker": "o", "ms": 3}
            axes[2].plot(values, color=COLORS[i], zorder=2 - j, label=label, **look)
    axes[2].set_xlabel("trials without reward so far")
    axes[2].set_title("responding (median)", fontsize=9)
    axes[2].set_ylim(0.3, 1.02)
    axes[2].legend(frameon=False, fontsize=7, ncols=2, loc="lower center")
    return [save(figure, folder / "extinction.png")]


SUPPRESSION = Experiment(
    "suppression",
    "Conditioned suppression: omissions restore associability that weak shocks took away",
    measure_suppression,
    claims_suppression,
    draw_suppression,
    {"runs": SUPPRESSION_RUNS, "options": OPTIONS, "filters": FILTERS, "larger": LARGER},
)
EXTINCTION = Experiment(
    "extinction",
    "Partial reinforcement is read as stochasticity and slows extinction",
    measure_extinction,
    claims_extinction,
    draw_extinction,
    {"runs": EXTINCTION_RUNS, "options": OPTIONS, "filters": FILTERS},
)
