"""``caudate fit`` and ``caudate recover``: tables, files, comparisons, mistakes."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from caudate.agents import make_agent
from caudate.agents.bandits import simulate as play
from caudate.agents.bandits.agent import TrialAgent
from caudate.agents.bandits.choice import Softmax
from caudate.agents.fitting import (
    Model,
    choice_probabilities,
    draw_parameters,
    fit,
    read_choices,
    reversals,
    simulate,
    volatile_odds,
    write_choices,
)
from caudate.envs import write_trials

from .conftest import one_sentence

RANGES = {"learning_rate": (0.2, 0.8), "inverse_temperature": (3.0, 8.0)}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Four subjects of Rescorla-Wagner on 80 trials."""
    path = tmp_path_factory.mktemp("choices") / "choices.csv"
    model = Model.named("rescorla-wagner")
    write_choices(path, simulate(model, draw_parameters(model, 4, ranges=RANGES), reversals(80, 4)))
    return path


def records(path):
    with path.open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_a_fit_is_printed_and_written(cli, file, tmp_path):
    out, told, trials = tmp_path / "fit.csv", tmp_path / "fit.json", tmp_path / "trials.csv"
    outcome = cli("fit", file, "--starts", 2, "--out", out, "--json", told, "--trials", trials)
    assert outcome.code == 0, outcome
    lines = outcome.out.splitlines()
    assert lines[0] == "rescorla-wagner, softmax: map, 4 subjects, 320 choices"
    assert lines[1].split()[:3] == ["subject", "choices", "learning_rate"]
    assert [line.split()[0] for line in lines[2:6]] == ["1", "2", "3", "4"]
    data = read_choices(file)
    model = Model.named("rescorla-wagner")
    direct = fit(data, model=model, starts=2)
    assert [float(row["learning_rate"]) for row in records(out)] == list(direct["learning_rate"])
    content = json.loads(told.read_text())
    assert content["fits"][0]["subjects"][2]["bic"] == direct.bic[2]
    p = choice_probabilities(model, direct.parameters, data)
    first = records(trials)[80 * 2 + 7]
    assert (first["subject"], first["trial"]) == ("3", "8")
    assert float(first["p_1"]) == pytest.approx(p[7, 2, 1])
    assert first["p_choice"] in (first["p_0"], first["p_1"])


def test_models_are_compared(cli, file, tmp_path):
    out, told = tmp_path / "fit.csv", tmp_path / "fit.json"
    outcome = cli(
        "fit", file, "--models", "rescorla-wagner,kalman", "--starts", 1,
        "--fix", "kalman.start=0.5", "--out", out, "--json", told,
    )  # fmt: skip
    assert outcome.code == 0, outcome
    assert "protected" in outcome.out
    assert [row["model"] for row in records(out)] == ["rescorla-wagner"] * 4 + ["kalman"] * 4
    content = json.loads(told.read_text())
    assert [one["model"]["fixed"]["start"] for one in content["fits"]] == [0.5, 0.5]
    assert sum(row["frequency"] for row in content["comparison"]) == pytest.approx(1.0)
    assert sum(row["best_for"] for row in content["comparison"]) == 4


def test_parameters_are_freed_and_fixed(cli, file, tmp_path):
    told = tmp_path / "fit.json"
    outcome = cli(
        "fit", file, "--free", "stickiness", "--fix", "learning_rate=0.4", "--starts", 1,
        "--method", "ml", "--json", told,
    )  # fmt: skip
    assert outcome.code == 0, outcome
    (one,) = json.loads(told.read_text())["fits"]
    assert one["model"]["free"] == ["inverse_temperature", "stickiness"]
    assert one["model"]["fixed"]["learning_rate"] == 0.4
    assert "log_evidence" not in one["subjects"][0]


def test_both_outcomes_may_be_known(cli, tmp_path):
    model = Model.named("rescorla-wagner", counterfactual="mirror")
    path = tmp_path / "one-cause.csv"
    outcomes = volatile_odds(2, blocks=((40, 0.8), (40, 0.2)))
    write_choices(path, simulate(model, [[0.3, 5.0]] * 2, outcomes))
    told = tmp_path / "fit.json"
    assert cli("fit", path, "--counterfactual", "mirror", "--starts", 1, "--json", told).code == 0
    found = json.loads(told.read_text())["fits"][0]["subjects"]
    direct = fit(read_choices(path), model=model, starts=1)
    assert [one["learning_rate"] for one in found] == list(direct["learning_rate"])


def test_what_to_be_wary_of_is_told(cli, tmp_path):
    path = tmp_path / "certain.csv"
    lines = [f"always,1,{trial},0,1" for trial in range(30)]
    path.write_text("\n".join(["subject,block,trial,choice,reward", *lines]))
    outcome = cli("fit", path, "--method", "ml", "--starts", 2)
    assert outcome.code == 0, outcome
    assert "no standard errors, the optimum is flat: always" in outcome.out


def test_models_without_a_belief_are_told(cli, file):
    wild = ("--fix", "tonic_volatility=3", "--fix", "meta_volatility=3")
    outcome = cli("fit", file, "--model", "hgf", "--starts", 1, *wild)
    assert outcome.code == 0, outcome
    assert "did not converge: 1, 2, 3, 4" in outcome.out
    both = cli("fit", file, "--models", "hgf,rescorla-wagner", "--starts", 1, *wild)
    assert "hgf" in one_sentence(both)


def test_tables_of_simulated_agents_can_be_fitted(cli, tmp_path):
    agent = make_agent("rescorla-wagner", "caudate/ReversalBandit-v0", learning_rate=0.4)
    assert isinstance(agent, TrialAgent)
    table = play(agent, subjects=3, seed=1)
    path = tmp_path / "played.csv"
    write_trials(table, path)
    data = read_choices(path)
    assert data.choices.shape == (200, 3)
    assert (data.choices.T.ravel() == table["choice"]).all()
    model = Model.named("rescorla-wagner")
    p = choice_probabilities(model, [[0.4, Softmax().inverse_temperature]] * 3, data)
    taken = np.take_along_axis(p, data.choices[:, :, None], axis=2)[:, :, 0]
    np.testing.assert_allclose(taken.T.ravel(), table["p_choice"], rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.csv",), "Cannot read"),
        (("FILE", "--model", "rescorla"), "'rescorla-wagner'"),
        (("FILE", "--choice", "softmx"), "'softmax'"),
        (("FILE", "--method", "mcmc"), "map, ml"),
        (("FILE", "--model", "kalman", "--models", "kalman,vkf"), "one of the two"),
        (("FILE", "--models", "kalman,kalman"), "twice"),
        (("FILE", "--models", "kalman,,vkf"), "empty name"),
        (("FILE", "--models", "kalman,vkf", "--trials", "t.csv"), "--model"),
        (("FILE", "--fix", "strt=1"), "'start'"),
        (("FILE", "--fix", "start=half"), "no number"),
        (("FILE", "--fix", "start"), "not key=value"),
        (("FILE", "--free", "stickines"), "'stickiness'"),
        (("FILE", "--counterfactual", "full"), "none, mirror"),
        (("FILE", "--arms", 1), "arms=1"),
        (("FILE", "--starts", 0), "starts=0"),
        (("FILE", "--out", "/dev/null/x.csv"), "Cannot write"),
    ],
)
def test_mistakes_get_one_sentence(cli, file, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    given = [file if one == "FILE" else one for one in arguments]
    assert words in one_sentence(cli("fit", *given))


def test_recovery_makes_a_section_with_data_and_pictures(cli, tmp_path):
    docs, told = tmp_path / "docs" / "results", tmp_path / "recovery.json"
    outcome = cli(
        "recover", "--subjects", 6, "--trials", 20, "--starts", 1, "--only", "rescorla-wagner",
        "--only", "binary-vkf", "--docs", docs, "--json", told,
    )  # fmt: skip
    assert outcome.code == 0, outcome
    assert "binary-vkf" in outcome.out
    page = (tmp_path / "docs" / "results.md").read_text()
    assert page.count("<!-- begin: recovery -->") == 1
    for name in ("reversal", "volatile", "ridge", "confusion"):
        assert f"recovery-{name}.png" in page
        assert (docs / f"recovery-{name}.png").is_file()
    content = json.loads(told.read_text())
    assert content == json.loads((docs / "recovery.json").read_text())
    assert len(content["recovery"]) == 2 * (2 + 4)
    assert content["confusion"]["volatile"]["models"] == ["rescorla-wagner", "binary-vkf"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--only", "rescorla"), "'rescorla-wagner'"),
        (("--subjects", 3), "at least 6"),
        (("--only", "kalman", "--subjects", 6, "--trials", 0), "at least 1"),
    ],
)
def test_recovery_that_cannot_be(cli, arguments, words):
    assert words in one_sentence(cli("recover", *arguments))
