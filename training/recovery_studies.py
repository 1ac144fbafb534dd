"""What is simulated to see how far fits can be trusted: designs, models, ranges; what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..agents.fitting import Confusion, Model, Recovery, profile

#: Name of a design -> its task and what is known of the arm that was not chosen.
DESIGNS = {"reversal": "none", "volatile": "mirror"}
DESIGN_TEXTS = {
    "reversal": "two arms that pay with .8 and .2 and change roles with hazard 1/40; the chosen "
    "arm's outcome is seen",
    "volatile": "exactly one of two arms pays, with stable, then volatile odds; both outcomes are "
    "known",
}
#: Softmax of every model.
TEMPERATURE = (2.0, 12.0)
#: A log likelihood this much below the highest is in the 95 % region of one parameter.
REGION = 1.92


@dataclass(frozen=True)
class Study:
    """A model, and the parameters that simulated subjects have.

    Attributes:
        ranges: ends of the parameters' values; on the line they are spread evenly.
        values: parameters that are not fitted, where they are not the default.
    """

    ranges: Mapping[str, tuple[float, float]]
    values: Mapping[str, float] = field(default_factory=dict)


STUDIES = {
    "rescorla-wagner": Study({"learning_rate": (0.1, 0.8)}),
    "pearce-hall": Study({"salience": (0.2, 1.0), "associability_rate": (0.1, 0.7)}),
    # Only the ratios of the variances matter: in units of the noise, the start is as uncertain.
    "kalman": Study({"volatility": (0.02, 3.0)}, {"start": 0.5, "start_variance": 1.0}),
    "binary-vkf": Study(
        {"volatility_rate": (0.05, 0.4), "volatility": (0.1, 2.0), "noise": (0.2, 5.0)}
    ),
    # Above, equations break down for some courses of outcomes.
    "hgf": Study({"tonic_volatility": (-5.0, -2.0), "meta_volatility": (-8.0, -4.0)}),
}


@dataclass(frozen=True, eq=False)
class Ridge:
    """The likelihood of one subject of the binary VKF over lambda and v0.

    Attributes:
        rates, volatilities: the grid.
        log_likelihood: (len(rates), len(volatilities)) below the highest, noise and temperature as
            good as can be.
        true: the subject's own values.
        within: share of the grid that is less than 1.92 below.
        error_correlation: mean over subjects of the correlation of the two parameters' errors.
    """

    rates: np.ndarray
    volatilities: np.ndarray
    log_likelihood: np.ndarray
    true: tuple[float, float]
    within: float
    error_correlation: float


@dataclass(frozen=True, eq=False)
class Findings:
    """Of one run of :func:`~.recovery.recover_models`, by design."""

    recoveries: dict[str, dict[str, Recovery]]
    confusions: dict[str, Confusion]
    ridges: dict[str, Ridge]


def make_model(name: str, design: str) -> Model:
    """The model of a study in a design, with softmax."""
    return Model.named(name, values=STUDIES[name].values, counterfactual=DESIGNS[design])


def ranges_of(name: str) -> dict[str, tuple[float, float]]:
    """Of all free parameters of a study's model."""
    return dict(STUDIES[name].ranges) | {"inverse_temperature": TEMPERATURE}


def ridge(found: Recovery, nodes: int = 15) -> Ridge:
    """The likelihood over lambda and v0, of the subject whose choices are told best."""
    fit = found.fit
    subject = int(np.argmax(fit.likelihood_per_trial))
    rates, volatilities = np.geomspace(0.02, 0.6, nodes), np.geomspace(0.02, 10.0, nodes)
    values = profile(
        fit.model,
        found.data,
        {"volatility_rate": rates, "volatility": volatilities},
        subject=subject,
        start=fit.parameters[subject],
    )
    below = values - values.max()
    names = fit.model.free
    i, j = names.index("volatility_rate"), names.index("volatility")
    return Ridge(
        rates,
        volatilities,
        below,
        (float(found.true[subject, i]), float(found.true[subject, j])),
        float((below > -REGION).mean()),
        float(np.nanmean(fit.error_correlation[:, i, j])),
    )
