"""Two volatilities by two stochasticities: learners that know of both noises, and of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...pictures import COLORS, FAINT, new_figure, save
from ...reproduction import Claim, Experiment
from . import schedules
from .learner import (
    PUBLISHED,
    between,
    difference,
    near,
    number,
    rates,
    runs,
    stochasticities,
    text,
    volatilities,
    watch,
    without,
)

#: True volatility and stochasticity.
CELLS = ((0.5, 1.0), (1.5, 1.0), (0.5, 3.0), (1.5, 3.0))
TRIALS, LAST = 200, 20
RUNS, SERIES = 2000, 10_000
#: The learner starts at the mean of each noise over the cells, where lesions leave it.
OPTIONS: dict[str, Any] = {
    "initial_volatility": 1.0,
    "initial_stochasticity": 2.0,
    "initial_variance": 100.0,
    "volatility_drift": 0.1,
    "stochasticity_drift": 0.1,
}
LEARNERS: dict[str, dict[str, Any]] = {
    "healthy": {},
    "no stochasticity": without("stochasticity", 2.0),
    "no volatility": without("volatility", 1.0),
    "log-normal": {"diffusion": "log-normal"},
    "published": PUBLISHED,
}
_CELLS = "at v, s = .5, 1; 1.5, 1; .5, 3; 1.5, 3"


def measure(quick: bool) -> dict[str, Any]:
    """Each learner's means of the last trials in each cell; spread and correlation of outcomes."""
    found: dict[str, Any] = {name: {} for name in LEARNERS} | {"outcomes": {}}
    for i, (v, s) in enumerate(CELLS):
        cell = _cell(v, s)
        rng = np.random.default_rng([0, i])
        series = schedules.random_walk(rng, runs(SERIES, quick), TRIALS, v, s)
        found["outcomes"][cell] = {
            "spread": number(series.std(0, ddof=1)),
            "correlation": number(schedules.reported_autocorrelation(series)),
        }
        for name, own in LEARNERS.items():
            course = watch(series[:, : runs(RUNS, quick)], 10**6 * i, **(OPTIONS | own))
            found[name][cell] = {
                "learning rate": number(rates(course)[-LAST:].mean(0)),
                "volatility": number(volatilities(course)[-LAST:].mean(0)),
                "stochasticity": number(stochasticities(course)[-LAST:].mean(0)),
            }
    return found


def _cell(v: float, s: float) -> str:
    return f"{v:g} {s:g}"


def _row(result: dict[str, Any], learner: str, what: str) -> list[list[float]]:
    return [result[learner][_cell(v, s)][what] for v, s in CELLS]


def claims(result: dict[str, Any]) -> list[Claim]:
    """Opposite effects of the two noises; each reversed in a learner that lacks the other."""
    lr = _row(result, "healthy", "learning rate")
    vol = _row(result, "healthy", "volatility")
    deaf = _row(result, "no stochasticity", "learning rate")
    rigid = _row(result, "no volatility", "learning rate")
    by_v = [difference(lr[1], lr[0]), difference(lr[3], lr[2])]
    by_s = [difference(lr[2], lr[0]), difference(lr[3], lr[1])]
    same = [difference(vol[2], vol[0]), difference(vol[3], vol[1])]
    return [
        near(
            f"Learning rate of the last {LAST} of {TRIALS} trials, {_CELLS}",
            lr,
            (0.530, 0.681, 0.386, 0.530),
            0.02,
        ),
        Claim(
            "Volatility raises the learning rate (at s = 1, 3), stochasticity lowers it "
            "(at v = .5, 1.5)",
            "above .1; below -.1",
            "; ".join(", ".join(map(text, effect)) for effect in (by_v, by_s)),
            min(x[0] for x in by_v) > 0.1 and max(x[0] for x in by_s) < -0.1,
        ),
        near(
            f"Estimated volatility, {_CELLS}",
            vol,
            (0.483, 1.387, 0.503, 1.414),
            (0.08, 0.15, 0.08, 0.15),
        ),
        near(
            f"Estimated stochasticity, {_CELLS}",
            _row(result, "healthy", "stochasticity"),
            (0.865, 0.769, 2.677, 2.524),
            (0.1, 0.1, 0.25, 0.25),
        ),
        Claim(
            "More stochasticity is not taken for volatility (change of the estimate at "
            "v = .5, 1.5)",
            "below .1",
            ", ".join(map(text, same)),
            max(abs(x[0]) for x in same) < 0.1,
        ),
        *_lesion_claims(result, deaf, rigid),
        near(
            "Log-normal diffusion in place of beta: learning rate",
            _row(result, "log-normal", "learning rate"),
            (0.519, 0.686, 0.358, 0.515),
            0.02,
        ),
        near(
            "Published program (moments not carried, likelihood floor): learning rate",
            _row(result, "published", "learning rate"),
            (0.535, 0.685, 0.387, 0.533),
            0.015,
        ),
        near(
            f"Both noises spread outcomes: standard deviation, {_CELLS}",
            _row(result, "outcomes", "spread"),
            (3.93, 6.69, 4.20, 6.85),
            0.15,
        ),
        near(
            "Volatility raises their correlation from trial to trial, stochasticity lowers it",
            _row(result, "outcomes", "correlation"),
            (0.875, 0.932, 0.751, 0.877),
            0.01,
        ),
    ]


def _lesion_claims(
    result: dict[str, Any], deaf: list[list[float]], rigid: list[list[float]]
) -> list[Claim]:
    low, high = difference(rigid[1], rigid[0]), difference(rigid[3], rigid[2])
    return [
        near(
            f"Without stochasticity: learning rate, {_CELLS}",
            deaf,
            (0.351, 0.518, 0.502, 0.648),
            0.02,
        ),
        between(
            "... so it rises with true stochasticity (v = .5)",
            difference(deaf[2], deaf[0]),
            0.11,
            0.19,
        ),
        near(
            f"Without volatility: learning rate, {_CELLS}",
            rigid,
            (0.652, 0.576, 0.448, 0.413),
            0.02,
        ),
        Claim(
            "... so it falls with true volatility (s = 1, 3)",
            "-.11 to -.05, -.06 to -.01",
            f"{text(low)}, {text(high)}",
            -0.11 <= low[0] <= -0.05 and -0.06 <= high[0] <= -0.01,
        ),
        near(
            "The noise that is left explains both: volatility without stochasticity",
            _row(result, "no stochasticity", "volatility"),
            (0.284, 0.956, 0.862, 2.166),
            (0.05, 0.1, 0.1, 0.2),
        ),
        near(
            "... stochasticity without volatility",
            _row(result, "no volatility", "stochasticity"),
            (0.711, 1.197, 2.617, 3.292),
            (0.05, 0.1, 0.2, 0.2),
        ),
    ]


def known(v: float, s: float) -> float:
    """Steady gain of a Kalman filter that knows both noises."""
    prior = (v + np.sqrt(v**2 + 4 * v * s)) / 2
    return float(prior / (prior + s))


_TITLES = {
    "healthy": "estimates both noises",
    "no stochasticity": "without stochasticity",
    "no volatility": "without volatility",
    "outcomes": "",
}


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Estimates of the healthy learner, learning rates of the lesioned ones, outcomes."""
    figure, axes = new_figure(3, rows=2, height=5.2)
    panels = (
        ("healthy", "learning rate", "learning rate"),
        ("healthy", "volatility", "estimated volatility"),
        ("healthy", "stochasticity", "estimated stochasticity"),
        ("no stochasticity", "learning rate", "learning rate"),
        ("no volatility", "learning rate", "learning rate"),
        ("outcomes", "correlation", "correlation of outcomes"),
    )
    for axis, (learner, what, label) in zip(axes, panels, strict=True):
        for i, v in enumerate((0.5, 1.5)):
            numbers = np.array([result[learner][_cell(v, s)][what] for s in (1.0, 3.0)])
            axis.errorbar(
                (1, 3), numbers[:, 0], numbers[:, 1], color=COLORS[i], marker="o", ms=4, lw=1.4,
                label=f"true volatility {v:g}",
            )  # fmt: skip
            if learner == "healthy":
                truth = {"volatility": (v, v), "stochasticity": (1, 3)}
                ideal = truth.get(what, (known(v, 1.0), known(v, 3.0)))
                axis.plot((1, 3), ideal, "x", color=FAINT, ms=6, zorder=0)
        axis.set_ylabel(label)
        axis.set_xlim(0.6, 3.4)
        axis.set_xticks((1, 3))
        axis.margins(y=0.15)
        axis.set_title(_TITLES[learner], fontsize=9)
    axes[0].plot([], [], "x", color=FAINT, label="true value,\nor gain if it is known")
    axes[0].set_ylim(top=0.95)
    axes[0].legend(frameon=False, fontsize=7)
    for axis in axes[3:]:
        axis.set_xlabel("true stochasticity")
    return [save(figure, folder / "factorial.png")]


EXPERIMENT = Experiment(
    "factorial",
    "Volatility and stochasticity have opposite effects on learning; lesions reverse them",
    measure,
    claims,
    draw,
    {"runs": RUNS, "series": SERIES, "cells": CELLS, "options": OPTIONS, "learners": LEARNERS},
)
