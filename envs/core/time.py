"""Durations in milliseconds, and what becomes of them on a grid of environment steps."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import TaskError, real_number

Array = npt.NDArray[Any]

#: What a task accepts as a duration, in ms: a number, ``(low, high)``, ``("choice", [...])`` or
#: ``("truncexp", mean, low, high)``.
DurationLike = float | Sequence[Any]


#: A trial has at most so many steps: the steps of trials are laid out ahead, which takes memory.
MOST_STEPS = 100_000


def to_steps(ms: float, dt: float) -> int:
    """Nearest number of steps, halves upwards."""
    return math.floor(ms / dt + 0.5 + 1e-9)


@dataclass(frozen=True)
class Duration:
    """A random duration on the grid of steps.

    Every kind of duration is a finite distribution once it is on the grid, which is what makes the
    yardsticks of timing tasks countable.

    Attributes:
        steps: (k,) possible durations in steps, increasing.
        probability: (k,) their probabilities.
        dt: one step in ms.
    """

    steps: Array
    probability: Array
    dt: float

    @property
    def fixed(self) -> bool:
        """Whether there is only one possible value."""
        return len(self.steps) == 1

    @property
    def even(self) -> bool:
        """Whether the values are neighbouring steps, equally likely."""
        equal = self.probability.min() == self.probability.max()
        return bool(equal) and self.high - self.low == len(self.steps) - 1

    @property
    def low(self) -> int:
        """Shortest value in steps."""
        return int(self.steps[0])

    @property
    def high(self) -> int:
        """Longest value in steps."""
        return int(self.steps[-1])

    @property
    def ms(self) -> Array:
        """(k,) possible values in ms."""
        return self.steps * self.dt

    def pick(self, uniform: Array) -> Array:
        """Map uniform values in (0, 1) to durations in steps, any shape, int64."""
        if self.fixed:
            return np.full(np.shape(uniform), self.low, dtype=np.int64)
        if self.even:
            return self.low + (uniform * len(self.steps)).astype(np.int64)
        edges = np.cumsum(self.probability)[:-1]
        return self.steps[np.searchsorted(edges, uniform, side="right")]


def parse_duration(name: str, value: Any, dt: float, *, allow_zero: bool = True) -> Duration:
    """Put a duration on the grid of steps.

    Args:
        name: parameter name, for the error's sentence.
        value: a number of ms; ``(low, high)``, every step between them equally likely;
            ``("choice", [a, b, ...])``, equally likely; or ``("truncexp", mean, low, high)``,
            ``low`` plus an exponential of the given mean, cut off at ``high``.
        dt: one step in ms.
        allow_zero: whether a duration of 0 ms may stand.

    Raises:
        TaskError: not one of these, negative, not finite, longer than ``MOST_STEPS``, or collapsing
            at this ``dt``.

    >>> parse_duration("delay", (500, 1000), dt=100).steps
    array([ 5,  6,  7,  8,  9, 10])
    >>> parse_duration("delay", ("choice", [500, 520]), dt=100)
    Traceback (most recent call last):
    ...
    caudate.envs.core.errors.TaskError: delay=('choice', [500, 520]) has values that are the same \
number of steps at dt=100 ms; use a smaller dt or values further apart.
    """
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return _on_grid(name, value, [_ms(name, value, value, dt)], None, dt, allow_zero)
    if isinstance(value, (list, tuple)) and len(value):
        if value[0] == "choice" and len(value) == 2 and isinstance(value[1], (list, tuple)):
            values = sorted(_ms(name, value, one, dt) for one in value[1])
            if values:
                return _on_grid(name, value, values, None, dt, allow_zero)
        elif value[0] == "truncexp" and len(value) == 4:
            mean = _finite(name, value, value[1])
            low, high = (_ms(name, value, one, dt) for one in value[2:])
            if mean > 0:
                steps = _between(name, value, low, high, dt)
                return _on_grid(
                    name, value, steps * dt, _exponential(steps, mean, dt), dt, allow_zero
                )
        elif len(value) == 2 and not isinstance(value[0], str):
            low, high = (_ms(name, value, one, dt) for one in value)
            if low == high:
                return _on_grid(name, value, [low], None, dt, allow_zero)
            return _on_grid(
                name, value, _between(name, value, low, high, dt) * dt, None, dt, allow_zero
            )
    raise TaskError(
        f"{name}={value!r} is not a duration; pass a number of ms, (low, high), "
        '("choice", [a, b]) or ("truncexp", mean, low, high).'
    )


def _finite(name: str, whole: Any, value: Any) -> float:
    ms = real_number(value)
    if not 0 <= ms < math.inf:  # NaN is not
        raise TaskError(f"{name}={whole!r} has {value!r} in it; durations are finite and >= 0 ms.")
    return ms


def _ms(name: str, whole: Any, value: Any, dt: float) -> float:
    ms = _finite(name, whole, value)
    if ms / dt > MOST_STEPS:
        raise TaskError(
            f"{name}={whole!r} is longer than {MOST_STEPS} steps of dt={dt:g} ms; use a shorter "
            "duration or a larger dt."
        )
    return ms


def _between(name: str, value: Any, low: float, high: float, dt: float) -> Array:
    first, last = to_steps(low, dt), to_steps(high, dt)
    if high < low:
        raise TaskError(f"{name}={value!r} ends before it begins; put the lower bound first.")
    if last == first:
        raise TaskError(
            f"{name}={value!r} is a single step at dt={dt:g} ms; use a smaller dt or a wider range."
        )
    return np.arange(first, last + 1)


def _exponential(steps: Array, mean: float, dt: float) -> Array:
    """Probability of each step: the density's share of the cell around it, cut at both ends."""
    edges = np.concatenate([[steps[0]], (steps[:-1] + steps[1:]) / 2, [steps[-1]]]) - steps[0]
    survival = np.exp(-edges * dt / mean)
    return survival[:-1] - survival[1:]


def _on_grid(
    name: str, value: Any, ms: Any, weight: Array | None, dt: float, allow_zero: bool
) -> Duration:
    steps = np.array([to_steps(one, dt) for one in ms], dtype=np.int64)
    if len(np.unique(steps)) < len(steps):
        raise TaskError(
            f"{name}={value!r} has values that are the same number of steps at dt={dt:g} ms; "
            "use a smaller dt or values further apart."
        )
    if steps[0] == 0 and (ms[0] > 0 or not allow_zero):
        raise TaskError(
            f"{name}={value!r} is shorter than half a step of dt={dt:g} ms; use a smaller dt or a "
            "longer duration."
        )
    probability = np.full(len(steps), 1.0) if weight is None else weight
    return Duration(steps, probability / probability.sum(), dt)
