"""Runs: what they leave behind, when they end, and that a killed run goes on bit for bit."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from caudate.agents import EProp, load_agent, make_agent, read_checkpoint, write_checkpoint
from caudate.training import UsageError, preset, resume, train
from caudate.training.runs import Run

from .conftest import SMALL, TASK, small_run


def leaves(value, path=""):
    """Flatten a nested state to comparable (path, bytes or value) pairs."""
    if isinstance(value, dict):
        return [leaf for key in sorted(value) for leaf in leaves(value[key], f"{path}.{key}")]
    if isinstance(value, list):
        return [leaf for i, item in enumerate(value) for leaf in leaves(item, f"{path}[{i}]")]
    return [(path, value.tobytes() if isinstance(value, np.ndarray) else value)]


def assert_same_run(a: Path, b: Path) -> None:
    """Same records, same agent, same state of the loop apart from times."""
    assert (a / "metrics.jsonl").read_bytes() == (b / "metrics.jsonl").read_bytes()
    first, second = (read_checkpoint(run / "checkpoints" / "last.caudate") for run in (a, b))
    for content in (first, second):
        for name in ("cpu_seconds", "evaluation_cpu_seconds", "wall_seconds", "timing_bytes"):
            del content["trainer"][name]
    assert leaves(first) == leaves(second)


def test_a_run_leaves_its_folder(tmp_path):
    result = small_run(tmp_path, seed=3)
    assert result.path == tmp_path / "eprop-rate-DelayedMatch-v0-seed3"
    run = Run.open(result.path)
    assert run.config.options["n_neurons"] == 16
    assert run.config.options["learning_rate"] > 0  # resolved, not only what was given
    records = run.records()
    assert [r["timesteps"] for r in records] == [
        r["timesteps"] for r in run.records("timing.jsonl")
    ]
    assert not any("second" in key for record in records for key in record)
    assert records[0]["timesteps"] == 0
    assert records[-1]["timesteps"] >= 2000
    assert run.result == result.result
    assert result.result["finished"] == "steps"
    assert result.result["reached"] is None
    assert result.result["confirmed"]["n"] == 1000
    assert result.result["cpu_seconds"] > 0
    assert result.result["evaluation_cpu_seconds"] > 0
    assert load_agent(run.last).num_timesteps == records[-1]["timesteps"]


def test_equal_seeds_give_equal_runs_and_evaluation_leaves_no_trace(tmp_path):
    often = small_run(tmp_path / "often", eval_every=200)
    seldom = small_run(tmp_path / "seldom", eval_every=10**6)
    again = small_run(tmp_path / "again", eval_every=200)
    assert_same_run(often.path, again.path)
    states = [
        read_checkpoint(r.path / "checkpoints/last.caudate")["state"] for r in (often, seldom)
    ]
    assert leaves(states[0]) == leaves(states[1])


def test_until_stops_early_and_is_confirmed(tmp_path):
    result = small_run(tmp_path, until=0.05)
    assert result.reached
    assert result.result["finished"] == "until"
    assert result.result["confirmed"]["value"] >= 0.05
    assert result.result["timesteps"] < 2000


def test_until_out_of_reach_is_told(tmp_path):
    result = small_run(tmp_path, until=1.1)
    assert not result.reached
    assert result.result["reached"] is False
    assert result.result["censored"] is True


def test_cpu_limit_censors(tmp_path):
    result = small_run(tmp_path, until=1.1, cpu_limit=1e-6, steps=10**6)
    assert result.result["finished"] == "cpu_limit"
    assert result.result["censored"] is True


def test_sessions_of_many_trials_are_scored_by_trial(tmp_path):
    result = train(
        "eprop-rate",
        "caudate/ReversalBandit-v0",
        env_kwargs={"trials_per_episode": 20},
        options=SMALL,
        num_envs=8,
        steps=300,
        out=tmp_path,
        wandb="off",
        progress=False,
        say=lambda text: None,
    )
    assert 0.2 < result.result["score"] < 0.9
    assert result.result["trials"] == 20 * result.result["episodes"]


def test_foreign_environments_are_scored_by_return(tmp_path):
    said = []
    result = train(
        "eprop-rate",
        "CartPole-v1",
        options=SMALL,
        num_envs=4,
        steps=200,
        out=tmp_path,
        wandb="off",
        say=said.append,
    )
    assert result.result["confirmed"]["kind"] == "return"
    assert result.result["confirmed"]["n"] == 20
    assert result.result["score"] > 5
    assert result.result["yardsticks"] == {}
    assert "return" in said[-1]


SCRIPT = """
import sys
from caudate.training import train
train("eprop-rate", "caudate/DelayedMatch-v0", options={"n_neurons": 16}, num_envs=16,
      steps=int(sys.argv[2]), eval_every=500, out=sys.argv[1], wandb="off", progress=False)
"""


def test_killed_and_resumed_equals_undisturbed(tmp_path):
    steps = 40_000
    whole = small_run(tmp_path / "whole", steps=steps)
    killed = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(killed), str(steps)])
    records = killed / whole.path.name / "metrics.jsonl"
    while not records.exists() or len(records.read_bytes().splitlines()) < 5:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    run = Run.open(killed / whole.path.name)
    assert run.result is None
    with run.metrics.open("a") as file:
        file.write('{"timesteps": 1')  # what a kill in the middle of a line leaves
    resumed = resume(run.path, progress=False, say=lambda text: None)
    assert_same_run(whole.path, resumed.path)
    same = ("finished", "score", "best_score", "confirmed", "timesteps", "episodes")
    assert [resumed.result[k] for k in same] == [whole.result[k] for k in same]


def test_interrupt_leaves_a_checkpoint_from_which_the_run_goes_on(tmp_path, monkeypatch):
    whole = small_run(tmp_path / "whole")
    update, calls = EProp.update, []

    def interrupted(agent):
        calls.append(1)
        if len(calls) == 5:  # between two evaluations
            signal.raise_signal(signal.SIGINT)
        return update(agent)

    monkeypatch.setattr(EProp, "update", interrupted)
    said = []
    cut = small_run(tmp_path / "cut", say=said.append)
    assert cut.interrupted
    assert not cut.reached
    assert cut.result == {}
    assert len(calls) == 5
    assert said[-1].endswith(f"--resume {cut.path}")
    resume(cut.path, progress=False, say=said.append)
    assert_same_run(whole.path, cut.path)


def test_a_resume_that_is_not_exact_says_so(tmp_path, monkeypatch):
    result = small_run(tmp_path, steps=200)
    (result.path / "result.json").unlink()
    monkeypatch.setattr(EProp, "exact_resume", False, raising=False)
    said = []
    resume(result.path, progress=False, say=said.append)
    assert "cannot give its state" in said[0]


def test_a_checkpoint_of_another_version_is_refused(tmp_path):
    run = Run.open(small_run(tmp_path, steps=200).path)
    (run.path / "result.json").unlink()
    content = read_checkpoint(run.last)
    content["trainer"]["from_the_future"] = 1
    write_checkpoint(run.last, content)
    with pytest.raises(UsageError, match="another version of caudate"):
        resume(run.path, progress=False)


def test_a_finished_run_is_not_resumed(tmp_path):
    result = small_run(tmp_path, steps=200)
    with pytest.raises(UsageError, match="is finished"):
        resume(result.path)


def test_a_run_is_not_overwritten_unless_asked(tmp_path):
    small_run(tmp_path, steps=200)
    with pytest.raises(UsageError, match="--overwrite"):
        small_run(tmp_path, steps=200)
    small_run(tmp_path, steps=200, overwrite=True)


def test_records_that_were_cut_by_hand_are_noticed(tmp_path):
    result = small_run(tmp_path, steps=200)
    (result.path / "result.json").unlink()
    (result.path / "metrics.jsonl").write_text("")
    with pytest.raises(UsageError, match="shorter than its checkpoint"):
        resume(result.path, progress=False)


def test_config_is_enough_to_run_it_again(tmp_path):
    first = small_run(tmp_path / "a", seed=5)
    config = json.loads((first.path / "config.json").read_text())
    second = small_run(
        tmp_path / "b", options=config["options"], preset="none", seed=config["seed"]
    )
    assert_same_run(first.path, second.path)


def test_presets_build_agents():
    arguments = preset("eprop-rate", TASK)
    assert make_agent("eprop-rate", TASK, **arguments).n_envs > 0
