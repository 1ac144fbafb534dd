"""The tables of ``caudate envs`` and ``caudate agents``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium as gym

from ..agents import AGENTS
from ..envs import make_task, task_ids

FAMILIES = ("working_memory", "motor_timing", "bandits", "other")


def task_table() -> list[dict[str, Any]]:
    """Every task as a dictionary of JSON values: what it is, its family, space and yardsticks.

    Family by family, each task before its variants.
    """
    rows = []
    for task_id in task_ids():
        task = make_task(task_id)
        rows.append(
            {
                "id": task_id,
                "task": task.name,
                "family": task.family,
                "summary": task.summary,
                "measures": task.measures,
                "dt_ms": task.dt,
                "trials_per_episode": task.trials_per_episode,
                "obs_names": list(task.obs_names),
                "actions": _actions(task.action_space),
                "yardsticks": task.yardsticks._asdict(),
            }
        )

    def place(row: dict[str, Any]) -> tuple[Any, ...]:
        return FAMILIES.index(row["family"]), row["task"], len(row["id"]), row["id"]

    return sorted(rows, key=place)


def list_tasks(rows: Sequence[dict[str, Any]]) -> str:
    """Every task with time step, actions and yardsticks, and what it is, family by family."""
    header = ("task", "dt ms", "actions", "random", "chance", "memoryless", "optimum", "what")
    parts = []
    for family in FAMILIES:
        lines = []
        for row in rows:
            if row["family"] == family:
                marks = [row["yardsticks"][name] for name in header[3:7]]
                shown = ("-" if mark is None else f"{mark:.3f}" for mark in marks)
                lines.append(
                    (row["id"], f"{row['dt_ms']:g}", row["actions"], *shown, row["summary"])
                )
        if lines:
            parts.append(f"{family.replace('_', ' ')}\n{table(header, lines)}")
    return "\n\n".join(parts)


def list_agents() -> str:
    """Every agent with what it is, whether it is an ideal observer, and the extra that it needs."""
    header = ("agent", "what", "ideal", "needs")
    return table(
        header,
        [
            (
                spec.name,
                spec.summary,
                "ideal" if spec.ideal else "",
                f"caudate[{spec.extra}]" if spec.extra else "",
            )
            for spec in AGENTS.values()
        ],
    )


def list_papers() -> str:
    """Every paper that can be reproduced, with its experiments."""
    from .reproductions import load_paper, paper_names

    papers = [load_paper(name) for name in paper_names()]
    return table(
        ("paper", "experiments", "reference"),
        [(p.name, ", ".join(e.name for e in p.experiments), p.reference) for p in papers],
    )


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Plain aligned columns under a header."""
    lines = [tuple(header), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _actions(space: gym.Space) -> str:
    if isinstance(space, gym.spaces.Discrete):
        return str(space.n)
    kind = "bits" if isinstance(space, gym.spaces.MultiBinary) else "reals"
    return f"{'x'.join(map(str, space.shape or ()))} {kind}"
