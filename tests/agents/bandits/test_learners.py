"""Trial-level learners as a user meets them."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import caudate.envs
from caudate.agents import (
    AGENTS,
    AgentError,
    LearningWarning,
    load_agent,
    make_agent,
    option_types,
)
from caudate.agents.bandits import BanditLearner, simulate
from caudate.agents.filters import FILTERS
from caudate.training.evaluation import evaluate, yardsticks

from .toys import Arms

NAMES = [name for name, spec in AGENTS.items() if spec.kind == "bandit"]
HOME = {
    "two-step-hybrid": "caudate/TwoStep-v0",
    "joint-particle": "caudate/RestlessBandit-v0",
    "continuous-hgf": "caudate/VolatilityStochasticity-Choose-v0",
}
FAST = {
    "behrens": {"grid": (8, 5, 4)},
    "joint-particle": {"particles": 8},
    "continuous-hgf": {"reward_high": 0.05},
}
BANDITS = (
    "Bandit-v0",
    "Bandit-Ten-v0",
    "CriterionReversal-v0",
    "VolatileBandit-v0",
    "VolatileBandit-Magnitudes-v0",
    "HorizonBandit-v0",
    "IowaGambling-v0",
    "TwoStep-v0",
    "VolatilityStochasticity-Choose-v0",
)


def small(name: str, env: Any = None, **options: Any) -> Any:
    env = HOME.get(name, "caudate/ReversalBandit-v0") if env is None else env
    return make_agent(name, env, **{"n_envs": 3, "seed": 1} | FAST.get(name, {}) | options)


def test_every_filter_is_an_agent():
    assert set(FILTERS) <= set(NAMES)
    for name in FILTERS:
        own = AGENTS[name].load()
        assert issubclass(own, BanditLearner)
        assert own.filter_class is FILTERS[name]


@pytest.mark.parametrize("name", NAMES)
def test_resumed_equals_undisturbed_bit_for_bit(tmp_path, name):
    straight = small(name)
    straight.update()
    straight.save(tmp_path / "agent.caudate")
    resumed = load_agent(tmp_path / "agent.caudate")
    assert resumed.config == straight.config
    assert resumed.exact_resume
    first, second = straight.update(), resumed.update()
    assert first == second
    assert {"timesteps", "episodes", "updates", "return_mean"} <= set(first)
    np.testing.assert_equal(straight.get_state(), resumed.get_state())


@pytest.mark.parametrize("name", NAMES)
def test_predict_carries_state_column_by_column(name):
    agent = small(name)
    env = gym.make_vec(agent.env_id, num_envs=3, autoreset_mode="disabled")
    obs, _ = env.reset(seed=5)
    seen, together, state = [], [], None
    for t in range(6):
        seen.append(obs)
        begins = np.array([t == 0, t == 3, False])
        action, state = agent.predict(obs, state, begins, deterministic=True)
        together.append(action)
        obs = env.step(action)[0]
    # Columns of filters that draw numbers have luck of their own, the first one that of the seed.
    for column in range(1 if name == "joint-particle" else 3):
        state = None
        for t in range(6):
            state = None if (column, t) == (1, 3) else state
            action, state = agent.predict(seen[t][column], state, deterministic=True)
            assert action == together[t][column]
    with pytest.raises(AgentError, match="got 2 observations with the state of 1"):
        agent.predict(seen[0][:2], state)


@pytest.mark.parametrize("name", ["rescorla-wagner", "kalman", "win-stay-lose-shift", "observer"])
@pytest.mark.parametrize("task", BANDITS)
def test_every_bandit_can_be_played(name, task):
    agent = small(name, f"caudate/{task}")
    metrics = agent.update()
    assert np.isfinite(list(metrics.values())).all()
    assert metrics["timesteps"] == 3 * metrics["length_mean"]


@pytest.mark.parametrize("name", ["hgf", "change-point", "behrens", "reversal-observer", "vkf"])
@pytest.mark.parametrize("task", ["VolatileBandit-Magnitudes-v0", "HorizonBandit-v0"])
def test_graded_rewards_become_wins_for_binary_filters(name, task):
    small(name, f"caudate/{task}").update()


def test_predictions_are_means_in_the_units_of_the_task():
    agent = small("kalman", "caudate/VolatilityStochasticity-v0", reward_high=1 / 60)
    obs = np.array([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]], np.float32)
    action, state = agent.predict(obs)
    assert action.tolist() == [[0.0], [0.0]]  # the first observation shows no outcome
    assert agent.action_space.contains(action[0])
    action, _ = agent.predict(obs, state)
    np.testing.assert_allclose(action[1], 0.5, rtol=0.02)  # the prior is almost flat
    far, _ = agent.predict(np.array([3.0, 0.0, 0.0]), agent.predict(obs[0])[1])
    assert far.tolist() == [1.0]


def test_the_reversal_observer_is_as_good_as_the_ideal_one():
    agent = small("reversal-observer", p_good=0.8, p_bad=0.2, hazard=0.025)
    optimum = yardsticks(agent.env_id, {})["optimum"]
    found = evaluate(agent, agent.env_id, episodes=400)
    assert found.low < optimum < found.high
    same = evaluate(small("observer"), agent.env_id, episodes=400)
    assert found == same


def test_the_kalman_filter_with_a_bonus_is_the_restless_bandits_observer():
    options = {
        "volatility": 0.028**2,
        "stochasticity": 0.04**2,
        "decay": 0.9836,
        "centre": 0.5,
        "start": 0.5,
        "start_variance": 0.028**2 / (1 - 0.9836**2),
    }
    agent = small("kalman", "caudate/RestlessBandit-v0", choice="ucb", bonus=1.0, **options)
    found = evaluate(agent, agent.env_id, episodes=200)
    same = evaluate(small("observer", agent.env_id), agent.env_id, episodes=200)
    np.testing.assert_allclose(found.value, same.value, rtol=1e-12)


@pytest.mark.parametrize(
    ("rule", "drift", "noise", "regret"),
    [
        ("greedy", 0.5, 1.0, 0.336),
        ("ucb", 0.5, 1.0, 0.244),
        ("thompson", 0.5, 1.0, 0.359),
        ("ucb", 1.5, 1.0, 0.366),
        ("ucb", 0.5, 3.0, 0.290),
    ],
)
def test_regret_of_choice_rules_on_a_restless_bandit(rule, drift, noise, regret):
    """Mean regrets of 2,000 episodes, simulated apart from this library."""
    n, unit = 300, 0.02  # so small that no outcome is cut
    world = {"n_arms": 2, "decay": 0.98, "centre": 0.5}
    world |= {"drift": unit * drift**0.5, "noise": unit * noise**0.5}
    options = {"volatility": drift, "stochasticity": noise, "decay": 0.98, "choice": rule}
    options |= {
        "start_variance": drift / (1 - 0.98**2),
        "reward_low": 0.5,
        "reward_high": 0.5 + unit,
    }
    options |= {"bonus": 1.0, "inverse_temperature": 1e6} if rule == "ucb" else {}
    agent = small("kalman", "caudate/RestlessBandit-v0", env_kwargs=world, **options)
    batch = gym.make_vec(agent.env_id, num_envs=n, autoreset_mode="disabled", **world)
    recorder = caudate.envs.TrialRecorder(facts=["regret"])
    simulate(agent, subjects=n, env=recorder.wrap(batch))
    found = recorder.table()["regret"].reshape(n, -1).mean(axis=1) / unit
    assert abs(found.mean() - regret) < 4 * found.std() / n**0.5 + 0.005


def test_mirrored_outcomes_teach_about_both_arms():
    agent = small("rescorla-wagner", counterfactual="mirror", learning_rate=0.5)
    table = simulate(agent, subjects=2)
    np.testing.assert_allclose(table["mean_0"] + table["mean_1"], 1.0)
    changed = np.flatnonzero(np.diff(table["mean_1"][:200]))
    assert len(changed) == 199


def test_full_feedback_teaches_about_all_arms():
    env = Arms(feedback="full")
    agent = small("rescorla-wagner", env, n_envs=1, counterfactual="full", learning_rate=0.5)
    state: Any = None
    for _ in range(3):
        obs = np.array([1, 0, 1, 1, 0], np.float32)  # arm 0 was chosen and paid, arm 1 would not
        _, state = agent.predict(obs, state)
    np.testing.assert_allclose(agent.player.belief.mean(state[6:]), [[0.9375, 0.0625]])


def test_forced_choices_are_followed():
    agent = small("kalman", "caudate/HorizonBandit-v0")
    obs = np.array([[0, 0, 0, 1, 0.6, 1, 0, 1.0], [0, 0, 1, 0, 0.6, 1, 0, 1.0]], np.float32)
    assert agent.predict(obs)[0].tolist() == [1, 0]


def test_beliefs_begin_anew_where_arms_are_new():
    agent = small("kalman", "caudate/HorizonBandit-v0", start=0.5)
    table = simulate(agent, subjects=1)
    fresh = np.flatnonzero(np.isin(table["mean_0"], 0.5) & np.isin(table["mean_1"], 0.5))
    assert len(fresh) == 20


def test_uncertain_arms_are_tried_while_choices_are_left():
    agent = small("kalman", "caudate/HorizonBandit-v0", choice="greedy", left_bonus=2.0)
    obs = np.array([[1, 1, 0, 1, 1.0, 0, 0, 0], [1, 1, 0, 1, 1.0, 0, 0, 0]], np.float32)
    _, state = agent.predict(obs)
    later = np.array([[0, 1, 0, 0, 0.9, 0, 1, 0.5], [0, 1, 0, 0, 0.0, 0, 1, 0.5]], np.float32)
    assert agent.predict(later, state, deterministic=True)[0].tolist() == [0, 1]


def test_magnitudes_weigh_arms_and_are_taken_out_of_rewards():
    agent = small("rescorla-wagner", "caudate/VolatileBandit-Magnitudes-v0", learning_rate=1.0)
    obs = np.array([1, 0.25, 0.75, 0, 0, 0], np.float32)
    action, state = agent.predict(obs, deterministic=True)
    assert action == 1  # equal odds
    obs = np.array([1, 0.25, 0.75, 1, 0, 0.25], np.float32)  # arm 0 paid its magnitude
    _, state = agent.predict(obs, state)
    assert agent.player.belief.mean(state[6:]).tolist() == [[1.0, 0.5]]


def test_environments_of_others_need_their_channels_named():
    with pytest.raises(AgentError, match="choice_channels"):
        make_agent("rescorla-wagner", Arms())
    agent = make_agent("hgf", Arms(start=3), choice_channels="0,1", reward_channel="2")
    returns = [agent.update()["return_mean"] for _ in range(20)]
    assert np.mean(returns) > 0.6 * 50
    assert agent.predict(np.zeros(3))[0] in (3, 4)


def test_a_single_environment_of_ours_is_read_by_its_names():
    for env in (gym.make("caudate/ReversalBandit-v0"), gym.make_vec("caudate/ReversalBandit-v0")):
        assert make_agent("kalman", env).update()["episodes"] == 1


def test_evaluate_policy_of_stable_baselines3():
    pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.evaluation import evaluate_policy

    agent = small("reversal-observer")
    batch = gym.make_vec(agent.env_id, num_envs=4, autoreset_mode="next_step").to_sb3()  # pyright: ignore[reportAttributeAccessIssue]
    mean: Any = evaluate_policy(agent, batch, n_eval_episodes=12, warn=False)[0]
    assert mean > 120


def test_choices_are_drawn_unless_told_otherwise():
    agent = small("rescorla-wagner")
    obs = np.repeat(np.array([[1, 0, 0, 0]], np.float32), 200, axis=0)
    assert 60 < agent.predict(obs)[0].sum() < 140
    assert agent.predict(obs, deterministic=True)[0].tolist() == [0] * 200


def test_options_are_flat():
    known = option_types("kalman")
    assert known["volatility"] == (float, 0.5)
    assert known["bonus"] == (float | None, None)
    assert known["choice"] == (str, "softmax")
    assert option_types("joint-particle")["lesion"] == (str | None, None)
    agent = small("kalman", choice="ucb", bonus=2, stickiness=0.5)
    assert (agent.rule.bonus, agent.rule.stickiness) == (2.0, 0.5)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("kalman", {"choice": "best"}, "choice='best' is not one of softmax, greedy"),
        ("kalman", {"bonus": 1.0}, "choice='softmax' has no bonus: leave it out, or choose ucb"),
        ("kalman", {"counterfactual": "all"}, "counterfactual='all' is not one of none, mirror"),
        ("kalman", {"counterfactual": "full"}, "needs the channels outcome_0 to outcome_1"),
        ("kalman", {"stochasticity": -1.0}, "kalman: stochasticity=-1.0 must be a number in"),
        ("kalman", {"epsilon": 2.0, "choice": "epsilon-greedy"}, "epsilon-greedy: epsilon=2.0"),
        ("kalman", {"reward_low": 1.0}, "rewards of 1 and 1 cannot count as outcomes"),
        ("kalman", {"max_episode_steps": 0}, "max_episode_steps=0 must be 1 or more"),
        (
            "rescorla-wagner",
            {"choice": "thompson"},
            "choice='thompson' needs to know how uncertain",
        ),
        ("rescorla-wagner", {"left_bonus": 1.0}, "left_bonus needs to know how uncertain"),
        ("win-stay-lose-shift", {"stay_after_win": 2.0}, "stay_after_win=2.0 must be"),
        ("two-step-hybrid", {"env": "caudate/ReversalBandit-v0"}, "plays trials of two choices"),
        ("observer", {"env": "CartPole-v1"}, "this one has none: choose an agent that learns"),
        ("kalman", {"env": "caudate/InformationSampling-v0"}, "needs to see its last choice"),
        ("kalman", {"env": "caudate/DelayedEstimation-v0"}, "chooses among arms"),
        ("hgf", {"env": "caudate/VolatilityStochasticity-v0"}, "learns from binary outcomes"),
        ("kalman", {"env": "caudate/RestlessBandit-v0", "counterfactual": "mirror"}, "there are 4"),
    ],
)
def test_mistakes_get_one_sentence(name, options, message):
    with pytest.raises(AgentError, match=message):
        small(name, **options)


@pytest.mark.parametrize("name", ["hgf", "continuous-hgf"])
def test_a_belief_that_breaks_down_is_told_and_begins_anew(name):
    agent = small(name, meta_volatility=3.0, tonic_volatility=1.0)
    with pytest.warns(LearningWarning, match=f"{name}: a belief .* begins anew"):
        agent.learn(10_000)
    assert np.isfinite(agent.update()["return_mean"])


def test_binary_filters_need_to_know_which_rewards_are_wins():
    space = gym.spaces.Box(-np.inf, np.inf, (3,), np.float32)
    env = Arms()
    env.observation_space = space
    given = {"choice_channels": "0,1", "reward_channel": "2"}
    with pytest.raises(AgentError, match="set reward_low and reward_high"):
        make_agent("hgf", env, **given)
    make_agent("hgf", env, reward_low=0.0, reward_high=1.0, **given).update()
