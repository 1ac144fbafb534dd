"""The court of the small Pong: how its ball flies, and what blind paddles return."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Rows that a ball moves on each step.
SLOPES = (-1, 0, 1)


class Court:
    """Where balls fly between two walls.

    A ball's row is kept unfolded, as a phase that grows by the slope: row r on the way down is
    phase r, on the way up phase ``period`` - r, so that bounces need no thought.

    Args:
        height: rows.
        width: columns.
        paddle: rows of a paddle.

    Attributes:
        flight: steps from one paddle to the other.
        tops: how many places a paddle can be at; places are its uppermost row.
        period: phases before a ball is back where it was.
        row: (period,) rows by phase.
        facing: (height,) where a paddle stands that has its middle at a row, or as near as it can.
    """

    def __init__(self, height: int, width: int, paddle: int) -> None:
        self.height, self.paddle = height, paddle
        self.flight, self.tops, self.period = width - 1, height - paddle + 1, 2 * (height - 1)
        phase = np.arange(self.period)
        self.row = np.minimum(phase, self.period - phase)
        self.facing = np.clip(np.arange(height) - paddle // 2, 0, self.tops - 1)

    def returned(self, top: Array, row: Array) -> Array:
        """Whether paddles at ``top`` meet balls in ``row``, any shapes."""
        return (top <= row) & (row < top + self.paddle)

    def blind_shares(self, step: Array, start: Array, points: int, error: float) -> Array:
        """Shares of balls that are returned by paddles that move without seeing the ball; exact.

        Args:
            step: (tops, tops) probabilities of a paddle's places after a step, by those before.
            start: (tops,) probabilities of its places at the start; other sums than 1 do no harm.
            points: balls of a game.
            error: probability that the opponent misses.

        Returns:
            (tops,) mean shares, by the paddle's place as the ball arrives, times the probability
            of that place.
        """
        flight = np.linalg.matrix_power(step, self.flight)
        served = np.full(self.height, 1 / self.height)
        rows = np.arange(self.height)
        hit = self.returned(np.arange(self.tops)[:, None], rows)
        share = np.zeros(self.tops)
        balls = start[:, None] * served  # probabilities of the paddle's place and the ball's row
        for _ in range(points):
            balls = flight.T @ balls / len(SLOPES)
            after = np.zeros_like(balls)
            for slope in SLOPES:
                phase = rows + slope * self.flight
                lands, comes_back = (
                    self.row[(phase + more) % self.period] for more in (0, slope * self.flight)
                )
                good = balls * hit[:, lands]
                share += good.sum(axis=1)
                back = flight.T @ good
                lost = step.T @ ((balls - good).sum(axis=1) + error * back.sum(axis=1))
                np.add.at(after.T, comes_back, (1 - error) * back.T)
                after += lost[:, None] * served
            balls = after
        return share / points
