"""Filters against numbers that were computed independently of this library."""

import pytest

from caudate.agents.filters import (
    BinaryHGF,
    BinaryVolatileKalman,
    Kalman,
    PearceHall,
    VolatileKalman,
)

from .series import BINARY, GRADED


def trace(learner, outcomes):
    """Trial (from 1) -> state after it, learning rate and volatility of its update, as numbers."""
    state, found = learner.begin(), {}
    for t, outcome in enumerate(outcomes, start=1):
        state, report = learner.update(state, outcome)
        told = [None if x is None else x.item() for x in report[:2]]
        found[t] = ([x.item() for x in state], *told)
    return found


def printed(value):
    """To the six digits that are known."""
    return pytest.approx(value, abs=6e-7, rel=0)


def test_the_series_are_those_of_the_numbers():
    assert [*GRADED[:3], GRADED.sum()] == printed([-0.331840, 1.210713, 1.708607, -0.677144])
    assert BINARY.sum() == 60
    assert BINARY[:10].tolist() == [0, 1, 1, 0, 1, 1, 1, 1, 1, 1]


def test_kalman():
    found = trace(Kalman(volatility=0.5, stochasticity=1.0), GRADED)
    assert [found[t][1] for t in (1, 2, 5)] == printed([0.990148, 0.598417, 0.501444])
    assert [found[t][0][0] for t in (1, 2, 5, 120)] == printed(
        [-0.328571, 0.592563, 2.087078, -0.527746]
    )


def test_kalman_with_three_times_the_noise():
    found = trace(Kalman(volatility=1.5, stochasticity=3.0), GRADED)
    assert [found[t][1] for t in (1, 2)] == printed([0.971292, 0.595353])
    assert [found[t][0][0] for t in (2, 120)] == printed([0.590379, -0.527746])


def test_vkf():
    learner = VolatileKalman(volatility_rate=0.1, volatility=0.5, stochasticity=1.0)
    found = trace(learner, GRADED)
    for t, expected in {
        1: (-0.199104, 0.6, 0.5, 0.6),
        2: (0.550057, 0.531389, 0.533964, 0.531389),
        10: (3.333844, 0.575811, 0.784063, 0.575811),
        120: (-0.290322, 0.702337, 1.652838, 0.702337),
    }.items():
        (mean, variance, *_), rate, volatility = found[t]
        assert (mean, rate, volatility, variance) == printed(expected)


def test_binary_vkf():
    learner = BinaryVolatileKalman(volatility_rate=0.1, volatility=0.5, noise=1.0)
    found = trace(learner, BINARY)
    for t, expected in {
        1: (-0.612372, 1.224745, 0.5, 0.6),
        2: (0.088318, 1.080509, 0.5675, 0.538639),
        10: (1.872695, 1.129257, 0.713821, 0.560482),
    }.items():
        (mean, variance, *_), rate, volatility = found[t]
        assert (mean, rate, volatility, variance) == printed(expected)


def test_hgf():
    learner = BinaryHGF(tonic_volatility=-2.0, meta_volatility=-4.0, start_log_volatility=1.0)
    found = trace(learner, BINARY)
    for t, expected in {
        1: (-0.509654, 0.981059, 0.991458, 1.022214),
        2: (0.143171, 0.956957, 0.999476, 1.034231),
        10: (1.902298, 0.768615, 0.914860, 1.157231),
        120: (-1.725423, 0.674688, 0.880031, 1.042135),
    }.items():
        assert tuple(found[t][0]) == printed(expected)
        assert found[t][1] == pytest.approx(1 / expected[1], rel=1e-6)


def test_pearce_hall():
    learner = PearceHall(start=0.5, associability=1.0, salience=0.5, associability_rate=0.3)
    found = trace(learner, BINARY)
    for t, expected in {
        1: (0.25, 0.85),
        2: (0.56875, 0.82),
        10: (0.913936, 0.237008),
        120: (0.077227, 0.219739),
    }.items():
        assert tuple(found[t][0]) == printed(expected)
