"""Mean updates of the perturbation rules against exact gradients, on targets (no luck of actions).

For small noise an estimate is unbiased, and its relative variance is D - 1 with the effective
dimension D of the rule: averaged over n estimates its cosine with the gradient is about
``1 / sqrt(1 + (D - 1) / n)``.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from caudate.agents import HybridPerturbation, Miconi, NodePerturbation, Targets, WeightPerturbation
from caudate.agents.optimizers import Parameters
from caudate.agents.perturbation.dimension import node_dimension, predicted_cosine
from caudate.agents.perturbation.learner import NETWORK_WEIGHTS, READOUT_WEIGHTS, PerturbationAgent

STEPS, UNITS, INPUTS, OUTPUTS = 8, 6, 3, 2
PAIRS = 1500


def one_trial() -> Targets:
    """A single trial, so that estimates differ by their noise alone."""
    rng = np.random.default_rng(2)
    return Targets(
        rng.normal(size=(STEPS, 1, INPUTS)),
        rng.normal(size=(STEPS, 1, OUTPUTS)),
        gym.spaces.Box(-1, 1, (OUTPUTS,), np.float32),
    )


def slow_trial() -> Targets:
    """A single trial that changes slowly beside the kicks of Miconi's rule."""
    phase = 2 * np.pi * np.arange(30)[:, None] / 30
    observations = 0.3 * np.sin(phase * [1, 0.5, 0.3] + np.arange(INPUTS))
    targets = np.sin(phase + np.arange(OUTPUTS))
    space = gym.spaces.Box(-1, 1, (OUTPUTS,), np.float32)
    return Targets(observations[:, None], targets[:, None], space)


def make(cls: type[PerturbationAgent], trial: Any = one_trial, **options: Any) -> Any:
    defaults = {"credit": "episode", "readout_gain": 1.5, "tau_max": 4.0, "input_gain": 1.0}
    return cls(
        trial(),
        **{"seed": 1, "n_envs": 2 * PAIRS, "n_neurons": UNITS, "dtype": "float64"}
        | defaults
        | options,
    )


def estimate_and_exact(agent: Any) -> tuple[Parameters, Parameters]:
    """The rule's gradient of one round, and the exact one at the unperturbed weights."""
    agent.play()
    adjoint, free, _ = agent._output_adjoint(*agent._modulate())
    rule = agent.recurrent_gradient(adjoint)
    rule |= agent.readout_gradient(adjoint, free)
    calm = make(type(agent), sigma=1e-9, n_envs=2, network=agent.options.network)
    calm.parameters.update(agent.parameters)
    calm.network.set_constants(agent.network.get_constants())
    calm.play()
    adjoint, *_ = calm._output_adjoint(*calm._modulate())
    exact = calm.exact_gradient(adjoint)
    flat = adjoint.reshape(-1, adjoint.shape[-1])
    exact["W_out"] = flat.T @ calm.record["features"].reshape(len(flat), -1)
    exact["b_out"] = flat.sum(0)
    return rule, exact


def flat(gradient: Parameters, names: tuple[str, ...]) -> np.ndarray:
    parts = [gradient[n] if n in NETWORK_WEIGHTS else gradient[n][:-1] for n in names]
    return np.concatenate([part.ravel() for part in parts])


def compare(rule: np.ndarray, exact: np.ndarray) -> tuple[float, float]:
    """Slope on the exact gradient and cosine with it."""
    dot = float(rule @ exact)
    norms = float(np.linalg.norm(rule)), float(np.linalg.norm(exact))
    return dot / norms[1] ** 2, dot / norms[0] / norms[1]


def check(slope: float, cosine: float, dimension: float, estimates: int) -> None:
    assert cosine == pytest.approx(predicted_cosine(dimension, estimates), abs=0.02)
    # The slope's relative variance is at most that of a Gaussian projection, 2 / n or so.
    assert slope == pytest.approx(1, abs=5 * np.sqrt(2 / estimates))


@pytest.mark.parametrize("baseline", ["antithetic", "clean"])
@pytest.mark.parametrize("noise", ["dense", "flip", "rank-one"])
def test_weight_perturbation_is_unbiased_with_the_dimension_of_all_weights(noise, baseline):
    agent = make(
        WeightPerturbation, sigma=2e-3, noise=noise, baseline=baseline, readout="perturbation"
    )
    rule, exact = estimate_and_exact(agent)
    names = NETWORK_WEIGHTS + READOUT_WEIGHTS
    a, b = flat(rule, names), flat(exact, names)
    # Entries of variance sigma^2 and kurtosis 1.8 (uniform) or 1 (signs): D = n + kurtosis - 1.
    check(*compare(a, b), dimension=len(b) + (0.8 if noise == "dense" else 0), estimates=PAIRS)


def test_node_perturbation_is_unbiased_with_the_dimension_of_its_nodes():
    agent = make(NodePerturbation, sigma=2e-3, noise_tau=0.0)
    rule, exact = estimate_and_exact(agent)
    a, b = flat(rule, NETWORK_WEIGHTS), flat(exact, NETWORK_WEIGHTS)
    calm = make(NodePerturbation, sigma=1e-9, n_envs=2)
    calm.play()
    adjoint, *_ = calm._output_adjoint(*calm._modulate())
    r = calm.tape["r"]
    g = calm.network.adjoint(
        calm.parameters, calm.tape, adjoint @ calm.parameters["W_out"], exact=True
    ).sum(1)
    previous = np.concatenate([np.zeros_like(r[:1, 0]), r[:-1, 0]])
    seen = np.concatenate([previous, calm.tape["x"][:, 0], np.ones((STEPS, 1))], axis=1)
    dimension = node_dimension(g, seen)
    assert 30 < dimension < 500
    check(*compare(a, b), dimension, PAIRS)


def test_node_perturbation_of_the_readout_is_unbiased():
    agent = make(
        NodePerturbation, sigma=1e-9, sigma_out=1e-3, noise_tau=0.0, readout="perturbation"
    )
    rule, exact = estimate_and_exact(agent)
    slope, cosine = compare(flat(rule, READOUT_WEIGHTS), flat(exact, READOUT_WEIGHTS))
    assert slope == pytest.approx(1, abs=0.1)
    assert cosine > 0.97


def test_hybrid_perturbation_is_the_gradient_times_the_correlation_of_its_inputs():
    """Readout alone: sum_t p p^T of what the readout sees, bias included."""
    agent = make(HybridPerturbation, sigma=1e-3, readout="perturbation")
    rule, exact = estimate_and_exact(agent)
    features = agent.record["features"][:, 0]
    seen = np.concatenate([features, np.ones((STEPS, 1))], axis=1)
    b = np.concatenate([exact["W_out"][:-1], exact["b_out"][:-1, None]], axis=1)
    expected = (b @ (seen.T @ seen)).ravel()
    a = np.concatenate([rule["W_out"][:-1], rule["b_out"][:-1, None]], axis=1).ravel()
    slope, cosine = compare(a, expected)
    assert cosine > 0.95
    assert slope == pytest.approx(1, abs=0.15)


def test_activity_perturbation_uses_the_change_from_the_clean_run():
    agent = make(NodePerturbation, sigma=0.1, noise_tau=0.0, baseline="clean", eligibility="change")
    agent.play()
    adjoint, *_ = agent._output_adjoint(*agent._modulate())
    gradient = agent.recurrent_gradient(adjoint)["W_rec"]
    w, r, x = agent.parameters, agent.tape["r"], agent.tape["x"]
    xi, worth = agent.noise["xi"][:STEPS, 0], agent.worth
    total, square = np.zeros((UNITS, UNITS)), 0.0
    before = np.concatenate([np.zeros_like(r[:1]), r[:-1]])
    for b in range(0, 2 * 200, 2):
        summed = [before[:, c] @ w["W_rec"].T + x[:, c] @ w["W_in"].T for c in (b, b + 1)]
        change = summed[0] + xi[:, b] - summed[1]
        total += np.einsum("t,ti,tj->ij", worth[:, b], change, before[:, b])
        square += (change**2).sum()
    assert not worth[:, 1::2].any()
    mean_square = square / (200 * STEPS * UNITS)
    # The first 200 pairs against all of them: the same estimate within its scatter.
    slope, cosine = compare((total / mean_square * PAIRS / 200).ravel(), gradient.ravel())
    assert slope == pytest.approx(1, abs=0.35)
    assert cosine > 0.75


def test_activity_perturbation_follows_the_gradient():
    agent = make(
        NodePerturbation, sigma=2e-3, noise_tau=0.0, baseline="clean", eligibility="change"
    )
    rule, exact = estimate_and_exact(agent)
    _, cosine = compare(flat(rule, NETWORK_WEIGHTS), flat(exact, NETWORK_WEIGHTS))
    assert cosine > 0.8


def test_supralinear_trace_follows_the_gradient_and_the_identity_does_worse():
    """Units slower than the kicks: their relaxation cancels what the identity adds up."""
    options = {
        "trial": slow_trial, "kick_probability": 0.02, "sigma": 4.0, "baseline": "round",
        "tau_min": 8.0, "tau_max": 8.0, "n_neurons": 10,
    }  # fmt: skip
    calm = make(Miconi, **options | {"n_envs": 2, "kick_probability": 0.0})
    calm.play()
    adjoint, *_ = calm._output_adjoint(*calm._modulate())
    exact = calm.exact_gradient(adjoint)["W_rec"].ravel()
    cosines = {}
    for trace in ("cubic", "signed-square", "identity"):
        agent = make(Miconi, trace=trace, **options)
        total = np.zeros(len(exact))
        for _ in range(8):
            agent.play()
            total += agent.recurrent_gradient(np.zeros(0))["W_rec"].ravel()
        cosines[trace] = compare(total, exact)[1]
    assert min(cosines["cubic"], cosines["signed-square"]) > 0.75
    assert cosines["identity"] < 0.6
