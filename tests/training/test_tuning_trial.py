"""One trial of a search, in this process: reports, pruning, going on."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from caudate.agents import EProp
from caudate.training.runs import Run
from caudate.training.tuning_objective import Objective
from caudate.training.tuning_trial import Order, Played, open_study, play

optuna = pytest.importorskip("optuna")

ARGUMENTS = {
    "agent": "eprop-rate",
    "env_id": "caudate/DelayedMatch-Bench-v0",
    "options": {"n_neurons": 8},
    "num_envs": 16,
    "steps": 600,
    "eval_every": 300,
}


def order(folder, trial, pruner="none") -> Order:
    goal = Objective("score", 0.5, 1.0)
    return Order(folder, trial.number, trial._trial_id, ARGUMENTS, (100, 101), goal, pruner)


def test_every_evaluation_of_every_seed_is_reported(tmp_path):
    study = open_study(tmp_path, "maximize", "none", 3)
    trial = study.ask()
    played = play(order(tmp_path, trial))
    assert len(played.results) == 2
    assert not played.pruned
    told = study.trials[0].intermediate_values
    assert sorted(told) == [0, 1, 3, 4]  # the last of a run is not asked for: it is over anyhow
    first = Run(tmp_path / "trials/0000/seed100").records()
    assert told[1] == pytest.approx((first[1]["score"] - 0.5) / 0.5)
    assert play(order(tmp_path, trial)) == played  # finished runs are read, not played


def test_an_interrupted_trial_goes_on_where_it_stopped(tmp_path, monkeypatch):
    study = open_study(tmp_path, "maximize", "none", 3)
    trial = study.ask()
    update = EProp.update

    def interrupted(agent):
        if agent.num_timesteps > 300:
            os.kill(os.getpid(), signal.SIGINT)
        return update(agent)

    with monkeypatch.context() as patch:
        patch.setattr(EProp, "update", interrupted)
        assert play(order(tmp_path, trial)) == Played([], interrupted=True)
    assert study.trials[0].state == optuna.trial.TrialState.RUNNING
    played = play(order(tmp_path, trial))
    assert len(played.results) == 2
    undisturbed = study.ask()
    again = play(order(tmp_path, undisturbed))
    scores = [[result["confirmed"] for result in one.results] for one in (played, again)]
    assert scores[0] == scores[1]
    assert study.trials[0].intermediate_values == study.trials[1].intermediate_values


def test_a_trial_waits_for_what_is_left_of_its_last_command(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    study = open_study(tmp_path, "maximize", "none", 3)
    this = order(tmp_path, study.ask())
    run = this.folder / "seed100"
    run.mkdir(parents=True)
    began = []

    def leave() -> None:
        began.append((run / "config.json").exists())
        fcntl.flock(file, fcntl.LOCK_UN)

    with (run / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        timer = threading.Timer(0.3, leave)
        timer.start()
        played = play(this)
        timer.join()
    assert began == [False]
    assert len(played.results) == 2


def test_a_bad_trial_is_broken_off(tmp_path):
    study = open_study(tmp_path, "maximize", "median", 3)
    for _ in range(5):
        good = study.ask()
        for step in range(6):
            good.report(10.0, step)
        study.tell(good, 10.0)
    played = play(order(tmp_path, study.ask(), "median"))
    assert played.pruned
    (result,) = played.results
    assert result["finished"] == "stopped"
    assert result["timesteps"] < 600
