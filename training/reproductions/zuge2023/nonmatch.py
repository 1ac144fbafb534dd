"""Delayed non-match by a recurrent network: both rules learn it at a similar cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....agents.perturbation.rules import node_gradient, node_noise, weight_gradient
from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from ..miconi_network import CONDITIONS, Network, Trial

Array = np.ndarray

#: Stimuli of 10 steps with pauses of 10, answer in the last 10; recurrent weights learn.
TRIAL = Trial(steps=50, stimulus=10, second=20, response=10)
UNITS, LEAK = 50, 0.2
PAIRS = 8  # antithetic, for each of the four conditions: 64 rollouts an update
SIGMA = {"WP": 0.005, "NP": 0.05}
STEP_NORMS = (0.3, 0.1, 0.03)  # of the weight change of an update
JUDGED = 0.1
SEEDS, UPDATES = 7, 400
CRITERION, TESTS = 0.95, 25  # test trials of each condition


def measure(quick: bool) -> dict[str, Any]:
    """Updates until 95 % of test trials are right, by rule, step norm and seed."""
    seeds, norms = (2, (JUDGED,)) if quick else (SEEDS, STEP_NORMS)
    return {
        rule: {str(norm): [_updates(rule, norm, seed) for seed in range(seeds)] for norm in norms}
        for rule in SIGMA
    }


def _updates(rule: str, norm: float, seed: int) -> int:
    """Updates to the criterion; one more than allowed where it is not reached."""
    network = Network(np.random.default_rng(seed), 2 * PAIRS, units=UNITS, leak=LEAK, shared=True)
    weights = network.recurrent
    for update in range(UPDATES + 1):
        if _right(network, seed, update) >= CRITERION:
            return update
        gradient = _weight_step(network) if rule == "WP" else _node_step(network)
        network.recurrent = weights
        weights -= norm / np.linalg.norm(gradient) * gradient
    return UPDATES + 1


def _right(network: Network, seed: int, update: int) -> float:
    """Share of undisturbed test trials with the right sign."""
    tester = Network(np.random.default_rng([seed, update]), TESTS, UNITS, leak=LEAK, shared=True)
    tester.recurrent, tester.input = network.recurrent, network.input
    share = []
    for condition in range(len(CONDITIONS)):
        played = tester.play(TRIAL.inputs(condition), tester.start(), None)
        answer = played.output(TRIAL).mean(1)
        share.append(float(np.mean(answer * TRIAL.target(condition) > 0)))
    return float(np.mean(share))


def _errors(network: Network, condition: int, kick: Array | None) -> tuple[Array, Array]:
    """Mean squared error / 2 of each rollout (2 PAIRS,), pairs one behind another; rates before."""
    start = np.repeat(network.start()[::2], 2, axis=0)  # a pair shares its luck
    played = network.play(TRIAL.inputs(condition), start, kick)
    distance = played.output(TRIAL).astype(float) - TRIAL.target(condition)
    return (distance**2).mean(1) / 2, played.before


def _weight_step(network: Network) -> Array:
    """One perturbation of a pair sees all conditions."""
    weights, sigma = network.recurrent, SIGMA["WP"]
    xi = node_noise(network.rng, (PAIRS, UNITS, UNITS), sigma, dtype=np.float32)
    both = np.stack([weights + xi, weights - xi], axis=1)
    network.recurrent = both.reshape(2 * PAIRS, UNITS, UNITS)
    total = sum(_errors(network, c, None)[0] for c in range(len(CONDITIONS)))
    pairs = np.asarray(total).reshape(PAIRS, 2)
    credit = (pairs[:, 0] - pairs[:, 1]) / 2 / PAIRS
    return weight_gradient(xi, credit.astype(np.float32), sigma)


def _node_step(network: Network) -> Array:
    """Noise of its own for each pair and condition."""
    gradient, sigma = np.zeros((UNITS, UNITS), np.float32), SIGMA["NP"]
    for condition in range(len(CONDITIONS)):
        xi = node_noise(network.rng, (PAIRS, TRIAL.steps, UNITS), sigma, dtype=np.float32)
        noise = np.stack([xi, -xi], axis=1).reshape(2 * PAIRS, TRIAL.steps, UNITS)
        error, before = _errors(network, condition, noise)
        pairs = error.reshape(PAIRS, 2)
        credit = ((pairs - pairs.mean(1, keepdims=True)) / (2 * PAIRS)).reshape(-1, 1)
        gradient += node_gradient(noise, before, credit.astype(np.float32), sigma).sum(0)
    return gradient


def claims(result: dict[str, Any]) -> list[Claim]:
    """Both reach the criterion in time, and neither takes much longer."""
    judged = {rule: np.array(found[str(JUDGED)]) for rule, found in result.items()}
    rows = [
        Claim(
            f"{rule}: updates to {CRITERION:.0%} right answers at step norm {JUDGED}, each seed",
            "at most 300",
            ", ".join(map(str, updates)),
            bool(updates.max() <= 300),
        )
        for rule, updates in judged.items()
    ]
    ratio = float(np.median(judged["NP"]) / np.median(judged["WP"]))
    return [
        *rows,
        Claim(
            "Median updates of NP over those of WP",
            "1/3 to 3",
            f"{ratio:.2f}",
            1 / 3 <= ratio <= 3,
        ),
    ]


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Updates of each seed, by step norm."""
    figure, (axis,) = new_figure(1, width=4.6)
    for i, (rule, found) in enumerate(result.items()):
        for j, updates in enumerate(found.values()):
            x = j + 0.22 * i - 0.11
            spread = x + np.linspace(-0.05, 0.05, len(updates))
            label = rule if j == 0 else None
            axis.plot(spread, updates, "o", color=COLORS[i], markersize=4, alpha=0.8, label=label)
            axis.plot([x - 0.09, x + 0.09], [np.median(updates)] * 2, color=COLORS[i], lw=2)
    axis.axhline(UPDATES + 1, **AXIS)
    place = {"xycoords": ("axes fraction", "data"), "ha": "right", "fontsize": 8}
    axis.annotate("not reached", (0.99, UPDATES - 14), **place)
    axis.set_xticks(range(len(next(iter(result.values())))), next(iter(result.values())))
    axis.set_xlabel("norm of an update's weight change")
    axis.set_ylabel("updates to 95 % right")
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False, fontsize=8)
    return [save(figure, folder / "nonmatch.png")]


NONMATCH = Experiment(
    "dnms",
    "Delayed non-match to sample: both rules learn it, at a similar cost",
    measure,
    claims,
    draw,
    {"units": UNITS, "pairs": PAIRS, "seeds": SEEDS, "updates": UPDATES},
)
