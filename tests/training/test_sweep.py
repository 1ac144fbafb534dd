"""Sweeps: what they expand to, what they find, what they refuse."""

from __future__ import annotations

import json
import math
import tomllib

import pytest

from caudate.training import UsageError
from caudate.training.comparison import Outcome
from caudate.training.comparison_spec import Entrant, Row, slug
from caudate.training.points import Point
from caudate.training.presets import Preset, find_preset
from caudate.training.runs import Run
from caudate.training.sweep import Best, best_settings, preset_text, sweep
from caudate.training.sweep_spec import expand, load_sweep, sweep_from_flags
from caudate.training.table import Failure, Line, Table, cell_texts

from .conftest import one_sentence

BENCH = "caudate/DelayedMatch-Bench-v0"

FILE = """
[sweep]
agents = ["eprop-rate", "reservoir"]
tasks = ["caudate/DelayedMatch-Bench-v0"]
seeds = 2
steps = 400

[sweep.grid]
n_neurons = [8, 16]

[sweep.grid.eprop-rate]
entropy_coef = [0.0, 0.1]

[sweep.env_grid]
delay = [200.0, 300.0]
"""


def load(tmp_path, old: str = "", new: str = ""):
    path = tmp_path / "small.toml"
    assert old in FILE
    path.write_text(FILE.replace(old, new, 1) if old else FILE)
    return load_sweep(path)


def test_a_file_becomes_a_comparison(tmp_path):
    comparison = expand(load(tmp_path))
    assert comparison.name == "small"
    assert [agent.label for agent in comparison.agents] == [
        "eprop-rate n_neurons=8 entropy_coef=0",
        "eprop-rate n_neurons=8 entropy_coef=0.1",
        "eprop-rate n_neurons=16 entropy_coef=0",
        "eprop-rate n_neurons=16 entropy_coef=0.1",
        "reservoir n_neurons=8",
        "reservoir n_neurons=16",
    ]
    assert comparison.agents[1].options == {"n_neurons": 8, "entropy_coef": 0.1}
    assert comparison.agents[1].seed_list == [0, 1]
    assert [row.label for row in comparison.rows] == [
        "DelayedMatch-Bench-v0 delay=200",
        "DelayedMatch-Bench-v0 delay=300",
    ]
    assert comparison.rows[1].env == {"delay": 300.0}
    assert comparison.rows[1].budget == 400


def test_flags_say_the_same(tmp_path):
    flags = sweep_from_flags(
        ["eprop-rate", "reservoir"],
        [BENCH],
        ["n_neurons=8,16", "eprop-rate.entropy_coef=0,.1"],
        ["delay=200.0,300.0"],
        seeds=2,
        steps=400,
        name="small",
    )
    assert expand(flags) == expand(load(tmp_path))


def test_values_may_have_commas_and_signs():
    found = sweep_from_flags(
        ["eprop"], [BENCH], ["tau_membrane=(1,2),(2, 3)", "initial_log_std=-1,1"], [], steps=1
    )
    assert found.grid["eprop"]["tau_membrane"] == [[1.0, 2.0], [2.0, 3.0]]
    labels = [agent.label for agent in expand(found).agents]
    assert labels[0] == "eprop tau_membrane=[1.0, 2.0] initial_log_std=-1"
    assert slug(labels[0]) == "eprop-tau-membrane-1.0-2.0-initial-log-std-minus-1"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "tiny.toml").write_text(
        FILE.replace("[8, 16]", "[8]")
        .replace("[200.0, 300.0]", "[200.0]")
        .replace("= 2\n", "= 1\n")
    )
    said: list[str] = []
    outcome, best = sweep(
        folder / "tiny.toml", command="caudate sweep tiny", out=folder, jobs=1, say=said.append
    )
    return outcome, best, said


def test_the_best_are_presets(done):
    outcome, best, said = done
    assert [one.entrant.name for one in best] == ["eprop-rate", "reservoir"]
    assert sum(line.startswith("best: DelayedMatch-Bench-v0, ") for line in said) == 2
    file = outcome.path / "best.toml"
    table = tomllib.loads(file.read_text())["DelayedMatch-Bench-v0"]["eprop-rate"]
    assert table["command"] == "caudate sweep tiny"
    assert table["score"] == best[0].score
    preset = find_preset("eprop-rate", BENCH, str(file))
    assert preset.options == find_preset("eprop-rate", BENCH).options | best[0].entrant.options
    assert preset.steps == 400


def test_presets_of_agents_named_by_their_modules_can_be_used(tmp_path):
    agent, command = "my.agents:Mine", "caudate sweep \U0001f600"
    entrant = Entrant.model_construct(name=agent, options={"kernel": "", "gain": math.inf})
    row = Row(task=BENCH, steps=9)
    file = tmp_path / "best.toml"
    file.write_text(preset_text([Best(entrant, [row], "0.9")], command), "utf-8")
    found = find_preset(agent, BENCH, str(file))
    assert found == Preset({"kernel": "", "gain": math.inf}, steps=9)
    assert command in file.read_text("utf-8")


def test_runs_are_those_of_a_comparison(done):
    outcome, _, said = done
    assert "3 runs, 0 finished before, 3 to do" in said[0]
    path = "delayedmatch-bench-v0-delay-200/reservoir-n-neurons-8-seed0"
    config = Run.open(outcome.path / path).config
    assert config.options["n_neurons"] == 8
    assert config.env_kwargs["delay"] == 200.0
    assert any(line.startswith("3 runs in ") for line in said)
    assert outcome.costs["cpu_seconds"] > 0


def line(row: str, agent: str, seed: int, score: float, steps: int, reached=None) -> Line:
    marks = {"chance": 0.5, "optimum": 1.0}
    return Line(row, agent, seed, reached, "steps", score, score, score, 1, steps, 1.0, marks)


def test_tables_go_from_best_to_worst():
    spec = sweep_from_flags(["eprop-rate"], [BENCH], ["n_neurons=8,16,32"], [], seeds=2, steps=9)
    comparison = expand(spec)
    labels = [agent.label for agent in comparison.agents]
    scores = zip(labels, (0.6, 0.9, 0.7), strict=True)
    row = comparison.rows[0].label
    lines = [line(row, label, seed, score, 9) for label, score in scores for seed in (0, 1)]
    table = Table(comparison, lines)
    assert [cell.agent[-2:] for cell in table.cells(comparison.rows[0])] == ["16", "32", "=8"]
    assert best_settings(table)[0].entrant.label == labels[1]
    assert best_settings(table)[0].score == "0.900 [0.900, 0.900] over 2 seeds"


def test_goals_count_before_steps_and_steps_before_scores():
    spec = sweep_from_flags(
        ["eprop-rate"], [BENCH], ["n_neurons=8,16,32"], [], seeds=2, steps=9, until=0.9
    )
    comparison = expand(spec)
    eight, sixteen, more = (agent.label for agent in comparison.agents)
    row = comparison.rows[0].label
    lines = [
        line(row, eight, 0, 1.0, 5, True),
        line(row, eight, 1, 0.5, 9, False),
        line(row, sixteen, 0, 0.92, 7, True),
        line(row, sixteen, 1, 0.92, 7, True),
        line(row, more, 0, 1.0, 8, True),
        line(row, more, 1, 1.0, 8, True),
    ]
    table = Table(comparison, lines)
    assert [cell.agent for cell in table.cells(comparison.rows[0])] == [sixteen, more, eight]
    assert best_settings(table)[0].score.startswith("0.9 reached by 2 of 2 seeds, score 0.920")


def three(**ends):
    grid = ["n_neurons=8,16,32"]
    comparison = expand(sweep_from_flags(["eprop-rate"], [BENCH], grid, [], seeds=3, **ends))
    return comparison, comparison.rows[0].label, [agent.label for agent in comparison.agents]


def test_failed_seeds_count_against_a_setting():
    comparison, row, (eight, sixteen, _) = three(steps=9, until=0.9)
    lines = [line(row, eight, 0, 1.0, 5, True)]
    lines += [line(row, sixteen, seed, 0.92, 9, seed < 2) for seed in range(3)]
    failed = [Failure(row, eight, seed, "NaN") for seed in (1, 2)]
    table = Table(comparison, lines, failed)
    (best,) = best_settings(table)
    assert best.entrant.label == sixteen
    assert cell_texts(comparison.rows[0], table.cells(comparison.rows[0])[1], {})[1] == (
        "1/1 (2 failed)"
    )
    comparison, row, (eight, sixteen, _) = three(steps=9)
    lines = [line(row, eight, 0, 1.0, 9), *(line(row, sixteen, seed, 0.6, 9) for seed in range(3))]
    (best,) = best_settings(Table(comparison, lines, failed))
    assert best.entrant.label == sixteen


def test_of_settings_that_nobody_finished_with_the_score_is_best():
    comparison, row, (eight, sixteen, more) = three(steps=90_000, until=0.9)
    lines = []
    for label, score, steps in ((eight, 0.5, 5_000), (sixteen, 0.89, 50_000), (more, 0.7, 20_000)):
        lines += [line(row, label, seed, score, steps, False) for seed in range(3)]
    table = Table(comparison, lines)
    assert [cell.agent for cell in table.cells(comparison.rows[0])] == [sixteen, more, eight]
    assert best_settings(table)[0].entrant.label == sixteen


def test_no_best_setting_of_a_sweep_that_was_broken_off(tmp_path, monkeypatch):
    comparison, row, (eight, *_) = three(steps=9)
    table = Table(comparison, [line(row, eight, 0, 1.0, 9)])
    monkeypatch.setattr(
        "caudate.training.sweep.compare", lambda *_, **__: Outcome(tmp_path, table, [], True)
    )
    spec = sweep_from_flags(["eprop-rate"], [BENCH], ["n_neurons=8,16"], [], steps=9)
    outcome, best = sweep(spec)
    assert (outcome.interrupted, best) == (True, [])
    assert not (tmp_path / "best.toml").exists()


def test_the_best_of_a_task_is_good_on_all_its_rows():
    spec = sweep_from_flags(
        ["eprop-rate"], [BENCH], ["n_neurons=8,16"], ["delay=200,300"], seeds=1, steps=9
    )
    comparison = expand(spec)
    (eight, sixteen), (short, long) = (
        [one.label for one in some] for some in (comparison.agents, comparison.rows)
    )
    lines = [line(short, eight, 0, 1.0, 9), line(long, eight, 0, 0.5, 9)]
    lines += [line(short, sixteen, 0, 0.8, 9), line(long, sixteen, 0, 0.8, 9)]
    (best,) = best_settings(Table(comparison, lines))
    assert best.entrant.label == sixteen
    assert (
        best_settings(Table(comparison, lines[:3]))[0].entrant.label == eight
    )  # others unfinished
    assert best_settings(Table(comparison, [])) == []


# ---------------------------------------------------------------- Weights & Biases


def test_a_wandb_sweep_calls_train(cli, tmp_path):
    file = tmp_path / "wandb.yaml"
    arguments = ("sweep", "--agents", "eprop-rate", "--tasks", BENCH, "--seeds", 2)
    grids = ("--grid", "n_neurons=8,16", "--env-grid", "delay=200.0,300.0", "--steps", 400)
    assert cli(*arguments, *grids, "--wandb-sweep", file).code == 0
    content = json.loads(file.read_text())
    parameters = content["parameters"]
    assert parameters["seed"] == {"values": [0, 1]}
    assert parameters["options"]["parameters"] == {"n_neurons": {"values": [8, 16]}}
    words = content["command"]
    assert words[:4] == ["${env}", "${program}", "train", "--point"]
    point = {
        "agent": parameters["agent"]["values"][0],
        "task": parameters["task"]["values"][0],
        "seed": 1,
        "options": {"n_neurons": 8},
        "env": {"delay": 300.0},
    }  # as the W&B agent puts it together
    run = cli(*words[2:4], json.dumps(point), *words[5:], "--out", tmp_path, "--wandb", "off")
    assert run.code == 0, run
    name = "eprop-rate-DelayedMatch-Bench-v0-seed1-n-neurons-8-delay-300.0"
    config = Run.open(tmp_path / name).config
    assert (config.seed, config.options["n_neurons"], config.env_kwargs["delay"]) == (1, 8, 300.0)


@pytest.mark.parametrize(
    ("point", "message"),
    [("{", "is not JSON"), ("{}", "agent"), ('{"agent": "a", "task": "t", "sede": 1}', "sede")],
)
def test_points_that_are_none(point, message):
    with pytest.raises(UsageError, match=message):
        Point.of(point)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("seeds = 2", "sedes = 2"), "not valid at sweep.sedes"),
        (("seeds = 2", "seeds = 0"), "not valid at sweep.seeds"),
        (("seeds = 2", "seeds = [1, 1]"), "not valid at sweep.seeds: 1 is there twice"),
        (("seeds = 2", "seeds = []"), "not valid at sweep.seeds"),
        (("steps = 400", "steps = -5"), "not valid at sweep.steps"),
        (("steps = 400", "steps = 400\ncpu_limit = -1"), "not valid at sweep.cpu_limit"),
        (("steps = 400", "way = 3.0"), "not valid at sweep.way"),
        (("steps = 400", 'steps = "many"'), "not valid at sweep.steps"),
        (("steps = 400", ""), "has no end of runs: give it steps, until or way"),
        (("[sweep]", "[swoop]"), "not valid at sweep.agents: Field required"),
        (('["eprop-rate", "reservoir"]', "[]"), "not valid at sweep.agents"),
        (('"reservoir"]', '"eprop-rate"]'), "agents has 'eprop-rate' twice"),
        (("Bench-v0", "Bnch-v0"), "is unknown"),
        (("[8, 16]", "[]"), "grid.n_neurons must be a list of one value or more, not []"),
        (("[8, 16]", "8"), "grid.n_neurons must be a list of one value or more, not 8"),
        (("[8, 16]", "[8, 8]"), "grid.n_neurons has 8 twice"),
        (("[8, 16]", '[8, "16"]'), "grid.n_neurons: '16' must be int for agent eprop-rate"),
        (("n_neurons =", "n_neuron ="), "grid.n_neuron: agent eprop-rate has no option 'n_neuron'"),
        (
            ("entropy_coef =", "entropy ="),
            "grid.eprop-rate.entropy: agent eprop-rate has no option",
        ),
        (
            ("grid.eprop-rate", "grid.eprop"),
            "grid.eprop is a table, but the sweep has no such agent",
        ),
        (("[200.0, 300.0]", "[]"), "env_grid.delay must be a list"),
        (("delay =", "dealy ="), "did you mean 'delay'"),
        (("steps = 400", "steps = 400\nenv = {delay = 1.0}"), "env_grid.delay is also in env"),
    ],
)
def test_mistakes_in_a_file_are_one_sentence(tmp_path, change, message):
    with pytest.raises(ValueError, match=r"^(?!.*\n)") as caught:
        expand(load(tmp_path, *change))
    assert message in str(caught.value)


FEW = ("sweep", "--agents", "eprop-rate,ppo", "--tasks", BENCH)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sweep",), "needs a file, or --agents and --tasks"),
        (("sweep", "no.toml"), "Cannot read no.toml"),
        (("sweep", "x.toml", "--steps", 5), "x.toml says what the sweep is"),
        ((*FEW, "--grid", "n_neurons=8", "--steps", 1), "agent ppo has no option 'n_neurons'"),
        ((*FEW, "--grid", "pop.gamma=1", "--steps", 1), "no such agent: did you mean 'ppo'?"),
        ((*FEW, "--grid", "gamma=much", "--steps", 1), "--grid gamma: 'much' must be float"),
        ((*FEW, "--grid", "gamma=", "--steps", 1), "grid.eprop-rate.gamma must be a list"),
        ((*FEW, "--grid", "gamma", "--steps", 1), "--grid 'gamma' is not key=value"),
        ((*FEW, "--env-grid", "delay=", "--steps", 1), "env_grid.delay must be a list"),
        ((*FEW, "--engine", "dusk", "--steps", 1), "did you mean 'dask'"),
        (
            (*FEW, "--grid", "ppo.gamma=.9,1", "--steps", 1, "--wandb-sweep", "x.json"),
            "one grid for all agents",
        ),
        (("train", "ppo", BENCH, "--point", "{}"), "--point has the agent"),
    ],
)
def test_mistakes_on_the_command_line_are_one_sentence(
    cli, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    assert message in one_sentence(cli(*arguments))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[ppo]\n", "has nothing for agent 'eprop-rate' on DelayedMatch-Bench-v0"),
        ("[eprop-rate]\nstep = 1\n", "cannot have step = 1"),
        ("[eprop-rate\n", "is not TOML"),
    ],
)
def test_preset_files_that_do_not_serve(tmp_path, text, message):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        find_preset("eprop-rate", BENCH, str(file))


def test_a_preset_file_may_be_one_of_agents(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[eprop-rate]\nscore = "1"\nsteps = 5\noptions = { gamma = 0.5 }\n')
    assert find_preset("eprop-rate", BENCH, str(file)) == Preset({"gamma": 0.5}, steps=5)
