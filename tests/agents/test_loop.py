"""The loop circuit: what it plays, how its corticostriatal weights learn, state and mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import caudate.envs  # noqa: F401
from caudate.agents import AgentError, LoopCircuit, Targets, load_agent, make_agent

from . import toy_envs  # noqa: F401

TASK = "caudate/SyllableSequence-v0"


def build(**options: Any) -> Any:
    settings = {"n_neurons": 12, "motor_trials": 0, "n_envs": 1, "seed": 4, "exploration": 0.3}
    return LoopCircuit(TASK, **settings | options)


def watch(agent: Any) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """What an episode shows: (observations, alive, actions, rewards) of each transition."""
    seen: list[Any] = []
    reset, step = agent.rounds.reset, agent.rounds.step
    last: list[np.ndarray] = []

    def reset_and_keep(seeds):
        last[:] = [reset(seeds)]
        return last[0]

    def step_and_keep(actions):
        before, alive = last[0].copy(), agent.rounds.alive.copy()
        last[0], reward = step(actions)
        seen.append((before, alive, np.array(actions), reward.copy()))
        return last[0], reward

    agent.rounds.reset, agent.rounds.step = reset_and_keep, step_and_keep
    return seen


def states_by_hand(agent: Any, observations: list[np.ndarray]) -> list[np.ndarray]:
    """h (N,) at the end of each syllable, from the equation of the motor network."""
    p, motor = agent.motor.parameters, agent.motor.network
    h = np.full(agent.options.n_neurons, 0.1)
    ends = []
    for x in observations:
        command = p["W_in"] @ x[: agent.n_commands] + p["bias"]
        for _ in range(agent.duration):
            h = h + motor.leak * (np.tanh(p["W_rec"] @ h + command) - h)
        ends.append(h)
    return ends


@pytest.mark.parametrize("credit", ["error", "reward"])
def test_episodes_by_hand(credit):
    """dW_s[winner] = eta (R - Rbar) h / N, Rbar by command; with credit "reward" without Rbar."""
    agent = build(credit=credit, striatal_learning_rate=0.7, baseline_rate=0.2)
    weights, expected = agent.striatal.copy(), np.zeros(agent.n_commands)
    seen, states = watch(agent), []
    for _ in range(4):
        begun = len(seen)
        agent.update()
        states += states_by_hand(agent, [x[0] for x, *_ in seen[begun:]])
    assert sum(float(reward[0] > 0) for *_, reward in seen) > 2
    wins = 0
    for (x, alive, action, reward), h in zip(seen, states, strict=True):
        assert alive.all()
        wins += (weights @ h).argmax() == action[0]
        command, worth = x[0, : agent.n_commands].argmax(), float(reward[0] > 0)
        if credit == "error":
            worth -= expected[command]
            expected[command] += 0.2 * worth
        weights[action[0]] += 0.7 * worth * h / 12
    assert 0.4 * len(seen) < wins <= len(seen)
    np.testing.assert_allclose(agent.striatal, weights, rtol=1e-4, atol=1e-6)  # single precision


def test_capped_rows_are_no_longer_than_one():
    agent = build(credit="capped", striatal_learning_rate=100.0, n_envs=4)
    for _ in range(3):
        agent.update()
    lengths = np.linalg.norm(agent.striatal, axis=1)
    assert lengths.max() <= 1 + 1e-12
    assert lengths.max() > 0.9


def test_chains_begin_where_another_syllable_has_ended():
    agent = build(motor_chain=3)
    assert agent.motor.targets is not None
    pool = agent.motor.targets.pool
    shown = pool.observations.argmax(-1)
    assert shown.shape == (3 * agent.duration, 256)
    for part in np.split(shown, 3):
        assert (part == part[0]).all()
    assert (shown[0] != shown[-1]).mean() > 0.5
    assert (pool.lengths == len(shown)).all()
    uneven = Targets.of("caudate/DelayedMatch-v0", n=8)
    with pytest.raises(AgentError, match="only trials of one length can be strung together"):
        uneven.chained(np.zeros((2, 4), int))


def test_it_practises_first_and_then_its_motor_weights_rest():
    agent = build(motor_trials=12, motor_batch=3, motor_chain=4)
    start = {k: w.copy() for k, w in agent.motor.parameters.items()}
    practice = agent.update()
    assert (practice["motor_trials"], practice["timesteps"], practice["episodes"]) == (12, 0, 0)
    assert np.isnan(practice["return_mean"])
    assert np.isfinite(practice["motor_error"])
    learned = {k: w.copy() for k, w in agent.motor.parameters.items()}
    assert (learned["W_rec"] != start["W_rec"]).any()
    for name in ("bias", "b_out"):
        np.testing.assert_array_equal(learned[name], start[name])
    played = agent.update()
    assert (played["episodes"], played["updates"]) == (1, 2)
    assert played["timesteps"] == agent.rounds.lengths.sum() > 0
    for name, w in agent.motor.parameters.items():
        np.testing.assert_array_equal(w, learned[name])


@pytest.mark.parametrize("updates", [1, 2])  # in practice, and after it
def test_resumed_equals_undisturbed_bit_for_bit(tmp_path, updates):
    straight = build(motor_trials=4, motor_batch=4, n_envs=2)
    for _ in range(updates):
        straight.update()
    straight.save(tmp_path / "agent.caudate")
    resumed = load_agent(tmp_path / "agent.caudate")
    assert isinstance(resumed, LoopCircuit)
    for _ in range(2):
        assert straight.update() == resumed.update()
    np.testing.assert_equal(straight.get_state(), resumed.get_state())
    x = straight.rounds.reset([1, 2])
    np.testing.assert_array_equal(straight.predict(x)[0], resumed.predict(x)[0])


def test_predict_carries_state_column_by_column():
    agent = build()
    rng = np.random.default_rng(0)
    x = np.zeros((5, 3, *agent.observation_space.shape), np.float32)
    for t in range(5):
        x[t, range(3), rng.integers(agent.n_commands, size=3)] = 1
    state: Any = None
    together, inside = [], []
    for t in range(5):
        given = [part.copy() for part in state or ()]
        action, after = agent.predict(x[t], state, np.array([t == 0, t == 2, False]), True)
        np.testing.assert_equal(list(state or ()), given)  # what was passed in is left alone
        state = after
        together.append(action)
        inside.append(state[0].copy())
    for column in range(3):
        state = None
        for t in range(5):
            state = None if column == 1 and t == 2 else state
            action, state = agent.predict(x[t, column], state, deterministic=True)
            assert action == together[t][column]
            assert agent.action_space.contains(action)
            np.testing.assert_allclose(state[0][0], inside[t][column], atol=1e-5)
    with pytest.raises(AgentError, match="got 2 observations with the state of 1"):
        agent.predict(x[0, :2], state)


def test_exploring_while_predicting_leaves_learning_alone():
    a, b = build(exploration=0.9), build(exploration=0.9)
    x = np.zeros((64, *a.observation_space.shape), np.float32)
    x[:, 0] = 1
    assert len(np.unique(a.predict(x)[0])) > 1
    assert len(np.unique(a.predict(x, deterministic=True)[0])) == 1
    assert a.update() == b.update()


@pytest.mark.parametrize(
    ("env", "options", "message"),
    [
        (TASK, {"seed": -1}, "loop-circuit: seed=-1 must be an integer of 0 or more"),
        (TASK, {"seed": "one"}, "loop-circuit: seed='one' must be an integer"),
        (TASK, {"credit": "all"}, "credit='all' is not one of capped, reward, error"),
        (TASK, {"exploration": 2.0}, "exploration=2.0 must be between 0 and 1"),
        (TASK, {"n_envs": 0}, "n_envs=0 must be at least 1"),
        (TASK, {"motor_task": "caudate/Nothing-v0"}, "'caudate/Nothing-v0' cannot be found"),
        (TASK, {"motor_task": "CartPole-v1"}, "'CartPole-v1' has no sample_trials"),
        (TASK, {"motor_task": "caudate/DelayedMatch-v0"}, "one action for each of the 3 inputs"),
        ("CartPole-v1", {}, r"Discrete\(2\) must be Discrete with one action for each of the 8"),
        ("caudate/FlipFlop-v0", {}, r"MultiBinary\(3\) must be Discrete"),
    ],
)
def test_mistakes_get_one_sentence(env, options, message):
    with pytest.raises(AgentError, match=message):
        make_agent("loop-circuit", env, **{"n_neurons": 8} | options)
