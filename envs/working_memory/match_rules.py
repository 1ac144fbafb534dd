"""Which test stimuli go with which samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError
from ..core.random import Draws

Array = npt.NDArray[Any]

RULES = ("match", "nonmatch", "category", "paired")


class PairRule:
    """The rule of a matching task over n stimuli on a ring.

    The rule holds on half of the trials; the sample is uniform; the test is uniform among the
    stimuli for which the rule holds, or does not hold, with that sample.

    Args:
        rule: one of ``RULES``.
        n_stim: number of stimuli.
    """

    def __init__(self, rule: str, n_stim: int) -> None:
        if rule in ("category", "paired") and n_stim % 2:
            raise TaskError(
                f"n_stim={n_stim} is odd, which rule={rule!r} cannot divide; pass an even number."
            )
        self.n_stim = n_stim
        sample, test = np.indices((n_stim, n_stim))
        if rule == "category":
            half = n_stim // 2
            holds = (sample < half) == (test < half)
        elif rule == "paired":
            holds = test == sample ^ 1
        else:
            holds = (sample == test) == (rule == "match")
        #: (n, n) bool, [sample, test]: the rule holds.
        self.holds: Array = holds
        # Per outcome and sample the allowed tests, first in line, and their number.
        both = np.stack([~holds, holds])
        self._tests = np.argsort(~both, axis=2, kind="stable")
        self._counts = both.sum(axis=2)

    def draw(self, draws: Draws, sample: Array) -> tuple[Array, Array, Array]:
        """Sample, test and whether the rule holds, each (n,) int64."""
        values = draws.uniform(2)
        holds = (values[:, 0] < 0.5).astype(np.int64)
        pair = holds * self.n_stim + sample
        rank = (values[:, 1] * self._counts.take(pair)).astype(np.int64)
        return sample, self._tests.take(pair * self.n_stim + rank), holds

    def joint(self) -> Array:
        """Probability of (rule holds, sample, test), (2, n, n)."""
        both = np.stack([~self.holds, self.holds]).astype(float)
        return both / self._counts[:, :, None] / (2 * self.n_stim)

    def posterior_weights(self) -> Array:
        """(n, n): P(holds, sample, test) - P(does not hold, sample, test)."""
        joint = self.joint()
        return joint[1] - joint[0]
