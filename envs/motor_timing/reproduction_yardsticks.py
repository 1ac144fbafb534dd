"""Exact scores of simple policies in interval reproduction, by counting all trials."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.time import Duration
from .press_times import best_press_times, best_rate

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
        #: (G, intervals) the first of these steps, and the step behind the last.
        self._from = self._hit.argmax(axis=2)
        self._to = self._from + self._hit.sum(axis=2)

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
        pressed = np.concatenate([[0.0], np.cumsum(press)])
        scores = pressed[self._to[context]] - pressed[self._from[context]]
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
        return float(
            np.mean(
                [
                    best_rate(lambda rate, context=context: self._rate(rate, context, False))
                    for context in range(len(self._gains))
                ]
            )
        )

    def best_schedule(self, contexts: Iterable[int], *, sees_set: bool = False) -> float:
        """Best score of a set of press times counted from the trial's start.

        Args:
            contexts: in which the same presses are made.
            sees_set: whether presses are left out while the set pulse is on.
        """
        earned, shown = self._earned(list(contexts)), self._pulse if sees_set else 0
        return best_press_times(earned, abort=self._abort, shown=shown)

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
