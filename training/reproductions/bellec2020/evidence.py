"""Evidence accumulation: cues, a delay of a second, a decision; who bridges it and how fast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....agents import EProp
from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from . import tasks
from .networks import learn, options, shown, wrong

BATCH = 64
GOAL = 0.07  # mean error over eight batches of fresh trials
SEEDS, QUICK_SEEDS, SPARSE_SEEDS = 3, 1, 2
ITERATIONS = {"default": 800, "LIF only, random feedback": 200, "sparse, Dale, rewiring": 800}
QUICK_ITERATIONS = 12
TAU, TAU_ADAPTATION = 20.0, 2000.0
_DRIVE, _RISE = 1 - np.exp(-1 / TAU), 1 - np.exp(-1 / TAU_ADAPTATION)
SETTINGS = {
    **options(
        n_inputs=4 * tasks.GROUP,
        tau_membrane=TAU,
        tau_adaptation=TAU_ADAPTATION,
        threshold=0.6,
        beta=float(1.7 * _RISE / _DRIVE),
        readout=float(np.sqrt(2)),  # spread of Glorot's uniform law at 100 units and 2 outputs
    ),
    "network": "alif",
    "refractory": 5,
    "learning_rate": 5e-3,
    "rate_coef": 2.0,
    "target_rate": 0.01,
    "feedback_gain": 1.0,
}
RULES: dict[str, dict[str, Any]] = {
    "e-prop, random feedback": {"feedback": "random"},
    "e-prop, symmetric feedback": {"feedback": "symmetric"},
    "BPTT": {"gradient": "exact"},
    "LIF only, random feedback": {"feedback": "random", "network": "lif"},
    "sparse, Dale, rewiring": {
        "feedback": "random",
        "connectivity": 0.1,
        "excitatory": 0.8,
        "rewiring": True,
    },
}


def measure(quick: bool) -> dict[str, Any]:
    """Errors of each rule and seed until the goal; one trial of a trained network."""
    found: dict[str, Any] = {}
    for rule, own in RULES.items():
        runs = []
        seeds = SPARSE_SEEDS if rule == "sparse, Dale, rewiring" else SEEDS
        for seed in range(QUICK_SEEDS if quick else seeds):
            agent, stream = build(own, seed)
            limit = ITERATIONS.get(rule, ITERATIONS["default"])
            runs.append(learn(agent, stream, QUICK_ITERATIONS if quick else limit, GOAL))
            if rule == "e-prop, random feedback" and seed == 0:
                right = np.flatnonzero(~wrong(agent).any(0))
                found["trial"] = shown(agent, int(right[0]))
        found[rule] = runs
    return found


def build(own: dict[str, Any], seed: int) -> tuple[EProp, Any]:
    """An agent and its stream of fresh batches."""
    rng = np.random.default_rng([seed, 7])

    def stream():
        return tasks.evidence(rng, BATCH)

    return EProp(stream(), seed=seed, n_envs=BATCH, **(SETTINGS | own)), stream


def claims(result: dict[str, Any]) -> list[Claim]:
    """Adaptation bridges the delay, its absence does not, BPTT is not far ahead."""
    rows = []
    for rule in ("e-prop, random feedback", "e-prop, symmetric feedback"):
        reached = [run["reached"] for run in result[rule]]
        quickly = [r for r in reached if r is not None and r <= 700]
        rows.append(
            Claim(
                f"Evidence accumulation, {rule}: mean error of 8 fresh batches below {GOAL:.0%}",
                "most seeds within 700 iterations",
                f"{len(quickly)} of {len(reached)}: iterations {_each(reached)}",
                len(quickly) > len(reached) / 2,
            )
        )
    lif = [float(np.mean(run["errors"][-25:])) for run in result["LIF only, random feedback"]]
    rows.append(
        Claim(
            "LIF neurons alone fail: error of the last 25 batches after "
            f"{len(result['LIF only, random feedback'][0]['errors'])} iterations",
            "> 25 %",
            ", ".join(f"{value:.0%}" for value in lif),
            min(lif) > 0.25,
        )
    )
    ours, exact = (_median(result[rule]) for rule in ("e-prop, symmetric feedback", "BPTT"))
    each = _each([run["reached"] for run in result["BPTT"]])
    rows.append(
        Claim(
            "e-prop comes near BPTT: median iterations to criterion, e-prop (symmetric) over BPTT",
            "below 5",
            f"{ours / exact:.2f} ({ours:.0f} / {exact:.0f}; BPTT {each})",
            bool(ours / exact < 5),
        )
    )
    sparse = result["sparse, Dale, rewiring"]
    best = [float(min(_means(run["errors"]))) for run in sparse]
    rows.append(
        Claim(
            "80 % excitatory neurons, 10 % of the connections, rewiring: lowest mean error of 8 "
            f"fresh batches within {ITERATIONS['sparse, Dale, rewiring']:,} iterations",
            "< 10 %",
            ", ".join(f"{value:.1%}" for value in best),
            max(best) < 0.1,
        )
    )
    return rows


def _means(errors: list[float], window: int = 8) -> np.ndarray:
    if len(errors) < window:
        return np.array([np.mean(errors)])
    return np.convolve(errors, np.full(window, 1 / window), "valid")


def _median(runs: list[dict[str, Any]]) -> float:
    return float(np.median([run["reached"] or len(run["errors"]) for run in runs]))


def _each(reached: list[int | None]) -> str:
    return ", ".join("not" if r is None else str(r) for r in reached)


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Error against iterations, and one trial."""
    figure, (axis,) = new_figure(1, width=5.6, height=3.4)
    for i, rule in enumerate(RULES):
        for k, run in enumerate(result[rule]):
            means = _means(run["errors"], 16)
            label = rule if k == 0 else None
            axis.plot(np.arange(len(means)) + 16, means, color=COLORS[i], lw=1.1, label=label)
    for level in (GOAL, 0.5):
        axis.axhline(level, **AXIS)
    axis.set_xlabel("iterations of 64 trials")
    axis.set_ylabel("error, mean of 16 batches")
    axis.set_ylim(0, 0.6)
    axis.legend(frameon=False, fontsize=8)
    return [
        save(figure, folder / "evidence-learning.png"),
        save(_trial_figure(result["trial"]), folder / "evidence-trial.png"),
    ]


def _trial_figure(trial: dict[str, Any]) -> Any:
    figure, axes = new_figure(1, rows=3, width=6.4, height=4.6)
    inputs, raster, output = axes
    inputs.plot(*trial["inputs"], "|", color="#222222", markersize=2, markeredgewidth=0.5)
    inputs.set_yticks([5, 15, 25, 35], ["left", "right", "recall", "noise"], fontsize=8)
    times, neurons = (np.array(part) for part in trial["spikes"])
    for some, color in ((neurons < 50, COLORS[0]), (neurons >= 50, COLORS[1])):
        raster.plot(times[some], neurons[some], "|", color=color, markersize=2, markeredgewidth=0.5)
    raster.set_ylabel("neuron")
    raster.set_title("0-49: adaptive thresholds (ALIF), 50-99: LIF", fontsize=8)
    values = np.array(trial["outputs"])
    x = 5 * np.arange(len(values))
    for i, side in enumerate(("left", "right")):
        output.plot(x, values[:, i], color=COLORS[i + 2], lw=1.2, label=side)
    output.axvspan(tasks.EVIDENCE_STEPS - tasks.RECALL, tasks.EVIDENCE_STEPS, color="#eeeeee")
    output.set_ylabel("output")
    output.set_xlabel("time (ms)")
    output.legend(frameon=False, fontsize=8, loc=(0.7, 0.6))  # in the delay
    for axis in axes:
        axis.set_xlim(0, tasks.EVIDENCE_STEPS)
    return figure


EXPERIMENT = Experiment(
    "evidence",
    "Evidence accumulation",
    measure,
    claims,
    draw,
    {
        "batch": BATCH,
        "goal": GOAL,
        "seeds": [SEEDS, SPARSE_SEEDS],
        "iterations": ITERATIONS,
        "network": SETTINGS,
        "rules": RULES,
    },
)
