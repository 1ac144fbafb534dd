"""Targets in place of reward."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import caudate.envs  # noqa: F401
from caudate.agents import (
    AgentError,
    EProp,
    NodePerturbation,
    Targets,
    WeightPerturbation,
    load_agent,
)
from caudate.agents.targets import TargetRounds
from caudate.training import evaluate

DISCRETE, BOX = gym.spaces.Discrete(3, start=1), gym.spaces.Box(-2, 6, (2,), np.float32)


def pool(space: gym.Space) -> Targets:
    rng = np.random.default_rng(0)
    discrete = isinstance(space, gym.spaces.Discrete)
    targets = rng.integers(1, 4, (5, 4)) if discrete else rng.uniform(-2, 6, (5, 4, 2))
    mask = np.arange(5)[:, None] < [5, 3, 4, 5]
    mask[0] = False
    return Targets(rng.normal(size=(5, 4, 3)), targets, space, mask, conditions=np.arange(4) % 2)


@pytest.mark.parametrize("space", [DISCRETE, BOX])
def test_return_is_minus_the_mean_error_and_the_adjoint_its_derivative(space):
    rounds = TargetRounds(pool(space), 6)
    outputs = np.random.default_rng(1).normal(size=(5, 6, rounds.pool.head.n_outputs))

    def play(y: np.ndarray) -> np.ndarray:
        rounds.reset(np.array([0, 1, 2, 3, 4, 1]))
        while rounds.alive.any():
            rounds.step(y[rounds._steps])
        return rounds.returns.copy()

    returns = play(outputs)
    np.testing.assert_array_equal(rounds.lengths, [5, 3, 4, 5, 5, 3])
    np.testing.assert_array_equal(rounds.condition, [0, 1, 0, 1, 0, 1])
    target = rounds.pool.targets[1:3, 1]  # trial 1 counts at steps 1 and 2
    if space is DISCRETE:
        log_p = outputs[1:3, 1] - np.log(np.exp(outputs[1:3, 1]).sum(-1, keepdims=True))
        error = -log_p[[0, 1], target]
    else:
        error = 0.5 * ((outputs[1:3, 1] - target) ** 2).sum(-1)
    assert returns[1] == pytest.approx(-error.mean())
    adjoint = rounds.output_adjoint(outputs)
    for t, b in ((2, 1), (3, 0), (4, 1), (0, 2)):  # (4, 1) lies behind its trial's end
        for k in range(outputs.shape[-1]):
            moved = outputs.copy()
            moved[t, b, k] += 1e-6
            slope = -(play(moved)[b] - returns[b]) / 1e-6
            assert adjoint[t, b, k] == pytest.approx(slope, abs=1e-5)


def test_targets_of_vectors_are_in_units_of_the_action_space():
    targets = Targets(np.zeros((1, 2, 1)), np.array([[[-2, 6], [2, 2]]]), BOX).targets
    np.testing.assert_allclose(targets, [[[-1, 1], [0, 0]]])


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (EProp, {"network": "rate", "learning_rate": 0.01}),
        (NodePerturbation, {"perturbation_rate": 3e-3, "credit": "episode"}),
        (
            WeightPerturbation,
            {"sigma": 0.05, "perturbation_rate": 0.01, "readout": "perturbation"},
        ),
    ],
)
def test_agents_learn_from_targets_and_play_the_environment(cls, options):
    env_id = "caudate/DelayedMatch-Bench-v0"
    agent = cls(Targets.of(env_id, 64), seed=0, n_envs=32, n_neurons=64, **options)
    for _ in range(1000):
        agent.update()
    assert evaluate(agent, env_id, episodes=200).value > 0.9


def test_checkpoint_of_targets_loads_on_the_environment_and_on_targets(tmp_path):
    targets = Targets.of("caudate/DelayedMatch-Bench-v0", 16)
    agent = WeightPerturbation(targets, seed=0, n_envs=4, n_neurons=8)
    agent.update()
    agent.save(tmp_path / "a")
    on_env = WeightPerturbation.load(tmp_path / "a")
    assert on_env.env_id == "caudate/DelayedMatch-Bench-v0"
    again = WeightPerturbation.load(tmp_path / "a", env=targets)
    other = WeightPerturbation(targets, seed=0, n_envs=4, n_neurons=8)
    other.update()
    for one in (again, other):
        one.update()
    np.testing.assert_array_equal(again.parameters["W_rec"], other.parameters["W_rec"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Targets(np.zeros((3, 2, 1)), np.zeros((2, 2)), DISCRETE), "must begin with the"),
        (lambda: Targets(np.zeros((3, 2, 1)), np.zeros((3, 2)), DISCRETE), "do not fit Discrete"),
        (
            lambda: Targets(np.zeros((3, 2, 1)), np.zeros((3, 2, 3)), BOX),
            "vectors of 3 values .* do not",
        ),
        (
            lambda: Targets(np.zeros((3, 2, 1)), np.ones((3, 2)), DISCRETE, np.zeros((3, 2))),
            "hold a true value for each trial",
        ),
        (lambda: Targets.of("CartPole-v1"), "has no sample_trials"),
        (lambda: EProp(pool(BOX), n_envs=2, update="step"), "set execution='online'"),
        (
            lambda: Targets(np.zeros((3, 2, 1)), np.ones((3, 2)), gym.spaces.MultiDiscrete([2, 2])),
            "cannot act in",
        ),
    ],
)
def test_mistakes_get_one_sentence(make, message):
    with pytest.raises(AgentError, match=message):
        make()


def test_targets_of_a_task_know_its_parameters_and_bounds(tmp_path):
    pool = Targets.of("caudate/DelayedMatch-v0", 8, delay=2000.0)
    agent = EProp(pool, network="rate", n_neurons=8, input_units="bounds", n_envs=4)
    env = gym.make("caudate/DelayedMatch-v0", delay=2000.0)
    assert agent.observation_space == env.observation_space
    agent.save(tmp_path / "agent")
    again = load_agent(tmp_path / "agent")
    assert again.env_kwargs == {"delay": 2000.0}
    with pytest.raises(AgentError, match="Targets have their own"):
        EProp(pool, env_kwargs={"delay": 500.0})


def test_streams_of_fresh_trials_are_taught_and_must_fit():
    agent = EProp(pool(BOX), n_envs=4, n_neurons=5, network="rate", execution="batched")
    first = agent.targets
    assert first is not None
    agent.update()
    assert first.trials.tolist() == [0, 1, 2, 3]  # as many trials as columns: each once
    fresh = Targets(np.ones((7, 4, 3)), np.zeros((7, 4, 2)), BOX)
    agent.teach(fresh)
    agent.update()
    assert agent.tape.length == 7
    with pytest.raises(AgentError, match="targets with action_space Discrete"):
        agent.teach(pool(DISCRETE))
    with pytest.raises(AgentError, match="was built on an environment: it takes no targets"):
        EProp("caudate/DelayedMatch-v0", n_envs=2, n_neurons=5).teach(fresh)
