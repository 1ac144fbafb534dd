"""The e-prop agent as a user meets it: learning, state, warnings, mistakes."""

from __future__ import annotations

import itertools
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import caudate.envs  # noqa: F401
from caudate.agents import (
    AGENTS,
    AgentError,
    CheckpointError,
    EProp,
    LearningWarning,
    NodePerturbation,
    NonFiniteError,
    load_agent,
    make_agent,
    option_types,
    write_checkpoint,
)

from . import toy_envs  # noqa: F401

# The loop circuit needs a task of its own, see test_loop.py.
OURS = [
    name
    for name, spec in AGENTS.items()
    if spec.kind == "network" and spec.extra is None and name != "loop-circuit"
]
KERNEL = {"eprop": {"kernel": "numpy"}}  # no compilation in tests of other things


def small(name: str, env: Any = "test/Echo-v0", **kwargs: Any) -> Any:
    return make_agent(
        name, env, **{"seed": 1, "n_envs": 6, "n_neurons": 12} | KERNEL.get(name, {}) | kwargs
    )


def updates(agent: Any, n: int) -> list[dict[str, float]]:
    return [agent.update() for _ in range(n)]


@pytest.mark.parametrize(
    "options",
    [
        {"network": "rate"},
        {"network": "rate", "feedback": "random"},
        {"network": "rate", "feedback": "adaptive"},
        {"network": "rate", "modulator": "average"},
        {"network": "rate", "modulator": "condition"},
        {"network": "rate", "gradient": "exact"},
        {"network": "alif"},
    ],
)
def test_it_learns_to_remember(options):
    agent = EProp("test/Echo-v0", n_envs=32, n_neurons=50, seed=2, kernel="numpy", **options)
    returns = [agent.update()["return_mean"] for _ in range(150)]
    assert np.mean(returns[:3]) < 0.6
    assert np.mean(returns[-20:]) > 0.8


def test_continuous_actions_are_learned():
    agent = EProp("test/Target-v0", n_envs=32, n_neurons=16, network="rate", seed=0)
    returns = [agent.update()["return_mean"] for _ in range(200)]
    assert np.mean(returns[-10:]) > np.mean(returns[:10]) / 4


@pytest.mark.parametrize("options", [{}, {"update": "step", "execution": "online"}])
def test_switches_end_to_end(options):
    agent = small("eprop-rate", "caudate/FlipFlop-v0", **options)
    assert isinstance(agent.action_space, gym.spaces.MultiBinary)
    for metrics in updates(agent, 3):
        assert np.isfinite(list(metrics.values())).all()
    action, _ = agent.predict(np.zeros(agent.n_inputs))
    assert agent.action_space.contains(action)


def test_switches_are_learned():
    agent = small(
        "eprop-rate", "test/Switches-v0", n_envs=32, n_neurons=32, gamma=0.0, learning_rate=0.03
    )
    returns = [m["return_mean"] / m["length_mean"] for m in updates(agent, 100)]
    assert np.mean(returns[:3]) < 0.6
    assert np.mean(returns[-10:]) > 0.8


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("env", ["test/Echo-v0", "caudate/ReversalBandit-v0", "CartPole-v1"])
def test_resumed_equals_undisturbed_bit_for_bit(tmp_path, name, env):
    straight = small(name, env)
    for _ in range(2):
        straight.update()
    straight.save(tmp_path / "agent.caudate")
    resumed: Any = load_agent(tmp_path / "agent.caudate")
    for _ in range(2):
        a, b = straight.update(), resumed.update()
        assert a == b
    for key, w in straight.parameters.items():
        np.testing.assert_array_equal(w, resumed.parameters[key])
    np.testing.assert_equal(straight.get_state(), resumed.get_state())


@pytest.mark.parametrize("name", OURS)
def test_predict_carries_state_column_by_column(name):
    agent = small(name)
    rng = np.random.default_rng(0)
    x = rng.random((7, 4, 3)).astype(np.float32)
    state, together = None, []
    for t in range(7):
        action, state = agent.predict(x[t], state, np.array([t == 0, t == 3, False, False]), True)
        together.append(action)
    for column, restart in itertools.product(range(4), [True]):
        state, alone = None, []
        for t in range(7):
            if restart and column == 1 and t == 3:
                state = None
            action, state = agent.predict(x[t, column], state, deterministic=True)
            alone.append(action)
        np.testing.assert_array_equal(alone, np.array(together)[:, column])


def test_predict_refuses_a_state_of_another_batch():
    agent = small("eprop-rate")
    _, state = agent.predict(np.zeros((3, 3)))
    with pytest.raises(AgentError, match="got 2 observations with the state of 3"):
        agent.predict(np.zeros((2, 3)), state)


def test_predict_refuses_observations_of_another_shape():
    with pytest.raises(AgentError, match=r"shape \(2, 5\) do not fit \(3,\)"):
        small("eprop-rate").predict(np.zeros((2, 5)))


def test_sampling_while_predicting_leaves_learning_alone():
    a, b = small("eprop-rate"), small("eprop-rate")
    for _ in range(5):
        a.predict(np.zeros((2, 3)))
    assert a.update() == b.update()


def test_learn_counts_transitions_and_stops_on_request():
    agent = small("eprop-rate")
    agent.learn(100)
    assert agent.num_timesteps >= 100
    calls = []
    agent.learn(10_000, callback=lambda agent, metrics: calls.append(metrics) or len(calls) < 3)
    assert len(calls) == 3
    with pytest.raises(AgentError, match="callback=EvalCallback is not supported"):
        agent.learn(10, callback=EvalCallback())


class EvalCallback:
    """Looks like one of Stable-Baselines3."""

    def init_callback(self): ...

    def __call__(self): ...


def test_loading_another_agents_file_is_refused(tmp_path):
    path = tmp_path / "agent.caudate"
    small("node-perturbation").save(path)
    with pytest.raises(CheckpointError, match="holds a 'node-perturbation' agent, not 'eprop'"):
        EProp.load(path)
    write_checkpoint(path, {"agent": "other", "config": {}, "state": {}})
    with pytest.raises(CheckpointError, match="is not known here"):
        load_agent(path)


def test_loading_onto_an_environment_that_does_not_fit_is_refused(tmp_path):
    path = tmp_path / "agent.caudate"
    small("eprop-rate").save(path)
    with pytest.raises(CheckpointError, match="W_in has shape"):
        EProp.load(path, env=gym.make("CartPole-v1"))


def test_an_agent_of_a_changed_environment_is_loaded_only_with_it(tmp_path):
    env = gym.make("caudate/DelayedMatch-v0", delay=2000.0)
    EProp(env, network="rate", n_neurons=4).save(tmp_path / "agent")
    with pytest.raises(AgentError, match="pass env= to load it"):
        load_agent(tmp_path / "agent")
    assert load_agent(tmp_path / "agent", env).n_envs == 1


def test_observations_of_double_precision_are_rounded_where_they_enter():
    agent = EProp("caudate/DelayedMatch-v0", n_neurons=4, n_envs=2)
    x = np.ones((2, agent.n_seen))
    assert agent.remember(x, agent.fresh_state(2, agent.rng))[0].dtype == np.float32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": "rate", "tau_min": 0.3}, "tau_min=0.3 must be 1 or more"),
        ({"network": "rate", "tau_max": float("inf")}, "tau_max=inf must be 1 or more"),
    ],
)
def test_options_that_no_network_can_have(options, message):
    with pytest.raises(AgentError, match=message):
        EProp("caudate/DelayedMatch-v0", n_neurons=4, n_envs=2, **options)


def test_episode_starts_must_fit_the_observations():
    agent = EProp("caudate/DelayedMatch-v0", n_neurons=4, n_envs=2)
    x = np.zeros((4, agent.n_seen), np.float32)
    _, state = agent.predict(x)
    with pytest.raises(AgentError, match="got 4 observations with an episode_start of 3"):
        agent.predict(x, state, np.array([True, False, False]))


def test_silent_networks_are_reported():
    agent = small("eprop", input_gain=0.0, recurrent_gain=0.0, rate_coef=0.0)
    agent.parameters["bias"][...] = -1.0
    with pytest.warns(LearningWarning, match="almost no neuron spikes.*input_gain"):
        updates(agent, 25)


def test_rewards_that_never_come_are_reported(monkeypatch):
    agent = small("eprop-rate", modulator="average")
    step = agent.rounds.step
    monkeypatch.setattr(agent.rounds, "step", lambda a: (step(a)[0], np.zeros(agent.n_envs)))
    monkeypatch.setattr(agent, "_episode_worth", lambda: np.zeros(agent.n_envs))
    with pytest.warns(LearningWarning, match="every advantage is zero"):
        updates(agent, 25)


def test_an_update_that_is_not_finite_leaves_the_last_good_weights():
    agent = small("eprop-rate")
    agent.parameters["W_out"][0, 0] = np.inf
    before = agent.parameters["W_in"].copy()
    with pytest.raises(NonFiniteError, match="Lower learning_rate"), np.errstate(all="ignore"):
        agent.update()
    np.testing.assert_array_equal(agent.parameters["W_in"], before)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"network": "lsm"}, "network='lsm' is not one of rate, alif, lif"),
        ({"seed": -1}, "seed=-1 must be an integer of 0 or more"),
        ({"execution": "online", "gradient": "exact"}, "carries local traces"),
        ({"dtype": "float16"}, "not one of float32, float64"),
        ({"kernel": "cuda"}, "kernel='cuda' is not one of auto, numpy, numba"),
    ],
)
def test_mistakes_get_one_sentence(kwargs, message):
    with pytest.raises(AgentError, match=message):
        EProp("test/Echo-v0", **{"n_envs": 2, "network": "alif"} | kwargs).update()


def test_names():
    with pytest.raises(AgentError, match="did you mean 'eprop-rate'"):
        make_agent("eprop-rat", "CartPole-v1")
    assert option_types("eprop-rate")["network"] == (str, "rate")


@pytest.mark.parametrize("cls", [EProp, NodePerturbation])
def test_adding_a_reservoir_control_keeps_the_network_fixed(cls):
    agent = (
        small("reservoir") if cls is EProp else small("node-perturbation", perturbation_rate=0.0)
    )
    before = {k: agent.parameters[k].copy() for k in ("W_in", "W_rec", "bias", "W_out")}
    for _ in range(3):
        agent.update()
    for key in ("W_in", "W_rec", "bias"):
        np.testing.assert_array_equal(agent.parameters[key], before[key])
    assert (agent.parameters["W_out"] != before["W_out"]).any()


def test_firing_rates_are_those_of_steps_that_happened():
    """Columns go on to be computed after their episodes, and must not be counted."""
    env = gym.make_vec("test/Echo-v0", 6, delay=1, lengths=(0, 9))
    agent = small("eprop", env, dtype="float64")
    agent.play()
    alive = agent.record["alive"]
    assert not alive.all()
    agent.tape["z"][...] = alive[:, None, :, None]
    before = agent.mean_rate.copy()
    metrics = agent._watch_round(np.zeros_like(agent.record["rewards"]), 1.0)
    assert metrics["spike_rate"] == pytest.approx(1)
    assert (agent.mean_rate > before).all()
