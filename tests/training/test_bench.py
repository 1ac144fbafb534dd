"""The benchmarks run and report what they say they measure; no test asserts a time."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from caudate.agents import AgentError
from caudate.envs import make_task
from caudate.training import UsageError, bench_kernels
from caudate.training import bench_agents as bench
from caudate.training import bench_perturbation as perturbation
from caudate.training.bench_envs import SIZES, _player, bench_envs
from caudate.training.bench_kernels import ACTIVITY, INPUTS, STEPS, Workload, kernel_share
from caudate.training.bench_table import made_on, processor
from caudate.training.bench_traces import trace_speed
from caudate.training.clock import (
    measure,
    numerical_threads,
    one_thread,
    threads_can_be_set,
)

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
    if threads_can_be_set():
        with numerical_threads(2) as how:
            assert how.startswith("2 threads")


def test_only_real_transitions_are_counted():
    env = make_task(BENCH).vector(4)
    work = _player(env)
    played = work() + work()
    calls = 2 * (4096 // 4)
    # Trials of 7 steps and a reset row: 7 of 8 rows are transitions.
    assert played == pytest.approx(calls * 4 * 7 / 8, abs=4)


def test_the_processor_is_named(monkeypatch):
    assert re.fullmatch(r"Python [\w.+]+, NumPy [\w.+]+; .+\.", made_on("NumPy"))
    assert processor()
    monkeypatch.setattr(
        Path, "read_text", lambda self, encoding: "model name\t: Some CPU @ 2 GHz\n"
    )
    assert processor() == "Some CPU @ 2 GHz"
    assert made_on().endswith("; Some CPU @ 2 GHz.")

    def missing(self, encoding):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert processor() == "arm64"


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
    assert made_on("NumPy", "Gymnasium") in page
    row = next(line for line in page.splitlines() if BENCH in line)
    header = next(line for line in page.splitlines() if line.startswith("| id"))
    assert row.count("|") == header.count("|")
    assert f"| {found.single.best / 1e6:.3g} (" in row


def test_bench_agents(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "REFERENCE", "reservoir")  # the real one takes seconds an update
    said: list[str] = []
    file, page = tmp_path / "agents.json", tmp_path / "speed.md"
    page.write_text("# Speed\n\n<!-- begin: bench-envs -->\nTasks.\n<!-- end: bench-envs -->\n")
    found = bench.bench_agents(
        ["eprop-rate", "reservoir"],
        [BENCH],
        **QUICK,
        kernels=False,
        json_file=file,
        docs=tmp_path,
        say=said.append,
    )
    reference, other = found.agents
    assert (reference.agent, reference.ratio) == ("reservoir", 1)
    assert other.ratio == pytest.approx(other.rate.best / reference.rate.best)
    assert json.loads(file.read_text())["kernels"] == []
    assert "eprop-rate" in said[-1]
    text = page.read_text()
    assert "\nTasks.\n" in text
    assert "`caudate bench agents --seconds 0.001 --docs docs`" in text
    assert made_on("NumPy") in text
    assert f"| eprop-rate | {other.rate.best:,.0f} |" in text
    assert "kernels" not in text


def test_the_table_of_perturbation_rules_says_what_it_measures(tmp_path, monkeypatch):
    rules = {"weight, flip": perturbation.RULES["weight, flip"]}
    monkeypatch.setattr(perturbation, "RULES", rules)
    page = tmp_path / "perturbation.md"
    [found] = perturbation.bench_perturbation([10], **QUICK, docs=page, say=lambda text: None)
    text = page.read_text()
    assert f"| weight, flip | 10 | {found.plain_ns:.0f} |" in text
    assert made_on("NumPy") in text


def test_an_agent_that_cannot_be_measured_is_told_and_skipped(monkeypatch):
    def missing(*args, **kwargs):
        raise AgentError("this extra is missing")

    monkeypatch.setattr(bench, "_rate", missing)
    said: list[str] = []
    found = bench.bench_agents(["eprop"], [BENCH], **QUICK, kernels=False, say=said.append)
    assert found.agents == []
    assert len(said) == 4  # two lines of heading, then the reference and the agent
    assert all(line.endswith("skipped: this extra is missing") for line in said[2:])


def test_kernels_and_online_steps_are_tables_of_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "REFERENCE", "reservoir")
    monkeypatch.setattr(
        bench, "kernel_share", lambda *sizes, **o: kernel_share([20], ["numpy"], **o)
    )
    monkeypatch.setattr(bench, "trace_speed", lambda **o: trace_speed([(20, 2)], ["numpy"], **o))
    file = tmp_path / "agents.json"
    found = bench.bench_agents(
        [], [BENCH], **QUICK, json_file=file, docs=tmp_path, say=lambda text: None
    )
    assert {share.copies for share in found.kernels} == {1, 64}
    assert {one["part"] for one in json.loads(file.read_text())["traces"]} == {
        "traces",
        "whole step",
    }
    text = (tmp_path / "speed.md").read_text()
    for title in ("Spiking kernels, 64 copies", "Spiking kernels, one copy", "Online e-prop"):
        assert f"### {title}\n" in text
    tables = [line for line in text.splitlines() if line.startswith("| numpy | ")]
    assert len(tables) == len(found.kernels) + len(found.traces)


@pytest.mark.parametrize("kernel", ["numpy", "numba", "torch"])
def test_kernel_share_is_measured_at_the_activity_it_names(kernel):
    pytest.importorskip(kernel)
    found = kernel_share([20], [kernel], copies=2, threads=(1,), **QUICK, say=lambda text: None)
    assert [one.rule for one in found] == (["e-prop"] if kernel == "numba" else ["e-prop", "BPTT"])
    for one in found:
        assert ACTIVITY[0] <= one.activity <= ACTIVITY[1]
        assert one.share == pytest.approx(one.gflops / one.product_gflops)
        assert one.step_ns == pytest.approx(1e6 * one.update_ms / (STEPS * 2))
        assert one.ratio == (None if kernel == "torch" else 1)
    eprop = found[0]
    operations = 4 * 20 * (20 + INPUTS) * STEPS * 2
    assert eprop.gflops == pytest.approx(operations / eprop.update_ms / 1e6)


def test_times_are_compared_with_our_fastest_of_the_same_rule():
    pytest.importorskip("torch")
    found = kernel_share([20], copies=2, **QUICK, say=lambda text: None)
    for rule in ("e-prop", "BPTT"):
        rows = [one for one in found if one.rule == rule]
        ours = min(one.update_ms for one in rows if one.kernel != "torch" and one.threads == 1)
        assert [one.ratio for one in rows] == pytest.approx([one.update_ms / ours for one in rows])
    assert {one.threads for one in found} == ({1, 2} if threads_can_be_set() else {1})


def test_what_is_not_installed_is_told_and_skipped(monkeypatch):
    monkeypatch.setattr(bench_kernels, "find_spec", lambda name: name == "numpy" or None)
    monkeypatch.setattr(bench_kernels, "threads_can_be_set", lambda: False)
    said: list[str] = []
    found = kernel_share([20], copies=1, **QUICK, say=said.append)
    assert {(one.kernel, one.threads) for one in found} == {("numpy", 1)}
    assert said[:2] == [f"{name}: skipped, it is not installed" for name in ("numba", "torch")]
    assert said[2].startswith("2 threads: skipped")


@pytest.mark.parametrize("rule", ["e-prop", "BPTT"])
def test_torch_computes_the_same_gradient(rule):
    pytest.importorskip("torch")
    work = Workload(20, 4, np.float64)
    gradients = []
    for kernel in ("numpy", "torch"):
        work.update(kernel, rule)()
        assert work.gradient is not None
        recurrent, inputs = work.gradient
        gradients.append((recurrent * (1 - np.eye(20)), inputs))
    for ours, theirs in zip(*gradients, strict=True):
        assert np.abs(ours - theirs).max() < 1e-4 * np.abs(ours).max()


@pytest.mark.parametrize("kernel", ["numpy", "numba"])
def test_online_steps_beside_copies(kernel):
    pytest.importorskip(kernel)
    traces, whole = trace_speed([(20, 2)], [kernel], **QUICK, say=lambda text: None)
    synapses = 2 * 20 * (20 + INPUTS + 1)
    # Of 20 neurons 10 are adaptive: two traces and a half are read and written, a sum is written.
    assert traces.moved == pytest.approx(4 * 6 * synapses / traces.step_us / 1e3)
    assert whole.moved == pytest.approx(4 * 8 * synapses / whole.step_us / 1e3)
    assert whole.synapse_ns == pytest.approx(1e3 * whole.step_us / synapses)
    assert whole.share == pytest.approx(whole.moved / whole.copied)


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
    with pytest.raises(UsageError, match="above 0"):
        trace_speed([(20, 0)])
