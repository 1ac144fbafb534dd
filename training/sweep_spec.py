"""What a sweep is: agents x tasks x seeds x grids of options; it becomes a comparison."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError

from ..agents import option_types
from ..agents.registry import agent_spec
from .assignments import describe, literal, pairs, parse_as
from .comparison_spec import (
    Comparison,
    Seeds,
    StrictTable,
    build_comparison,
    members,
    validated,
)
from .errors import UsageError, nearest
from .toml_files import read_toml

Grid = Mapping[str, list[Any]]

SEEDS = 3


class Sweep(StrictTable):
    """Agents x tasks x seeds x options of agents x parameters of tasks.

    Attributes:
        name: names the folder.
        agents, tasks: names; ids, or families for all of their base tasks.
        seeds: seeds 0 to n - 1, or the seeds themselves.
        grid: option -> values, for all agents; agent -> such a table, for that agent alone, whose
            options go over those for all.
        env: parameters of all tasks.
        env_grid: parameter -> values; every combination is a row of its own.
        until, way, steps, cpu_limit, eval_every: ends of runs, as in a comparison.
    """

    name: str = "sweep"
    title: str = ""
    agents: list[str] = Field(min_length=1)
    tasks: list[str] = Field(min_length=1)
    seeds: Seeds = SEEDS
    grid: dict[str, Any] = Field(default_factory=dict)
    env: dict[str, Any] = Field(default_factory=dict)
    env_grid: dict[str, Any] = Field(default_factory=dict)
    until: float | None = None
    way: float | None = Field(default=None, gt=0, le=1)
    steps: int | None = Field(default=None, ge=1)
    cpu_limit: float | None = Field(default=None, ge=0)
    eval_every: int | None = Field(default=None, ge=1)

    def grid_of(self, agent: str) -> dict[str, list[Any]]:
        """Option -> values of one agent."""
        shared = {k: v for k, v in self.grid.items() if k not in self.agents}
        return shared | self.grid.get(agent, {})

    def ends(self) -> dict[str, Any]:
        """What ends runs, as far as it was said; ``cpu_limit`` is a matter of agents."""
        names = ("until", "way", "steps", "eval_every")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


class _File(StrictTable):
    sweep: Sweep


def load_sweep(path: str | Path) -> Sweep:
    """A sweep from a TOML file with the table [sweep].

    Raises:
        UsageError: a file that cannot be read or is not a sweep, with the path of the wrong key.
    """
    content, what = read_toml(Path(path)), f"Sweep {path}"
    if isinstance(content.get("sweep"), dict):
        content["sweep"] = {"name": Path(path).stem} | content["sweep"]
    sweep = validated(_File, content, what).sweep
    _check(sweep, what)
    return sweep


def sweep_from_flags(
    agents: list[str], tasks: list[str], grid: Iterable[str], env_grid: Iterable[str], **more: Any
) -> Sweep:
    """A sweep from the command line; ``more`` are its other fields.

    Args:
        grid: OPTION=V,V,... for all agents or AGENT.OPTION=V,V,... for one.
        env_grid: PARAMETER=V,V,...

    Raises:
        UsageError: one that makes no sense.
    """
    grids: dict[str, dict[str, list[Any]]] = {agent: {} for agent in agents}
    for key, text in pairs("--grid", grid):
        agent, dot, option = key.rpartition(".")
        if dot and agent not in grids:
            raise UsageError(f"--grid {key}: the sweep has no such agent: {nearest(agent, grids)}")
        for one in [agent] if dot else agents:
            kind = _kind(one, option, f"--grid {key}")
            grids[one][option] = [_parsed(kind, part, key) for part in _parts(text)]
    content = {
        "agents": agents,
        "tasks": tasks,
        "grid": {agent: options for agent, options in grids.items() if options},
        "env_grid": {
            key: [literal(part) for part in _parts(text)]
            for key, text in pairs("--env-grid", env_grid)
        },
    }
    given = {name: value for name, value in more.items() if value is not None}
    sweep = validated(Sweep, content | given, "The sweep")
    _check(sweep, "The sweep")
    return sweep


def expand(sweep: Sweep, what: str = "The sweep") -> Comparison:
    """The comparison that a sweep is: a label for every point of the grids.

    Raises:
        UsageError, TaskError: names, parameters or ends of runs that make no sense.
    """
    limit = {} if sweep.cpu_limit is None else {"cpu_limit": sweep.cpu_limit}
    agents = [
        {"name": name, "label": _label(name, point), "options": point, "seeds": sweep.seeds} | limit
        for name in sweep.agents
        for point in points(sweep.grid_of(name))
    ]
    rows = [
        {"task": task, "label": _label(task.split("/")[-1], point), "env": sweep.env | point}
        | sweep.ends()
        for task in _tasks(sweep, what)
        for point in points(sweep.env_grid)
    ]
    content = {"name": sweep.name, "title": sweep.title, "agents": agents, "rows": rows}
    return build_comparison(content | {"ranked": True}, what)


def points(grid: Grid) -> Iterator[dict[str, Any]]:
    """Every combination of values."""
    for values in product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def _label(name: str, point: Mapping[str, Any]) -> str:
    texts = [f"{key}={_text(value)}" for key, value in point.items()]
    return " ".join([name, *texts])


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value) if isinstance(value, str) else json.dumps(value)


# -- checks ----------------------------------------------------------------------------------


def _check(sweep: Sweep, what: str) -> None:
    try:
        for name in ("agents", "tasks"):
            _no_twins(name, getattr(sweep, name))
        for agent in sweep.agents:
            agent_spec(agent)
        for key, values in sweep.grid.items():
            if key in sweep.agents:
                if not isinstance(values, dict):
                    raise UsageError(f"grid.{key} must be a table of options of that agent.")
                for option, own in values.items():
                    _check_values(f"grid.{key}.{option}", own, [key], option)
            elif isinstance(values, dict):
                raise UsageError(
                    f"grid.{key} is a table, but the sweep has no such agent: "
                    f"{nearest(key, sweep.agents)}"
                )
            else:
                _check_values(f"grid.{key}", values, sweep.agents, key)
        for key, values in sweep.env_grid.items():
            _check_values(f"env_grid.{key}", values)
            if key in sweep.env:
                raise UsageError(f"env_grid.{key} is also in env: leave out one of them.")
        _tasks(sweep, what)
    except UsageError as error:
        raise UsageError(f"{what} is not valid: {error}") from error
    if not sweep.ends().keys() & {"until", "way", "steps"}:
        raise UsageError(f"{what} has no end of runs: give it steps, until or way.")


def _check_values(path: str, values: Any, agents: Iterable[str] = (), option: str = "") -> None:
    if not isinstance(values, list) or not values:
        raise UsageError(f"{path} must be a list of one value or more, not {values!r}.")
    _no_twins(path, values)
    for agent in agents:
        kind = _kind(agent, option, path)
        for value in values:
            try:  # as JSON, where lists stand for tuples
                TypeAdapter(kind).validate_json(json.dumps(value), strict=True)
            except (ValidationError, TypeError) as error:
                raise UsageError(
                    f"{path}: {value!r} must be {describe(kind)} for agent {agent}."
                ) from error


def _kind(agent: str, option: str, path: str) -> Any:
    known = option_types(agent)
    if option not in known:
        raise UsageError(
            f"{path}: agent {agent} has no option {option!r}: {nearest(option, known)}"
        )
    return known[option][0]


def _no_twins(path: str, values: list[Any]) -> None:
    for i, value in enumerate(values):
        if value in values[:i]:
            raise UsageError(f"{path} has {value!r} twice, which would be the same runs twice.")


def _tasks(sweep: Sweep, what: str) -> list[str]:
    tasks = [task for name in sweep.tasks for task in members(name)]
    _no_twins("tasks", tasks)
    return tasks


# -- text of the command line ----------------------------------------------------------------


def _parts(text: str) -> list[str]:
    """Values between commas; those within brackets belong to one value."""
    return [part.strip() for part in re.split(r",(?![^(\[]*[)\]])", text) if part.strip()]


def _parsed(kind: Any, text: str, key: str) -> Any:
    try:
        value = parse_as(kind, text)
    except ValueError as error:
        raise UsageError(f"--grid {key}: {text!r} must be {describe(kind)}.") from error
    return list(value) if isinstance(value, tuple) else value
