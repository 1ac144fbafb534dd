"""Commands that look at runs and compare them, through the command line."""

from __future__ import annotations

import pytest

from caudate.training.runs import Run

from .conftest import TASK, one_sentence, small_run


def test_plot_and_watch_name_their_pictures(cli, tmp_path):
    run = Run.open(small_run(tmp_path, steps=400).path)
    for command, words in (("plot", "learning curve:"), ("watch", "picture:")):
        outcome = cli(command, run.path)
        assert outcome.code == 0, outcome
        last = outcome.out.splitlines()[-1]
        assert last.startswith(words)
        assert (tmp_path / last.removeprefix(words).strip()).is_file()


def test_compare_from_names_skips_what_is_finished(cli, tmp_path):
    arguments = ("compare", "--agent", "eprop-rate", "--task", TASK, "--seeds", 1, "--steps", 800)
    first = cli(*arguments, "--jobs", 1, "--out", tmp_path)
    assert first.code == 0, first
    assert "1 to do" in first.out
    assert "0 to do" in cli(*arguments, "--jobs", 1, "--out", tmp_path).out


def test_bench_measures(cli, tmp_path):
    outcome = cli("bench", "envs", TASK, "--seconds", 0.01, "--json", tmp_path / "speed.json")
    assert outcome.code == 0, outcome
    assert "DelayedMatch" in outcome.out
    assert (tmp_path / "speed.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plot", "nowhere"), "nowhere"),
        (("watch", "."), "config.json"),
        (("compare",), "--agent"),
        (("compare", "frst"), "'first'"),
        (("compare", "--agent", "eprp", "--task", TASK), "'eprop'"),
        (("bench", "envs", "caudate/DelayedMach-v0"), "DelayedMatch-v0"),
        (("bench", "agents", "eprp"), "'eprop'"),
    ],
)
def test_mistakes_get_one_sentence(cli, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert words in one_sentence(cli(*arguments))
