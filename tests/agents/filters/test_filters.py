"""What every filter must do: batches, parameters a column, arms that were not seen, errors."""

from dataclasses import replace

import numpy as np
import pytest

from caudate.agents import AgentError
from caudate.agents.filters import FILTERS, Behrens, Filter
from caudate.agents.filters.base import scales

from .series import outcomes

#: As they are, but with grids on which they are quick.
QUICK = {"behrens": Behrens(grid=(11, 7, 5))}
LEARNERS = [QUICK.get(name) or kind() for name, kind in sorted(FILTERS.items())]
each = pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)


def seen_at_random(shape, seed=1):
    return np.random.default_rng(seed).random(shape) < 0.6


def assert_same(course, other, columns, **tolerance):
    for name in ("predicted", "variance", "mean", "learning_rate", "volatility", "stochasticity"):
        mine, theirs = getattr(course, name), getattr(other, name)
        assert (mine is None) == (theirs is None)
        if mine is not None:
            np.testing.assert_allclose(mine[:, columns], theirs, rtol=1e-12, atol=1e-13)
    for mine, theirs in zip(course.state, other.state, strict=True):
        np.testing.assert_allclose(mine[columns], theirs, rtol=1e-12, atol=1e-13)


@each
def test_a_column_of_a_batch_is_as_if_alone(learner: Filter):
    values = outcomes(learner.outcomes, (30, 3, 2))
    seen = seen_at_random(values.shape)
    batch = learner.run(values, seen, seed=5)
    for i in range(3):
        alone = learner.run(values[:, i : i + 1], seen[:, i : i + 1], seed=5 + i)
        assert_same(batch, alone, slice(i, i + 1))


@each
def test_parameters_may_differ_by_column(learner: Filter):
    values = outcomes(learner.outcomes, (30, 3, 2))
    for name, scale in scales(type(learner)).items():
        usual = getattr(learner, name)
        low, high = (0.8, 1.2) if usual else (0.0, 0.3)
        shifts = np.array([low, 1.0, high]) if usual else np.array([low, 0.1, high])
        different = np.clip(usual * shifts if usual else shifts, scale.low, scale.high)
        batch = replace(learner, **{name: different}).run(values, seed=5)
        for i, value in enumerate(different):
            alone = replace(learner, **{name: value}).run(values[:, i : i + 1], seed=5 + i)
            assert_same(batch, alone, slice(i, i + 1))


@each
def test_outcomes_that_were_not_seen_do_not_count(learner: Filter):
    values = outcomes(learner.outcomes, (20, 2, 2))
    seen = seen_at_random(values.shape)
    hidden = np.where(seen, values, np.nan)
    state = learner.begin(2, 2)
    for outcome, here in zip(hidden, seen, strict=True):
        state, report = learner.update(state, outcome, here)
        told = [np.where(here, x, 0.0) for x in report if x is not None]
        assert np.isfinite(told).all()
    expected = learner.run(values, seen)
    np.testing.assert_array_equal(learner.mean(state), expected.mean[-1])
    assert_same(learner.run(hidden, seen), expected, slice(None))


@each
def test_states_and_outcomes_are_left_alone(learner: Filter):
    state = learner.begin(2, 2)
    state, _ = learner.update(state, 1.0)
    before = [part.copy() for part in state]
    outcome, seen = np.ones((2, 2)), np.array([[True, False], [True, True]])
    learner.update(state, outcome, seen)
    learner.variance(state)
    learner.sample(state, np.random.default_rng(0))
    for part, kept in zip(state, before, strict=True):
        np.testing.assert_array_equal(part, kept)
    assert (outcome == 1).all()


@each
def test_samples_have_the_mean_of_the_belief(learner: Filter):
    state = learner.begin(4000, 1)
    for outcome in outcomes(learner.outcomes, (5,)):
        state, _ = learner.update(state, outcome)
    worths = learner.sample(state, np.random.default_rng(0))
    assert worths.shape == (4000, 1)
    # Of logits the mean and, more so, the variance are to first order: a wide margin.
    spread = np.sqrt(learner.variance(state)[0, 0])
    assert worths.mean() == pytest.approx(learner.mean(state)[0, 0], abs=0.15 * spread + 1e-12)
    assert worths.std() == pytest.approx(spread, rel=0.3, abs=1e-12)
    if learner.outcomes == "binary":
        assert ((worths >= 0) & (worths <= 1)).all()


@each
def test_learning_goes_towards_the_outcome(learner: Filter):
    state = learner.begin()
    before = learner.mean(state)
    for _ in range(12):
        state, _ = learner.update(state, 1.0)
    assert before < learner.mean(state) <= 1.0


@each
def test_bad_parameters_are_told(learner: Filter):
    for name, scale in scales(type(learner)).items():
        bad = scale.low - 1 if np.isfinite(scale.low) else np.nan
        with pytest.raises(AgentError, match=f"{learner.name}: {name}="):
            replace(learner, **{name: bad})


@each
def test_bad_outcomes_are_told(learner: Filter):
    with pytest.raises(AgentError, match="is not finite"):
        learner.run([1.0, np.nan])
    with pytest.raises(AgentError, match="do not fit"):
        learner.update(learner.begin(2, 2), np.ones((3, 2, 2)))
    with pytest.raises(AgentError, match="at least one trial"):
        learner.run(np.ones((0, 1)))
    if learner.outcomes == "binary":
        with pytest.raises(AgentError, match=r"outcome 0\.5 is neither 0 nor 1"):
            learner.run([1.0, 0.5])


def test_names():
    assert all(kind.name == name for name, kind in FILTERS.items())
    assert all(kind.outcomes in ("any", "binary") for kind in FILTERS.values())
