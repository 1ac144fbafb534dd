"""Weight noise: what it does to columns, what it estimates, and that it is counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.agents.perturbation.weight_noise import WEIGHT_NOISE, DenseNoise

FORMS = list(WEIGHT_NOISE)


def make(form: str, pairs: int = 3, shape=(4, 6), sigma: float = 0.5, key: int = 11) -> Any:
    noise = WEIGHT_NOISE[form](shape, pairs, sigma, np.float64)
    noise.draw(key)
    return noise


@pytest.mark.parametrize("form", FORMS)
def test_drive_is_the_perturbation_times_what_comes_in(form):
    noise = make(form)
    x = np.random.default_rng(0).normal(size=(6, 6))  # two columns a pair
    expected = [noise.perturbation(c // 2) @ x[c] for c in range(6)]
    np.testing.assert_allclose(noise.drive(x), expected, atol=1e-12)


def test_products_without_numpys_matvec(monkeypatch):
    noise, x = make("dense"), np.random.default_rng(0).normal(size=(6, 6))
    with_it = noise.drive(x)
    monkeypatch.delattr(np, "matvec", raising=False)
    np.testing.assert_allclose(noise.drive(x), with_it, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_gradient_is_credit_times_perturbation(form):
    noise = make(form)
    credit, mask = np.array([0.3, -1.0, 2.0]), np.random.default_rng(0).integers(0, 2, (3, 6))
    xi = np.stack([noise.perturbation(p) for p in range(3)])
    expected = np.einsum("p,pmn->mn", credit, xi) / 0.25
    np.testing.assert_allclose(noise.gradient(credit), expected, atol=1e-12)
    expected = np.einsum("p,pmn,pn->mn", credit, xi, mask) / 0.25
    np.testing.assert_allclose(noise.gradient(credit, mask), expected, atol=1e-12)
    np.testing.assert_allclose(noise.diagonal(), [np.diagonal(one) for one in xi])


@pytest.mark.parametrize("form", FORMS)
def test_entries_are_uncorrelated_with_the_stated_variance(form):
    """What makes each form an unbiased estimator; within 5 standard errors of 4,000 draws."""
    noise = make(form, pairs=20, shape=(2, 3))
    xi = []
    for key in range(200):
        noise.draw(key)
        xi += [noise.perturbation(p).ravel() for p in range(20)]
    second = np.cov(np.array(xi).T, bias=True) / 0.25
    np.testing.assert_allclose(second, np.eye(6), atol=5 / np.sqrt(4000))


@pytest.mark.parametrize("form", ["flip", "rank-one"])
def test_forms_of_signs_have_a_constant_norm(form):
    noise = make(form)
    for p in range(3):
        assert np.sum(noise.perturbation(p) ** 2) == pytest.approx(0.25 * 24)


@pytest.mark.parametrize("form", FORMS)
def test_a_key_always_means_the_same_noise_and_another_key_another(form):
    a, b, c = make(form), make(form), make(form, key=12)
    np.testing.assert_array_equal(a.perturbation(1), b.perturbation(1))
    assert not np.array_equal(a.perturbation(1), c.perturbation(1))


@pytest.mark.parametrize("form", FORMS)
def test_noise_of_a_pair_does_not_depend_on_the_batch(form):
    few, many = make(form, pairs=2), make(form, pairs=9)
    for p in range(2):
        np.testing.assert_array_equal(few.perturbation(p), many.perturbation(p))


def test_dense_noise_beyond_the_memory_is_drawn_again_and_the_same():
    stored = make("dense")
    drawn = DenseNoise((4, 6), 3, 0.5, np.float64, memory=0)
    drawn.draw(11)
    assert stored.stored
    assert not drawn.stored
    x, credit = np.random.default_rng(0).normal(size=(6, 6)), np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(drawn.drive(x), stored.drive(x), atol=1e-12)
    np.testing.assert_allclose(drawn.gradient(credit), stored.gradient(credit), atol=1e-12)
    np.testing.assert_array_equal(drawn.diagonal(), stored.diagonal())
