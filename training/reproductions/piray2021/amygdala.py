"""The amygdala as the seat of volatility: serial prediction, and reversals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from ...pictures import AXIS, COLORS, STYLES, new_figure, save
from ...reproduction import Claim, Experiment
from . import schedules
from .learner import (
    FLOOR,
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

# -- serial prediction -------------------------------------------------------------------------

SERIAL: dict[str, Any] = both(0.2, 0.5) | {"noise": "joint"}
SERIAL_LESIONS: dict[str, dict[str, Any]] = {
    "control": {},
    "lesion": without("volatility", 0.25e-6),
}
CONDITIONS = {"consistent": False, "shift": True}
#: Filter -> options and runs. A surprise that no particle foresaw leaves one of them: the more
#: there are, the nearer to what the model says.
SERIAL_FILTERS: dict[str, tuple[dict[str, Any], int]] = {
    "exact": ({}, 400),
    "exact, 1000 particles": ({"particles": 1000}, 300),
    "floor": (FLOOR, 400),
    "published": (PUBLISHED, 400),
}
SHOWN = slice(180, 300)


def measure_serial(quick: bool) -> dict[str, Any]:
    """Learning rate for the tone on the last trial, and from before the shift on."""
    found: dict[str, Any] = {}
    for name, (options, full) in SERIAL_FILTERS.items():
        # Lesioned learners without floor need no more particles to be sure.
        lesions = ["control"] if "1000" in name else list(SERIAL_LESIONS)
        for lesion in lesions:
            for condition, shift in CONDITIONS.items():
                outcomes = schedules.serial_prediction(
                    np.random.default_rng([7, shift]), runs(full, quick), shift=shift
                )
                rate = rates(watch(outcomes, **(SERIAL | SERIAL_LESIONS[lesion] | options)))
                found[f"{name}: {lesion} {condition}"] = {
                    "last": number(rate[-1]),
                    "course": course_of(rate[SHOWN]),
                }
    return found


def _last(result: dict[str, Any], name: str, lesion: str) -> list[list[float]]:
    return [result[f"{name}: {lesion} {condition}"]["last"] for condition in CONDITIONS]


def claims_serial(result: dict[str, Any]) -> list[Claim]:
    """A tone that begins to fail is learned about by controls, and no longer after the lesion."""
    exact, lesion = _last(result, "exact", "control"), _last(result, "exact", "lesion")
    many = _last(result, "exact, 1000 particles", "control")
    floored = _last(result, "floor", "control") + _last(result, "floor", "lesion")
    published = _last(result, "published", "control") + _last(result, "published", "lesion")
    rise = difference(many[1], many[0])
    return [
        between(
            "Exact filter, lesion (v = .25e-6): learning rate for the tone on the last trial, "
            "consistent - shift",
            difference(*lesion),
            0.15,
        ),
        between(
            "... shift: the tone is noise now, and the rate falls to the gain of known noises, "
            "sqrt(v / s) near .001",
            lesion[1],
            high=0.01,
        ),
        Claim(
            "Exact filter, control: shift - consistent with 1,000 particles (and with 100)",
            "above 0 by two standard errors with 1,000",
            f"{text(rise)} ({text(difference(exact[1], exact[0]))})",
            rise[0] > 2 * rise[1],
        ),
        near(
            "Exact filter, 100 particles: consistent, control and lesion",
            [exact[0], lesion[0]],
            (0.207, 0.405),
            0.03,
        ),
        near(
            "With the likelihood floor: control consistent, shift; lesion consistent, shift",
            floored,
            (0.207, 0.489, 0.405, 0.312),
            (0.03, 0.1, 0.03, 0.1),
        ),
        Claim(
            "... surprise raises the rate in controls, and lowers it after the lesion",
            "shift - consistent above .05; below 0",
            f"{text(difference(floored[1], floored[0]))}; "
            f"{text(difference(floored[3], floored[2]))}",
            floored[1][0] - floored[0][0] > 0.05 and floored[3][0] < floored[2][0],
        ),
        near(
            "Published program (moments not carried, likelihood floor): consistent, control and "
            "lesion",
            [published[0], published[2]],
            (0.283, 0.419),
            0.02,
        ),
        Claim(
            "... surprise (where all weights vanish, the program behind the figures did something "
            "else again: order only)",
            "shift - consistent above .1 (published .144); below -.1 (published -.273)",
            f"{text(difference(published[1], published[0]))}; "
            f"{text(difference(published[3], published[2]))}",
            published[1][0] - published[0][0] > 0.1 and published[3][0] - published[2][0] < -0.1,
        ),
    ]


def draw_serial(result: dict[str, Any], folder: Path) -> list[Path]:
    """Learning rate for the tone around the shift, exact and with floor."""
    figure, axes = new_figure(2, share_y=True)
    trials = np.arange(SHOWN.start, SHOWN.stop) + 1
    for axis, name in zip(axes, ("exact", "floor"), strict=True):
        for i, lesion in enumerate(SERIAL_LESIONS):
            for j, condition in enumerate(CONDITIONS):
                values = result[f"{name}: {lesion} {condition}"]["course"]
                label = f"{lesion}, {condition}"
                axis.plot(trials, values, STYLES[1 - j], color=COLORS[i], lw=1.3, label=label)
        axis.axvline(200.5, ymax=0.8, **AXIS)
        axis.set_xlabel("trial")
        axis.set_title({"exact": "exact filter", "floor": "likelihood floor"}[name], fontsize=9)
    axes[0].set_ylabel("learning rate for the tone")
    axes[0].set_ylim(0, 0.85)
    axes[0].legend(frameon=False, fontsize=7, ncols=2, loc="upper left", handlelength=3.0)
    return [save(figure, folder / "serial-prediction.png")]


# -- reversals ---------------------------------------------------------------------------------

REVERSAL = both(0.1, 0.5)
REVERSAL_RUNS = 1000
SHARES = (0.6, 0.7, 0.8, 1.0)
#: Options, and slope of choice.
REVERSAL_LESIONS: dict[str, tuple[dict[str, Any], float]] = {
    "control": ({}, 3.0),
    "lesion": (without("volatility", 0.01), 1.0),
}
#: Right choices of monkeys in acquisition and reversal, by share of rewards (Costa et al. 2016).
MONKEYS = {
    "control": ((0.68, 0.67), (0.77, 0.81), (0.86, 0.86), (0.91, 0.94)),
    "lesion": ((0.57, 0.54), (0.62, 0.57), (0.66, 0.61), (0.77, 0.66)),
}
EXPECTED = {
    "control": (0.599, 0.603, 0.696, 0.702, 0.786, 0.789, 0.951, 0.944),
    "lesion": (0.551, 0.527, 0.598, 0.554, 0.645, 0.586, 0.725, 0.667),
}
_PUBLISHED = {
    "control": (0.599, 0.603, 0.694, 0.700, 0.785, 0.788, 0.951, 0.943),
    "lesion": (0.550, 0.527, 0.597, 0.555, 0.645, 0.586, 0.725, 0.651),
}


def measure_reversal(quick: bool) -> dict[str, Any]:
    """Chance of the right choice before and after the reversal."""
    found: dict[str, Any] = {}
    for filter_name, how in (("exact", {}), ("published", PUBLISHED)):
        for lesion, (own, slope) in REVERSAL_LESIONS.items():
            rows = []
            for i, share in enumerate(SHARES):
                rng = np.random.default_rng([8, i])
                outcomes = schedules.reversal(rng, runs(REVERSAL_RUNS, quick), share)
                course = watch(outcomes, 10**6 * i, **(REVERSAL | own | how))
                right = expit(slope * course.mean[..., 0])
                right[40:] = 1 - right[40:]
                rows.append([number(right[:40].mean(0)), number(right[40:].mean(0))])
            found[f"{filter_name}: {lesion}"] = rows
            found[f"{filter_name}: {lesion} course"] = course_of(right)  # of the last share, 1
    return found


def _flat(result: dict[str, Any], name: str) -> list[list[float]]:
    return [one for pair in result[name] for one in pair]


def claims_reversal(result: dict[str, Any]) -> list[Claim]:
    """The lesion hurts reversal more than acquisition."""
    fall = {lesion: difference(*result[f"exact: {lesion}"][-1]) for lesion in REVERSAL_LESIONS}
    names = "acquisition and reversal at p = .6, .7, .8, 1"
    rows = [
        near(
            f"Right choices, {names}: {who}",
            _flat(result, f"exact: {lesion}"),
            EXPECTED[lesion],
            0.02,
        )
        for lesion, who in (("control", "control"), ("lesion", "lesion (v = .01)"))
    ]
    return [
        *rows,
        Claim(
            "Acquisition - reversal at p = 1, control and lesion",
            "below .02; above .04",
            ", ".join(map(text, fall.values())),
            fall["control"][0] < 0.02 and fall["lesion"][0] > 0.04,
        ),
        *(
            near(
                f"Published program (moments not carried, likelihood floor): {lesion}",
                _flat(result, f"published: {lesion}"),
                _PUBLISHED[lesion],
                0.01,
            )
            for lesion in REVERSAL_LESIONS
        ),
    ]


def draw_reversal(result: dict[str, Any], folder: Path) -> list[Path]:
    """Right choices by share of rewards, beside those of monkeys; trial by trial at p = 1."""
    figure, axes = new_figure(3)
    for axis, name, rows in (
        (axes[0], "monkeys", MONKEYS),
        (axes[1], "model", {k: np.array(result[f"exact: {k}"])[..., 0] for k in MONKEYS}),
    ):
        for i, lesion in enumerate(REVERSAL_LESIONS):
            for j, phase in enumerate(("acquisition", "reversal")):
                axis.plot(
                    SHARES,
                    np.array(rows[lesion])[:, j],
                    STYLES[j],
                    color=COLORS[i],
                    marker="o",
                    ms=4,
                    lw=1.3,
                    label=f"{lesion}, {phase}",
                )
        axis.set_title(name, fontsize=9)
        axis.set_xlabel("share of rewards p")
        axis.set_ylim(0.48, 1.1)
        axis.set_yticks((0.5, 0.6, 0.7, 0.8, 0.9, 1.0))
    axes[0].set_ylabel("right choices")
    axes[1].legend(frameon=False, fontsize=6.5, loc="upper left", handlelength=4.0)
    for i, lesion in enumerate(REVERSAL_LESIONS):
        axes[2].plot(
            np.arange(1, 81),
            result[f"exact: {lesion} course"],
            color=COLORS[i],
            lw=1.3,
            label=lesion,
        )
    axes[2].axvline(40.5, **AXIS)
    axes[2].set_xlabel("trial")
    axes[2].set_title("model, p = 1", fontsize=9)
    return [save(figure, folder / "reversal.png")]


EXPERIMENTS = (
    Experiment(
        "serial-prediction",
        "Serial prediction: surprise and the amygdala as seat of volatility",
        measure_serial,
        claims_serial,
        draw_serial,
        {"filters": SERIAL_FILTERS, "options": SERIAL, "lesions": SERIAL_LESIONS},
    ),
    Experiment(
        "reversal",
        "Reversal learning: the lesion hurts reversals more than acquisition",
        measure_reversal,
        claims_reversal,
        draw_reversal,
        {"runs": REVERSAL_RUNS, "options": REVERSAL, "lesions": REVERSAL_LESIONS},
    ),
)
