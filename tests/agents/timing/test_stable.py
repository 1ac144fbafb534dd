"""Stable timing: a network that develops before reward comes."""

from typing import Any

import numpy as np
import pytest

import caudate.envs  # noqa: F401
from caudate.agents import AgentError, load_agent, make_agent
from caudate.agents.stable_timing import PRECISE, TimingCircuit
from caudate.agents.timing.stable import CircuitSequences

PRESS = "caudate/IntervalProduction-TimedPress-v0"


def agent(**options: Any) -> Any:
    return make_agent("stable-timing", PRESS, **{"n_envs": 2, "develop_trials": 2} | options)


def test_the_network_develops_once_before_reward_comes():
    one = agent()
    assert one.circuit.trials == 0
    one.warm_up()
    assert one.circuit.trials == 0
    one.update()
    assert one.circuit.trials == 2 * 2  # each cue has a trajectory of its own
    weights = one.circuit.weights_ee.copy()
    one.update()
    np.testing.assert_array_equal(one.circuit.weights_ee, weights)
    assert agent(separate=False).circuit.stimuli == 1


def test_asking_for_an_action_develops_it_too():
    one, two = agent(), agent()
    two.update()
    obs = np.array([1, 0, 1], np.float32)  # the pulse, and the second cue
    one.predict(obs)
    np.testing.assert_array_equal(one.circuit.weights_ee, two.circuit.weights_ee)


def test_a_loaded_network_does_not_develop_again(tmp_path):
    one = agent()
    one.update()
    one.save(tmp_path / "agent.caudate")
    two: Any = load_agent(tmp_path / "agent.caudate")
    assert two.circuit.trials == 4
    np.testing.assert_array_equal(two.circuit.weights_ee, one.circuit.weights_ee)
    assert two.update() == one.update()


def test_seeds_make_networks_and_the_time_scale_stretches_them():
    assert not np.array_equal(agent(seed=1).circuit.weights_ee, agent().circuit.weights_ee)
    spikes = []
    for scale in (1.0, 10.0):
        circuit = TimingCircuit(PRECISE.scaled(scale), seed=2, kernel="numpy")
        found = CircuitSequences(circuit, 0).first_spikes(np.zeros(2, int), np.arange(2))
        spikes.append(found / scale)
    np.testing.assert_allclose(spikes[0], spikes[1])
    assert np.isfinite(spikes[0]).sum() == 2 * PRECISE.stimulated_e
    assert agent(time_scale=10.0, trace_ms=8.0).clock.tau_ms == 80.0


def test_it_learns_to_press_in_time():
    pytest.importorskip("numba")
    one: Any = make_agent("stable-timing", PRESS, seed=2)
    returns = [one.update()["return_mean"] for _ in range(60)]
    assert one.circuit.trials == 1600
    assert returns[0] < 0.3
    assert np.mean(returns[-20:]) > 0.75


def test_mistakes():
    with pytest.raises(AgentError, match=r"setting='P' is not one of precise, long, bursting"):
        agent(setting="P")
    with pytest.raises(AgentError, match=r"time_scale=0.0 must be above 0"):
        agent(time_scale=0.0)
    with pytest.raises(AgentError, match="develop_trials=-1 must be 0 or more"):
        agent(develop_trials=-1)
