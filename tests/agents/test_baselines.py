"""PPO and RecurrentPPO behind the face of our agents."""

from __future__ import annotations

import builtins
import random
import subprocess
import sys
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import caudate.envs  # noqa: F401
from caudate.agents import (
    AgentError,
    CheckpointError,
    NonFiniteError,
    load_agent,
    make_agent,
    read_checkpoint,
)

from . import toy_envs

pytest.importorskip("sb3_contrib")


class FromOne(toy_envs.Echo):
    """Actions that are counted from 1."""

    def __init__(self):
        super().__init__()
        self.action_space = gym.spaces.Discrete(3, start=1)


class Scalar(toy_envs.Target):
    """An observation without an axis."""

    def __init__(self):
        super().__init__()
        self.observation_space = gym.spaces.Box(0, 1, (), np.float32)


class Unbounded(toy_envs.Target):
    """Actions without bounds."""

    def __init__(self):
        super().__init__()
        self.action_space = gym.spaces.Box(-np.inf, np.inf, (1,), np.float32)


gym.register("test/FromOne-v0", entry_point=f"{__name__}:FromOne")
gym.register("test/Unbounded-v0", entry_point=f"{__name__}:Unbounded")
gym.register("test/Scalar-v0", entry_point=f"{__name__}:Scalar")

NAMES = ["ppo", "recurrent-ppo"]
TASK = "caudate/DelayedMatch-Bench-v0"


def sb3_batch(env_id: str, n: int) -> Any:
    """A native batch as Stable-Baselines3 takes it."""
    batch: Any = gym.make_vec(env_id, num_envs=n).unwrapped
    return batch.to_sb3()


def small(name: str, env: Any = TASK, **kwargs: Any) -> Any:
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
    assert all(type(value) in (int, float) for value in metrics.values())


def test_killed_and_resumed_in_a_fresh_process_equals_undisturbed(tmp_path):
    """Bit for bit, whatever else draws from the global generators in either process."""
    agents = {name: small(name) for name in NAMES}
    for name, agent in agents.items():
        agent.update()
        agent.save(tmp_path / name)
    code = """
import sys
from pathlib import Path
import caudate.envs
from caudate.agents import load_agent
for name in ("ppo", "recurrent-ppo"):
    agent = load_agent(Path(sys.argv[1]) / name)
    assert agent.exact_resume
    for _ in range(2):
        agent.update()
    agent.save(Path(sys.argv[1]) / f"resumed-{name}")
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    for name, agent in agents.items():
        for _ in range(2):
            np.random.random(3)  # noqa: NPY002
            agent.predict(np.zeros((5, 3), np.float32))
            agent.update()
        agent.save(tmp_path / f"undisturbed-{name}")
        undisturbed = read_checkpoint(tmp_path / f"undisturbed-{name}")
        resumed = read_checkpoint(tmp_path / f"resumed-{name}")
        for content in undisturbed, resumed:
            del content["state"]["generators"][1]  # of predict, called in one of them only
        np.testing.assert_equal(undisturbed, resumed)


def global_draws():
    import torch

    return random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002


def seed_global_generators():
    import torch

    random.seed(7)
    np.random.seed(7)  # noqa: NPY002
    torch.manual_seed(7)


@pytest.mark.parametrize("name", NAMES)
def test_agents_leave_the_global_generators_alone(name):
    seed_global_generators()
    undisturbed = global_draws()
    seed_global_generators()
    agent = small(name)
    agent.update()
    agent.predict(np.zeros((5, 3), np.float32))
    assert global_draws() == undisturbed


def test_an_agent_is_decided_by_its_seed_alone():
    alone = small("ppo", seed=3)
    metrics = [alone.update() for _ in range(2)]
    np.testing.assert_equal(small("ppo").get_state(), small("ppo").get_state())
    first, second = small("ppo", seed=3), small("ppo", seed=4)
    interleaved = [(first.update(), second.update()) for _ in range(2)]
    np.testing.assert_equal([m for m, _ in interleaved], metrics)
    assert interleaved[-1][1] != metrics[-1]


def test_neighbouring_seeds_play_different_episodes():
    """The libraries seed column i with seed + i, so that most columns would be shared."""
    seeds = [small("ppo", seed=seed).env.get_state()["engine"]["seeds"] for seed in (0, 1)]
    assert not np.intersect1d(*seeds).size


@pytest.mark.parametrize("name", NAMES)
def test_foreign_environments_resume_but_not_exactly(tmp_path, name):
    agent = small(name, "CartPole-v1")
    agent.update()
    assert not agent.exact_resume
    agent.save(tmp_path / "agent")
    resumed: Any = load_agent(tmp_path / "agent")
    np.testing.assert_equal(resumed.get_state()["policy"], agent.get_state()["policy"])
    # It goes on with new episodes, not with those that training began with.
    assert not np.array_equal(resumed.model._last_obs, small(name, "CartPole-v1").model._last_obs)
    assert resumed.update()["timesteps"] == 2 * 8 * 16


def test_single_environments_of_ours_resume_exactly(tmp_path):
    def build():
        return gym.make(TASK)

    agent: Any = make_agent("ppo", build(), n_steps=40, batch_size=20, n_epochs=1)
    agent.update()
    agent.save(tmp_path / "agent")
    assert agent.exact_resume
    resumed = load_agent(tmp_path / "agent", build())
    agent.update()
    resumed.update()
    np.testing.assert_equal(resumed.get_state(), agent.get_state())
    with pytest.raises(AgentError, match="pass env="):
        load_agent(tmp_path / "agent")


def test_wrappers_that_may_hold_state_are_not_called_exact():
    from stable_baselines3.common.vec_env import VecNormalize

    env = VecNormalize(sb3_batch(TASK, 8))
    assert not small("ppo", env).exact_resume


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("num_envs", "kwargs"), [(16, {}), (8, {"sigma": 0.1})])
def test_weights_move_to_another_size_or_task(name, num_envs, kwargs):
    agent = small(name)
    agent.update()
    moved = small(name, gym.make_vec(TASK, num_envs=num_envs, **kwargs), n_envs=None)
    moved.set_state(agent.get_state())
    np.testing.assert_equal(moved.get_state()["policy"], agent.get_state()["policy"])
    metrics = moved.update()
    assert metrics["updates"] == 2
    assert 0 <= metrics["return_mean"] <= 1


def test_recurrent_predict_carries_state_with_environments_first():
    agent = small("recurrent-ppo")
    x = np.random.default_rng(0).random((4, 3, 3)).astype(np.float32)
    state: Any = None
    alone: Any = None
    for t in range(4):
        start = np.array([t == 0, t in (0, 2), t == 0])
        together, state = agent.predict(x[t], state, start, deterministic=True)
        single, alone = agent.predict(x[t, 0], alone, np.array([t == 0]), deterministic=True)
        assert single == together[0]
    assert [part.shape[0] for part in state] == [3, 3]
    np.testing.assert_allclose(state[0][0], alone[0][0], atol=1e-6)
    with pytest.raises(AgentError, match="got 2 observations with the state of 3"):
        agent.predict(x[0, :2], state)
    with pytest.raises(AgentError, match=r"shape \(3, 2\) do not fit \(3,\)"):
        agent.predict(x[0, :, :2])
    with pytest.raises(AgentError, match="got 3 observations with 2 episode_start"):
        agent.predict(x[0], state, np.zeros(2, bool))
    for wrong in (state[:1], tuple(part[:, :, :5] for part in state)):
        with pytest.raises(AgentError, match=r"state is two arrays of shape \(n, 1, 64\)"):
            agent.predict(x[0], wrong)
    with pytest.raises(AgentError, match="not finite"):
        agent.predict(np.full((3, 3), np.nan), state)


def test_a_started_episode_forgets_the_state():
    agent = small("recurrent-ppo")
    x = np.ones((2, 3), np.float32)
    _, fresh = agent.predict(x, deterministic=True)
    _, used = agent.predict(x, fresh, np.array([True, False]), deterministic=True)
    np.testing.assert_array_equal(used[0][0], fresh[0][0])
    assert not np.array_equal(used[0][1], fresh[0][1])


@pytest.mark.parametrize("name", ["ppo", "recurrent-ppo", "eprop-rate", "node-perturbation"])
@pytest.mark.filterwarnings("ignore:Evaluation environment is not wrapped")
def test_stable_baselines_evaluates_our_agents(name):
    from stable_baselines3.common.evaluation import evaluate_policy

    agent: Any = make_agent(name, TASK, n_envs=8, **({"n_steps": 32} if "ppo" in name else {}))
    mean: Any = evaluate_policy(agent, sb3_batch(TASK, 4), n_eval_episodes=12)[0]
    assert 0 <= mean <= 1


def test_stable_baselines_trains_on_our_batch():
    from stable_baselines3 import PPO

    env = sb3_batch("caudate/DelayedMatch-v0", 8)
    model = PPO("MlpPolicy", env, n_steps=16, batch_size=64, n_epochs=1, device="cpu")
    assert model.learn(256).num_timesteps == 256


@pytest.mark.parametrize("env", ["object", "batch", "vec", "spec", "sync"])
def test_environments_of_every_kind(env):
    from stable_baselines3.common.vec_env import DummyVecEnv

    made = {
        "object": lambda: gym.make("CartPole-v1"),
        "batch": lambda: gym.make_vec(TASK, num_envs=4),
        "vec": lambda: DummyVecEnv([lambda: gym.make("CartPole-v1")] * 3),
        "spec": lambda: gym.spec(TASK),
        "sync": lambda: gym.vector.SyncVectorEnv([lambda: gym.make("CartPole-v1")] * 2),
    }[env]()
    agent = make_agent("ppo", made, n_steps=16, batch_size=8, n_epochs=1)
    copies = {"object": 1, "batch": 4, "vec": 3, "spec": 64, "sync": 2}
    assert agent.update()["timesteps"] == 16 * copies[env]
    assert agent.env_id == (TASK if env == "spec" else None)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"batch_size": 1000}, "batch_size=1000 must be between 2 and the rollout of 16 steps x 8"),
        ({"seed": -3}, "seed=-3"),
        ({"lr": 0.1}, "has no option 'lr'"),
        ({"env": "NoSuch-v0"}, "cannot be found"),
        ({"env": "FrozenLake-v1"}, "cannot read Discrete"),
        ({"env": "test/Scalar-v0"}, r"cannot read Box.*observations with an axis"),
        ({"env": replace(gym.spec(TASK), max_episode_steps=9)}, "not what is registered"),
        ({"n_envs": "4"}, "n_envs='4' must be a whole number"),
        ({"n_envs": 2.5}, "n_envs=2.5 must be a whole number"),
        ({"n_envs": 0}, "n_envs=0 must be at least 1"),
        ({"env": object(), "n_envs": None}, "cannot be served"),
        ({"env": "test/FromOne-v0"}, "counts actions from 0"),
        ({"env": "test/Unbounded-v0"}, "cannot be built on .*finite lower and upper bound"),
        ({"env_kwargs": {"no_such": 1}}, "no_such"),
        ({"batch_size": 127}, "not leave a remainder of 1"),
        ({"n_steps": 0}, "n_steps=0 must be 1 or more"),
        ({"learning_rate": -1.0}, "learning_rate=-1.0 must be above 0"),
        ({"gamma": 1.5}, "gamma=1.5 must be between 0 and 1"),
        ({"ent_coef": float("nan")}, "ent_coef=nan"),
    ],
)
def test_mistakes_get_one_sentence(kwargs, message):
    with pytest.raises(ValueError, match=message) as error:  # the task's own or AgentError
        small("ppo", **kwargs)
    assert "\n" not in str(error.value)


def test_batches_without_a_face_or_in_wrappers_are_refused():
    from gymnasium.wrappers.vector import ClipReward

    with pytest.raises(AgentError, match="does not offer to_sb3"):
        make_agent("ppo", gym.make_vec("CartPole-v1", num_envs=2))
    with pytest.raises(AgentError, match="leave the wrapper out"):
        make_agent("ppo", ClipReward(gym.make_vec(TASK, num_envs=4), 0, 1))


@pytest.mark.parametrize("what", ["observation", "reward"])
def test_values_that_are_not_finite_are_refused(what):
    agent = small("ppo", "test/Faulty-v0", env_kwargs={what: float("nan")})
    with pytest.raises(AgentError, match=f"returned an? {what} of nan: {what}s must be finite"):
        agent.update()


@pytest.mark.parametrize("name", NAMES)
def test_learning_that_explodes_keeps_the_last_good_weights(name):
    agent = small(name, learning_rate=1e30)
    before = agent.get_state()["policy"]
    with pytest.raises(NonFiniteError, match="Lower learning_rate"):
        agent.update()
    np.testing.assert_equal(agent.get_state()["policy"], before)
    assert agent.num_timesteps == agent.num_updates == 0


def test_returns_are_those_of_the_environment_at_a_time_limit():
    """The libraries add the value of the cut future to the last reward."""
    agent = small("ppo", "MountainCar-v0", n_envs=2, n_steps=208)
    metrics = agent.update()
    assert metrics["return_mean"] == -200
    assert metrics["episodes"] == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_withhold_bias_makes_the_first_action_likelier(name):
    x = np.zeros((400, 3), np.float32)
    share = [
        np.mean(small(name, initial_withhold_bias=bias).predict(x)[0] == 0) for bias in (0.0, 3.0)
    ]
    assert share[0] < 0.5 < 0.85 < share[1]


def test_continuous_actions_stay_within_their_bounds():
    agent = small("ppo", "test/Target-v0")  # asserts that actions are within
    agent.update()
    action, _ = agent.predict(np.ones(2, np.float32))
    assert agent.action_space.contains(action)


@pytest.mark.parametrize(
    ("n_envs", "n_steps"), [(1, 2048), (8, 256), (48, 42), (64, 32), (100, 32)]
)
def test_the_default_rollout_stays_near_2048_transitions(n_envs, n_steps):
    agent: Any = make_agent("ppo", TASK, n_envs=n_envs)
    assert agent.model.n_steps == n_steps


@pytest.mark.parametrize(
    ("name", "package"), [("ppo", "stable_baselines3"), ("recurrent-ppo", "sb3_contrib")]
)
def test_a_missing_extra_says_what_to_install(monkeypatch, name, package):
    real = builtins.__import__

    def without(module, *args, **kwargs):
        if module.split(".")[0] == package:
            raise ImportError(module)
        return real(module, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(AgentError, match=r'pip install "caudate\[baselines\]"'):
        small(name)


def test_torch_is_imported_only_to_build_an_agent():
    code = """
import sys
from caudate.agents import PPO, RecurrentPPO, option_types
assert option_types("recurrent-ppo") == RecurrentPPO.option_types() != PPO.option_types()
assert not {"torch", "stable_baselines3", "sb3_contrib"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_weights_of_another_shape_are_refused():
    with pytest.raises(CheckpointError, match="do not fit"):
        small("ppo").set_state(small("ppo", n_hidden=8).get_state())


@pytest.mark.parametrize("name", ["ppo", "recurrent-ppo"])
def test_switches_are_learned(name):
    agent = make_agent(name, "caudate/FlipFlop-v0", seed=0, n_envs=4)
    metrics = agent.update()
    assert np.isfinite(metrics["policy_loss"])
    action, _ = agent.predict(np.zeros((4, 3), np.float32))
    assert agent.action_space.contains(action[0])


@pytest.mark.parametrize("starts", ["first", "none", "middle"])
def test_whole_sequences_equal_the_librarys_loop_over_time(starts):
    """Outputs, states and gradients, whether or not an episode starts within a sequence."""
    import torch
    from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy

    from caudate.agents.baselines.lstm_policy import WholeSequenceLstmPolicy

    torch.manual_seed(0)
    n, steps, width = 5, 7, 4
    lstm = torch.nn.LSTM(3, width).double()
    features = torch.randn(n * steps, 3).double()
    before = torch.randn(1, n, width).double(), torch.randn(1, n, width).double()
    begun = torch.zeros(n, steps).double()
    if starts != "none":
        begun[[0, 2, 3], 0] = 1
    if starts == "middle":
        begun[1, 4] = 1

    def outcome(policy: Any) -> list[np.ndarray]:
        lstm.zero_grad()
        out, after = policy._process_sequence(features, before, begun.flatten(), lstm)
        (out.square().sum() + after[1].sum()).backward()
        gradients = [p.grad.clone() for p in lstm.parameters() if p.grad is not None]
        return [x.detach().numpy() for x in (out, *after, *gradients)]

    ours, theirs = outcome(WholeSequenceLstmPolicy), outcome(RecurrentActorCriticPolicy)
    assert len(ours) == 3 + 4
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12)


def test_no_sequence_of_an_update_is_run_step_by_step(monkeypatch):
    """Episodes of seven steps end within rollouts of sixteen."""
    import torch

    lengths = []
    forward = torch.nn.LSTM.forward

    def watched(self, x, state=None):
        lengths.append(len(x))
        return forward(self, x, state)

    agent = small("recurrent-ppo")
    monkeypatch.setattr(torch.nn.LSTM, "forward", watched)
    agent.update()
    played, minibatches = 17 * 2, 8 * 16 // 32 * 2
    assert len(lengths) <= played + 2 * minibatches
    assert max(lengths) == 7
