"""Plain scaling against presynaptic-dependent scaling, where neurons can burst."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....agents.stable_timing import SETTINGS
from ...pictures import COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from .circuits import developed, numbers, texts

_SEEDS, _TRIALS, _LAST = (1, 2, 3), 700, 300
_RULES = ("presynaptic", "plain")


def _measure(quick: bool) -> dict[str, Any]:
    seeds = _SEEDS[:1] if quick else _SEEDS
    return {
        rule: numbers(developed("bursting", seeds, _TRIALS, rule=rule).history) for rule in _RULES
    }


def _claims(result: dict[str, Any]) -> list[Claim]:
    late = {rule: np.array(result[rule])[:, -_LAST:] for rule in _RULES}
    sd = {rule: late[rule].std(1) for rule in _RULES}
    mean, silent = late["presynaptic"].mean(1), (late["plain"] < 0.5).mean(1)
    return [
        Claim(
            f"presynaptic-dependent: SD over the last {_LAST} trials of spikes a neuron",
            "below 0.3, every seed",
            texts(sd["presynaptic"]),
            bool(sd["presynaptic"].max() < 0.3),
        ),
        Claim(
            "presynaptic-dependent: their mean (goal 1)",
            "0.8 to 1.1, every seed",
            texts(mean),
            bool(mean.min() >= 0.8 and mean.max() <= 1.1),
        ),
        Claim(
            "plain scaling, same circuits: SD",
            "above 1, every seed",
            texts(sd["plain"]),
            bool(sd["plain"].min() > 1),
        ),
        Claim(
            "plain scaling: trials that are nearly silent",
            "more than half, every seed",
            texts(silent),
            bool(silent.min() > 0.5),
        ),
    ]


def _draw(result: dict[str, Any], folder: Path) -> list[Path]:
    figure, axes = new_figure(2, width=8.4)
    for axis, rule in zip(axes, _RULES, strict=True):
        for i, row in enumerate(result[rule]):
            axis.plot(np.array(row), lw=0.8, color=COLORS[i], label=f"seed {_SEEDS[i]}")
        axis.set(xlabel="trial", ylabel="spikes of an E neuron", title=f"{rule} scaling")
        axis.set_yscale("symlog", linthresh=1)
        axis.set_ylim(0, 200)
    axes[0].legend(frameon=False, fontsize=8)
    return [save(figure, folder / "scaling.png")]


EXPERIMENT = Experiment(
    "scaling",
    "Plain scaling is unstable, presynaptic-dependent scaling is not",
    _measure,
    _claims,
    _draw,
    {"settings": str(SETTINGS["bursting"]), "seeds": _SEEDS, "trials": _TRIALS},
)
