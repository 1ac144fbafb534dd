"""What a comparison is: agents, tasks (its rows), seeds and limits; from names or a TOML file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ..agents.registry import AGENTS, agent_spec
from ..envs import make_task, task_ids
from .errors import UsageError, nearest
from .evaluation import check_env_id, has_task, yardsticks
from .toml_files import read_toml

CPU_LIMITS = {"ppo": 20.0, "recurrent-ppo": 60.0}  # CPU-seconds of learning a run
DEFAULT_CPU_LIMIT = 30.0
SEEDS = 10
IDEAL = "ideal observer"  # said beside the labels of agents that are given what others learn
STORED = {"stored": True}  # validation context: a row has the score that its way came to
_ENDLESS = 1_000_000_000  # steps, where an agent's limit ends a run that does not reach its goal


Model = TypeVar("Model", bound=BaseModel)


class StrictTable(BaseModel):
    """A table of a file, in which nothing unknown may stand."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _table(given: Any, model: type[BaseModel]) -> dict[str, Any]:
    """What a file has where a table is wanted; {} for one that is made already."""
    if isinstance(given, model):
        return {}
    if not isinstance(given, dict):
        names = ", ".join(model.model_fields)
        raise ValueError(f"{given!r} must be a table of {names}")
    return given


def _some_and_different(seeds: Any) -> Any:
    if isinstance(seeds, list) and not seeds:
        raise ValueError("[] is no seed at all: give their number, or one or more of them")
    if isinstance(seeds, list):
        for seed in seeds:
            if seeds.count(seed) > 1:
                raise ValueError(f"{seed!r} is there twice, which would be the same run twice")
    return seeds


# Seeds 0 to n - 1, or the seeds themselves.
Seeds = Annotated[PositiveInt | list[NonNegativeInt], BeforeValidator(_some_and_different)]


class Entrant(StrictTable):
    """One column of a comparison.

    Attributes:
        name: the agent.
        label: what tables and legends call it, unique in the comparison.
        preset: ``default``, ``none``, a task whose preset to use, or a file of one.
        options: hyper-parameters over those of the preset.
        seeds: seeds 0 to n - 1, or the seeds themselves.
        cpu_limit: CPU-seconds of learning after which a run is cut off; 0 for none, and if not
            given, none beside ``steps``, else 30 (PPO 20, RecurrentPPO 60).
        steps: budget in transitions, where it is less than the row's. Unlike a limit of
            CPU-seconds it lets a slow machine learn as much as a fast one.
        rows: labels of the rows that it takes part in; all if none are named.
    """

    name: str
    label: str = ""
    preset: str = "default"
    options: dict[str, Any] = Field(default_factory=dict)
    seeds: Seeds = SEEDS
    cpu_limit: float = Field(default=0.0, ge=0)
    steps: int | None = Field(default=None, ge=1)
    rows: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any) -> Any:
        name = _table(given, cls).get("name")
        if not isinstance(name, str):
            return given  # refused when its type is checked
        limit = 0.0 if "steps" in given else CPU_LIMITS.get(name, DEFAULT_CPU_LIMIT)
        filled = {"label": name.split(":")[-1], "cpu_limit": limit} | given
        label = str(filled["label"])
        if name in AGENTS and AGENTS[name].ideal and "ideal" not in label:
            filled["label"] = f"{label} ({IDEAL})"
        return filled

    @property
    def seed_list(self) -> list[int]:
        return list(range(self.seeds)) if isinstance(self.seeds, int) else self.seeds

    def takes_part(self, row: Row) -> bool:
        """Whether a row has runs of this agent."""
        return not self.rows or row.label in self.rows

    def budget(self, row: Row) -> int:
        """Transitions of a run on this row."""
        return row.budget if self.steps is None else min(row.budget, self.steps)


class Row(StrictTable):
    """One task of a comparison.

    Attributes:
        task: environment id.
        label: what tables and figures call it, unique in the comparison.
        env: parameters of the environment.
        until: runs end when they are confirmed at this score; None: they use up ``steps``.
        way: sets ``until``, as a share of the way from the task's chance to its optimum.
        steps: budget in transitions; with ``until``, the agents' limits alone if not given.
        eval_every: transitions between evaluations; None: as the preset says.
        options: agent's label -> hyper-parameters on this task alone.
    """

    task: str
    label: str = ""
    env: dict[str, Any] = Field(default_factory=dict)
    until: float | None = None
    way: float | None = Field(default=None, gt=0, le=1, strict=True)
    steps: int | None = Field(default=None, ge=1)
    eval_every: int | None = Field(default=None, ge=1)
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any, info: ValidationInfo) -> Any:
        task = _table(given, cls).get("task")
        if not isinstance(task, str):
            return given  # refused when its type is checked
        filled = {"label": task.split("/")[-1]} | given
        way, env = given.get("way"), given.get("env", {})
        if info.context != STORED and _is_share(way) and isinstance(env, dict):
            if "until" in given:
                raise ValueError("until and way exclude each other: give one of them")
            filled["until"] = way_to_score(task, env, way)
        return filled

    @model_validator(mode="after")
    def _has_an_end(self) -> Self:
        if self.until is None and self.steps is None:
            raise ValueError(f"row {self.label!r} has no end: give it until, way or steps")
        return self

    @property
    def budget(self) -> int:
        return self.steps or _ENDLESS


class Comparison(StrictTable):
    """Agents x rows x seeds.

    Attributes:
        name: names folders and files.
        title: heading of its tables.
        ranked: tables go from the best agent of a row to the worst.
        overview: in the documentation one table and one figure for all rows, whose tasks must have
            yardsticks.
        intervals: rows that ask for presses at certain times get a table of produced intervals.
    """

    name: str
    title: str = ""
    ranked: bool = False
    overview: bool = False
    intervals: bool = False
    agents: list[Entrant] = Field(min_length=1)
    rows: list[Row] = Field(min_length=1)

    @field_validator("agents", "rows")
    @classmethod
    def _labels_differ(cls, tables: list[Any]) -> list[Any]:
        labels = [slug(table.label) for table in tables]
        for label in labels:
            if labels.count(label) > 1:
                raise ValueError(
                    f"label {label!r} stands for more than one entry: give each its own"
                )
        return tables

    def check(self) -> None:
        """Raise one sentence for a name, a parameter or a label that nothing knows."""
        for agent in self.agents:
            agent_spec(agent.name)
            for label in agent.rows:
                labels = [row.label for row in self.rows]
                if label not in labels:
                    raise UsageError(
                        f"Agent {agent.label!r} takes part in {label!r}: {nearest(label, labels)}"
                    )
        labels = [agent.label for agent in self.agents]
        for row in self.rows:
            check_env_id(row.task)
            if self.overview and not has_task(row.task):
                raise UsageError(
                    f"Row {row.label!r}: {row.task} has no yardsticks, which overview needs."
                )
            if has_task(row.task):
                make_task(row.task, **row.env)
            for label in row.options:
                if label not in labels:
                    raise UsageError(
                        f"Row {row.label!r} has options for {label!r}: {nearest(label, labels)}"
                    )


def way_to_score(task: str, env: Mapping[str, Any], way: float) -> float:
    """The score at a share of the way from a task's chance to its optimum.

    Raises:
        ValueError: there is no such environment, or it has no yardsticks.
    """
    check_env_id(task)
    if not has_task(task):
        raise ValueError(f"{task} has no yardsticks for way={way}: give it until or steps")
    marks = yardsticks(task, env)
    return round(marks["chance"] + way * (marks["optimum"] - marks["chance"]), 4)


def _is_share(way: Any) -> bool:
    return isinstance(way, int | float) and not isinstance(way, bool) and 0 < way <= 1


def slug(label: str) -> str:
    """A label as part of a file's name; a minus sign is spelled out."""
    label = re.sub(r"=-(?=[\d.])", "-minus-", label.lower())
    return re.sub(r"[^a-z0-9.]+", "-", label).strip("-")


def comparison_names() -> list[str]:
    """The comparisons that come with the library."""
    folder = files("caudate.training") / "comparisons"
    return sorted(
        f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")
    )


def load_comparison(source: str | Path) -> Comparison:
    """A comparison that comes with the library, by name, or one from a TOML file.

    Raises:
        UsageError: no such comparison, or a file that is not one.
    """
    path = Path(source)
    if path.suffix != ".toml":
        known = comparison_names()
        if str(source) not in known:
            hint = nearest(str(source), known)
            raise UsageError(
                f"Comparison {str(source)!r} is unknown: {hint} A file's name ends with .toml."
            )
        text = (files("caudate.training") / "comparisons" / f"{source}.toml").read_text("utf-8")
        content = tomllib.loads(text)
    else:
        content = read_toml(path)
    return build_comparison({"name": path.stem} | content, f"Comparison {source}")


def comparison_from_names(
    agents: Iterable[str],
    tasks: Iterable[str],
    seeds: int | list[int] = SEEDS,
    *,
    until: float | None = None,
    way: float | None = None,
    steps: int | None = None,
    cpu_limit: float | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    preset: str = "default",
    name: str = "compare",
) -> Comparison:
    """Agents x tasks x seeds with the presets' settings.

    Args:
        agents: names of agents.
        tasks: environment ids, or families (``working_memory``) for all of their base tasks.
        seeds: how many, or which.
        until: end runs that are confirmed at this score.
        way: end them at this share of the way from chance to optimum; 0.9 if neither ``until`` nor
            ``steps`` is given.
        steps: budget in transitions.
        cpu_limit: CPU-seconds a run, 30 (PPO 20, RecurrentPPO 60) if not given.
        env_kwargs: parameters of all environments.
        preset: of all agents: ``default``, ``none``, a task's name or a file.
        name: names the folder.
    """
    limit = {} if cpu_limit is None else {"cpu_limit": cpu_limit}
    if until is None and way is None and steps is None:
        way = 0.9
    ends = {"until": until, "way": way, "steps": steps}
    row = {"env": dict(env_kwargs or {})} | {k: v for k, v in ends.items() if v is not None}
    content = {
        "name": name,
        "agents": [{"name": agent, "seeds": seeds, "preset": preset} | limit for agent in agents],
        "rows": [{"task": task} | row for name in tasks for task in members(name)],
    }
    return build_comparison(content, "The comparison")


def members(name: str) -> list[str]:
    """The base tasks of a family, or the one task of that id."""
    family = name.replace("-", "_")
    base = [task for task in task_ids() if task.count("-") == 1]
    return [task for task in base if make_task(task).family == family] or [name]


def build_comparison(content: dict[str, Any], what: str) -> Comparison:
    """A comparison from the content of a file, checked; ``what`` begins sentences about it."""
    comparison = validated(Comparison, content, what)
    comparison.check()
    return comparison


def validated(model: type[Model], content: dict[str, Any], what: str) -> Model:
    """A table, or one sentence with the path of the first key that is wrong.

    Raises:
        UsageError: ``content`` is not such a table.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        kinds = "constrained-int", "list[constrained-int]"  # which of two types it was to be
        place = ".".join(str(part) for part in first["loc"] if part not in kinds) or "the top"
        reason = first["msg"].removeprefix("Value error, ")
        end = "" if reason.endswith((".", "?")) else "."
        raise UsageError(f"{what} is not valid at {place}: {reason}{end}") from error
