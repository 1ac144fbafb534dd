"""Store and recall: a bit kept for a second or two while others go by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....agents import EProp
from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from . import tasks
from .networks import learn, options, shown

BATCH, GOAL = 64, 0.05
SEEDS, QUICK_SEEDS = 3, 1
ITERATIONS, QUICK_ITERATIONS = 300, 10
SETTINGS = {
    **options(
        n_inputs=4 * tasks.RECALL_INPUTS,
        tau_membrane=20.0,
        tau_adaptation=1200.0,
        threshold=0.6151,
        beta=0.02904,
        readout=1.0,
    ),
    "network": "alif",
    "adaptive_fraction": 0.4,
    "learning_rate": 2e-3,
    "rate_coef": 2.0,
    "target_rate": 0.01,
    "feedback_gain": 0.1,
}
RULES: dict[str, dict[str, Any]] = {
    "e-prop, random feedback": {"feedback": "random"},
    "e-prop, symmetric feedback": {"feedback": "symmetric"},
    "LIF only, symmetric feedback": {"network": "lif"},
}


def measure(quick: bool) -> dict[str, Any]:
    """Errors of each rule and seed until the goal, and one batch's first trial at the end."""
    found: dict[str, Any] = {}
    for rule, own in RULES.items():
        runs = []
        for seed in range(QUICK_SEEDS if quick else SEEDS):
            rng = np.random.default_rng([seed, 8])

            def stream(rng: np.random.Generator = rng):
                return tasks.store_recall(rng, BATCH)

            agent = EProp(stream(), seed=seed, n_envs=BATCH, **(SETTINGS | own))
            limit = QUICK_ITERATIONS if quick else ITERATIONS
            if rule.startswith("LIF"):
                limit //= 3
            runs.append(learn(agent, stream, limit, GOAL))
            if "trial" not in found:
                found["trial"] = shown(agent, 0)
        found[rule] = runs
    return found


def claims(result: dict[str, Any]) -> list[Claim]:
    """The bit is kept, and not without adaptation."""
    rows = []
    for rule in ("e-prop, random feedback", "e-prop, symmetric feedback"):
        reached = [run["reached"] for run in result[rule]]
        each = ", ".join("not" if r is None else str(r) for r in reached)
        rows.append(
            Claim(
                f"Store and recall, {rule}: mean error of 8 fresh batches below {GOAL:.0%}",
                f"every seed within {ITERATIONS} iterations",
                f"iterations {each}",
                all(r is not None for r in reached),
            )
        )
    errors = [float(np.mean(r["errors"][-20:])) for r in result["LIF only, symmetric feedback"]]
    rows.append(
        Claim(
            "Store and recall, LIF neurons alone: error of the last 20 of "
            f"{len(result['LIF only, symmetric feedback'][0]['errors'])} batches",
            "> 25 %",
            ", ".join(f"{value:.0%}" for value in errors),
            min(errors) > 0.25,
        )
    )
    return rows


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """One trial: inputs, spikes, outputs; and the errors."""
    figure, axes = new_figure(1, rows=4, width=6.4, height=6.2)
    inputs, raster, output, curves = axes
    trial = result["trial"]
    style = {"color": "#222222", "markersize": 1.5, "markeredgewidth": 0.4}
    inputs.plot(*trial["inputs"], "|", **style)
    names = ["bit 0", "bit 1", "store", "recall"]
    inputs.set_yticks([12, 37, 62, 87], names, fontsize=8)
    raster.plot(*trial["spikes"], "|", **style)
    raster.set_ylabel("neuron")
    values = np.array(trial["outputs"])
    for i in (0, 1):
        output.plot(
            5 * np.arange(len(values)), values[:, i], color=COLORS[i], lw=1.2, label=names[i]
        )
    output.set_ylabel("output")
    output.set_xlabel("time (ms)")
    output.legend(frameon=False, fontsize=8)
    for axis in (inputs, raster, output):
        axis.set_xlim(0, tasks.SLOTS * tasks.SLOT_STEPS)
    for i, rule in enumerate(RULES):
        for k, run in enumerate(result[rule]):
            label = rule if k == 0 else None
            curves.plot(run["errors"], color=COLORS[i], lw=1.0, label=label)
    for level in (GOAL, 0.5):
        curves.axhline(level, **AXIS)
    curves.set_xlabel("iterations of 64 trials")
    curves.set_ylabel("error")
    curves.set_ylim(top=1.0)  # room for the legend above the line of chance
    how = {"handlelength": 1.2, "columnspacing": 1.0, "handletextpad": 0.5}
    curves.legend(frameon=False, fontsize=7, ncols=3, loc="upper center", **how)
    return [save(figure, folder / "store-recall.png")]


EXPERIMENT = Experiment(
    "store-recall",
    "Store and recall",
    measure,
    claims,
    draw,
    {
        "batch": BATCH,
        "goal": GOAL,
        "seeds": SEEDS,
        "iterations": ITERATIONS,
        "network": SETTINGS,
        "rules": RULES,
    },
)
