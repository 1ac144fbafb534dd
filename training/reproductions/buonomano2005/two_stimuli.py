"""Two stimuli in turn: two trajectories through the same neurons, and a more recurrent circuit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....agents.stable_timing import SETTINGS
from ....agents.stable_timing.measures import feedforward_index, recurrence_index
from ...pictures import COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from .circuits import TRIALS, answers, bystanders, codes, developed, numbers, texts

_SEEDS = (1, 2, 3)


def _measure(quick: bool) -> dict[str, Any]:
    seeds = _SEEDS[:1] if quick else _SEEDS
    found: dict[str, Any] = {}
    for stimuli in (1, 2):
        circuit = developed("precise", seeds, stimuli * TRIALS["precise"], stimuli)
        latencies = [
            [np.nanmean(first, 0) for _, first in answers(circuit, k)] for k in range(stimuli)
        ]
        found[f"feedforward_{stimuli}"] = [
            [
                feedforward_index(circuit.weights_ee[i], circuit.sources_ee[i], of[i])
                for of in latencies
            ]
            for i in range(circuit.n)
        ]
        if stimuli == 2:
            found["once"] = [[one.once for one in codes(circuit, k)] for k in range(2)]
            pairs = [[of[i][bystanders(circuit, i)] for of in latencies] for i in range(circuit.n)]
            found["correlation"] = [float(np.corrcoef(*pair)[0, 1]) for pair in pairs]
            found["latencies"] = numbers(pairs[0], 1)
    return found


def _claims(result: dict[str, Any]) -> list[Claim]:
    one = [values[0] for values in result["feedforward_1"]]
    two = [float(np.mean(values)) for values in result["feedforward_2"]]
    once = np.array(result["once"])
    return [
        Claim(
            "one stimulus: weight that leads from earlier to later neurons",
            "share above 0.70, every seed",
            texts(one),
            min(one) > 0.70,
        ),
        Claim(
            "two stimuli: the share is smaller, the circuit more recurrent",
            "by 0.05 or more, every seed",
            texts(two),
            min(a - b for a, b in zip(one, two, strict=True)) >= 0.05,
        ),
        Claim(
            "two stimuli: exactly one spike, for both",
            "0.95, every seed",
            f"{texts(once[0], '.3f')}; {texts(once[1], '.3f')}",
            bool(once.min() >= 0.95),
        ),
        Claim(
            "latencies of a neuron under the two stimuli are unrelated",
            "correlation within 0.3 of 0, every seed",
            texts(result["correlation"]),
            max(map(abs, result["correlation"])) < 0.3,
        ),
    ]


def _draw(result: dict[str, Any], folder: Path) -> list[Path]:
    figure, (left, right) = new_figure(2, width=7.6)
    left.plot(*result["latencies"], ".", ms=2.5, color=COLORS[0])
    left.set(xlabel="latency, stimulus 1 (ms)", ylabel="latency, stimulus 2 (ms)")
    for i, (one, two) in enumerate(
        zip(result["feedforward_1"], result["feedforward_2"], strict=True)
    ):
        values = [recurrence_index(float(np.mean(share))) for share in (one, two)]
        right.plot([1, 2], values, "o-", color=COLORS[i], label=f"seed {_SEEDS[i]}")
    right.set(xlabel="stimuli", ylabel="recurrence index", xlim=(0.7, 2.3), ylim=(0, 1))
    right.set_xticks([1, 2])
    right.legend(frameon=False, fontsize=8, loc="lower right")
    return [save(figure, folder / "stimuli.png")]


EXPERIMENT = Experiment(
    "stimuli",
    "Two trajectories in one circuit (Liu & Buonomano 2009)",
    _measure,
    _claims,
    _draw,
    {"settings": str(SETTINGS["precise"]), "seeds": _SEEDS, "trials": TRIALS["precise"]},
)
