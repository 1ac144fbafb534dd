"""The command line: what it prints, its exit codes, and one sentence for each mistake."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys

import pytest

from caudate.agents import EProp
from caudate.training.runs import Run

from .conftest import SMALL_SET, TASK, one_sentence, small_run

QUIET = ("--wandb", "off", "--no-progress")


def test_help_is_quick_and_version_is_told(cli):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "caudate.training", "--help"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "train" in out
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5
    assert cli("--version").out.startswith("caudate ")


def test_tables_name_everything(cli):
    listed = cli("envs").out
    assert TASK in listed
    assert "memoryless" in listed
    assert "recurrent-ppo" in cli("agents").out


def test_train_then_evaluate(cli, tmp_path):
    outcome = cli(
        *("train", "eprop-rate", TASK, "--seed", 1, "--steps", 600, "--eval-every", 300),
        *("--out", tmp_path, "--env", "delay=[300, 500]", "--wandb", "off", *SMALL_SET),
    )
    assert outcome.code == 0, outcome
    assert "CPU-seconds" in outcome.out
    run = Run.open(tmp_path / "eprop-rate-DelayedMatch-v0-seed1")
    assert run.config.env_kwargs == {"delay": [300, 500]}
    outcome = cli("evaluate", run.path, "--episodes", 50, "--json", tmp_path / "score.json")
    assert outcome.code == 0, outcome
    assert "95 % interval" in outcome.out
    assert "memoryless" in outcome.out
    found = json.loads((tmp_path / "score.json").read_text())
    assert found["score"]["n"] == 50
    assert found["yardsticks"]["optimum"] == 1.0
    assert cli("evaluate", run.last, "--episodes", 10, "--env", "delay=900").code == 0


def test_exit_code_tells_whether_until_was_reached(cli, tmp_path):
    arguments = ("train", "eprop-rate", TASK, *SMALL_SET, *QUIET, "--out", tmp_path)
    assert cli(*arguments, "--steps", 200, "--until", 1.1).code == 3
    file = tmp_path / "result.json"
    reached = cli(*arguments, "--steps", 200, "--until", 0.0, "--overwrite", "--json", file)
    assert reached.code == 0
    found = json.loads(file.read_text())
    assert found["reached"] is True
    assert Run.open(found["run"]).result == {k: v for k, v in found.items() if k != "run"}


def test_interrupt_exits_130_and_resume_finishes(cli, tmp_path, monkeypatch):
    update = EProp.update

    def interrupted(agent):
        os.kill(os.getpid(), 2)
        return update(agent)

    with monkeypatch.context() as patch:
        patch.setattr(EProp, "update", interrupted)
        outcome = cli(
            "train", "eprop-rate", TASK, "--steps", 900, *SMALL_SET, *QUIET, "--out", tmp_path
        )
    assert outcome.code == 130
    folder = tmp_path / "eprop-rate-DelayedMatch-v0-seed0"
    assert f"--resume {folder}" in outcome.out
    assert cli("train", "--resume", folder, *QUIET).code == 0
    assert "is finished" in one_sentence(cli("train", "--resume", folder, *QUIET))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "eprp", TASK), "'eprop'"),
        (("train", "eprop", "caudate/DelayedMach-v0"), f"'{TASK}'"),
        (("train", "eprop", "DelayedMatch-v0"), f"'{TASK}'"),
        (("train", "eprop", "CartPol-v1"), "'CartPole-v1'"),
        (("train", "eprop", "nopackage:CartPole-v1"), "unknown"),
        (("train", "eprop", TASK, "--preset", "DelayedMach-v0"), "'DelayedMatch-v0'"),
        (("train", "eprop", TASK, "--set", "learning_rat=1"), "'learning_rate'"),
        (("train", "eprop", TASK, "--set", "learning_rate=fast"), "float"),
        (("train", "eprop", TASK, "--set", "n_neurons=1.5"), "int"),
        (("train", "eprop", TASK, "--set", "tau_membrane=3"), "(float, float)"),
        (("train", "eprop", TASK, "--set", "network=cubic"), "rate"),
        (("train", "eprop", TASK, "--set", "n_neurons"), "key=value"),
        (("train", "eprop", TASK, "--env", "dely=300"), "'delay'"),
        (("train", "eprop", TASK, "--env", "delay=long"), "delay"),
        (("train", "eprop", "CartPole-v1", "--env", "gravity=1"), "gravity"),
        (("train", "eprop", TASK, "--num-envs", "0"), "n_envs=0"),
        (("train", "eprop", TASK, "--steps", "0"), "steps=0"),
        (("train", "eprop", TASK, "--eval-every", "0"), "eval_every=0"),
        (("train", "eprop", TASK, "--until", "nan"), "until=nan"),
        (("train", "eprop", TASK, "--cpu-limit", "-1"), "cpu_limit=-1.0 must be a number above 0"),
        (("train", "eprop", TASK, "--wandb", "perhaps"), "offline"),
        (("train", "eprop"), "AGENT TASK"),
        (("train", "eprop", TASK, "--resume", "x"), "--resume"),
        (("train", "--resume", "x", "--steps", "900"), "give the run folder alone"),
        (("train", "--resume", "x", "--seed", "0"), "give the run folder alone"),
        (("compare", "first", "--seeds", "1"), "leave out --agents"),
        (("compare", "first", "--agents", "eprop"), "leave out --agents"),
        (("compare", "first", "--name", "mine"), "leave out --agents"),
        (("compare", "--agents", "eprop", "--tasks", "caudate/DelayedMach-v0"), f"'{TASK}'"),
        (("evaluate", "nowhere"), "nowhere"),
        (("evaluate", "."), "config.json"),
        (("train", "--resume", "."), "config.json"),
    ],
)
def test_mistakes_get_one_sentence(cli, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    runs = len(arguments) == 3 and arguments[1] != "--resume"
    given = (*arguments, "--steps", "100") if runs else arguments
    assert words in one_sentence(cli(*given))
    assert not (tmp_path / "runs").exists()


def test_a_missing_extra_is_named(cli, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "stable_baselines3", None)
    monkeypatch.delitem(sys.modules, "caudate.agents.baselines", raising=False)
    outcome = cli("train", "ppo", TASK, "--steps", 100, "--out", tmp_path, *QUIET)
    assert 'pip install "caudate[baselines]"' in one_sentence(outcome)


def test_a_truncated_checkpoint_is_refused(cli, tmp_path):
    result = small_run(tmp_path, steps=200)
    run = Run.open(result.path)
    for path in (run.best, run.last):
        path.write_bytes(path.read_bytes()[:-100])
    assert "cut short" in one_sentence(cli("evaluate", run.path))
    (run.path / "result.json").unlink()
    assert "cut short" in one_sentence(cli("train", "--resume", run.path, *QUIET))


def test_the_checkpoint_of_another_agent_is_refused(cli, tmp_path):
    run = Run.open(small_run(tmp_path, steps=200).path)
    other = EProp(TASK, n_envs=2, n_neurons=8)
    (run.path / "result.json").unlink()
    other.save(run.last)
    assert "put the run's own checkpoint back" in one_sentence(
        cli("train", "--resume", run.path, *QUIET)
    )


def test_a_folder_that_cannot_be_written_is_told(cli, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    outcome = cli("train", "eprop-rate", TASK, "--steps", 100, "--out", blocked, *QUIET)
    assert "Cannot write" in one_sentence(outcome)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if not os.access(closed, os.W_OK):  # root may write anywhere
        outcome = cli("train", "eprop-rate", TASK, "--steps", 100, "--out", closed, *QUIET)
        assert "Cannot write" in one_sentence(outcome)


def test_a_full_disk_ends_the_run_and_spares_the_old_checkpoint(cli, tmp_path, monkeypatch):
    syncs, fsync = [], os.fsync

    def full(handle):
        syncs.append(handle)
        if len(syncs) > 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        outcome = cli(
            *("train", "eprop-rate", TASK, "--steps", 20_000, "--eval-every", 500),
            *(*SMALL_SET, *QUIET, "--out", tmp_path),
        )
    assert os.strerror(errno.ENOSPC) in one_sentence(outcome)
    folder = tmp_path / "eprop-rate-DelayedMatch-v0-seed0"
    assert cli("evaluate", folder, "--episodes", 10).code == 0
    assert cli("train", "--resume", folder, *QUIET).code == 0


def test_nan_from_an_environment_stops_the_run(cli, tmp_path, nan_env):
    outcome = cli(
        *("train", "eprop-rate", nan_env, "--steps", 10_000, "--eval-every", 10**6),
        *(*SMALL_SET, *QUIET, "--out", tmp_path),
    )
    assert "observations must be finite" in one_sentence(outcome)
    assert "last.caudate" in outcome.out
    assert cli("evaluate", tmp_path / "eprop-rate-Nan-v0-seed0", "--episodes", 5).code == 0
