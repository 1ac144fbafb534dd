"""Spiking networks draw a pattern: learned readout alone, random and symmetric feedback, BPTT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....agents import EProp
from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from . import tasks
from .networks import options

ITERATIONS, QUICK_ITERATIONS = 2000, 200
SEEDS, QUICK_SEEDS = 3, 1
TAU = 30.0
#: The published loss sums over the 1,000 steps where ours takes the mean.
SETTINGS = {
    **options(
        n_inputs=tasks.PATTERN_INPUTS,
        tau_membrane=TAU,
        tau_adaptation=TAU,  # LIF neurons have none
        threshold=float(0.03 / (1 - np.exp(-1 / TAU))),
        beta=0.0,
        readout=1.0,
    ),
    "network": "lif",
    "optimizer": "sgd",
    "learning_rate": 1e-4 * tasks.PATTERN_STEPS,
    "rate_coef": 300 / tasks.PATTERN_STEPS,
    "target_rate": 0.01,
    "feedback_gain": 0.1,
}
RULES: dict[str, dict[str, Any]] = {
    "e-prop, symmetric feedback": {"feedback": "symmetric"},
    "e-prop, random feedback": {"feedback": "random"},
    "readout only": {"gradient": "none"},
    "BPTT": {"gradient": "exact"},
}


def measure(quick: bool) -> dict[str, Any]:
    """Normalised errors of each rule and seed, and what the first seed's network draws."""
    seeds = QUICK_SEEDS if quick else SEEDS
    iterations = QUICK_ITERATIONS if quick else ITERATIONS
    found: dict[str, Any] = {"iterations": iterations, "rules": {}}
    for rule, own in RULES.items():
        runs = [_learned(own, seed, iterations) for seed in range(seeds)]
        found["rules"][rule] = {
            "errors": [run["errors"] for run in runs],
            "output": runs[0]["output"],
        }
        found["target"] = runs[0]["target"]
        if rule == "e-prop, symmetric feedback":
            found["spikes"] = runs[0]["spikes"]
    return found


def _learned(own: dict[str, Any], seed: int, iterations: int) -> dict[str, Any]:
    targets = tasks.pattern(seed)
    agent = EProp(targets, seed=seed, n_envs=1, **(SETTINGS | own))
    target = targets.targets[:, 0, 0]
    variance = float(((target - target.mean()) ** 2).sum())
    errors = []
    for _ in range(iterations):
        agent.update()
        output = agent.record["outputs"][:, 0, 0]
        errors.append(float(((output - target) ** 2).sum()) / variance)
    times, neurons = np.nonzero(agent.tape["z"][:, 0, 0])
    return {
        "errors": errors[:: max(iterations // 100, 1)] + errors[-1:],
        "output": output.tolist(),
        "target": target.tolist(),
        "spikes": [times.tolist(), neurons.tolist()],
    }


def claims(result: dict[str, Any]) -> list[Claim]:
    """Symmetric feedback best, random behind it, the readout alone far behind."""
    bounds = {
        "e-prop, symmetric feedback": ("< 0.06", lambda x: x < 0.06),
        "e-prop, random feedback": ("< 0.15", lambda x: x < 0.15),
        "readout only": ("> 0.3", lambda x: x > 0.3),
        "BPTT": ("shown beside e-prop", lambda x: True),
    }
    rows = []
    for rule, (expected, holds) in bounds.items():
        last = [errors[-1] for errors in result["rules"][rule]["errors"]]
        each = ", ".join(f"{value:.3f}" for value in last)
        rows.append(
            Claim(
                f"Pattern generation, {rule}: squared error over the pattern's variance after "
                f"{result['iterations']:,} iterations, median",
                expected,
                f"{np.median(last):.3f} (seeds: {each})",
                bool(holds(float(np.median(last)))),
            )
        )
    return rows


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """What is drawn, the spikes behind it, and the errors on the way."""
    figure, axes = new_figure(3, height=2.9)
    output, raster, curves = axes
    output.plot(result["target"], color="#222222", lw=2.5, alpha=0.4, label="target")
    for i, (rule, found) in enumerate(result["rules"].items()):
        if rule != "BPTT":
            output.plot(found["output"], color=COLORS[i], lw=1.0, label=rule)
        x = np.linspace(0, result["iterations"], len(found["errors"][0]))
        errors = np.array(found["errors"])
        curves.plot(x, np.median(errors, 0), color=COLORS[i], lw=1.4, label=rule)
        curves.fill_between(x, errors.min(0), errors.max(0), color=COLORS[i], alpha=0.15, lw=0)
    times, neurons = result["spikes"]
    raster.plot(times, neurons, "|", color="#222222", markersize=2, markeredgewidth=0.5)
    for axis in (output, raster):
        axis.set_xlabel("time (ms)")
    output.set_ylabel("output")
    raster.set_ylabel("neuron")
    raster.set_title("spikes, symmetric feedback", fontsize=9)
    curves.set_yscale("log")
    curves.axhline(1, **AXIS)
    curves.set_xlabel("iterations")
    curves.set_ylabel("error / variance")
    handles, labels = curves.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return [save(figure, folder / "patterns.png")]


EXPERIMENT = Experiment(
    "patterns",
    "Pattern generation by LIF neurons",
    measure,
    claims,
    draw,
    {"iterations": ITERATIONS, "seeds": SEEDS, "network": SETTINGS},
)
