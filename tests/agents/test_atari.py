"""Spiking convolutions and recurrent network as one agent; games only where ale-py is installed."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from caudate.agents import AgentError, load_agent, make_agent
from caudate.agents.atari_env import make_atari
from caudate.agents.rounds import make_rounds

from .test_vision import assert_equal, autograd, gradients
from .torch_oracle import Spike

torch = pytest.importorskip("torch")

SIDE = 36  # pixels, the smallest frame that the published layers can read


class Dot(gym.Env):
    """A dot on a 36 x 36 frame drifts; reward 1 for telling whether it is in the upper half."""

    def __init__(self, length: int = 6):
        self.observation_space = gym.spaces.Box(0, 255, (1, SIDE, SIDE), np.uint8)
        self.action_space = gym.spaces.Discrete(2)
        self.length = length

    def reset(self, *, seed: int | None = None, options: dict | None = None):
        super().reset(seed=seed)
        self.t = 0
        self.place = self.np_random.integers(4, SIDE - 4, size=2)
        return self._frame(), {}

    def step(self, action: int):
        reward = float((self.place[0] < SIDE // 2) == action)
        self.place = np.clip(self.place + self.np_random.integers(-2, 3, size=2), 4, SIDE - 4)
        self.t += 1
        return self._frame(), reward, self.t == self.length, False, {}

    def _frame(self) -> np.ndarray:
        frame = np.full((1, SIDE, SIDE), 60, np.uint8)
        row, column = self.place
        frame[0, row - 3 : row + 3, column - 3 : column + 3] = 255
        return frame


gym.register("test/Dot-v0", entry_point=f"{__name__}:Dot")


def small(env: Any = "test/Dot-v0", **options: Any) -> Any:
    given: dict[str, Any] = {"n_envs": 3, "n_neurons": 12, "substeps": 3, "kernel": "numpy"}
    return make_agent("eprop-atari", env, **(given | options))


def test_gradient_of_the_whole_network_equals_autograd():
    agent = small(seed=1, dtype="float64", tau_adaptation=(2.0, 4.0), input_gain=1.0, refractory=1)
    agent.network = network = replace(agent.network, task_share=1.0, regularisers=None)
    agent.play()
    steps, n = agent.record["features"].shape[:2]
    rng = np.random.default_rng(4)
    adjoint = rng.standard_normal(agent.record["features"].shape)
    rate_adjoint = rng.standard_normal((steps, n, 12))
    ours = network.backward(agent.parameters, agent.tape, adjoint, rate_adjoint=rate_adjoint)

    frames = agent.tape.front.frames
    layers = {k: w for k, w in agent.parameters.items() if k.startswith("conv")}
    p, pooled, _, layer_spikes = autograd(network.front, layers, frames)
    p |= {
        k: torch.tensor(agent.parameters[k], requires_grad=True) for k in ("W_in", "W_rec", "bias")
    }
    c = network.constants
    alpha, rho, beta = (torch.tensor(x) for x in (c.alpha, c.rho, c.beta))
    v, a, z, f = (torch.zeros(n, 12, dtype=torch.float64) for _ in range(4))
    features, loss = [], 0.0
    for k, spikes in enumerate(layer_spikes):
        x = spikes[-1].detach().reshape(n, -1)
        a = rho * a + z
        seen = z.detach()
        v = alpha * v + x @ p["W_in"].T + p["bias"] + seen @ p["W_rec"].T - c.threshold * seen
        z = Spike.apply((v - c.threshold - beta * a) / c.threshold, c.dampening)
        f = c.kappa * f + z
        loss = loss + (z * torch.tensor(rate_adjoint[k // 3])).sum()
        if k % 3 == 2:
            features.append(network.feature_gain * f)
    features = torch.cat([torch.stack(features), pooled], -1)
    np.testing.assert_allclose(agent.record["features"], features.detach(), atol=1e-12)
    loss = loss + (features * torch.tensor(adjoint)).sum()
    theirs = gradients(loss, p)
    theirs["W_rec"] = theirs["W_rec"] * (1 - np.eye(12))
    assert_equal(ours, {name: theirs[name] for name in ours})


def test_published_constants():
    agent: Any = make_agent("eprop-atari", "test/Dot-v0", n_envs=1)
    c = agent.network.constants
    np.testing.assert_allclose(-1 / np.log(c.alpha), 15, rtol=1e-4)
    np.testing.assert_allclose(-1 / np.log(c.rho), 70, rtol=1e-4)
    assert (c.beta > 0).sum() == 160
    np.testing.assert_allclose(c.beta[c.beta > 0], 0.1, rtol=2e-3)
    assert -1 / np.log(c.kappa) == pytest.approx(2)
    assert agent.network.front.kappa == pytest.approx(c.kappa)


def test_updates_save_load_go_on(tmp_path):
    agent = small(episode_cap=4, cap_jitter=1)
    agent.warm_up()
    before = {name: w.copy() for name, w in agent.parameters.items()}
    for _ in range(2):
        metrics = agent.update()
    assert metrics["length_mean"] <= 5
    assert all((agent.parameters[name] != w).any() for name, w in before.items() if w.size)
    agent.save(tmp_path / "a.caudate")
    other: Any = load_agent(tmp_path / "a.caudate")
    assert agent.update() == other.update()
    for name, w in agent.parameters.items():
        np.testing.assert_array_equal(w, other.parameters[name])


def test_windows_continue_where_the_one_before_ended():
    whole, parts = small(), small()
    whole.play()
    parts.begin_round()
    seen = []
    while True:
        over = parts.play_on(4)
        seen.append(parts.record["features"].copy())
        if over:
            break
    np.testing.assert_array_equal(np.concatenate(seen), whole.record["features"])


def test_predict_equals_play():
    agent = small()
    agent.play()
    frames = agent.tape.front.frames
    state, start = None, None
    for t, seen in enumerate(frames):
        _, state = agent.predict(seen[:, None], state, start, deterministic=True)
        np.testing.assert_array_equal(state[-1], agent.record["features"][t, :, 12:])
    _, fresh = agent.predict(frames[0][:, None], state, np.ones(3, bool))
    np.testing.assert_array_equal(fresh[-1], agent.record["features"][0, :, 12:])


def test_caps_cut_episodes_and_grow():
    rounds = make_rounds("test/Dot-v0", 3, {}, 100)
    rounds.caps = np.array([2, 4, 9])
    rounds.reset([1, 2, 3])
    while rounds.alive.any():
        rounds.step(np.zeros(3, int))
    assert rounds.lengths.tolist() == [2, 4, 6]
    assert rounds.truncated.tolist() == [True, True, False]

    agent = small(episode_cap=64, cap_growth_steps=100)
    assert agent.episode_cap == 64
    agent.played_timesteps = 250
    assert agent.episode_cap == 6**3


def test_the_caps_of_episodes_go_on_growing_when_learning_goes_on():
    agent = small(episode_cap=64, cap_growth_steps=10)
    agent.learn(30)
    grown = agent.episode_cap
    assert grown > 64
    again = small(episode_cap=64, cap_growth_steps=10)
    again.set_state(agent.get_state())
    again.learn(1)
    assert again.num_timesteps < agent.played_timesteps <= again.played_timesteps
    assert again.episode_cap >= grown


@pytest.mark.parametrize(
    ("env", "options", "sentence"),
    [
        ("CartPole-v1", {}, "single grey frames"),
        ("test/Dot-v0", {"execution": "online"}, "execution='online' is not one of batched"),
        ("test/Dot-v0", {"input_units": "bounds"}, "input_units='bounds' is not one of raw"),
        ("test/Dot-v0", {"network": "rate"}, "network='rate' is not one of alif, lif"),
        ("test/Dot-v0", {"episode_cap": 0}, "episode_cap=0 must be 1 or more"),
    ],
)
def test_mistakes_are_one_sentence(env, options, sentence):
    with pytest.raises(AgentError, match=sentence):
        small(env, **options)


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ale_py", None)
    with pytest.raises(AgentError, match=r"caudate\[atari\]"):
        small("ALE/Pong-v5")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(AgentError, match=r"caudate\[atari\]"):
        small()


class TestPong:
    """With the game itself."""

    @pytest.fixture(autouse=True)
    def _needs_the_game(self):
        pytest.importorskip("ale_py")

    def test_a_batch_of_grey_frames_and_three_actions(self):
        env: Any = make_atari("ALE/Pong-v5", 2, {})
        assert env.single_observation_space.shape == (1, 84, 84)
        assert env.single_action_space.n == 3
        frames, _ = env.reset(seed=[3, 3])
        np.testing.assert_array_equal(frames[0], frames[1])
        env.close()

    def test_seeds_decide_whatever_was_played_before(self):
        def episode(env):
            env.reset(seed=[5, 6])
            frames = [env.step(np.array([t % 3, 1]))[0].copy() for t in range(60)]
            return np.stack(frames)

        env: Any = make_atari("ALE/Pong-v5", 2, {})
        first = episode(env)
        env.reset(seed=[8, 9])
        for _ in range(10):
            env.step(np.array([2, 0]))
        np.testing.assert_array_equal(first, episode(env))
        env.close()

    def test_unknown_actions_are_refused(self):
        with pytest.raises(AgentError, match="two or more of 0 to 5"):
            make_atari("ALE/Pong-v5", 1, {"actions": [0, 9]})

    def test_learns_saves_and_goes_on(self, tmp_path):
        agent = small("ALE/Pong-v5", episode_cap=5, cap_jitter=0)
        for _ in range(2):
            metrics = agent.update()
        assert metrics["length_mean"] == 5
        agent.save(tmp_path / "a.caudate")
        other: Any = load_agent(tmp_path / "a.caudate")
        assert agent.update() == other.update()
        agent.rounds.close()
        other.rounds.close()
