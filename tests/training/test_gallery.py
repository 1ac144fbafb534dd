"""The list of tasks and their gallery."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from caudate.envs import make_task, task_ids
from caudate.training.cli import app
from caudate.training.errors import UsageError
from caudate.training.gallery import _play, make_gallery

RUN = CliRunner()


def test_list_for_people_and_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert RUN.invoke(app, ["envs", "--json", str(tmp_path / "tasks.json")]).exit_code == 0
    rows = json.loads((tmp_path / "tasks.json").read_text())
    # Yardsticks take seconds: worked out once.
    monkeypatch.setattr("caudate.training.listing.task_table", lambda: rows)
    shown = RUN.invoke(app, ["envs"])
    assert shown.exit_code == 0
    assert {row["id"] for row in rows} == set(task_ids())
    for row in rows:
        assert row["id"] in shown.output
        assert row["summary"].endswith(".")
        assert row["measures"]
        assert set(row["yardsticks"]) >= {"random", "chance", "memoryless", "optimum"}
    for family in ("working memory", "motor timing", "bandits", "other"):
        assert f"{family}\n" in shown.output
    for arguments in (["--json"], ["--json", "-"]):
        assert json.loads(RUN.invoke(app, ["envs", *arguments]).output) == rows
    ids = [row["id"] for row in rows]
    assert ids.index("caudate/NBack-v0") < ids.index("caudate/NBack-Easy-v0")
    with pytest.raises(UsageError, match="--json tasks"):
        RUN.invoke(app, ["envs", "tasks"], catch_exceptions=False)


def test_gallery(tmp_path: Path) -> None:
    ids = ["caudate/ReversalBandit-v0", "caudate/DelayedMatch-v0", "caudate/DelayedMatch-Bench-v0"]
    page = make_gallery(tmp_path, ids, say=lambda text: None)
    text = page.read_text()
    assert text.index("## Working memory") < text.index("## Bandits")
    assert "### DelayedMatch" in text
    assert "Timeline: fixation -> sample" in text
    assert "Defaults: dt 100 ms, fixation 100 ms, sample 200 ms" in text
    assert "Defaults: `p` (0.8, 0.2), `hazard` 0.025." in text  # not summed up in the docstring
    assert (
        "| Observation | Range | Meaning |\n| --- | --- | --- |\n| `go` | 1 | always on |" in text
    )
    assert "\nScore: share of rewarded trials.\n" in text
    assert "doi:10.1126/science.173.3997.652" in text
    assert "| `caudate/DelayedMatch-Bench-v0` | 0.333 | 0.500 | 0.500 | 1.000 |" in text
    for name in ("DelayedMatch", "ReversalBandit"):
        assert f"(tasks/{name}.png)" in text
        assert (tmp_path / "tasks" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
    again = make_gallery(tmp_path / "again", ids, say=lambda text: None)
    assert again.read_text() == text


def test_trials_of_up_to_200_steps_are_shown_whole() -> None:
    assert _play(make_task("caudate/Syllables-v0").env(), 3) == pytest.approx(1)


def test_gallery_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file"):
        make_gallery(tmp_path / "file", ["caudate/DelayedMatch-v0"], say=lambda text: None)


def test_the_page_in_the_docs_is_of_these_tasks() -> None:
    page = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text()
    for task_id in task_ids():
        assert f"`{task_id}`" in page, "run `caudate gallery`"
        assert make_task(task_id).summary in page
