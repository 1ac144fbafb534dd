"""How well the traces of perturbation rules line up with the gradient of a random network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...agents.perturbation.rules import node_gradient
from ..pictures import AXIS, COLORS, new_figure, save
from ..reproduction import Claim, Experiment
from .miconi_network import HELD, Network, Played, Trial

Array = np.ndarray

UNITS, TRIALS = 50, 2000
NETWORKS, QUICK_NETWORKS = 10, 2
CONDITION = 1  # stimulus A, then B
#: A trial as long as seven time constants, with the proportions of the whole task.
TRIAL = Trial(steps=200, stimulus=40, second=80, response=40)
TRACES = ("node", "signed-square", "cubic", "identity")
_LABELS = {
    "node": "kicks\n(node perturbation)",
    "signed-square": "signed square",
    "cubic": "cubic",
    "identity": "identity",
}


def measure(quick: bool) -> dict[str, Any]:
    """Cosines with the negative gradient, by trace, of each network."""
    networks = QUICK_NETWORKS if quick else NETWORKS
    found = [alignment(seed) for seed in range(networks)]
    return {"cosine": {trace: [one[trace] for one in found] for trace in TRACES}}


def alignment(seed: int) -> dict[str, float]:
    """Cosine of each trace's sum over trials with the exact gradient, of one random network."""
    network = Network(np.random.default_rng(seed), TRIALS, units=UNITS, shared=True)
    inputs, target = TRIAL.inputs(CONDITION), TRIAL.target(CONDITION)
    start = np.repeat(network.start()[:1], TRIALS, axis=0)
    exact = _exact(network, inputs, start[:1], target)
    played = network.play(inputs, start, network.draw_kicks(TRIAL.steps))
    error = ((played.output(TRIAL).astype(float) - target) ** 2).mean(1) / 2
    credit = error - error.mean()
    return {trace: _cosine(_sum(played, trace, credit), exact) for trace in TRACES}


def _exact(network: Network, inputs: Array, start: Array, target: float) -> Array:
    """Gradient (N, N) at the undisturbed trial, in double precision."""
    calm = Network(np.random.default_rng(0), 1, network.units, shared=True, dtype=np.float64)
    calm.recurrent = network.recurrent.astype(float)
    calm.input = network.input.astype(float)
    return calm.gradient(calm.play(inputs, start.astype(float), None), TRIAL, target)[0]


def _sum(played: Played, trace: str, credit: Array) -> Array:
    """Credit times trace, summed over trials, (N, N)."""
    fluctuation, before = played.factors(trace)
    flat = fluctuation.reshape(-1, UNITS), before.reshape(-1, UNITS)
    each = np.repeat(credit, TRIAL.steps).astype(fluctuation.dtype)
    return node_gradient(*flat, each, 1.0)


def _cosine(a: Array, b: Array) -> float:
    a, b = (np.delete(m, list(HELD), axis=0).ravel().astype(float) for m in (a, b))
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def claims(result: dict[str, Any]) -> list[Claim]:
    """The supralinear traces follow the gradient, the identity does not."""
    bounds = {"node": 0.9, "signed-square": 0.75, "cubic": 0.75}
    rows = []
    for trace, values in result["cosine"].items():
        mean, error = np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values))
        lower = bounds.get(trace)
        rows.append(
            Claim(
                f"Alignment with the gradient, {_LABELS[trace].replace(chr(10), ' ')}",
                "cosine < 0.5" if lower is None else f"cosine > {lower}",
                f"{mean:.3f} +- {error:.3f}, {len(values)} networks",
                bool(mean < 0.5 if lower is None else mean > lower),
            )
        )
    return rows


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Each network a dot."""
    figure, (axes,) = new_figure(1, width=5.2)
    for i, values in enumerate(result["cosine"].values()):
        spread = np.linspace(-0.15, 0.15, len(values))
        axes.plot(i + spread, values, "o", color=COLORS[i], markersize=4, alpha=0.8)
        axes.plot([i - 0.25, i + 0.25], [np.mean(values)] * 2, color=COLORS[i], linewidth=2)
    axes.axhline(0, **AXIS)
    axes.set_xticks(range(len(TRACES)), [_LABELS[trace] for trace in TRACES], fontsize=8)
    axes.set_ylabel("cosine with the negative gradient")
    axes.set_ylim(-0.3, 1.05)
    return [save(figure, folder / "alignments.png")]


EXPERIMENT = Experiment(
    "supralinear",
    "A trace that does not know the noise must be supralinear",
    measure,
    claims,
    draw,
    {"units": UNITS, "trials": TRIALS, "networks": NETWORKS},
)
