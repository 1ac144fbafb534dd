"""Attractors as memories, alone and as further inputs of agents that learn."""

from typing import Any

import numpy as np
import pytest

import caudate.envs
from caudate.agents import AgentError, NodePerturbation, make_agent
from caudate.agents.attractors import AttractorMemory

TASK = "caudate/DelayedMatch-v0"
SMALL = {"n_envs": 8, "n_neurons": 16, "memory": "attractor", "memory_noise": 0.05}


def test_a_pattern_survives_noise_with_relaxation_and_not_without():
    rng = np.random.default_rng(0)
    pattern = rng.choice([-1.0, 1.0], (6, 100))
    ends = {}
    for sweeps in (1, 0):
        memory = AttractorMemory(6, 100, seed=3)
        memory.write(pattern)
        for _ in range(50):
            memory.step(noise=0.05, sweeps=sweeps)
        ends[sweeps] = memory.read()[1][:, 0]
    assert ends[1].min() > 0.95
    assert np.abs(ends[0]).mean() < 0.2


def test_columns_are_what_they_are_alone_and_states_go_on():
    pattern = np.where(np.arange(40) % 2, 1.0, -1.0)
    both, alone = AttractorMemory(2, 40, seed=5), AttractorMemory(1, 40, seed=6)
    both.write(np.stack([pattern, pattern]))
    alone.write(pattern[None])
    for _ in range(3):
        one, two = both.step(noise=0.3, sweeps=0), alone.step(noise=0.3, sweeps=0)
    assert np.array_equal(one[1], two[0])
    again = AttractorMemory(2, 40)
    again.set_state(both.get_state())
    assert np.array_equal(again.step(noise=0.3), both.step(noise=0.3))
    assert np.array_equal(again.energy(), both.energy())
    both.reset(keep_weights=False)
    assert both.read()[1].shape == (2, 0)


def test_a_cue_completes_to_what_was_written():
    pattern = np.random.default_rng(1).choice([-1.0, 1.0], (1, 60))
    memory = AttractorMemory(1, 60, rule="hebb")
    memory.write(pattern)
    memory.reset()
    cue = np.where(np.arange(60) < 20, -pattern, pattern)
    assert np.array_equal(memory.step(cue), pattern)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"memory": "hopfield"}, "memory='hopfield'"),
        ({"memory_rule": "pseudo-inverse"}, "memory_rule="),
        ({"memory_noise": 2.0}, "memory_noise=2.0"),
        ({"memory_units": 0}, "memory_units=0"),
        ({"memory_channels": "sound"}, "sound"),
    ],
)
def test_mistakes_are_one_sentence(options, words):
    with pytest.raises(AgentError, match=words):
        make_agent("eprop-rate", TASK, **(SMALL | options))
    with pytest.raises(AgentError, match="must be 1 or more"):
        AttractorMemory(0, 10)
    with pytest.raises(AgentError, match="does not fit"):
        AttractorMemory(1, 10).write(np.ones((1, 9)))


@pytest.mark.parametrize("name", ["eprop-rate", "rflo", "bptt", "eprop"])
def test_every_rule_takes_it_and_gradients_stay_what_they_are(name):
    agent: Any = make_agent(name, TASK, seed=0, **SMALL)
    check = agent.gradient_check(rounds=1)
    assert check["W_in"]["cosine"] > (0.999 if name == "bptt" else 0.0 if name == "rflo" else 0.5)
    metrics = agent.update()
    assert np.isfinite(metrics["network_grad_norm"])
    assert agent.parameters["W_in"].shape[1] == agent.n_seen + 32


def test_perturbation_takes_it_and_pairs_share_its_luck():
    agent = NodePerturbation(TASK, seed=0, **SMALL)
    assert np.isfinite(agent.update()["return_mean"])


def test_resumed_equals_undisturbed(tmp_path):
    whole: Any = make_agent("eprop-rate", TASK, seed=1, **SMALL)
    cut = make_agent("eprop-rate", TASK, seed=1, **SMALL)
    for _ in range(4):
        whole.update()
    for _ in range(2):
        cut.update()
    cut.save(tmp_path / "a.caudate")
    again: Any = type(cut).load(tmp_path / "a.caudate")
    for _ in range(2):
        again.update()
    for key, value in whole.parameters.items():
        assert np.array_equal(value, again.parameters[key]), key


def test_predict_carries_the_memory_column_by_column():
    agent = make_agent("eprop-rate", TASK, seed=0, **(SMALL | {"memory_noise": 0.0}))
    task = caudate.envs.make_task(TASK)
    batch = task.vector(4)
    obs, _ = batch.reset(seed=0)
    together: Any = None
    alone: Any = None
    for step in range(6):
        start = np.array([step == 0] * 4)
        many, together = agent.predict(obs, together, start, deterministic=True)
        one, alone = agent.predict(obs[2:3], alone, start[2:3], deterministic=True)
        assert many[2] == one[0]
        obs = batch.step(many)[0]
    for part, (a, b) in enumerate(zip(together, alone, strict=True)):
        if part != len(alone) - 2:  # seeds of luck, which is not used here
            assert a[2:3] == pytest.approx(b, abs=1e-5)
