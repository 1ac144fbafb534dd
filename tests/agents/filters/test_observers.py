"""Exact observers of binary outcomes against enumeration of all that may have happened."""

from itertools import pairwise, product

import numpy as np
import pytest
from scipy.special import betaln

from caudate.agents import AgentError
from caudate.agents.filters import (
    Behrens,
    ChangePointObserver,
    GaussianChangePoint,
    ReversalObserver,
)

from .series import BINARY, outcomes, told

# ---------------------------------------------------------------- reversals


def enumerated_arms(values, seen, p_good, p_bad, hazard):
    """P(each arm is good after the last trial | outcomes), over all sequences of good arms."""
    trials, arms = values.shape
    found = np.zeros(arms)
    for path in product(range(arms), repeat=trials + 1):
        weight = 1.0 / arms
        for before, after in pairwise(path):
            weight *= 1 - hazard if before == after else hazard / (arms - 1)
        for outcome, here, good in zip(values, seen, path[:-1], strict=True):
            for arm in np.flatnonzero(here):
                p = p_good if arm == good else p_bad
                weight *= p if outcome[arm] else 1 - p
        found[path[-1]] += weight
    return found / found.sum()


@pytest.mark.parametrize("arms", [2, 3])
def test_reversal_observer_is_the_sum_over_all_sequences(arms):
    observer = ReversalObserver(p_good=0.7, p_bad=0.4, hazard=0.15)
    values = outcomes("binary", (6, arms))
    seen = np.random.default_rng(3).random(values.shape) < 0.5
    state = observer.run(values[:, None], seen[:, None]).state
    expected = enumerated_arms(values, seen, 0.7, 0.4, 0.15)
    np.testing.assert_allclose(state[0][0], expected, rtol=1e-12)


def test_two_arms_whose_odds_add_up_to_one():
    """b by Bayes' rule from the reward, then b (1 - h) + (1 - b) h."""
    p, h = 0.8, 0.05
    observer, rng = ReversalObserver(p_good=p, p_bad=1 - p, hazard=h), np.random.default_rng(0)
    state, b = observer.begin(arms=2), 0.5
    for _ in range(50):
        choice, reward = rng.integers(2), rng.integers(2)
        state, _ = observer.update(state, reward, np.arange(2) == choice)
        if_zero = p if (choice == 0) == bool(reward) else 1 - p
        b = b * if_zero / (b * if_zero + (1 - b) * (1 - if_zero))
        b = b * (1 - h) + (1 - b) * h
        np.testing.assert_allclose(state[0], [[b, 1 - b]], rtol=1e-12)
        assert observer.mean(state)[0, 0] == pytest.approx(b * p + (1 - b) * (1 - p))


def test_a_lone_arm_is_like_one_of_two():
    observer = ReversalObserver(p_good=0.9, p_bad=0.3, hazard=0.1)
    alone = observer.run(BINARY)
    pair = np.stack([BINARY, np.zeros_like(BINARY)], axis=-1)[:, None]
    of_two = observer.run(pair, np.broadcast_to([True, False], pair.shape))
    np.testing.assert_allclose(alone.mean, of_two.mean[..., :1], rtol=1e-12)
    error = BINARY - alone.predicted[:, 0, 0]
    moved = alone.mean[:, 0, 0] - alone.predicted[:, 0, 0]
    np.testing.assert_allclose(told(alone.learning_rate)[:, 0, 0] * error, moved, atol=1e-12)


def test_without_evidence_all_arms_become_alike():
    observer = ReversalObserver(hazard=0.2)
    state, _ = observer.update(observer.begin(arms=3), 1.0, [[True, False, False]])
    assert state[0][0, 0] > 0.5
    for _ in range(60):
        state, _ = observer.update(state, np.nan, False)
    np.testing.assert_allclose(state[0], 1 / 3, rtol=1e-6)


def test_exactly_one_arm_of_a_sample_is_good():
    observer = ReversalObserver(p_good=0.8, p_bad=0.2)
    state = observer.begin(500, 3)
    worths = observer.sample(state, np.random.default_rng(0))
    assert ((worths == 0.8).sum(1) == 1).all()
    np.testing.assert_allclose((worths == 0.8).mean(0), 1 / 3, atol=0.07)


# ---------------------------------------------------------------- change points


def runs_of(changes):
    """Where each regime begins, after which trials the quantity was drawn anew."""
    return [0, *(t + 1 for t, changed in enumerate(changes) if changed)]


def enumerated_regimes(values, seen, hazard, evidence, expected):
    """Mean for the next trial, summed over all sets of change points."""
    total = mean = 0.0
    for changes in product([False, True], repeat=len(values)):
        starts = [*runs_of(changes), len(values)]
        weight = np.prod([hazard if changed else 1 - hazard for changed in changes])
        for begin, end in pairwise(starts):
            weight *= evidence(values[begin:end][seen[begin:end]])
        total += weight
        last = starts[-2]
        mean += weight * expected(values[last:][seen[last:]])
    return mean / total


SEEN = np.array([1, 1, 0, 1, 1, 1, 0, 1, 1], bool)


def test_change_point_observer_is_the_sum_over_all_change_points():
    a, b, hazard = 1.5, 0.7, 0.2
    values = BINARY[:9]

    def evidence(part):
        ones = part.sum()
        return np.exp(betaln(a + ones, b + len(part) - ones) - betaln(a, b))

    def expected(part):
        return (a + part.sum()) / (a + b + len(part))

    observer = ChangePointObserver(hazard=hazard, prior_ones=a, prior_zeros=b, longest=9)
    course = observer.run(values, SEEN)
    for t in range(10):
        mean = enumerated_regimes(values[:t], SEEN[:t], hazard, evidence, expected)
        found = course.predicted[t] if t < 9 else course.mean[-1]
        assert found[0, 0] == pytest.approx(mean, rel=1e-12)


def test_gaussian_change_point_is_the_sum_over_all_change_points():
    noise, prior, centre, hazard = 0.6, 9.0, 1.0, 0.2
    values = outcomes("any", (9,)) * 3

    def covariance(part):
        return noise * np.eye(len(part)) + prior

    def evidence(part):
        if not len(part):
            return 1.0
        c, d = covariance(part), part - centre
        return np.exp(-0.5 * d @ np.linalg.solve(c, d)) / np.sqrt(np.linalg.det(2 * np.pi * c))

    def expected(part):
        gain = np.linalg.solve(covariance(part), np.full(len(part), prior)) if len(part) else part
        return centre + gain @ (part - centre)

    observer = GaussianChangePoint(
        hazard=hazard, stochasticity=noise, start=centre, start_variance=prior, longest=9
    )
    course = observer.run(values, SEEN)
    mean = enumerated_regimes(values, SEEN, hazard, evidence, expected)
    assert course.mean[-1, 0, 0] == pytest.approx(mean, rel=1e-10)


def test_runs_held_together_hardly_differ():
    rng = np.random.default_rng(0)
    p = np.repeat(rng.random((20, 50)), 50, axis=0)
    values = (rng.random(p.shape) < p).astype(float)
    exact, short = (ChangePointObserver(hazard=0.02, longest=n).run(values) for n in (1000, 60))
    assert np.abs(exact.mean - short.mean).max() < 0.1
    assert np.abs(exact.mean - short.mean).mean() < 2e-3


def test_without_change_points_nothing_is_lost():
    observer = ChangePointObserver(hazard=0.0, longest=3)
    assert observer.run(BINARY).mean[-1, 0, 0] == pytest.approx(61 / 122)
    steady = GaussianChangePoint(hazard=0.0, longest=3, start_variance=4.0, stochasticity=1.0)
    assert steady.run(BINARY).mean[-1, 0, 0] == pytest.approx(60 / 120.25)


def test_an_unseen_arm_may_change():
    observer = ChangePointObserver(hazard=0.1)
    state = observer.run(np.ones(20)).state
    mean = observer.mean(state)
    later, _ = observer.update(state, np.nan, False)
    # A new regime's mean is 1/2.
    assert observer.mean(later) == pytest.approx(0.9 * mean + 0.1 * 0.5)


def test_outcomes_far_from_all_expectation_are_new_regimes():
    course = GaussianChangePoint(stochasticity=1e-6, start_variance=1.0).run([0.0, 0.0, 30.0, 30.0])
    assert np.isfinite(course.mean).all()
    assert told(course.learning_rate)[2, 0, 0] > 0.99
    assert course.mean[-1, 0, 0] > 25


def test_a_bound_below_one_is_refused():
    with pytest.raises(AgentError, match="longest=0 must be 1 or more"):
        ChangePointObserver(longest=0)


# ---------------------------------------------------------------- the grid


def test_behrens_has_the_known_numbers():
    learner = Behrens()
    course = learner.run(BINARY[:10])
    known = [0.5, 0.3540, 0.7108]
    assert course.predicted[[0, 1, 9], 0, 0] == pytest.approx(known, abs=6e-5)

    def concentration_after(trials):
        """E[I] once the last outcome was seen, before the world goes on."""
        belief = learner.run(BINARY[: trials - 1]).state[0] if trials > 1 else learner.begin()[0]
        p = learner.values() if BINARY[trials - 1] else 1 - learner.values()
        seen = belief * p
        return learner.log_concentration((belief, seen.sum(-2) / seen.sum())).item()

    assert concentration_after(1) == pytest.approx(4.9517, abs=6e-5)
    assert concentration_after(10) == pytest.approx(5.0441, abs=6e-5)


def test_behrens_tells_stable_from_volatile_blocks():
    learner = Behrens(grid=(20, 15, 12))
    p = np.r_[np.full(120, 0.75), np.repeat([0.2, 0.8, 0.2, 0.8, 0.2], [40, 40, 30, 30, 30])]
    values = (np.random.default_rng(0).random((290, 6)) < p[:, None]).astype(float)
    state, concentration, volatility = learner.begin(6), [], []
    for outcome in values:
        state, report = learner.update(state, outcome[:, None])
        concentration.append(learner.log_concentration(state).mean())
        volatility.append(told(report.volatility).mean())
    assert np.mean(concentration[20:119]) > np.mean(concentration[180:]) + 0.5
    assert np.mean(volatility[20:119]) < np.mean(volatility[180:])


def test_behrens_keeps_its_belief_a_distribution():
    learner = Behrens(grid=(9, 6, 5))
    state = learner.run(outcomes("binary", (200, 2)), seed=0).state
    np.testing.assert_allclose(state[0].sum((-3, -2, -1)), 1.0, rtol=1e-9)
    np.testing.assert_allclose(state[1], state[0].sum(-2), rtol=1e-12)


def test_time_alone_lets_behrens_forget():
    learner = Behrens(grid=(20, 10, 8))
    state = learner.run(np.ones(15)).state
    sure = learner.mean(state)
    for _ in range(200):
        state, _ = learner.update(state, np.nan, False)
    assert 0.5 < learner.mean(state) < sure


def test_a_grid_of_one_value_is_refused():
    with pytest.raises(AgentError, match=r"grid=\(1, 3, 3\) must be three numbers"):
        Behrens(grid=(1, 3, 3))
