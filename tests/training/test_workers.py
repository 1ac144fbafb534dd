"""Local worker processes."""

import os

from caudate.training.runs import Run
from caudate.training.workers import Job, Report, cores, run_jobs

SMALL = {"agent": "eprop-rate", "steps": 600, "eval_every": 600, "options": {"n_neurons": 8}}


def test_a_killed_process_is_reported_and_the_rest_goes_on(tmp_path):
    dying = {"env_id": f"{__package__}.dying_env:caudate-test/Dying-v0", "num_envs": 2}
    fine = {"env_id": "caudate/DelayedMatch-Bench-v0"}
    jobs = [Job(tmp_path / "dies", SMALL | dying), Job(tmp_path / "lives", SMALL | fine)]
    reports: dict[str, Report] = {}
    before = dict(os.environ)
    assert run_jobs(jobs, 1, lambda report: reports.update({report.job.path.name: report}))
    assert reports["dies"].error == "its process died with exit code -9"
    assert reports["lives"].error is None
    result = Run.open(tmp_path / "lives").result
    assert result is not None
    assert result["finished"] == "steps"
    assert dict(os.environ) == before


def test_nothing_to_do():
    assert run_jobs([], 2, lambda report: None)
    assert cores() >= 1
