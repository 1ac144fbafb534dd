"""The linear tasks of the paper, in the eigenbasis of their inputs, and claims about numbers."""

from __future__ import annotations

import numpy as np

from ....agents.perturbation.lessons import Lesson
from ....agents.perturbation.readout import Draw
from ....agents.perturbation.theory import Setting
from ...reproduction import Claim

Array = np.ndarray

#: Each relevant weight at its best value.
TARGET_WEIGHT = 0.1
#: Vanishing perturbations: what theory means by sigma -> 0, in double precision.
VANISHING = 1e-6


def target_square(setting: Setting) -> float:
    """|w*|^2 over outputs and latent inputs."""
    return TARGET_WEIGHT**2 * setting.k_task


def repeated_task(setting: Setting, idle: int = 0) -> Lesson:
    """The same inputs in every trial, and ``idle`` ones that stay at 0.

    One row a latent input, in units of orthonormal time courses, and one for the part of the
    target that no input reaches, of mean square 2 E_opt / M an output.
    """
    n, m = setting.n_task, setting.n_outputs
    rows = n + (setting.unreachable_error > 0)
    inputs = np.zeros((rows, n + idle))
    np.fill_diagonal(inputs[:n, :n], np.sqrt(setting.n_steps * setting.strength))
    targets = np.zeros((rows, m))
    targets[:n] = TARGET_WEIGHT * inputs[:n, :n].diagonal()[:, None]
    if rows > n:
        targets[n] = np.sqrt(setting.n_steps * 2 * setting.unreachable_error / m)
    return Lesson(inputs, targets, setting.n_steps)


def subtask_trials(setting: Setting) -> Draw:
    """Trials that show ``n_trial`` of the latent inputs, drawn anew for each run and trial."""
    whole = repeated_task(setting)

    def draw(rng: np.random.Generator, runs: int) -> Lesson:
        order = rng.random((runs, setting.n_task)).argsort(axis=1)
        shown = (order < setting.latent).astype(float)
        inputs = whole.inputs * shown[:, None, :]
        targets = np.broadcast_to(whole.targets, (runs, *whole.targets.shape)).copy()
        targets[:, : setting.n_task] *= shown[:, :, None]
        return Lesson(inputs, targets, setting.n_steps)

    return draw


def within(text: str, measured: float, expected: float, share: float, error: float = 0.0) -> Claim:
    """A number within a share of what theory says; ``error`` is its standard error."""
    spread = f" +- {error:.2g}" if error else ""
    return Claim(
        text,
        f"{expected:.4g} within {share:.0%}",
        f"{measured:.4g}{spread}",
        abs(measured - expected) <= share * abs(expected),
    )


def mean_and_error(values: Array) -> list[float]:
    """Mean over runs (R,) and its standard error."""
    return [float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))]


def decay_rate(excess: Array, every: int) -> tuple[float, float]:
    """Rate a trial of ``mean X ~ exp(-rate n)`` from records (n, R), and its standard error.

    From the last record alone: the mean over runs obeys the recursion exactly, its logarithm at the
    end has the least relative error, and X at the start is known.
    """
    trials = (len(excess) - 1) * every
    start, (end, error) = excess[0].mean(), mean_and_error(excess[-1])
    return float(np.log(start / end) / trials), error / end / trials
