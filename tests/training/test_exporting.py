"""Runs as CSV tables: what they hold, whole numbers and all."""

from __future__ import annotations

import csv
import json

import pytest

from caudate.training import UsageError
from caudate.training.exporting import export
from caudate.training.runs import Run

from .conftest import one_sentence, small_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs, one with a parameter of the task and no result, and a folder that is none."""
    folder = tmp_path_factory.mktemp("runs")
    small_run(folder / "b", steps=600, eval_every=300, seed=3)
    second = small_run(folder / "a", steps=600, eval_every=300, env_kwargs={"delay": [300, 500]})
    (second.path / "result.json").unlink()
    with (second.path / "metrics.jsonl").open("a") as file:
        file.write('{"timesteps": 900, "score": 0.1}\n{"timesteps": 12')  # killed while writing
    (folder / "other").mkdir()
    (folder / "other" / "config.json").write_text("{}")
    return folder


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_all_tables_of_a_folder(runs, tmp_path):
    said = []
    paths = export(runs, tmp_path / "tables", trials=3, say=said.append)
    assert [path.name for path in paths] == ["runs.csv", "evaluations.csv", "trials.csv"]
    assert any(line.startswith("left out:") and "other" in line for line in said)
    second, first = read(paths[0])
    assert first["run"] == "b/eprop-rate-DelayedMatch-v0-seed3"
    assert first["seed"] == "3"
    assert second["env_kwargs.delay"] == "[300, 500]"
    assert second["result.score"] == first["env_kwargs.delay"] == first["until"] == ""
    result = Run(runs / first["run"]).result
    assert result is not None
    assert float(first["result.confirmed.value"]) == result["confirmed"]["value"]
    assert float(first["result.cpu_seconds"]) == result["cpu_seconds"]
    assert first["options.rewiring"] == "false"
    trials = read(paths[2])
    assert [row["run"] for row in trials] == [second["run"]] * 3 + [first["run"]] * 3
    assert {row["correct"] for row in trials} <= {"0", "1"}


def test_evaluations_have_their_times_where_these_were_written(runs, tmp_path):
    (path,) = export(runs, tmp_path / "e.csv", table="evaluations", say=lambda text: None)
    rows = read(path)
    folder = runs / "b" / "eprop-rate-DelayedMatch-v0-seed3"
    mine = [row for row in rows if row["seed"] == "3"]
    records, times = Run(folder).records(), Run(folder).records("timing.jsonl")
    assert [float(row["score"]) for row in mine] == [record["score"] for record in records]
    assert [float(row["cpu_seconds"]) for row in mine] == [time["cpu_seconds"] for time in times]
    cut = [row for row in rows if row["timesteps"] == "900"]
    assert [row["cpu_seconds"] for row in cut] == [""]
    assert len(rows) == len(mine) + len(
        Run(runs / "a" / "eprop-rate-DelayedMatch-v0-seed0").records()
    )


def test_equal_runs_give_equal_tables_in_any_place(runs, tmp_path):
    one = export(runs, tmp_path / "1.csv", say=lambda text: None)[0].read_bytes()
    assert export(f"{runs}/", tmp_path / "2.csv", say=lambda text: None)[0].read_bytes() == one
    assert one.startswith(
        b"run,agent,env_id,seed,num_envs,steps,eval_every,until,cpu_limit,preset,"
    )


def test_a_single_run_has_its_own_name(runs, tmp_path, cli):
    folder = next((runs / "b").iterdir())
    outcome = cli("export", folder, "--out", tmp_path / "run.csv")
    assert outcome.code == 0, outcome
    (row,) = read(tmp_path / "run.csv")
    assert row["run"] == folder.name
    assert json.loads(row["options.tau_membrane"]) == [1.0, 4.0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere", "--out", "t"), "no folder nowhere"),
        ((".", "--out", "t"), "no run in ."),
        ((".", "--out", "t.csv", "--table", "run"), "evaluations"),
        ((".", "--out", "t.csv", "--table", "trials"), "--trials"),
        ((".", "--out", "t", "--table", "runs"), "--out runs.csv"),
    ],
)
def test_mistakes_get_one_sentence(cli, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert words in one_sentence(cli("export", *arguments))
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written(runs, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="Cannot write"):
        export(runs, tmp_path / "file" / "x.csv", say=lambda text: None)
