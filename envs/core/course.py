"""The sessions that columns of choices are in, and what is told of their trials."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .choice_task import Session, generic_facts

Array = npt.NDArray[Any]

#: Up to so many arms it pays to put them in order of time one by one.
_FEW_ARMS = 4


class Course:
    """The sessions that the columns are in, in order of time: L trials, n columns, K arms.

    Attributes:
        mean: (L or 1, n, K) float64.
        luck: (L, n, K or 1) float64.
        shown: (L + 1, n, channels) float32 or None.
        forced: (L, n) int64 or None.
    """

    def __init__(self, session: Session, n: int) -> None:
        self.mean = _by_time(session.mean)
        self.luck = _by_time(session.luck)
        self._own_facts = session.facts
        self.forced = None if session.forced is None else _by_time(session.forced)
        self.shown = None
        if session.shown is not None:
            # Behind the last trial nothing is shown.
            ends = np.zeros((1, n, session.shown.shape[2]), dtype=np.float32)
            self.shown = np.concatenate([_by_time(session.shown), ends])
        self.arms, self.lucks = self.mean.shape[2], self.luck.shape[2]

    @cached_property
    def facts(self) -> dict[str, Array]:
        """Per name (L or 1, n); put in order when they are first read."""
        own = {name: _by_time(values) for name, values in self._own_facts.items()}
        return {**generic_facts(self.mean), **own}

    def replace(self, columns: Array, other: Course) -> Course:
        """A copy with the sessions of some columns taken from another course of as many columns."""
        new = object.__new__(Course)
        new.arms, new.lucks = self.arms, self.lucks
        for name in ("mean", "luck", "forced", "shown"):
            mine, theirs = getattr(self, name), getattr(other, name)
            setattr(new, name, None if mine is None else _replaced(mine, columns, theirs))
        new.facts = {
            name: _replaced(values, columns, other.facts[name])
            for name, values in self.facts.items()
        }
        return new


def _by_time(values: Array) -> Array:
    """(L, n, ...) from (n, L, ...), each step's values side by side."""
    turned = np.swapaxes(values, 0, 1)
    if turned.ndim == 2 or turned.flags.c_contiguous or turned.shape[2] > _FEW_ARMS:
        return np.ascontiguousarray(turned)
    new = np.empty(turned.shape, dtype=values.dtype)
    for arm in range(turned.shape[2]):
        new[:, :, arm] = turned[:, :, arm]
    return new


def _replaced(mine: Array, columns: Array, theirs: Array) -> Array:
    mine = mine.copy()
    mine[:, columns] = theirs
    return mine


class Ends(NamedTuple):
    """Trials that have just been played: their place in the session, and what came of them.

    Attributes:
        trial: trial of the session, one for all or (k,).
        columns: (k,) columns.
        arms: (k,) arms that were played.
        chosen: (k,) the same, or the first component of vector actions.
        reward: (k,).
        begin: (n,) trial numbers at which the sessions of all columns begin.
    """

    trial: int | Array
    columns: Array
    arms: Array
    chosen: Array
    reward: Array
    begin: Array


def known_facts(course: Course, ends: Ends) -> dict[str, Any]:
    """All facts of trials, per name (k,) or a number."""

    def at(values: Array) -> Array:
        return values[ends.trial if len(values) > 1 else 0, ends.columns]

    facts: dict[str, Any] = {name: at(values) for name, values in course.facts.items()}
    worth = at(course.mean)[np.arange(len(ends.columns)), ends.arms]
    derived = {
        "trial": ends.begin.take(ends.columns) + ends.trial,
        "choice": ends.chosen,
        "reward": ends.reward,
        "p": worth,
        "regret": facts["p_best"] - worth,
        "correct": worth >= facts["p_best"],
        "condition": 0,
        "rt": 0.0,
    }
    return {**derived, **facts}
