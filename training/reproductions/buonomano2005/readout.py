"""What can be read out of the code: elapsed time, and outputs of any course."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....agents.stable_timing import SETTINGS
from ....agents.stable_timing.measures import read, ridge, traces
from ...pictures import COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from .circuits import TESTS, TRIALS, answers, developed, numbers, texts

_SEEDS = (1, 2, 3)
_TIMES = np.arange(30.0, 87.0, 2.0)
_INSIDE = (_TIMES >= 35) & (_TIMES <= 78)
_TAU, _PENALTY, _TRAIN = 8.0, 10.0, 40
_LESSONS, _RATE = 100, 0.005  # rounds of the delta rule, and its rate
_BUMP, _PERIOD = 6.0, 25.0  # SD and period, ms


def _targets() -> np.ndarray:
    """Elapsed time, a bump, a sine, (K, 3)."""
    bump = np.exp(-0.5 * ((_TIMES - 56) / _BUMP) ** 2)
    return np.stack([_TIMES, bump, np.sin(2 * np.pi * _TIMES / _PERIOD)], axis=1)


def _measure(quick: bool) -> dict[str, Any]:
    seeds = _SEEDS[:1] if quick else _SEEDS
    circuit = developed("precise", seeds, TRIALS["precise"])
    found: dict[str, Any] = {"rmse": [], "bump": [], "sine": [], "delta": []}
    targets = _targets()
    for _, first in answers(circuit):
        x = traces(first, _TIMES, _TAU)
        wanted = np.broadcast_to(targets, (*x.shape[:2], targets.shape[1]))
        said = read(x[_TRAIN:], ridge(x[:_TRAIN], wanted[:_TRAIN], _PENALTY))
        found["rmse"].append(float(np.sqrt(np.mean((said - wanted[_TRAIN:])[..., 0] ** 2))))
        explained = _explained(said[:, _INSIDE], wanted[_TRAIN:][:, _INSIDE])
        found["bump"].append(explained[1])
        found["sine"].append(explained[2])
        taught = read(x[_TRAIN:], _delta_rule(x[:_TRAIN], wanted[:_TRAIN, :, 1:]))
        found["delta"].append(_explained(taught[:, _INSIDE], wanted[_TRAIN:, :, 1:][:, _INSIDE]))
        if "said" not in found:
            found["said"] = numbers([said.mean(0).T, said.std(0).T])
    return found


def _delta_rule(x: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """dw = eta ((y* - w x) x - lambda w) at every step of every trial, as a synapse could do it.

    lambda is the ridge's penalty, shared among the steps.
    """
    weights = np.zeros((x.shape[-1] + 1, targets.shape[-1]))
    keep = 1 - _RATE * _PENALTY / (x.shape[0] * x.shape[1])
    for _ in range(_LESSONS):
        for trial, wanted in zip(x, targets, strict=True):
            for features, y in zip(trial, wanted, strict=True):
                full = np.append(features, 1.0)
                weights = keep * weights + _RATE * np.outer(full, y - full @ weights)
    return weights


def _explained(said: np.ndarray, wanted: np.ndarray) -> list[float]:
    """R^2 of each output over trials and times."""
    error = ((said - wanted) ** 2).sum((0, 1))
    return (1 - error / ((wanted - wanted.mean((0, 1))) ** 2).sum((0, 1))).tolist()


def _claims(result: dict[str, Any]) -> list[Claim]:
    delta = np.array(result["delta"])
    return [
        Claim(
            "elapsed time, 30 to 86 ms, on trials that were not learned from",
            "RMSE 6 ms or less, every seed",
            texts(result["rmse"], ".1f") + " ms",
            max(result["rmse"]) <= 6,
        ),
        Claim(
            f"a bump of SD {_BUMP:g} ms, 35 to 78 ms",
            "R^2 0.85 or more, every seed",
            texts(result["bump"]),
            min(result["bump"]) >= 0.85,
        ),
        Claim(
            f"a sine of period {_PERIOD:g} ms, 35 to 78 ms",
            "R^2 0.7 or more, every seed",
            texts(result["sine"]),
            min(result["sine"]) >= 0.7,
        ),
        Claim(
            "bump and sine by the delta rule, synapse by synapse",
            "the same bounds",
            f"{texts(delta[:, 0])}; {texts(delta[:, 1])}",
            bool(delta[:, 0].min() >= 0.85 and delta[:, 1].min() >= 0.7),
        ),
    ]


def _draw(result: dict[str, Any], folder: Path) -> list[Path]:
    figure, axes = new_figure(3, width=10.2)
    middle, sd = np.array(result["said"])
    targets = _targets().T
    names = ("elapsed time (ms)", "bump", "sine")
    for axis, name, wanted, m, s in zip(axes, names, targets, middle, sd, strict=True):
        axis.plot(_TIMES, wanted, "--", color="0.4", label="target")
        axis.plot(_TIMES, m, color=COLORS[0], label="readout, mean")
        axis.fill_between(_TIMES, m - s, m + s, color=COLORS[0], alpha=0.2, lw=0, label="SD")
        axis.set(xlabel="time in the trial (ms)", ylabel=name)
    axes[0].legend(frameon=False, fontsize=8)
    return [save(figure, folder / "readout.png")]


EXPERIMENT = Experiment(
    "readout",
    "Reading time and arbitrary outputs from the code",
    _measure,
    _claims,
    _draw,
    {
        "settings": str(SETTINGS["precise"]),
        "trials": TRIALS["precise"],
        "tests": TESTS,
        "delta": [_LESSONS, _RATE],
        "seeds": _SEEDS,
    },
)
