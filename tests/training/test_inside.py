"""Looking inside: the trial is the agent's own, and what is drawn is what its rule would use."""

import gymnasium as gym
import numpy as np
import pytest

from caudate.agents import EProp, make_agent
from caudate.agents.actor_critic import ActorCritic
from caudate.agents.networks import SpikingNetwork
from caudate.training import UsageError
from caudate.training.inside import look_inside
from caudate.training.inside_trial import (
    Synapse,
    adaptive,
    choose_synapses,
    choose_units,
    eligibility_traces,
    peak_eligibility,
    play_trial,
    teaching,
)
from caudate.training.runs import Run

from .conftest import SMALL, TASK, one_sentence, small_run

SEED = 7


class Greedy(EProp):
    """Plays its rounds as a trial is played: one seed, greedy actions."""

    def _draw_seeds(self):
        return np.full(self.n_envs, SEED)

    def _choose(self, policy):
        return self.head.mode(policy)


def greedy(network, task=TASK, **options):
    options = {"dtype": "float64", "n_neurons": 12, "rate_coef": 0.0} | options
    agent = Greedy(task, n_envs=1, network=network, seed=3, **options)
    agent.parameters["W_out"][-1] = 0.1  # a critic that says something
    return agent


def play(agent, max_steps=1000, task=TASK):
    return play_trial(agent, gym.make(task), SEED, max_steps)


@pytest.mark.parametrize("name", ["eprop", "eprop-rate", "weight-perturbation"])
def test_network_steps_are_the_agents_own(name):
    agent = make_agent(name, TASK, n_envs=2, seed=1, **SMALL)
    assert isinstance(agent, ActorCritic)
    trial = play(agent)
    env, state = gym.make(TASK), None
    observation, _ = env.reset(seed=SEED)
    for t in range(len(trial)):
        action, state = agent.predict(observation, state, deterministic=True)
        assert np.array_equal(trial.observations[t], observation)
        assert action == trial.actions[t] == agent.head.mode(trial.outputs[t][:-1])
        assert state is not None
        inner = trial.states[(t + 1) * trial.substeps - 1]
        assert all(np.array_equal(a, b[0]) for a, b in zip(inner, state, strict=True))
        observation, reward, *_ = env.step(action)
        assert trial.rewards[t] == reward
    assert len(trial.states) == trial.tape.length == len(trial) * agent.network.substeps


@pytest.mark.parametrize("network", ["alif", "rate"])
@pytest.mark.parametrize("modulator", ["critic", "return", "condition"])
def test_teaching_is_the_agents_own(network, modulator):
    agent = greedy(network, modulator=modulator, feedback="random")
    agent.scale.update(np.array([0.7]))
    agent.baseline(np.array([0.4]), np.arange(1))
    trial = play(agent)
    found = teaching(agent, trial)
    agent.play()
    advantage, value_error = agent._modulate()
    adjoint, *_ = agent._output_adjoint(advantage, value_error)
    assert found.advantage == pytest.approx(advantage[:, 0])
    assert found.values == pytest.approx(agent.record["outputs"][:, 0, -1])
    assert (found.td_error is None) == (modulator != "critic")
    assert found.signal == pytest.approx(len(trial) * adjoint[:, 0] @ agent.feedback)


@pytest.mark.parametrize(
    ("network", "options"),
    [
        ("alif", {}),
        ("lif", {"refractory": 3, "mean_features": True, "connectivity": 0.5}),
        ("rate", {"nonlinearity": "input", "initial_activity": 0.1}),
        ("rate", {}),
    ],
)
def test_signal_times_eligibility_is_the_gradient(network, options):
    agent = greedy(network, **options)
    trial = play(agent)
    signal = teaching(agent, trial).signal
    n, d = agent.network.n_units, agent.network.n_inputs
    pairs = [(j, i) for j in range(n) for i in range(d + n) if i - d != j]
    traces = eligibility_traces(agent.network, trial.tape, [Synapse(*pair) for pair in pairs])
    ends = traces[:, trial.substeps - 1 :: trial.substeps]
    found = [signal[:, j] @ ends[row] for row, (j, _) in enumerate(pairs)]
    agent.play()
    adjoint, *_ = agent._output_adjoint(*agent._modulate())
    gradient = agent.recurrent_gradient(adjoint)
    rule = len(trial) * np.hstack([gradient["W_in"], gradient["W_rec"]])
    assert np.abs(rule).max() > 0
    assert found == pytest.approx([rule[pair] for pair in pairs])


def test_a_cut_episode_goes_on_in_its_value():
    agent = greedy("rate")
    whole, short = play(agent), play(agent, max_steps=4)
    assert (len(short), short.cut, whole.cut) == (4, True, False)
    cut, uncut = teaching(agent, short).td_error, teaching(agent, whole).td_error
    assert cut is not None
    assert uncut is not None
    assert cut == pytest.approx(uncut[:4])


def test_followed_units_spike_and_have_synapses():
    agent = greedy("alif", n_neurons=30)
    assert isinstance(agent.network, SpikingNetwork)
    trial = play(agent)
    peak = peak_eligibility(agent, trial.tape)
    d = agent.network.n_inputs
    assert not peak[:, d:].diagonal().any()  # no self-connections
    units = choose_units(agent.network, trial.tape, peak)
    spikes = trial.state(2).sum(0)
    assert adaptive(agent.network)[units].tolist() == [True, True, False, False]
    assert (spikes[units] > 0).all()
    synapses = choose_synapses(peak, units)
    assert [s.post for s in synapses] == np.repeat(units, 3).tolist()
    traces = eligibility_traces(agent.network, trial.tape, synapses)
    found = np.abs(traces).max(1)
    assert found == pytest.approx([peak[s.post, s.column] for s in synapses])
    for row in range(0, len(synapses), 3):
        assert found[row] == peak[synapses[row].post, :d].max()
        assert found[row + 1] == peak[synapses[row].post, d:].max()


@pytest.mark.parametrize(
    ("network", "task"),
    [
        ("alif", TASK),
        ("lif", "CartPole-v1"),
        ("rate", "caudate/DelayedReach-v0"),
        ("rate", "caudate/Bandit-v0"),
        ("alif", "caudate/FlipFlop-v0"),
    ],
)
def test_a_picture_for_every_network_and_kind_of_action(tmp_path, network, task):
    options = SMALL | {"network": network, "modulator": "return"}
    run = small_run(tmp_path, task, options=options, steps=200).path
    said = []
    path = look_inside(run, max_steps=30, say=said.append)
    assert path == run / "figures" / "inside.png"
    assert path.read_bytes().startswith(b"\x89PNG")
    assert "return" in said[0]


def test_the_command_draws_the_units_asked_for(cli, tmp_path):
    run = Run.open(small_run(tmp_path, steps=200).path)
    outcome = cli("watch", run.path, "--inside", "--unit", 3, "--unit", 0)
    assert outcome.code == 0, outcome
    assert outcome.out.splitlines()[-1] == f"picture: {run.figures / 'inside.png'}"
    for arguments, words in (
        (("--inside", "--unit", 16), "from 0 to 15"),
        (("--inside", "--trials", 2), "--trials 2"),
        (("--inside", "--max-steps", 0), "max_steps=0"),
        (("--unit", 3), "--inside"),
    ):
        assert words in one_sentence(cli("watch", run.path, *arguments))


def test_other_networks_are_refused(tmp_path, monkeypatch):
    run = small_run(tmp_path, steps=200).path
    monkeypatch.setattr(Run, "agent", lambda run: object())
    with pytest.raises(UsageError, match="works for eprop, eprop-rate"):
        look_inside(run)
