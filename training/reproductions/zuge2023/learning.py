"""Repeated inputs: learning curves, floors, baselines, correlated noise."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ....agents.perturbation.readout import ReadoutLearner
from ....agents.perturbation.theory import (
    Baseline,
    Rule,
    Scheme,
    Setting,
    error_factor,
    excess_after,
    final_excess,
    initial_excess,
)
from ...pictures import AXIS, COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from .tasks import VANISHING, decay_rate, mean_and_error, repeated_task, target_square, within

#: The authors' defaults with half of the inputs relevant, and a smaller task.
LARGE = Setting(n_outputs=10, n_task=50, n_steps=100, strength=2.0, unreachable_error=2.0)
SMALL = Setting(n_outputs=4, n_task=10, n_steps=40, strength=4.0)
SIGMA = 0.04
SIGMAS = (VANISHING, SIGMA)
RULES: tuple[Rule, ...] = ("WP", "NP")


def learned(
    setting: Setting, n_trials: int, runs: int, every: int, idle: int = 0, seed: int = 0,
    **options: Any,
) -> np.ndarray:  # fmt: skip
    """Excess errors (n_records, R) of a learner of the repeated task."""
    learner = ReadoutLearner(repeated_task(setting, idle), n_runs=runs, seed=seed, **options)
    return learner.learn(n_trials, every) - setting.unreachable_error


# -- curves ------------------------------------------------------------------------------------


def measure_curves(quick: bool) -> dict[str, Any]:
    """Curves with and without finite noise, and decay rates for other T and with idle inputs."""
    runs, n, every = (12, 600, 20) if quick else (60, 2400, 20)
    curves = {}
    for rule, sigma in itertools.product(RULES, SIGMAS):
        options = {"rule": rule, "output_sigma": sigma, "baseline": "clean"}
        found = learned(LARGE, n, runs, every, **options)
        curves[f"{rule} {sigma:g}"] = [found.mean(1).tolist(), _error(found).tolist()]
    reachable = replace(LARGE, unreachable_error=0.0)
    rates = {}
    for rule in RULES:
        for name, setting, idle in (
            ("100 steps, no idle inputs", reachable, 0),
            ("400 steps", replace(reachable, n_steps=400), 0),
            ("50 idle inputs", reachable, 50),
        ):
            options = {"rule": rule, "output_sigma": VANISHING, "baseline": "clean"}
            found = learned(setting, 1001, runs, 100, idle, seed=1, **options)
            rates[f"{rule}, {name}"] = decay_rate(found, 100)
    return {"every": every, "curves": curves, "rates": rates}


def _error(found: np.ndarray) -> np.ndarray:
    return found.std(1, ddof=1) / np.sqrt(found.shape[1])


def claim_curves(result: dict[str, Any]) -> list[Claim]:
    """Equal rates whatever T and idle inputs; curves on theory."""
    expected = -np.log(error_factor(LARGE, Scheme("WP")))
    rows = [
        within(f"Decay of the excess error a trial, {name}", rate, expected, 0.05, error)
        for name, (rate, error) in result["rates"].items()
    ]
    for rule, sigma in itertools.product(RULES, SIGMAS):
        mean, error = result["curves"][f"{rule} {sigma:g}"]
        theory = _theory(rule, sigma, np.arange(len(mean)) * result["every"])
        off = np.abs(np.array(mean) - theory)[1:] / np.array(error)[1:]
        rows.append(
            Claim(
                f"Learning curve, {rule}, noise {'-> 0' if sigma == VANISHING else sigma}",
                "within 4 standard errors of theory",
                f"at most {off.max():.1f}",
                bool(off.max() <= 4),
            )
        )
    return rows


def _theory(rule: Rule, sigma: float, n: np.ndarray) -> np.ndarray:
    scheme = Scheme(rule, output_sigma=sigma)
    return excess_after(LARGE, scheme, initial_excess(LARGE, target_square(LARGE)), n)


def draw_curves(result: dict[str, Any], folder: Path) -> list[Path]:
    """Simulated points on theory's lines."""
    figure, axes = new_figure(2, share_y=True)
    optimum = LARGE.unreachable_error
    for axis, sigma in zip(axes, SIGMAS, strict=True):
        for i, rule in enumerate(RULES):
            mean, error = (np.array(part) for part in result["curves"][f"{rule} {sigma:g}"])
            n = np.arange(len(mean)) * result["every"]
            axis.plot(
                n, optimum + _theory(rule, sigma, n), color=COLORS[i], label=f"{rule}, theory"
            )
            axis.errorbar(
                n[::6], optimum + mean[::6], 2 * error[::6], fmt="o", markersize=3.5,
                color=COLORS[i], label=f"{rule}, simulation (2 s.e.)", linewidth=1,
            )  # fmt: skip
        axis.axhline(optimum, **AXIS)
        axis.set_xlabel("trials")
        axis.set_title("vanishing noise" if sigma == VANISHING else f"noise {sigma}", fontsize=9)
    axes[0].set_ylabel("error")
    axes[0].set_ylim(bottom=0)
    axes[0].annotate(
        "least error", (0, optimum), xytext=(2, -9), textcoords="offset points", fontsize=8
    )
    axes[1].legend(frameon=False, fontsize=8)
    return [save(figure, folder / "learning-curves.png")]


CURVES = Experiment(
    "learning-curves",
    "Weight and node perturbation learn repeated inputs equally fast",
    measure_curves,
    claim_curves,
    draw_curves,
    {"setting": LARGE, "sigma": SIGMA, "runs": 60, "trials": 2400},
)


# -- floors ------------------------------------------------------------------------------------


def measure_floors(quick: bool) -> dict[str, Any]:
    """Final excess errors: finite noise with a reachable target, vanishing noise with E_opt."""
    runs, n = (8, 5000) if quick else (24, 8000)
    reachable = replace(LARGE, unreachable_error=0.0)
    found: dict[str, Any] = {}
    for rule in RULES:
        for name, setting, sigma in (
            ("noise", reachable, SIGMA),
            ("residual", LARGE, VANISHING),
        ):
            options = {"rule": rule, "output_sigma": sigma, "baseline": "clean"}
            tail = learned(setting, n, runs, 10, **options)[-n // 20 :]
            found[f"{rule} {name}"] = mean_and_error(tail.mean(0))
    return found


def claim_floors(result: dict[str, Any]) -> list[Claim]:
    """What noise and what an unreachable target leave."""
    reachable = replace(LARGE, unreachable_error=0.0)
    rows = []
    for rule in RULES:
        expected = final_excess(reachable, Scheme(rule, output_sigma=SIGMA))
        mean, error = result[f"{rule} noise"]
        text = f"{rule}: excess error that noise {SIGMA} leaves"
        rows.append(within(text, mean, expected, 0.05, error))
    ratio = result["NP noise"][0] / result["WP noise"][0]
    expected = LARGE.n_steps / LARGE.n_task
    text = "Floor of NP over that of WP: about T / N_eff"
    rows.append(within(text, ratio, expected, 0.1))
    mean, error = result["NP residual"]
    optimum, k = LARGE.unreachable_error, LARGE.k
    text = "NP, noise -> 0: final error, about twice the least error"
    rows.append(within(text, optimum + mean, optimum * (1 + k / (k + 2)), 0.03, error))
    mean, error = result["WP residual"]
    text = "WP, noise -> 0: final error, the least error"
    rows.append(within(text, optimum + mean, optimum, 0.01, error))
    return rows


FLOORS = Experiment(
    "floors",
    "Weight perturbation ends lower: noise and unreachable targets cost node perturbation more",
    measure_floors,
    claim_floors,
    settings={"setting": LARGE, "sigma": SIGMA, "runs": 24, "trials": 8000},
)


# -- baselines ---------------------------------------------------------------------------------

BASELINE_SIGMA = 0.2
BASELINE_NAMES: tuple[Baseline, ...] = ("clean", "mean-perturbed", "antithetic")


def measure_baselines(quick: bool) -> dict[str, Any]:
    """Courses of the excess error for each baseline at large noise."""
    runs, n, every = (8, 3000, 50) if quick else (24, 6000, 50)
    setting = replace(LARGE, unreachable_error=0.0)
    found = {}
    for rule, baseline in itertools.product(RULES, BASELINE_NAMES):
        options = {"rule": rule, "output_sigma": BASELINE_SIGMA, "baseline": baseline}
        course = learned(setting, n, runs, every, **options)
        found[f"{rule} {baseline}"] = {
            "course": course.mean(1).tolist(),
            "final": mean_and_error(course[-len(course) // 4 :].mean(0)),
        }
    return {"every": every, "found": found}


def claim_baselines(result: dict[str, Any]) -> list[Claim]:
    """The baseline decides the floor, and with it the advantage of weight perturbation."""
    setting = replace(LARGE, unreachable_error=0.0)
    rows = []
    for rule, baseline in itertools.product(RULES, BASELINE_NAMES):
        mean, error = result["found"][f"{rule} {baseline}"]["final"]
        text = f"{rule}, baseline {baseline}: final excess error at noise {BASELINE_SIGMA}"
        if baseline == "antithetic":
            passed = mean < 1e-3
            rows.append(Claim(text, "0 (below 0.001)", f"{mean:.2g} +- {error:.1g}", passed))
            continue
        scheme = Scheme(rule, baseline, output_sigma=BASELINE_SIGMA)
        rows.append(within(text, mean, final_excess(setting, scheme), 0.05, error))
    return rows


def draw_baselines(result: dict[str, Any], folder: Path) -> list[Path]:
    """Courses, weight perturbation left, node perturbation right."""
    figure, axes = new_figure(2, share_y=True)
    for axis, rule in zip(axes, RULES, strict=True):
        for i, baseline in enumerate(BASELINE_NAMES):
            course = np.array(result["found"][f"{rule} {baseline}"]["course"])
            n = np.arange(len(course)) * result["every"]
            axis.plot(n, np.maximum(course, 1e-8), color=COLORS[i], label=baseline)
        axis.set_yscale("log")
        axis.set_ylim(1e-5, 100)
        axis.set_xlabel("trials")
        axis.set_title(f"{rule}, noise {BASELINE_SIGMA}", fontsize=9)
    axes[0].set_ylabel("excess error")
    axes[0].legend(title="baseline", title_fontsize=8, frameon=False, fontsize=8)
    return [save(figure, folder / "baselines.png")]


BASELINES = Experiment(
    "baselines",
    "The baseline decides the floor",
    measure_baselines,
    claim_baselines,
    draw_baselines,
    {"setting": LARGE, "sigma": BASELINE_SIGMA, "runs": 24, "trials": 6000},
)


# -- correlated noise --------------------------------------------------------------------------

CORRELATED_SIGMA = 0.1
MODES = (10, 20, 40)


def measure_correlated(quick: bool) -> dict[str, Any]:
    """Final excess error of node perturbation with noise in K of 40 time courses, and of WP."""
    runs, n = (100, 800) if quick else (400, 1600)
    found = {}
    for name, options in {
        **{f"NP {k}": {"rule": "NP", "n_noise_modes": k} for k in MODES},
        "WP": {"rule": "WP"},
    }.items():
        options |= {"output_sigma": CORRELATED_SIGMA, "baseline": "clean"}
        found[name] = mean_and_error(learned(SMALL, n, runs, 10, **options)[n // 20 :].mean(0))
    return found


def claim_correlated(result: dict[str, Any]) -> list[Claim]:
    """Noise as slow as the inputs brings NP's floor down to WP's."""
    rows = []
    for k in MODES:
        scheme = Scheme("NP", output_sigma=CORRELATED_SIGMA, n_noise_modes=k)
        mean, error = result[f"NP {k}"]
        text = f"NP, noise in {k} of {SMALL.n_steps} time courses ({SMALL.n_task} hold the inputs)"
        rows.append(within(text, mean, final_excess(SMALL, scheme), 0.05, error))
    mean, error = result["WP"]
    expected = final_excess(SMALL, Scheme("WP", output_sigma=CORRELATED_SIGMA))
    return [*rows, within("WP at the same noise", mean, expected, 0.05, error)]


def draw_correlated(result: dict[str, Any], folder: Path) -> list[Path]:
    """Floors against the number of time courses."""
    figure, (axis,) = new_figure(1, width=4.6)
    k = np.arange(SMALL.n_task, SMALL.n_steps + 1)
    schemes = [Scheme("NP", output_sigma=CORRELATED_SIGMA, n_noise_modes=int(i)) for i in k]
    axis.plot(k, [final_excess(SMALL, s) for s in schemes], color=COLORS[1], label="NP, theory")
    means, errors = np.array([result[f"NP {i}"] for i in MODES]).T
    axis.errorbar(MODES, means, 2 * errors, fmt="o", color=COLORS[1], label="NP, simulation")
    axis.axhline(result["WP"][0], color=COLORS[0], label="WP, simulation")
    axis.set_xlabel(f"time courses that the noise is made of (of {SMALL.n_steps})")
    axis.set_ylabel("final excess error")
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False, fontsize=8)
    return [save(figure, folder / "correlated-noise.png")]


CORRELATED = Experiment(
    "correlated-noise",
    "Correlated noise helps node perturbation where inputs are slow",
    measure_correlated,
    claim_correlated,
    draw_correlated,
    {"setting": SMALL, "sigma": CORRELATED_SIGMA, "runs": 400, "trials": 1600},
)
