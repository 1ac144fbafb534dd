"""Comparisons: what they run, what they never run again, and what they write."""

import csv
import json
import shutil

import pytest

from caudate.agents import AgentError
from caudate.training import UsageError, compare, train
from caudate.training.comparison import collect, plan, restate
from caudate.training.comparison_spec import (
    Comparison,
    Entrant,
    Row,
    build_comparison,
    comparison_from_names,
    load_comparison,
)
from caudate.training.docs_page import write_docs
from caudate.training.jobs import DONE, OTHER, RESUME, START, Job
from caudate.training.listing import list_agents
from caudate.training.runs import Run
from caudate.training.table import Line, Table, heading

BENCH = "caudate/DelayedMatch-Bench-v0"

SPEC = """
title = "Small"

[[agents]]
name = "eprop-rate"
label = "small, learns"
seeds = 2
options = { n_neurons = 16 }

[[agents]]
name = "reservoir"
label = "fails"
seeds = 1
options = { n_neurons = 16 }

[[rows]]
label = "match"
task = "caudate/DelayedMatch-Bench-v0"
until = 0.4
steps = 4_000
eval_every = 1_000
options = { "fails" = { optimizer = "no such" } }

[[rows]]
label = "fixed"
task = "caudate/DelayedMatch-Bench-v0"
env = { delay = 200.0 }
steps = 1_000
eval_every = 500
options = { "fails" = { optimizer = "no such" } }
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A comparison of two agents, one of which cannot be built, on two rows."""
    folder = tmp_path_factory.mktemp("comparison")
    spec = folder / "small.toml"
    spec.write_text(SPEC)
    said: list[str] = []
    page = folder / "docs" / "results.md"
    page.parent.mkdir()
    page.write_text("# Ours\n\n<!-- begin: small -->\nold\n<!-- end: small -->\n\nThe end.\n")
    outcome = compare(
        spec, out=folder / "runs", jobs=2, docs=folder / "docs/results", say=said.append
    )
    return folder, outcome, said


def small(folder):
    return load_comparison(folder / "small.toml")


def test_failures_are_told_and_the_rest_goes_on(done):
    _, outcome, said = done
    assert len(outcome.table.lines) == 4
    assert sorted(outcome.failures)[0].startswith("fixed/fails-seed0: ")
    assert len(outcome.failures) == 2
    assert all("optimizer='no such'" in failure for failure in outcome.failures)
    assert sum("failed: " in line and line.startswith("failed") for line in said) == 2


def test_lines_hold_what_the_runs_did(done):
    folder, outcome, _ = done
    for line in outcome.table.lines:
        run = Run.open(folder / f"runs/small/{line.row}/small-learns-seed{line.seed}")
        assert run.config.seed == line.seed
        assert run.config.wandb["mode"] == "off"
        assert run.result is not None
        assert line.steps == run.result["timesteps"]
        assert line.score == run.result["confirmed"]["value"]
        assert line.reached is (None if line.row == "fixed" else True)


def test_files(done):
    _, outcome, _ = done
    rows = list(csv.DictReader((outcome.path / "table.csv").read_text().splitlines()))
    assert [(row["row"], row["seed"]) for row in rows] == [
        ("match", "0"),
        ("match", "1"),
        ("fixed", "0"),
        ("fixed", "1"),
    ]
    assert float(rows[0]["chance"]) == 0.5
    content = json.loads((outcome.path / "table.json").read_text())
    assert len(content["runs"]) == 4
    assert content["summaries"][0]["solved"] == 2
    assert not content["summaries"][0]["costs"]["steps"]["median"]["censored"]
    for name in ("match", "fixed"):
        assert (outcome.path / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_docs_section_is_replaced_and_names_its_command(done):
    folder, outcome, _ = done
    text = (folder / "docs/results.md").read_text()
    assert text.startswith("# Ours\n\n<!-- begin: small -->\n## Small\n")
    assert text.endswith("<!-- end: small -->\n\nThe end.\n")
    assert "old" not in text
    assert f"caudate compare {folder / 'small.toml'} --docs {folder / 'docs/results'}" in text
    lines = outcome.table.lines
    learning, scoring = (
        sum(getattr(line, name) for line in lines) / 60
        for name in ("cpu_seconds", "evaluation_cpu_seconds")
    )
    cost = f"4 runs, {learning:.0f} CPU-minutes of learning and {scoring:.0f} of evaluation"
    assert f"({cost}); one line a run" in text
    assert "A run learns for at most: 30 CPU-seconds." in text
    assert "results/small-match.png" in text
    assert (folder / "docs/results/small-match.png").is_file()
    assert (folder / "docs/results/small.csv").read_text() == (
        outcome.path / "table.csv"
    ).read_text()


def test_finished_runs_are_not_repeated(done):
    folder, outcome, _ = done
    results = sorted(outcome.path.glob("*/*/result.json"))
    before = [path.stat().st_mtime_ns for path in results]
    said: list[str] = []
    again = compare(small(folder), out=folder / "runs", jobs=1, say=said.append)
    assert "6 runs, 4 finished before, 2 to do" in said[0]
    assert [path.stat().st_mtime_ns for path in results] == before
    assert again.table.lines == outcome.table.lines


def test_plan_sees_changed_settings_and_interrupted_runs(done, tmp_path):
    folder, outcome, _ = done
    shutil.copytree(outcome.path, tmp_path / "small")
    comparison = small(folder)
    agent, row = comparison.agents[0], comparison.rows[0]

    def states(agent, row):
        return [state for state, _ in plan(agent, row, tmp_path / "small")]

    assert states(agent, row) == [DONE, DONE]
    assert states(agent, row.model_copy(update={"until": 0.5})) == [OTHER, OTHER]
    assert states(agent, row.model_copy(update={"env": {"n_stim": 4}})) == [OTHER, OTHER]
    assert states(agent.model_copy(update={"options": {"n_neurons": 17}}), row) == [OTHER, OTHER]
    assert states(agent.model_copy(update={"seeds": [1, 5]}), row) == [DONE, START]
    (tmp_path / "small/match/small-learns-seed0/result.json").unlink()
    assert states(agent, row) == [RESUME, DONE]
    (tmp_path / "small/match/small-learns-seed0/checkpoints/last.caudate").unlink()
    assert states(agent, row) == [START, DONE]


def test_runs_with_other_settings_are_replaced_only_when_asked(tmp_path):
    def few(steps, seeds):
        return comparison_from_names(["reservoir"], [BENCH], seeds, steps=steps, name="few")

    def go(comparison, **how):
        return compare(comparison, out=tmp_path, jobs=1, say=lambda text: None, **how).table.lines

    longer = go(few(600, [0, 1]))
    kept = sorted(tmp_path.rglob("*.json*"))
    before = [path.read_bytes() for path in kept]
    place = r"few has 2 of these runs .*\(steps is 600, not 300, in .*/reservoir-seed0\)"
    with pytest.raises(UsageError, match=place):
        go(few(300, [0, 1, 2]))
    assert [path.read_bytes() for path in kept] == before
    assert go(few(600, [0, 1, 2]))[:2] == longer  # what is the same is in nobody's way
    shorter = go(few(300, [0]), overwrite=True)
    assert [line.steps < longer[0].steps for line in shorter] == [True]
    assert go(few(600, [1])) == longer[1:]  # it was not in the plan


def test_a_damaged_result_is_told_and_the_rest_is_shown(done, tmp_path):
    folder, outcome, _ = done
    shutil.copytree(outcome.path, tmp_path / "small")
    for seed, content in enumerate(("{", "[]")):
        (tmp_path / f"small/match/small-learns-seed{seed}/result.json").write_text(content)
    table = collect(small(folder), tmp_path / "small")
    assert [line.row for line in table.lines] == ["fixed", "fixed"]
    assert ["damaged" in failure.reason for failure in table.failures] == [True, True]


def test_an_interrupted_run_is_gone_on_with(tmp_path):
    comparison = comparison_from_names(
        ["eprop-rate"], [BENCH], seeds=[3], until=None, steps=2000, name="one"
    )
    [(_, job)] = plan(comparison.agents[0], comparison.rows[0], tmp_path / "one")
    quiet = {"wandb": "off", "progress": False, "say": lambda text: None}
    train(**job.arguments, out=job.path.parent, name=job.path.name, **quiet)
    metrics = (job.path / "metrics.jsonl").read_bytes()
    (job.path / "result.json").unlink()  # as if it had been killed at its very end
    said: list[str] = []
    outcome = compare(comparison, out=tmp_path, jobs=1, say=said.append)
    assert "0 finished before, 1 to do" in said[0]
    assert outcome.failures == []
    assert [line.seed for line in outcome.table.lines] == [3]
    assert (job.path / "metrics.jsonl").read_bytes() == metrics


def test_runs_are_logged_only_when_asked(monkeypatch, tmp_path):
    given: list[Job] = []
    monkeypatch.setattr("caudate.training.comparison.run_jobs", lambda jobs, *_: given.extend(jobs))
    comparison = comparison_from_names(["eprop-rate"], [BENCH], seeds=1, name="one")
    for wandb in ("off", "offline"):
        compare(comparison, out=tmp_path, wandb=wandb, say=lambda text: None)
    assert [job.wandb.mode for job in given] == ["off", "offline"]
    assert given[1].wandb.group == "one"
    with pytest.raises(UsageError, match="perhaps"):
        compare(comparison, out=tmp_path, wandb="perhaps")


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        ({}, 20),
        ({"steps": 10}, 0),
        ({"steps": 10, "cpu_limit": 5}, 5),
        ({"cpu_limit": 0}, 0),
    ],
)
def test_an_agent_with_a_budget_in_steps_has_no_cpu_limit_of_itself(given, limit):
    assert Entrant(name="ppo", **given).cpu_limit == limit


def test_the_librarys_comparison_is_valid():
    first = load_comparison("first")
    assert [agent.name for agent in first.agents][-1] == "recurrent-ppo"
    assert all(agent.steps for agent in first.agents)
    assert not any(agent.cpu_limit for agent in first.agents)  # the same table on any machine
    assert {row.env.get("hazard") for row in first.rows} == {None, 0.05}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("until = 0.4", "untill = 0.4"), "rows.0.untill"),
        (('"small, learns"', '"fails"'), "more than one entry"),
        (("steps = 1_000\n", ""), "has no end"),
        (('"fails" = {', '"fail" = {'), "did you mean 'fails'"),
        (("seeds = 2", "seeds = 0"), "seeds"),
        (("[[rows]]", "[[rows"), "is not TOML"),
        (("DelayedMatch-Bench", "DelayedMatch-Bnch"), "is unknown"),
        (("delay = 200.0", "dealy = 200.0"), "did you mean 'delay'"),
        (('name = "eprop-rate"', "name = 3"), r"agents\.0\.name"),
        (("seeds = 2", "seeds = []"), r"agents\.0\.seeds: \[\] is no seed at all"),
        (("seeds = 2", "seeds = [4, 1, 4]"), r"agents\.0\.seeds: 4 is there twice"),
        (("until = 0.4", "way = 3.0"), r"rows\.0\.way: Input should be less"),
        (("until = 0.4", "way = true"), r"rows\.0\.way"),
        (("until = 0.4", "way = 0.9\nenv = 3"), r"rows\.0\.env"),
    ],
)
def test_mistakes_in_a_file_are_one_sentence(tmp_path, change, message):
    path = tmp_path / "bad.toml"
    path.write_text(SPEC.replace(change[0], change[1], 1))
    with pytest.raises(ValueError, match=message) as caught:
        load_comparison(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", ["agents", "rows"])
def test_entries_that_are_no_tables_are_named(tmp_path, part):
    content = {"agents": [{"name": "eprop"}], "rows": [{"task": BENCH, "steps": 9}]} | {part: ["x"]}
    with pytest.raises(UsageError, match=rf"at {part}\.0: 'x' must be a table of (name|task), "):
        build_comparison({"name": "few"} | content, "It")


def test_all_of_the_way_may_be_a_whole_number():
    row = Row.model_validate({"task": BENCH, "way": 1, "steps": 9})
    assert row.until == 1.0


def test_families_stand_for_their_tasks_and_ways_for_scores():
    comparison = comparison_from_names(["eprop"], ["working-memory", BENCH], seeds=1)
    rows = {row.task: row for row in comparison.rows}
    assert len(rows) == 14
    assert rows["caudate/DelayedMatch-v0"].until == 0.95  # chance .5, optimum 1
    assert rows["caudate/DelayedResponse-v0"].until == 0.925  # chance .25
    assert comparison_from_names(["eprop"], [BENCH], way=0.5).rows[0].until == 0.75
    assert comparison_from_names(["eprop"], [BENCH], steps=100).rows[0].until is None


def _line(agent: str, seed: int, score: float, steps: int) -> Line:
    marks = {"chance": 0.5, "memoryless": 0.5, "optimum": 1.0}
    reached = score >= 0.95
    ended = "until" if reached else "cpu_limit"
    return Line(
        "DelayedMatch-v0", agent, seed, reached, ended, score, score, score, 10, steps, 2.5, marks
    )


def test_an_overview_has_a_line_a_task_and_counts_what_is_solved(tmp_path):
    comparison = Comparison(
        name="few",
        overview=True,
        agents=[Entrant(name="eprop", seeds=3), Entrant(name="ppo", seeds=1, steps=400_000)],
        rows=[Row(task="caudate/DelayedMatch-v0", way=0.9), Row(task="caudate/NBack-v0", way=0.9)],
    )
    lines = [_line("eprop", seed, score, 2_000_000) for seed, score in enumerate((1, 1, 0.75))]
    table = Table(comparison, [*lines, _line("ppo", 0, 0.6, 400_000)])
    write_docs(table, {}, tmp_path / "results", "caudate compare few")
    page = (tmp_path / "results.md").read_text()
    assert "seeds that reached 90% of the way" in page
    assert "| DelayedMatch | **92%** 2/3, 2 M, 2.5 s | 20% 0/1, >0.4 M, >2.5 s |" in page
    assert "| **tasks solved by most seeds** | **1** of 1 | **0** of 1 |" in page
    assert "(4 runs, 0 CPU-minutes of learning); one line" in page  # of evaluation nothing is known
    assert "A run learns for at most: ppo 400,000 steps; the others 30 CPU-seconds." in page
    assert "results/few.png" in page
    assert (tmp_path / "results" / "few.png").stat().st_size > 1000
    assert "NBack" not in page  # no run has ended there


def test_headings_tell_how_often_a_goal_is_tested():
    row = Row(task=BENCH, until=0.9)
    assert "on 500 greedy trials, confirmed on 1,000 others" in heading(row, {})
    row = Row(task="CartPole-v1", until=100.0)
    assert "on 20 greedy episodes, confirmed on 20 others" in heading(row, {})


def test_a_file_is_restated_under_its_own_name(done, tmp_path):
    folder, outcome, _ = done
    docs = tmp_path / "results"
    shutil.copytree(folder / "docs/results", docs)
    assert restate(str(folder / "small.toml"), docs).lines == outcome.table.lines
    made = f"Made by `caudate compare {folder / 'small.toml'} --docs {docs}`"
    assert made in (tmp_path / "results.md").read_text()


def test_an_overview_needs_yardsticks():
    row = {"task": "CartPole-v1", "until": 100.0}
    comparison = Comparison(
        name="x", overview=True, agents=[Entrant(name="eprop")], rows=[Row(**row)]
    )
    with pytest.raises(UsageError, match="has no yardsticks, which overview needs"):
        comparison.check()


def test_agents_may_have_budgets_and_rows_of_their_own(tmp_path):
    rows = [Row(task=BENCH, steps=5_000), Row(task="caudate/ReversalBandit-v0", steps=300)]
    learner = Entrant(name="kalman", steps=1_000, seeds=1, rows=["ReversalBandit-v0"])
    network = Entrant(name="eprop-rate", steps=1_000)
    assert [learner.takes_part(row) for row in rows] == [False, True]
    assert [network.budget(row) for row in rows] == [1_000, 300]
    assert plan(learner, rows[1], tmp_path)[0][1].arguments["steps"] == 300
    outcome = compare(
        Comparison(name="own", agents=[learner], rows=rows), out=tmp_path, say=lambda text: None
    )
    assert [line.row for line in outcome.table.lines] == ["ReversalBandit-v0"]
    wrong = Comparison(name="x", agents=[Entrant(name="kalman", rows=["Reversal"])], rows=rows)
    with pytest.raises(UsageError, match="'kalman' takes part in 'Reversal'"):
        wrong.check()


def test_ideal_observers_are_marked():
    assert Entrant(name="observer").label == "observer (ideal observer)"
    assert Entrant(name="observer", label="the ideal").label == "the ideal"
    assert Entrant(name="kalman").label == "kalman"
    assert "ideal" in next(line for line in list_agents().splitlines() if "observer " in line[:9])


def test_mistakes_in_names():
    with pytest.raises(UsageError, match="did you mean 'first'"):
        load_comparison("frist")
    with pytest.raises(UsageError, match="Cannot read"):
        load_comparison("nowhere/spec.toml")
    with pytest.raises(AgentError, match="did you mean 'eprop'"):
        comparison_from_names(["eporp"], [BENCH])
    with pytest.raises(UsageError, match="did you mean 'caudate/DelayedMatch-v0'"):
        comparison_from_names(["eprop"], ["caudate/DelayedMach-v0"])
    with pytest.raises(UsageError, match="has no yardsticks for way"):
        comparison_from_names(["eprop"], ["CartPole-v1"])
    with pytest.raises(UsageError, match="until and way exclude each other"):
        comparison_from_names(["eprop"], [BENCH], until=0.9, way=0.9)
    with pytest.raises(UsageError, match="jobs=0"):
        compare("first", jobs=0)
