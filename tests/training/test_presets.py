"""Presets as data, and values from the command line."""

from __future__ import annotations

import math
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from caudate.agents import AGENTS, option_types
from caudate.envs import task_ids
from caudate.training import UsageError, preset
from caudate.training.assignments import agent_options, describe, env_parameters, parse_as
from caudate.training.evaluation import check_env_id
from caudate.training.preset_scores import rewrite, scores, words
from caudate.training.presets import Preset, find_preset, preset_names
from caudate.training.table import Line
from caudate.training.toml_files import toml_table

from .conftest import TASK

ROOT = Path(__file__).parents[2]
PRESETS, RESULTS = ROOT / "training" / "presets", ROOT / "docs" / "results"


def test_every_preset_names_a_task_an_agent_and_known_options():
    ours = {task.split("/")[-1]: task for task in task_ids()}
    for name in preset_names():
        env_id = ours.get(name, name)
        check_env_id(env_id)
        text = (files("caudate.training") / "presets" / f"{name}.toml").read_text("utf-8")
        for agent, table in tomllib.loads(text).items():
            assert agent in AGENTS
            found = find_preset(agent, env_id)
            assert found.steps > 0
            assert set(found.options) <= set(option_types(agent))
            assert set(table) <= {"options", "num_envs", "steps", "eval_every", "score", "command"}


def test_scores_of_presets_are_those_of_the_page_of_results():
    told = [one for file in PRESETS.glob("*.toml") for one in scores(file, RESULTS)]
    assert len(told) > 200
    assert [(agent, says) for agent, says, found in told if says != found] == []


def test_scores_of_presets_are_written_again(tmp_path):
    file = tmp_path / "DelayedMatch-v0.toml"
    text = (PRESETS / file.name).read_text("utf-8")
    (_, score, found), *_ = scores(PRESETS / file.name, RESULTS)
    assert score == found
    file.write_text(text.replace(score, "0.9 reached by everybody", 1), "utf-8")
    assert rewrite(file, RESULTS) == 1
    assert file.read_text("utf-8") == text
    assert rewrite(file, RESULTS) == 0


@pytest.mark.parametrize(
    ("n", "goal", "said"),
    [
        (1, None, "0.500, seed 3"),
        (2, None, "0.750, median of 2 seeds"),
        (2, "0.9", "0.9 reached by 1 of 2 seeds, median score 0.750"),
    ],
)
def test_words_of_scores(n, goal, said):
    made = [(3, 0.5, False), (4, 1.0, True)][:n]
    lines = [Line("", "", s, ok, "steps", x, x, x, 1, 1, 1.0, {}) for s, x, ok in made]
    assert words(lines, goal) == said


def test_names_of_presets():
    assert find_preset("eprop", TASK, "none") == Preset()
    assert find_preset("eprop", "Acrobot-v1") == Preset()
    assert find_preset("eprop", "Acrobot-v1", "DelayedMatch-v0") == find_preset("eprop", TASK)
    with pytest.raises(UsageError, match="'DelayedMatch-v0'"):
        find_preset("eprop", TASK, "DelayedMach-v0")
    assert set(preset("eprop", TASK)) <= {"n_envs", *option_types("eprop")}


def test_a_file_as_preset(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[eprop]\nsteps = 5\nscore = "x"\noptions = { gamma = 0.5 }\n')
    assert find_preset("eprop", TASK, str(file)) == Preset({"gamma": 0.5}, steps=5)
    with pytest.raises(UsageError, match=r"nothing for agent 'bptt' on .*: it serves eprop"):
        find_preset("bptt", TASK, str(file))
    for wrong in (
        "[eprop]\nstep = 5",
        "[eprop]\nsteps = 5.5",
        "eprop = 1",
        "[eprop",
        "[eprop]\nsteps = true",
    ):
        file.write_text(wrong)
        with pytest.raises(UsageError, match=r"mine.toml"):
            find_preset("eprop", TASK, str(file))
    with pytest.raises(UsageError, match="Cannot read"):
        find_preset("eprop", TASK, str(tmp_path / "none.toml"))


def test_whatever_a_preset_holds_is_written_as_toml(tmp_path):
    table = {
        "text": 'é\t"\\\x7f\U0001f600',
        "yes": True,
        "list": [1, 2.5, [1e-7, "a"]],
        "a key": {"in.side": {"x": 1}},
        "": math.inf,
        "low": -math.inf,
        "none": None,
    }
    text = "\n".join(toml_table(("Task-v0", "a.b:C", "ü"), table))
    assert "é" in text  # as people write it
    assert "\U0001f600" in text
    found = tomllib.loads(text)["Task-v0"]["a.b:C"]["ü"]
    assert found == {key: value for key, value in table.items() if value is not None}
    (line,) = toml_table(("x",), {"nan": math.nan})[1:]
    assert math.isnan(tomllib.loads(line)["nan"])
    path = toml_table(("x",), {"path": "caf\udce9"})[1]  # a file's name that is no UTF-8
    assert tomllib.loads(path) == {"path": "caf\\udce9"}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (int, "12", 12),
        (int, "1e3", 1000),
        (float, "3e-3", 3e-3),
        (bool, "True", True),
        (str, "rate", "rate"),
        (tuple[float, float], "(1, 4.5)", (1.0, 4.5)),
        (tuple[float, float], "1,4.5", (1.0, 4.5)),
        (float | None, "none", None),
        (float | None, "0.5", 0.5),
    ],
)
def test_values_of_options(kind, text, value):
    assert parse_as(kind, text) == value
    assert type(parse_as(kind, text)) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [(int, "1.5"), (int, "x"), (float, "x"), (bool, "2"), (tuple[float, float], "1,2,3")],
)
def test_values_that_are_not(kind, text):
    with pytest.raises(ValueError, match=r".*"):
        parse_as(kind, text)


def test_types_in_words():
    assert describe(tuple[float, float]) == "(float, float)"
    assert describe(int | None) == "int or None"


def test_assignments():
    assert agent_options("eprop", ["tau_membrane=2,3", "network=rate"]) == {
        "tau_membrane": (2.0, 3.0),
        "network": "rate",
    }
    given = ["delay=(500, 1000)", "dt=50", "kind=fast", "time=true", 'rewards={"correct": 2}']
    assert env_parameters(given) == {
        "delay": [500, 1000],
        "dt": 50,
        "kind": "fast",
        "time": True,
        "rewards": {"correct": 2},
    }
    with pytest.raises(UsageError, match="key=value"):
        env_parameters(["delay"])
