"""Intervals and summaries against values known from elsewhere."""

import numpy as np
import pytest
from scipy import stats as reference

from caudate.training.stats import (
    Bounded,
    bootstrap_interval,
    interquartile_mean,
    mean_interval,
    median_and_range,
    wilson_interval,
)


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (3, 10), (81, 263), (1000, 1000)])
def test_wilson_interval_is_scipys(successes, n):
    expected = reference.binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson_interval(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_wilson_interval_of_the_literature():
    # Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_mean_interval_is_wilsons_or_a_bootstrap():
    x = np.random.default_rng(0).uniform(0.9, 1.0, 500)
    half = 1.959964 * x.std(ddof=1) / np.sqrt(500)
    assert mean_interval(x) == pytest.approx((x.mean() - half, x.mean() + half), abs=half / 10)
    assert mean_interval([1, 1, 0, 1]) == wilson_interval(3, 4)
    assert mean_interval([17.0]) == (17.0, 17.0)  # JSON knows no infinity


@pytest.mark.parametrize("n", [4, 8, 40])
def test_interquartile_mean_is_the_trimmed_mean_where_quarters_are_whole(n):
    x = np.random.default_rng(n).standard_normal(n)
    assert interquartile_mean(x) == pytest.approx(reference.trim_mean(x, 0.25))


def test_interquartile_mean_weights_edges_and_keeps_other_axes():
    # n = 3: the middle value counts 1, its neighbours 1/4 each.
    assert interquartile_mean([0.0, 1.0, 5.0]) == pytest.approx((0 / 4 + 1 + 5 / 4) / 1.5)
    x = np.random.default_rng(0).standard_normal((10, 3))
    assert interquartile_mean(x) == pytest.approx(np.array([interquartile_mean(c) for c in x.T]))


def test_bootstrap_interval_is_seeded_and_near_scipys():
    x = np.random.default_rng(1).standard_normal(30)
    ours = bootstrap_interval(x, lambda v: v.mean(axis=0))
    assert ours == bootstrap_interval(x, lambda v: v.mean(axis=0))
    theirs = reference.bootstrap(
        (x,),
        np.mean,
        n_resamples=5000,
        method="percentile",
        random_state=0,  # pyright: ignore[reportCallIssue]
    ).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.05)


def test_bootstrap_interval_of_curves_is_that_of_each_point():
    x = np.random.default_rng(2).standard_normal((6, 4))
    low, high = bootstrap_interval(x, n_resamples=200)
    for i in range(4):
        assert (low[i], high[i]) == pytest.approx(bootstrap_interval(x[:, i], n_resamples=200))
    assert bootstrap_interval([0.7]) == (0.7, 0.7)


def test_median_and_range():
    spread = median_and_range([3.0, 1.0, 2.0, 10.0])
    assert spread == (Bounded(2.5), Bounded(1.0), Bounded(10.0))


def test_censored_values_censor_what_depends_on_them():
    spread = median_and_range([3.0, 1.0, 30.0], [False, False, True])
    assert spread == (Bounded(3.0), Bounded(1.0), Bounded(30.0, True))
    spread = median_and_range([3.0, 30.0, 30.0], [False, True, True])
    assert spread == (Bounded(30.0, True), Bounded(3.0), Bounded(30.0, True))
    # A run that gave up early may be the fastest of all.
    spread = median_and_range([5.0, 2.0, 6.0], [False, True, False])
    assert spread == (Bounded(5.0, True), Bounded(2.0, True), Bounded(6.0, True))
