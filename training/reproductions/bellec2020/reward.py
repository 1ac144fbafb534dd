"""Reward-based e-prop beside BPTT on the same network, PPO and RecurrentPPO, on three tasks."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...curves import CPU, STEPS, read_curve
from ...evaluation import yardsticks
from ...pictures import AXIS, COLORS, new_figure, save
from ...presets import find_preset
from ...reproduction import Claim, Experiment
from ...runs import Run
from ...trainer import train

WAY = 0.9  # of the way from chance to optimum, where a run ends
SEEDS, QUICK_SEEDS = 2, 1
QUICK_LIMIT = 5.0


@dataclass(frozen=True)
class Learner:
    """One curve of the figure.

    Attributes:
        agent: its name and the preset that it takes.
        options: over the preset's.
        cpu_limit: CPU-seconds of learning a run.
    """

    agent: str
    label: str
    cpu_limit: float
    options: Mapping[str, Any] = field(default_factory=dict)


LEARNERS = (
    Learner("eprop", "e-prop", 45.0),
    Learner("eprop", "BPTT, same network", 45.0, {"gradient": "exact"}),
    Learner("ppo", "PPO (memoryless)", 20.0),
    Learner("recurrent-ppo", "RecurrentPPO (LSTM)", 30.0),
)
TASKS = {
    "caudate/EvidenceAccumulation-v0": "evidence accumulation",
    "caudate/DelayedGoal-v0": "delayed goal",
    "caudate/Pong-v0": "small Pong",
}


def measure(quick: bool) -> dict[str, Any]:
    """Runs of every learner on every task, until the goal or the CPU limit."""
    found: dict[str, Any] = {}
    for task in TASKS:
        marks = yardsticks(task, {})
        goal = marks["chance"] + WAY * (marks["optimum"] - marks["chance"])
        found[task] = {
            "marks": marks,
            "goal": goal,
            "learners": {one.label: _runs(one, task, goal, quick) for one in LEARNERS},
        }
    return found


def _runs(learner: Learner, task: str, goal: float, quick: bool) -> list[dict[str, Any]]:
    runs = []
    for seed in range(QUICK_SEEDS if quick else SEEDS):
        with tempfile.TemporaryDirectory() as folder:
            result = train(
                learner.agent,
                task,
                options=dict(learner.options),
                seed=seed,
                steps=1_000_000_000,
                until=goal,
                cpu_limit=QUICK_LIMIT if quick else learner.cpu_limit,
                out=folder,
                wandb="off",
                progress=False,
                say=lambda text: None,
            )
            curve = read_curve(Run(result.path))
            confirmed = result.result["confirmed"]
            runs.append(
                {
                    "reached": bool(result.result["reached"]),
                    "steps": result.result["timesteps"],
                    "cpu_seconds": result.result["cpu_seconds"],
                    "score": confirmed["value"],
                    "curve": None
                    if curve is None
                    else [curve.x[STEPS].tolist(), curve.x[CPU].tolist(), curve.score.tolist()],
                }
            )
    return runs


def claims(result: dict[str, Any]) -> list[Claim]:
    """What e-prop reaches on each task, and the others beside it."""
    rows = []
    for task, found in result.items():
        title, learners = TASKS[task], found["learners"]
        reached = sum(run["reached"] for run in learners["e-prop"])
        n = len(learners["e-prop"])
        rows.append(
            Claim(
                f"Reward-based e-prop learns {title}: {WAY:.0%} of the way from chance "
                f"({found['marks']['chance']:.3f}) to optimum, within "
                f"{LEARNERS[0].cpu_limit:g} CPU-s",
                "most seeds",
                f"{reached} of {n}; {_cost(learners['e-prop'])}",
                reached > n / 2,
            )
        )
        ours, exact = (_way(found, label) for label in ("e-prop", "BPTT, same network"))
        others = "; ".join(
            f"{label} {_way(found, label):.0%} ({_cost(runs)})" for label, runs in learners.items()
        )
        rows.append(
            Claim(
                f"{title.capitalize()}: e-prop keeps up with BPTT through the same network",
                "> 80 % of its gain over chance",
                f"median way to the optimum: {others}",
                ours > 0.8 * exact,
            )
        )
    return rows


def _way(found: Mapping[str, Any], label: str) -> float:
    """Median share of the way from chance to optimum."""
    marks = found["marks"]
    score = float(np.median([run["score"] for run in found["learners"][label]]))
    return (score - marks["chance"]) / (marks["optimum"] - marks["chance"])


def _cost(runs: list[dict[str, Any]]) -> str:
    steps = float(np.median([run["steps"] for run in runs]))
    seconds = float(np.median([run["cpu_seconds"] for run in runs]))
    return f"{steps / 1e6:.2f} M steps, {seconds:.1f} CPU-s"


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Scores against CPU-seconds, every run a line."""
    figure, axes = new_figure(len(result), width=7.4, height=3.2)
    for axis, (task, found) in zip(axes, result.items(), strict=True):
        marks = found["marks"]
        for i, (label, runs) in enumerate(found["learners"].items()):
            for k, run in enumerate(runs):
                if run["curve"] is not None:
                    _, seconds, score = run["curve"]
                    axis.plot(
                        seconds, score, color=COLORS[i], lw=1.2, label=label if k == 0 else None
                    )
        for name in ("chance", "optimum"):
            axis.axhline(marks[name], **AXIS)
        axis.set_xscale("log")
        axis.set_title(TASKS[task], fontsize=9)
        axis.set_xlabel("CPU-seconds of learning")
    axes[0].set_ylabel("score")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return [save(figure, folder / "reward.png")]


EXPERIMENT = Experiment(
    "reward",
    "Learning from reward",
    measure,
    claims,
    draw,
    {
        "seeds": SEEDS,
        "way": WAY,
        "learners": [[one.agent, one.label, one.cpu_limit, one.options] for one in LEARNERS],
        "presets": {
            task: {one.agent: find_preset(one.agent, task).options for one in LEARNERS}
            for task in TASKS
        },
    },
)
