"""Rounds of episodes on every kind of environment."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import caudate.envs  # noqa: F401
from caudate.agents import AgentError
from caudate.agents.rounds import make_rounds

from .toy_envs import Echo, Faulty


def play(rounds, seeds, choose):
    """One round with ``choose(t, alive)``; observations, rewards, aliveness of every step."""
    x = rounds.reset(seeds)
    trace = []
    while rounds.alive.any():
        alive = rounds.alive.copy()
        following, reward = rounds.step(choose(len(trace), alive))
        trace.append((x, reward, alive))
        x = following
    return [np.array(part) for part in zip(*trace, strict=True)]


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_native_modes_and_single_envs_play_the_same_round(mode):
    seeds = [11, 5, 11, 7]
    native = gym.make_vec("caudate/DelayedMatch-v0", num_envs=4, autoreset_mode=mode)
    rounds = make_rounds(native, None, {}, 100)
    actions = np.random.default_rng(0).integers(3, size=(40, 4))
    x, reward, alive = play(rounds, seeds, lambda t, _: actions[t])
    for column, seed in enumerate(seeds):
        env = gym.make("caudate/DelayedMatch-v0")
        o, _ = env.reset(seed=seed)
        for t in range(alive[:, column].sum()):
            np.testing.assert_array_equal(o, x[t, column])
            o, r, ended, _, info = env.step(actions[t, column])
            assert r == reward[t, column]
        assert ended
        assert rounds.condition[column] == info["condition"]
    np.testing.assert_array_equal(rounds.lengths, alive.sum(0))
    assert not reward[~alive].any()


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_foreign_batches_ignore_rows_after_the_end(mode):
    env = SyncVectorEnv([lambda: Echo(lengths=(0, 3))] * 5, autoreset_mode=mode)
    rounds = make_rounds(env, None, {}, 100)
    _, reward, alive = play(rounds, range(5), lambda t, alive: np.full(5, 1))
    assert len(set(alive.sum(0))) == 2  # episodes of different lengths
    assert not reward[~alive].any()
    np.testing.assert_array_equal(rounds.returns, reward.sum(0))
    np.testing.assert_array_equal(rounds.returns, rounds.condition == 0)


def test_same_step_returns_the_final_observation():
    env = SyncVectorEnv([lambda: Echo(delay=1)] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    rounds = make_rounds(env, None, {}, 100)
    rounds.reset([0, 1])
    for _ in range(3):
        x, _ = rounds.step(np.zeros(2, int))
    assert not rounds.alive.any()
    np.testing.assert_array_equal(x, 0)  # the observation after the end, not the next cue


def test_truncation_is_told_from_termination():
    rounds = make_rounds("CartPole-v1", 3, {"max_episode_steps": 5}, 100)
    play(rounds, range(3), lambda t, _: np.full(3, t % 2))
    assert rounds.truncated.all()


def test_one_environment_is_one_column():
    rounds = make_rounds(gym.make("CartPole-v1"), None, {}, 1000)
    assert rounds.n_envs == 1
    assert rounds.env_id == "CartPole-v1"


def test_an_environment_that_its_id_does_not_make_has_no_id():
    task = "caudate/DelayedMatch-v0"
    made = {
        "as registered": gym.make(task),
        "drawn": gym.make(task, render_mode="rgb_array"),
        "other parameters": gym.make(task, delay=2000.0),
        "other limit": gym.make("CartPole-v1", max_episode_steps=7),
        "wrapped": gym.wrappers.FlattenObservation(gym.make("CartPole-v1")),
    }
    ids = {name: make_rounds(env, None, {}, 100).env_id for name, env in made.items()}
    assert ids == dict.fromkeys(made) | {"as registered": task, "drawn": task}


def test_columns_that_caps_cut_have_no_final_observation():
    env = SyncVectorEnv(
        [lambda: Echo(delay=5), lambda: Echo(delay=0)],  # the second ends as the first is cut
        autoreset_mode=AutoresetMode.SAME_STEP,
    )
    rounds = make_rounds(env, None, {}, 100)
    rounds.caps = np.array([2, 9])
    seen = rounds.reset([0, 1])
    while rounds.alive.any():
        seen, _ = rounds.step(np.zeros(2, int))
        assert np.isfinite(seen).all()
    assert rounds.truncated.tolist() == [True, False]


@pytest.mark.parametrize("what", ["observation", "reward"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_stop_the_round(what, value):
    rounds = make_rounds("test/Faulty-v0", 2, {what: value}, 100)
    with pytest.raises(AgentError, match=f"{what} of {value}.*must be finite"):
        play(rounds, [0, 1], lambda t, _: np.zeros(2, int))


def test_endless_episodes_are_reported():
    rounds = make_rounds(SyncVectorEnv([lambda: Faulty(endless=True)]), None, {}, 20)
    with pytest.raises(AgentError, match=r"max_episode_steps=20.*TimeLimit"):
        play(rounds, [0], lambda t, _: np.zeros(1, int))


@pytest.mark.parametrize(
    ("env", "n_envs", "kwargs", "message"),
    [
        ("NoSuchTask-v0", 2, {}, "cannot be found"),
        ("CartPole-v1", 2, {"no_such": 1}, "cannot be built with"),
        ("CartPole-v1", 0, {}, "at least 1"),
        (Echo(), 2, {}, "n_envs=2, but the environment has 1"),
        (Echo(), None, {"delay": 1}, "already built"),
        (object(), None, {}, "is not an environment"),
        (SyncVectorEnv([Echo], autoreset_mode=AutoresetMode.DISABLED), None, {}, "NEXT_STEP"),
    ],
)
def test_mistakes_get_one_sentence(env, n_envs, kwargs, message):
    with pytest.raises(AgentError, match=message):
        make_rounds(env, n_envs, kwargs, 100)
