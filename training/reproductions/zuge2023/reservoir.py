"""Drawing with the readout of a fixed random network."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from ....agents.perturbation.lessons import Reduction, reduce_lesson
from ....agents.perturbation.readout import ReadoutLearner
from ....agents.perturbation.spectra import input_strengths, participation_ratio
from ...pictures import COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from .tasks import VANISHING

Array = np.ndarray

STEPS, UNITS, EXTERNAL, WARM_UP, TIME_CONSTANT = 500, 500, 5, 99, 10.0
NETWORKS = 3
TRIALS = 30_000
SIGMA = 5e-3
RULES = ("WP", "NP", "HP")
#: Trials after which the drawing is shown.
STAGES = (100, 1000, 10_000)
_RECORD = 100


def smooth_inputs(n: int, steps: int) -> Array:
    """Constant, sine, cosine, sine of twice the frequency, ...: (steps, n), mean square 1."""
    phase = 2 * np.pi * np.arange(steps) / steps
    courses = [np.ones(steps)]
    for harmonic in range(1, n):
        courses += [np.sin(harmonic * phase), np.cos(harmonic * phase)]
    basis = np.linalg.qr(np.stack(courses[:n], axis=1))[0] * np.sqrt(steps)
    return basis * np.sign(basis[1])  # QR leaves signs open


def butterfly() -> Array:
    """The curve to be drawn, (steps, 2)."""
    theta = 2 * np.pi * np.arange(STEPS) / (STEPS - 1)
    radius = 0.1 * (
        9 - np.sin(theta) + 2 * np.sin(3 * theta) + 2 * np.sin(5 * theta) - np.sin(7 * theta)
        + 3 * np.cos(2 * theta) - 2 * np.cos(4 * theta)
    )  # fmt: skip
    return np.stack([radius * np.cos(theta), radius * np.sin(theta)], axis=1)


def reservoir_activity(seed: int) -> Array:
    """Rates of a random network under periodic input, (steps, units)."""
    rng = np.random.default_rng(seed)
    inputs = smooth_inputs(EXTERNAL, STEPS)
    into = rng.normal(0, 1 / np.sqrt(EXTERNAL), (UNITS, EXTERNAL))
    recurrent = rng.standard_normal((UNITS, UNITS))
    recurrent /= np.linalg.eigvals(recurrent).real.max()
    keep = np.exp(-1 / TIME_CONSTANT)
    x, rates = np.zeros(UNITS), np.empty((STEPS, UNITS))
    for t in range(-WARM_UP, STEPS):
        x = keep * x + (1 - keep) * (into @ inputs[t] + recurrent @ np.tanh(x))
        if t >= 0:
            rates[t] = np.tanh(x)
    return rates


def measure(quick: bool) -> dict[str, Any]:
    """Errors of each rule on each network, drawings on the first."""
    networks, trials = (1, 3000) if quick else (NETWORKS, TRIALS)
    found: dict[str, Any] = {}
    spectra, least = [], []
    for seed in range(networks):
        rates = reservoir_activity(seed)
        reduced = reduce_lesson(rates, butterfly())
        strengths = input_strengths(rates)
        spectra.append([float(strengths.sum()), participation_ratio(strengths)])
        least.append(_least_squares(rates))
        for rule in RULES:
            for sigma in (VANISHING, SIGMA):
                one = found.setdefault(f"{rule} {sigma:g}", {"course": [], "tail": []})
                course, drawn = _learned(reduced, rule, sigma, trials, seed)
                one["course"].append(course.tolist())
                one["tail"].append(float(course[-len(course) // 10 :].mean()))
                if seed == 0:
                    one["drawn"] = drawn.tolist()
    return {"spectra": spectra, "least": least, "found": found}


def _learned(
    reduced: Reduction, rule: str, sigma: float, trials: int, seed: int
) -> tuple[Array, Array]:
    """Errors every so many trials, and the drawing (stages, steps / 5, 2)."""
    learner = ReadoutLearner(
        reduced.lesson, seed=seed, rule=rule, baseline="clean", output_sigma=sigma
    )
    course, drawn = [], []
    for stage in (*STAGES, trials):
        if stage > trials:
            break
        while learner.trial < stage:
            course.append(learner.learn(_RECORD, _RECORD)[0, 0])
        if stage in STAGES:
            drawn.append(reduced.output(learner.weights[0])[::5])
    return np.array(course), np.array(drawn)


def _least_squares(rates: Array, n: int = 5) -> float:
    """Error of the best readout of the n strongest latent inputs."""
    courses = np.linalg.svd(rates, full_matrices=False)[0][:, :n]
    target = butterfly()
    rest = target - courses @ (courses.T @ target)
    return float((rest**2).sum() / (2 * STEPS))


def claims(result: dict[str, Any]) -> list[Claim]:
    """Weight perturbation is better at finite noise; the hybrid suffers from weak inputs."""
    tail = {name: np.array(found["tail"]) for name, found in result["found"].items()}
    wp, np_ = tail[f"WP {SIGMA:g}"], tail[f"NP {SIGMA:g}"]
    hp, wp0 = tail[f"HP {VANISHING:g}"], tail[f"WP {VANISHING:g}"]
    trace, number = np.mean(result["spectra"], 0)
    return [
        _ratio(f"Final error of NP over that of WP, noise {SIGMA:g}", np_ / wp, 5),
        _ratio("Final error of HP over that of WP, noise -> 0", hp / wp0, 10),
        Claim(
            "WP and NP do better than the best readout of the five strongest inputs",
            f"below {np.mean(result['least']):.3f}",
            f"{wp.mean():.2g}, {np_.mean():.2g}",
            bool(max(wp.max(), np_.max()) < min(result["least"])),
        ),
        Claim(
            "Summed strength and effective number of the readout's inputs",
            "200 to 260; 4.5 to 6.5",
            f"{trace:.0f}; {number:.2f}",
            bool(200 < trace < 260 and 4.5 < number < 6.5),
        ),
    ]


def _ratio(text: str, ratios: Array, bound: float) -> Claim:
    each = ", ".join(f"{r:.3g}" for r in ratios)
    passed = bool(ratios.min() >= bound)
    return Claim(f"{text}, each network", f"at least {bound:g}", each, passed)


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Error curves, and drawings of the first network."""
    return [_draw_errors(result, folder), _draw_drawings(result, folder)]


def _draw_errors(result: dict[str, Any], folder: Path) -> Path:
    figure, axes = new_figure(2, share_y=True)
    for axis, sigma in zip(axes, (VANISHING, SIGMA), strict=True):
        for i, rule in enumerate(RULES):
            courses = np.array(result["found"][f"{rule} {sigma:g}"]["course"])
            n = np.arange(courses.shape[1]) * _RECORD + 1
            axis.plot(n, courses.T, color=COLORS[i], linewidth=0.6, alpha=0.5)
            axis.plot(n, np.exp(np.log(courses).mean(0)), color=COLORS[i], label=rule)
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel("trials")
        title = "vanishing noise" if sigma == VANISHING else f"noise {sigma:g}, clean baseline"
        axis.set_title(title, fontsize=9)
    axes[0].set_ylabel("error of the drawing")
    axes[0].legend(frameon=False, fontsize=8)
    return save(figure, folder / "reservoir-errors.png")


def _draw_drawings(result: dict[str, Any], folder: Path) -> Path:
    drawn = [result["found"][f"{rule} {SIGMA:g}"]["drawn"] for rule in RULES]
    stages = STAGES[: len(drawn[0])]
    figure, axes = new_figure(
        len(stages), rows=len(RULES), width=2.1 * len(stages), height=2.1 * len(RULES)
    )
    target = butterfly()
    panels = itertools.product(range(len(RULES)), range(len(stages)))
    for axis, (i, j) in zip(axes, panels, strict=True):
        axis.plot(*target.T, color="#bbbbbb", linewidth=3)
        axis.plot(*np.array(drawn[i][j]).T, color=COLORS[i], linewidth=1.3)
        axis.set_title(f"{RULES[i]}, {stages[j]:,} trials", fontsize=8)
        axis.set_aspect("equal")
        axis.set_axis_off()
    return save(figure, folder / "reservoir-drawings.png")


RESERVOIR = Experiment(
    "reservoir",
    "Drawing from a reservoir: weight perturbation is better at finite noise, the hybrid is poor",
    measure,
    claims,
    draw,
    {"networks": NETWORKS, "trials": TRIALS, "sigma": SIGMA},
)
