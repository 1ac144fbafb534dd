"""The benchmark of filters measures what it says; no test asserts a time."""

import json

import pytest
from typer.testing import CliRunner

from caudate.agents.filters import FILTERS, Behrens
from caudate.training import UsageError
from caudate.training import bench_filters as bench
from caudate.training.cli import app

QUICK = {"seconds": 0.001, "repeats": 1}


def test_one_subject_and_a_batch(tmp_path):
    said: list[str] = []
    file, page = tmp_path / "filters.json", tmp_path / "speed.md"
    page.write_text("# Speed\n\n<!-- begin: bench-envs -->\nTasks.\n<!-- end: bench-envs -->\n")
    [kalman, hgf] = bench.bench_filters(
        ["kalman", "hgf"], **QUICK, json_file=file, docs=tmp_path, say=said.append
    )
    assert (kalman.name, kalman.subjects) == ("kalman", 1000)
    # Mean and variance of two arms.
    assert kalman.state_bytes == 2 * 2 * 8
    assert [one["name"] for one in json.loads(file.read_text())] == ["kalman", "hgf"]
    assert "hgf" in said[-1]
    text = page.read_text()
    assert "\nTasks.\n" in text
    assert "`caudate bench filters --seconds 0.001 --docs docs`" in text
    assert f"| hgf | {hgf.single.best:,.0f} (" in text


def test_large_states_have_fewer_subjects(monkeypatch):
    monkeypatch.setattr(bench, "STATE_LIMIT", 10_000)
    monkeypatch.setitem(FILTERS, "behrens", lambda: Behrens(grid=(10, 5, 4)))  # type: ignore
    [found] = bench.bench_filters(["behrens"], **QUICK, say=lambda text: None)
    assert found.state_bytes == 2 * 8 * (10 * 5 * 4 + 10 * 5)
    assert found.subjects == 2


def test_a_trial_counts_once_for_each_subject():
    assert bench._watcher(FILTERS["kalman"](), 1)() == 10
    assert bench._watcher(FILTERS["kalman"](), 50)() == 50


def test_mistakes(tmp_path):
    with pytest.raises(UsageError, match="Filter 'kalmann' is unknown: did you mean 'kalman'"):
        bench.bench_filters(["kalmann"])
    with pytest.raises(UsageError, match="repeats=0"):
        bench.bench_filters(repeats=0)
    said: list[str] = []
    with pytest.raises(UsageError, match="Cannot write"):
        bench.bench_filters(["kalman"], **QUICK, json_file=tmp_path, say=said.append)
    assert said == []


def test_from_the_command_line():
    done = CliRunner().invoke(app, ["bench", "filters", "rescorla-wagner", "--seconds", "0.001"])
    assert done.exit_code == 0
    assert "rescorla-wagner" in done.output
