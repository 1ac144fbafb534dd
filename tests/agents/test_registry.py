"""Agents by name, those of other packages too."""

from __future__ import annotations

import sys

import pytest

from caudate.agents import AGENTS, AgentError, AgentSpec, EProp, load_agent, make_agent
from caudate.agents.registry import agent_spec, register_agent

MODULE = """
from caudate.agents import AgentSpec, EProp, register_agent
class Mine(EProp):
    name = "mine"
register_agent(AgentSpec("mine", "a copy", "mine_of_a_test:Mine", {"network": "rate"}))
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    (tmp_path / "mine_of_a_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "mine_of_a_test:mine"
    AGENTS.pop("mine", None)
    sys.modules.pop("mine_of_a_test", None)


def test_a_module_may_bring_an_agent(mine, tmp_path):
    with pytest.raises(AgentError, match="Agent 'mine' is unknown"):
        agent_spec("mine")
    agent = make_agent(mine, "CartPole-v1", n_envs=2, n_neurons=8)
    assert (type(agent).__name__, agent.config["network"]) == ("Mine", "rate")
    path = tmp_path / "a.caudate"
    agent.save(path)
    assert type(load_agent(path)) is type(agent)
    del AGENTS["mine"]  # as in a process that has not imported it
    with pytest.raises(AgentError, match="import the module that registers it"):
        load_agent(path)


def test_modules_and_names_that_do_not_serve(mine):
    with pytest.raises(AgentError, match="cannot import no_such_module_here"):
        agent_spec("no_such_module_here:mine")
    with pytest.raises(AgentError, match="'mine_of_a_test:min' is unknown: did you mean 'mine'"):
        agent_spec(f"{mine[:-1]}")


def test_a_name_belongs_to_one_agent():
    spec = AgentSpec("eprop", "another", "elsewhere:Other")
    for wrong in (spec, AgentSpec("a:b", "colon", "elsewhere:Other")):
        with pytest.raises(AgentError, match="taken or has a colon"):
            register_agent(wrong)
    assert register_agent(AGENTS["eprop"]) is AGENTS["eprop"]
    assert AGENTS["eprop"].load() is EProp
