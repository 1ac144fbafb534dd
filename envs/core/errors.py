"""The one error that a user's mistake causes, and the checks that raise it."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Iterable
from typing import Any


class TaskError(ValueError):
    """A wrong parameter, action, seed or option, told in one sentence.

    The sentence names the value, what is allowed and what to do, so that a command line can print
    it as it is.
    """


class UnknownParameterError(TaskError, TypeError):
    """A keyword argument that a task does not have; a TypeError, as Python's own is.

    Libraries that try out arguments (TorchRL tries ``frameskip``) look for that type and phrase.
    """

    def __init__(self, message: str) -> None:
        # gymnasium.make raises such errors again with its own words behind them.
        super().__init__(message.split(" was raised from the environment creator")[0])


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the closest allowed name, or an empty string."""
    close = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def check_int(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Return ``value`` as int if it is a whole number in [low, high]; else raise TaskError."""
    top = "" if high is None else f" to {high}"
    allowed = f"a whole number from {low}{top}" if high is not None else f"a whole number >= {low}"
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or int(value) < low or (high is not None and int(value) > high):
        raise TaskError(f"{name}={value!r} is not {allowed}; pass such a number.")
    return int(value)


def check_number(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """Return ``value`` as float if it is finite and in [low, high]; else raise TaskError."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not math.isfinite(value) or not low <= float(value) <= high:
        bounds = f" in [{low:g}, {high:g}]" if (low, high) != (-math.inf, math.inf) else ""
        raise TaskError(f"{name}={value!r} is not a finite number{bounds}; pass such a number.")
    return float(value)


def check_flag(name: str, value: Any) -> bool:
    """Return ``value`` if it is True or False; else raise TaskError."""
    # A "yes" or a 1 would silently count as true; only real booleans are taken.
    if not isinstance(value, bool) and type(value).__name__ != "bool":
        raise TaskError(f"{name}={value!r} is not True or False; pass one of them.")
    return bool(value)


def check_one_of(name: str, value: Any, allowed: Iterable[str]) -> str:
    """Return ``value`` if it is one of the allowed strings; else raise TaskError."""
    names = list(allowed)
    if not isinstance(value, str) or value not in names:
        hint = nearest(value, names) if isinstance(value, str) else ""
        raise TaskError(f"{name}={value!r} is unknown{hint}; choose one of {', '.join(names)}.")
    return value
