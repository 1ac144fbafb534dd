"""Hierarchical Gaussian filters against a derivation of their own, limits, and breakdown."""

from dataclasses import replace

import numpy as np
import pytest

from caudate.agents.filters import BinaryHGF, ContinuousHGF, Kalman

from .series import BINARY, GRADED, told


def newton_step(mean, precision, coupling, tonic, below, squared):
    """One Newton step of the variational energy of a log-volatility level, by differences.

    The level x has the normal prior of ``mean`` and ``precision``; the level below took a step of
    expected square ``squared``, from a belief of variance ``below``, that has variance below +
    exp(coupling x + tonic).
    """

    def energy(x):
        total = below + np.exp(coupling * x + tonic)
        prior = 0.5 * precision * (x - mean) ** 2
        return -0.5 * np.log(total) - 0.5 * squared / total - prior

    h = 1e-4
    low, here, high = energy(mean - h), energy(mean), energy(mean + h)
    curvature = -(high - 2 * here + low) / h**2
    return mean + (high - low) / (2 * h) / curvature, curvature


@pytest.mark.parametrize("coupling", [0.5, 1.0, 1.3])
def test_binary_volatility_level(coupling):
    learner = BinaryHGF(coupling=coupling, tonic_volatility=-1.5, meta_volatility=-3.0)
    state = learner.begin()
    for outcome in BINARY[:30]:
        new, _ = learner.update(state, outcome)
        mu2, pi2, mu3, pi3 = (part.item() for part in state)
        squared = (1 / new[1] + (new[0] - mu2) ** 2).item()
        above = 1 / (1 / pi3 + np.exp(-3.0))
        mean, precision = newton_step(mu3, above, coupling, -1.5, 1 / pi2, squared)
        assert new[2].item() == pytest.approx(mean, abs=1e-6)
        assert new[3].item() == pytest.approx(precision, rel=1e-5)
        state = new


def test_continuous_volatility_levels():
    learner = ContinuousHGF(
        stochasticity=0.8,
        tonic_volatility=-1.0,
        meta_volatility=-2.0,
        top_volatility=-3.0,
        coupling=1.2,
        meta_coupling=0.7,
    )
    state = learner.begin()
    for outcome in GRADED[:30]:
        new, _ = learner.update(state, outcome)
        mu1, pi1, mu2, pi2, mu3, pi3 = (part.item() for part in state)
        squared = (1 / new[1] + (new[0] - mu1) ** 2).item()
        above = 1 / (1 / pi2 + np.exp(0.7 * mu3 - 2.0))
        mean, precision = newton_step(mu2, above, 1.2, -1.0, 1 / pi1, squared)
        assert new[2].item() == pytest.approx(mean, abs=1e-6)
        assert new[3].item() == pytest.approx(precision, rel=1e-5)
        squared = (1 / new[3] + (new[2] - mu2) ** 2).item()
        above = 1 / (1 / pi3 + np.exp(-3.0))
        mean, precision = newton_step(mu3, above, 0.7, -2.0, 1 / pi2, squared)
        assert new[4].item() == pytest.approx(mean, abs=1e-6)
        assert new[5].item() == pytest.approx(precision, rel=1e-5)
        state = new


@pytest.mark.parametrize(
    "frozen",
    [
        {"coupling": 0.0, "tonic_volatility": np.log(0.3)},
        {
            "start_log_volatility": 0.5,
            "tonic_volatility": np.log(0.3) - 0.5,
            "start_log_volatility_precision": 1e12,
            "meta_volatility": -60.0,
            "meta_coupling": 0.0,
        },
    ],
    ids=["no coupling", "a volatility that is known"],
)
def test_with_volatility_frozen_it_is_a_kalman_filter(frozen):
    course = ContinuousHGF(stochasticity=0.8, start_precision=0.5, **frozen).run(GRADED)
    kalman = Kalman(volatility=0.3, stochasticity=0.8, start_variance=2.0).run(GRADED)
    np.testing.assert_allclose(course.mean, kalman.mean, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(course.variance, kalman.variance, rtol=1e-6)
    np.testing.assert_allclose(told(course.learning_rate), told(kalman.learning_rate), rtol=1e-6)


def test_what_was_not_seen_leaves_the_means():
    learner = BinaryHGF()
    state = learner.run(BINARY[:20]).state
    later, _ = learner.update(state, np.nan, False)
    mu2, pi2, mu3, pi3 = state
    assert (later[0], later[2]) == (mu2, mu3)
    assert 1 / later[1] == pytest.approx(1 / pi2 + np.exp(mu3 - 3.0))
    assert 1 / later[3] == pytest.approx(1 / pi3 + np.exp(-6.0))


def test_surprise_raises_volatility():
    steady = np.zeros(60)
    shaken = steady.copy()
    shaken[50:] = 1.0
    calm, alarmed = (BinaryHGF(meta_volatility=-2.0).run(o).state[2] for o in (steady, shaken))
    assert alarmed > calm


def test_a_column_that_breaks_down_is_nan_and_alone():
    """Precision below 0: the equations mean nothing there, and nothing is made up."""
    sure = BinaryHGF(start=4.0, start_precision=0.1, tonic_volatility=0.0)
    wild = replace(sure, meta_volatility=np.array([-6.0, 2.0]))
    surprise = np.zeros((10, 2))
    course = wild.run(surprise)
    # The first belief about the probability did not need the level that broke.
    assert np.isfinite(course.mean[0]).all()
    assert np.isnan(course.mean[1:, 1]).all()
    assert np.isnan(course.variance[1:, 1]).all()
    np.testing.assert_allclose(course.mean[:, :1], sure.run(surprise[:, 0]).mean, rtol=1e-12)
    assert np.isnan(wild.sample(course.state, np.random.default_rng(0))[1, 0])


def test_extreme_parameters_do_not_overflow():
    for omega in (-800.0, 800.0):
        for name in ("tonic_volatility", "meta_volatility"):
            BinaryHGF(**{name: omega}).run(BINARY)
            ContinuousHGF(**{name: omega}).run(GRADED)
        ContinuousHGF(top_volatility=omega).run(GRADED)


def test_the_defaults_hold_on_bandits_seen_in_part():
    rng = np.random.default_rng(0)
    for p in (0.5, 0.9):
        values, seen = rng.random((300, 100)) < p, rng.random((300, 100)) < 0.3
        assert np.isfinite(BinaryHGF().run(values, seen).variance).all()
