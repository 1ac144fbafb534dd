"""Results of a comparison: one line a run as data, one table a row for people."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .comparison_spec import STORED, Comparison, Entrant, Row
from .errors import UsageError
from .evaluation import CRITERION_EPISODES, EPISODES, FOREIGN_EPISODES, has_task
from .runs import write_text
from .sheet import Sheet, console_text, markdown_text
from .stats import Bounded, Spread, bootstrap_interval, interquartile_mean, median_and_range

COSTS = {"trials": "trials", "steps": "steps", "cpu_seconds": "CPU-s"}
_MARKS = ("chance", "memoryless", "optimum")


@dataclass(frozen=True)
class Line:
    """One finished run.

    Attributes:
        reached: whether it was confirmed at the row's criterion; None where the row has none.
        ended: until, steps or cpu_limit.
        score: greedy score on the confirmation episodes, with its 95 % interval over episodes.
        trials, steps, cpu_seconds: what it cost, up to the criterion where it was reached.
        yardsticks: the task's landmarks.
        evaluation_cpu_seconds: what the scores cost, up to the same point.
    """

    row: str
    agent: str
    seed: int
    reached: bool | None
    ended: str
    score: float
    score_low: float
    score_high: float
    trials: int
    steps: int
    cpu_seconds: float
    yardsticks: dict[str, float]
    evaluation_cpu_seconds: float | None = None  # unknown where an older version has run it

    @classmethod
    def of(cls, row: Row, entrant: Entrant, seed: int, result: dict[str, Any]) -> Line:
        """From what ``result.json`` of a run holds."""
        confirmed = result["confirmed"]
        return cls(
            row=row.label,
            agent=entrant.label,
            seed=seed,
            reached=result["reached"],
            ended=result["finished"],
            score=confirmed["value"],
            score_low=confirmed["low"],
            score_high=confirmed["high"],
            trials=result["trials"],
            steps=result["timesteps"],
            cpu_seconds=round(result["cpu_seconds"], 3),
            yardsticks=result["yardsticks"],
            evaluation_cpu_seconds=_seconds(result.get("evaluation_cpu_seconds")),
        )


@dataclass(frozen=True)
class Failure:
    """A run that failed, and why."""

    row: str
    agent: str
    seed: int
    reason: str


@dataclass(frozen=True)
class Cell:
    """One agent on one row, over its seeds.

    Attributes:
        solved: seeds that reached the criterion; None where the row has none.
        score: interquartile mean of the scores with its 95 % bootstrap interval; of a single
            seed the score with its interval over episodes.
        costs: trials, steps and CPU-seconds, censored where a run did not reach the criterion.
        cut: runs that the CPU limit ended.
        failed: seeds whose run failed; ``seeds`` are the finished ones.
    """

    agent: str
    seeds: int
    solved: int | None
    score: tuple[float, float, float]
    costs: dict[str, Spread]
    cut: int
    failed: int = 0


@dataclass(frozen=True)
class Table:
    """All finished runs of a comparison, and those that failed."""

    comparison: Comparison
    lines: list[Line]
    failures: list[Failure] = field(default_factory=list)

    def cells(self, row: Row) -> list[Cell]:
        """Agents in the order of the comparison, those without a finished run left out.

        A comparison that is ranked has the best first.
        """
        found = []
        for entrant in self.comparison.agents:
            lines = [x for x in self.lines if (x.row, x.agent) == (row.label, entrant.label)]
            if lines:
                found.append(_cell(entrant.label, lines, self._failed(row, entrant)))
        return sorted(found, key=rank, reverse=True) if self.comparison.ranked else found

    def _failed(self, row: Row, entrant: Entrant) -> int:
        return sum((x.row, x.agent) == (row.label, entrant.label) for x in self.failures)

    def marks(self, row: Row) -> dict[str, float]:
        """Landmarks of a row's task, {} where none are known."""
        lines = [line for line in self.lines if line.row == row.label]
        marks = lines[0].yardsticks if lines else {}
        return {name: marks[name] for name in _MARKS if name in marks}


def _cell(agent: str, lines: list[Line], failed: int) -> Cell:
    has_goal = lines[0].reached is not None
    missed = [has_goal and not line.reached for line in lines]
    return Cell(
        agent=agent,
        seeds=len(lines),
        solved=len(lines) - sum(missed) if has_goal else None,
        score=_score(lines),
        costs={name: median_and_range([getattr(x, name) for x in lines], missed) for name in COSTS},
        cut=sum(line.ended == "cpu_limit" for line in lines),
        failed=failed,
    )


def rank(cell: Cell) -> tuple[float, ...]:
    """Greater is better: the share of seeds that reached the goal, fewer steps, the score.

    Without a goal the share of seeds that came to an end, then the score. Runs that failed count
    as seeds that did not; a median of steps that most runs did not live to see is no number.
    """
    seeds = cell.seeds + cell.failed
    if cell.solved is None:
        return cell.seeds / seeds, cell.score[0]
    steps = cell.costs["steps"].median
    return cell.solved / seeds, -math.inf if steps.censored else -steps.value, cell.score[0]


def _score(lines: list[Line]) -> tuple[float, float, float]:
    """Over the seeds; a single run has its interval over episodes."""
    if len(lines) == 1:
        return lines[0].score, lines[0].score_low, lines[0].score_high
    scores = [line.score for line in lines]
    low, high = bootstrap_interval(scores)
    return float(interquartile_mean(scores)), float(low), float(high)


# -- text ------------------------------------------------------------------------------------


def heading(row: Row, marks: dict[str, float]) -> str:
    """What a row is: its task, its goal or budget, its landmarks."""
    task = row.task + "".join(f", {name}={value}" for name, value in row.env.items())
    if row.until is None:
        goal = f"after {row.budget:,} steps or the agent's limit"
    else:
        share = "" if row.way is None else f" ({row.way:.0%} of the way)"
        n, others = (CRITERION_EPISODES, EPISODES) if has_task(row.task) else [FOREIGN_EPISODES] * 2
        what = "trials" if has_task(row.task) else "episodes"
        goal = f"until {row.until:g}{share} on {n} greedy {what}, confirmed on {others:,} others"
    landmarks = ", ".join(f"{name} {value:.3f}" for name, value in marks.items())
    return f"{task}; {goal}" + (f"; {landmarks}" if landmarks else "")


def columns(row: Row) -> list[str]:
    """Titles of a row's table."""
    if row.until is None:
        return ["agent", "seeds", "final score [95 %]", "of the way", *COSTS.values()]
    return ["agent", "solved", *(f"{title} to {row.until:g}" for title in COSTS.values()), "score"]


def cell_texts(row: Row, cell: Cell, marks: dict[str, float]) -> list[str]:
    """One line of a row's table."""
    middle, low, high = cell.score
    score = f"{middle:.3f} [{low:.3f}, {high:.3f}]"
    costs = [_spread_text(cell.costs[name]) for name in COSTS]
    failed = f" ({cell.failed} failed)" if cell.failed else ""
    if row.until is not None:
        return [cell.agent, f"{cell.solved}/{cell.seeds}{failed}", *costs, score]
    if cell.cut:
        costs[-1] += f" (limit: {cell.cut}/{cell.seeds})"
    return [cell.agent, f"{cell.seeds}{failed}", score, way_text(middle, marks), *costs]


def score_text(row: Row, cell: Cell) -> str:
    """A cell in words."""
    middle, low, high = cell.score
    failed = f" ({cell.failed} more failed)" if cell.failed else ""
    text = f"{middle:.3f} [{low:.3f}, {high:.3f}] over {cell.seeds} seeds{failed}"
    if row.until is not None:
        text = f"{row.until:g} reached by {cell.solved} of {cell.seeds} seeds, score {text}"
    return text if not row.env else f"{row.label}: {text}"


def way(score: float, marks: Mapping[str, float]) -> float | None:
    """How far a score is between chance (0) and optimum (1); None where these are not known."""
    if "chance" not in marks or marks["optimum"] <= marks["chance"]:
        return None
    return (score - marks["chance"]) / (marks["optimum"] - marks["chance"])


def way_text(score: float, marks: Mapping[str, float]) -> str:
    """The same as a percentage."""
    share = way(score, marks)
    return "-" if share is None else f"{share:.0%}"


def _spread_text(spread: Spread) -> str:
    low, high = number_text(spread.low), number_text(spread.high)
    median = number_text(spread.median)
    return median if median == low == high else f"{median} ({low}–{high})"


def number_text(bounded: Bounded) -> str:
    value = bounded.value
    text = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f">{text}" if bounded.censored else text


def sheets(table: Table) -> list[tuple[Row, Sheet]]:
    """Each row that has results, with its table."""
    found = []
    for row in table.comparison.rows:
        cells = table.cells(row)
        if cells:
            marks = table.marks(row)
            lines = [cell_texts(row, cell, marks) for cell in cells]
            found.append((row, Sheet(row.label, heading(row, marks), columns(row), lines)))
    return found


def print_table(table: Table, say: Callable[[str], None]) -> None:
    """The tables for a console."""
    for _, sheet in sheets(table):
        say(console_text(sheet))
    for text in failure_texts(table):
        say(f"failed: {text}")


def failure_texts(table: Table) -> list[str]:
    """One line for each run that failed."""
    return [f"{x.row}, {x.agent}, seed {x.seed}: {x.reason}" for x in table.failures]


def markdown(table: Table, level: int = 2) -> list[tuple[Row, str]]:
    """Each row with its table, as Markdown."""
    return [(row, markdown_text(sheet, level)) for row, sheet in sheets(table)]


# -- files -----------------------------------------------------------------------------------


def write_table(table: Table, stem: Path) -> None:
    """``stem.md``, ``stem.csv`` (one line a run) and ``stem.json`` (runs and summaries)."""
    title = table.comparison.title or table.comparison.name
    parts = [f"# {title}", *(part for _, part in markdown(table))]
    if table.failures:
        parts += ["## Failed", "\n".join(f"- {text}" for text in failure_texts(table))]
    text = "\n\n".join(parts)
    write_text(stem.with_name(f"{stem.name}.md"), text + "\n")
    write_data(table, stem)


def write_data(table: Table, stem: Path) -> None:
    """``stem.csv`` and ``stem.json``, which also holds the comparison itself."""
    write_text(stem.with_name(f"{stem.name}.csv"), _csv(table))
    summaries = [
        {"row": row.label, "until": row.until, "yardsticks": table.marks(row)} | _summary(cell)
        for row in table.comparison.rows
        for cell in table.cells(row)
    ]
    comparison = table.comparison.model_dump()
    content = {
        "comparison": comparison,
        "runs": [asdict(line) for line in table.lines],
        "summaries": summaries,
        "failed": [asdict(failure) for failure in table.failures],
    }
    write_text(stem.with_name(f"{stem.name}.json"), json.dumps(content, indent=1) + "\n")


def read_table(stem: Path) -> Table:
    """What :func:`write_data` has written.

    Raises:
        UsageError: there is no ``stem.json``, or it is not a comparison's.
    """
    path = stem.with_name(f"{stem.name}.json")
    if not path.is_file():
        raise UsageError(f"There is no {path}: run the comparison first, with --docs.")
    try:
        content = json.loads(path.read_text("utf-8"))
        comparison = Comparison.model_validate(content["comparison"], context=STORED)
        lines = [Line(**line) for line in content["runs"]]
        return Table(comparison, lines, [Failure(**run) for run in content.get("failed", [])])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} does not hold a comparison's results: {error!r}.") from error


def _summary(cell: Cell) -> dict[str, Any]:
    summary = asdict(cell)
    summary["costs"] = {
        name: {part: bounded._asdict() for part, bounded in spread._asdict().items()}
        for name, spread in cell.costs.items()
    }
    return summary


def _csv(table: Table) -> str:
    buffer = io.StringIO()
    names = [name for name in Line.__dataclass_fields__ if name != "yardsticks"]
    writer = csv.DictWriter(buffer, [*names, *_MARKS], lineterminator="\n")
    writer.writeheader()
    for line in table.lines:
        record = asdict(line)
        marks = record.pop("yardsticks")
        writer.writerow(record | {name: _rounded(marks.get(name)) for name in _MARKS})
    return buffer.getvalue()


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _rounded(value: float | None) -> float | str:
    return "" if value is None else float(np.round(value, 6))
