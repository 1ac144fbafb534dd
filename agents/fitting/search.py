"""Many small smooth minimisations at a time: BFGS in a box, with gradients by differences.

Problems are rows. In each round every unfinished row is evaluated at the point that it tries, with
the neighbours that its gradient needs, all rows in one call of the objective; a row whose point is
no good tries a shorter step in the next round while others go on. So rows do not wait for others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
#: Values (m,) at points (m, P) of the problems (m,) that are named by their row numbers.
Objective = Callable[[Array, Array], Array]

#: Steps of difference quotients on a line of order one: first and second derivatives.
_FIRST, _SECOND = 1e-6, 1e-3
#: A step must gain this share of what the slope promises (Armijo's condition).
_SUFFICIENT = 1e-4
#: The longest step in one coordinate: models are flat far from where they should be.
_LONGEST = 3.0


@dataclass(frozen=True)
class Minima:
    """Where the searches ended.

    Attributes:
        x: (m, P) the best points.
        value: (m,) of the objective there.
        converged: (m,) whether the slope vanished (in directions that the box leaves open).
        rounds: how many there were.
    """

    x: Array
    value: Array
    converged: Array
    rounds: int


def minimise(
    objective: Objective,
    start: Array,
    low: Array,
    high: Array,
    *,
    tolerance: float = 1e-8,
    rounds: int = 300,
) -> Minima:
    """Minimise from each row of ``start`` within ``low`` <= x <= ``high``.

    Args:
        objective: see :data:`Objective`; a value that is not finite counts as worse than any.
        start: (m, P).
        low, high: (P,).
        tolerance: a search ends when the next step promises to gain less than this.
        rounds: at most so many.

    Source: Nocedal & Wright (2006), Numerical Optimization, 2nd ed., algorithm 6.1 (BFGS) and
    section 3.5 (shorter steps by interpolation), with coordinates held at the edge of the box while
    the slope points outward.
    """
    m, size = start.shape
    search = _Search(
        x=np.clip(start, low, high), low=low, high=high, value=np.full(m, np.inf),
        slope=np.zeros((m, size)), inverse=np.zeros((m, size, size)), length=np.ones(m),
        direction=np.zeros((m, size)), converged=np.zeros(m, bool), fresh=np.ones(m, bool),
    )  # fmt: skip
    open_rows = np.arange(m)
    done = 0
    while open_rows.size and done < rounds:
        tried = search.next_points(open_rows)
        value, slope = _with_slope(objective, tried, open_rows, low, high)
        ended = search.take(open_rows, tried, value, slope, tolerance)
        open_rows = open_rows[~ended]
        done += 1
    return Minima(search.x, search.value, search.converged, done)


@dataclass
class _Search:
    """Where each search stands; the first axis of all arrays is the problems."""

    x: Array
    low: Array
    high: Array
    value: Array
    slope: Array
    inverse: Array
    direction: Array
    length: Array
    converged: Array
    fresh: Array

    def next_points(self, rows: Array) -> Array:
        step = self.length[rows, None] * self.direction[rows]
        return np.clip(self.x[rows] + step, self.low, self.high)

    def take(
        self, rows: Array, tried: Array, value: Array, slope: Array, tolerance: float
    ) -> Array:
        """Move to the points that are good enough, and plan the next; which searches ended."""
        step = tried - self.x[rows]
        promised = (self.slope[rows] * step).sum(1)
        first = ~np.isfinite(self.value[rows])
        good = first | (value <= self.value[rows] + _SUFFICIENT * promised)
        self._shorten(rows[~good], promised[~good], value[~good])
        moved = rows[good]
        self._learn_curvature(moved[~first[good]], step[good & ~first], slope[good & ~first])
        self.x[moved], self.value[moved], self.slope[moved] = tried[good], value[good], slope[good]
        self._aim(moved)
        gain = -(self.slope[rows] * self.direction[rows]).sum(1)
        # A row that cannot be improved along a direction of descent has met the noise of its
        # differences: it ends, converged if little was promised.
        stuck = self.length[rows] < 1e-7
        ended = stuck | (good & (gain < tolerance))
        gain[~np.isfinite(self.value[rows])] = np.inf
        self.converged[rows[ended]] = (gain < 1e3 * tolerance)[ended]
        return ended

    def _shorten(self, rows: Array, promised: Array, value: Array) -> None:
        """The minimum of the parabola through value, slope and the value that was tried."""
        excess = value - self.value[rows] - promised
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            share = np.where(np.isfinite(value), -promised / (2 * excess), 0.1)
        self.length[rows] *= np.clip(np.nan_to_num(share, nan=0.1), 0.1, 0.5)

    def _learn_curvature(self, rows: Array, step: Array, slope: Array) -> None:
        """The BFGS update of the inverse Hessians; rows at their first step are scaled before."""
        change = slope - self.slope[rows]
        along = (step * change).sum(1)
        size = (change**2).sum(1)
        curved = along > 1e-10 * np.sqrt((step**2).sum(1) * size)
        rows, step, change, along = rows[curved], step[curved], change[curved], along[curved]
        fresh = self.fresh[rows]
        scale = along / size[curved]
        self.inverse[rows[fresh]] = np.eye(self.x.shape[1]) * scale[fresh, None, None]
        self.fresh[rows] = False
        inverse = self.inverse[rows]
        weighted = (inverse @ change[:, :, None])[:, :, 0]
        factor = (1 + (change * weighted).sum(1) / along) / along
        cross = step[:, :, None] * weighted[:, None, :] / along[:, None, None]
        self.inverse[rows] = (
            inverse
            + factor[:, None, None] * step[:, :, None] * step[:, None, :]
            - cross
            - cross.transpose(0, 2, 1)
        )

    def _aim(self, rows: Array) -> None:
        """Directions from the slope and the curvature, in the coordinates that are free to move."""
        x, slope = self.x[rows], self.slope[rows]
        held = ((x <= self.low) & (slope > 0)) | ((x >= self.high) & (slope < 0))
        open_slope = np.where(held, 0.0, slope)
        newton = -(self.inverse[rows] @ open_slope[:, :, None])[:, :, 0]
        # Before curvature is known, a step of length one at most.
        plain = -open_slope / np.maximum(1.0, np.abs(open_slope).max(1, keepdims=True))
        direction = np.where(self.fresh[rows, None], plain, newton)
        direction[held] = 0.0
        longest = np.abs(direction).max(1, keepdims=True)
        self.direction[rows] = direction * np.minimum(1.0, _LONGEST / np.maximum(longest, 1e-300))
        self.length[rows] = 1.0


def _with_slope(
    objective: Objective, points: Array, rows: Array, low: Array, high: Array
) -> tuple[Array, Array]:
    """Values (m,) and slopes (m, P), by forward differences (backward at the upper edge)."""
    m, size = points.shape
    step = np.where(points + _FIRST <= high, _FIRST, -_FIRST)
    tried = np.repeat(points[:, None], size + 1, axis=1)
    # The step that is taken, not the one asked for: the sum is rounded.
    tried[:, np.arange(1, size + 1), np.arange(size)] += step
    taken = tried[:, np.arange(1, size + 1), np.arange(size)] - points
    values = objective(tried.reshape(-1, size), np.repeat(rows, size + 1)).reshape(m, size + 1)
    values = np.where(np.isfinite(values), values, np.inf)
    with np.errstate(invalid="ignore"):
        slope = (values[:, 1:] - values[:, :1]) / taken
    return values[:, 0], np.where(np.isfinite(slope), slope, 0.0)


def hessians(objective: Objective, points: Array, low: Array, high: Array) -> Array:
    """Second derivatives (m, P, P) at points (m, P), by central differences.

    Points nearer to the edge of the box than the differences reach are moved inward by what lacks.
    """
    m, size = points.shape
    centre = np.clip(points, low + 2 * _SECOND, high - 2 * _SECOND)
    i, j = np.tril_indices(size)
    unit = np.eye(size)
    # Four corners for each pair of coordinates; for i = j two of them are the centre.
    corners = [a * unit[i] + b * unit[j] for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
    tried = centre[:, None, None] + _SECOND * np.array(corners)
    rows = np.repeat(np.arange(m), 4 * len(i))
    values = objective(tried.reshape(-1, size), rows).reshape(m, 4, len(i))
    found = np.zeros((m, size, size))
    change = values[:, 0] - values[:, 1] - values[:, 2] + values[:, 3]
    found[:, i, j] = found[:, j, i] = change / (4 * _SECOND**2)
    return found
