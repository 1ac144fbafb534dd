"""Jobs on local processes: what becomes of them when they die."""

import contextlib
import os
from concurrent.futures import Future
from typing import cast

import pytest

from caudate.training.engines import EngineSettings, cores
from caudate.training.jobs import DONE, Job, Report
from caudate.training.runs import Run
from caudate.training.workers import run_jobs

SMALL = {
    "agent": "eprop-rate",
    "steps": 600,
    "eval_every": 600,
    "options": {"n_neurons": 8},
    "env_kwargs": {},
    "seed": 0,
    "until": None,
    "cpu_limit": None,
    "num_envs": 2,
}
DYING = f"{__package__}.dying_env:caudate-test/Dying-v0"


def test_a_killed_process_is_reported_and_the_rest_goes_on(tmp_path):
    dying = {"env_id": DYING}
    fine = {"env_id": "caudate/DelayedMatch-Bench-v0"}
    jobs = [Job(tmp_path / "dies", SMALL | dying), Job(tmp_path / "lives", SMALL | fine)]
    reports: dict[str, Report] = {}
    before = dict(os.environ)

    def keep(report):
        reports[report.job.path.name] = report

    assert run_jobs(jobs, EngineSettings(jobs=1), tmp_path, keep)
    assert reports["dies"].error == "its process died with exit code -9"
    assert reports["lives"].error is None
    assert reports["lives"].cpu_seconds > 0
    result = Run.open(tmp_path / "lives").result
    assert result is not None
    assert result["finished"] == "steps"
    assert dict(os.environ) == before
    assert not list(tmp_path.glob(".stop*"))


def test_a_killed_process_is_gone_on_with_where_that_is_allowed(tmp_path):
    once = {"env_id": DYING, "env_kwargs": {"marker": str(tmp_path / "died")}}
    job = Job(tmp_path / "once", SMALL | once | {"eval_every": 200})
    reports: list[Report] = []
    assert run_jobs([job], EngineSettings(jobs=1, retries=1), tmp_path, reports.append)
    assert [report.error for report in reports] == [None]
    assert (tmp_path / "died").exists()
    assert job.state() == DONE


class _Ending:
    """An engine whose runs have ended, one way or another, by the time they are asked for."""

    slots, retries = 2, 0

    def __init__(self, interrupted):
        self.interrupted = interrupted

    def make(self, folder):
        return contextlib.nullcontext(self)

    def submit(self, work, job, stop):
        future = Future()
        future.set_result(Report(job, "was not run", interrupted=self.interrupted))
        return future


@pytest.mark.parametrize("interrupted", [True, False])
def test_runs_that_a_ctrl_c_ended_are_not_complete(tmp_path, interrupted):
    jobs = [Job(tmp_path / name, SMALL) for name in ("a", "b")]
    engine = cast(EngineSettings, _Ending(interrupted))
    assert run_jobs(jobs, engine, tmp_path, lambda report: None) is not interrupted


def test_nothing_to_do(tmp_path):
    assert run_jobs([], EngineSettings(), tmp_path, lambda report: None)
    assert cores() >= 1
