"""The room of the delayed-goal task: a grid of places, areas around goals, ways to them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: What each action does, in strides: stay, right, up, left, down.
MOVES = ((0, 0), (1, 0), (0, 1), (-1, 0), (0, -1))


class Room:
    """A square of width 1 in which one goes in strides along the axes, from its middle.

    A stride that would lead through a wall is not taken, so that all places lie on one grid.

    Args:
        goals: (2, k) positions of the goals from the middle, in widths of the room.
        goal_radius: radius of the areas around them, in the same unit.
        stride: length of a stride, in the same unit.

    Attributes:
        start: number of the place in the middle.
        at: (places, 2) positions.
        after: (places, 5) places that the actions lead to.
        area: (places,) goals in whose areas the places lie, -1 for none.
    """

    def __init__(self, goals: Array, goal_radius: float, stride: float) -> None:
        self._goals, self._stride = goals, stride
        self._most, side = most_strides(stride), places_along(stride)
        across, up = np.divmod(np.arange(side * side), side)
        self.start = self._most * (side + 1)
        self.at = (np.stack([across, up], axis=1) - self._most) * stride
        self.after = np.empty((side * side, len(MOVES)), dtype=np.int64)
        for action, (right, upwards) in enumerate(MOVES):
            x, y = across + right, up + upwards
            inside = (x >= 0) & (x < side) & (y >= 0) & (y < side)
            self.after[:, action] = np.where(inside, x * side + y, across * side + up)
        away = self.away
        self.area = np.where(away.min(axis=0) <= goal_radius + 1e-9, away.argmin(axis=0), -1)
        self._strides = np.abs(across - self._most) + np.abs(up - self._most)

    @property
    def away(self) -> Array:
        """(goals, places) distances from the goals."""
        return np.hypot(*(self._goals[:, :, None] - self.at.T[:, None]))

    def place(self, position: Array) -> Array:
        """Numbers (n,) of the places nearest to positions (n, 2)."""
        x, y = np.rint(position.T / self._stride).astype(np.int64) + self._most
        return x * (2 * self._most + 1) + y

    @property
    def farthest(self) -> int:
        """Strides to the goal that takes the most of them, if no other area is in the way."""
        goals = range(self._goals.shape[1])
        return max(int(self._strides[self.area == goal].min()) for goal in goals)

    @cached_property
    def strides_left(self) -> Array:
        """(goals, places) strides to each goal's area that avoid the other ones; inf if none do."""
        goals = np.arange(self._goals.shape[1])[:, None]
        left = np.where(self.area == goals, 0.0, np.inf)
        free = self.area < 0
        while True:
            nearer = np.where(free, left[:, self.after].min(axis=2) + 1, np.inf)
            if not (nearer < left).any():
                return left
            left = np.minimum(left, nearer)

    @cached_property
    def ways(self) -> Array:
        """(goals, places) actions on the shortest ways, of these the ones nearest to the goal."""
        left = self.strides_left[:, self.after]
        # A room is less than 2 wide in each direction, so that this only settles ties.
        return (2 * left + self.away[:, self.after]).argmin(axis=2)

    def entered_at_random(self, strides: int) -> float:
        """Probability that random actions lead into an area within so many steps; exact."""
        share = np.zeros(len(self.area))
        share[self.start] = 1.0
        inside, targets = self.area >= 0, self.after.ravel()
        entered = 0.0
        for _ in range(strides):
            each = np.repeat(share / len(MOVES), len(MOVES))
            share = np.bincount(targets, weights=each, minlength=len(share))
            entered += float(share[inside].sum())
            share[inside] = 0.0
        return entered


def most_strides(stride: float) -> int:
    """Strides from the middle to a wall."""
    return int(0.5 / stride + 1e-9)


def places_along(stride: float) -> int:
    """Places along a side of the room."""
    return 2 * most_strides(stride) + 1
