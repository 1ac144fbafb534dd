"""The best fixed probabilities of choices, for subjects who neither observe nor count steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_ROUNDS = 1000
_ENOUGH = 1e-8  # a round that brings no more than this is the last


class BlindChoices:
    """Scores of choosing with the same probabilities on every step.

    The score is a polynomial in the probabilities p with coefficients of one sign, so the growth
    transformation p_a <- p_a dS/dp_a / sum_b p_b dS/dp_b never lowers it (Baum and Eagon 1967,
    doi:10.1090/S0002-9904-1967-11751-8). Score and gradient are exact, by a pass forward over the
    states and one back; a state is the last choice and the place.

    Args:
        pays: (last choice, place, choice) bool, whether a choice is right.
        reached: (place, choice) the place that it leads to.
        first: the state at the start, last choice * places + place.
        steps: choices of a trial.
    """

    def __init__(self, pays: Array, reached: Array, first: int, steps: int) -> None:
        self._pays = pays.astype(np.float64)
        self._reached = reached
        self._first, self._steps = divmod(first, len(reached)), steps
        self._moves = np.eye(len(reached))[reached]  # (place, choice, place)

    def score(self, p: Array) -> float:
        """Share of right choices with probabilities (choices,)."""
        return float(self._climb(p[None])[0][0])

    def best(self, starts: Array) -> Array:
        """(choices,) the best probabilities that are found from these, (k, choices)."""
        p = starts
        score, gradient = self._climb(p)
        for _ in range(_ROUNDS):
            p = p * gradient
            p /= p.sum(axis=1, keepdims=True)
            before, (score, gradient) = score, self._climb(p)
            if (score - before).max() < _ENOUGH:
                break
        return p[score.argmax()]

    def _climb(self, p: Array) -> tuple[Array, Array]:
        """Scores (k,) of probabilities (k, choices), and their gradients (k, choices)."""
        at = np.zeros((len(p), *self._pays.shape[:2]))  # probability of each state
        at[:, *self._first] = 1.0
        visits = []
        for _ in range(self._steps):
            visits.append(at)
            at = np.einsum("kp,ka,paq->kaq", at.sum(axis=1), p, self._moves, optimize=True)
        worth = np.zeros(at.shape)  # of each state, in right choices to come
        gradient, choice = np.zeros(p.shape), np.arange(p.shape[1])
        for at in reversed(visits):
            to_come = worth[:, choice, self._reached]  # (k, place, choice)
            gradient += np.einsum("kcp,cpa->ka", at, self._pays)
            gradient += np.einsum("kp,kpa->ka", at.sum(axis=1), to_come)
            worth = np.einsum("ka,cpa->kcp", p, self._pays)
            worth += np.einsum("ka,kpa->kp", p, to_come)[:, None]
        score = worth[:, *self._first] / self._steps
        return score, gradient / self._steps
