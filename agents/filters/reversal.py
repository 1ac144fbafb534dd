"""The exact observer of arms that change roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .base import INSIDE_UNIT, UNIT, Array, Filter, Report, State, Value, column, parameter
from .observers import implied_rate


@dataclass(frozen=True, kw_only=True, eq=False)
class ReversalObserver(Filter):
    """One of K arms is good at a time, and after each trial another may be: a hidden Markov model.

    The good arm pays with probability ``p_good``, each of the others with ``p_bad``; with
    probability ``hazard`` the good arm becomes another one, any of them alike. With b_j the
    probability that arm j is good, an outcome of arm j multiplies b_j by the ratio of the outcome's
    two probabilities, b is normalised, and then b_j <- b_j (1 - hazard) + (1 - b_j) hazard /
    (K - 1). Outcomes of several arms in one trial count as independent given which arm is good.
    Arms that were not seen learn from those that were; where none was, time takes b towards 1 / K.
    A lone arm is good or bad, as if there was a second one out of sight.

    Args:
        p_good, p_bad: probability that the good arm, that another arm pays.
        hazard: probability of a change after a trial.

    State: b for the next trial, (n, K). The learning rate reported is the change of an arm's mean
    over its prediction error. Rabiner (1989), Proc. IEEE 77:257, doi:10.1109/5.18626; for reversals
    Hampton, Bossaerts & O'Doherty (2006), J. Neurosci. 26:8360, doi:10.1523/JNEUROSCI.1010-06.2006.

    >>> observer = ReversalObserver(p_good=0.8, p_bad=0.2, hazard=0.1)
    >>> state, _ = observer.update(observer.begin(arms=2), [[1, 0]], seen=[[True, False]])
    >>> state[0].round(4)
    array([[0.74, 0.26]])
    """

    name: ClassVar[str] = "reversal-observer"
    outcomes: ClassVar[str] = "binary"

    p_good: Value = parameter(0.8, INSIDE_UNIT, centre=1.4)
    p_bad: Value = parameter(0.2, INSIDE_UNIT, centre=-1.4)
    hazard: Value = parameter(0.05, UNIT, centre=-3.0)

    def begin(self, n: int = 1, arms: int = 1, seed: int | Array = 0) -> State:
        return (np.full((n, arms), 1.0 / max(arms, 2)),)

    def mean(self, state: State) -> Array:
        bad = column(self.p_bad)
        return bad + state[0] * (column(self.p_good) - bad)

    def variance(self, state: State) -> Array:
        (good,) = state
        return good * (1.0 - good) * (column(self.p_good) - column(self.p_bad)) ** 2

    def sample(self, state: State, rng: np.random.Generator) -> Array:
        (good,) = state
        # One draw a column: exactly one arm is good, or, of a lone arm, perhaps none.
        reached = good.cumsum(1) > rng.random((len(good), 1))
        chosen = reached & (reached.cumsum(1) == 1)
        return np.where(chosen, column(self.p_good), column(self.p_bad)) + np.zeros_like(good)

    def _update(self, state: State, outcome: Array, seen: Array) -> tuple[State, Report]:
        (good,) = state
        p_good, p_bad, hazard = column(self.p_good), column(self.p_bad), column(self.hazard)
        ratio = np.where(outcome > 0.0, p_good / p_bad, (1.0 - p_good) / (1.0 - p_bad))
        likely = good * np.where(seen, ratio, 1.0)
        total = likely.sum(1, keepdims=True)
        if good.shape[1] == 1:
            total = total + (1.0 - good)
        after = likely / total
        others = max(good.shape[1], 2) - 1
        new = (after * (1.0 - hazard) + (1.0 - after) * (hazard / others),)
        rate = implied_rate(self.mean(state), self.mean(new), outcome)
        return new, Report(learning_rate=rate)
