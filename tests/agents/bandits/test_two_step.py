import numpy as np
import pytest
from scipy.special import expit

from caudate.agents import AgentError
from caudate.agents.bandits import TwoStepHybrid


def one(*values):
    return tuple(np.array([value]) for value in values)


def test_model_free_values_after_one_trial():
    learner = TwoStepHybrid(learning_rate_1=0.4, learning_rate_2=0.5, eligibility=0.25)
    state = learner.learn(learner.begin(), *one(1, 0, 1, 1.0))
    np.testing.assert_allclose(state[1], [[[0.0, 0.5], [0.0, 0.0]]])
    np.testing.assert_allclose(state[0], [[0.0, 0.4 * 0.25]])
    state = learner.learn(state, *one(1, 0, 1, 1.0))
    # The first choice learns from the value met (0.5), and by its trace from the error (0.5).
    np.testing.assert_allclose(state[0], [[0.0, 0.1 + 0.4 * (0.5 - 0.1 + 0.25 * 0.5)]])


def test_transitions_follow_what_was_met_more_often():
    learner = TwoStepHybrid(common=0.7)
    state = learner.begin()
    np.testing.assert_allclose(learner.transitions(state), 0.5)
    state = learner.learn(state, *one(0, 1, 0, 0.0))
    np.testing.assert_allclose(learner.transitions(state), [[[0.3, 0.7], [0.7, 0.3]]])
    for _ in range(2):
        state = learner.learn(state, *one(1, 1, 0, 0.0))
    np.testing.assert_allclose(learner.transitions(state), [[[0.7, 0.3], [0.3, 0.7]]])


def stay(weight, common, rewarded):
    """Probability of repeating the first choice after one trial in a known world."""
    learner = TwoStepHybrid(model_based_weight=weight, perseveration=0.0, eligibility=1.0)
    state = learner.begin()
    for first in (0, 1):  # the common transitions are known
        for _ in range(3):
            state = learner.learn(state, *one(first, first, 0, 0.0))
    state = learner.learn(state, *one(0, 0 if common else 1, 0, rewarded))
    return learner.first(state)[0, 0]


def test_only_the_model_based_learner_asks_how_it_came_by_a_reward():
    assert stay(0.0, True, 1.0) == stay(0.0, False, 1.0) > 0.5
    assert stay(1.0, True, 1.0) > 0.5 > stay(1.0, False, 1.0)
    assert stay(0.0, False, 1.0) > stay(0.5, False, 1.0) > stay(1.0, False, 1.0)


def test_perseveration_and_temperatures():
    learner = TwoStepHybrid(
        inverse_temperature_1=2.0, inverse_temperature_2=3.0, perseveration=0.5, start=0.2
    )
    state = learner.learn(learner.begin(), *one(0, 1, 1, 0.2))
    np.testing.assert_allclose(learner.first(state)[0, 0], expit(2 * 0.5))
    np.testing.assert_allclose(learner.second(state, np.array([1]))[0], 0.5)


def test_subjects_that_differ_run_as_one_batch():
    rates = np.array([0.1, 0.9])
    both = TwoStepHybrid(learning_rate_2=rates, model_based_weight=np.array([0.0, 1.0]))
    trial = (np.zeros(2, int), np.zeros(2, int), np.ones(2, int), np.ones(2))
    state = both.learn(both.begin(2), *trial)
    np.testing.assert_allclose(state[1][:, 0, 1], rates)
    for i, weight in enumerate((0.0, 1.0)):
        alone = TwoStepHybrid(learning_rate_2=rates[i], model_based_weight=weight)
        own = alone.learn(alone.begin(), *(part[:1] for part in trial))
        np.testing.assert_allclose(alone.first(own)[0], both.first(state)[i])


def test_parameters_out_of_range():
    with pytest.raises(AgentError, match="two-step-hybrid: eligibility="):
        TwoStepHybrid(eligibility=1.5)
