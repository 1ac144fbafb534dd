"""Kaplan-Meier curves against the worked examples of the literature."""

import math
from fractions import Fraction

import numpy as np
import pytest

from caudate.training.survival import kaplan_meier

# Weeks of remission of leukaemia, 6-mercaptopurine and placebo: Freireich et al. (1963),
# doi:10.1182/blood.V21.6.699.699; a plus is a patient who was still in remission.
DRUG = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"


def remission(weeks):
    weeks = weeks.split()
    return kaplan_meier([int(w.rstrip("+")) for w in weeks], ["+" not in w for w in weeks])


def test_the_curve_of_remission_is_the_published_one():
    # Kalbfleisch and Prentice (2002), doi:10.1002/9781118032985; Klein and Moeschberger (2003)
    curve = remission(DRUG)
    assert curve.time.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve.reached.tolist() == [3, 1, 1, 1, 1, 1, 1]
    published = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert curve.share == pytest.approx(published, abs=5e-4)
    errors = [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]
    assert curve.error == pytest.approx(errors, abs=5e-5)


def test_medians_of_remission_and_their_intervals():
    assert remission(DRUG).median() == (23, 13, math.inf)
    assert remission(PLACEBO).median() == (8, 4, 11)


def test_means_of_remission():
    drug, placebo = remission(DRUG), remission(PLACEBO)
    mean, low, high = drug.restricted_mean(35)
    assert mean == pytest.approx(23.29, abs=0.005)
    assert (high - low) / 2 / 1.959964 == pytest.approx(2.83, abs=0.005)
    mean, low, high = placebo.restricted_mean(23)  # none is censored: the ordinary mean
    weeks = np.array([int(w) for w in PLACEBO.split()])
    assert mean == pytest.approx(weeks.mean())
    assert (high - low) / 2 / 1.959964 == pytest.approx(weeks.std() / np.sqrt(21))


def test_a_curve_by_hand():
    curve = kaplan_meier([3, 1, 2, 2], [True, True, False, True])
    # 4 at risk at 1: 3/4; 3 at 2 (the one that is cut off then among them): 2/3; 1 at 3: 0.
    assert curve.share.tolist() == pytest.approx([0.75, 0.5, 0.0])
    assert curve.median().value == 2
    assert curve.restricted_mean(2.5).value == pytest.approx(1 + 0.75 + 0.25)
    x, y, low, high = curve.steps()
    assert x.tolist() == [0, 1, 1, 2, 2, 3, 3]
    assert y.tolist() == pytest.approx([1, 1, 0.75, 0.75, 0.5, 0.5, 0])
    assert len(low) == len(high) == len(x)


def test_the_median_of_a_whole_sample_is_its_middle():
    for n in range(1, 61):
        curve = kaplan_meier(range(1, n + 1), [True] * n)
        assert curve.median().value == (n + 1) // 2, n
        assert curve.share.tolist() == [(n - k) / n for k in range(1, n + 1)]


def test_curves_are_those_of_whole_numbers():
    rng = np.random.default_rng(0)
    for _ in range(200):
        n = int(rng.integers(1, 50))
        times = rng.integers(1, rng.integers(2, 60), n)
        reached = rng.random(n) < rng.choice([0.3, 0.8, 1.0])
        share, exact = Fraction(1), {}
        for time in sorted(set(times[reached].tolist())):
            at_risk, count = int((times >= time).sum()), int((times == time)[reached].sum())
            share *= 1 - Fraction(count, at_risk)
            exact[time] = share
        curve = kaplan_meier(times, reached)
        assert curve.share.tolist() == [float(one) for one in exact.values()]
        median = next((t for t, one in exact.items() if 2 * one <= 1), math.inf)
        assert curve.median().value == median


def test_nobody_arrives():
    curve = kaplan_meier([5.0, 7.0], [False, False])
    assert curve.median() == (math.inf, 0, math.inf)
    assert curve.restricted_mean(5) == (5, 5, 5)
    x, y, _, _ = curve.steps()
    assert (x.tolist(), y.tolist()) == ([0, 7], [1, 1])


@pytest.mark.parametrize(("n", "low", "high"), [(1, 0, math.inf), (5, 0, math.inf), (6, 4, 4)])
def test_a_few_runs_do_not_bound_a_median(n, low, high):
    # All arrive at once. P(all n on one side of the median) = 2^-n: below 0.025 from six on.
    assert kaplan_meier([4.0] * n, [True] * n).median() == (4, low, high)


def test_runs_are_needed():
    for times, reached in (([], []), ([1.0], [True, False]), ([[1.0]], [[True]])):
        with pytest.raises(ValueError, match="two lists of runs"):
            kaplan_meier(times, reached)
