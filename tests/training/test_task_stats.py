"""Statistics over tasks x seeds against values by hand, and against the trimmed mean."""

import numpy as np
import pytest
from scipy import stats as reference

from caudate.training.stats import bootstrap_interval, interquartile_mean
from caudate.training.task_stats import (
    Scores,
    interquartile_means,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
    summarise,
)


def scores(*tasks):
    values = np.concatenate([np.asarray(task, float) for task in tasks])
    return Scores(values, np.repeat(np.arange(len(tasks)), [len(task) for task in tasks]))


def test_with_equal_seeds_the_mean_is_the_trimmed_mean_of_all_runs():
    x = np.random.default_rng(0).uniform(size=(3, 8))  # 24 runs: whole quarters
    found = summarise(scores(*x))
    assert found.iqm.value == pytest.approx(reference.trim_mean(x.ravel(), 0.25))
    assert found.mean.value == pytest.approx(x.mean())
    assert found.optimality_gap.value == pytest.approx(1 - x.mean())
    for low, high, value in ((e.low, e.high, e.value) for e in found):
        assert low < value < high


def test_tasks_count_the_same_whatever_their_runs():
    runs = scores([0.0], [1.0, 1.0, 1.0])
    assert runs.weights == pytest.approx([1 / 2, 1 / 6, 1 / 6, 1 / 6])
    assert summarise(runs).mean.value == pytest.approx(0.5)
    # The middle half: a quarter of it of the one task, a quarter of the other.
    assert summarise(runs).iqm.value == pytest.approx(0.5)


def test_weights_stand_for_copies():
    x = np.random.default_rng(1).standard_normal((5, 3))
    times = np.array([1, 3, 2, 1, 4])
    copies = interquartile_mean(np.repeat(x, times, axis=0))
    assert interquartile_mean(x, times) == pytest.approx(copies)
    assert interquartile_mean(x, np.ones(5)) == pytest.approx(interquartile_mean(x))


def test_what_lies_above_the_optimum_does_not_make_up_for_what_falls_short():
    assert optimality_gap([0.5, 1.5], [0.5, 0.5]) == pytest.approx(0.25)


def test_a_profile_is_the_share_of_runs_above():
    found = performance_profile(scores([0.2, 0.6], [0.6, 0.9]), [0.0, 0.2, 0.6, 0.89, 0.9])
    assert found.middle.tolist() == [1, 0.75, 0.25, 0.25, 0]
    assert (found.low <= found.middle).all()
    assert (found.middle <= found.high).all()
    assert (found.low[0], found.high[0]) == (1, 1)


def test_probability_of_improvement_by_hand():
    # Task 0: pairs (1 > 0), (1 = 1), (2 > 0), (2 > 1): 3.5 of 4. Task 1: 0 of 1.
    x, y = scores([1, 2], [0]), scores([0, 1], [5])
    assert probability_of_improvement(x, y).value == pytest.approx((3.5 / 4 + 0) / 2)
    assert probability_of_improvement(y, x).value == pytest.approx(1 - 3.5 / 8)
    assert probability_of_improvement(x, x).value == pytest.approx((0.5 + 0.5) / 2)


def test_probability_of_improvement_has_mann_and_whitneys_mean_and_a_seeded_interval():
    rng = np.random.default_rng(3)
    x, y = rng.normal(0.5, 1, 12), rng.normal(0, 1, 15)
    found = probability_of_improvement(scores(x), scores(y))
    u = reference.mannwhitneyu(x, y).statistic
    assert found.value == pytest.approx(u / (12 * 15))
    assert found == probability_of_improvement(scores(x), scores(y))
    # The spread of the bootstrap is that of resampled pairs, by hand.
    picks = [np.mean(rng.choice(x, 12)[:, None] > rng.choice(y, 15)) for _ in range(2000)]
    assert (found.low, found.high) == pytest.approx(np.percentile(picks, [2.5, 97.5]), abs=0.02)


def test_improvement_counts_common_tasks_only():
    x = Scores(np.array([1.0, 9.0]), np.array([0, 1]))
    y = Scores(np.array([0.0]), np.array([0]))
    assert probability_of_improvement(x, y) == (1, 1, 1)
    with pytest.raises(ValueError, match="on which both have runs"):
        probability_of_improvement(x.on({1}), y)


def test_strata_are_resampled_apart():
    # Two tasks far apart whose runs agree: nothing varies, while a plain bootstrap would.
    x, task = [0.0] * 4 + [10.0] * 4, [0] * 4 + [1] * 4
    assert bootstrap_interval(x, np.mean, strata=task) == (5, 5)
    low, high = bootstrap_interval(x, np.mean)
    assert low < 3
    assert high > 7


def test_stratified_intervals_have_the_width_of_theory():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((5, 40)) + 10 * np.arange(5)[:, None]
    found = summarise(scores(*x)).mean
    half = 1.959964 * np.sqrt((x.var(axis=1) / 40).sum()) / 5
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)


def test_curves_are_summarised_place_by_place():
    x = np.random.default_rng(5).uniform(size=(6, 4))
    for task in ([0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 1]):
        runs = Scores(x, np.array(task))
        found = interquartile_means(runs)
        for k in range(4):
            expected = interquartile_mean(x[:, k], runs.weights)
            assert found.middle[k] == pytest.approx(expected)
        assert (found.low <= found.middle).all()
        assert (found.middle <= found.high).all()
