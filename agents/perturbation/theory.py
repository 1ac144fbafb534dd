"""How fast, and how far, perturbation rules learn a linear readout: closed forms.

A readout ``z = w r`` with weights w (M, N) sees the inputs r (N, T) of a trial, whose error is
``E = 1/(2T) sum (z - z*)^2``. Everything here is a mean over the noise. In the eigenbasis of the
inputs' correlation ``S = r r^T / T`` the N inputs become latent ones; they all have the strength
(eigenvalue) ``alpha^2``, or 0. Unequal strengths are in :mod:`.spectra`.

=============  ====================================================================
symbol         meaning
=============  ====================================================================
M, T           outputs, steps of a trial
N_task, N_tr   latent inputs of strength alpha^2 in the whole task, and in one trial
c              N_tr / N_task, the share of the task that a trial shows
k, k_task      M N_tr, M N_task
D              perturbed dimensions that meet the update: k_task (WP), k (NP, WP0, HP)
P              perturbations that are averaged in one update
X              E - E_opt, the error that learning can remove
=============  ====================================================================

One update makes ``X <- a X + b`` of the mean error. With ``u`` the mean gradient of a trial,
the estimate G of P averaged perturbations has mean u and

``E|G|^2 = |u|^2 (1 + (D + 1) / P) + noise / P``,  so that
``a = 1 - c [2 eta alpha^2 - eta^2 alpha^4 (1 + (D + 1) / P)]``,
``b = c eta^2 alpha^2 noise / 2P``.

P = 1, the clean baseline and the optimal learning rates are those of Zuege, Klos & Memmesheimer
(2023), doi:10.1103/PhysRevX.13.021006; P > 1, the other baselines, noise in the error, correlated
noise and decay are our own derivations with the same moments of Gaussian variables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from ..errors import AgentError

Array = np.ndarray
Rule = Literal["WP", "NP", "WP0", "HP"]
Baseline = Literal["clean", "antithetic", "mean-perturbed", "average"]

RULES: tuple[Rule, ...] = ("WP", "NP", "WP0", "HP")
BASELINES: tuple[Baseline, ...] = ("clean", "antithetic", "mean-perturbed", "average")


@dataclass(frozen=True)
class Setting:
    """A task of linear readouts whose latent inputs are equally strong."""

    n_outputs: int  # M
    n_task: int  # N_task
    n_steps: int  # T
    strength: float = 1.0  # alpha^2, mean square of a latent input
    n_trial: int | None = None  # N_tr; all of n_task if not given
    unreachable_error: float = 0.0  # E_opt, of the part of the target outside the inputs' span

    def __post_init__(self) -> None:
        if not 1 <= (self.n_trial or self.n_task) <= self.n_task:
            raise AgentError(
                f"n_trial={self.n_trial} latent inputs: choose 1 to n_task={self.n_task}."
            )

    @property
    def latent(self) -> int:
        """N_tr."""
        return self.n_trial or self.n_task

    @property
    def share(self) -> float:
        """c."""
        return self.latent / self.n_task

    @property
    def k(self) -> int:
        """M N_tr."""
        return self.n_outputs * self.latent

    @property
    def k_task(self) -> int:
        """M N_task."""
        return self.n_outputs * self.n_task


@dataclass(frozen=True)
class Scheme:
    """How the perturbed error becomes a weight change.

    The baseline "mean-perturbed" is the expected error under perturbation at the present weights;
    "average", a running mean of perturbed errors, is that up to its lag, and counts as that here.
    """

    rule: Rule
    baseline: Baseline = "clean"
    n_perturbations: int = 1  # P
    output_sigma: float = 0.0  # sigma_eff, what a perturbation does to an output at one step (std)
    error_noise: float = 0.0  # s, std of what else is in a difference of errors
    n_noise_modes: int | None = None  # K of T orthogonal time courses that NP's noise is made of
    noise_meets_residual: bool = True  # whether the unreachable target lies within these

    def __post_init__(self) -> None:
        check_choice("rule", self.rule, RULES)
        check_choice("baseline", self.baseline, BASELINES)
        if self.n_perturbations < 1:
            raise AgentError(f"n_perturbations={self.n_perturbations}: choose 1 or more.")


def check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise AgentError(f"{name}={value!r} is unknown: choose one of {', '.join(known)}.")


class Course(NamedTuple):
    """Expected course of learning; index n is before update n."""

    excess: Array  # (n + 1,) X
    idle_variance: Array  # (n + 1,) variance of a weight whose input is irrelevant


def perturbed_dimension(setting: Setting, scheme: Scheme) -> int:
    """D: WP also perturbs the weights of latent inputs that a trial does not show."""
    return setting.k_task if scheme.rule == "WP" else setting.k


def learning_rate_unit(setting: Setting, scheme: Scheme) -> float:
    """How much gradient one unit of the rule's own learning rate is: T alpha^2 for HP, else 1."""
    return setting.n_steps * setting.strength if scheme.rule == "HP" else 1.0


def optimal_learning_rate(setting: Setting, scheme: Scheme) -> float:
    """eta* = P / (alpha^2 (P + D + 1)), of the fastest decay of X; HP: that over T alpha^2."""
    p = scheme.n_perturbations
    gradient_steps = p / (setting.strength * (p + perturbed_dimension(setting, scheme) + 1))
    return gradient_steps / learning_rate_unit(setting, scheme)


def error_factor(setting: Setting, scheme: Scheme, eta: float | None = None) -> float:
    """a in ``X <- a X + b``; at eta* it is 1 - c P / (P + D + 1)."""
    step = _gradient_step(setting, scheme, eta) * setting.strength
    spread = 1 + (perturbed_dimension(setting, scheme) + 1) / scheme.n_perturbations
    return 1 - setting.share * (2 * step - step**2 * spread)


def error_offset(setting: Setting, scheme: Scheme, eta: float | None = None) -> float:
    """b in ``X <- a X + b``: what finite perturbations, E_opt (NP) and noise in the error add."""
    step = _gradient_step(setting, scheme, eta)
    noise = _estimate_noise(setting, scheme) / scheme.n_perturbations
    return setting.share * step**2 * setting.strength / 2 * noise


def final_excess(setting: Setting, scheme: Scheme, eta: float | None = None) -> float:
    """X after infinitely many trials, b / (1 - a); infinite where learning diverges."""
    a = error_factor(setting, scheme, eta)
    return error_offset(setting, scheme, eta) / (1 - a) if a < 1 else float("inf")


def final_error(setting: Setting, scheme: Scheme, eta: float | None = None) -> float:
    """E_opt + X after infinitely many trials, of the unperturbed readout."""
    return setting.unreachable_error + final_excess(setting, scheme, eta)


def excess_after(
    setting: Setting, scheme: Scheme, initial: float, n: Array | float, eta: float | None = None
) -> Array:
    """X after n updates, from ``initial`` at n = 0: X_inf + (X_0 - X_inf) a^n."""
    a, b = error_factor(setting, scheme, eta), error_offset(setting, scheme, eta)
    n = np.asarray(n, float)
    if a == 1:
        return initial + b * n
    end = b / (1 - a)
    return end + (initial - end) * a**n


def trials_to_shrink(
    setting: Setting, scheme: Scheme, factor: float, eta: float | None = None
) -> float:
    """Trials until X has shrunk by ``factor`` for vanishing noise: ln F / -ln a.

    At eta* and P = 1 about (M D + 2) ln F / c with D = N_task for WP, N_tr for the others: more
    subtasks in a trial save trials for WP only.
    """
    return float(np.log(factor) / -np.log(error_factor(setting, scheme, eta)))


def initial_excess(setting: Setting, target_square: float) -> float:
    """X at w = 0, where |w*|^2 = ``target_square`` over outputs and latent inputs."""
    return setting.strength * setting.share * target_square / 2


def idle_increment(
    setting: Setting, scheme: Scheme, excess: Array | float, eta: float | None = None
) -> Array:
    """Variance that one update adds to a weight of an input of strength 0 (weight diffusion).

    WP: ``eta^2 E[dE^2] / (sigma_w^2 P)``. The other rules leave such weights alone (WP0: if the
    input is silent; on rotated inputs WP0 is WP).
    """
    excess = np.asarray(excess, float)
    if scheme.rule != "WP":
        return np.zeros_like(excess)
    step = _gradient_step(setting, scheme, eta)
    squares = 2 * setting.strength * excess
    squares = squares + weight_sigma(setting, scheme.output_sigma) ** 2 * (
        setting.strength**2 / 4 * _even_moment(setting.k, scheme.baseline)
    )
    if scheme.error_noise:
        squares = squares + (scheme.error_noise / _own_sigma(setting, scheme)) ** 2
    return step**2 * squares / scheme.n_perturbations


def idle_plateau(setting: Setting, initial: float) -> float:
    """Where WP's irrelevant weights end for vanishing noise at eta*, P = 1: 2 X_0/(alpha^2 (k+2)).

    This is |w_0 - w*|^2 / (k + 2): about the mean square of what relevant weights had to change.
    """
    return 2 * initial / (setting.strength * (setting.k_task + 2))


def course(
    setting: Setting,
    scheme: Scheme,
    target_square: float,
    n: int,
    eta: float | None = None,
    decay: float = 1.0,
) -> Course:
    """n updates from w = 0, with weights times ``decay`` (gamma) after each.

    Of the weights' distance ``d = w - w*`` decay makes ``gamma (d - eta G) - (1 - gamma) w*``, so
    that with q = E|d|^2 and m = E[d . w*]

    ``q <- gamma^2 (a q + b') - 2 gamma (1 - gamma) (1 - eta c alpha^2) m + (1 - gamma)^2 |w*|^2``,
    ``m <- gamma (1 - eta c alpha^2) m - (1 - gamma) |w*|^2``,  ``Var <- gamma^2 (Var + s)``.

    Irrelevant weights therefore end with variance gamma^2 s / (1 - gamma^2).
    """
    a, b = error_factor(setting, scheme, eta), error_offset(setting, scheme, eta)
    shrink = 1 - _gradient_step(setting, scheme, eta) * setting.share * setting.strength
    to_excess = initial_excess(setting, 1.0)
    square, along, lost = target_square, -target_square, 1 - decay
    excess, variance = np.empty(n + 1), np.zeros(n + 1)
    for i in range(n + 1):
        excess[i] = to_excess * square
        if i < n:
            added = idle_increment(setting, scheme, excess[i], eta)
            variance[i + 1] = decay**2 * (variance[i] + added)
        square = (
            decay**2 * (a * square + b / to_excess)
            - 2 * decay * lost * shrink * along
            + lost**2 * target_square
        )
        along = decay * shrink * along - lost * target_square
    return Course(excess, variance)


def best_output_sigma(setting: Setting, scheme: Scheme) -> float:
    """sigma_eff with the least b when the error is noisy, std s; infinite for antithetic pairs.

    b is ``A sigma^2 + B / sigma^2 + C``: the best is ``sigma^4 = B / A``. With a clean baseline
    sigma_eff^2 is about 2 s / M for WP and NP alike.
    """
    if scheme.baseline == "antithetic":
        return float("inf")
    if scheme.rule == "NP":
        steps = _noise_steps(setting, scheme)
        moment = _moment_along(setting.n_outputs * steps, scheme.baseline)
        return float((4 * steps**2 * scheme.error_noise**2 / moment) ** 0.25)
    d = perturbed_dimension(setting, scheme)
    moment = _moment_of_weights(setting.k, d, scheme.baseline)
    weight = (4 * scheme.error_noise**2 * d / (setting.strength**2 * moment)) ** 0.25
    return float(weight * np.sqrt(setting.strength * setting.latent))


def weight_sigma(setting: Setting, output_sigma: float) -> float:
    """sigma_w of one weight that moves each output by ``output_sigma`` (std) at a step.

    sigma_eff = sigma_w sqrt(tr S) = sigma_w sqrt(alpha^2 N_tr).
    """
    return output_sigma / float(np.sqrt(setting.strength * setting.latent))


# -- moments of Gaussian perturbations ---------------------------------------------------------


def _gradient_step(setting: Setting, scheme: Scheme, eta: float | None) -> float:
    if eta is None:
        eta = optimal_learning_rate(setting, scheme)
    return eta * learning_rate_unit(setting, scheme)


def _noise_steps(setting: Setting, scheme: Scheme) -> int:
    return scheme.n_noise_modes or setting.n_steps


def _own_sigma(setting: Setting, scheme: Scheme) -> float:
    if scheme.error_noise and not scheme.output_sigma:
        raise AgentError(
            "error_noise divides by the perturbation: give an output_sigma above 0, for example "
            "best_output_sigma(setting, scheme)."
        )
    if scheme.rule == "NP":
        return scheme.output_sigma
    return weight_sigma(setting, scheme.output_sigma)


def _estimate_noise(setting: Setting, scheme: Scheme) -> float:
    """Mean square of a single estimate beyond what the gradient itself explains.

    With x the standardised perturbation: WP's estimate is ``dE x / sigma_w``, so the part of dE
    that is quadratic, ``sigma_w^2 alpha^2 |x_A|^2 / 2`` over the k shown directions A, leaves
    ``sigma_w^2 alpha^4 / 4 E[|x_A|^4 |x|^2]``. NP's noise has M K dimensions, of which k meet an
    input: ``alpha^2 sigma^2 / (4 K) E[|x|^4 |x_A|^2]``, and E_opt adds ``2 alpha^2 k E_opt``.
    """
    strength, k, s = setting.strength, setting.k, scheme.error_noise
    sigma = _own_sigma(setting, scheme)
    if scheme.rule == "NP":
        steps = _noise_steps(setting, scheme)
        moment = k * _moment_along(setting.n_outputs * steps, scheme.baseline)
        noise = strength * sigma**2 / (4 * steps) * moment
        if scheme.noise_meets_residual:
            noise += 2 * strength * k * setting.unreachable_error
        return noise + (steps * strength * k * (s / sigma) ** 2 if s else 0.0)
    d = perturbed_dimension(setting, scheme)
    noise = sigma**2 * strength**2 / 4 * _moment_of_weights(k, d, scheme.baseline)
    return noise + (d * (s / sigma) ** 2 if s else 0.0)


def _even_moment(n: int, baseline: Baseline) -> float:
    """E[(Q - baseline)^2] of a chi-square Q of n degrees: n (n + 2), or 2 n about its mean."""
    if baseline == "antithetic":
        return 0.0
    return n * (n + 2.0) if baseline == "clean" else 2.0 * n


def _moment_along(n: int, baseline: Baseline) -> float:
    """E[(Q - baseline)^2 x^2] with x one of the n standard normals whose squares make Q."""
    if baseline == "antithetic":
        return 0.0
    return (n + 2.0) * (n + 4.0) if baseline == "clean" else 2.0 * (n + 4.0)


def _moment_of_weights(k: int, d: int, baseline: Baseline) -> float:
    """E[(Q - baseline)^2 |x|^2]: Q of k directions, x these and d - k without an effect on Q."""
    return k * _moment_along(k, baseline) + (d - k) * _even_moment(k, baseline)
