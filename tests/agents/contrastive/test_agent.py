"""The agent as a user meets it: gradients, learning, state, mistakes."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import caudate.envs  # noqa: F401
from caudate.agents import (
    AgentError,
    CheckpointError,
    LearningWarning,
    NonFiniteError,
    load_agent,
    make_agent,
)
from caudate.agents.contrastive import Contrastive, Phase
from caudate.agents.contrastive.teachers import softmax
from caudate.training.evaluation import evaluate

from .. import toy_envs

BANDIT = "caudate/ContextualBandit-v0"
RESPONSE = "caudate/DelayedResponse-v0"


def small(env: Any = BANDIT, **options: Any) -> Contrastive:
    agent = make_agent("contrastive", env, **{"n_envs": 3, "seed": 1, "n_hidden": 6} | options)
    assert isinstance(agent, Contrastive)
    return agent


@pytest.mark.parametrize(("two_sided", "error"), [(False, 5e-3), (True, 1e-4)])
def test_two_phases_are_the_gradient_of_log_pi(two_sided, error):
    agent = small(
        beta=1e-3, two_sided=two_sided, settling_steps=3000, tolerance=1e-14, lateral=True
    )
    x = np.random.default_rng(0).uniform(-1, 1, (4, agent.n_seen))
    actions, credit = np.array([0, 1, 2, 1]), np.array([1.0, -0.5, 2.0, 0.3])

    def worth() -> float:
        p = softmax(agent._outputs(agent.net.relax(x)))
        return float(credit @ np.log(p[np.arange(4), actions]))

    pairs, single = agent.eligibility(agent.net.relax(x), actions, credit)
    exact = np.zeros_like(pairs)
    for i, j in zip(*np.nonzero(np.triu(agent.net.mask)), strict=True):
        ends = []
        for sign in (1e-5, -2e-5):
            agent.net.weights[0, [i, j], [j, i]] += sign
            ends.append(worth())
        agent.net.weights[0, [i, j], [j, i]] += 1e-5
        exact[0, [i, j], [j, i]] = (ends[0] - ends[1]) / 2e-5
    assert np.linalg.norm(pairs - exact) < error * np.linalg.norm(exact)
    assert not single[:, : agent.net.n_in].any()


def test_steps_are_settled_in_parts(monkeypatch):
    agent = small(settling_steps=2000, tolerance=1e-12)
    phases, actions, _, alive = agent._play()
    whole = agent.eligibility(phases, actions[alive], np.ones(alive.sum()))
    monkeypatch.setattr("caudate.agents.contrastive.agent._AT_ONCE", 7)
    parts = agent.eligibility(phases, actions[alive], np.ones(alive.sum()))
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-8)


def test_contexts_are_learned():
    task = {"n_contexts": 4, "trials_per_episode": 20}
    agent = small(env_kwargs=task, n_envs=16, gamma=0.0, entropy_coef=0.05, n_hidden=12)
    agent.learn(12_000)
    assert evaluate(agent, BANDIT, task, 200).value > 0.85


def test_a_cue_is_remembered_through_its_trace():
    task = {"n_loc": 2, "delay": 200.0, "decision": 100.0, "rewards": {"fixation_break": 0.0}}
    scores = []
    for trace_tau in (5.0, 0.0):
        agent = small(RESPONSE, env_kwargs=task, n_envs=64, learning_rate=0.1, trace_tau=trace_tau)
        agent.learn(24_000)
        scores.append(evaluate(agent, RESPONSE, task, 200).value)
    assert scores[0] > 0.9
    assert scores[1] < 0.65


def test_traces_are_leaky_sums_of_levels_or_onsets():
    seen = np.array([[1.0, 0.0], [1.0, 0.5], [0.0, 0.5]])
    decay = np.exp(-1 / 3)
    env = gym.make_vec("test/Echo-v0", num_envs=1, vectorization_mode="sync")
    for kind, new in (("level", seen), ("onset", np.array([[1, 0], [0, 0.5], [0, 0]]))):
        agent = small(env, n_envs=1, trace_tau=3.0, trace_of=kind, trace_gain=2.0)
        agent.n_seen = 2
        state, expected = agent.begin(1), np.zeros(2)
        for x, rise in zip(seen, new, strict=True):
            inputs, state = agent._see(x[None], state)
            expected = decay * expected + rise
            np.testing.assert_allclose(inputs[0], [*x, *(2 * expected)])


def test_the_norm_stays_within_its_limit():
    agent = small(n_envs=8, gamma=0.0, learning_rate=0.5, norm_limit=0.7)
    assert agent.net.inner_norm()[0] == pytest.approx(0.5)
    for _ in range(20):
        metrics = agent.update()
        assert metrics["spectral_norm"] <= 0.7 + 1e-12
        assert 0 <= metrics["unsettled"] <= 1


def test_what_has_not_settled_is_counted():
    hasty = small(settling_steps=1)
    for _ in range(19):
        assert hasty.update()["unsettled"] == 1.0
    with pytest.warns(LearningWarning, match="end before they settle"):
        hasty.update()
    assert small(settling_steps=500).update()["unsettled"] == 0.0


@pytest.mark.parametrize("baseline", ["average", "condition"])
def test_resumed_equals_undisturbed_bit_for_bit(tmp_path, baseline):
    straight = small(RESPONSE, trace_tau=4.0, baseline=baseline, initial_baseline=0.3)
    straight.update()
    straight.save(tmp_path / "agent.caudate")
    resumed = load_agent(tmp_path / "agent.caudate")
    assert resumed.config == straight.config
    assert resumed.exact_resume
    assert straight.update() == resumed.update()
    np.testing.assert_equal(straight.get_state(), resumed.get_state())


def test_predict_carries_state_column_by_column():
    agent = small(RESPONSE, trace_tau=4.0)
    env = gym.make_vec(RESPONSE, num_envs=3, autoreset_mode="disabled")
    obs, _ = env.reset(seed=5)
    seen, together, state = [], [], None
    for t in range(6):
        seen.append(obs)
        begins = np.array([t == 0, t == 3, False])
        action, state = agent.predict(obs, state, begins, deterministic=True)
        together.append(action)
        obs = env.step(action)[0]
    for column in range(3):
        state = None
        for t in range(6):
            state = None if (column, t) == (1, 3) else state
            action, state = agent.predict(seen[t][column], state, deterministic=True)
            assert action == together[t][column]
    with pytest.raises(AgentError, match="got 2 observations with the state of 1"):
        agent.predict(seen[0][:2], state)
    drawn, _ = agent.predict(np.repeat(seen[0][:1], 200, axis=0))
    assert len(set(drawn.tolist())) > 1


def test_actions_may_count_from_another_number():
    class From5(toy_envs.Echo):
        def __init__(self):
            super().__init__()
            self.action_space = gym.spaces.Discrete(3, start=5)

        def step(self, action: int):
            assert action in (5, 6, 7)
            return super().step(action - 5)

    agent = small(From5(), n_envs=1)
    agent.update()
    assert agent.predict(np.zeros(3, np.float32))[0] in (5, 6, 7)


def test_withholding_can_be_likelier_at_first():
    obs = np.zeros((400, 6), np.float32)
    often = small(RESPONSE, initial_withhold_bias=3.0).predict(obs)[0]
    seldom = small(RESPONSE, initial_withhold_bias=-3.0).predict(obs)[0]
    assert np.mean(often == 0) > 0.7 > 0.1 > np.mean(seldom == 0)


def test_an_update_that_is_not_finite_leaves_the_weights():
    agent = small()
    before = agent.net.weights.copy()
    with pytest.raises(NonFiniteError, match="not finite"):
        agent._learn(agent.net.relax(np.ones((1, agent.net.n_in))), np.zeros(1, int),
                     np.array([np.nan]))  # fmt: skip
    np.testing.assert_array_equal(agent.net.weights, before)


def test_loading_onto_an_environment_that_does_not_fit_is_refused(tmp_path):
    small().save(tmp_path / "agent.caudate")
    with pytest.raises(CheckpointError, match="weights have shape"):
        Contrastive.load(tmp_path / "agent.caudate", env=RESPONSE)


@pytest.mark.parametrize(
    ("env", "options", "words"),
    [
        ("test/Target-v0", {}, "an action is an output unit"),
        (BANDIT, {"beta": 0.0}, "beta=0.0 must be above 0"),
        (BANDIT, {"baseline": "critic"}, "baseline='critic'"),
        (BANDIT, {"trace_of": "offset"}, "trace_of='offset'"),
        (BANDIT, {"n_hiden": 3}, "did you mean 'n_hidden'"),
        (BANDIT, {"gamma": 1.5}, "gamma=1.5"),
        (BANDIT, {"trace_tau": -1.0}, "trace_tau=-1.0"),
    ],
)
def test_mistakes_get_one_sentence(env, options, words):
    with pytest.raises(AgentError, match=words) as error:
        small(env, **options)
    assert "\n" not in str(error.value)


def test_a_phase_is_kept_for_living_columns_only():
    agent = small("test/Echo-v0", env_kwargs={"lengths": (0, 2, 5)}, n_envs=8)
    phases, actions, rewards, alive = agent._play()
    assert isinstance(phases, Phase)
    assert phases.v.shape[1] == alive.sum() == agent.rounds.lengths.sum()
    assert actions.shape == rewards.shape == alive.shape
