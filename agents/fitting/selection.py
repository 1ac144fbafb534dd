"""Which model do subjects use? Random-effects Bayesian model selection.

Every subject uses one of M models; how frequent each model is in the population is unknown, with a
flat Dirichlet prior. The frequencies and the subjects' models are inferred together.

>>> import numpy as np
>>> evidence = np.array([[-100.0, -110.0]] * 8 + [[-110.0, -100.0]] * 2)
>>> found = select_models(evidence)
>>> found.frequencies.round(2)
array([0.75, 0.25])
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammainc, gammaln, logsumexp, roots_legendre, xlogy
from scipy.stats import gamma

from ..errors import AgentError

Array = np.ndarray

_ROUNDS = 10_000
_NODES = 2000


@dataclass(frozen=True)
class Selection:
    """What is known of the models of a population.

    Attributes:
        frequencies: (M,) expected share of subjects that use each model.
        exceedance: (M,) probability that a model is more frequent than all others.
        protected: (M,) the same, allowing for the chance that all are equally frequent.
        omnibus_risk: probability that all are equally frequent.
        assignments: (S, M) probability that a subject uses a model.
        concentration: (M,) of the posterior Dirichlet distribution.
    """

    frequencies: Array
    exceedance: Array
    protected: Array
    omnibus_risk: float
    assignments: Array
    concentration: Array


def select_models(log_evidence: npt.ArrayLike) -> Selection:
    """Frequencies of models in a population, from each subject's evidence for each.

    Args:
        log_evidence: (S, M); of fits, ``Fit.log_evidence``, or -BIC / 2.

    Raises:
        AgentError: values that are not finite, or a shape that is not (S, M) with M of two or more.

    Variational inference of Stephan et al. (2009), doi:10.1016/j.neuroimage.2009.03.025, equation
    14; protected exceedance probabilities and the omnibus risk of Rigoux et al. (2014),
    doi:10.1016/j.neuroimage.2013.08.065, equations 6 and 7.
    """
    evidence = np.asarray(log_evidence, dtype=np.float64)
    if evidence.ndim != 2 or evidence.shape[1] < 2 or not evidence.size:
        raise AgentError(
            f"Log evidence of shape {evidence.shape} does not compare models: pass (subjects, "
            "models) with at least one subject and two models."
        )
    if not np.isfinite(evidence).all():
        raise AgentError("Log evidence must be finite: leave out subjects that were not fitted.")
    models = evidence.shape[1]
    concentration, assignments = _infer(evidence)
    free_energy = _free_energy(evidence, concentration, assignments)
    # All models equally frequent: the evidence is exact.
    null = float(np.sum(logsumexp(evidence - np.log(models), axis=1)))
    risk = float(1.0 / (1.0 + np.exp(np.clip(free_energy - null, -700, 700))))
    exceedance = exceedance_probabilities(concentration)
    return Selection(
        frequencies=concentration / concentration.sum(),
        exceedance=exceedance,
        protected=exceedance * (1 - risk) + risk / models,
        omnibus_risk=risk,
        assignments=assignments,
        concentration=concentration,
    )


def _infer(evidence: Array) -> tuple[Array, Array]:
    """Concentration (M,) and assignments (S, M), by turns until they stay the same."""
    concentration = np.ones(evidence.shape[1])
    for _ in range(_ROUNDS):
        weighted = evidence + digamma(concentration)
        assignments = np.exp(weighted - logsumexp(weighted, axis=1, keepdims=True))
        before, concentration = concentration, 1.0 + assignments.sum(0)
        if np.abs(concentration - before).max() < 1e-10:
            break
    return concentration, assignments


def _free_energy(evidence: Array, concentration: Array, assignments: Array) -> float:
    """Lower bound of the log evidence of all data: expected log joint plus entropies."""
    models, total = len(concentration), concentration.sum()
    log_frequency = digamma(concentration) - digamma(total)
    joint = (assignments * (evidence + log_frequency)).sum() + gammaln(models)
    entropy = -xlogy(assignments, assignments).sum() + gammaln(concentration).sum()
    entropy += -gammaln(total) - ((concentration - 1) * log_frequency).sum()
    return float(joint + entropy)


def exceedance_probabilities(concentration: npt.ArrayLike) -> Array:
    """Probability (M,) that each share of a Dirichlet distribution is the greatest.

    Shares are gamma variables over their sum, which does not change their order: the probability
    is the integral of one variable's density times the others' distribution functions.
    """
    shapes = np.asarray(concentration, dtype=np.float64)
    nodes, weights = roots_legendre(_NODES)
    high = gamma.isf(1e-14, shapes.max())
    # Dense near zero, where the densities of small shapes are steep.
    root = 0.5 * (nodes + 1)
    x, width = high * root**2, high * root * weights
    below = gammainc(shapes[:, None], x)
    density = gamma.pdf(x, shapes[:, None])
    found = np.array(
        [(width * density[i] * np.delete(below, i, 0).prod(0)).sum() for i in range(len(shapes))]
    )
    return found / found.sum()
