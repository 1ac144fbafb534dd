"""Miconi (2017): delayed non-match to sample, learned from one number a trial.

Node perturbation correlates reward with the kicks themselves; Miconi's rule sees the activity alone
and must be supralinear to tell kicks from the slow relaxation after them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..pictures import AXIS, COLORS, new_figure, save
from ..reproduction import Claim, Experiment, Paper
from . import alignments
from .miconi_network import CONDITIONS, RULES, TARGET, Network, Trial, learn

Array = np.ndarray

TRIAL = Trial()
SEEDS = 5
TRIALS = {"node": 3000, "cubic": 8000, "identity": 8000}
QUICK_SEEDS, QUICK_TRIALS = 2, {"node": 600, "cubic": 600, "identity": 600}
#: Trials over which the share of right answers is taken.
WINDOW = 200
BLOCK = 100  # of the learning curves
_NAMES = {
    "node": "node perturbation",
    "cubic": "cubic trace",
    "identity": "linear trace",
}


def measure(quick: bool) -> dict[str, Any]:
    """Learning of each rule, all seeds at a time, and outputs before and after."""
    seeds = QUICK_SEEDS if quick else SEEDS
    trials = QUICK_TRIALS if quick else TRIALS
    return {rule: _learned(rule, seeds, n) for rule, n in trials.items()}


def _learned(rule: str, seeds: int, n_trials: int) -> dict[str, Any]:
    network = Network(np.random.default_rng(0), seeds)  # the same networks for every rule
    before = _outputs(network)
    course = learn(network, TRIAL, RULES[rule], n_trials)
    blocks = {key: values.reshape(-1, BLOCK, seeds).mean(1) for key, values in course.items()}
    return {
        "trials": n_trials,
        "final": course["right"][-WINDOW:].mean(0).tolist(),
        "right": blocks["right"].tolist(),
        "error": blocks["error"].tolist(),
        "before": before.tolist(),
        "after": _outputs(network).tolist(),
    }


def _outputs(network: Network, every: int = 10) -> Array:
    """Outputs of the first network in undisturbed trials, (conditions, T / every)."""
    start = np.zeros((network.runs, network.units), network.dtype)
    played = [network.play(TRIAL.inputs(c), start, None) for c in range(len(CONDITIONS))]
    return np.array([one.rates[0, ::every, 0] for one in played])


def claims(result: dict[str, Any]) -> list[Claim]:
    """Who learns the task, and who does not."""
    # The median: a network that never finds the task (they exist) is a matter of luck, and told.
    share = {rule: float(np.median(found["final"])) for rule, found in result.items()}

    def row(rule: str, expected: str, passed: bool) -> Claim:
        found = result[rule]
        each = ", ".join(f"{value:.2f}" for value in found["final"])
        return Claim(
            f"Right signs of the output, {_NAMES[rule]}, last {WINDOW} of {found['trials']:,} "
            "trials, median over seeds",
            expected,
            f"{share[rule]:.1%} (seeds: {each})",
            passed,
        )

    return [
        row("node", ">= 95 %", share["node"] >= 0.95),
        row("cubic", ">= 90 %", share["cubic"] >= 0.90),
        row(
            "identity", "15 points below the cubic trace", share["identity"] < share["cubic"] - 0.15
        ),
    ]


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Learning curves, and the outputs of one network before and after."""
    return [
        save(_curves(result), folder / "learning-curves.png"),
        save(_traces(result["cubic"]), folder / "outputs.png"),
    ]


def _curves(result: Mapping[str, Any]) -> Any:
    figure, axes = new_figure(2)
    for i, (rule, found) in enumerate(result.items()):
        x = (np.arange(len(found["right"])) + 0.5) * BLOCK
        for axis, key in zip(axes, ("right", "error"), strict=True):
            values = np.array(found[key])
            axis.plot(x, np.median(values, 1), color=COLORS[i], label=_NAMES[rule])
            axis.fill_between(x, values.min(1), values.max(1), color=COLORS[i], alpha=0.15, lw=0)
    axes[0].axhline(0.5, **AXIS)
    axes[0].set_ylabel(f"right signs, blocks of {BLOCK}")
    axes[1].set_ylabel("distance from the target")
    for axis in axes:
        axis.set_xlabel("trials")
        axis.set_ylim(bottom=0)
    axes[0].legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def _traces(found: Mapping[str, Any]) -> Any:
    figure, axes = new_figure(2, share_y=True)
    response = (TRIAL.steps - TRIAL.response, TRIAL.steps)
    for axis, when in zip(axes, ("before", "after"), strict=True):
        for i, (first, second) in enumerate(CONDITIONS):
            output = found[when][i]
            x = np.linspace(0, TRIAL.steps, len(output), endpoint=False)
            axis.plot(x, output, color=COLORS[i], label=f"{'AB'[first]} then {'AB'[second]}")
        for onset in (0, TRIAL.second):
            axis.axvspan(onset, onset + TRIAL.stimulus, color="#eeeeee", zorder=-1)
        for target in (TARGET, -TARGET):
            axis.plot(response, (target, target), color="#222222", linewidth=2.5, zorder=0)
        axis.set_xlabel("time in the trial (ms)")
        axis.set_title(f"{when} learning", fontsize=9)
    axes[0].set_ylabel("output")
    handles, labels = axes[1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


PAPER = Paper(
    "miconi2017",
    "Miconi (2017): delayed non-match by a reward-modulated Hebbian rule",
    "Miconi (2017), Biologically plausible learning in recurrent neural networks reproduces neural "
    "dynamics observed during cognitive tasks, eLife 6:e20899, doi:10.7554/eLife.20899",
    12.0,
    (
        Experiment(
            "nonmatch",
            "Delayed non-match to sample",
            measure,
            claims,
            draw,
            {"seeds": SEEDS, "trials": TRIALS, "window": WINDOW},
        ),
        alignments.EXPERIMENT,
    ),
)
