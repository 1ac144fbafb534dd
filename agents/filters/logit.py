"""Beliefs about a probability that are normal on the logit."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit

from .base import Array, Filter, State


@dataclass(frozen=True, kw_only=True, eq=False)
class LogitFilter(Filter):
    """A filter of binary outcomes whose belief is normal on the logit of their probability.

    ``mean`` is the logistic function of the logit's mean, as in the papers; ``variance`` is that of
    the probability to first order (the delta method), (p (1 - p))^2 times the logit's; ``sample``
    draws the logit and is between 0 and 1.
    """

    outcomes: ClassVar[str] = "binary"

    @abstractmethod
    def logit(self, state: State) -> tuple[Array, Array]:
        """Mean and variance of the belief about the next trial's logit, (n, K) each."""

    def mean(self, state: State) -> Array:
        return expit(state[0])

    def variance(self, state: State) -> Array:
        mean, variance = self.logit(state)
        p = expit(mean)
        return (p * (1.0 - p)) ** 2 * variance

    def sample(self, state: State, rng: np.random.Generator) -> Array:
        mean, variance = self.logit(state)
        return expit(mean + np.sqrt(variance) * rng.standard_normal(mean.shape))
