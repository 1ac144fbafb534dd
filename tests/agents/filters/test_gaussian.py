"""Filters of outcomes of any size: closed forms, scale, what time does to unseen arms."""

import numpy as np
import pytest

from caudate.agents.filters import (
    FILTERS,
    BinaryVolatileKalman,
    ContinuousHGF,
    Filter,
    GaussianChangePoint,
    Kalman,
    PearceHall,
    VolatileKalman,
)

from .series import GRADED, outcomes, told

#: Variance of hidden change, of outcomes -> steady gain, by the quadratic equation of the variance.
STEADY = {(0.5, 1.0): 0.5, (1.5, 1.0): 0.686141, (0.5, 3.0): 1 / 3, (1.5, 3.0): 0.5}


@pytest.mark.parametrize(("v", "s"), STEADY)
def test_steady_kalman_gain(v, s):
    learner = Kalman(volatility=v, stochasticity=s)
    course = learner.run(np.zeros(200))
    assert told(course.learning_rate)[-1, 0, 0] == pytest.approx(STEADY[v, s], abs=1e-6)
    assert course.state[1][0, 0] == pytest.approx(STEADY[v, s] * s, abs=1e-6)


def test_kalman_is_the_posterior_of_the_joint_normal():
    """Against conditioning of the joint normal of all x and o, with decay and gaps."""
    rho, centre, v, s, w = 0.9, 2.0, 0.5, 1.5, 4.0
    learner = Kalman(
        volatility=v, stochasticity=s, decay=rho, centre=centre, start=1.0, start_variance=w
    )
    values, seen = outcomes("any", (6,)), np.array([1, 0, 1, 1, 0, 0], bool)
    course = learner.run(values, seen)
    mean, spread, means, pulls = 1.0, w, [], []
    for _ in range(7):
        mean, spread = centre + rho * (mean - centre), rho**2 * spread + v
        means.append(mean)
        pulls.append(spread)
    lag = np.abs(np.subtract.outer(np.arange(7), np.arange(7)))
    covariance = np.minimum.outer(pulls, pulls)  # the variance of the earlier one, times rho^lag
    first = np.minimum.outer(np.arange(7), np.arange(7))
    covariance = np.array(pulls)[first] * rho**lag
    at = np.flatnonzero(seen)
    gain = covariance[6, at] @ np.linalg.inv(covariance[np.ix_(at, at)] + s * np.eye(len(at)))
    expected = means[6] + gain @ (values[at] - np.array(means)[at])
    assert course.mean[-1, 0, 0] == pytest.approx(expected)
    left = covariance[6, 6] - gain @ covariance[at, 6]
    assert learner.variance(course.state)[0, 0] == pytest.approx(left)


def unseen(learner: Filter, trials: int = 5):
    """State after some outcomes, and after ``trials`` more without any."""
    state = learner.run(GRADED[:20]).state
    later = state
    for _ in range(trials):
        later, _ = learner.update(later, np.nan, False)
    return state, later


def test_unseen_arms_drift():
    learner = Kalman(volatility=0.5, stochasticity=1.0, decay=0.9, centre=2.0)
    state, later = unseen(learner)
    left = 0.9**5
    assert learner.mean(later) == pytest.approx(2 + left * (learner.mean(state) - 2))
    grown = left**2 * learner.variance(state) + 0.5 * (1 - left**2) / (1 - 0.9**2)
    assert learner.variance(later) == pytest.approx(grown)


def test_unseen_arms_of_the_vkf_grow_uncertain():
    learner = VolatileKalman()
    state, later = unseen(learner)
    mean, variance, volatility, gap = state
    assert (later[:3], later[3]) == (state[:3], gap + 5)
    assert learner.variance(later) == pytest.approx(variance + 6 * volatility)
    # The next outcome then teaches the volatility of one trial by the change of six.
    new, _ = learner.update(later, 2.0)
    prior = variance + 6 * volatility
    k = prior / (prior + 1.0)
    squared = (new[0] - mean) ** 2 + (1 - k) * prior + variance - 2 * (1 - k) * variance
    assert new[2] == pytest.approx(volatility + 0.1 * (squared / 6 - volatility))


@pytest.mark.parametrize("learner", [VolatileKalman(), BinaryVolatileKalman()])
def test_gaps_do_not_make_volatility_explode(learner):
    values = outcomes("binary", (2000, 20))
    course = learner.run(values, np.random.default_rng(1).random(values.shape) < 0.3)
    assert told(course.volatility)[-500:].max() < 10


def test_unseen_arms_of_pearce_hall_stay():
    state, later = unseen(PearceHall())
    assert state == later


def test_unseen_arms_of_the_hgf_lose_precision_only():
    learner = ContinuousHGF(tonic_volatility=-1.0)
    state, later = unseen(learner)
    assert state[::2] == later[::2]
    for before, after in zip(state[1::2], later[1::2], strict=True):
        assert after < before
    assert 1 / later[5] == pytest.approx(1 / state[5] + 5 * np.exp(-6.0))


def scaled(c: float) -> dict[str, tuple[Filter, Filter]]:
    """Filters, and the same for outcomes c times as large."""
    log = 2 * np.log(c)
    return {
        "kalman": (
            Kalman(volatility=0.3, stochasticity=0.7, start_variance=2.0),
            Kalman(volatility=0.3 * c**2, stochasticity=0.7 * c**2, start_variance=2.0 * c**2),
        ),
        "vkf": (
            VolatileKalman(volatility=0.3, stochasticity=0.7),
            VolatileKalman(volatility=0.3 * c**2, stochasticity=0.7 * c**2),
        ),
        "continuous-hgf": (
            ContinuousHGF(tonic_volatility=-1.0),
            ContinuousHGF(
                tonic_volatility=-1.0 + log, stochasticity=c**2, start_precision=1 / c**2
            ),
        ),
        "gaussian-change-point": (
            GaussianChangePoint(stochasticity=0.7, start_variance=20.0, longest=30),
            GaussianChangePoint(stochasticity=0.7 * c**2, start_variance=20.0 * c**2, longest=30),
        ),
    }


@pytest.mark.parametrize("name", scaled(1.0))
def test_the_unit_of_outcomes_does_not_matter(name):
    c = 37.0
    plain, large = scaled(c)[name]
    one, other = plain.run(GRADED), large.run(c * GRADED)
    np.testing.assert_allclose(other.mean, c * one.mean, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(other.variance, c**2 * one.variance, rtol=1e-9)
    np.testing.assert_allclose(told(other.learning_rate), told(one.learning_rate), rtol=1e-9)


def test_filters_of_any_outcome_but_pearce_hall_are_tried():
    graded = {name for name, kind in FILTERS.items() if kind.outcomes == "any"}
    assert graded >= set(scaled(1.0))


def test_vkf_rate_follows_the_speed_of_the_world():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(400, 200))
    slow, fast = (
        VolatileKalman().run(noise + np.cumsum(np.sqrt(v) * rng.normal(size=noise.shape), axis=0))
        for v in (0.05, 2.0)
    )
    assert told(fast.learning_rate)[-100:].mean() > told(slow.learning_rate)[-100:].mean() + 0.05
    # The moments of the trial before are filtered, not smoothed: volatility comes out too large.
    assert told(slow.volatility)[-100:].mean() > 10 * 0.05
