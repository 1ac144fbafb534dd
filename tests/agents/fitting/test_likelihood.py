"""Likelihoods: equal to a plain loop over trials, whatever runs beside them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from caudate.agents import AgentError
from caudate.agents.bandits.choice import Greedy, Softmax, WinStayLoseShift
from caudate.agents.filters import RescorlaWagner
from caudate.agents.fitting import Choices, Model, choice_probabilities, log_likelihood
from caudate.agents.fitting import likelihood as module
from caudate.agents.fitting.likelihood import Told, row_likelihoods

from .conftest import PARAMETERS


def plain_loop(choices, rewards, rate, beta, *, kappa=0.0, start=0.5, mirror=False, arms=2):
    """Log probability of the choices of one block, one trial after another."""
    values, last, total = [start] * arms, None, 0.0
    for choice, reward in zip(choices, rewards, strict=True):
        if choice < 0:
            continue
        weights = [math.exp(beta * v + kappa * (k == last)) for k, v in enumerate(values)]
        total += math.log(weights[choice] / sum(weights))
        values[choice] += rate * (reward - values[choice])
        if mirror:
            values[1 - choice] += rate * (1 - reward - values[1 - choice])
        last = choice
    return total


def test_it_equals_a_plain_loop(model, data):
    found = log_likelihood(model, PARAMETERS, data)
    for i, (rate, beta) in enumerate(PARAMETERS):
        plain = plain_loop(data.choices[:, i], data.rewards[:, i], rate, beta)
        assert found[i] == pytest.approx(plain, rel=1e-12)


def blocks_with_gaps() -> Choices:
    rng = np.random.default_rng(0)
    choices = rng.integers(-1, 3, (2, 3, 30))
    return Choices.of(choices, rng.normal(size=choices.shape))


def test_blocks_begin_afresh_and_missed_trials_count_for_nothing():
    data = blocks_with_gaps()
    model = Model(
        RescorlaWagner,
        Softmax,
        free=("learning_rate", "inverse_temperature", "stickiness"),
        values={"start": 0.1},
    )
    found = log_likelihood(model, [[0.3, 2.0, 0.7], [0.6, 1.0, -0.4]], data)
    for i, (rate, beta, kappa) in enumerate([(0.3, 2.0, 0.7), (0.6, 1.0, -0.4)]):
        plain = sum(
            plain_loop(
                data.choices[:, b], data.rewards[:, b], rate, beta, kappa=kappa, start=0.1, arms=3
            )
            for b in range(6)
            if data.subject[b] == i
        )
        assert found[i] == pytest.approx(plain, rel=1e-12)


def test_mirror_teaches_both_arms(data):
    model = Model.named("rescorla-wagner", counterfactual="mirror")
    found = log_likelihood(model, PARAMETERS, data)
    for i, (rate, beta) in enumerate(PARAMETERS):
        plain = plain_loop(data.choices[:, i], data.rewards[:, i], rate, beta, mirror=True)
        assert found[i] == pytest.approx(plain, rel=1e-12)


def test_rows_may_be_of_any_subject_and_run_in_parts(model, data, monkeypatch):
    whole = log_likelihood(model, PARAMETERS, data)
    order = [3, 3, 0, 4, 1, 2, 0]
    monkeypatch.setattr(module, "_CHUNK", 2)
    found = log_likelihood(model, PARAMETERS[order], data, subjects=order)
    np.testing.assert_allclose(found, whole[order], rtol=1e-13)


def test_parts_may_end_within_a_subject(monkeypatch):
    data, model = blocks_with_gaps(), Model.named("rescorla-wagner")
    whole = log_likelihood(model, [[0.3, 2.0], [0.6, 1.0]], data)
    monkeypatch.setattr(module, "_CHUNK", 4)
    np.testing.assert_allclose(log_likelihood(model, [[0.3, 2.0], [0.6, 1.0]], data), whole)


def test_choice_probabilities_are_what_the_likelihood_is_made_of(model, data):
    found = choice_probabilities(model, PARAMETERS, data)
    assert found.shape == (200, 5, 2)
    np.testing.assert_allclose(found.sum(2), 1.0)
    taken = np.take_along_axis(found, data.choices[:, :, None], axis=2)
    np.testing.assert_allclose(np.log(taken).sum(0)[:, 0], log_likelihood(model, PARAMETERS, data))


def test_impossible_choices_have_a_finite_likelihood():
    data = Choices.of([0, 1], [1.0, 0.0])
    model = Model.named("rescorla-wagner", values={"learning_rate": 1.0})
    assert -1000 < log_likelihood(model, [[1e5]], data)[0] < -600


def test_a_rule_that_does_not_look_at_beliefs_frees_no_parameter_of_the_filter():
    model = Model(RescorlaWagner, WinStayLoseShift)
    assert model.free == ("stay_after_win", "shift_after_loss")
    found = log_likelihood(model, [[0.9, 0.6]], Choices.of([0, 0, 1, 0], [1, 0, 1, 0]))
    assert found[0] == pytest.approx(math.log(0.5 * 0.9 * 0.6 * 0.1))


def test_beliefs_that_no_free_parameter_changes_are_computed_once():
    data = blocks_with_gaps()
    model = Model.named(
        "kalman", "ucb", values={"volatility": 0.3}, free=("inverse_temperature", "bonus")
    )
    told = Told.of(model, data)
    rows, whose = np.array([[2.0, 0.5], [1.0, -0.3], [3.0, 0.0]]), np.array([1, 0, 1])
    np.testing.assert_allclose(
        row_likelihoods(model, rows, whose, data, told), log_likelihood(model, rows, data, whose)
    )
    assert Told.of(Model.named("kalman"), data) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"free": ("learning_rat",)}, "did you mean 'learning_rate'"),
        ({"free": ()}, "nothing to fit"),
        ({"values": {"beta": 1.0}}, "no parameter 'beta'"),
        ({"values": {"start": np.inf}}, "start"),
        ({"free": ("start",), "values": {"start": 1.0}}, "choose one of the two"),
        ({"priors": {"start": (0.0, -1.0)}}, None),
        ({"free": ("start",), "priors": {"start": (0.0, -1.0)}}, "spread above 0"),
        ({"counterfactual": "all"}, "none, mirror"),
    ],
)
def test_models_that_cannot_be(options, words):
    if words is None:  # a prior of a parameter that is not free changes nothing
        Model.named("rescorla-wagner", **options)
        return
    with pytest.raises(AgentError, match=words):
        Model.named("rescorla-wagner", **options)


def test_unknown_names_and_models_without_a_slope():
    with pytest.raises(AgentError, match="did you mean 'rescorla-wagner'"):
        Model.named("rescorla")
    with pytest.raises(AgentError, match="did you mean 'softmax'"):
        Model.named("rescorla-wagner", "softmx")
    with pytest.raises(AgentError, match="choose one of"):
        Model.named("rescorla-wagner", "zzz")
    with pytest.raises(AgentError, match="probability 0"):
        Model(RescorlaWagner, Greedy)
    with pytest.raises(AgentError, match="at random"):
        Model.named("joint-particle")


@pytest.mark.parametrize(
    ("choices", "rewards", "words"),
    [([0, 1, 2], [0, 1, 1], "two arms"), ([0, 1], [0, 7], "from 0 to 1")],
)
def test_mirror_is_for_one_cause(choices, rewards, words):
    model = Model.named("rescorla-wagner", counterfactual="mirror")
    with pytest.raises(AgentError, match=words):
        log_likelihood(model, [[0.5, 1.0]], Choices.of(choices, rewards))


def test_shapes_are_checked(model, data):
    with pytest.raises(AgentError, match="5 rows need 2 values each"):
        log_likelihood(model, [[0.5, 1.0]], data)


def test_line_and_natural_units(model):
    points = np.array([[0.0, 0.0], [1.0, -1.0]])
    there = model.from_line(points)
    np.testing.assert_allclose(there, [[0.5, 1.0], [1 / (1 + np.exp(-1)), np.exp(-1)]])
    np.testing.assert_allclose(model.to_line(there), points, atol=1e-12)
    assert (model.to_line(np.array([0.0, 0.0])) == model.low).all()
    slope = model.steepness(points)[0]
    np.testing.assert_allclose(slope, [0.25, 1.0], rtol=1e-8)


def test_the_prior_is_a_density(model):
    line = np.linspace(-15, 15, 601)
    grid = np.stack(np.meshgrid(line, line), axis=-1)
    assert np.exp(model.log_prior(grid)).sum() * 0.05**2 == pytest.approx(1.0, abs=1e-6)
