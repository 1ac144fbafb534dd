"""What the perturbation agents do to networks, how their columns share luck, what they refuse."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import caudate.envs  # noqa: F401
from caudate.agents import AgentError, load_agent, make_agent
from caudate.agents.perturbation.credit import signed_ranks

from .. import toy_envs  # noqa: F401

AGENTS = (
    *("node-perturbation", "activity-perturbation", "weight-perturbation"),
    *("hybrid-perturbation", "miconi"),
)
NETWORKS = ("rate", "lif", "alif")


def make(name: str, **options: Any) -> Any:
    defaults = {"seed": 0, "n_envs": 8, "n_neurons": 10, "dtype": "float64", "kernel": "numpy"}
    return make_agent(name, options.pop("env", "test/Echo-v0"), **defaults | options)


@pytest.mark.parametrize("noise", ["dense", "flip", "rank-one"])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", ["weight-perturbation", "hybrid-perturbation"])
def test_perturbed_columns_are_networks_with_other_weights(name, network, noise):
    """A column of the batch is the network that has the perturbation in its weights."""
    agent = make(name, network=network, noise=noise, sigma=0.1, readout="perturbation")
    agent.parameters["bias"] *= 2.5  # spiking neurons above threshold
    agent.play()
    n, x = 10, agent.tape["x"]
    for b in (0, 1, 5):
        sign = (1, -1)[b % 2]
        xi = sign * agent.network_noise.perturbation(b // 2)
        recurrent = xi[:, :n].copy()
        if network != "rate":
            np.fill_diagonal(recurrent, 0)
        w = agent.parameters | {
            "W_rec": agent.parameters["W_rec"] + recurrent,
            "W_in": agent.parameters["W_in"] + xi[:, n:-1],
            "bias": agent.parameters["bias"] + xi[:, -1],
        }
        out = sign * agent.readout_noise.perturbation(b // 2)
        state = agent.network.initial_state(1)
        for t in range(len(x)):
            features, state = agent.network.step(w, state, x[t, b : b + 1])
            np.testing.assert_allclose(features[0], agent.record["features"][t, b], atol=1e-10)
            policy = features @ (w["W_out"][:-1] + out[:, :-1]).T + w["b_out"][:-1] + out[:, -1]
            np.testing.assert_allclose(policy[0], agent.record["outputs"][t, b, :-1], atol=1e-10)
    if network != "rate":
        assert 0.01 < agent.tape["z"].mean() < 0.9


@pytest.mark.parametrize("network", ["lif", "alif"])
def test_noise_enters_the_membrane_at_every_network_step(network):
    agent = make("node-perturbation", network=network, sigma=0.1, noise_tau=0.0)
    agent.parameters["bias"] *= 2.5
    agent.play()
    c, w = agent.network.constants, agent.parameters
    v, a, z = np.zeros((3, 8, 10))
    for t, x in enumerate(agent.tape["x"]):
        for k in range(agent.network.substeps):
            a = c.rho * a + z
            drive = x @ w["W_in"].T + w["bias"] + z @ w["W_rec"].T + agent.noise["xi"][t, k]
            v = c.alpha * v + drive - c.threshold * z
            z = (v > c.threshold + c.beta * a).astype(float)
            np.testing.assert_array_equal(z, agent.tape["z"][t, k])
    assert 0.01 < agent.tape["z"].mean() < 0.9


@pytest.mark.parametrize("name", ["node-perturbation", "hybrid-perturbation"])
def test_estimate_in_spiking_networks_is_fluctuation_times_presynaptic_spikes(name):
    agent = make(name, network="alif", sigma=0.2)
    agent.parameters["bias"] *= 2.5
    agent.play()
    gradient = agent.recurrent_gradient(np.zeros(0))
    xi = (agent.noise if name == "node-perturbation" else agent.caused)["xi"]
    expected = {"W_rec": np.zeros((10, 10)), "W_in": np.zeros((10, 3)), "bias": np.zeros(10)}
    z, x = agent.tape["z"], agent.tape["x"]
    for b in range(8):
        before = np.zeros(10)
        for t in range(len(x)):
            for k in range(agent.network.substeps):
                credit = agent.worth[t, b] / 0.2**2 * xi[t, k, b]
                expected["W_rec"] += np.outer(credit, before)
                expected["W_in"] += np.outer(credit, x[t, b])
                expected["bias"] += credit
                before = z[t, k, b].astype(float)
    np.fill_diagonal(expected["W_rec"], 0)
    assert np.abs(expected["W_rec"]).max() > 0
    for key, value in expected.items():
        np.testing.assert_allclose(gradient[key], value, atol=1e-12)


@pytest.mark.parametrize("name", AGENTS)
def test_columns_of_one_perturbation_share_episode_and_luck(name):
    agent = make(name, sigma=1e-9, env_kwargs={"lengths": (0, 2)})
    agent.play()
    if agent.copies == 1:
        assert len(np.unique(agent.rounds.condition)) == 2
        return
    for field in ("actions", "alive", "rewards"):
        pairs = agent.record[field].reshape(-1, 4, 2)
        np.testing.assert_array_equal(pairs[..., 0], pairs[..., 1])


def test_clean_columns_are_not_disturbed():
    for name in ("weight-perturbation", "node-perturbation"):
        agent = make(name, sigma=0.5, baseline="clean")
        agent.play()
        state = agent.network.initial_state(8)
        for t in range(len(agent.tape["x"])):
            features, state = agent.network.step(agent.parameters, state, agent.tape["x"][t])
            recorded = agent.record["features"][t]
            np.testing.assert_allclose(features[1::2], recorded[1::2], atol=1e-12)
            assert np.abs(features[::2] - recorded[::2]).max() > 0.01
        agent.recurrent_gradient(np.zeros(0))
        assert not agent.worth[:, 1::2].any()


def test_running_baseline_is_kept_by_condition():
    agent = make("weight-perturbation", baseline="condition", baseline_rate=0.5, n_envs=64)
    agent.update()
    first = dict(agent.returns_before.averages)
    assert set(first) == {0, 1}
    agent.play()
    returns, condition = agent.rounds.returns, agent.rounds.condition
    credit = agent.credit()[0] * -agent.return_scale * agent.record["alive"].sum()
    expected = returns - np.array([first[c] for c in condition])
    np.testing.assert_allclose(credit, expected)


def test_shaping_puts_ranks_in_the_place_of_changes():
    agent = make("weight-perturbation", shaping="rank", n_envs=64)
    agent.play()
    pairs = agent.rounds.returns.reshape(-1, 2)
    changes = np.stack([pairs[:, 0] - pairs[:, 1], pairs[:, 1] - pairs[:, 0]], 1).ravel() / 2
    credit = agent.credit()[0] * -agent.return_scale * agent.record["alive"].sum()
    np.testing.assert_allclose(credit, signed_ranks(changes))
    assert len(np.unique(credit)) > 1


def test_spared_weights_of_silent_inputs_stay():
    """WP0: in a round in which one cue is never shown, its weights do not move."""
    agent = make("weight-perturbation", spare_silent=True, n_envs=2)
    agent.play()
    silent = ~(agent.tape["x"] != 0).any((0, 1))
    gradient = agent.recurrent_gradient(np.zeros(0))["W_in"]
    if not agent.worth.any():  # the pair earned the same: give it something to learn from
        agent.worth = np.where(agent.record["alive"], [1.0, -1.0], 0.0)
        gradient = agent.network_gradient()["W_in"]
    assert silent.sum() == 1
    assert not gradient[:, silent].any()
    assert gradient[:, ~silent].all()


@pytest.mark.parametrize("name", AGENTS)
def test_a_loaded_agent_goes_on_bit_for_bit(name, tmp_path):
    agent = make(name, env="caudate/DelayedMatch-Bench-v0", n_envs=16)
    for _ in range(3):
        agent.update()
    agent.save(tmp_path / "agent")
    again: Any = load_agent(tmp_path / "agent")
    for _ in range(3):
        assert agent.update() == again.update()
    for key, w in agent.parameters.items():
        np.testing.assert_array_equal(w, again.parameters[key])


@pytest.mark.parametrize("name", AGENTS)
def test_agents_learn_to_remember(name):
    agent = make(name, n_envs=64, n_neurons=32, dtype="float32")
    returns = [agent.update()["return_mean"] for _ in range(400)]
    assert np.mean(returns[:5]) < 0.5
    assert np.mean(returns[-20:]) > 0.7


@pytest.mark.parametrize("name", AGENTS)
def test_agents_serve_vectors_of_actions(name):
    agent = make(name, env="test/Target-v0", n_envs=64, entropy_coef=0.0)
    returns = [agent.update()["return_mean"] for _ in range(300)]
    assert np.mean(returns[-20:]) > np.mean(returns[:5]) / 2  # costs halve at least


@pytest.mark.parametrize("name", ["node-perturbation", "hybrid-perturbation", "miconi"])
def test_readout_learns_by_the_rule_too(name):
    agent = make(name, env="test/Target-v0", n_envs=64, readout="perturbation", entropy_coef=0.0)
    returns = [agent.update()["return_mean"] for _ in range(600)]
    assert np.mean(returns[-20:]) > np.mean(returns[:5]) / 2  # costs halve at least


@pytest.mark.parametrize("network", ["lif", "alif"])
@pytest.mark.parametrize("name", ["node-perturbation", "weight-perturbation"])
def test_spiking_networks_learn(name, network):
    sizes = {"n_envs": 64, "n_neurons": 32, "dtype": "float32", "kernel": "auto"}
    sigma = {"sigma": 0.1} if name == "node-perturbation" else {}
    agent = make(name, network=network, **sizes, **sigma)
    returns = [agent.update()["return_mean"] for _ in range(300)]
    assert np.mean(returns[:5]) < 0.5
    assert np.mean(returns[-20:]) > 0.6


def test_greedy_exploration_learns_by_perturbation_alone():
    agent = make(
        "weight-perturbation", n_envs=64, n_neurons=64, readout="perturbation", sigma=0.1,
        exploration="greedy", perturbation_rate=0.02, dtype="float32",
    )  # fmt: skip
    returns = [agent.update()["return_mean"] for _ in range(300)]
    assert returns[0] < 0.6
    assert np.mean(returns[-20:]) > 0.8


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("weight-perturbation", {"noise": "sparse"}, "noise='sparse' is not one of dense, flip"),
        ("weight-perturbation", {"credit": "to-go"}, "credit='to-go' is not one of episode"),
        ("weight-perturbation", {"baseline": "mean"}, "baseline='mean' is not one of antithetic"),
        ("weight-perturbation", {"n_envs": 7, "baseline": "clean"}, "n_envs=7 must be even"),
        ("weight-perturbation", {"sigma": -0.1}, "sigma=-0.1 must be above 0"),
        ("weight-perturbation", {"noise_memory": -1.0}, "noise_memory=-1.0 must be 0 or more"),
        ("weight-perturbation", {"exploration": "greedy"}, "greedy actions have no policy gradi"),
        ("node-perturbation", {"baseline": "average"}, "set credit='episode'"),
        ("node-perturbation", {"shaping": "rank"}, "set credit='episode'"),
        ("node-perturbation", {"eligibility": "change"}, "set baseline='clean'"),
        ("activity-perturbation", {"network": "lif"}, "is for rate units"),
        ("node-perturbation", {"sigma_out": 0.0}, "sigma_out=0.0 must be above 0"),
        ("miconi", {"trace": "square"}, "trace='square' is not one of cubic"),
        ("miconi", {"network": "lif"}, "network='lif' is not for this rule"),
        ("miconi", {"kick_probability": 1.5}, "kick_probability=1.5 must be between 0 and 1"),
    ],
)
def test_mistakes_get_one_sentence(name, options, message):
    with pytest.raises(AgentError, match=message):
        make(name, **options)


@pytest.mark.parametrize("name", AGENTS)
def test_any_gymnasium_environment_will_do(name):
    agent = make_agent(name, "CartPole-v1", n_envs=4, n_neurons=8)
    assert agent.update()["episodes"] == 4


def test_perturbations_that_never_reach_the_reward_are_told():
    agent = make(
        "weight-perturbation", readout="perturbation", exploration="greedy", sigma=1e-6,
        initial_withhold_bias=9.0,
    )  # fmt: skip
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(20):
            agent.update()
    assert any("never changed what an episode earns" in str(one.message) for one in told)


@pytest.mark.parametrize("network", ["rate", "alif"])
def test_spared_weights_reach_the_readout_and_heed_ends(network):
    """WP0: what a pair's episodes did not use stays, whatever was active after they had ended."""
    agent = make(
        "weight-perturbation", network=network, spare_silent=True, n_envs=2, readout="perturbation"
    )
    agent.parameters["bias"] += 1.0  # spiking neurons above threshold
    agent.play()
    agent.record["alive"][-1] = False
    agent.worth = np.where(agent.record["alive"], [1.0, -1.0], 0.0)
    for name, silent in ("z" if network == "alif" else "r", 3), ("x", 1):
        agent.tape[name][..., silent] = 0
        agent.tape[name][-1, ..., silent] = 1
    agent.record["features"][:, :, 3] = 0
    agent.record["features"][-1, :, 3] = 1
    gradient = agent.network_gradient() | agent.perturbed_readout_gradient()
    for name, silent in ("W_in", 1), ("W_rec", 3), ("W_out", 3):
        assert not gradient[name][:, silent].any()
        assert gradient[name].any()
    assert gradient["bias"].all()
    assert gradient["b_out"].all()


def test_miconis_means_start_where_the_network_does():
    """Neither an activity that is there from the start nor the readout's bias is a fluctuation."""
    agent = make("miconi", initial_activity=0.5, readout="perturbation", kick_probability=0.0)
    for name in "W_in", "W_rec", "W_out":
        agent.parameters[name][...] = 0
    agent.parameters["bias"][...] = np.arctanh(0.5)
    agent.parameters["b_out"][...] = 0.7
    agent.play()
    np.testing.assert_allclose(agent.observed["change"], 0, atol=1e-12)
    np.testing.assert_allclose(agent.observed["out"], 0, atol=1e-12)
