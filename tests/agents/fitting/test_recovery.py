"""Simulated subjects: schedules, choices, parameters that are found again."""

from __future__ import annotations

import numpy as np
import pytest

from caudate.agents import AgentError
from caudate.agents.fitting import (
    Model,
    choice_probabilities,
    confusion,
    draw_parameters,
    fit,
    log_likelihood,
    profile,
    recover,
    reversals,
    schedule,
    simulate,
    volatile_odds,
)

RANGES = {"learning_rate": (0.1, 0.8), "inverse_temperature": (2.0, 12.0)}


def test_reversals_have_their_odds_and_hazard():
    outcomes = reversals(4000, 20, p=0.9, hazard=0.05, seed=0)
    assert outcomes.shape == (4000, 20, 2)
    # Outcomes of an arm on neighbouring trials agree if the odds stay, less often if they change.
    same = (outcomes[1:] == outcomes[:-1]).mean()
    assert same == pytest.approx(0.95 * 0.82 + 0.05 * 0.18, abs=0.01)
    stay = reversals(50, 3, p=1.0, hazard=0.0)
    assert (stay == stay[0]).all()
    assert (stay.sum(2) == 1).all()


def test_volatile_odds_pay_one_arm():
    outcomes = volatile_odds(200, seed=0)
    assert outcomes.shape == (300, 200, 2)
    assert (outcomes.sum(2) == 1).all()
    assert outcomes[:120, :, 0].mean() == pytest.approx(0.75, abs=0.02)
    assert outcomes[120:160, :, 0].mean() == pytest.approx(0.2, abs=0.02)
    assert schedule("volatile", 60, 2).shape == (60, 2, 2)
    assert schedule("volatile", 3, 2).shape == (3, 2, 2)


def test_choices_follow_their_probabilities(model):
    data = simulate(model, np.tile([0.5, 3.0], (2000, 1)), reversals(20, 2000), seed=1)
    p = choice_probabilities(model, np.tile([0.5, 3.0], (2000, 1)), data)[:, :, 1]
    z = (data.choices - p).sum() / np.sqrt((p * (1 - p)).sum())
    assert abs(z) < 3
    # Also where they are extreme.
    high = p > 0.8
    z = (data.choices - p)[high].sum() / np.sqrt((p * (1 - p))[high].sum())
    assert abs(z) < 3


def test_rewards_are_those_of_the_schedule(model):
    outcomes = reversals(30, 4, seed=5)
    data = simulate(model, [[0.5, 3.0]] * 4, outcomes, subjects="abcd")
    assert data.subjects == tuple("abcd")
    expected = np.take_along_axis(outcomes, data.choices[:, :, None], axis=2)[:, :, 0]
    assert (data.rewards == expected).all()
    assert simulate(model, [[0.5, 3.0]] * 4, outcomes[:, 0]).choices.shape == (30, 4)


def test_drawn_parameters_fill_their_ranges(model):
    drawn = draw_parameters(model, 50, ranges=RANGES)
    for values, (low, high) in zip(drawn.T, RANGES.values(), strict=True):
        assert low <= values.min() < low * 1.2
        assert high / 1.2 < values.max() <= high
    default = model.to_line(draw_parameters(model, 50))
    assert (np.abs(default - model.centre) <= model.spread).all()


def test_rescorla_wagner_is_recovered(model):
    found = recover(model, subjects=40, trials=300, ranges=RANGES, starts=3)
    assert (found.correlations > 0.9).all()
    assert (found.rank_correlations > 0.9).all()
    assert (found.natural_correlations > 0.85).all()
    assert (np.abs(found.biases) < 0.15).all()
    assert (found.coverage > 0.85).all()


def test_a_profile_is_the_likelihood_over_a_grid(model, data):
    rates, betas = [0.2, 0.4, 0.6], [2.0, 5.0]
    both = profile(model, data, {"learning_rate": rates, "inverse_temperature": betas}, subject=2)
    plain = [[log_likelihood(model, [[a, b]], data, subjects=[2])[0] for b in betas] for a in rates]
    np.testing.assert_allclose(both, plain)
    turned = profile(model, data, {"inverse_temperature": betas, "learning_rate": rates}, subject=2)
    np.testing.assert_allclose(turned, both.T)
    best = fit(data, model=model, method="ml")
    one = profile(model, data, {"learning_rate": [0.9, best["learning_rate"][2]]}, subject=2)
    assert one[1] == pytest.approx(best.log_likelihood[2], abs=1e-5)
    assert one[0] < one[1]


def test_a_model_is_told_from_another():
    models = [
        Model.named("rescorla-wagner", name="learns"),
        Model.named(
            "rescorla-wagner",
            name="repeats",
            free=("stickiness",),
            values={"learning_rate": 0.0, "inverse_temperature": 0.0},
        ),
    ]
    found = confusion(
        models,
        subjects=12,
        trials=150,
        starts=2,
        ranges={"learns": RANGES, "repeats": {"stickiness": (1, 2)}},
    )
    assert found.models == ("learns", "repeats")
    for table in (found.by_bic, found.by_evidence, found.frequencies):
        np.testing.assert_allclose(table.sum(1), 1.0)
        assert (table.diagonal() > 0.8).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: recover(m, subjects=2), "at least 3"),
        (lambda m: recover(m, task="maze"), "reversal, volatile"),
        (lambda m: recover(m, trials=0), "at least 1"),
        (lambda m: reversals(10, 1, p=2.0), "probabilities"),
        (lambda m: draw_parameters(m, 3, ranges={"beta": (1, 2)}), "'beta'"),
        (lambda m: draw_parameters(m, 3, ranges={"learning_rate": (0.5, 0.2)}), "lower first"),
        (lambda m: simulate(m, [[0.5]], reversals(10)), "in the order learning_rate"),
        (lambda m: simulate(m, [[0.5, 1.0]] * 3, reversals(10, 2)), "3 subjects"),
        (lambda m: confusion([m]), "two or more"),
        (lambda m: confusion([m, m]), "names that differ"),
    ],
)
def test_what_cannot_be_simulated(model, call, words):
    with pytest.raises(AgentError, match=words):
        call(model)


def test_a_profile_needs_free_parameters(model, data):
    with pytest.raises(AgentError, match="no free parameter"):
        profile(model, data, {"start": [0.5]})
