"""What a search over hyper-parameters may choose from: ranges as text, data and optuna's calls."""

from __future__ import annotations

import math
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ..agents.registry import agent_spec, option_types
from .assignments import describe, parse_as
from .errors import UsageError, nearest

DEFAULT = "default"
NUM_ENVS = "num_envs"  # of a run, not of an agent; tuned like the rest
_RANGES = {"log": float, "float": float, "int": int}
_FORMS = "log:LOW:HIGH, float:LOW:HIGH, int:LOW:HIGH or choices like 0.0,0.9,0.99"


@dataclass(frozen=True)
class Dimension:
    """One hyper-parameter and where it may lie: between ``low`` and ``high``, or in ``choices``."""

    name: str
    text: str
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    log: bool = False
    choices: tuple[Any, ...] = ()

    def suggest(self, trial: Any) -> Any:
        """The value of an optuna trial."""
        if self.choices:
            return trial.suggest_categorical(self.name, self.choices)
        if self.whole:
            return trial.suggest_int(self.name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.log)

    def holds(self, value: Any) -> bool:
        """Whether a value is one that can be suggested."""
        if self.choices:
            return value in self.choices
        numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
        return numeric and self.low <= value <= self.high


Space = tuple[Dimension, ...]


def find_space(agent: str, given: Iterable[str] = (), fixed: Iterable[str] = ()) -> Space:
    """The space to search for an agent.

    Args:
        agent: the agent's name.
        given: ``name=range`` texts; ``default`` among them stands for the agent's own space, which
            is all if nothing is given.
        fixed: options that have a value already; they leave the agent's own space.

    Raises:
        UsageError: an unknown option, a text that is no range, or nothing to search.
    """
    texts: dict[str, str] = {}
    for text in list(given) or [DEFAULT]:
        if text == DEFAULT:
            own = default_space(agent)
            texts = {k: v for k, v in own.items() if k not in set(fixed)} | texts
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--space {text!r} is not name=range: write name={_FORMS}.")
        if name.strip() in fixed:
            raise UsageError(f"{name.strip()} has a value already: leave out --set or --space.")
        texts[name.strip()] = value.strip()
    if not texts:
        raise UsageError(f"{agent} has no space of its own to tune: give it --space name={_FORMS}.")
    return tuple(parse_dimension(agent, name, text) for name, text in texts.items())


def default_space(agent: str) -> dict[str, str]:
    """Name -> range of the space that ``spaces.toml`` has for an agent."""
    tables = _tables()
    merged = tables.get(agent_spec(agent).kind, {}) | tables["agents"].get(agent, {})
    return {name: text for name, text in merged.items() if text and name in option_types(agent)}


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads((files("caudate.training") / "spaces.toml").read_text("utf-8"))


def parse_dimension(agent: str, name: str, text: str) -> Dimension:
    """``text`` as the range of an agent's option.

    Raises:
        UsageError: see :func:`find_space`.
    """
    known: Mapping[str, tuple[Any, Any]] = {**option_types(agent), NUM_ENVS: (int, None)}
    if name not in known:
        raise UsageError(f"{agent} has no option {name!r}: {nearest(name, known)}")
    kind = _plain(known[name][0])
    form, *ends = text.split(":")
    if form not in _RANGES:
        return _choices(agent, name, text, known[name][0])
    if kind not in (int, float):
        raise UsageError(f"{agent}: {name} is {describe(kind)}, no number: give it choices, a,b,c.")
    whole = kind is int
    try:
        low, high = ((_whole if whole or form == "int" else float)(end) for end in ends)
    except ValueError:
        raise UsageError(
            f"--space {name}={text} must be {_FORMS}{', whole numbers here' if whole else ''}."
        ) from None
    if not (-math.inf < low < high < math.inf) or (form == "log" and low <= 0):
        raise UsageError(
            f"--space {name}={text} must go from a lower to a higher end, both finite"
            + (" and, with log, above 0." if form == "log" else ".")
        )
    return Dimension(name, text, low, high, whole or form == "int", form == "log")


def _choices(agent: str, name: str, text: str, kind: Any) -> Dimension:
    if typing.get_origin(_plain(kind)) is tuple:
        raise UsageError(f"{agent}: {name} is a list of values, which cannot be tuned: use --set.")
    try:
        values = tuple(parse_as(kind, part.strip()) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"--space {name}={text}: each choice must be {describe(kind)}; else write {_FORMS}."
        ) from None
    return Dimension(name, text, choices=values)


def _plain(kind: Any) -> Any:
    """A type without its None."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return next(part for part in typing.get_args(kind) if part is not type(None))
    return kind


def _whole(text: str) -> int:
    number = float(text)
    if not number.is_integer():
        raise ValueError(text)
    return int(number)
