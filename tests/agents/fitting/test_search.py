"""Batched minimisation: known minima, boxes, what is not finite, and second derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from caudate.agents.fitting.search import hessians, minimise

WIDE = np.full(6, -1e3), np.full(6, 1e3)


@pytest.fixture(scope="module")
def parabolas():
    """Forty parabolas in six dimensions, their Hessians and slopes at zero."""
    rng = np.random.default_rng(0)
    half = rng.normal(size=(40, 6, 6))
    hessian = half @ half.transpose(0, 2, 1) + 0.01 * np.eye(6)
    slope = rng.normal(size=(40, 6))

    def objective(x, rows):
        return 0.5 * np.einsum("mi,mij,mj->m", x, hessian[rows], x) + (slope[rows] * x).sum(1)

    return objective, hessian, slope


def rosenbrock(x, rows):
    return 100 * (x[:, 1] - x[:, 0] ** 2) ** 2 + (1 - x[:, 0]) ** 2


def test_bent_valleys_are_followed_to_their_end():
    start = np.random.default_rng(0).uniform(-4, 4, (50, 2))
    found = minimise(rosenbrock, start, np.full(2, -5.0), np.full(2, 5.0))
    assert found.converged.all()
    np.testing.assert_allclose(found.x, 1.0, atol=2e-3)


def test_a_minimum_at_the_edge_of_the_box():
    start = np.random.default_rng(0).uniform(-4, 0, (50, 2))
    found = minimise(rosenbrock, start, np.full(2, -5.0), np.array([0.5, 5.0]))
    assert found.converged.all()
    np.testing.assert_allclose(found.x, [[0.5, 0.25]] * 50, atol=1e-4)


def test_parabolas_end_at_their_exact_minima(parabolas):
    objective, hessian, slope = parabolas
    found = minimise(objective, np.zeros((40, 6)), *WIDE)
    exact = np.linalg.solve(hessian, -slope[:, :, None])[:, :, 0]
    assert found.converged.all()
    np.testing.assert_allclose(found.value, 0.5 * (slope * exact).sum(1), rtol=1e-6)


def test_parabolas_in_a_box_end_where_scipy_ends(parabolas):
    objective, _, _ = parabolas
    found = minimise(objective, np.zeros((40, 6)), np.full(6, -1.0), np.full(6, 1.0))
    for i in range(0, 40, 4):
        scipys = minimize(
            lambda x, i=i: objective(x[None], np.array([i]))[0],
            np.zeros(6),
            bounds=[(-1, 1)] * 6,
            method="L-BFGS-B",
            options={"ftol": 1e-14, "gtol": 1e-8},
        )
        assert found.value[i] == pytest.approx(scipys.fun, abs=1e-6)


def test_a_search_does_not_depend_on_those_beside_it(parabolas):
    objective, _, _ = parabolas
    together = minimise(objective, np.zeros((40, 6)), *WIDE)
    for i in (0, 7, 39):
        alone = minimise(lambda x, rows, i=i: objective(x, rows + i), np.zeros((1, 6)), *WIDE)
        np.testing.assert_allclose(alone.x[0], together.x[i], atol=1e-6)


def test_a_slope_without_end_leads_to_the_edge():
    found = minimise(
        lambda x, rows: np.exp(-x[:, 0]), np.zeros((1, 1)), np.full(1, -12.0), np.full(1, 12.0)
    )
    assert found.x[0, 0] == 12.0


def test_points_without_a_value_are_worse_than_any():
    def objective(x, rows):
        return np.where(x[:, 0] < 0, np.nan, (x[:, 0] - 0.1) ** 2)

    low, high = np.full(1, -12.0), np.full(1, 12.0)
    found = minimise(objective, np.array([[3.0], [-1.0]]), low, high)
    assert found.x[0, 0] == pytest.approx(0.1, abs=1e-5)
    assert found.converged.tolist() == [True, False]


def test_rounds_are_a_limit():
    found = minimise(rosenbrock, np.zeros((1, 2)), np.full(2, -5.0), np.full(2, 5.0), rounds=3)
    assert found.rounds == 3
    assert not found.converged[0]


def test_second_derivatives(parabolas):
    objective, hessian, _ = parabolas
    at = np.random.default_rng(1).normal(size=(40, 6))
    np.testing.assert_allclose(hessians(objective, at, *WIDE), hessian, atol=1e-5)


def test_second_derivatives_at_the_edge_use_points_inside():
    def objective(x, rows):
        assert (x <= 1.0).all()
        return x[:, 0] ** 2

    found = hessians(objective, np.array([[1.0]]), np.array([-1.0]), np.array([1.0]))
    assert found[0, 0, 0] == pytest.approx(2.0, abs=1e-6)
