"""Prediction of a quantity that jumps: learning speeds up after change points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...pictures import AXIS, COLORS, FAINT, new_figure, save
from ...reproduction import Claim, Experiment
from . import schedules
from .learner import PUBLISHED, difference, near, number, rates, runs, text, watch

Array = np.ndarray

OPTIONS: dict[str, Any] = {
    "volatility_drift": 0.4,
    "stochasticity_drift": 0.2,
    "initial_volatility": 5.0,
    "initial_stochasticity": 5.0,
}
NOISES = (1.0, 9.0)
RUNS = 1000
BEFORE, AFTER = 4, 20  # trials around a change point


def around(values: Array, jumps: Array) -> Array:
    """Means (n, 25) of values (T, n) on trials around the jumps of each run, NaN without one."""
    found = np.full((values.shape[1], BEFORE + 1 + AFTER), np.nan)
    for i in range(values.shape[1]):
        trials = np.flatnonzero(jumps[:, i])
        trials = trials[(trials >= BEFORE) & (trials < len(values) - AFTER)]
        if trials.size:
            found[i] = values[trials[:, None] + np.arange(-BEFORE, AFTER + 1), i].mean(0)
    return found


def measure(quick: bool) -> dict[str, Any]:
    """Median learning rates, and learning rates around change points."""
    states, jumps = schedules.change_points(np.random.default_rng(9), runs(RUNS, quick))
    found: dict[str, Any] = {}
    for i, noise in enumerate(NOISES):
        outcomes = schedules.noisy(np.random.default_rng([9, i]), states, noise)
        for name, own in (("exact", {}), ("published", PUBLISHED)):
            course = watch(outcomes, **(OPTIONS | own))
            near_jumps = around(rates(course), jumps)
            near_jumps = near_jumps[np.isfinite(near_jumps[:, 0])]
            found[f"{name} {noise:g}"] = {
                "median": number(np.median(rates(course), axis=0)),
                "around": [number(column) for column in near_jumps.T],
                "rise": number(near_jumps[:, BEFORE + 2] - near_jumps[:, BEFORE - 1]),
                "outcomes": outcomes[:, 0].tolist(),
                "estimate": course.predicted[:, 0, 0].tolist(),
                "state": states[:, 0].tolist(),
            }
    return found


def claims(result: dict[str, Any]) -> list[Claim]:
    """Slower under noise, faster after change points."""
    exact = [result[f"exact {noise:g}"] for noise in NOISES]
    published = [result[f"published {noise:g}"] for noise in NOISES]
    rises = [one["rise"] for one in exact]
    more = difference(*rises)
    return [
        near(
            "Median learning rate at noise variance 1 and 9",
            [one["median"] for one in exact],
            (0.482, 0.367),
            0.02,
        ),
        Claim(
            "Learning rate two trials after change points - on the trial before, noise 1 and 9",
            "above .1 at noise 1, more than at 9, above 0 there",
            ", ".join(map(text, rises)),
            rises[0][0] > 0.1 and more[0] > 0 and rises[1][0] > 0,
        ),
        near(
            "Published program (moments not carried, likelihood floor): median learning rates",
            [one["median"] for one in published],
            (0.542, 0.427),
            0.03,
        ),
        near(
            "... before and two trials after change points at noise 1",
            [published[0]["around"][i] for i in (BEFORE - 1, BEFORE + 2)],
            (0.534, 0.656),
            0.03,
        ),
    ]


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """A run with little noise, and learning rates around change points."""
    figure, (series, learning) = new_figure(2)
    run = result[f"exact {NOISES[0]:g}"]
    trials = np.arange(1, len(run["state"]) + 1)
    series.plot(trials, run["outcomes"], ".", color=FAINT, ms=3, label="outcomes")
    series.plot(trials, run["state"], color=COLORS[6], lw=1.0, label="state")
    series.plot(trials, run["estimate"], color=COLORS[0], lw=1.2, label="prediction")
    low, high = series.get_ylim()
    series.set_ylim(low, high + 0.3 * (high - low))
    series.legend(frameon=False, fontsize=7, ncols=3, loc="upper left")
    series.set_xlabel("trial")
    series.set_ylabel("outcome (noise variance 1)")
    places = np.arange(-BEFORE, AFTER + 1)
    for i, noise in enumerate(NOISES):
        mean, error = np.array(result[f"exact {noise:g}"]["around"]).T
        learning.plot(places, mean, color=COLORS[i], lw=1.3, label=f"noise variance {noise:g}")
        learning.fill_between(places, mean - error, mean + error, color=COLORS[i], alpha=0.2, lw=0)
    learning.axvline(0, **AXIS)
    learning.set_xlabel("trials after a change point")
    learning.set_ylabel("learning rate")
    learning.legend(frameon=False, fontsize=8)
    return [save(figure, folder / "change-points.png")]


EXPERIMENT = Experiment(
    "change-points",
    "Predicting a quantity that jumps: faster after change points, slower under noise",
    measure,
    claims,
    draw,
    {"runs": RUNS, "options": OPTIONS, "noises": NOISES},
)
