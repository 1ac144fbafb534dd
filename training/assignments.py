"""``key=value`` and lists from the command line, turned into values of the right type."""

from __future__ import annotations

import ast
import json
import types
import typing
from collections.abc import Iterable
from typing import Any

from .errors import UsageError, nearest

_FLAGS = {"true": True, "false": False}


def agent_options(agent: str, assignments: Iterable[str]) -> dict[str, Any]:
    """Hyper-parameters of the named agent from ``--set`` arguments.

    Raises:
        UsageError: not ``key=value``, an unknown option (with the nearest) or a wrong type.
    """
    from ..agents import option_types

    known = option_types(agent)
    values = {}
    for key, text in pairs("--set", assignments):
        if key not in known:
            raise UsageError(f"{agent} has no option {key!r}: {nearest(key, known)}")
        kind, default = known[key]
        try:
            values[key] = parse_as(kind, text)
        except ValueError as error:
            raise UsageError(
                f"{agent}: {key}={text!r} must be {describe(kind)}, like {key}={_example(default)}."
            ) from error
    return values


def env_parameters(assignments: Iterable[str]) -> dict[str, Any]:
    """Parameters of an environment from ``--env`` arguments: JSON or Python literals, else text."""
    return {key: literal(text) for key, text in pairs("--env", assignments)}


def named_numbers(flag: str, assignments: Iterable[str]) -> dict[str, float]:
    """Numbers by name from ``flag`` arguments.

    Raises:
        UsageError: not ``key=value``, or a value that is no number.
    """
    values = {}
    for key, text in pairs(flag, assignments):
        try:
            values[key] = float(text)
        except ValueError:
            raise UsageError(
                f"{flag} {key}={text}: {text!r} is no number: write {flag} {key}=0.5."
            ) from None
    return values


def parse_as(kind: Any, text: str) -> Any:
    """``text`` as a value of ``kind``: int, float, bool, str, a tuple of them, or one or None.

    Raises:
        ValueError: it is not.
    """
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        parts = typing.get_args(kind)
        if type(None) in parts and text.lower() in ("none", "null"):
            return None
        kind = next(part for part in parts if part is not type(None))
    if typing.get_origin(kind) is tuple:
        inner = typing.get_args(kind)
        parts = text.strip("()[] ").split(",")
        if len(parts) != len(inner):
            raise ValueError(text)
        return tuple(parse_as(k, part.strip()) for k, part in zip(inner, parts, strict=True))
    if kind is bool:
        if text.lower() not in _FLAGS:
            raise ValueError(text)
        return _FLAGS[text.lower()]
    if kind is int and not text.lstrip("+-").isdigit():
        number = float(text)  # 1e6
        if not number.is_integer():
            raise ValueError(text)
        return int(number)
    if kind in (int, float, str):
        return kind(text)
    return literal(text)


def describe(kind: Any) -> str:
    """The type as users read it: ``int``, ``(float, float)``, ``float or None``."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return " or ".join(describe(part) for part in typing.get_args(kind))
    if typing.get_origin(kind) is tuple:
        return f"({', '.join(describe(part) for part in typing.get_args(kind))})"
    return "None" if kind is type(None) else getattr(kind, "__name__", str(kind))


def pairs(flag: str, assignments: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Keys and values of ``flag`` arguments.

    Raises:
        UsageError: not ``key=value``.
    """
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"{flag} {text!r} is not key=value: write {flag} name=value.")
        yield key.strip(), value.strip()


def literal(text: str) -> Any:
    """A value from JSON or a Python literal, else the text itself."""
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text)
        except (ValueError, SyntaxError):
            continue
        return list(value) if isinstance(value, tuple) else value
    return _FLAGS.get(text.lower(), None if text.lower() == "none" else text)


def _example(default: Any) -> str:
    return str(default).replace(" ", "") if default is not None else "none"


def names(option: str, given: list[str]) -> list[str]:
    """Names from an option that takes lists separated by commas and may be repeated.

    Raises:
        UsageError: an empty name.
    """
    found = [name.strip() for text in given for name in text.split(",")]
    if not all(found):
        raise UsageError(
            f"--{option} {' '.join(given)} has an empty name: separate names by single commas."
        )
    return found
