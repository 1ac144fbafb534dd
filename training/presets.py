"""Hyper-parameters that work, as data: one TOML file a task, one table an agent."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from .errors import UsageError, nearest
from .toml_files import read_toml

DEFAULT_STEPS = 1_000_000
DEFAULT_EVAL_EVERY = 8_192
_REMARKS = ("score", "command")  # what a preset came to, for people


@dataclass(frozen=True)
class Preset:
    """How to train one agent on one task.

    Attributes:
        options: keyword arguments of the agent.
        num_envs: copies played at a time, None for the agent's own default.
        steps: budget in transitions.
        eval_every: transitions between evaluations.
    """

    options: dict[str, Any] = field(default_factory=dict)
    num_envs: int | None = None
    steps: int = DEFAULT_STEPS
    eval_every: int = DEFAULT_EVAL_EVERY


def preset_names() -> list[str]:
    """Tasks that have presets, by the last part of their id."""
    folder = files("caudate.training") / "presets"
    return sorted(
        f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")
    )


@cache
def _tables(name: str) -> dict[str, Any]:
    return tomllib.loads(
        (files("caudate.training") / "presets" / f"{name}.toml").read_text("utf-8")
    )


def find_preset(agent: str, env_id: str, name: str = "default") -> Preset:
    """The preset of ``agent`` for a task.

    Args:
        agent: the agent's name.
        env_id: the task's id.
        name: ``default``: the task's own, or nothing where there is none; ``none``: nothing; the
            name of a task whose preset is to be used; or a TOML file, with tables of agents or with
            tables of tasks that have these.

    Raises:
        UsageError: an unknown preset, with the nearest name; one without this agent; or a file
            that is none.
    """
    if name == "none":
        return Preset()
    if name.endswith(".toml"):
        return _from_file(agent, env_id, Path(name))
    if name == "default":
        task = env_id.split("/")[-1]
        if task not in preset_names() or agent not in _tables(task):
            return Preset()
    else:
        task = name
        if task not in preset_names():
            raise UsageError(
                f"Preset {name!r} is unknown: {nearest(name, [*preset_names(), 'default', 'none'])}"
            )
        if agent not in _tables(task):
            raise UsageError(
                f"Preset {name!r} has nothing for agent {agent!r}: it serves "
                f"{', '.join(sorted(_tables(task)))}."
            )
    return _preset(_tables(task)[agent])


def _preset(table: dict[str, Any]) -> Preset:
    return Preset(**{k: v for k, v in table.items() if k not in _REMARKS})


def _from_file(agent: str, env_id: str, path: Path) -> Preset:
    task = env_id.split("/")[-1]
    tables = read_toml(path)
    tables = tables.get(task, tables)
    if agent not in tables:
        raise UsageError(
            f"Preset {path} has nothing for agent {agent!r} on {task}: it serves "
            f"{', '.join(sorted(tables))}."
        )
    table = tables[agent]
    kinds = {f.name: dict if f.name == "options" else int for f in fields(Preset)}
    allowed = kinds | dict.fromkeys(_REMARKS, str)
    for name, value in table.items() if isinstance(table, dict) else [("", table)]:
        if type(value) is not allowed.get(name):
            raise UsageError(
                f"{path}: [{agent}] cannot have {name} = {value!r}: it holds options (a table), "
                "num_envs, steps and eval_every (whole numbers), score and command (texts)."
            )
    return _preset(table)


def preset(agent: str, env_id: str) -> dict[str, Any]:
    """Keyword arguments for ``make_agent(agent, env_id, **preset(agent, env_id))``."""
    found = find_preset(agent, env_id)
    return found.options | ({} if found.num_envs is None else {"n_envs": found.num_envs})
