"""Jobs: done once, by one process at a time, until they are told to stop; and their bars."""

from __future__ import annotations

import io
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from caudate.training import trainer
from caudate.training.interrupts import interrupts, stops_when
from caudate.training.jobs import DONE, OTHER, RESUME, START, Job, work
from caudate.training.run_bars import Bars, Plain, how_far, show_runs
from caudate.training.runs import Run

fcntl = pytest.importorskip("fcntl")

ARGUMENTS = {
    "agent": "eprop-rate",
    "env_id": "caudate/DelayedMatch-Bench-v0",
    "env_kwargs": {},
    "options": {"n_neurons": 8},
    "seed": 0,
    "steps": 600,
    "until": None,
    "num_envs": 8,
    "cpu_limit": None,
    "eval_every": 200,
}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path / "run", ARGUMENTS)


def test_a_job_given_twice_is_done_once(job, tmp_path, monkeypatch):
    assert job.state() == START
    assert work(job, tmp_path / "stop").error is None
    assert job.state() == DONE
    monkeypatch.setattr(trainer, "train", None)
    monkeypatch.setattr(trainer, "resume", None)
    assert work(job, tmp_path / "stop").error is None
    longer = replace(job, arguments=ARGUMENTS | {"steps": 601})
    assert longer.state() == OTHER
    assert longer.difference() == "steps is 600, not 601,"
    larger = replace(job, arguments=ARGUMENTS | {"options": {"n_neurons": 9}})
    assert larger.difference() == "n_neurons is 8, not 9,"


def test_a_job_is_resumed_where_it_stopped(job, tmp_path):
    calm = replace(job, path=tmp_path / "calm")
    assert work(calm, tmp_path / "no").error is None
    looks = iter([False])

    def asked() -> bool:
        return next(looks, True)

    with stops_when(asked):  # as a stop file does that appears after a while
        trainer.train(
            **ARGUMENTS, out=tmp_path, name="run", wandb="off", progress=False,
            say=lambda text: None,
        )  # fmt: skip
    assert job.state() == RESUME
    assert work(job, tmp_path / "no").error is None
    assert Run(job.path).metrics.read_bytes() == Run(calm.path).metrics.read_bytes()


def test_a_job_that_is_told_to_stop_can_be_resumed(job, tmp_path, monkeypatch):
    (tmp_path / "stop").touch()
    assert work(job, tmp_path / "stop").interrupted
    assert job.state() == START  # it never began
    with stops_when(lambda: True):
        done = trainer.train(
            **ARGUMENTS, out=tmp_path, name="run", wandb="off", progress=False,
            say=lambda text: None,
        )  # fmt: skip
    assert done.interrupted
    assert job.state() == RESUME


def test_a_job_waits_for_the_process_that_does_it(job, tmp_path):
    job.path.mkdir()
    with (job.path / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        stop = tmp_path / "stop"
        timer = threading.Timer(0.2, stop.touch)
        timer.start()
        assert work(job, stop).interrupted  # it waited, and was told to stop
        timer = threading.Timer(0.2, fcntl.flock, (file, fcntl.LOCK_UN))
        timer.start()
        report = work(job, tmp_path / "no")
        timer.join()
    assert report.error is None
    assert job.state() == DONE


def test_errors_are_one_line(job, tmp_path):
    wrong = replace(job, arguments=ARGUMENTS | {"options": {"optimizer": "none"}})
    error = work(wrong, tmp_path / "no").error
    assert error is not None
    assert "optimizer='none'" in error
    assert "\n" not in error


def test_interrupts_in_a_thread_come_from_outside():
    seen = []

    def run() -> None:
        with stops_when(lambda: True), interrupts() as interrupted:
            seen.append(interrupted())
        with interrupts() as interrupted:
            seen.append(interrupted())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [True, False]


# ---------------------------------------------------------------- bars


def test_how_far_a_run_is(job, tmp_path):
    assert how_far(job) == (0.0, "")
    work(job, tmp_path / "no")
    share, score = how_far(job)
    assert share == 1.0
    assert float(score) == pytest.approx(Run(job.path).records()[-1]["score"], abs=1e-3)
    longer = replace(job, arguments=ARGUMENTS | {"steps": 10**9, "cpu_limit": 1e6})
    assert 0 < how_far(longer)[0] < 0.01


def test_bars_come_with_records_and_go_with_runs(job, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr("caudate.training.run_bars._LOOK", 0.0)
    with Bars(2) as bars:
        bars.look([job])  # it is in a queue
        assert len(bars.bars.tasks) == 1
        work(job, tmp_path / "no")
        bars.look([job])
        assert bars.bars.tasks[1].description.startswith(f"{tmp_path.name}/run 0.")
        assert bars.bars.tasks[1].completed == 1.0
        bars.ended()
        bars.look([])
        assert [task.description for task in bars.bars.tasks] == ["1 of 2 runs"]
        bars.say("[1/2] run: done")
    assert "[1/2] run: done" in sys.stdout.getvalue()  # pyright: ignore


@pytest.mark.parametrize("line", ["{", "[]", "5", "{}", '{"timesteps": "x", "score": null}'])
def test_records_that_cannot_be_read_end_nothing(job, tmp_path, monkeypatch, line):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr("caudate.training.run_bars._LOOK", 0.0)
    good = replace(job, path=tmp_path / "good")
    with Bars(2) as bars:
        bars.look([job, good])
        for one, text in ((job, line), (good, '{"timesteps": 300, "score": 0.5}')):
            one.path.mkdir()
            Run(one.path).metrics.write_text(f"{text}\n")
            Run(one.path).timing.write_text('{"cpu_seconds": 1.0}\n')
        bars.look([job, good])
        assert "good 0.500" in {task.description.split("/")[-1] for task in bars.bars.tasks}


def test_a_run_that_loses_its_files_ends_nothing(job, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr("caudate.training.run_bars._LOOK", 0.0)
    with Bars(1) as bars:
        monkeypatch.setattr(Path, "is_file", lambda path: True)  # gone before its size is asked for
        bars.look([job])
        assert len(bars.bars.tasks) == 1


def test_bars_are_for_terminals(monkeypatch):
    assert type(show_runs(True, 3, print)) is Plain
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert type(show_runs(True, 3, print)) is Bars
    assert type(show_runs(False, 3, print)) is Plain
