"""Tasks of many subtasks: what a trial does not show, and what batches of subtasks save."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ....agents.perturbation.readout import ReadoutLearner
from ....agents.perturbation.theory import (
    RULES,
    Rule,
    Scheme,
    Setting,
    error_factor,
    excess_after,
    final_excess,
    initial_excess,
    optimal_learning_rate,
    trials_to_shrink,
)
from ...pictures import COLORS, new_figure, save
from ...reproduction import Claim, Experiment
from .tasks import (
    TARGET_WEIGHT,
    VANISHING,
    decay_rate,
    mean_and_error,
    subtask_trials,
    target_square,
    within,
)

#: Ten of fifty subtasks in a trial.
SETTING = Setting(n_outputs=10, n_task=50, n_steps=100, strength=10.0, n_trial=10)
SIGMA = 0.04


def _learner(setting: Setting, rule: Rule, sigma: float, runs: int) -> ReadoutLearner:
    scheme = Scheme(rule)
    return ReadoutLearner(
        subtask_trials(setting),
        n_runs=runs,
        seed=0,
        rule=rule,
        baseline="clean",
        output_sigma=sigma,
        eta=optimal_learning_rate(setting, scheme),
    )


def excess(learner: ReadoutLearner, setting: Setting) -> np.ndarray:
    """X (R,) of the whole task from the weights: its expectation over the trial's subtasks."""
    square = ((learner.weights - TARGET_WEIGHT) ** 2).sum((1, 2))
    return np.array([initial_excess(setting, float(s)) for s in square])


def _course(
    setting: Setting, rule: Rule, sigma: float, runs: int, n: int, every: int
) -> np.ndarray:
    learner = _learner(setting, rule, sigma, runs)
    records = [excess(learner, setting)]
    for i in range(1, n + 1):
        learner.step()
        if i % every == 0:
            records.append(excess(learner, setting))
    return np.array(records)


# -- subtasks ----------------------------------------------------------------------------------


def measure_subtasks(quick: bool) -> dict[str, Any]:
    """Courses for vanishing noise, and floors for finite noise."""
    runs, share = (10, 0.4) if quick else (40, 1.0)
    found: dict[str, Any] = {"course": {}, "rate": {}, "floor": {}}
    for rule in RULES:
        constant = -1 / np.log(error_factor(SETTING, Scheme(rule)))
        n, every = int(share * 1.2 * constant) // 20 * 20, 20
        course = _course(SETTING, rule, VANISHING, runs, n, every)
        found["course"][rule] = course.mean(1).tolist()
        found["rate"][rule] = decay_rate(course, every)
        n = int(share * 10 * constant) // 20 * 20
        tail = _course(SETTING, rule, SIGMA, max(4, runs // 4), n, every)[-n // 100 :].mean(0)
        found["floor"][rule] = mean_and_error(tail)
    return {"every": 20, **found}


def claim_subtasks(result: dict[str, Any]) -> list[Claim]:
    """NP, WP0 and HP learn many subtasks faster than WP; WP0 and HP keep WP's low floor."""
    rows = []
    for rule in RULES:
        rate, error = result["rate"][rule]
        expected = -np.log(error_factor(SETTING, Scheme(rule)))
        rows.append(
            within(f"{rule}: decay of the excess error a trial", rate, expected, 0.05, error)
        )
    for rule in RULES:
        mean, error = result["floor"][rule]
        expected = final_excess(SETTING, Scheme(rule, output_sigma=SIGMA))
        text = f"{rule}: final excess error at noise {SIGMA}"
        rows.append(within(text, mean, expected, 0.08, error))
    return rows


def draw_subtasks(result: dict[str, Any], folder: Path) -> list[Path]:
    """Courses of the four rules on theory."""
    figure, (axis,) = new_figure(1, width=5.2)
    start = initial_excess(SETTING, target_square(SETTING))
    styles = {"WP": ("-", "o"), "NP": ("-", "s"), "WP0": ("--", "^"), "HP": (":", "v")}
    for i, rule in enumerate(RULES):
        course = result["course"][rule]
        n = np.arange(len(course)) * result["every"]
        line, dot = styles[rule]
        theory = excess_after(SETTING, Scheme(rule), start, n)
        axis.plot(n, theory, line, color=COLORS[i])
        step = max(1, len(n) // 14)
        axis.plot(n[::step], course[::step], dot, color=COLORS[i], markersize=4, label=rule)
    axis.set_xlabel("trials")
    axis.set_ylabel("excess error (lines: theory)")
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False, fontsize=8)
    return [save(figure, folder / "subtasks.png")]


SUBTASKS = Experiment(
    "subtasks",
    "Many subtasks: node perturbation is faster, and WP0 and HP are as fast with a low floor",
    measure_subtasks,
    claim_subtasks,
    draw_subtasks,
    {"setting": SETTING, "sigma": SIGMA, "runs": 40, "time_constants": 10},
)


# -- batches -----------------------------------------------------------------------------------

BATCHED = (2, 5, 10, 20)
COMPARED: tuple[Rule, ...] = ("WP", "NP")
FACTOR = 10.0


def batched(n_trial: int) -> Setting:
    """``n_trial`` of 20 subtasks of 10 steps each in a trial, one behind another."""
    return Setting(
        n_outputs=4, n_task=20, n_steps=10 * n_trial, strength=40 / n_trial, n_trial=n_trial
    )


def measure_batching(quick: bool) -> dict[str, Any]:
    """Trials until the mean excess error is a tenth, by rule and subtasks a trial."""
    runs = 40 if quick else 400
    return {
        rule: [_trials(batched(n), rule, runs) for n in BATCHED] for rule in COMPARED
    }  # fmt: skip


def _trials(setting: Setting, rule: Rule, runs: int) -> int:
    learner = _learner(setting, rule, VANISHING, runs)
    goal = excess(learner, setting).mean() / FACTOR
    while excess(learner, setting).mean() > goal:
        learner.step()
    return learner.trial


def claim_batching(result: dict[str, Any]) -> list[Claim]:
    """Batches save trials for WP alone."""
    rows = []
    for rule in COMPARED:
        for n, count in zip(BATCHED, result[rule], strict=True):
            setting = batched(n)
            expected = trials_to_shrink(setting, Scheme(rule), FACTOR)
            text = f"{rule}: trials to a tenth of the error, {n} of 20 subtasks a trial"
            rows.append(within(text, count, expected, 0.08))
    change = max(result["NP"]) / min(result["NP"]) - 1
    rows.append(
        Claim("NP: change of the trials by batches", "below 25 %", f"{change:.0%}", change < 0.25)
    )
    return rows


def draw_batching(result: dict[str, Any], folder: Path) -> list[Path]:
    """Trials against subtasks a trial."""
    figure, (axis,) = new_figure(1, width=4.6)
    n = np.arange(2, 21)
    for i, rule in enumerate(COMPARED):
        theory = [trials_to_shrink(batched(int(k)), Scheme(rule), FACTOR) for k in n]
        axis.plot(n, theory, color=COLORS[i], label=f"{rule}, theory")
        axis.plot(BATCHED, result[rule], "o", color=COLORS[i], label=f"{rule}, simulation")
    axis.set_xticks(BATCHED)
    axis.set_xlabel("subtasks in a trial, of 20")
    axis.set_ylabel("trials to a tenth of the error")
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False, fontsize=8)
    return [save(figure, folder / "batching.png")]


BATCHING = Experiment(
    "batching",
    "Subtasks in batches save trials for weight perturbation alone",
    measure_batching,
    claim_batching,
    draw_batching,
    {"batched": BATCHED, "factor": FACTOR, "runs": 400},
)
