"""The tables of ``caudate envs`` and ``caudate agents``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import gymnasium as gym

from ..agents import AGENTS
from ..envs import make_task, task_ids


def list_tasks() -> str:
    """Every task with its family, time step, actions and yardsticks."""
    header = ("task", "family", "dt ms", "actions", "random", "chance", "memoryless", "optimum")
    rows = []
    for task_id in task_ids():
        task = make_task(task_id)
        marks = task.yardsticks
        landmarks = (marks.random, marks.chance, marks.memoryless, marks.optimum)
        rows.append(
            (
                task_id,
                task.family,
                f"{task.dt:g}",
                _actions(task.action_space),
                *("-" if mark is None else f"{mark:.3f}" for mark in landmarks),
            )
        )
    return table(header, rows)


def list_agents() -> str:
    """Every agent with what it is and the extra that it needs."""
    header = ("agent", "what", "needs")
    return table(
        header,
        [
            (spec.name, spec.summary, f"caudate[{spec.extra}]" if spec.extra else "")
            for spec in AGENTS.values()
        ],
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
    return "x".join(map(str, space.shape or ()))
