"""Evaluation against policies whose scores are known."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

from caudate.agents import EProp
from caudate.envs import make_task, task_ids
from caudate.training import UsageError, evaluate
from caudate.training.evaluation import CRITERION_SEED, FRESH_SEED, Evaluator, check_env_id

from .conftest import TASK


class Stubborn:
    """Always the same action."""

    def __init__(self, action: int):
        self.action = action

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return np.full(len(observation), self.action), state


@pytest.mark.parametrize("task_id", task_ids())
def test_the_oracle_scores_its_optimum(task_id):
    task = make_task(task_id)
    score = evaluate(task.oracle(), task_id, episodes=100)
    spread = 0.03 if task.trials_per_episode > 1 else 0.01
    assert score.low - spread <= task.yardsticks.optimum <= score.high + spread
    assert score.kind == "score"


def test_a_random_policy_scores_what_random_play_does():
    task = make_task(TASK)
    score = evaluate(task.random_policy(seed=1), TASK, episodes=2000)
    assert score.low - 0.01 <= task.yardsticks.random <= score.high + 0.01


def test_parameters_of_the_task_count():
    assert evaluate(make_task(TASK).oracle(), TASK, {"delay": 3000.0}, 20).value == 1.0


def test_an_evaluator_plays_the_same_episodes_each_time():
    agent = EProp("caudate/ReversalBandit-v0", n_envs=2, n_neurons=8, network="rate")
    evaluator = Evaluator("caudate/ReversalBandit-v0", {}, 20, CRITERION_SEED)
    first = evaluator.episodes(agent)
    assert np.array_equal(first, evaluator.episodes(agent))
    fresh = Evaluator("caudate/ReversalBandit-v0", {}, 20, FRESH_SEED)
    assert not np.array_equal(first, fresh.episodes(agent))


def test_evaluation_leaves_the_agent_as_it_was():
    agent, twin = (EProp(TASK, seed=1, n_envs=8, n_neurons=8, network="rate") for _ in range(2))
    evaluate(agent, TASK, episodes=20)
    assert agent.update() == twin.update()
    assert all(np.array_equal(w, twin.parameters[name]) for name, w in agent.parameters.items())


def test_a_foreign_episode_ends_at_its_first_end():
    score = evaluate(Stubborn(0), "CartPole-v1")
    assert score.kind == "return"
    assert score.n == 20
    env, lengths = gym.make("CartPole-v1"), []
    for i in range(20):
        env.reset(seed=3 * 10**6 + i)
        lengths.append(0)
        ended = False
        while not ended:
            ended = env.step(0)[2]
            lengths[-1] += 1
    assert score.value == np.mean(lengths)
    assert evaluate(Stubborn(0), "CartPole-v1", episodes=3).n == 3


def test_mistakes():
    with pytest.raises(UsageError, match="episodes=0"):
        evaluate(Stubborn(0), TASK, episodes=0)
    agent = EProp(TASK, n_envs=2, n_neurons=8, network="rate")
    with pytest.raises(UsageError, match=r"observation space Box.*\(3,\)"):
        evaluate(agent, TASK, {"n_stim": 4}, 5)
    with pytest.raises(UsageError, match="observation space"):
        evaluate(agent, "CartPole-v1")
    check_env_id("CartPole-v1")
    check_env_id(f"caudate.envs:{TASK}")


def test_games_are_evaluated_on_the_frames_that_agents_see():
    pytest.importorskip("ale_py")
    check_env_id("ALE/Pong-v5")
    short = {"max_num_frames_per_episode": 60}
    evaluator = Evaluator("ALE/Pong-v5", short, 2, CRITERION_SEED)
    assert evaluator.env.single_observation_space.shape == (1, 84, 84)
    score = evaluator(Stubborn(0))
    evaluator.close()
    assert (score.kind, score.n) == ("return", 2)
    assert -21 <= score.value <= 0
