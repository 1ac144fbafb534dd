"""Produced intervals: measured, tabulated in comparisons, drawn."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from caudate.envs import TaskError, collect_trials
from caudate.training import UsageError, train
from caudate.training.comparison import compare, restate
from caudate.training.comparison_spec import build_comparison
from caudate.training.inside import look_inside
from caudate.training.produced import (
    Produced,
    play_intervals,
    produced_intervals,
    produces_intervals,
)

from .conftest import one_sentence

PRESS = "caudate/IntervalProduction-TimedPress-v0"
QUIET: dict[str, Any] = {"eval_every": 400, "wandb": "off", "progress": False}
SMALL: dict[str, Any] = {"num_envs": 8, "steps": 500} | QUIET


def test_which_tasks_produce_intervals():
    for name, answer in (
        ("IntervalProduction-v0", True),
        ("IntervalReproduction-v0", True),
        ("SyncContinuation-v0", True),
        ("RhythmProduction-Two-v0", True),
        ("WaveformTracking-v0", False),
        ("DelayedMatch-v0", False),
    ):
        assert produces_intervals(f"caudate/{name}") is answer, name
    assert not produces_intervals("CartPole-v1")


@pytest.mark.parametrize(
    ("task", "targets"),
    [
        ("IntervalProduction-v0", [500, 1000, 1500, 2000]),
        ("SyncContinuation-v0", [400, 500, 600]),
        ("RhythmProduction-v0", [300, 450, 600, 900]),
    ],
)
def test_oracles_produce_what_is_asked_for(task, targets):
    found = produced_intervals(collect_trials(f"caudate/{task}", n_trials=60))
    assert [level.target_ms for level in found.summary()] == targets
    for level in found.summary():
        assert (level.median_ms, level.mad_ms, level.omitted) == (level.target_ms, 0, 0)
    assert found.weber() == (0.0, 0.0, 0.0)


def test_taps_that_are_left_out_keep_their_targets():
    table = dict(collect_trials("caudate/RhythmProduction-v0", n_trials=40))
    for name in ("tap_1_ms", "error_1_ms"):
        table[name] = np.where(np.arange(40) < 20, np.nan, table[name])
    levels = produced_intervals(table).summary()
    assert sum(level.n for level in levels) == 40 * 3 - 2 * 20
    # Those of 600 and 900 ms lie between the last two taps.
    assert [level.omitted > 0 for level in levels] == [True, True, False, False]


def test_weber_fraction_and_deviations():
    rng = np.random.default_rng(0)
    target = np.repeat([400.0, 800.0], 400)
    found = Produced(target, target * (1 + 0.1 * rng.standard_normal(800)))
    weber, low, high = found.weber() or (0, 0, 0)
    assert low < 0.1 < high
    assert abs(weber - 0.1) < 0.01
    for level in found.summary():
        assert abs(level.mad_ms / (0.0674 * level.target_ms) - 1) < 0.15
    again = Produced.of_lists(*json.loads(json.dumps(found.to_lists())))
    np.testing.assert_array_equal(again.made_ms, found.made_ms)


def test_no_intervals():
    nothing = Produced(np.array([400.0, 400.0]), np.full(2, np.nan))
    assert nothing.weber() is None
    [level] = nothing.summary()
    assert (level.n, level.omitted) == (0, 1.0)
    with pytest.raises(TaskError, match="no produced intervals"):
        produced_intervals({"correct": np.ones(3)})


def test_a_comparison_has_a_table_of_intervals(tmp_path):
    spec = build_comparison(
        {
            "name": "small",
            "intervals": True,
            "agents": [
                {"name": name, "seeds": 1} for name in ("oracle-clock", "leaky-clock", "eprop-rate")
            ],
            "rows": [
                {"task": PRESS, "steps": 300},
                {"task": "caudate/WaveformTracking-v0", "steps": 300, "env": {"track": 500}},
            ],
        },
        "It",
    )
    said: list[str] = []
    docs = tmp_path / "docs" / "results"
    outcome = compare(spec, out=tmp_path, jobs=1, docs=docs, say=said.append)
    assert not outcome.failures
    text = "\n".join(said)
    assert text.count("produced intervals") == 2  # heading and note of one row
    assert "400 ms" in text
    kept = list((tmp_path / "small").rglob("intervals.json"))
    assert len(kept) == 3
    page = docs.with_name("results.md").read_text()
    assert "Weber fraction" in page
    times = [path.stat().st_mtime_ns for path in kept]
    compare(spec, out=tmp_path, jobs=1, docs=docs, say=said.append)
    assert [path.stat().st_mtime_ns for path in kept] == times  # not played again
    assert (tmp_path / "small" / "intervals.md").is_file()
    restate("small", docs)
    assert "Weber fraction" in docs.with_name("results.md").read_text()


@pytest.mark.parametrize(
    ("task", "options"),
    [
        (PRESS, {}),
        ("caudate/SyncContinuation-v0", {"measure_units": 4}),
        ("caudate/RhythmProduction-v0", {}),
        ("caudate/WaveformTracking-v0", {"modulator": "critic"}),
    ],
)
def test_inside_an_agent_with_a_clock(tmp_path, task, options):
    run = train("oracle-clock", task, options=options, out=tmp_path, preset="none", **SMALL).path
    picture = look_inside(run, say=lambda text: None)
    assert picture == run / "figures" / "inside.png"
    assert picture.stat().st_size > 10_000
    with pytest.raises(UsageError, match="no neurons that learn: leave out --unit"):
        look_inside(run, units=[0])


def test_inside_needs_right_answers(tmp_path, cli):
    options = {"cues": "0", "step_ms": 20.0}
    run = train(
        "oracle-clock", "CartPole-v1", options=options, out=tmp_path, num_envs=2, steps=40, **QUIET
    ).path
    outcome = cli("watch", run, "--inside")
    assert "CartPole-v1 is not a task of this library" in one_sentence(outcome)


def test_an_agent_plays_for_its_intervals(tmp_path):
    run = train("leaky-clock", PRESS, out=tmp_path, **SMALL).path
    from caudate.agents import load_agent

    found = play_intervals(load_agent(run / "checkpoints" / "last.caudate"), PRESS, {}, 30, False)
    assert len(found.made_ms) == 30
