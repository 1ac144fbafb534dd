"""PPO and RecurrentPPO behind the face of our agents."""

from __future__ import annotations

import builtins
import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest

import caudate.envs  # noqa: F401
from caudate.agents import AgentError, CheckpointError, load_agent, make_agent

from . import toy_envs  # noqa: F401

pytest.importorskip("sb3_contrib")

NAMES = ["ppo", "recurrent-ppo"]
TASK = "caudate/DelayedMatch-Bench-v0"


def small(name, env=TASK, **kwargs):
    return make_agent(
        name, env, **{"n_envs": 8, "n_steps": 16, "batch_size": 32, "n_epochs": 2} | kwargs
    )


@pytest.mark.parametrize("name", NAMES)
def test_updates_count_and_report(name):
    agent = small(name)
    metrics = [agent.update() for _ in range(3)][-1]
    assert metrics["timesteps"] == agent.num_timesteps == 3 * 8 * 16
    assert metrics["updates"] == 3
    # a trial of seven steps: each column ends one or two every 16 steps
    assert metrics["episodes"] == 8 * (48 // 7)
    assert 0 <= metrics["return_mean"] <= 1
    assert metrics["entropy"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_killed_and_resumed_in_a_fresh_process_equals_undisturbed(tmp_path, name):
    agent = small(name)
    agent.update()
    agent.save(tmp_path / "agent")
    code = """
import sys, numpy as np, caudate.envs
from caudate.agents import load_agent
agent = load_agent(sys.argv[1])
assert agent.exact_resume
for _ in range(2):
    agent.update()
agent.save(sys.argv[2])
"""
    args = [sys.executable, "-c", code, str(tmp_path / "agent"), str(tmp_path / "other")]
    subprocess.run(args, check=True)
    for _ in range(2):
        agent.update()
    other = load_agent(tmp_path / "other").get_state()
    for key, value in agent.get_state()["policy"].items():
        np.testing.assert_array_equal(value, other["policy"][key])
    np.testing.assert_equal(agent.get_state()["env"], other["env"])


@pytest.mark.parametrize("name", NAMES)
def test_foreign_environments_resume_but_not_exactly(tmp_path, name):
    agent = small(name, "CartPole-v1")
    agent.update()
    assert not agent.exact_resume
    agent.save(tmp_path / "agent")
    load_agent(tmp_path / "agent").update()


def test_recurrent_predict_carries_state_with_environments_first():
    agent = small("recurrent-ppo")
    x = np.random.default_rng(0).random((4, 3, 3)).astype(np.float32)
    state = alone = None
    for t in range(4):
        start = np.array([t == 0, t in (0, 2), t == 0])
        together, state = agent.predict(x[t], state, start, deterministic=True)
        single, alone = agent.predict(x[t, 0], alone, np.array([t == 0]), deterministic=True)
        assert single == together[0]
    assert [part.shape[0] for part in state] == [3, 3]
    np.testing.assert_allclose(state[0][0], alone[0][0], atol=1e-6)
    with pytest.raises(AgentError, match="got 2 observations with the state of 3"):
        agent.predict(x[0, :2], state)


@pytest.mark.parametrize("name", ["ppo", "recurrent-ppo", "eprop-rate", "node-perturbation"])
@pytest.mark.filterwarnings("ignore:Evaluation environment is not wrapped")
def test_stable_baselines_evaluates_our_agents(name):
    from stable_baselines3.common.evaluation import evaluate_policy

    agent = make_agent(name, TASK, n_envs=8, **({"n_steps": 32} if "ppo" in name else {}))
    env = gym.make_vec(TASK, num_envs=4).unwrapped.to_sb3()
    mean, _ = evaluate_policy(agent, env, n_eval_episodes=12)
    assert 0 <= mean <= 1


def test_stable_baselines_trains_on_our_batch():
    from stable_baselines3 import PPO

    env = gym.make_vec("caudate/DelayedMatch-v0", num_envs=8).unwrapped.to_sb3()
    model = PPO("MlpPolicy", env, n_steps=16, batch_size=64, n_epochs=1, device="cpu")
    assert model.learn(256).num_timesteps == 256


@pytest.mark.parametrize("env", ["object", "batch", "vec"])
def test_environments_of_every_kind(env):
    from stable_baselines3.common.vec_env import DummyVecEnv

    made = {
        "object": lambda: gym.make("CartPole-v1"),
        "batch": lambda: gym.make_vec(TASK, num_envs=4),
        "vec": lambda: DummyVecEnv([lambda: gym.make("CartPole-v1")] * 3),
    }[env]()
    agent = make_agent("ppo", made, n_steps=16, batch_size=8, n_epochs=1)
    assert agent.update()["timesteps"] == 16 * {"object": 1, "batch": 4, "vec": 3}[env]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"batch_size": 1000}, "batch_size=1000 must be between 2 and the rollout of 16 steps x 8"),
        ({"seed": -3}, "seed=-3"),
        ({"lr": 0.1}, "has no option 'lr'"),
        ({"env": "NoSuch-v0"}, "cannot be found"),
        ({"env": "FrozenLake-v1"}, "cannot read Discrete"),
        ({"env": object(), "n_envs": None}, "cannot be served"),
    ],
)
def test_mistakes_get_one_sentence(kwargs, message):
    with pytest.raises(AgentError, match=message):
        small("ppo", **kwargs)


@pytest.mark.parametrize("what", ["observation", "reward"])
def test_values_that_are_not_finite_are_refused(what):
    agent = small("ppo", "test/Faulty-v0", env_kwargs={what: float("nan")})
    with pytest.raises(AgentError, match=f"{what}s with the value nan"):
        agent.update()


@pytest.mark.parametrize(("name", "package"), [("ppo", "stable_baselines3"), ("recurrent-ppo", "sb3_contrib")])
def test_a_missing_extra_says_what_to_install(monkeypatch, name, package):
    real = builtins.__import__

    def without(module, *args, **kwargs):
        if module.split(".")[0] == package:
            raise ImportError(module)
        return real(module, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(AgentError, match=r'pip install "caudate\[baselines\]"'):
        small(name)


def test_weights_of_another_shape_are_refused():
    with pytest.raises(CheckpointError, match="do not fit"):
        small("ppo").set_state(small("ppo", n_hidden=8).get_state())
