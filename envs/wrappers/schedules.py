"""In which order trial types come: chances that depend on the trial before, and blocks of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError, check_int, check_number, check_one_of

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Independent:
    """Each trial's type is drawn anew.

    Args:
        weights: how often each type comes, in any unit; None for all alike.
    """

    weights: Sequence[float] | None = None

    def matrix(self, k: int) -> Array:
        """(k, k) probability of each type (column) after each type (row)."""
        weights = check_shares("weights", np.ones(k) if self.weights is None else self.weights, k)
        return np.tile(weights / weights.sum(), (k, 1))

    def describe(self) -> dict[str, Any]:
        """The schedule as JSON values."""
        weights = None if self.weights is None else [float(one) for one in self.weights]
        return {"kind": "independent", "weights": weights}


@dataclass(frozen=True)
class Markov:
    """Each trial's type depends on the type before; the first is drawn from the stationary shares.

    Args:
        repeat: probability that the type of the trial before comes again; what is left is shared by
            the others. Above 1/k trials repeat, below they alternate.
        transitions: instead of it, (k, k) probabilities of each type (column) after each (row).
    """

    repeat: float | None = None
    transitions: Sequence[Sequence[float]] | None = None

    def matrix(self, k: int) -> Array:
        """(k, k) probability of each type (column) after each type (row)."""
        if (self.repeat is None) == (self.transitions is None):
            raise TaskError("Markov takes either repeat or transitions; pass one of the two.")
        if self.transitions is None:
            repeat = check_number("repeat", self.repeat, low=0.0, high=1.0)
            if k == 1:
                raise TaskError("repeat needs at least two trial types; this task has one.")
            matrix = np.full((k, k), (1.0 - repeat) / (k - 1))
            np.fill_diagonal(matrix, repeat)
            return matrix
        matrix = _numbers("transitions", self.transitions, (k, k))
        if not np.allclose(matrix.sum(axis=1), 1.0):
            raise TaskError(
                f"transitions={self.transitions!r} has rows that do not sum to 1; make each row "
                "the probabilities of what follows."
            )
        return matrix

    def describe(self) -> dict[str, Any]:
        """The schedule as JSON values."""
        rows = self.transitions
        return {
            "kind": "markov",
            "repeat": self.repeat,
            "transitions": None if rows is None else [[float(p) for p in row] for row in rows],
        }


@dataclass(frozen=True)
class Blocks:
    """Stretches of trials, each under a rule of its own.

    Args:
        rules: an ``Independent`` or ``Markov`` for each kind of block.
        length: trials of a block, or (low, high) for lengths in between, equally likely.
        order: "sequential" (one kind after the other, over and over) or "random" (any kind but the
            one before).
    """

    rules: Sequence[Independent | Markov]
    length: int | tuple[int, int]
    order: str = "sequential"

    def lengths(self) -> tuple[int, int]:
        """Fewest and most trials of a block."""
        given = self.length
        pair = given if isinstance(given, (tuple, list)) else (given, given)
        if len(pair) != 2:
            raise TaskError(f"length={given!r} is not a number or a pair; pass (low, high).")
        low = check_int("length", pair[0], 1)
        return low, check_int("length", pair[1], low)

    def describe(self) -> dict[str, Any]:
        """The schedule as JSON values."""
        low, high = self.lengths()
        return {
            "kind": "blocks",
            "rules": [rule.describe() for rule in self.rules],
            "length": [low, high],
            "order": self.order,
        }


Schedule = Independent | Markov | Blocks


class Rules:
    """A schedule made ready for k types.

    Attributes:
        cumulative: (kinds of block, k + 1, k) cumulative probability of the types after each type;
            the last row is for a first trial.
        lengths: fewest and most trials of a block, None without blocks.
        random_order: whether the kind of the next block is drawn.
    """

    def __init__(self, schedule: Any, k: int) -> None:
        if not isinstance(schedule, (Independent, Markov, Blocks)):
            raise TaskError(
                f"schedule={schedule!r} is not a schedule; pass Independent, Markov or Blocks."
            )
        blocks = schedule if isinstance(schedule, Blocks) else None
        many = blocks.rules if blocks is not None else [schedule]
        rules: list[Any] = list(many) if isinstance(many, Sequence) else []
        if not rules or not all(isinstance(rule, (Independent, Markov)) for rule in rules):
            raise TaskError(
                "rules of Blocks must be a list of Independent and Markov; pass at least one."
            )
        self.lengths = None if blocks is None else blocks.lengths()
        order = "sequential" if blocks is None else blocks.order
        self.random_order = check_one_of("order", order, ("sequential", "random")) == "random"
        chances = []
        for rule in rules:
            matrix = rule.matrix(k)
            chances.append(np.vstack([matrix, _stationary(matrix)]))
        self.cumulative = np.cumsum(chances, axis=2)
        # What can't come must not come by rounding either: the last type that can reaches 1.
        possible = np.array(chances) > 0
        last = k - 1 - possible[:, :, ::-1].argmax(axis=2)
        self.cumulative[np.arange(k) >= last[:, :, None]] = 1.0

    @property
    def kinds(self) -> int:
        """Number of kinds of block."""
        return len(self.cumulative)


def _stationary(matrix: Array) -> Array:
    """Shares of the types in the long run (k,), alike where the chain leaves them open."""
    k = len(matrix)
    equations = np.vstack([matrix.T - np.eye(k), np.ones(k)])
    shares = np.linalg.lstsq(equations, np.append(np.zeros(k), 1.0), rcond=None)[0]
    shares = np.where(shares < 1e-12, 0.0, shares)
    return shares / shares.sum()


def check_shares(name: str, given: Any, n: int) -> Array:
    """Return n numbers >= 0 that are not all 0; else raise TaskError."""
    values = _numbers(name, given, (n,))
    if not values.sum() > 0:
        raise TaskError(f"{name}={given!r} are all 0; pass one number above 0 or more.")
    return values


def _numbers(name: str, given: Any, shape: tuple[int, ...]) -> Array:
    """Return an array of numbers >= 0 of that shape; else raise TaskError."""
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.array(np.nan)
    if values.shape != shape or not (np.isfinite(values) & (values >= 0)).all():
        size = " by ".join(map(str, shape))
        raise TaskError(
            f"{name}={given!r} is not {size} numbers >= 0, as the {shape[0]} that there are to "
            "choose from ask for; pass such."
        )
    return values
