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
    arguments = (
        "compare",
        "--agents",
        "eprop-rate,reservoir",
        "--tasks",
        TASK,
        "--seeds",
        1,
        "--steps",
        800,
    )
    first = cli(*arguments, "--jobs", 1, "--out", tmp_path)
    assert first.code == 0, first
    assert "2 to do" in first.out
    assert "0 to do" in cli(*arguments, "--jobs", 1, "--out", tmp_path).out


@pytest.mark.parametrize(
    ("what", "named"), [("envs", TASK), ("agents", "eprop"), ("perturbation", 7)]
)
def test_bench_passes_its_options_on(cli, tmp_path, monkeypatch, what, named):
    calls = []
    monkeypatch.setattr(
        f"caudate.training.bench_{what}.bench_{what}",
        lambda *args, **more: calls.append((args, more)),
    )
    file = tmp_path / "speed.json"
    assert cli("bench", what, named, "--seconds", 0.5, "--json", file).code == 0
    ((arguments, more),) = calls
    assert arguments[0] == [named]
    assert (more["seconds"], more["json_file"]) == (0.5, file)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plot", "nowhere"), "nowhere"),
        (("watch", "."), "config.json"),
        (("compare",), "--agents and --tasks"),
        (("compare", "--agents", "eprop,,bptt", "--tasks", TASK), "--agents eprop,,bptt"),
        (("compare", "--agents", "eprop,eprop", "--tasks", TASK), "more than one entry"),
        (("compare", "frst"), "'first'"),
        (("compare", "--agents", "eprp", "--tasks", TASK), "'eprop'"),
        (("bench", "envs", "caudate/DelayedMach-v0"), "DelayedMatch-v0"),
        (("bench", "agents", "eprp"), "'eprop'"),
    ],
)
def test_mistakes_get_one_sentence(cli, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert words in one_sentence(cli(*arguments))
