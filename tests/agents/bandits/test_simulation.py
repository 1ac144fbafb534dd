from typing import Any

import numpy as np
import pytest

import caudate.envs
from caudate.agents import AgentError, make_agent
from caudate.agents.bandits import simulate
from caudate.agents.filters import RescorlaWagner

from .toys import Arms


def agent(name="rescorla-wagner", task="ReversalBandit-v0", **options) -> Any:
    return make_agent(name, f"caudate/{task}", n_envs=2, **options)


def test_a_row_is_a_choice_and_what_was_believed_before_it():
    table = simulate(agent(learning_rate=0.3), subjects=3, blocks=2, seed=4)
    assert {len(values) for values in table.values()} == {3 * 2 * 200}
    assert table["subject"].tolist() == sorted(table["subject"])
    assert table["trial"][:400].tolist() == [*range(200), *range(200)]
    np.testing.assert_allclose(table["p_0"] + table["p_1"], 1.0)
    chosen = np.where(table["choice"] == 0, table["mean_0"], table["mean_1"])
    np.testing.assert_allclose(table["prediction_error"], table["reward"] - chosen)
    assert set(table["learning_rate"]) == {0.3}


def test_beliefs_are_those_of_the_filter_alone():
    table = simulate(agent(learning_rate=0.3), subjects=1)
    seen = table["choice"][:, None, None] == np.arange(2)
    outcomes = np.broadcast_to(table["reward"][:, None, None], seen.shape)
    course = RescorlaWagner(learning_rate=0.3).run(outcomes, seen)
    np.testing.assert_allclose(table["mean_1"], course.predicted[:, 0, 1])


def test_the_same_seed_is_the_same_table():
    one, two, other = (simulate(agent(), subjects=2, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_equal(one, two)
    assert (one["reward"] != other["reward"]).any()


def test_what_filters_tell_is_written_down():
    table = simulate(agent("joint-particle", "RestlessBandit-v0", particles=8))
    assert {"learning_rate", "volatility", "stochasticity", "variance_3"} <= set(table)
    assert np.isfinite(table["volatility"]).all()


def test_the_last_outcome_of_a_prediction_is_left_open():
    table = simulate(agent("kalman", "VolatilityStochasticity-v0"))
    assert np.isfinite(table["prediction_error"][:-1]).all()
    assert np.isnan(table["prediction_error"][-1])


@pytest.mark.parametrize("name", ["rescorla-wagner", "two-step-hybrid"])
def test_trials_of_several_choices(name):
    table = simulate(agent(name, "TwoStep-v0"), subjects=2)
    assert table["trial"][:402].tolist() == np.repeat(np.arange(201), 2).tolist()
    first = table["state"] == 0
    assert np.isnan(table["prediction_error"][first]).all()
    assert np.isfinite(table["prediction_error"][~first]).all()
    assert (table["reward"][first] == 0).all()


def test_rows_meet_those_of_a_trial_recorder_and_survive_a_file(tmp_path):
    learner = agent("win-stay-lose-shift", "VolatileBandit-v0")
    batch = caudate.envs.make_task(learner.env_id).vector(3, autoreset_mode="disabled")
    recorder = caudate.envs.TrialRecorder()
    table = simulate(learner, subjects=3, env=recorder.wrap(batch))
    facts = recorder.table()
    np.testing.assert_array_equal(facts["choice"], table["choice"])
    np.testing.assert_array_equal(facts["reward"], table["reward"])
    read = caudate.envs.read_trials(caudate.envs.write_trials(table, tmp_path / "trials.csv"))
    np.testing.assert_equal(read, table)
    assert list(read)[:5] == ["subject", "block", "trial", "choice", "reward"]


def test_deterministic_play_takes_the_likeliest():
    table = simulate(agent(), subjects=2, deterministic=True)
    assert (table["p_choice"] >= 0.5).all()


def test_mistakes():
    with pytest.raises(AgentError, match="subjects=0 and blocks=1"):
        simulate(agent(), subjects=0)
    with pytest.raises(AgentError, match="eprop is no trial-level learner"):
        simulate(make_agent("eprop-rate", "caudate/ReversalBandit-v0", n_envs=2))
    built = make_agent("kalman", Arms(), choice_channels="0,1", reward_channel="2")
    with pytest.raises(AgentError, match="pass env="):
        simulate(built)
