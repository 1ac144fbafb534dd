"""Fits: the optimum is scipy's, its errors are right, and nothing breaks at the edges."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from scipy.optimize import minimize

from caudate.agents import AgentError
from caudate.agents.fitting import Choices, Model, fit, log_likelihood, reversals, simulate

from .conftest import PARAMETERS


@pytest.mark.parametrize("method", ["map", "ml"])
def test_the_optimum_is_scipys(model, data, method):
    found = fit(data, model=model, method=method, starts=2)
    assert found.converged.all()
    for i in (0, 3):

        def worse(x, i=i):
            value = log_likelihood(model, model.from_line(x[None]), data, subjects=[i])[0]
            return -value - (model.log_prior(x) if method == "map" else 0.0)

        scipys = minimize(worse, np.zeros(2), method="BFGS")
        best = found.log_likelihood[i] + (found.log_prior[i] if method == "map" else 0.0)
        assert best == pytest.approx(-scipys.fun, abs=1e-4)
        np.testing.assert_allclose(found.points[i], scipys.x, atol=1e-2)


def test_parameters_are_near_those_that_made_the_choices(model, data):
    found = fit(data, model=model)
    error = np.abs(found.parameters - PARAMETERS)
    assert (error < 3 * found.standard_errors).all()
    assert (found.agreeing == 8).all()
    assert not found.at_edge.any()
    assert (found["learning_rate"] == found.parameters[:, 0]).all()


def test_polish_gains_next_to_nothing(model, data):
    rough = fit(data, model=model, starts=3)
    fine = fit(data, model=model, starts=3, polish=True)
    gain = fine.log_likelihood + fine.log_prior - rough.log_likelihood - rough.log_prior
    assert (gain >= 0).all()
    assert (gain < 1e-4).all()


def test_subjects_are_fitted_as_if_alone(model, data):
    together = fit(data, model=model, starts=3)
    alone = fit(data.choices[:, 3], data.rewards[:, 3], model=model, starts=3)
    np.testing.assert_allclose(alone.parameters[0], together.parameters[3], rtol=1e-4)
    assert alone.log_likelihood[0] == pytest.approx(together.log_likelihood[3], abs=1e-6)


def test_standard_errors_are_those_of_the_closed_form():
    """With nothing learned, choices repeat with log odds of the stickiness."""
    rng = np.random.default_rng(0)
    repeats = rng.random(400) < 0.7
    choices = np.cumsum(~np.concatenate([[True], repeats])) % 2
    model = Model.named(
        "rescorla-wagner",
        free=("stickiness",),
        values={"learning_rate": 0.0, "inverse_temperature": 0.0},
    )
    found = fit(choices, np.zeros(401), model=model, method="ml")
    share = repeats.mean()
    assert found["stickiness"][0] == pytest.approx(np.log(share / (1 - share)), abs=1e-4)
    assert found.standard_errors[0, 0] == pytest.approx(
        1 / np.sqrt(400 * share * (1 - share)), rel=1e-4
    )
    exact = 400 * (share * np.log(share) + (1 - share) * np.log(1 - share)) + np.log(0.5)
    assert found.log_likelihood[0] == pytest.approx(exact, abs=1e-6)
    assert found.bic[0] == pytest.approx(np.log(401) - 2 * exact, abs=1e-5)
    assert found.aic[0] == pytest.approx(2 - 2 * exact, abs=1e-5)
    assert found.log_evidence is None


def test_the_evidence_is_the_integral_of_likelihood_and_prior(model, data):
    found = fit(data, model=model)
    line = np.linspace(-1, 1, 121)
    for i in (0, 2):
        half = 7 * np.sqrt(np.diagonal(found.covariance[i]))
        grid = found.points[i] + np.stack(np.meshgrid(line, line), -1).reshape(-1, 2) * half
        log = log_likelihood(model, model.from_line(grid), data, subjects=np.full(len(grid), i))
        log += model.log_prior(grid)
        area = np.prod(half * (line[1] - line[0]))
        exact = np.log(np.exp(log - log.max()).sum() * area) + log.max()
        assert found.log_evidence is not None
        assert found.log_evidence[i] == pytest.approx(exact, abs=0.1)


@pytest.mark.parametrize("method", ["map", "ml"])
def test_parameters_that_run_away_break_nothing(model, method):
    # Always what paid: no temperature is too low. Never what paid: none is too high.
    certain = np.zeros(50), np.ones(50)
    averse = np.arange(50) % 2, np.ones(50)
    found = fit(*map(np.stack, zip(certain, averse, strict=True)), model=model, method=method)
    assert np.isfinite(found.parameters).all()
    assert np.isfinite(found.log_likelihood).all()
    json.dumps(found.to_dict(), allow_nan=False)
    if method == "ml":
        assert np.isnan(found.standard_errors[0]).all()
        assert found.at_edge[1, 1]
        assert found.rows()[1]["at_edge"][-1] == "inverse_temperature"
        assert found.log_likelihood[1] == pytest.approx(50 * np.log(0.5), abs=1e-3)


def test_beliefs_that_always_break_down_are_told_by_the_likelihood(data):
    wild = Model.named("hgf", values={"tonic_volatility": 3.0, "meta_volatility": 3.0})
    found = fit(data, model=wild, starts=2)
    assert (found.log_likelihood == -np.inf).all()
    assert not found.converged.any()
    assert found.rows()[0]["log_likelihood"] is None
    json.dumps(found.to_dict(), allow_nan=False)
    with pytest.raises(AgentError, match="no belief on trial"):
        simulate(wild, [[3.0]], reversals(200))


def test_starts_where_beliefs_break_down_are_replaced(data):
    found = fit(data, model=Model.named("hgf"), starts=3)
    assert np.isfinite(found.log_likelihood).all()
    assert found.converged.all()


def test_one_trial_is_told_from_the_prior_alone(model):
    found = fit([0], [1.0], model=model)
    np.testing.assert_allclose(found.points[0], model.centre, atol=1e-4)
    np.testing.assert_allclose(np.sqrt(np.diagonal(found.covariance[0])), model.spread, rtol=1e-3)
    assert found.log_evidence is not None
    assert found.log_evidence[0] == pytest.approx(np.log(0.5), abs=1e-4)


def test_equal_seeds_give_equal_fits(model, data):
    one, two = (fit(data, model=model, starts=2, seed=3) for _ in range(2))
    assert (one.parameters == two.parameters).all()


def test_files(model, data, tmp_path):
    found = fit(data, model=model, starts=2)
    found.write_json(tmp_path / "fit.json")
    found.write_csv(tmp_path / "fit.csv")
    content = json.loads((tmp_path / "fit.json").read_text())
    assert content["model"]["free"] == ["learning_rate", "inverse_temperature"]
    assert content["model"]["fixed"]["start"] == 0.5
    with (tmp_path / "fit.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["subject"] for row in rows] == list(data.subjects)
    for row, record in zip(rows, content["subjects"], strict=True):
        assert float(row["learning_rate"]) == record["learning_rate"]
    with pytest.raises(AgentError, match="Cannot write"):
        found.write_csv(tmp_path / "none" / "fit.csv")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "bayes"}, "map, ml"),
        ({"starts": 0}, "starts=0"),
        ({"arms": 3}, "pass them alone"),
        ({"rewards": [1.0]}, "pass them alone"),
    ],
)
def test_options_that_make_no_sense(model, data, options, words):
    with pytest.raises(AgentError, match=words):
        fit(data, model=model, **options)


def test_rewards_are_needed(model):
    with pytest.raises(AgentError, match="rewards"):
        fit([0, 1], model=model)
    with pytest.raises(AgentError, match="no free parameter"):
        fit(Choices.of([0, 1], [1, 0]), model=model, starts=1)["start"]
