"""Engines: what survives lost workers, a killed command and Ctrl-C, and how engines are refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from caudate.agents import read_checkpoint
from caudate.training import UsageError, compare
from caudate.training.comparison import Outcome
from caudate.training.comparison_spec import Comparison, Entrant, Row
from caudate.training.engines import EngineSettings, SlurmOptions
from caudate.training.runs import Run
from caudate.training.table import Line

from .conftest import one_sentence
from .dying_env import DyingEnv

ROOT = Path(__file__).parents[2]
DYING = f"{__package__}.dying_env:caudate-test/Dying-v0"
BENCH = "caudate/DelayedMatch-Bench-v0"
QUEUE = ("cluster=local",)

needs_dask = pytest.mark.skipif(find_spec("distributed") is None, reason="needs distributed")
needs_submitit = pytest.mark.skipif(find_spec("submitit") is None, reason="needs submitit")
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")


def dying_once(marker: Path) -> Comparison:
    """Three runs, one of which kills its worker in the middle while the marker is not there."""
    rows = [
        Row(task=DYING, label="dies", env={"marker": str(marker)}, steps=600, eval_every=200),
        Row(task=BENCH, label="lives", steps=600, eval_every=200),
    ]
    options = {"n_neurons": 8}
    agents = [
        Entrant(name="eprop-rate", seeds=1, options=options),
        Entrant(name="reservoir", seeds=1, options=options, rows=["lives"]),
    ]
    return Comparison(name="few", agents=agents, rows=rows)


def results(outcome: Outcome) -> list[Line]:
    """The table without what a clock measured."""
    clock = {"cpu_seconds": 0.0, "evaluation_cpu_seconds": None}
    return [replace(line, **clock) for line in outcome.table.lines]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[Path, Outcome]:
    folder = tmp_path_factory.mktemp("engines")
    marker = folder / "died"
    marker.touch()
    return marker, compare(dying_once(marker), out=folder / "calm", jobs=1, say=lambda text: None)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(EngineSettings("dask", jobs=1), marks=needs_dask, id="dask"),
        pytest.param(EngineSettings("slurm", slurm=QUEUE), marks=needs_submitit, id="slurm"),
    ],
)
def test_a_lost_worker_changes_nothing(tmp_path, undisturbed, settings):
    marker, calm = undisturbed
    marker.unlink()
    said: list[str] = []
    outcome = compare(dying_once(marker), out=tmp_path, engine=settings, say=said.append)
    assert marker.exists()  # a worker did die
    assert outcome.failures == []
    assert results(outcome) == results(calm)
    for path in ("dies/eprop-rate-seed0", "lives/eprop-rate-seed0", "lives/reservoir-seed0"):
        ours, theirs = (one.path / path / "metrics.jsonl" for one in (outcome, calm))
        assert ours.read_bytes() == theirs.read_bytes()
    assert sum(line.startswith("[") for line in said) == 3  # each run ended once


@needs_dask
def test_a_run_that_kills_its_workers_fails_and_the_rest_goes_on(tmp_path):
    rows = [Row(task=DYING, label="dies", steps=600), Row(task=BENCH, label="lives", steps=600)]
    agents = [Entrant(name="eprop-rate", seeds=1, options={"n_neurons": 8})]
    comparison = Comparison(name="few", agents=agents, rows=rows)
    settings = EngineSettings("dask", jobs=1, retries=0)
    outcome = compare(comparison, out=tmp_path, engine=settings, say=lambda text: None)
    assert outcome.failures == ["dies/eprop-rate-seed0: 1 Dask worker died while it ran"]
    assert [line.row for line in outcome.table.lines] == ["lives"]
    table = (outcome.path / "table.md").read_text()
    assert table.endswith(
        "## Failed\n\n- dies, eprop-rate, seed 0: 1 Dask worker died while it ran\n"
    )
    assert (
        '"reason": "1 Dask worker died while it ran"' in (outcome.path / "table.json").read_text()
    )


# ---------------------------------------------------------------- the command itself


def start(*arguments: Any) -> subprocess.Popen[str]:
    """The command in a process group of its own, as a terminal starts it."""
    code = "from caudate.training.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    # The terminal's Ctrl-C goes to the whole group; so does `stop`.
    return subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip


def until(condition: Any, process: subprocess.Popen[str] | None = None) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert process is None or process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.02)


def compare_arguments(out: Path, steps: int, *more: Any) -> tuple[Any, ...]:
    few = ("compare", "--agents", "eprop-rate", "--tasks", BENCH, "--seeds", 2, "--jobs", 1)
    return (*few, "--steps", steps, "--out", out, *more)


@needs_signals
def test_a_killed_command_goes_on_where_it_was(cli, tmp_path):
    process = start(*compare_arguments(tmp_path / "killed", 10_000))
    folders = [
        tmp_path / f"killed/compare/delayedmatch-bench-v0/eprop-rate-seed{seed}"
        for seed in range(2)
    ]
    until((folders[1] / "checkpoints/last.caudate").exists, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    first = (folders[0] / "result.json").stat().st_mtime_ns
    assert cli(*compare_arguments(tmp_path / "calm", 10_000)).code == 0
    again = cli(*compare_arguments(tmp_path / "killed", 10_000))
    assert again.code == 0
    assert "1 to do" in again.out
    assert (folders[0] / "result.json").stat().st_mtime_ns == first
    for folder in folders:
        calm = tmp_path / "calm" / folder.relative_to(tmp_path / "killed")
        assert Run(folder).metrics.read_bytes() == Run(calm).metrics.read_bytes()
        ours, theirs = Run(folder).result, Run(calm).result
        assert ours is not None
        assert theirs is not None
        assert ours["confirmed"] == theirs["confirmed"]


@needs_signals
@pytest.mark.parametrize("engine", ["local", pytest.param("dask", marks=needs_dask)])
def test_ctrl_c_lets_runs_save_themselves(tmp_path, engine):
    process = start(*compare_arguments(tmp_path, 10**9, "--engine", engine))
    run = Run(tmp_path / "compare/delayedmatch-bench-v0/eprop-rate-seed0")
    until(lambda: len(run.metrics.read_text().splitlines()) > 1 if run.metrics.exists() else 0,
          process)  # fmt: skip
    os.killpg(process.pid, signal.SIGINT)
    out = process.communicate(timeout=60)[0]
    assert process.returncode == 130, out
    assert "[1/2] delayedmatch-bench-v0/eprop-rate-seed0: interrupted" in out
    assert run.result is None
    saved = read_checkpoint(run.last)["trainer"]["totals"]["timesteps"]
    assert saved >= run.records()[-1]["timesteps"]
    assert len(list(run.path.parent.iterdir())) == 1  # the others were not begun


@needs_signals
@pytest.mark.parametrize("engine", ["local", pytest.param("dask", marks=needs_dask)])
def test_a_second_ctrl_c_ends_it_at_once(tmp_path, engine):
    slow = ("compare", "--agents", "eprop-rate", "--tasks", DYING, "--env", "sleep=0.2")
    process = start(*slow, "--steps", 100, "--seeds", 1, "--out", tmp_path, "--engine", engine,
                    "--jobs", 1)  # fmt: skip
    until(lambda: list(tmp_path.glob("*/*/*/metrics.jsonl")), process)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    out = process.communicate(timeout=20)[0]
    assert process.returncode != 0
    assert "out of steps" not in out
    with pytest.raises(ProcessLookupError):  # nobody of its group is left
        until(lambda: os.killpg(process.pid, 0))


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (EngineSettings("dusk"), "--engine dusk is unknown: did you mean 'dask'?"),
        (EngineSettings(jobs=0), "jobs=0 must be 1 or more."),
        (EngineSettings(retries=-1), "retries=-1 must be 0 or more."),
        (EngineSettings(cluster="tcp://x:1"), "--cluster is for --engine dask, not local"),
        (EngineSettings("dask", cluster="x", retries=1), "allowed-failures"),
        (EngineSettings(slurm=("time=1",)), "--slurm is for --engine slurm, not local"),
        (EngineSettings("slurm", slurm=("time",)), "'time' is not key=value"),
        (
            EngineSettings("slurm", slurm=("tine=1",)),
            "--slurm tine is unknown: did you mean 'time'",
        ),
        (
            EngineSettings("slurm", slurm=("time=0",)),
            "--slurm time=0 is not valid: Input should be",
        ),
        (EngineSettings("slurm", slurm=("cpus=few",)), "--slurm cpus=few is not valid"),
        (EngineSettings("slurm", slurm=("memory=-1",)), "--slurm memory=-1 is not valid"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(UsageError) as caught:
        settings.check()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("engine", "package"), [("dask", "distributed"), ("slurm", "submitit")])
def test_a_missing_extra_is_named(monkeypatch, engine, package):
    monkeypatch.setattr("caudate.training.engines.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=f"needs {package}: pip install") as caught:
        EngineSettings(engine).check()
    assert '"caudate[distributed]"' in str(caught.value)


@needs_dask
def test_no_scheduler_answers(cli, monkeypatch, tmp_path):
    monkeypatch.setattr("caudate.training.engines.dask_cluster._WAIT", 0.5)
    arguments = compare_arguments(tmp_path, 100, "--engine", "dask", "--cluster")
    assert "No Dask scheduler answers" in one_sentence(cli(*arguments, "tcp://127.0.0.1:9"))


@needs_dask
def test_workers_with_threads_are_refused_and_others_used(tmp_path):
    import distributed

    kwargs: dict[str, Any] = {"processes": False, "dashboard_address": None, "n_workers": 1}
    for threads in (2, 1):
        cluster: Any
        with distributed.LocalCluster(threads_per_worker=threads, **kwargs) as cluster:
            settings = EngineSettings("dask", cluster=str(cluster.scheduler_address))
            if threads == 1:
                agents = [Entrant(name="eprop-rate", seeds=1, options={"n_neurons": 8})]
                comparison = Comparison(name="x", agents=agents, rows=[Row(task=BENCH, steps=600)])
                outcome = compare(comparison, out=tmp_path, engine=settings, say=lambda text: None)
                assert len(outcome.table.lines) == 1
            else:
                with pytest.raises(UsageError, match="has 2 threads"):
                    settings.make(tmp_path)


def test_slurm_options():
    options = SlurmOptions.of(["partition=long", "time=1:30:30", "memory=2.5"])
    assert (options.time, options.memory, options.cpus) == (91, 2.5, 1)
    assert options.places() == {"partition": "long"}


def test_the_dying_environment_is_a_fair_one():
    env = DyingEnv(marker=__file__)
    first, _ = env.reset(seed=1)
    again, _ = env.reset(seed=1)
    assert first == again
    assert env.step(1)[1] == 1.0


@needs_submitit
def test_jobs_in_a_queue_are_taken_back(monkeypatch, tmp_path):
    from submitit.local.local import LocalJob

    cancelled = []
    monkeypatch.setattr(LocalJob, "state", "PENDING")
    monkeypatch.setattr(LocalJob, "cancel", lambda job, check: cancelled.append(job))
    with EngineSettings("slurm", slurm=QUEUE).make(tmp_path) as engine:
        future = engine.submit(time.sleep, 0.1)
        engine.withdraw()
        assert future.cancelled()
    (job,) = cancelled
    job.wait()


@needs_submitit
def test_where_there_is_no_slurm(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    arguments = compare_arguments(tmp_path, 100, "--engine", "slurm")
    assert "finds no Slurm here" in one_sentence(cli(*arguments))
