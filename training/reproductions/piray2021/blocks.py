"""A stable and a volatile period, and anxiety as a loss of stochasticity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from . import schedules
from .learner import (
    PUBLISHED,
    between,
    both,
    course_of,
    difference,
    near,
    number,
    rates,
    runs,
    text,
    watch,
    without,
)

RUNS = 500
OPTIONS = both(0.2, 0.1)
LEARNERS: dict[str, dict[str, Any]] = {
    "healthy": {},
    "anxious": without("stochasticity", 0.001),
    "published": PUBLISHED,
}


def measure(quick: bool) -> dict[str, Any]:
    """Learning rates of both windows, and trial by trial."""
    outcomes = schedules.volatility_task(np.random.default_rng(0), runs(RUNS, quick))
    found = {}
    for name, own in LEARNERS.items():
        course = watch(outcomes, **(OPTIONS | own))
        rate = rates(course)
        found[name] = {
            "stable": number(rate[schedules.STABLE].mean(0)),
            "volatile": number(rate[schedules.VOLATILE].mean(0)),
            "course": course_of(rate),
            "estimate": course_of(course.mean[..., 0]),
        }
    return found


def claims(result: dict[str, Any]) -> list[Claim]:
    """Healthy: slow when stable; anxious: always fast."""
    found = {name: [one["stable"], one["volatile"]] for name, one in result.items()}
    rise = {name: difference(one[1], one[0]) for name, one in found.items()}
    least = min(one[0] for one in found["anxious"])
    return [
        near(
            "Healthy: learning rate in the stable and the volatile window",
            found["healthy"],
            (0.402, 0.684),
            0.02,
        ),
        between("... difference", rise["healthy"], 0.23, 0.33),
        near(
            "Anxious (stochasticity lesion, s = .001): the same",
            found["anxious"],
            (0.931, 0.962),
            0.01,
        ),
        Claim(
            "... high in both, and nearly the same",
            "both above .9, difference below .06",
            f"{least:.3f} and more, difference {text(rise['anxious'])}",
            least > 0.9 and rise["anxious"][0] < 0.06,
        ),
        near(
            "Published program (moments not carried, likelihood floor), healthy",
            found["published"],
            (0.441, 0.715),
            0.015,
        ),
    ]


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Estimates and learning rates, trial by trial."""
    figure, (estimates, learning) = new_figure(2)
    trials = np.arange(1, 221)
    means = np.repeat(schedules.VOLATILITY_MEANS, schedules.BLOCK)
    estimates.plot(trials, means, **AXIS)
    for i, name in enumerate(("healthy", "anxious")):
        estimates.plot(trials, result[name]["estimate"], color=COLORS[i], lw=1.2)
        learning.plot(trials, result[name]["course"], color=COLORS[i], lw=1.2, label=name)
    for axis in (estimates, learning):
        axis.axvspan(120.5, 220, color=COLORS[4], alpha=0.15, lw=0)
        axis.set_xlabel("trial (shaded: volatile)")
        axis.set_xlim(1, 220)
        axis.set_ylim(0, 1.05)
    estimates.set_ylabel("estimate")
    learning.set_ylabel("learning rate")
    learning.legend(frameon=False, fontsize=8, loc="lower right")
    return [save(figure, folder / "blocks.png")]


EXPERIMENT = Experiment(
    "blocks",
    "Learning speeds up in volatile blocks; anxious learners are always fast",
    measure,
    claims,
    draw,
    {"runs": RUNS, "options": OPTIONS, "learners": LEARNERS},
)
