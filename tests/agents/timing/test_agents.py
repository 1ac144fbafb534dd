"""Agents with clocks as a user meets them."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import caudate.envs  # noqa: F401
from caudate.agents import AGENTS, AgentError, Targets, load_agent, make_agent
from caudate.agents.timing.readout import decayed_worth
from caudate.training.evaluation import evaluate

from .. import toy_envs  # noqa: F401

PRESS = "caudate/IntervalProduction-TimedPress-v0"
TASKS = (
    PRESS,
    "caudate/IntervalProduction-v0",
    "caudate/IntervalReproduction-v0",
    "caudate/SyncContinuation-v0",
    "caudate/RhythmProduction-v0",
    "caudate/RhythmProduction-Two-v0",
    "caudate/WaveformTracking-v0",
)
NAMES = [name for name, spec in AGENTS.items() if spec.kind == "clock"]
FAST: dict[str, dict[str, Any]] = {
    "echo-state": {"clock_units": 20},
    "stable-timing": {"develop_trials": 1, "groups": 10},
}


def small(name: str, env: Any = PRESS, **options: Any) -> Any:
    return make_agent(name, env, **{"n_envs": 3, "seed": 1} | FAST.get(name, {}) | options)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("env", [PRESS, "caudate/SyncContinuation-v0"])
def test_resumed_equals_undisturbed_bit_for_bit(tmp_path, name, env):
    straight = small(name, env)
    for _ in range(2):
        straight.update()
    straight.save(tmp_path / "agent.caudate")
    resumed: Any = load_agent(tmp_path / "agent.caudate")
    assert resumed.config == straight.config
    assert resumed.exact_resume
    for _ in range(2):
        assert straight.update() == resumed.update()
    np.testing.assert_equal(straight.get_state(), resumed.get_state())
    obs = np.zeros(straight.observation_space.shape, np.float32)
    for _ in range(3):
        assert straight.predict(obs)[0] == resumed.predict(obs)[0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("task", TASKS)
def test_every_timing_task_can_be_played(name, task):
    agent = small(name, task, measure_units=4, modulator="critic")
    metrics = agent.update()
    assert np.isfinite(list(metrics.values())).all()
    assert metrics["timesteps"] == 3 * metrics["length_mean"]


@pytest.mark.parametrize("name", NAMES)
def test_predict_carries_state_column_by_column(name):
    agent = small(name)
    env = gym.make_vec(agent.env_id, num_envs=3, autoreset_mode="disabled")
    obs, _ = env.reset(seed=5)
    state = None
    for t in range(12):
        begins = np.array([t == 0, t == 6, False])
        _, state = agent.predict(obs, state, begins, deterministic=True)
        obs = env.step(np.zeros(3, int))[0]
    assert agent.network.since(state)[1] <= agent.clock.dt_ms * 5
    with pytest.raises(AgentError, match="got 2 observations with the state of 3"):
        agent.predict(obs[:2], state)


def test_it_learns_when_to_press():
    agent = small("oracle-clock", n_envs=32)
    returns = [agent.update()["return_mean"] for _ in range(150)]
    assert np.mean(returns[:10]) < 0.3
    assert np.mean(returns[-20:]) > 0.8


def test_it_learns_to_reproduce_an_interval():
    env_kwargs = {"prior": ("choice", [400, 600]), "dt": 100, "pulse": 100}
    agent = small(
        "oracle-clock",
        "caudate/IntervalReproduction-v0",
        env_kwargs=env_kwargs,
        n_envs=32,
        longest_ms=1000.0,
        measure_units=8,
        learning_rate=0.1,
    )
    for _ in range(150):
        agent.update()
    assert evaluate(agent, agent.env_id, env_kwargs, 200).value > 0.9


def test_a_noisy_clock_cannot_be_exact():
    scores = []
    for weber in (0.0, 0.3):
        agent = small("noisy-clock", n_envs=32, weber=weber, learning_rate=0.1)
        for _ in range(100):
            agent.update()
        scores.append(evaluate(agent, PRESS, {}, 300).value)
    assert scores[0] > scores[1] + 0.2


@pytest.mark.parametrize(
    "options",
    [
        {"eligibility_ms": 300.0},
        {"modulator": "critic", "gamma": 1.0, "gae_lambda": 0.9},
        {"modulator": "average"},
    ],
)
def test_rules_of_three_factors_learn(options):
    agent = small("oracle-clock", n_envs=32, learning_rate=0.1, **options)
    returns = [agent.update()["return_mean"] for _ in range(120)]
    assert np.mean(returns[-10:]) > np.mean(returns[:10]) + 0.3


def test_the_delta_rule_learns_from_targets():
    targets = Targets.of("caudate/WaveformTracking-v0", n=64, seed=0, track=1000, blank=500)
    assert targets.task_info["obs_names"] == ["waveform", "blank"]
    agent = small("oracle-clock", targets, n_envs=32, learning_rate=0.1, longest_ms=500.0)
    returns = [agent.update()["return_mean"] for _ in range(120)]
    assert returns[-1] > returns[0] / 4
    assert agent.gradient_check() == {}


def test_eligibility_that_decays_forgets_early_steps():
    alive = np.array([[True, True], [True, True], [True, False]])
    worth = decayed_worth(np.array([2.0, -1.0]), alive, 0.5)
    np.testing.assert_allclose(worth, [[0.5, -0.5], [1.0, -1.0], [2.0, 0.0]])
    whole = decayed_worth(np.array([2.0, -1.0]), alive, 1.0)
    np.testing.assert_allclose(whole, np.where(alive, [2.0, -1.0], 0))


def test_the_step_of_sums_over_episodes_does_not_depend_on_their_number():
    agent = small("oracle-clock")
    assert agent._round_size(np.array([[True, True], [True, False]])) == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"cues": "light"}, r"no channel 'light': choose among set, cue_0, cue_1"),
        ({"cues": ""}, r"starts its clock at pulses"),
        ({"press_restarts": True}, r"press_restarts=True needs to see own presses"),
        ({"measure_units": 0}, r"measure_units=0 must be 1 or more"),
        ({"step_ms": 0.0}, r"step_ms=0.0 must be above 0"),
        ({"weber": 0.1}, r"has no option 'weber'"),
    ],
)
def test_mistakes_are_told_in_a_sentence(options, sentence):
    with pytest.raises(AgentError, match=sentence):
        small("oracle-clock", **options)


def test_environments_that_tell_nothing_need_names_and_time():
    with pytest.raises(AgentError, match="starts its clock at pulses"):
        small("oracle-clock", "test/Echo-v0")
    with pytest.raises(AgentError, match="how long a step is"):
        small("oracle-clock", "test/Echo-v0", cues="0,1")
    agent = small("oracle-clock", "test/Echo-v0", cues="0,1", step_ms=10.0)
    assert agent.clock.dt_ms == 10.0
    agent.update()


def test_time_constants_in_the_right_order():
    with pytest.raises(AgentError, match="shortest_ms=50 must be below longest_ms=20"):
        small("leaky-clock", longest_ms=20.0)
