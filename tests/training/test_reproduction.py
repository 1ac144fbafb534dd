"""The machinery of ``caudate reproduce``, with a small paper of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from caudate.training import UsageError, reproduce
from caudate.training.reproduction import Claim, Experiment, Paper
from caudate.training.reproductions import load_paper, paper_names

from .conftest import one_sentence

CALLS: list[tuple[str, bool]] = []


def experiment(name: str, value: float, **settings: Any) -> Experiment:
    def measure(quick: bool) -> dict[str, Any]:
        CALLS.append((name, quick))
        if value < 0:
            raise KeyboardInterrupt
        return {"value": value, "pair": (1, 2)}

    def claims(result: dict[str, Any]) -> list[Claim]:
        assert result["pair"] == [1, 2]  # as JSON gives it back, measured or stored
        return [Claim(f"|{name}| is small", "< 1", f"{result['value']:g}", result["value"] < 1)]

    def draw(result: dict[str, Any], folder: Path) -> list[Path]:
        picture = folder / f"{name}.png"
        picture.write_bytes(b"picture")
        return [picture]

    return Experiment(name, f"The {name} experiment", measure, claims, draw, settings)


def paper(*values: float, **settings: Any) -> Paper:
    names = ("first", "second", "third")
    experiments = tuple(
        experiment(name, value, **settings) for name, value in zip(names, values, strict=False)
    )
    return Paper("test1999", "A test", "Test (1999), doi:10.1/x", 1.0, experiments)


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


def test_claims_are_printed_and_kept_as_json(tmp_path):
    lines: list[str] = []
    file = tmp_path / "claims.json"
    found = reproduce(paper(0.5, 2.0), out=tmp_path, json_file=file, say=lines.append)
    assert not found.passed
    text = "\n".join(lines)
    assert "pass  |first| is small" in text
    assert "FAIL  |second| is small" in text
    assert "expected < 1; measured 2" in text
    assert "1 of 2 claims hold" in text
    content = json.loads(file.read_text())
    assert content["passed"] is False
    assert [e["claims"][0]["passed"] for e in content["experiments"]] == [True, False]
    assert (tmp_path / "reproduce-test1999" / "figures" / "first.png").is_file()


def test_finished_experiments_are_not_repeated(tmp_path):
    reproduce(paper(0.5, 0.6), out=tmp_path, say=lambda text: None)
    reproduce(paper(0.5, 0.6), out=tmp_path, say=lambda text: None)
    assert CALLS == [("first", False), ("second", False)]
    reproduce(paper(0.5, 0.6), out=tmp_path, only=["second"], fresh=True, say=lambda text: None)
    assert CALLS[2:] == [("second", False)]
    reproduce(paper(0.5, 0.6, seeds=3), out=tmp_path, only=["first"], say=lambda text: None)
    assert CALLS[3:] == [("first", False)]  # other settings
    reproduce(paper(0.5, 0.6), out=tmp_path, quick=True, say=lambda text: None)
    assert CALLS[4:] == [("first", True), ("second", True)]


def test_an_unreadable_result_is_measured_again(tmp_path):
    reproduce(paper(0.5), out=tmp_path, say=lambda text: None)
    (tmp_path / "reproduce-test1999" / "first.json").write_text("{")
    reproduce(paper(0.5), out=tmp_path, say=lambda text: None)
    assert len(CALLS) == 2


def test_what_was_finished_before_an_interruption_stays(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        reproduce(paper(0.5, -1.0), out=tmp_path, say=lambda text: None)
    reproduce(paper(0.5, 0.6), out=tmp_path, say=lambda text: None)
    assert [name for name, _ in CALLS] == ["first", "second", "second"]


def test_documentation_gets_table_and_figures(tmp_path):
    page = tmp_path / "docs" / "reproductions.md"
    for _ in range(2):  # written again, not twice
        reproduce(paper(0.5, 2.0), out=tmp_path, docs=page.with_suffix(""), say=lambda text: None)
    text = page.read_text()
    assert text.startswith("# Reproductions")
    assert text.count("## A test") == 1
    assert "caudate reproduce test1999 --docs" in text
    assert r"| \|first\| is small | < 1 | 0.5 | pass |" in text
    assert r"| \|second\| is small | < 1 | 2 | **fail** |" in text
    assert "![The first experiment](reproductions/test1999-first.png)" in text
    assert (tmp_path / "docs" / "reproductions" / "test1999-first.png").is_file()


def test_mistakes_get_one_sentence(tmp_path):
    mistakes: tuple[tuple[dict[str, Any], str], ...] = (
        ({"paper": "zuge2032"}, "did you mean 'zuge2023'"),
        ({"paper": paper(0.5), "only": ["frist"]}, "did you mean 'first'"),
        ({"paper": paper(0.5), "quick": True, "docs": tmp_path}, "leave out only and quick"),
    )
    for wrong, words in mistakes:
        with pytest.raises(UsageError, match=words):
            reproduce(**wrong, out=tmp_path, say=lambda text: None)
    assert not CALLS


def test_command_line(cli, tmp_path, monkeypatch):
    made = paper(0.5, 2.0)
    monkeypatch.setattr("caudate.training.reproductions.load_paper", lambda name: made)
    file = tmp_path / "claims.json"
    outcome = cli("reproduce", "test1999", "--out", tmp_path, "--json", file)
    assert outcome.code == 1
    assert file.is_file()
    assert cli("reproduce", "test1999", "--only", "first", "--out", tmp_path).code == 0
    assert "first, second" in cli("reproduce").out
    broken = paper(-1.0)
    monkeypatch.setattr("caudate.training.reproductions.load_paper", lambda name: broken)
    outcome = cli("reproduce", "test1999", "--fresh", "--out", tmp_path)
    assert outcome.code == 130
    assert "interrupted" in outcome.out


def test_command_line_mistakes(cli):
    assert "'nobody1900' is unknown" in one_sentence(cli("reproduce", "nobody1900"))


@pytest.mark.parametrize("name", paper_names())
def test_papers_that_come_with_the_library_are_whole(name):
    found = load_paper(name)
    assert found.name == name
    assert "doi:" in found.reference
    names = [e.name for e in found.experiments]
    assert len(set(names)) == len(names) > 0
