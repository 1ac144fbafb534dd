"""Runs as CSV tables: what they hold, whole numbers and all."""

from __future__ import annotations

import csv
import json
import os
import shutil

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


def test_lines_that_are_no_records_are_told_and_left_out(runs, tmp_path):
    folder = tmp_path / "runs"
    shutil.copytree(runs, folder)
    run = folder / "b" / "eprop-rate-DelayedMatch-v0-seed3"
    for name, i, text in (("metrics.jsonl", 0, b'{"score": \xff}\n'), ("timing.jsonl", 1, b"[]\n")):
        lines = (run / name).read_bytes().splitlines(keepends=True)
        (run / name).write_bytes(b"".join([*lines[:i], text, *lines[i + 1 :]]))
    said: list[str] = []
    paths = export(folder, tmp_path / "tables", say=said.append)
    whole = export(runs, tmp_path / "whole", say=lambda text: None)
    assert read(paths[0]) == read(whole[0])
    kept = [row for row in read(whole[1]) if (row["seed"], row["timesteps"]) != ("3", "0")]
    rows = read(paths[1])
    assert [row["score"] for row in rows] == [row["score"] for row in kept]
    timeless = [row["timesteps"] for row in rows if not row["cpu_seconds"]]
    assert len(timeless) == 2  # one has lost its times, one never had any
    told = [line for line in said if "is no record" in line]
    assert len(told) == 2
    assert f"left out: line 1 of {run / 'metrics.jsonl'}" in told[0]
    assert f"left out: line 2 of {run / 'timing.jsonl'}" in told[1]


def test_notes_are_said_once_where_no_run_has_trials(runs, tmp_path):
    folder = tmp_path / "runs"
    shutil.copytree(runs / "b", folder)
    shutil.rmtree(folder / "eprop-rate-DelayedMatch-v0-seed3" / "checkpoints")
    said: list[str] = []
    export(folder, tmp_path / "t.csv", table="trials", trials=3, say=said.append)
    assert [line for line in said if "no checkpoint" in line] == [
        "1 runs have no checkpoint, so no trials"
    ]


def test_a_folder_whose_name_is_no_text(runs, tmp_path):
    folder = tmp_path / "runs"
    try:
        shutil.copytree(runs / "b", folder / os.fsdecode(b"caf\xe9"))
    except OSError:
        pytest.skip("names are texts on this file system")
    (path,) = export(folder, tmp_path / "t.csv", say=lambda text: None)
    assert read(path)[0]["run"].startswith("caf\\udce9/")


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
