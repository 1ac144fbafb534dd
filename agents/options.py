"""Hyper-parameters as dataclasses, checked where they enter."""

from __future__ import annotations

import difflib
import math
import types
import typing
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, TypeVar

import numpy as np

from .errors import AgentError

Options = TypeVar("Options")


def build_options(cls: type[Options], agent: str, given: dict[str, Any]) -> Options:
    """``cls(**given)`` with unknown names and wrong types answered by one sentence.

    Raises:
        AgentError: names the option, what is allowed and, for a misspelt name, the nearest one.
    """
    hints = typing.get_type_hints(cls)
    values = {}
    for name, value in given.items():
        if name not in hints:
            near = difflib.get_close_matches(name, hints, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(hints))}."
            raise AgentError(f"{agent} has no option {name!r}: {hint}")
        values[name] = _coerce(agent, name, value, hints[name])
    return cls(**values)


def option_types(cls: type) -> dict[str, tuple[Any, Any]]:
    """name -> (type, default) of a dataclass of options."""
    hints = typing.get_type_hints(cls)
    return {
        f.name: (hints[f.name], None if f.default is MISSING else f.default) for f in fields(cls)
    }


def choice(agent: str, name: str, value: str, allowed: typing.Iterable[str]) -> None:
    """Raise one sentence unless ``value`` is allowed."""
    allowed = list(allowed)
    if value not in allowed:
        raise AgentError(f"{agent}: {name}={value!r} is not one of {', '.join(allowed)}.")


def checked_seed(agent: str, seed: Any) -> int:
    """``seed`` as an integer, or one sentence."""
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise AgentError(f"{agent}: seed={seed!r} must be an integer of 0 or more.")
    return int(seed)


RANGES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "count": (lambda v: v >= 1, "1 or more"),
    "steps": (lambda v: 1 <= v < math.inf, "1 or more and finite"),
    "positive": (lambda v: 0 < v < math.inf, "above 0 and finite"),
    "fraction": (lambda v: 0 <= v <= 1, "between 0 and 1"),
    "not negative": (lambda v: 0 <= v < math.inf, "0 or more and finite"),
    "finite": (math.isfinite, "finite"),
}


def check_ranges(agent: str, options: Any, ranges: dict[str, tuple[str, ...]]) -> None:
    """One sentence for a value outside its range; None is always allowed.

    ``ranges``: a name of :data:`RANGES` -> names of options, of which ``options`` may lack some.
    """
    for kind, names in ranges.items():
        allowed, meaning = RANGES[kind]
        for name in names:
            value = getattr(options, name, None)
            values = value if isinstance(value, tuple) else (value,)
            if any(v is not None and not allowed(v) for v in values):
                raise AgentError(f"{agent}: {name}={value!r} must be {meaning}.")


def _coerce(agent: str, name: str, value: Any, kind: Any) -> Any:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        parts = typing.get_args(kind)
        if value is None and type(None) in parts:
            return None
        kind = next(part for part in parts if part is not type(None))
    if typing.get_origin(kind) is tuple:
        inner = typing.get_args(kind)
        if isinstance(value, (list, tuple)) and len(value) == len(inner):
            return tuple(_coerce(agent, name, v, k) for v, k in zip(value, inner, strict=True))
        raise AgentError(
            f"{agent}: {name}={value!r} must be {len(inner)} values, like (2.0, 50.0)."
        )
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise AgentError(
            f"{agent}: {name}={value!r} must be {kind.__name__}, not {type(value).__name__}."
        )
    return value
