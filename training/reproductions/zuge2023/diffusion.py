"""Weights that do not matter: they diffuse under weight perturbation only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....agents.perturbation.readout import ReadoutLearner
from ....agents.perturbation.theory import Scheme, Setting, course, idle_plateau, initial_excess
from ...pictures import COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from .tasks import VANISHING, repeated_task, target_square, within

SETTING = Setting(n_outputs=4, n_task=10, n_steps=40, strength=4.0, unreachable_error=0.5)
IDLE = 30  # inputs
SIGMA = 0.05
DECAY = 0.99
N, EVERY = 1200, 20
#: Label -> options of the learner.
CASES: dict[str, dict[str, Any]] = {
    "WP, noise -> 0": {"rule": "WP", "output_sigma": VANISHING},
    f"WP, noise {SIGMA}": {"rule": "WP", "output_sigma": SIGMA},
    f"WP, noise {SIGMA}, decay {DECAY}": {"rule": "WP", "output_sigma": SIGMA, "decay": DECAY},
    f"NP, noise {SIGMA}": {"rule": "NP", "output_sigma": SIGMA},
}


def measure(quick: bool) -> dict[str, Any]:
    """Mean square of irrelevant weights, pooled over runs, and their largest change."""
    runs = 40 if quick else 300
    found = {}
    for name, options in CASES.items():
        learner = ReadoutLearner(
            repeated_task(SETTING, IDLE), n_runs=runs, seed=0, baseline="clean", **options
        )
        squares, largest = [0.0], 0.0
        for _ in range(N // EVERY):
            for _ in range(EVERY):
                learner.step()
            idle = learner.weights[..., SETTING.n_task :]
            squares.append(float(np.mean(idle**2)))
            largest = max(largest, float(np.abs(idle).max()))
        found[name] = {"variance": squares, "largest": largest}
    return {"weights": runs * IDLE * SETTING.n_outputs, "found": found}


def _theory(name: str) -> np.ndarray:
    options = CASES[name]
    scheme = Scheme(options["rule"], output_sigma=options["output_sigma"])
    found = course(SETTING, scheme, target_square(SETTING), N, decay=options.get("decay", 1.0))
    return found.idle_variance[::EVERY]


def claims(result: dict[str, Any]) -> list[Claim]:
    """Plateau without noise, a slope with it, an end to it by decay, and none for NP."""
    found = result["found"]
    rows = []
    vanishing, noisy, decaying, node = CASES
    last = found[vanishing]["variance"][-1]
    rows.append(within(f"{vanishing}: variance at the end", last, _theory(vanishing)[-1], 0.05))
    plateau = idle_plateau(SETTING, initial_excess(SETTING, target_square(SETTING)))
    rows.append(within(f"{vanishing}: the plateau |w*|^2 / (k + 2)", last, plateau, 0.05))
    half = N // EVERY // 2
    measured, expected = (
        (v[-1] - v[half]) / (N // 2) for v in (found[noisy]["variance"], _theory(noisy).tolist())
    )
    text = f"{noisy}: late growth of the variance a trial"
    rows.append(within(text, measured, expected, 0.05))
    last = np.mean(found[decaying]["variance"][half:])
    rows.append(within(f"{decaying}: variance", float(last), _theory(decaying)[half:].mean(), 0.05))
    largest = found[node]["largest"]
    rows.append(Claim(f"{node}: largest change", "below 1e-12", f"{largest:.1g}", largest < 1e-12))
    return rows


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Standard deviation of irrelevant weights against trials."""
    figure, (axis,) = new_figure(1, width=5.2)
    n = np.arange(0, N + 1, EVERY)
    for i, (name, found) in enumerate(result["found"].items()):
        axis.plot(n, np.sqrt(_theory(name)), color=COLORS[i])
        axis.plot(n[::4], np.sqrt(found["variance"])[::4], "o", color=COLORS[i], ms=4, label=name)
    axis.set_xlabel("trials")
    axis.set_ylabel("std of irrelevant weights (lines: theory)")
    axis.set_ylim(-0.005, None)
    axis.legend(frameon=False, fontsize=8)
    return [save(figure, folder / "diffusion.png")]


DIFFUSION = Experiment(
    "diffusion",
    "Irrelevant weights diffuse under weight perturbation only",
    measure,
    claims,
    draw,
    {"setting": SETTING, "idle": IDLE, "sigma": SIGMA, "runs": 300, "trials": N},
)
