"""Node perturbation: its pairs, its estimate of the gradient, its learning."""

from __future__ import annotations

import numpy as np
import pytest

import caudate.envs  # noqa: F401
from caudate.agents import AgentError, EProp, NodePerturbation
from caudate.agents.advantages import discounted_sums

from .. import toy_envs  # noqa: F401


def make(**options) -> NodePerturbation:
    return NodePerturbation(
        "test/Echo-v0",
        **{"seed": 0, "n_envs": 8, "n_neurons": 10, "dtype": "float64", "sigma": 0.2} | options,
    )


def test_pairs_share_episode_and_luck_and_have_opposite_noise():
    agent = make(env_kwargs={"lengths": (0, 2)}, sigma=1e-9)
    agent.play()
    xi, r = agent.noise["xi"][:, 0], agent.record
    np.testing.assert_array_equal(xi[:, ::2], -xi[:, 1::2])
    for name in ("actions", "alive", "rewards"):
        np.testing.assert_array_equal(r[name][:, ::2], r[name][:, 1::2])
    assert len(np.unique(agent.rounds.condition)) == 2


@pytest.mark.parametrize("tau", [0.0, 3.0])
def test_noise_has_the_stated_variance_and_correlation(tau):
    agent = make(n_envs=400, n_neurons=50, noise_tau=tau, sigma=0.7, env_kwargs={"delay": 6})
    agent.play()
    xi = agent.noise["xi"][:, 0, ::2]
    np.testing.assert_allclose(xi.std((1, 2)), 0.7, rtol=0.05)
    correlation = np.corrcoef(xi[2].ravel(), xi[4].ravel())[0, 1]
    assert correlation == pytest.approx(np.exp(-2 / tau) if tau else 0.0, abs=0.05)


def test_estimate_is_the_noise_times_what_it_earned():
    """The update written out synapse by synapse, column by column and step by step."""
    agent = make(gamma=0.8)
    agent.play()
    gradient = agent.recurrent_gradient(np.zeros(0))
    earned = discounted_sums(agent.record["rewards"], 0.8)
    alive, xi = agent.record["alive"], agent.noise["xi"][:, 0]
    r, expected = agent.tape["r"], np.zeros((10, 10))
    for t in range(1, len(alive)):
        for b in range(8):
            partner = b ^ 1
            worth = (earned[t, b] - earned[t, partner]) / 2 / agent.scale.value
            expected -= alive[t, b] * worth / 0.2**2 * np.outer(xi[t, b], r[t - 1, b])
    np.testing.assert_allclose(gradient["W_rec"], expected / alive.sum(), atol=1e-12)


def test_mean_estimate_is_the_policy_gradient():
    """White noise: the average over rounds is the exact gradient (BPTT) of the return."""
    options = {
        "seed": 0, "n_envs": 4000, "n_neurons": 6, "gamma": 1.0, "readout_gain": 3.0,
        "tau_max": 4.0, "dtype": "float64", "env_kwargs": {"delay": 100.0},
    }  # fmt: skip
    task = "caudate/DelayedMatch-Bench-v0"
    agent = NodePerturbation(task, noise_tau=0.0, sigma=0.2, **options)
    exact = EProp(
        task, network="rate", gradient="exact", modulator="average", entropy_coef=0.0, **options
    )
    exact.parameters.update({k: w.copy() for k, w in agent.parameters.items()})
    exact.network.set_constants(agent.network.get_constants())
    estimate, gradient = np.zeros((2, 6, 3))
    for _ in range(40):
        agent.play()
        estimate += agent.recurrent_gradient(np.zeros(0))["W_in"]
        exact.play()
        exact.scale.square = 0.0  # advantages in raw reward
        adjoint, *_ = exact._output_adjoint(*exact._modulate())
        gradient += exact.recurrent_gradient(adjoint)["W_in"]
    a, b = estimate.ravel(), gradient.ravel()
    assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) > 0.9
    assert a @ b / (b @ b) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("options", [{}, {"baseline": "round"}, {"credit": "episode"}])
def test_it_learns_to_remember(options):
    agent = make(n_envs=64, n_neurons=32, dtype="float32", sigma=0.3, **options)
    returns = [agent.update()["return_mean"] for _ in range(250)]
    assert np.mean(returns[:5]) < 0.5
    assert np.mean(returns[-20:]) > 0.75


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_envs": 3}, "must be even"),
        ({"sigma": 0.0}, "sigma=0.0 must be above 0"),
        ({"noise_tau": -1.0}, "noise_tau=-1.0 must be 0 or more"),
        ({"credit": "none"}, "is not one of to-go, episode"),
    ],
)
def test_mistakes_get_one_sentence(options, message):
    with pytest.raises(AgentError, match=message):
        make(**options)
