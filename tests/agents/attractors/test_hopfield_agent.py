"""The agent that settles truth values."""

import numpy as np
import pytest

from caudate.agents import AgentError, load_agent, make_agent
from caudate.envs import collect_trials

TASK = "caudate/HornSettle-v0"


@pytest.mark.parametrize("variant", ["", "-Serial", "-Goals", "-Assign"])
def test_it_solves_every_variant(variant):
    env = TASK.replace("-v0", f"{variant}-v0")
    agent = make_agent("hopfield", env, n_envs=32)
    found = collect_trials(env, agent, n_trials=64, seed=3, num_envs=32)
    assert found["correct"].mean() >= 0.98


@pytest.mark.parametrize(
    "options", [{"dynamics": "rate"}, {"ties": "keep"}, {"learning": "events"}]
)
def test_other_ways_solve_most(options):
    agent = make_agent("hopfield", TASK, n_envs=32, **options)
    assert collect_trials(TASK, agent, n_trials=64, num_envs=32)["correct"].mean() > 0.9


def test_few_drawn_events_are_not_enough():
    agent = make_agent("hopfield", TASK, n_envs=32, learning="events", events=5)
    assert collect_trials(TASK, agent, n_trials=64, num_envs=32)["correct"].mean() < 0.6


def test_it_is_saved_and_its_luck_is_counted(tmp_path):
    agent = make_agent("hopfield", TASK, seed=4, n_envs=4)
    agent.update()
    agent.save(tmp_path / "h.caudate")
    again = load_agent(tmp_path / "h.caudate")
    assert again.update() == agent.update()


@pytest.mark.parametrize(
    ("env", "options", "words"),
    [
        ("caudate/DelayedMatch-v0", {}, "choose one like caudate/HornSettle-v0"),
        (TASK, {"dynamics": "fast"}, "dynamics='fast'"),
        (TASK, {"learning": "reward"}, "learning='reward'"),
        (TASK, {"restarts": 0}, "restarts=0"),
    ],
)
def test_mistakes_are_one_sentence(env, options, words):
    with pytest.raises(AgentError, match=words):
        make_agent("hopfield", env, n_envs=2, **options)


def test_longer_clauses_need_higher_orders():
    env = {"max_body": 3, "n_clauses": 12, "n_facts": 1}
    agent = make_agent("hopfield", TASK, n_envs=16, env_kwargs=env)
    with pytest.raises(AgentError, match="set orders=4"):
        agent.update()
    assert np.isfinite(
        make_agent("hopfield", TASK, n_envs=4, env_kwargs=env, orders=4).update()["return_mean"]
    )
