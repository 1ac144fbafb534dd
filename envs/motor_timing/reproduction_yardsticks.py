"""Exact scores of simple policies in interval reproduction, by counting all trials."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.time import Duration

Array = npt.NDArray[Any]

_TOLERANCE = 0.1


class ReproductionYardsticks:
    """All trials of a task with their probabilities, and what policies without memory score.

    Args:
        foreperiod: time before Ready.
        prior: sample interval.
        gains: (G,) targets over sample intervals.
        pulse: steps of the set pulse.
        wait: steps from Set onset to the trial's end.
        abort: a press before Set ends the trial.
    """

    def __init__(
        self,
        foreperiod: Duration,
        prior: Duration,
        gains: Array,
        pulse: int,
        wait: int,
        abort: bool,
    ) -> None:
        self._fore, self._prior, self._gains = foreperiod, prior, gains
        self._pulse, self._wait, self._abort = pulse, wait, abort
        target = gains[:, None] * prior.steps
        produced = np.arange(wait)
        error = np.abs(produced - target[:, :, None])
        #: (G, intervals, wait) bool: a press after so many steps is within the tolerance.
        self._hit = error <= _TOLERANCE * target[:, :, None] + 1e-9

    def reachable(self) -> float:
        """Share of trials in which some press is within the tolerance."""
        return float((self._hit.any(axis=2) * self._prior.probability).sum(axis=1).mean())

    def constant_rate(self, rate: float, *, at_pulse: bool) -> float:
        """Score of pressing with probability ``rate`` at every step.

        Args:
            rate: press probability, the same in all contexts.
            at_pulse: whether it presses during pulses too.
        """
        return float(np.mean([self._rate(rate, g, at_pulse) for g in range(len(self._gains))]))

    def _rate(self, rate: float, context: int, at_pulse: bool) -> float:
        step = np.arange(self._wait)
        chances = step if at_pulse else np.maximum(step - self._pulse, 0)
        press = rate * (1.0 - rate) ** chances
        if not at_pulse:
            press[: self._pulse] = 0.0
        scores = (self._hit[context] * press).sum(axis=1)
        if self._abort:
            before = self._prior.steps - (0 if at_pulse else self._pulse)
            scores = scores * (1.0 - rate) ** before
            scores = scores * np.dot(
                self._fore.probability, (1.0 - rate) ** self._fore.steps.astype(float)
            )
        return float(np.dot(self._prior.probability, scores))

    def best_constant_rate(self) -> float:
        """Best score of a constant press probability per context while nothing is shown.

        A policy that sees only the current observation has nothing else to choose: pressing at
        the pulses themselves never helps, because every target is longer than the set pulse.
        """
        return float(np.mean([self._best_rate(g) for g in range(len(self._gains))]))

    def _best_rate(self, context: int) -> float:
        low, high = 0.0, 1.0
        for _ in range(4):  # a grid of 101, four times finer and finer around its best point
            grid = np.linspace(low, high, 101)
            scores = [self._rate(rate, context, at_pulse=False) for rate in grid]
            best = int(np.argmax(scores))
            low, high = grid[max(best - 1, 0)], grid[min(best + 1, 100)]
        return float(max(scores))

    def best_schedule(self, contexts: Iterable[int]) -> float:
        """Best score of a set of press times counted from the trial's start.

        Only the first press at or after Set counts, so the score of a set is a sum over
        neighbouring presses a < b: what b earns from all trials whose Set falls in (a, b]. The
        best set follows by dynamic programming over its last press. If a press before Set ends
        the trial, only the first press ever counts.
        """
        earned = self._earned(list(contexts))
        if self._abort:
            return float(earned.sum(axis=0).max())
        ends = earned.shape[1]
        # within[a, b]: trials with Set from a on, answered at b.
        within = np.cumsum(earned[::-1], axis=0)[::-1]
        within = np.vstack([within, np.zeros((1, ends))])
        best = np.zeros(ends)
        for b in range(ends):
            # A first press at b answers every Set up to b; else the last press before was at a.
            options = [within[0, b]]
            options += [best[a] + within[min(a + 1, len(within) - 1), b] for a in range(b)]
            best[b] = max(options)
        return float(best.max())

    def _earned(self, contexts: list[int]) -> Array:
        """(set step, press step): probability of that Set times the share that the press hits."""
        last_set = self._fore.high + self._prior.high
        earned = np.zeros((last_set + 1, last_set + self._wait))
        hit = self._hit[contexts].mean(axis=0)
        for fore, p_fore in zip(self._fore.steps, self._fore.probability, strict=True):
            for rank, (interval, p) in enumerate(
                zip(self._prior.steps, self._prior.probability, strict=True)
            ):
                at = fore + interval
                earned[at, at : at + self._wait] += p_fore * p * hit[rank]
        return earned
