import numpy as np
import pytest
from scipy.special import expit, ndtr

from caudate.agents import AgentError
from caudate.agents.bandits.choice import (
    CHOICES,
    UCB,
    EpsilonGreedy,
    Softmax,
    Thompson,
    WinStayLoseShift,
    draw,
)

RULES = sorted(CHOICES)


def beliefs(n=7, arms=3, seed=0):
    rng = np.random.default_rng(seed)
    last = rng.integers(-1, arms, n)
    return rng.normal(size=(n, arms)), rng.random((n, arms)), last, rng.random(n)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("arms", [1, 2, 3, 10])
def test_probabilities_sum_to_one_and_are_none_below_zero(name, arms):
    p = CHOICES[name]().probabilities(*beliefs(arms=arms))
    assert p.shape == (7, arms)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_equal_arms_are_equally_likely_at_first(name):
    for arms in (2, 4):
        p = CHOICES[name]().probabilities(np.zeros((2, arms)), np.ones((2, arms)))
        np.testing.assert_allclose(p, 1 / arms, rtol=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_choices_come_as_often_as_their_probabilities_say(name):
    rule = CHOICES[name]()
    mean, variance, last, reward = beliefs(n=3, seed=2)
    n = 20_000
    many = [np.repeat(part, n, axis=0) for part in (mean, variance, last, reward)]
    choices = rule.choose(*many, rng=np.random.default_rng(1)).reshape(3, n)
    shares = np.array([[np.mean(row == k) for k in range(3)] for row in choices])
    p = rule.probabilities(mean, variance, last, reward)
    np.testing.assert_allclose(shares, p, atol=0.015)


@pytest.mark.parametrize("name", RULES)
def test_without_a_generator_the_likeliest_is_chosen(name):
    rule, known = CHOICES[name](), beliefs()
    p = rule.probabilities(*known)
    np.testing.assert_array_equal(p[np.arange(len(p)), rule.choose(*known)], p.max(axis=1))


def test_softmax_of_two_arms_is_a_sigmoid_with_a_column_to_each_subject():
    rule = Softmax(inverse_temperature=np.array([0.0, 2.0, 5.0]), stickiness=np.array([1, 0, -1]))
    p = rule.probabilities([[0.3, 0.1]] * 3, last_choice=[0, 1, -1])
    np.testing.assert_allclose(p[:, 0], expit([1.0, 0.4, 1.0]), rtol=1e-12)


def test_sharp_softmax_is_greedy_and_survives_large_numbers():
    mean = np.array([[1e3, 0.0, 999.0]])
    sharp = Softmax(inverse_temperature=1e6).probabilities(mean)
    np.testing.assert_array_equal(sharp, CHOICES["greedy"]().probabilities(mean))


def test_bonus_makes_the_uncertain_arm_attractive():
    mean, variance = [[0.5, 0.4]], [[0.01, 0.25]]
    assert UCB(bonus=0.0).choose(mean, variance) == 0
    assert UCB(bonus=1.0).choose(mean, variance) == 1
    p = UCB(bonus=1.0, inverse_temperature=2.0).probabilities(mean, variance)
    np.testing.assert_allclose(p[0, 1], expit(2 * (0.9 - 0.6)), rtol=1e-12)


def test_thompson_of_two_arms_is_the_probability_of_being_better():
    mean, variance = [[0.5, 0.2], [0.0, 0.0]], [[0.04, 0.05], [0.0, 0.0]]
    p = Thompson().probabilities(mean, variance)
    np.testing.assert_allclose(p[:, 0], [ndtr(0.3 / 0.3), 0.5], rtol=1e-12)


def test_thompson_of_many_arms_agrees_with_two_where_the_third_is_hopeless():
    p = Thompson().probabilities([[0.5, 0.2, -50.0]], [[0.04, 0.05, 0.01]])
    np.testing.assert_allclose(p[0], [ndtr(1), 1 - ndtr(1), 0], atol=1e-6)


def test_thompson_without_uncertainty_is_greedy():
    p = Thompson().probabilities([[0.5, 0.2, 0.5]], [[0.0, 0.0, 0.0]])
    np.testing.assert_allclose(p, [[0.5, 0, 0.5]])


def test_win_stay_lose_shift():
    rule = WinStayLoseShift(stay_after_win=0.8, shift_after_loss=0.6)
    p = rule.probabilities(np.zeros((3, 3)), None, [1, 1, -1], [1.0, 0.0, 0.0])
    np.testing.assert_allclose(p, [[0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [1 / 3, 1 / 3, 1 / 3]])


def test_win_stay_lose_shift_leaves_arms_in_turn():
    rule = WinStayLoseShift()
    chosen = rule.choose(np.zeros((4, 3)), None, [-1, 0, 2, 2], [0.0, 0.0, 0.0, 1.0])
    assert chosen.tolist() == [0, 1, 0, 2]


def test_epsilon_counts_the_best_arm_too():
    p = EpsilonGreedy(epsilon=0.3).probabilities([[0.0, 1.0, 0.5]])
    np.testing.assert_allclose(p, [[0.1, 0.8, 0.1]])


def test_impossible_choices_are_never_drawn():
    p = np.tile([0.0, 1.0, 0.0], (5000, 1))
    assert (draw(p, np.random.default_rng(0)) == 1).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [("inverse_temperature", -1.0), ("inverse_temperature", np.inf), ("stickiness", np.nan)],
)
def test_parameters_out_of_range(name, value):
    with pytest.raises(AgentError, match=f"softmax: {name}="):
        Softmax(**{name: value})


def test_shapes_that_do_not_fit():
    with pytest.raises(AgentError, match=r"mean of shape \(2,\)"):
        Softmax().probabilities([0.1, 0.2])
    with pytest.raises(AgentError, match="last_choice of shape"):
        Softmax().probabilities([[0.1, 0.2]], last_choice=[1, 0])
    with pytest.raises(AgentError, match="variance of shape"):
        Softmax().probabilities([[0.1, 0.2]], [[1.0]])
