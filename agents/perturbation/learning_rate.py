"""The learning rate that theory gives for the inputs at hand."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import AgentError
from .theory import BASELINES, RULES, Baseline, Rule, check_choice

Array = np.ndarray

#: A running mean lags behind the weights, and its error is divided by sigma^2: learning at eta*
#: explodes (measured), at a third of it only if the perturbation is small beside the error.
LAGGING_BASELINE = 0.3


class LearningRate(NamedTuple):
    """A learning rate, and the sentence that says where it comes from."""

    eta: float
    reason: str


def auto_learning_rate(
    rule: Rule,
    inputs: Array,
    n_outputs: int,
    n_perturbations: int = 1,
    baseline: Baseline = "clean",
    n_steps: int | None = None,
) -> LearningRate:
    """The learning rate with the fastest decay of the error, ``P / (alpha^2 (P + D + 1))``.

    Inputs of unequal strength count by their effective strength ``alpha^2 = sum lam^2 / sum lam``
    and effective number ``PR = (sum lam)^2 / sum lam^2``; D = M PR. If trials differ, sums are
    means over trials, and WP takes PR from the mean correlation, because it also perturbs weights
    that a trial does not use. HP's gradient is larger by T alpha^2. Zuege, Klos & Memmesheimer
    (2023), doi:10.1103/PhysRevX.13.021006; P and several trials are our own generalisation.

    Args:
        rule: "WP", "NP", "WP0", "HP".
        inputs: (T, N) of the one trial that there is; (n, T, N) of n typical trials; or (n,)
            strengths, the eigenvalues of r r^T / T of one trial (HP then needs ``n_steps``).
        n_outputs: M.
        n_perturbations: P, averaged in one update.
        baseline: "average" is given 0.3 of the best rate, since it lags behind.
        n_steps: T, where the inputs do not say it.

    Raises:
        AgentError: unknown rule or baseline, inputs that are silent or not finite.
    """
    check_choice("rule", rule, RULES)
    check_choice("baseline", baseline, BASELINES)
    trials, steps = _trial_strengths(rule, np.asarray(inputs, float), n_steps)
    strength = trials.squares / trials.trace
    number = trials.trace / strength
    if rule == "WP":
        number = trials.trace**2 / trials.square_of_mean
    p, dimension = n_perturbations, n_outputs * number
    eta = p / (strength * (p + dimension + 1))
    reason = (
        f"{rule}: P / (alpha^2 (P + M N_eff + 1)) with P = {p}, M = {n_outputs}, "
        f"N_eff = {number:.4g} effective inputs of strength alpha^2 = {strength:.4g}"
    )
    if rule == "HP":
        eta /= steps * strength
        reason += f", over T alpha^2 with T = {steps}"
    if baseline == "average":
        eta *= LAGGING_BASELINE
        reason += (
            f", times {LAGGING_BASELINE} because a running mean lags behind (small perturbations "
            "can diverge even so: raise output_sigma, or choose baseline='antithetic')"
        )
    return LearningRate(float(eta), f"eta = {eta:.4g}: {reason}.")


class _Strengths(NamedTuple):
    trace: float  # mean over trials of tr S
    squares: float  # mean over trials of tr S^2
    square_of_mean: float  # tr of the square of the mean S


def _trial_strengths(rule: Rule, inputs: Array, n_steps: int | None) -> tuple[_Strengths, int]:
    if not (np.isfinite(inputs).all() and inputs.any()):
        raise AgentError(
            "no learning rate for inputs that are silent or not finite: give the inputs of typical "
            "trials, (T, N) or (n, T, N), or a number for eta."
        )
    if inputs.ndim == 1:
        if rule == "HP" and n_steps is None:
            raise AgentError("HP's learning rate needs n_steps beside strengths: give it.")
        squares = float((inputs**2).sum())
        return _Strengths(float(inputs.sum()), squares, squares), n_steps or 0
    if inputs.ndim == 2:
        inputs = inputs[None]
    steps = n_steps or inputs.shape[1]
    s = np.swapaxes(inputs, -1, -2) @ inputs / steps
    traces = np.trace(s, axis1=1, axis2=2)
    return _Strengths(float(traces.mean()), float((s**2).sum((1, 2)).mean()),
                      float((s.mean(0) ** 2).sum())), steps  # fmt: skip
