"""The joint particle filter: its reference values, invariances, limits, luck and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import digamma, polygamma

from caudate.agents.errors import AgentError
from caudate.agents.filters import Course, JointParticle, counted
from caudate.agents.filters.diffusion import beta_factor, log_normal_factor

T = np.arange(1, 121)
SERIES = 3 * np.sin(2 * np.pi * T / 40) + np.cos(2.5 * T)
#: Trial, then volatility, stochasticity, learning rate and mean, from 16 runs of another program
#: with 20,000 particles and beta variates of NumPy (standard errors below .002).
ROWS = {
    20: (0.7132, 1.2212, 0.5305, 0.7724),
    60: (0.4019, 0.6305, 0.5467, 0.6486),
    120: (0.3396, 0.5717, 0.5523, -0.4910),
}


def reference(**options: Any) -> JointParticle:
    start: dict[str, Any] = {
        "initial_volatility": 1.0,
        "initial_stochasticity": 2.0,
        "initial_variance": 100.0,
    }
    return JointParticle(**(start | options))


def columns(outcomes: np.ndarray, n: int) -> np.ndarray:
    return np.tile(outcomes[:, None], (1, n))


def one_column(values: np.ndarray | None) -> np.ndarray:
    assert values is not None
    return values.ravel()


def at(course: Course, trial: int) -> list[float]:
    values = (course.volatility, course.stochasticity, course.learning_rate, course.mean)
    return [float(np.asarray(value)[trial - 1].mean()) for value in values]


def kalman(outcomes: np.ndarray, v: float, s: float, w: float) -> tuple[np.ndarray, np.ndarray]:
    mean, means, gains = 0.0, [], []
    for outcome in outcomes:
        gain = (w + v) / (w + v + s)
        mean, w = mean + gain * (outcome - mean), (1 - gain) * (w + v)
        means.append(mean)
        gains.append(gain)
    return np.array(means), np.array(gains)


# ---------------------------------------------------------------- what it computes


def test_a_hundred_particles_are_near_the_reference() -> None:
    course = reference().run(columns(SERIES, 50))
    for trial, (volatility, stochasticity, rate, mean) in ROWS.items():
        found = at(course, trial)
        assert abs(found[0] - volatility) < 0.03
        assert abs(found[1] - stochasticity) < 0.05
        assert abs(found[2] - rate) < 0.015
        assert abs(found[3] - mean) < 0.02


def test_many_particles_are_at_the_reference() -> None:
    course = reference(particles=20_000).run(columns(SERIES, 2))
    for trial, row in ROWS.items():
        np.testing.assert_allclose(at(course, trial), row, atol=0.012)


@pytest.mark.parametrize("diffusion", ["beta", "log-normal"])
def test_with_frozen_noise_it_is_a_kalman_filter(diffusion: Any) -> None:
    learner = reference(volatility_drift=0.0, stochasticity_drift=0.0, diffusion=diffusion)
    course = learner.run(SERIES)
    means, gains = kalman(SERIES, 1.0, 2.0, 100.0)
    np.testing.assert_allclose(course.mean.ravel(), means, rtol=1e-12)
    np.testing.assert_allclose(one_column(course.learning_rate), gains, rtol=1e-12)
    np.testing.assert_allclose(one_column(course.volatility), 1.0)
    np.testing.assert_allclose(one_column(course.stochasticity), 2.0)


@pytest.mark.parametrize("factor", [2.0**-20, 3.0, 2.0**20])
def test_the_unit_of_outcomes_changes_no_learning_rate(factor: float) -> None:
    plain = reference().run(SERIES)
    scaled = JointParticle(
        initial_volatility=factor**2,
        initial_stochasticity=2 * factor**2,
        initial_variance=100 * factor**2,
    ).run(SERIES * factor)
    rates = [np.asarray(one.learning_rate) for one in (scaled, plain)]
    np.testing.assert_allclose(*rates, rtol=1e-10)
    np.testing.assert_allclose(scaled.mean / factor, plain.mean, rtol=1e-9, atol=1e-10)


def test_variance_has_the_spread_of_means_in_it() -> None:
    learner = reference(particles=5)
    state = learner.run(SERIES[:4]).state
    weights, mean, variance = (np.ravel(state[i]) for i in (2, 5, 6))
    middle = weights @ mean
    assert learner.mean(state)[0, 0] == pytest.approx(middle)
    expected = weights @ variance + weights @ mean**2 - middle**2
    assert learner.variance(state)[0, 0] == pytest.approx(expected)


def test_samples_have_the_mean_and_variance_of_the_belief() -> None:
    for noise in ("shared", "own"):
        learner = reference(noise=noise, decay=0.9, start=0.5)
        state = learner.run(np.stack([SERIES[:5], SERIES[5:10]], -1)[:, None]).state
        rng = np.random.default_rng(0)
        many = tuple(np.repeat(part, 20_000, axis=0) for part in state)
        drawn = learner.sample(many, rng)
        assert drawn.shape == (20_000, 2)
        np.testing.assert_allclose(drawn.mean(0), learner.mean(state)[0], atol=0.05)
        np.testing.assert_allclose(drawn.var(0), learner.variance(state)[0], rtol=0.05)


def test_a_surprise_is_learned_from_unless_there_is_a_floor() -> None:
    outcomes = np.r_[np.ones(60), np.full(3, -1.0)]
    options: dict[str, Any] = {"initial_volatility": 0.01, "initial_stochasticity": 0.01}
    plain = JointParticle(**options).run(columns(outcomes, 20))
    floored = JointParticle(likelihood_floor=2.2e-16, **options).run(columns(outcomes, 20))
    # Without floor, the particles of largest variance survive, and the variances read so.
    after_plain, after_floored = (
        float(np.asarray(one.volatility)[-1].mean() + np.asarray(one.stochasticity)[-1].mean())
        for one in (plain, floored)
    )
    assert after_plain > 2 * after_floored


def test_moments_that_are_not_carried_change_the_result() -> None:
    outcomes = 0.75 + 0.1 * np.random.default_rng(0).standard_normal((120, 100))
    options: dict[str, Any] = {f"{noise}_drift": 0.2 for noise in ("volatility", "stochasticity")}
    options |= {f"initial_{noise}": 0.1 for noise in ("volatility", "stochasticity")}
    left = JointParticle(carry_moments=False, **options).run(outcomes)
    carried = JointParticle(**options).run(outcomes)
    rates = [float(np.asarray(one.learning_rate)[20:].mean()) for one in (left, carried)]
    assert rates[0] > rates[1] + 0.02


@pytest.mark.parametrize(
    ("lesion", "moving"),
    [("stochasticity", "volatility"), ("volatility", "stochasticity")],
)
def test_a_lesion_leaves_one_noise_where_it_is(lesion: Any, moving: str) -> None:
    course = reference(lesion=lesion).run(SERIES)
    start = {"volatility": 1.0, "stochasticity": 2.0}
    np.testing.assert_allclose(getattr(course, lesion), start[lesion])
    assert np.ptp(getattr(course, moving)) > 0.1


def test_lesioned_learners_take_one_noise_for_the_other() -> None:
    rng = np.random.default_rng(0)
    steps, luck = rng.standard_normal((2, 100, 60))
    rates: dict[tuple[Any, float, float], float] = {}
    for v, s in ((0.5, 1.0), (1.5, 1.0), (0.5, 3.0)):
        outcomes = np.cumsum(np.sqrt(v) * steps, 0) + np.sqrt(s) * luck
        for lesion in (None, "stochasticity", "volatility"):
            course = reference(lesion=lesion).run(outcomes)
            rates[lesion, v, s] = float(np.asarray(course.learning_rate)[-20:].mean())
    assert rates[None, 1.5, 1.0] > rates[None, 0.5, 1.0] > rates[None, 0.5, 3.0]
    assert rates["stochasticity", 0.5, 3.0] > rates["stochasticity", 0.5, 1.0] + 0.08
    assert rates["volatility", 1.5, 1.0] < rates["volatility", 0.5, 1.0] - 0.03


# ---------------------------------------------------------------- arms


def arms(n: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    outcomes = rng.standard_normal((40, n, 2))
    return outcomes, rng.random((40, n, 2)) < 0.6


def test_own_noise_makes_each_arm_a_filter() -> None:
    outcomes, _ = arms()
    learner = reference(noise="own", particles=3000)
    both = learner.run(outcomes)
    alone = [learner.run(outcomes[..., k : k + 1]) for k in (0, 1)]
    for k in (0, 1):
        np.testing.assert_allclose(both.mean[..., k], alone[k].mean[..., 0], atol=0.08)


@pytest.mark.parametrize("noise", ["shared", "own", "joint"])
def test_an_arm_that_is_not_seen_widens_and_decays(noise: Any) -> None:
    outcomes, _ = arms()
    learner = reference(noise=noise, decay=0.8, start=0.3)
    state = learner.run(outcomes[:10]).state
    after, report = learner.update(state, outcomes[10], np.zeros((3, 2), bool))
    for i in (2, 3, 4):
        np.testing.assert_array_equal(after[i], state[i])
    np.testing.assert_allclose(after[5], 0.3 + 0.8 * (state[5] - 0.3))
    np.testing.assert_allclose(after[6], 0.64 * state[6] + state[3])
    np.testing.assert_allclose(learner.mean(after), 0.3 + 0.8 * (learner.mean(state) - 0.3))
    assert report.learning_rate is not None


def test_an_unseen_arm_of_a_shared_cloud_follows_the_weights() -> None:
    outcomes, _ = arms()
    learner = reference()
    state = learner.run(outcomes[:10]).state
    seen = np.tile([True, False], (3, 1))
    first, _ = learner.update(state, outcomes[10], seen)
    other, _ = learner.update(state, outcomes[10] * [1, 100], seen)
    for one, two in zip(first, other, strict=True):
        np.testing.assert_array_equal(one, two)


def test_joint_particles_share_weights_but_no_noise() -> None:
    outcomes, seen = arms()
    course = reference(noise="joint").run(outcomes * [1, 10])
    assert course.state[2].shape == (3, 1, 100)
    assert course.state[3].shape == (3, 2, 100)
    assert course.stochasticity is not None
    quiet, loud = course.stochasticity[-1].mean(0)
    assert loud > 5 * quiet
    shared = reference().run(outcomes, seen)
    assert shared.stochasticity is not None
    np.testing.assert_array_equal(shared.stochasticity[..., 0], shared.stochasticity[..., 1])


# ---------------------------------------------------------------- luck


@pytest.mark.parametrize("noise", ["shared", "own", "joint"])
@pytest.mark.parametrize("particles", [37, 100])
def test_a_column_equals_a_run_alone(noise: Any, particles: int) -> None:
    outcomes, seen = arms(500)
    drift = np.linspace(0, 0.5, 500)
    learner = reference(noise=noise, particles=particles, volatility_drift=drift)
    batch = learner.run(outcomes, seen, seed=5)
    for i in (0, 123, 499):
        one = reference(noise=noise, particles=particles, volatility_drift=float(drift[i]))
        alone = one.run(outcomes[:, i : i + 1], seen[:, i : i + 1], seed=5 + i)
        np.testing.assert_array_equal(alone.mean[:, 0], batch.mean[:, i])
        np.testing.assert_array_equal(alone.variance[:, 0], batch.variance[:, i])
        for mine, all_of_it in zip(alone.state, batch.state, strict=True):
            np.testing.assert_array_equal(mine[0], all_of_it[i])


def test_luck_goes_on_where_arms_are_new() -> None:
    learner = JointParticle(particles=50)
    luck = []
    for seed in (1, 2):
        state = learner.begin(2, 3, seed)
        for _ in range(2):  # games
            state = learner.renewed(state, 3)
            assert np.array_equal(learner.mean(state), learner.mean(learner.begin(2, 3)))
            state, _ = learner.update(state, np.ones((2, 3)))
            luck.append(learner.mean(state)[0, 0])
    assert len(set(luck)) == 4


def test_updates_one_by_one_are_a_run_and_leave_states_alone() -> None:
    learner = reference()
    state = learner.begin(2, seed=np.array([7, 3]))
    kept = [part.copy() for part in state]
    first = state
    for outcome in SERIES[:20]:
        state, _ = learner.update(state, outcome)
    for part, copy in zip(first, kept, strict=True):
        np.testing.assert_array_equal(part, copy)
    course = learner.run(columns(SERIES[:20], 2), seed=np.array([7, 3]))
    for part, other in zip(state, course.state, strict=True):
        np.testing.assert_array_equal(part, other)
    assert not np.array_equal(learner.run(SERIES, seed=1).mean, learner.run(SERIES, seed=2).mean)


def test_words_are_uniform_and_differ_by_seed_trial_and_index() -> None:
    columns_ = counted.seeds(0, 400, "test")
    drawn = np.stack([counted.words(columns_, np.full(400, t), 50) for t in range(50)])
    assert len(np.unique(drawn)) == drawn.size
    share, cosine = counted.polar(drawn)
    for values in (share, counted.uniform(drawn)):
        assert abs(values.mean() - 0.5) < 1.5e-3
        assert abs(values.var() - 1 / 12) < 5e-4
        assert 0 < values.min() < values.max() < 1
    for axis in range(3):
        a, b = np.moveaxis(share, axis, 0)[:-1], np.moveaxis(share, axis, 0)[1:]
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.005
    assert abs(np.corrcoef(share.ravel(), cosine.ravel() ** 2)[0, 1]) < 0.005


@pytest.mark.parametrize("drift", [0.1, 0.2, 0.4])
def test_beta_factors_have_the_moments_of_the_model(drift: float) -> None:
    words = counted.words(counted.seeds(0, 2000, "test"), np.zeros(2000, np.int64), 500)
    factor = beta_factor(words, drift)
    n, a = words.size, (1 - drift) / (2 * drift)
    ratio, log = 1 / factor, -np.log(factor)  # e / eta
    variance = 2 * drift**2 / ((1 - drift) * (1 + 2 * drift))
    assert abs(ratio.mean() - 1) < 5 * np.sqrt(variance / n)
    assert ratio.var() == pytest.approx(variance, rel=0.01)
    spread = np.sqrt(polygamma(1, a) - polygamma(1, a + 0.5))
    middle = digamma(a) - digamma(a + 0.5) - np.log(1 - drift)
    assert abs(log.mean() - middle) < 5 * spread / np.sqrt(n)
    assert log.std() == pytest.approx(spread, rel=0.01)
    assert factor.min() >= 1 - drift


def test_beta_factors_follow_the_beta_distribution() -> None:
    from scipy.stats import beta, kstest

    words = counted.words(counted.seeds(3, 200, "test"), np.zeros(200, np.int64), 100)
    for drift in (0.05, 0.3, 0.9):
        drawn = (1 - drift) / beta_factor(words, drift).ravel()
        assert kstest(drawn, beta((1 - drift) / (2 * drift), 0.5).cdf).pvalue > 1e-3
    np.testing.assert_array_equal(beta_factor(words, 0.0), 1.0)
    by_column = beta_factor(words, np.linspace(0.1, 0.5, 200)[:, None])
    np.testing.assert_array_equal(by_column[-1], beta_factor(words[-1:], 0.5)[0])


def test_log_normal_factors_are_log_normal() -> None:
    words = counted.words(counted.seeds(3, 1000, "test"), np.zeros(1000, np.int64), 500)
    log = np.log(log_normal_factor(words, 0.1))
    assert abs(log.mean()) < 5 * 0.1 / np.sqrt(words.size)
    assert log.std() == pytest.approx(0.1, rel=0.01)
    assert ((log / 0.1) ** 4).mean() == pytest.approx(3, rel=0.03)


def test_variances_stay_in_reach() -> None:
    outcomes = np.r_[np.zeros(800), np.ones(5)]
    course = reference(volatility_drift=0.9, stochasticity_drift=0.9, particles=20).run(outcomes)
    for array in course.state[2:]:
        assert np.isfinite(array).all()
    assert course.state[3].min() >= 1e-12
    assert course.state[4].max() <= 2e12


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"particles": 0}, "particles=0 must be a whole number"),
        ({"particles": 2.5}, "particles=2.5 must be a whole number"),
        ({"volatility_drift": 1.0}, "volatility_drift=1.0 must be a number in \\[0, 0.9\\]"),
        ({"initial_volatility": 0.0}, "initial_volatility=0.0 must be a number in \\(0, inf\\)"),
        ({"noise": "none"}, "noise='none' must be one of 'shared', 'own', 'joint'"),
        ({"lesion": "both"}, "lesion='both' must be one of None, 'volatility', 'stochasticity'"),
        ({"diffusion": "normal"}, "diffusion='normal' must be one of 'beta', 'log-normal'"),
        ({"likelihood_floor": -1.0}, "likelihood_floor=-1.0 must be a number from 0 on"),
    ],
)
def test_bad_options_get_one_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(AgentError, match=message):
        JointParticle(**options)


@pytest.mark.parametrize("seed", [-1, 0.5, [1, 2], np.array([[1, 2, 3]])])
def test_bad_seeds_get_one_sentence(seed: Any) -> None:
    with pytest.raises(AgentError, match="must be a whole number from 0"):
        JointParticle().begin(3, seed=seed)


def test_bad_outcomes_get_one_sentence() -> None:
    with pytest.raises(AgentError, match="outcome nan is not finite"):
        JointParticle().run([0.0, np.nan])
    JointParticle().run([0.0, np.nan], seen=[True, False])
