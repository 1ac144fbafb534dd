"""Learning by episode, by rollout and by step: the same gradient, cut in time."""

from __future__ import annotations

import itertools
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import caudate.envs  # noqa: F401
from caudate.agents import AgentError, EProp, NonFiniteError, Targets

from .torch_oracle import assert_close, gradient_of_record, make, torch_gradient

ECHO = {"delay": 4, "lengths": (0, 1, 3)}  # episodes of 6, 7 and 9 transitions
NETWORK = ("W_in", "W_rec", "bias")


def one_length(network: str, **options: Any) -> Any:
    """All episodes take 7 transitions."""
    return make(network, env_kwargs={"delay": 5, "lengths": (0,)}, **options)


def changes(agent: Any, before: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: w - before[name] for name, w in agent.parameters.items()}


def weights(agent: Any) -> dict[str, np.ndarray]:
    return {name: w.copy() for name, w in agent.parameters.items()}


def assert_same(a: dict[str, np.ndarray], b: dict[str, np.ndarray], rtol: float = 1e-10) -> None:
    for name, w in a.items():
        scale = np.abs(w).max(initial=1e-300)
        np.testing.assert_allclose(b[name], w, rtol=0, atol=rtol * scale, err_msg=name)


# -- rollouts --------------------------------------------------------------------------------


@pytest.mark.parametrize("gradient", ["local", "exact"])
@pytest.mark.parametrize(
    ("network", "options"),
    [
        ("rate", {}),
        ("rate", {"nonlinearity": "input", "initial_activity": 0.3}),
        ("lif", {}),
        ("alif", {"refractory": 3, "mean_features": True}),
    ],
)
def test_a_window_has_the_gradient_with_its_first_state_held_constant(network, options, gradient):
    agent = make(network, update="rollout", rollout_steps=4, gradient=gradient, **options)
    agent.begin_round()
    ended, windows = False, 0
    while not ended:
        start = agent._state
        ended = agent.play_on(agent.window)
        windows += 1
        rule, advantage, value_error = gradient_of_record(agent)
        oracle = torch_gradient(agent, advantage, value_error, gradient == "exact", start=start)
        assert_close(rule, oracle, agent)
        if start is not None:  # what came before the window acts on its first step
            agent.tape.before = None
            assert np.abs(gradient_of_record(agent)[0]["W_rec"] - oracle["W_rec"]).max() > 1e-6
    assert windows == 3


def test_columns_that_go_on_learn_from_the_value_of_what_comes():
    agent = make("rate", update="rollout", rollout_steps=6, gamma=0.9, gae_lambda=0.7)
    agent.begin_round()
    assert not agent.play_on(6)
    alive = agent.rounds.alive.copy()
    assert alive.any()
    assert not alive.all()
    features, _ = agent.network.step(agent.parameters, agent._state, agent._seen)
    values = np.concatenate(
        [agent.record["outputs"][..., -1], agent.outputs(features)[None, :, -1]]
    )
    advantage, value_error = agent._modulate()
    expected = np.zeros_like(values)
    for t in reversed(range(6)):
        after = values[t + 1] * (alive if t == 5 else 1)
        error = agent.record["rewards"][t] + 0.9 * after - values[t]
        expected[t] = error + 0.63 * expected[t + 1]
    np.testing.assert_allclose(advantage, expected[:-1], atol=1e-12)
    np.testing.assert_array_equal(value_error, -advantage)


@pytest.mark.parametrize("execution", ["batched", "online"])
@pytest.mark.parametrize("network", ["rate", "alif"])
@pytest.mark.parametrize("steps", [9, 1000])  # the longest episode, and more
def test_a_window_of_whole_episodes_is_the_update_by_episode(network, execution, steps):
    by_episode = make(network, execution=execution)
    by_rollout = make(network, execution=execution, update="rollout", rollout_steps=steps)
    for _ in range(4):
        assert by_episode.update() == by_rollout.update()
    np.testing.assert_equal(by_episode.get_state(), by_rollout.get_state())


@pytest.mark.parametrize("execution", ["batched", "online"])
@pytest.mark.parametrize("network", ["rate", "alif"])
@pytest.mark.parametrize("steps", [1, 3, 7])
def test_every_transition_is_learned_from_once(network, execution, steps):
    """Windows that end with an episode, before and behind it."""
    agent = one_length(network, execution=execution, update="rollout", rollout_steps=steps)
    applied = []
    apply = agent._apply
    agent._apply = lambda gradient: applied.append(agent.record.length) or apply(gradient)
    for _ in range(3):
        metrics = agent.update()
        assert np.isfinite(list(metrics.values())).all()
    assert (metrics["timesteps"], metrics["episodes"], metrics["updates"]) == (126, 18, 3)
    assert applied == 3 * {1: [1] * 7, 3: [3, 3, 1], 7: [7]}[steps]


def vanishing(kind: str, network: str, **options: Any) -> dict[str, np.ndarray]:
    """Change of the weights over one round, over a learning rate that goes to 0."""
    rate = 1e-7
    settings = {"optimizer": "sgd", "learning_rate": rate, "max_grad_norm": 0.0} | options
    agent = one_length(network, update=kind, **settings)
    before = weights(agent)
    agent.update()
    return {name: change / rate for name, change in changes(agent, before).items()}


@pytest.mark.parametrize("network", ["rate", "lif", "alif"])
def test_steps_and_rollouts_that_hardly_learn_add_up_to_the_episode(network, monkeypatch):
    """Each update is a mean over its own transitions: 7 steps sum to 7 times the episode's."""
    monkeypatch.setattr("caudate.agents.eprop.RATE_TRACKING", 0.0)
    episode = vanishing("episode", network)
    online = vanishing("episode", network, execution="online")
    assert_same(episode, online, 1e-6)
    by_step = vanishing("step", network, execution="online")
    assert_same({k: 7 * g for k, g in episode.items()}, by_step, 1e-4)
    # Windows of 1: traces and credit go on, so that they are steps.
    windows = vanishing("rollout", network, execution="online", rollout_steps=1)
    assert_same(by_step, windows, 1e-4)


def test_batched_windows_begin_anew():
    """Without the past of the window the gradient is another one, but not a wild one."""
    episode = vanishing("episode", "rate")
    windows = vanishing("rollout", "rate", rollout_steps=4)
    total = np.concatenate([episode[k].ravel() for k in NETWORK])
    cut = np.concatenate([windows[k].ravel() for k in NETWORK])
    cosine = total @ cut / np.linalg.norm(total) / np.linalg.norm(cut)
    assert 0.5 < cosine < 0.999


def test_windows_without_reward_are_no_cause_for_warnings():
    """The critic is 0 at first: every advantage is, until an episode has ended."""
    options = {"update": "rollout", "rollout_steps": 1, "entropy_coef": 0.0, "rate_coef": 0.0}
    agent = EProp(
        "test/Echo-v0", n_envs=4, network="rate", env_kwargs={"delay": 40}, n_neurons=5, **options
    )
    metrics = agent.update()  # warnings are errors
    assert metrics["timesteps"] == 4 * 42


# -- steps -----------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["rate", "alif"])
def test_weights_change_within_the_episode(network):
    agent = make(network, update="step", execution="online", learning_rate=0.01)
    seen = []
    step = agent.rounds.step
    agent.rounds.step = lambda a: seen.append(agent.parameters["W_in"].copy()) or step(a)
    agent.update()
    steps = len(seen)
    assert steps == int(agent.rounds.lengths.max())
    different = [(a != b).any() for a, b in itertools.pairwise(seen)]
    assert all(different)
    assert agent.optimizer.count == steps
    assert agent.num_timesteps == agent.rounds.lengths.sum()
    assert (agent.num_episodes, agent.num_updates) == (6, 1)


@pytest.mark.parametrize("network", ["rate", "alif"])
def test_checking_the_gradient_learns_nothing_by_step_either(network):
    agent = make(network, update="step", execution="online", learning_rate=0.01)
    agent.update()
    before = agent.get_state()
    report = agent.gradient_check()
    np.testing.assert_equal(agent.get_state(), before)
    batched = make(network, learning_rate=0.01)
    batched.set_state(before)
    expected = batched.gradient_check()
    for name in NETWORK:
        assert report[name] == pytest.approx(expected[name], rel=1e-8)


def test_a_step_that_is_not_finite_keeps_the_weights_before_it():
    agent = make("rate", update="step", execution="online")
    agent.update()
    agent.parameters["b_out"][-1] = np.inf
    before = agent.parameters["W_in"].copy()
    with pytest.raises(NonFiniteError, match="Lower learning_rate"), np.errstate(all="ignore"):
        agent.update()
    np.testing.assert_array_equal(agent.parameters["W_in"], before)


@pytest.mark.parametrize("update", ["rollout", "step"])
def test_adaptive_feedback_takes_every_change_of_the_readout(update):
    """Kolen & Pollack: the difference of both shrinks by the decay at each change."""
    agent = make(
        "rate", update=update, execution="online", rollout_steps=2, feedback="adaptive",
        feedback_decay=0.1,
    )  # fmt: skip
    before = agent.feedback - agent.parameters["W_out"]
    agent.update()
    expected = before * 0.9**agent.optimizer.count
    assert agent.optimizer.count > 3
    np.testing.assert_allclose(agent.feedback - agent.parameters["W_out"], expected, atol=1e-12)


# -- targets ---------------------------------------------------------------------------------


def pool() -> Targets:
    """Trials of 6, 5 and 3 steps, of which the last ones count."""
    rng = np.random.default_rng(0)
    mask = np.arange(6)[:, None] < [6, 5, 3, 6]
    mask[:1] = False
    space = gym.spaces.MultiBinary(2)
    return Targets(rng.normal(size=(6, 4, 3)), rng.integers(0, 2, (6, 4, 2)), space, mask)


def on_targets(network: str, **options: Any) -> Any:
    return EProp(
        pool(), seed=1, n_envs=5, n_neurons=9, network=network, dtype="float64", substeps=2,
        optimizer="sgd", learning_rate=1e-7, max_grad_norm=0.0, kernel="numpy", target_rate=0.02,
        **options,
    )  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        {"execution": "online"},
        {"execution": "online", "update": "step"},
        {"execution": "online", "update": "rollout", "rollout_steps": 2},
        {"update": "rollout", "rollout_steps": 6},
        {"update": "rollout", "rollout_steps": 6, "modulator": "average"},
    ],
)
@pytest.mark.parametrize("network", ["rate", "alif"])
def test_targets_give_the_same_gradient_in_parts(network, options, monkeypatch):
    monkeypatch.setattr("caudate.agents.eprop.RATE_TRACKING", 0.0)
    found = []
    for more in ({}, options):
        agent = on_targets(network, **more)
        agent.mean_rate += 0.2
        before = weights(agent)
        agent.update()
        found.append({k: change / 1e-7 for k, change in changes(agent, before).items()})
    assert np.abs(found[0]["W_rec"]).max() > 0
    assert_same(found[0], found[1], 1e-5)


@pytest.mark.parametrize("gradient", ["local", "exact"])
@pytest.mark.parametrize("network", ["rate", "alif"])
def test_whole_trials_at_once_are_the_trials_step_by_step(network, gradient, monkeypatch):
    agents = [on_targets(network, gradient=gradient) for _ in range(2)]
    slow = agents[1]
    play_on = EProp.__mro__[1].play_on
    monkeypatch.setattr(slow, "play_on", lambda limit=None: play_on(slow, limit))
    for _ in range(3):
        fast_metrics, slow_metrics = (agent.update() for agent in agents)
        assert fast_metrics == pytest.approx(slow_metrics, rel=1e-10)
    assert_same(weights(agents[0]), weights(slow), 1e-12)


@pytest.mark.parametrize("execution", ["batched", "online"])
@pytest.mark.parametrize("network", ["rate", "alif"])
def test_warming_up_changes_nothing(network, execution):
    warm, cold = (on_targets(network, execution=execution) for _ in range(2))
    warm.warm_up()
    np.testing.assert_equal(warm.get_state(), cold.get_state())
    assert warm.update() == cold.update()


# -- resume and mistakes ---------------------------------------------------------------------


@pytest.mark.parametrize("network", ["rate", "alif"])
@pytest.mark.parametrize(
    "options",
    [
        {"update": "rollout", "rollout_steps": 4},
        {"update": "rollout", "rollout_steps": 4, "execution": "online", "feedback": "adaptive"},
        {"update": "step", "execution": "online"},
    ],
)
def test_resumed_equals_undisturbed_bit_for_bit(tmp_path, network, options):
    more = {"schedule": "cosine", "schedule_updates": 30, "connectivity": 0.5, "rewiring": True}
    straight = EProp(
        "test/Echo-v0", n_envs=4, n_neurons=8, network=network, env_kwargs=ECHO, kernel="numpy",
        substeps=2, **options, **more,
    )  # fmt: skip
    straight.update()
    straight.save(tmp_path / "agent.caudate")
    resumed = EProp.load(tmp_path / "agent.caudate")
    for _ in range(2):
        assert straight.update() == resumed.update()
    np.testing.assert_equal(straight.get_state(), resumed.get_state())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"update": "trial"}, "update='trial' is not one of episode, rollout, step"),
        ({"update": "step"}, "set execution='online'"),
        ({"update": "step", "execution": "online", "gradient": "exact"}, "carries local traces"),
        ({"execution": "online", "gradient": "none"}, "carries local traces"),
        (
            {"update": "step", "execution": "online", "modulator": "return"},
            "judges whole episodes, update='step' learns before they end",
        ),
        ({"update": "rollout", "modulator": "average"}, "set modulator='critic' or update="),
        ({"update": "rollout", "rollout_steps": 0}, "rollout_steps=0 must be 1 or more"),
    ],
)
def test_combinations_that_cannot_work_get_one_sentence(options, message):
    with pytest.raises(AgentError, match=message):
        EProp("test/Echo-v0", n_envs=2, network="rate", **options)
