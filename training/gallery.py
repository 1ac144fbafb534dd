"""The gallery of tasks: one page with a picture, the timeline and the yardsticks of each."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from ..envs import ChoiceTask, Task, TaskEnv, make_task, task_ids
from .errors import UsageError
from .listing import FAMILIES
from .progress import Say
from .runs import write_text

#: Steps that a picture shows at most; a trial of up to so many is shown whole.
_STEPS, _WHOLE = 120, 200
#: Seeds that are tried in turn until the policy is rewarded, where an episode is one trial.
_SEEDS = range(3, 40)
_HEAD = """# The tasks

Made by `caudate gallery`; the pictures show each task's best known policy at work, with the first
seed from 3 on that brings it a reward.

Names in *Reward*, such as `correct` or `fixation_break`, with their defaults behind them, are keys
of `rewards`: `gym.make("caudate/DelayedMatch-v0", rewards={"error": -1.0})`. Yardsticks are in the
unit of the task's *score*: *random* actions, *chance* (the best policy that ignores observations),
*memoryless* (the best one on the current observation alone), *optimum* (the best known one on all
observations); a dash where no number is known. *Chance* may count steps from the trial's start,
*memoryless* may not, so that it can be lower. How each is got stands in the task's docstring, for
instance `help(caudate.envs.DelayedMatch)`, as do all parameters and what `info` tells.
"""
_TITLES = {
    "working_memory": "Working memory",
    "motor_timing": "Motor timing",
    "bandits": "Bandits",
    "other": "Others",
}


def make_gallery(
    folder: str | Path, tasks: Sequence[str] | None = None, *, say: Say = print
) -> Path:
    """Write ``tasks.md`` and its pictures, ``tasks/<Name>.png``, into a folder.

    Args:
        folder: made if it does not exist.
        tasks: ids; all of the library if not given. Variants share the section of their task.
        say: where progress goes.

    Returns:
        The page.

    Raises:
        UsageError: the folder cannot be written.
    """
    from matplotlib.image import imsave

    folder = Path(folder)
    groups: dict[str, list[Task]] = {}
    for task_id in tasks if tasks is not None else task_ids():
        task = make_task(task_id)
        groups.setdefault(task.name, []).append(task)
    parts = [_HEAD]
    for family in FAMILIES:
        group = {name: those for name, those in groups.items() if those[0].family == family}
        if not group:
            continue
        parts.append(f"## {_TITLES[family]}\n")
        for name, those in sorted(group.items()):
            say(f"{name} ({len(those)} ids)")
            plain = min(those, key=lambda task: len(task.id))
            path = folder / "tasks" / f"{name}.png"
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                imsave(path, oracle_picture(plain))
            except OSError as error:
                raise UsageError(f"Cannot write the picture {path}: {error}.") from error
            parts.append(_section(plain, those))
    page = folder / "tasks.md"
    write_text(page, "\n".join(parts))
    return page


def oracle_picture(task: Task) -> np.ndarray:
    """An episode of the task's best known policy, (height, width, 3) uint8.

    At most 120 steps of it, or one whole trial of at most 200.
    """
    env = task.env(render_mode="rgb_array")
    for seed in _SEEDS:
        if _play(env, seed) > 0 or task.trials_per_episode > 1:
            break
    picture = env.render()
    assert picture is not None
    return picture


def _play(env: TaskEnv, seed: int) -> float:
    """Let the oracle play an episode, or as much of it as a picture shows; what it earned."""
    oracle = env.task.oracle()
    single = env.task.trials_per_episode == 1 and getattr(env.task, "max_steps", 0) <= _WHOLE
    most = _WHOLE if single else _STEPS
    obs, _ = env.reset(seed=seed)
    state, over, steps, earned = None, False, 0, 0.0
    while not over and steps < most:
        action, state = oracle.predict(obs, state)
        obs, reward, terminated, truncated, _ = env.step(action)
        over, steps, earned = terminated or truncated, steps + 1, earned + reward
    return earned


def _section(task: Task, ids: Sequence[Task]) -> str:
    said = _paragraphs(task)
    table = [
        "| id | random | chance | memoryless | optimum |",
        "|---|---|---|---|---|",
        *(_row(one) for one in sorted(ids, key=lambda one: (len(one.id), one.id))),
    ]
    parts = [
        f"### {task.name}",
        task.summary,
        f"![{task.name}: an episode of the best known policy](tasks/{task.name}.png)",
        *said.get("Timeline", []),
        *said.get("Defaults", [_defaults(task)]),
        *(text for key in ("Observation", "Actions", "Reward") for text in said.get(key, [])),
        *(text.split(" Yardsticks")[0] for text in said.get("Score", [])),
        f"To measure: {task.measures}.",
        "\n".join(table),
        *said.get("paper", []),
    ]
    return "\n\n".join(parts) + "\n"


def _defaults(task: Task) -> str:
    """The task's own parameters, where its docstring does not sum them up."""
    shared = {one.name for one in fields(Task)}
    own = [one.name for one in fields(task) if one.name not in shared]
    values = [f"`{name}` {getattr(task, name)}" for name in own]
    if not isinstance(task, ChoiceTask):  # there a step is a trial, however long
        values.insert(0, f"dt {task.dt:g} ms")
    return f"Defaults: {', '.join(values)}."


def _row(task: Task) -> str:
    marks = task.yardsticks
    each = (marks.random, marks.chance, marks.memoryless, marks.optimum)
    shown = " | ".join("-" if mark is None else f"{mark:.3f}" for mark in each)
    return f"| `{task.id}` | {shown} |"


def _paragraphs(task: Task) -> dict[str, list[str]]:
    """Paragraphs of the docstring by their first word; papers stand behind the arguments.

    The table of observations, the only one, is found by its first heading.
    """
    found: dict[str, list[str]] = {}
    behind = False
    for block in inspect.cleandoc(type(task).__doc__ or "").split("\n\n"):
        if block.startswith("==="):
            found["Observation"] = [_table(block).replace("``", "`")]
            continue
        text = " ".join(block.split()).replace("``", "`")
        word = text.split(":")[0].split(" ")[0]
        if behind and not text.startswith(("Versions", ">>>")):
            found.setdefault("paper", []).append(text)
        found.setdefault(word, []).append(text)
        behind = behind or word == "Args"
    return found


def _table(block: str) -> str:
    """A table of a docstring, whose columns are told by lines of ``=``, as Markdown."""
    ruler, *lines = block.split("\n")
    starts = [match.start() for match in re.finditer("=+", ruler)]
    rows: list[list[str]] = []
    for line in lines:
        if line.startswith("=="):
            continue
        cells = [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        if cells[0] or not rows:
            rows.append(cells)
        else:
            rows[-1] = [f"{old} {new}".strip() for old, new in zip(rows[-1], cells, strict=True)]
    rows.insert(1, ["---"] * len(starts))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
