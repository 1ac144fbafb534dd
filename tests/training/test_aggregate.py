"""What all rows of a comparison say together, and when runs reach its criteria."""

import json

import numpy as np
import pytest

from caudate.training import UsageError, compare
from caudate.training.aggregate import LEVELS, aggregate, aggregate_sheets
from caudate.training.aggregate_figure import draw_aggregate
from caudate.training.aggregate_files import write_aggregate
from caudate.training.arrival import arrival_sheet, arrivals
from caudate.training.comparison import restate
from caudate.training.comparison_spec import (
    Comparison,
    Entrant,
    Row,
    comparison_from_names,
    slug,
)
from caudate.training.comparison_status import Status, read_status
from caudate.training.curves import CPU, STEPS, Curve
from caudate.training.docs_page import write_docs
from caudate.training.table import Line, Table

ROWS = ["DelayedMatch-v0", "ReversalBandit-v0"]
MARKS = [
    {"chance": 0.5, "memoryless": 0.5, "optimum": 1.0},
    {"chance": 0.0, "memoryless": 0.0, "optimum": 0.5},
]


def table(scores, *, until=0.9, **options):
    """``scores``: agent -> a list of scores for each row."""
    comparison = Comparison(
        name="few",
        agents=[Entrant(name="eprop", label=agent, seeds=9) for agent in scores],
        rows=[Row(task=f"caudate/{row}", until=until, **options) for row in ROWS],
    )
    lines = [
        Line(ROWS[k], agent, seed, score >= 0.9, "steps", score, score, score, 10, 100 + seed, 2.0,
             MARKS[k])
        for agent, rows in scores.items()
        for k, row in enumerate(rows)
        for seed, score in enumerate(row)
    ]  # fmt: skip
    return Table(comparison, lines)


def curve(label, scores, end):
    x = np.linspace(0, end, len(scores))
    return Curve(label, {STEPS: x, CPU: x / 1000}, np.array(scores, float))


TABLE = table({"a": [[1.0, 0.9], [0.5, 0.25]], "b": [[0.5, 0.75], [0.0, 0.1]]})


def test_rows_are_brought_onto_the_way_from_chance_to_optimum():
    found = aggregate(TABLE, {})
    assert found is not None
    assert found.scores["a"].value == pytest.approx([1.0, 0.8, 1.0, 0.5])
    assert found.scores["a"].task.tolist() == [0, 0, 1, 1]
    assert found.summaries["a"].mean.value == pytest.approx(0.825)
    assert found.summaries["b"].optimality_gap.value == pytest.approx(1 - 0.7 / 4)
    assert found.better["a", "b"].value == 1
    assert found.better["b", "a"].value == 0
    assert found.profiles["a"].middle[LEVELS.searchsorted(0.9)] == 0.5
    texts = aggregate_sheets(found)
    assert texts[0].lines[0][:3] == ["a", "2/2", "4"]
    assert texts[1].lines[0] == ["a", "-", "1.00"]


def test_efficiency_is_on_one_grid_and_keeps_what_ended():
    curves = {
        ROWS[0]: [curve("a", [0.5, 1.0], 100), curve("b", [0.5, 0.5, 0.75], 400)],
        ROWS[1]: [curve("a", [0.0, 0.5], 200)],
    }
    found = aggregate(TABLE, curves)
    assert found is not None
    ours, theirs = found.efficiency[STEPS]["a"], found.efficiency[STEPS]["b"]
    assert ours.x.tolist() == theirs.x[: len(ours.x)].tolist()
    assert ours.x[-1] <= 200 < theirs.x[-1] == 400
    assert not found.logarithmic(STEPS)
    # On the way at 100 steps: the first has arrived, the second is half there.
    at_100 = int(np.abs(ours.x - 100).argmin())
    assert ours.middle[at_100] == pytest.approx(0.75, abs=0.01)
    assert theirs.middle[-1] == pytest.approx(0.5)


def test_one_agent_one_row_or_no_yardsticks_have_no_aggregate():
    assert aggregate(table({"a": [[1.0], [0.5]]}), {}) is None
    assert aggregate(table({"a": [[1.0]], "b": [[1.0]]}), {}) is None
    lines = [*TABLE.lines, Line(ROWS[0], "b", 7, True, "steps", 1, 1, 1, 1, 1, 1.0, {})]
    assert aggregate(Table(TABLE.comparison, lines), {}) is None


def test_agents_are_compared_on_the_tasks_that_they_share():
    found = aggregate(table({"a": [[1.0], [0.5]], "b": [[0.5], []], "c": [[], [0.1]]}), {})
    assert found is not None
    assert ("b", "c") not in found.better
    assert found.better["a", "c"].value == 1
    tasks = [line[1] for line in aggregate_sheets(found)[0].lines]
    assert tasks == ["2/2", "1/2", "1/2"]


def test_arrivals_know_who_was_cut_off():
    found = arrivals(table({"a": [[1.0] * 6, []], "b": [[1.0] + [0.5] * 3, []]}))
    by_agent = {one.agent: one for one in found if one.cost == "steps"}
    assert (by_agent["a"].reached, by_agent["a"].runs) == (6, 6)
    assert by_agent["a"].median.value == 102
    assert by_agent["b"].median == (np.inf, 0, np.inf)
    assert by_agent["a"].until == by_agent["b"].until == 103
    assert by_agent["b"].mean.value == pytest.approx(100 + 0.75 * 3)
    lines = arrival_sheet(found).lines
    assert lines[0][:3] == [ROWS[0], "a", "6/6"]
    assert lines[1][3] == "∞ [0, ∞]"
    assert "(to 103)" in lines[1][4]


def test_the_figure_names_agents_without_a_curve_in_a_panel_of_its_own(monkeypatch, tmp_path):
    figures = []
    monkeypatch.setattr(
        "caudate.training.aggregate_figure.save", lambda figure, _: figures.append(figure)
    )
    curves = {row: [curve("a", [0.1, 0.5], 100), curve("b", [0.2, 0.2], 10)] for row in ROWS}
    for known in (curves, {}):
        found = aggregate(TABLE, known)
        assert found is not None
        draw_aggregate(found, tmp_path / "a.png")
    (profile, steps, cpu, levels), alone = (figure.axes for figure in figures)
    assert [label.get_text() for label in levels.get_yticklabels()] == ["b"]
    for panel in (steps, cpu):
        (line,) = panel.get_lines()
        assert line.get_color() == profile.get_lines()[0].get_color()
    assert len(profile.get_lines()) == 2
    assert len(alone) == 1


def test_files_and_those_of_an_earlier_comparison(tmp_path):
    found = aggregate(TABLE, {ROWS[0]: [curve("a", [0.5, 1.0], 100)]})
    written = write_aggregate(found, arrivals(TABLE), tmp_path / "aggregate")
    assert [path.suffix for path in written] == [".md", ".json", ".png"]
    data = json.loads((tmp_path / "aggregate.json").read_text())
    assert data["over_all_tasks"]["summaries"]["a"]["mean"]["value"] == pytest.approx(0.825)
    assert data["time_to_criterion"][0]["median"]["high"] is None  # two runs bound no median
    assert "| a | 2/2 | 4 |" in (tmp_path / "aggregate.md").read_text()
    assert write_aggregate(None, [], tmp_path / "aggregate") == []
    assert list(tmp_path.iterdir()) == []


def test_the_page_of_the_documentation_gets_a_part_for_all_tasks(tmp_path):
    found = aggregate(TABLE, {})
    write_docs(TABLE, {}, tmp_path / "results", "caudate compare few", found, arrivals(TABLE))
    page = (tmp_path / "results.md").read_text()
    assert "### Over all tasks" in page
    assert "### Probability of improvement" in page
    assert "![Performance profiles over all tasks](results/few.aggregate.png)" in page
    assert (tmp_path / "results/few.aggregate.png").stat().st_size > 1000
    assert json.loads((tmp_path / "results/few.aggregate.json").read_text())["time_to_criterion"]


def test_a_part_of_the_page_can_be_written_again_from_kept_data(tmp_path):
    docs = tmp_path / "results"
    docs.mkdir()
    write_docs(TABLE, {}, docs, "caudate compare few --docs x", aggregate(TABLE, {}))
    picture = docs / f"few-{slug(ROWS[0])}.png"
    picture.write_bytes(b"kept")
    again = restate("few", docs)
    assert again.lines == TABLE.lines
    page = (tmp_path / "results.md").read_text()
    assert "8 runs, 0 CPU-minutes of learning" in page
    assert f"(results/{picture.name})" in page
    assert picture.read_bytes() == b"kept"
    with pytest.raises(UsageError, match=r"There is no .*other.json: run the comparison first"):
        restate("other", docs)
    content = (docs / "few.aggregate.json").read_text()
    (docs / "few.aggregate.json").write_text("[]")
    with pytest.raises(UsageError, match=r"few.aggregate.json does not hold what a comparison"):
        restate("few", docs)
    (docs / "few.aggregate.json").write_text(content)
    (docs / "other.json").write_text('{"comparison": 1}')
    with pytest.raises(UsageError, match=r"other.json does not hold a comparison's results"):
        restate("other", docs)


def test_efficiency_curves_survive_a_part_that_is_written_again(tmp_path):
    docs = tmp_path / "results"
    docs.mkdir()
    found = aggregate(TABLE, {ROWS[0]: [curve("a", [0.5, 1.0], 100)]})
    write_docs(TABLE, {}, docs, "caudate compare few --docs x", found)
    data, picture = docs / "few.aggregate.json", docs / "few.aggregate.png"
    before = json.loads(data.read_text())["over_all_tasks"], picture.read_bytes()
    restate("few", docs)
    assert (json.loads(data.read_text())["over_all_tasks"], picture.read_bytes()) == before
    assert (
        "![Performance profiles and efficiency curves over all"
        in docs.with_suffix(".md").read_text()
    )


def test_no_interval_where_there_is_one_run_and_none_in_wide_matrices():
    one = table({name: [[0.5], [0.25]] for name in "abcdefghi"})
    found = aggregate(one, {})
    assert found is not None
    summary, matrix = aggregate_sheets(found)
    assert summary.lines[0][3] == "0.25"
    assert matrix.lines[0][:3] == ["a", "-", "0.50"]
    assert matrix.note.endswith("Intervals are in the data.")


def test_a_comparison_prints_and_keeps_them(tmp_path):
    comparison = comparison_from_names(
        ["rescorla-wagner", "win-stay-lose-shift"],
        ["caudate/ReversalBandit-v0", "caudate/Bandit-v0"],
        seeds=1,
        steps=300,
    )
    said: list[str] = []
    outcome = compare(comparison, out=tmp_path, jobs=1, say=said.append)
    assert outcome.aggregate is not None
    assert any("probability of improvement" in text for text in said)
    assert (outcome.path / "aggregate.png").read_bytes().startswith(b"\x89PNG")
    assert read_status(outcome.path) == (comparison, {})


def test_a_plan_can_be_read_again_and_failures_are_kept(tmp_path):
    comparison = comparison_from_names(["eprop"], ["caudate/DelayedMatch-v0"], way=0.9)
    Status(tmp_path, comparison).failed("row/eprop-seed0", "no <reason>")
    assert read_status(tmp_path) == (comparison, {"row/eprop-seed0": "no <reason>"})
    for text in ("[]", "{}", "no", '{"comparison": {"name": 1}}'):
        (tmp_path / "comparison.json").write_text(text)
        with pytest.raises(UsageError, match=r"comparison.json is not a comparison's"):
            read_status(tmp_path)
