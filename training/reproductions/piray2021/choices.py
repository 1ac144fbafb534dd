"""Anxiety in tasks with outcomes 0 and 1: accuracy, stay and shift, trait and learning rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit
from scipy.stats import spearmanr

from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from . import schedules
from .learner import (
    PUBLISHED,
    both,
    difference,
    median,
    near,
    number,
    rates,
    runs,
    text,
    watch,
    without,
)

Array = np.ndarray

OPTIONS = both(0.2, 0.1)
GROUPS: dict[str, dict[str, Any]] = {
    "control": {},
    "anxious": without("stochasticity", 0.05),
    "control, published": PUBLISHED,
    "anxious, published": PUBLISHED | without("stochasticity", 0.05),
}
RUNS = 1000

# -- switches between chances ------------------------------------------------------------------

AFTER = 10  # trials from a switch on that count as volatile
#: Medians of shares of 50 stable and 30 volatile trials: one trial more or less.
STEPS = (0.025, 0.035)


def switching_windows() -> tuple[Array, Array, Array]:
    """Trials with a better side (120,) bool, and which of them are stable and volatile."""
    chances = schedules.switching_chances()
    judged = chances != 0.5
    switches = np.flatnonzero(np.diff(chances[judged])) + 1
    volatile = schedules.blocks_after(switches, int(judged.sum()), AFTER)
    stable = ~volatile
    stable[:AFTER] = False
    return judged, stable, volatile


def measure_switching(quick: bool) -> dict[str, Any]:
    """Share of trials on which the expected side is the better one, medians over runs."""
    judged, stable, volatile = switching_windows()
    better = schedules.switching_chances()[judged, None] > 0.5
    outcomes = schedules.switching_task(np.random.default_rng(3), runs(RUNS, quick))
    found = {}
    for name, own in GROUPS.items():
        course = watch(outcomes, **(OPTIONS | own))
        right = (course.predicted[judged, :, 0] >= 0.5) == better
        found[name] = [median(right[window].mean(0)) for window in (stable, volatile)]
    return found


def claims_switching(result: dict[str, Any]) -> list[Claim]:
    """Anxious learners lose accuracy where nothing changes."""
    loss = [difference(c, a) for c, a in zip(result["control"], result["anxious"], strict=True)]
    return [
        near(
            "Accuracy when stable and volatile (medians), control",
            result["control"],
            (0.86, 0.767),
            STEPS,
        ),
        near(
            "... anxious (stochasticity lesion, s = .05)", result["anxious"], (0.80, 0.767), STEPS
        ),
        Claim(
            "... anxious learners are worse when stable, and as good when volatile",
            "loss above .03; below .03",
            ", ".join(map(text, loss)),
            loss[0][0] > 0.03 and abs(loss[1][0]) < 0.03,
        ),
        near(
            "Published program (moments not carried, likelihood floor): control, then anxious",
            result["control, published"] + result["anxious, published"],
            (0.86, 0.767, 0.80, 0.767),
            STEPS * 2,
        ),
    ]


# -- win-stay and lose-shift -------------------------------------------------------------------

BETA = 3.0


def stay_and_shift(chosen: Array, won: Array) -> tuple[Array, Array]:
    """Shares (n,) of wins after which a choice (T, n) was repeated, of losses after which not."""
    stayed, won = chosen[1:] == chosen[:-1], won[:-1]
    return (stayed & won).sum(0) / won.sum(0), (~stayed & ~won).sum(0) / (~won).sum(0)


def measure_huang(quick: bool) -> dict[str, Any]:
    """Choices by the expected outcome; wins by the sign of what came, and by what was paid."""
    outcomes = schedules.huang_task(np.random.default_rng(4), runs(RUNS, quick))
    luck = np.random.default_rng(5).random(outcomes.shape)
    found = {}
    for name, own in GROUPS.items():
        course = watch(outcomes, **(OPTIONS | own))
        chosen = luck < expit(BETA * 2 * (course.predicted[..., 0] - 0.5))
        # An outcome of 0 has noise of either sign around it.
        by_sign = np.where(chosen, outcomes, -outcomes) > 0
        by_pay = chosen == (outcomes > 0.5)
        found[name] = {
            "by sign": [number(one) for one in stay_and_shift(chosen, by_sign)],
            "by pay": [number(one) for one in stay_and_shift(chosen, by_pay)],
            "learning rate": number(rates(course).mean(0)),
        }
    return found


def _huang_row(result: dict[str, Any], group: str) -> list[list[float]]:
    return [*result[group]["by sign"], result[group]["learning rate"]]


def claims_huang(result: dict[str, Any]) -> list[Claim]:
    """Lose-shift rises, win-stay hardly."""
    control, anxious = result["control"], result["anxious"]
    stay, shift = (difference(anxious["by sign"][i], control["by sign"][i]) for i in (0, 1))
    paid_stay, paid_shift = (difference(anxious["by pay"][i], control["by pay"][i]) for i in (0, 1))
    return [
        near(
            "Win-stay, lose-shift, learning rate: control",
            _huang_row(result, "control"),
            (0.787, 0.348, 0.331),
            0.015,
        ),
        near(
            "... anxious (stochasticity lesion, s = .05)",
            _huang_row(result, "anxious"),
            (0.810, 0.488, 0.760),
            0.015,
        ),
        Claim(
            "Anxious - control: lose-shift and win-stay",
            ".14 (within .03); .02 (within .02)",
            f"{text(shift)}; {text(stay)}",
            abs(shift[0] - 0.14) <= 0.03 and abs(stay[0] - 0.02) <= 0.02,
        ),
        Claim(
            "... counted by what was paid (the paper counts by sign, and noise decides where "
            "nothing was paid)",
            "lose-shift rises more than win-stay",
            f"{text(paid_shift)}; {text(paid_stay)}",
            paid_shift[0] > paid_stay[0] > 0,
        ),
        near(
            "Published program (moments not carried, likelihood floor): control",
            _huang_row(result, "control, published"),
            (0.790, 0.347, 0.360),
            0.01,
        ),
        near(
            "... anxious",
            _huang_row(result, "anxious, published"),
            (0.810, 0.486, 0.765),
            0.01,
        ),
    ]


def draw_choices(result: dict[str, Any], folder: Path) -> list[Path]:
    """Win-stay, lose-shift and learning rate of both groups."""
    figure, (behaviour, learning) = new_figure(2, width=5.6, height=2.9)
    for i, group in enumerate(("control", "anxious")):
        for axis, numbers in (
            (behaviour, result[group]["by sign"]),
            (learning, [result[group]["learning rate"]]),
        ):
            x = np.arange(len(numbers)) + 0.36 * i - 0.18
            mean, error = np.array(numbers).T
            axis.bar(x, mean, yerr=error, width=0.32, color=COLORS[i], label=group)
    behaviour.set_xticks((0, 1), ("win-stay", "lose-shift"))
    behaviour.set_ylim(0, 1)
    learning.set_xticks((0,), ("learning rate",))
    learning.set_xlim(-0.8, 0.8)
    learning.set_ylim(0, 1)
    behaviour.legend(frameon=False, fontsize=8)
    return [save(figure, folder / "stay-and-shift.png")]


def draw_switching(result: dict[str, Any], folder: Path) -> list[Path]:
    """Accuracy of both groups when stable and volatile."""
    figure, (axis,) = new_figure(1, width=4.0, height=2.9)
    for i, group in enumerate(("control", "anxious")):
        mean, error = np.array(result[group]).T
        x = np.arange(2) + 0.36 * i - 0.18
        axis.bar(x, mean, yerr=error, width=0.32, color=COLORS[i], label=group)
    axis.set_xticks((0, 1), ("stable", "volatile"))
    axis.set_ylabel("accuracy (median)")
    axis.set_ylim(0.5, 1)
    axis.legend(frameon=False, fontsize=8)
    return [save(figure, folder / "switching.png")]


# -- trait -------------------------------------------------------------------------------------

STUDIES, SUBJECTS = 300, 30
TRAITS = (0.5, 1.0, 3.0)  # thirds of the subjects: about these
MOST_TRAIT = 4.0


def subjects(rng: np.random.Generator, studies: int) -> tuple[Array, Array]:
    """Drifts of volatility and stochasticity, (studies, 30); their ratio is the trait."""
    volatility = 0.2 * rng.random((studies, len(TRAITS), SUBJECTS // len(TRAITS)))
    least = 1 / MOST_TRAIT
    spread = 2 * (1 / np.array(TRAITS)[:, None] - least)
    ratio = least + spread * rng.random(volatility.shape)
    return (
        volatility.reshape(studies, SUBJECTS),
        (ratio * volatility).reshape(studies, SUBJECTS),
    )


def measure_trait(quick: bool) -> dict[str, Any]:
    """Rank correlation of trait and adaptation over the subjects of each study."""
    studies = runs(STUDIES, quick)
    rng = np.random.default_rng(6)
    volatility, stochasticity = subjects(rng, studies)
    outcomes = schedules.binary_volatility_task(rng, studies * SUBJECTS)
    course = watch(
        outcomes,
        initial_volatility=0.001,
        initial_stochasticity=0.001,
        volatility_drift=volatility.ravel(),
        stochasticity_drift=stochasticity.ravel(),
    )
    logs = np.log10(rates(course))
    change = logs[schedules.VOLATILE].mean(0) - logs[schedules.STABLE].mean(0)
    trait, change = volatility / stochasticity, change.reshape(studies, SUBJECTS)
    found = [spearmanr(a, b)[0] for a, b in zip(trait, change, strict=True)]
    return {
        "correlation": median(np.array(found)),
        "trait": trait[:3].ravel().tolist(),
        "change": change[:3].ravel().tolist(),
    }


def claims_trait(result: dict[str, Any]) -> list[Claim]:
    """The more volatility drifts beside stochasticity, the less learning adapts."""
    return [
        near(
            "Rank correlation of trait (drift of volatility over that of stochasticity) and the "
            f"rise of log learning rate in volatile blocks, median of studies with {SUBJECTS} "
            "subjects",
            [result["correlation"]],
            (-0.465,),
            0.06,
        )
    ]


def draw_trait(result: dict[str, Any], folder: Path) -> list[Path]:
    """Subjects of three studies."""
    figure, (axis,) = new_figure(1, width=4.4)
    axis.plot(result["trait"], result["change"], "o", color=COLORS[0], ms=4, alpha=0.7)
    axis.axhline(0, **AXIS)
    axis.set_xlabel("drift of volatility / drift of stochasticity")
    axis.set_ylabel("log10 learning rate,\nvolatile - stable")
    return [save(figure, folder / "trait.png")]


_COMMON = {"runs": RUNS, "options": OPTIONS, "groups": GROUPS}
EXPERIMENTS = (
    Experiment(
        "switching",
        "Anxiety: less accurate where chances are stable",
        measure_switching,
        claims_switching,
        draw_switching,
        _COMMON | {"after": AFTER},
    ),
    Experiment(
        "stay-and-shift",
        "Anxiety: shifting after losses",
        measure_huang,
        claims_huang,
        draw_choices,
        _COMMON | {"beta": BETA},
    ),
    Experiment(
        "trait",
        "Anxiety as a trait: learning adapts less",
        measure_trait,
        claims_trait,
        draw_trait,
        {"studies": STUDIES, "subjects": SUBJECTS, "traits": TRAITS},
    ),
)
