"""Model selection: closed forms, limits, and sampling."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.special import gammaln, logsumexp

from caudate.agents import AgentError
from caudate.agents.fitting import exceedance_probabilities, select_models
from caudate.agents.fitting.selection import _free_energy, _infer


def exact_evidence(evidence):
    """Sum over all assignments of subjects to models (Dirichlet-multinomial)."""
    n, models = evidence.shape
    terms = []
    for chosen in itertools.product(range(models), repeat=n):
        counts = np.bincount(chosen, minlength=models)
        prior = gammaln(models) - gammaln(n + models) + gammaln(counts + 1).sum()
        terms.append(prior + evidence[np.arange(n), chosen].sum())
    return float(logsumexp(terms))


def test_decisive_evidence_counts_heads():
    evidence = np.full((10, 3), -500.0)
    evidence[:7, 0] = evidence[7:, 1] = -100
    found = select_models(evidence)
    np.testing.assert_allclose(found.concentration, [8, 4, 1], atol=1e-8)
    np.testing.assert_allclose(found.frequencies, np.array([8, 4, 1]) / 13)
    np.testing.assert_allclose(found.assignments.argmax(1), [0] * 7 + [1] * 3)


def test_the_bound_is_exact_for_decisive_evidence_and_below_otherwise():
    decisive = np.full((8, 2), -160.0)
    decisive[:6, 0] = decisive[6:, 1] = -100
    assert _free_energy(decisive, *_infer(decisive)) == pytest.approx(exact_evidence(decisive))
    vague = np.random.default_rng(0).normal(0, 2, (7, 3))
    bound = _free_energy(vague, *_infer(vague))
    assert exact_evidence(vague) - 1.0 < bound < exact_evidence(vague)


def test_no_evidence_protects_from_conclusions():
    found = select_models(np.zeros((20, 4)))
    np.testing.assert_allclose(found.frequencies, 0.25)
    np.testing.assert_allclose(found.exceedance, 0.25, atol=1e-9)
    np.testing.assert_allclose(found.protected, 0.25, atol=1e-9)
    assert found.omnibus_risk > 0.9


def test_much_evidence_leaves_no_risk():
    evidence = np.tile([0.0, -5.0], (60, 1))
    found = select_models(evidence)
    assert found.omnibus_risk < 1e-6
    np.testing.assert_allclose(found.protected, [1, 0], atol=1e-6)
    np.testing.assert_allclose(found.protected.sum(), 1.0)


def test_the_order_of_models_and_a_subjects_offset_do_not_matter():
    evidence = np.random.default_rng(1).normal(-100, 3, (12, 3))
    one = select_models(evidence)
    moved = select_models(evidence + np.arange(12)[:, None] * 50)
    turned = select_models(evidence[:, [2, 0, 1]])
    np.testing.assert_allclose(moved.frequencies, one.frequencies, atol=1e-7)
    assert moved.omnibus_risk == pytest.approx(one.omnibus_risk, abs=1e-6)
    np.testing.assert_allclose(turned.protected, one.protected[[2, 0, 1]], atol=1e-7)


def test_one_outlier_does_not_decide():
    evidence = np.tile([0.0, -3.0], (15, 1))
    evidence[0] = [-1000.0, 0.0]
    assert select_models(evidence).frequencies[0] > 0.75


@pytest.mark.parametrize(
    "shapes", [[1.5, 9, 3], [100, 110, 105], [0.5, 0.7], [1, 1, 1, 1], [2, 1e4]]
)
def test_exceedance_probabilities_are_those_of_samples(shapes):
    samples = np.random.default_rng(0).dirichlet(shapes, 100_000)
    share = np.bincount(samples.argmax(1), minlength=len(shapes)) / len(samples)
    np.testing.assert_allclose(exceedance_probabilities(shapes), share, atol=0.006)


def test_exceedance_of_two_is_a_beta_distribution():
    from scipy.stats import beta

    for a, b in ((3, 5), (40, 30), (1, 12)):
        found = exceedance_probabilities([a, b])[0]
        assert found == pytest.approx(beta.sf(0.5, a, b), abs=1e-8)


@pytest.mark.parametrize("evidence", [np.zeros(4), np.zeros((4, 1)), np.zeros((0, 2))])
def test_shapes_that_compare_nothing(evidence):
    with pytest.raises(AgentError, match="shape"):
        select_models(evidence)


def test_evidence_must_be_finite():
    with pytest.raises(AgentError, match="finite"):
        select_models([[0.0, np.nan]])
