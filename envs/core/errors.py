"""The one error that a user's mistake causes, and the checks that raise it."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Iterable
from typing import Any

#: Numbers beyond this are refused: sums and squares of smaller ones are exact enough everywhere.
LARGEST = 10**9
#: A sentence is not longer than this; what is cut out is the middle of a value.
_LONGEST = 400


class TaskError(ValueError):
    """A wrong parameter, action, seed or option, told in one sentence.

    The sentence names the value, what is allowed and what to do, so that a command line can print
    it as it is: on one line, the middle left out where a value is long.
    """

    def __init__(self, message: str) -> None:
        # Arrays print themselves over several lines.
        line = " ".join(str(message).split())
        if len(line) > _LONGEST:
            line = f"{line[:100]} ... {line[5 + 100 - _LONGEST :]}"
        super().__init__(line)


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
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    top = LARGEST if high is None else high
    if not whole or not low <= int(value) <= top:
        told = high is not None or (whole and int(value) > top)
        allowed = f"from {low} to {top}" if told else f">= {low}"
        raise TaskError(f"{name}={value!r} is not a whole number {allowed}; pass such a number.")
    return int(value)


def check_number(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """Return ``value`` as float if it is finite and in [low, high]; else raise TaskError.

    No number may be beyond ``LARGEST``.
    """
    number = real_number(value)
    low, high = max(low, -LARGEST), min(high, LARGEST)
    if not low <= number <= high:  # NaN is not
        plain = (low, high) == (-LARGEST, LARGEST) and not math.isfinite(number)
        bounds = "" if plain else f" in [{low:g}, {high:g}]"
        raise TaskError(f"{name}={value!r} is not a finite number{bounds}; pass such a number.")
    return number


def real_number(value: Any) -> float:
    """``value`` as float, NaN if it is no real number; whole numbers too large for one are inf."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


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
