"""The rules as functions of arrays, against sums written out."""

from __future__ import annotations

import numpy as np
import pytest

from caudate.agents.perturbation.credit import signed_ranks
from caudate.agents.perturbation.rules import (
    SUPRALINEAR,
    Fluctuations,
    active_inputs,
    kicks,
    node_gradient,
    node_noise,
    weight_gradient,
)


def test_node_gradient_is_the_sum_over_samples():
    rng = np.random.default_rng(0)
    xi, r, credit = rng.normal(size=(2, 7, 3)), rng.normal(size=(2, 7, 5)), rng.normal(size=(2, 7))
    expected = np.zeros((2, 3, 5))
    for run in range(2):
        for s in range(7):
            expected[run] += credit[run, s] * np.outer(xi[run, s], r[run, s]) / 0.3**2
    np.testing.assert_allclose(node_gradient(xi, r, credit, 0.3), expected)
    np.testing.assert_allclose(  # one credit a run
        node_gradient(xi, r, credit[:, :1], 0.3)[0],
        credit[0, 0] * xi[0].T @ r[0] / 0.3**2,
    )


def test_weight_gradient_is_the_sum_over_perturbations():
    rng = np.random.default_rng(1)
    xi, credit = rng.normal(size=(2, 4, 3, 5)), rng.normal(size=(2, 4))
    expected = sum(credit[:, p, None, None] * xi[:, p] for p in range(4)) / 0.2**2
    np.testing.assert_allclose(weight_gradient(xi, credit, 0.2), expected)


def test_active_inputs_marks_what_is_not_silent_for_a_whole_trial():
    r = np.zeros((2, 4, 3))
    r[0, 2, 1] = -0.1
    r[1, :, 0] = 1
    np.testing.assert_array_equal(active_inputs(r), [[0, 1, 0], [1, 0, 0]])


@pytest.mark.parametrize("law", ["uniform", "gaussian"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_noise_has_the_stated_deviation(law, dtype):
    noise = node_noise(np.random.default_rng(0), (100, 1000), 0.7, law, dtype)
    assert noise.dtype == dtype
    assert noise.std() == pytest.approx(0.7, rel=0.01)
    assert noise.mean() == pytest.approx(0, abs=0.01)


def test_kicks_are_rare_uniform_and_both_ways():
    noise = kicks(np.random.default_rng(0), (1000, 1000), 0.01, 3.0)
    struck = noise[noise != 0]
    assert struck.size / noise.size == pytest.approx(0.01, rel=0.05)
    assert struck.mean() == pytest.approx(0, abs=4 * 3 / np.sqrt(3 * struck.size))
    assert struck.std() == pytest.approx(3 / np.sqrt(3), rel=0.03)
    assert np.abs(struck).max() <= 3.0


@pytest.mark.parametrize("name", SUPRALINEAR)
def test_traces_factorise(name):
    """f(a b) = f(a) f(b) with the sign kept, so that a trace is one matrix product."""
    f, (a, b) = SUPRALINEAR[name], np.random.default_rng(0).normal(size=(2, 50))
    np.testing.assert_allclose(f(a * b), f(a) * f(b))
    np.testing.assert_array_equal(np.sign(f(a)), np.sign(a))


def test_fluctuations_leave_the_running_mean_out():
    observed = Fluctuations(0.25, np.zeros(1))
    mean = 0.0
    for x in (1.0, 2.0, -1.0, 4.0):
        assert observed(np.array([x]))[0] == pytest.approx(x - mean)
        mean = 0.25 * mean + 0.75 * x


def test_signed_ranks_keep_order_sign_ties_and_zeros():
    ranks = signed_ranks(np.array([0.0, 5.0, -0.1, 0.1, -7.0, 0.0]))
    np.testing.assert_allclose(ranks * 6, [0, 4.5, -3, 3, -5.5, 0])
