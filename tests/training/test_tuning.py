"""Searches for hyper-parameters: spaces, objectives, studies that go on, presets that come out."""

from __future__ import annotations

import csv
import os
import signal
import threading
import time
import tomllib
from concurrent.futures import Future
from typing import Any

import pytest

from caudate.agents import AGENTS, AgentError, option_types
from caudate.training import UsageError, tune
from caudate.training.engines.local import LocalEngine
from caudate.training.presets import find_preset
from caudate.training.runs import Run
from caudate.training.tuning_objective import Objective
from caudate.training.tuning_report import preset_text
from caudate.training.tuning_space import default_space, find_space, parse_dimension
from caudate.training.tuning_trial import Played

from .conftest import one_sentence

pytest.importorskip("optuna")

BENCH = "caudate/DelayedMatch-Bench-v0"
QUICK: dict[str, Any] = {
    "steps": 600,
    "eval_every": 300,
    "num_envs": 16,
    "options": {"n_neurons": 8},
    "seeds": 1,
    "report_seeds": 0,
    "jobs": 1,
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study with two trials that finish and one that cannot be built."""
    folder = tmp_path_factory.mktemp("tune")
    said: list[str] = []
    given = {"report_seeds": 1, "out": folder, "name": "s", "say": said.append}
    arguments: dict[str, Any] = {**QUICK, **given}
    space = ["learning_rate=log:1e-3:1e-2", "optimizer=adam,nothing", "num_envs=int:8:24"]
    del arguments["num_envs"]
    found = tune("eprop-rate", BENCH, space=space, trials=5, **arguments)
    return found, said, {"space": space, **arguments}


def read(path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_study_tells_its_best_trial_and_its_failures(study):
    found, said, _ = study
    assert not found.interrupted
    assert found.best["optimizer"] == "adam"
    assert 1e-3 <= found.best["learning_rate"] <= 1e-2
    assert found.failures
    assert all("optimizer='nothing'" in text for text in found.failures)
    rows = read(found.path / "trials.csv")
    assert [row["trial"] for row in rows] == list("01234")
    assert {row["optimizer"] for row in rows if row["state"] == "fail"} == {"nothing"}
    assert rows[0]["learning_rate"] == "0.008"  # the agent's own value comes first
    assert rows[0]["optimizer"] == "adam"
    assert any(line.startswith("[1/5] way ") for line in said)


def test_its_preset_can_be_used_and_tells_its_score(study):
    found, _, _ = study
    (table,) = tomllib.loads(found.report.preset.read_text()).values()
    assert table["options"]["learning_rate"] == found.best["learning_rate"]
    assert table["options"]["n_neurons"] == 8
    assert table["num_envs"] == found.best["num_envs"]
    assert table["score"] == found.report.score
    assert f"--preset {found.report.preset} --seeds 1" in table["command"]
    assert find_preset("eprop-rate", BENCH, str(found.report.preset)).steps == 600
    (line,) = found.report.lines
    assert line.seed == 0
    run = Run.open(next((found.path / "report").glob("*/*-seed0")))
    assert run.config.options["learning_rate"] == found.best["learning_rate"]


def test_seeds_of_trials_are_not_those_of_the_report(study):
    found, _, _ = study
    assert {path.name for path in (found.path / "trials").glob("*/*")} == {"seed100"}
    with pytest.raises(UsageError, match="a trial must not see them"):
        tune("eprop-rate", BENCH, first_seed=3, report_seeds=5)


def test_the_same_call_plays_nothing_again_and_more_trials_go_on(study, monkeypatch):
    found, said, arguments = study
    said.clear()
    with monkeypatch.context() as patch:
        patch.setattr(LocalEngine, "submit", lambda *args: pytest.fail("something was played"))
        again = tune("eprop-rate", BENCH, trials=5, **arguments)
    assert again.best == found.best
    assert any("5 finished before" in line for line in said)
    with pytest.raises(UsageError, match="another steps"):
        tune("eprop-rate", BENCH, trials=6, **(arguments | {"steps": 900}))


def test_a_search_for_few_steps_goes_on_after_ctrl_c(tmp_path):
    given = {"steps": 20_000, "until": 0.6, "trials": 3, "space": ["gamma=0.5,0.9"]}
    arguments: dict[str, Any] = {**QUICK, **given, "out": tmp_path, "say": lambda text: None}

    def interrupt() -> None:
        for _ in range(300):
            if list(tmp_path.glob("tune-*/trials/*/*/config.json")):
                break
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    before = tune("eprop-rate", BENCH, **arguments)
    thread.join()
    assert before.interrupted
    assert before.report is None
    found = tune("eprop-rate", BENCH, **arguments)
    assert not found.interrupted
    rows = read(found.path / "trials.csv")
    assert [row["state"] for row in rows] == ["complete"] * 3
    assert all(0 < float(row["value"]) <= 2 * 20_000 for row in rows)


def test_a_trial_that_was_interrupted_is_left_for_the_next_call(tmp_path, monkeypatch):
    def interrupted(engine, function, order):
        future: Future[Played] = Future()
        future.set_result(Played([], interrupted=True))
        return future

    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(LocalEngine, "submit", interrupted)
        found = tune("eprop-rate", BENCH, trials=1, out=tmp_path, say=said.append)
    assert found.interrupted
    assert found.best is None
    assert said[-1] == "interrupted: the same command goes on"
    (row,) = read(found.path / "trials.csv")
    assert row["state"] == "running"


def test_a_trial_whose_process_dies_has_failed_and_the_others_go_on(tmp_path, monkeypatch):
    submit = LocalEngine.submit

    def die_once(engine, function, order):
        return submit(engine, os._exit, 9) if order.number == 0 else submit(engine, function, order)

    said: list[str] = []
    monkeypatch.setattr(LocalEngine, "submit", die_once)
    found = tune("eprop-rate", BENCH, **QUICK, trials=2, out=tmp_path, say=said.append)
    assert found.failures == ["trial 0: its process died with exit code 9"]
    assert found.best is not None
    assert [row["state"] for row in read(found.path / "trials.csv")] == ["fail", "complete"]


def test_a_study_is_searched_by_one_command_at_a_time(study, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    found, _, arguments = study
    with (found.path / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before = (found.path / "trials.csv").read_bytes()
        with pytest.raises(UsageError, match="searched by another command"):
            tune("eprop-rate", BENCH, trials=9, **arguments)
        assert (found.path / "trials.csv").read_bytes() == before
    monkeypatch.setattr(LocalEngine, "submit", lambda *args: pytest.fail("something was played"))
    assert tune("eprop-rate", BENCH, trials=5, **arguments).best == found.best


def result(score: float, reached: bool | None = None, steps: int = 100) -> dict[str, Any]:
    return {
        "confirmed": {"value": score},
        "reached": reached,
        "timesteps": steps,
        "cpu_seconds": steps / 100,
    }


def test_the_score_counts_from_chance_to_optimum():
    goal = Objective("score", chance=0.5, optimum=1.0)
    assert goal.direction == "maximize"
    assert goal.value([result(0.5), result(1.0)]) == pytest.approx(0.5)
    assert goal.halfway([0.75]) == pytest.approx(0.5)


def test_runs_that_do_not_arrive_cost_more_than_all_that_do():
    goal = Objective("steps", chance=0.5, optimum=1.0, until=0.9, budget=1000)
    assert goal.direction == "minimize"
    assert goal.value([result(0.95, True, 200), result(0.95, True, 400)]) == 300
    near, far = goal.value([result(0.85, False)]), goal.value([result(0.1, False)])
    assert 1000 < near < far == 2000
    assert goal.halfway([0.9]) < goal.halfway([0.6])
    assert Objective("cpu", until=0.9, budget=9.0).value([result(0.9, True)]) == 1.0


def test_every_agent_with_a_space_of_its_own_has_one_that_fits():
    for agent in AGENTS:
        for name, text in default_space(agent).items():
            assert parse_dimension(agent, name, text).name == name
    assert len(default_space("eprop")) >= 4
    assert default_space("observer") == {}
    assert "input_gain" not in default_space("eprop-atari")
    assert "sigma" in default_space("node-perturbation")


def test_ranges_and_choices():
    rate, gamma, units = find_space(
        "eprop", ["learning_rate=log:1e-4:1e-2", "gamma=0.0,0.9", "n_neurons=int:50:200"]
    )
    assert (rate.low, rate.high, rate.log, rate.whole) == (1e-4, 1e-2, True, False)
    assert gamma.choices == (0.0, 0.9)
    assert (units.low, units.high, units.whole) == (50, 200, True)
    assert units.holds(50)
    assert not units.holds(201)
    assert not rate.holds(None)
    both = {d.name for d in find_space("eprop", ["default", "n_neurons=int:5:9"], ["gamma"])}
    assert both == {*default_space("eprop"), "n_neurons"} - {"gamma"}
    assert parse_dimension("eprop", "feedback_gain", "none,1.5").choices == (None, 1.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("learning_rat=log:1:2", "'learning_rate'"),
        ("learning_rate", "name=range"),
        ("learning_rate=log:0:1", "above 0"),
        ("learning_rate=float:2:1", "lower to a higher"),
        ("learning_rate=log:1", "log:LOW:HIGH"),
        ("learning_rate=fast,slow", "each choice must be float"),
        ("n_neurons=int:1.5:3", "whole numbers"),
        ("network=int:1:2", "no number"),
        ("tau_membrane=1,2", "cannot be tuned"),
    ],
)
def test_what_is_no_range_gets_one_sentence(cli, tmp_path, text, words):
    outcome = cli("tune", "eprop", BENCH, "--space", text, "--out", tmp_path)
    assert words in one_sentence(outcome)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--trials", 0), "trials=0"),
        (("--pruner", "hedge"), "median"),
        (("--objective", "luck"), "score, steps, cpu"),
        (("--objective", "steps"), "needs a criterion"),
        (("--objective", "score", "--until", 0.9), "leave out"),
        (("--objective", "cpu", "--until", 0.9), "--cpu-limit"),
        (("--until", 0.9, "--way", 0.9), "exclude"),
        (("--way", 2), "at most 1"),
        (("--set", "gamma=0.9", "--space", "gamma=0.5,0.9"), "has a value already"),
        (("--env", "dely=3"), "'delay'"),
        (("--seeds", 0), "seeds=0"),
        (("--jobs", 0), "jobs=0"),
        (("--steps", 0), "steps=0"),
        (("--eval-every", 0), "eval_every=0"),
        (("--num-envs", 0), "num_envs=0"),
        (("--cpu-limit", -1), "cpu_limit=-1"),
        (("--cpu-limit", 0), "cpu_limit=0"),
        (("--until", "nan"), "until=nan"),
    ],
)
def test_mistakes_get_one_sentence(cli, tmp_path, arguments, words):
    assert words in one_sentence(cli("tune", "eprop", BENCH, "--out", tmp_path, *arguments))
    assert not list(tmp_path.iterdir())


def test_what_each_run_would_refuse_is_refused_at_once(tmp_path):
    pairs = {"baseline": "antithetic"}
    with pytest.raises(AgentError, match="n_envs=3 must be even"):
        tune("node-perturbation", BENCH, options=pairs, num_envs=3, trials=1, out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_optuna_it_is_told_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr("caudate.training.tuning.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"caudate\[tune\]"):
        tune("eprop", BENCH, out=tmp_path)


def test_presets_are_written_as_they_are_read(tmp_path):
    options = {"learning_rate": 1e-5, "tau_membrane": (1.0, 4.0), "rewiring": False, "kernel": "a"}
    arguments = {"env_id": BENCH, "num_envs": None, "steps": 9, "eval_every": 3}
    for agent in ("eprop", "my.agents:Mine"):
        told = arguments | {"agent": agent, "options": options | {"x": None}}
        text = preset_text(told, 'a "b"', "caudate x")
        table = tomllib.loads(text)[agent]
        assert table.pop("options") == options | {"tau_membrane": [1.0, 4.0]}
        assert table == {"score": 'a "b"', "command": "caudate x", "steps": 9, "eval_every": 3}
    assert set(options) <= set(option_types("eprop"))
