"""Learning curves and watching: they draw what the runs recorded."""

import json
import re

import gymnasium as gym
import numpy as np
import pytest

from caudate.training import UsageError
from caudate.training.curves import CPU, STEPS, Curve, band, group, read_curve, wants_log
from caudate.training.pictures import agent_looks
from caudate.training.plotting import draw_curves, plot
from caudate.training.runs import Run
from caudate.training.watching import watch

from .conftest import small_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [small_run(folder / str(seed), seed=seed).path for seed in (0, 1)]


def curve(label, scores, step=100.0):
    x = step * np.arange(len(scores))
    return Curve(label, {STEPS: x, CPU: x / 1000}, np.array(scores))


def is_png(path):
    return path.read_bytes().startswith(b"\x89PNG")


def test_read_curve_is_what_was_recorded(runs):
    run = Run.open(runs[0])
    found = read_curve(run)
    assert found is not None
    assert found.label == "eprop-rate"
    assert found.score.tolist() == [record["score"] for record in run.records()]
    assert found.x[CPU].tolist() == [r["cpu_seconds"] for r in run.records("timing.jsonl")]


def test_band_summarises_seeds_and_holds_the_last_score():
    curves = [curve("a", [0.0, 1.0]), curve("a", [0.0, 1.0, 1.0])]
    found = band(curves, STEPS, log=False)
    assert (found.x[0], found.x[-1], found.n) == (0, 200, 2)
    assert found.middle == pytest.approx(np.clip(found.x / 100, 0, 1))
    assert found.low == pytest.approx(found.middle)
    many = band([curve("a", [s, s]) for s in (0.2, 0.4, 0.6, 0.8)], STEPS, log=False)
    assert many.middle == pytest.approx(0.5)
    assert many.low[0] < 0.5 < many.high[0]


def test_log_axes_where_one_group_needs_far_more():
    near = group([curve("a", [0, 1]), curve("b", [0, 1, 1])])
    far = group([curve("a", [0, 1]), curve("b", [0, 1], step=1e4)])
    assert list(far) == ["a", "b"]
    assert not wants_log(near.values(), STEPS)
    assert wants_log(far.values(), STEPS)
    assert band(far["b"], STEPS, log=True).x[0] == 1e4


def test_plot_writes_into_the_first_run(runs):
    path = plot(runs)
    assert path == runs[0] / "figures" / "learning-curve.png"
    assert is_png(path)


def test_a_killed_run_can_be_plotted(tmp_path):
    run = Run.open(small_run(tmp_path, steps=600).path)
    whole = read_curve(run)
    with run.metrics.open("a") as file:
        file.write('{"timesteps": 1')
    found = read_curve(run)
    assert found is not None
    assert whole is not None
    assert np.array_equal(found.score, whole.score)


def test_plot_other_format_and_return(runs, tmp_path):
    assert plot(runs[0], tmp_path / "new" / "a.svg").read_text().startswith("<?xml")
    curves = [curve(f"agent {i}", [0, 10 * i, 300]) for i in range(9)]
    draw_curves(curves, tmp_path / "b.png", title="nine", marks={}, kind="return")
    assert is_png(tmp_path / "b.png")


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved."""
    figures = []
    monkeypatch.setattr("caudate.training.plotting.save", lambda figure, _: figures.append(figure))
    return figures


def test_looks_of_agents_differ_and_stay():
    labels = [f"agent {i}" for i in range(20)]
    looks = agent_looks(labels)
    assert len(set(looks.values())) == 20
    assert agent_looks(labels[:9]) == {label: looks[label] for label in labels[:9]}


def test_an_agent_looks_the_same_in_every_picture_of_a_comparison(drawn, tmp_path):
    labels = [f"agent {i}" for i in range(9)]
    for some in (labels, labels[7:]):
        curves = [curve(label, [0, 0.5, 1]) for label in some]
        draw_curves(curves, tmp_path / "a.png", title="", marks={}, labels=labels)
    whole, part = (
        {line.get_label(): line for line in figure.axes[0].get_lines()} for figure in drawn
    )
    for name, line in part.items():
        assert line.get_color() == whole[name].get_color()
        assert line.get_linestyle() == whole[name].get_linestyle()
        assert line.get_marker() == whole[name].get_marker()
    assert len(part) == 2


def test_agents_without_a_curve_have_a_panel_with_their_names(drawn, tmp_path):
    learns = [curve("learns", [0, 0.5, 1])]
    still = [curve("knows", [0.7, 0.7]), curve("new", [0.2])]
    where = tmp_path / "a.png"
    draw_curves(learns + still, where, title="", marks={"chance": 0.5})
    draw_curves(learns, where, title="", marks={})
    draw_curves(still, where, title="", marks={})
    draw_curves([curve("stuck", [0.0] * 9)], where, title="", marks={})
    both, curves, levels, stuck = drawn
    names = [label.get_text() for label in both.axes[2].get_yticklabels()]
    assert names == ["knows", "new"]
    values = [line.get_xdata()[0] for line in both.axes[2].get_lines() if line.get_marker() == "o"]
    assert values == [0.7, 0.2]
    assert [text.get_text() for text in both.legends[0].get_texts()] == ["learns (1 seed)"]
    assert [len(figure.axes) for figure in (curves, levels, stuck)] == [2, 1, 2]


def test_mistakes_in_plot(runs, tmp_path):
    with pytest.raises(UsageError, match="nothing to plot"):
        plot([])
    with pytest.raises(UsageError, match="Cannot write"):
        plot(runs, tmp_path / "a.nosuchformat")
    other = small_run(tmp_path, env_kwargs={"n_stim": 4}, steps=600)
    with pytest.raises(UsageError, match="another task"):
        plot([runs[0], other.path])
    (other.path / "metrics.jsonl").write_text("half a line\nand more\n")
    with pytest.raises(UsageError, match=r"Cannot read .*metrics\.jsonl"):
        plot(other.path)
    (other.path / "metrics.jsonl").write_text("")
    with pytest.raises(UsageError, match="no record yet"):
        plot(other.path)


def test_watch_tells_every_step_and_draws(runs):
    said: list[str] = []
    path = watch(runs[0], trials=2, say=said.append)
    assert path == runs[0] / "figures" / "watch.png"
    assert is_png(path)
    steps = [line for line in said if " ms  " in line]
    assert len(steps) >= 2 * 10
    assert steps[0].split()[:3] == ["0", "ms", "fixation"]
    assert any("stim_" in line for line in steps)
    assert sum(line.startswith("correct ") for line in said) == 2
    again: list[str] = []
    watch(runs[0], trials=2, say=again.append)
    assert again == said


@pytest.mark.parametrize(
    ("task", "shown"),
    [
        ("caudate/DelayedEstimation-v0", r" cosine=-?\d\.\d\d sine=-?\d\.\d\d  "),
        ("caudate/WaveformTracking-v0", r" output=-?\d\.\d\d  "),
        ("caudate/FlipFlop-Levels-v0", r"( bit_\d=-?\d\.\d\d){3}  "),
    ],
)
def test_watch_shows_vector_actions_by_their_components(tmp_path, task, shown):
    run = small_run(tmp_path, task, steps=100)
    said: list[str] = []
    assert is_png(watch(run.path, say=said.append))
    steps = [line for line in said if " ms  " in line]
    assert steps
    assert all(re.search(shown, line) for line in steps), steps[0]


def test_watch_stops_after_the_steps_it_may_take(runs):
    said: list[str] = []
    watch(runs[0], trials=100, max_steps=3, say=said.append)
    assert sum(" ms  " in line for line in said) == 3


def test_mistakes_in_watch(runs, nan_env, tmp_path):
    with pytest.raises(UsageError, match="trials=0"):
        watch(runs[0], trials=0)
    with pytest.raises(UsageError, match="no run folder"):
        watch(tmp_path / "nowhere")
    run = small_run(tmp_path, steps=600)
    config = json.loads((run.path / "config.json").read_text())
    (run.path / "config.json").write_text(json.dumps(config | {"env_id": nan_env}))
    with pytest.raises(UsageError, match="cannot be drawn"):
        watch(run.path)


def test_a_package_that_drawing_needs_is_named(runs, monkeypatch):
    def missing(env):
        raise gym.error.DependencyNotInstalled("pygame is not installed")

    monkeypatch.setattr("caudate.envs.core.env.TaskEnv.render", missing)
    with pytest.raises(UsageError, match="cannot be drawn: pygame is not installed"):
        watch(runs[0])
