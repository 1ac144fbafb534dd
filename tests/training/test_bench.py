"""The benchmarks run and report what they say they measure; no test asserts a time."""

import json

import pytest

from caudate.agents import AgentError
from caudate.envs import make_task
from caudate.training import UsageError
from caudate.training import bench_agents as bench
from caudate.training.bench_envs import SIZES, _player, bench_envs
from caudate.training.bench_kernels import ACTIVITY, kernel_share
from caudate.training.clock import measure, one_thread

BENCH = "caudate/DelayedMatch-Bench-v0"
QUICK = {"seconds": 0.001, "repeats": 1}


def test_measure_counts_what_was_done():
    calls = []
    rate = measure(lambda: calls.append(1) or 5.0, seconds=0.0, repeats=3)
    assert len(calls) == 3
    assert rate.best >= rate.median > 0


def test_one_thread_says_how():
    with one_thread() as how:
        assert "thread" in how


def test_only_real_transitions_are_counted():
    env = make_task(BENCH).vector(4)
    work = _player(env)
    played = work() + work()
    calls = 2 * (4096 // 4)
    # Trials of 7 steps and a reset row: 7 of 8 rows are transitions.
    assert played == pytest.approx(calls * 4 * 7 / 8, abs=4)


def test_bench_envs(tmp_path):
    said: list[str] = []
    file = tmp_path / "envs.json"
    [found] = bench_envs([BENCH], **QUICK, json_file=file, docs=tmp_path, say=said.append)
    assert found.env_id == BENCH
    assert sorted(found.native) == list(SIZES)
    assert found.ratio == pytest.approx(found.native[64].best / found.sync.best)
    assert json.loads(file.read_text())[0]["env_id"] == BENCH
    assert BENCH in said[-1]
    page = (tmp_path / "speed.md").read_text()
    assert "`caudate bench envs --seconds 0.001 --docs docs`" in page
    row = next(line for line in page.splitlines() if BENCH in line)
    header = next(line for line in page.splitlines() if line.startswith("| id"))
    assert row.count("|") == header.count("|")
    assert f"| {found.single.best / 1e6:.3g} (" in row


def test_bench_agents(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "REFERENCE", "reservoir")  # the real one takes seconds an update
    said: list[str] = []
    file = tmp_path / "agents.json"
    found = bench.bench_agents(
        ["eprop-rate", "reservoir"],
        [BENCH],
        **QUICK,
        kernels=False,
        json_file=file,
        say=said.append,
    )
    reference, other = found.agents
    assert (reference.agent, reference.ratio) == ("reservoir", 1)
    assert other.ratio == pytest.approx(other.rate.best / reference.rate.best)
    assert json.loads(file.read_text())["kernels"] == []
    assert "eprop-rate" in said[-1]


def test_an_agent_that_cannot_be_measured_is_told_and_skipped(monkeypatch):
    def missing(*args, **kwargs):
        raise AgentError("this extra is missing")

    monkeypatch.setattr(bench, "_rate", missing)
    said: list[str] = []
    found = bench.bench_agents(["eprop"], [BENCH], **QUICK, kernels=False, say=said.append)
    assert found.agents == []
    assert len(said) == 4  # two lines of heading, then the reference and the agent
    assert all(line.endswith("skipped: this extra is missing") for line in said[2:])


@pytest.mark.parametrize("kernel", ["numpy", "numba"])
def test_kernel_share_is_measured_at_the_activity_it_names(kernel):
    if kernel == "numba":
        pytest.importorskip("numba")
    [share] = kernel_share([20], [kernel], **QUICK, say=lambda text: None)
    assert ACTIVITY[0] <= share.activity <= ACTIVITY[1]
    assert share.share == pytest.approx(share.gflops / share.product_gflops)


def test_files_that_cannot_be_written_are_refused_before_anything_is_measured(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path, tmp_path / "file" / "speed.json"):
        said: list[str] = []
        with pytest.raises(UsageError, match="Cannot write"):
            bench_envs([BENCH], **QUICK, json_file=place, say=said.append)
        with pytest.raises(UsageError, match="Cannot write"):
            bench.bench_agents(["reservoir"], [BENCH], **QUICK, json_file=place, say=said.append)
        assert said == []
    assert (tmp_path / "file").read_text() == ""


def test_mistakes():
    with pytest.raises(UsageError, match="repeats=0"):
        bench_envs([BENCH], repeats=0)
    with pytest.raises(UsageError, match="is unknown"):
        bench_envs(["caudate/DelayMatch-v0"])
    with pytest.raises(UsageError, match="seconds=0"):
        bench.bench_agents(["eprop"], seconds=0)
    with pytest.raises(UsageError, match="above 0"):
        kernel_share([0])
