"""Learning curves as a picture: score against environment steps and against CPU-seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator

from .curves import (
    COST_LABELS,
    CPU,
    STEPS,
    Band,
    Curve,
    band,
    group,
    read_curve,
    wants_log,
)
from .errors import UsageError
from .evaluation import has_task, yardsticks
from .pictures import (
    AXIS,
    FAINT,
    INK,
    Look,
    agent_looks,
    draw_levels,
    legend_below,
    new_figure,
    save,
)
from .runs import Run

_MARKS = ("chance", "memoryless", "optimum")


def plot(
    runs: str | Path | Run | Sequence[str | Path | Run], out: str | Path | None = None
) -> Path:
    """Draw the learning curves of runs on one task, grouped by agent.

    Args:
        runs: one run folder or several.
        out: the picture; ``figures/learning-curve.png`` of the first run if not given.

    Returns:
        The path of the picture.

    Raises:
        UsageError: not a run, nothing recorded yet, or runs of different tasks.
    """
    given = [runs] if isinstance(runs, (str, Path, Run)) else list(runs)
    opened = [run if isinstance(run, Run) else Run.open(run) for run in given]
    if not opened:
        raise UsageError("There is nothing to plot: name at least one run folder.")
    env_id, env_kwargs = _task_of(opened)
    curves = [curve for curve in map(read_curve, opened) if curve is not None]
    if not curves:
        raise UsageError(f"{opened[0].path} has no record yet: train it longer.")
    path = opened[0].figures / "learning-curve.png" if out is None else Path(out)
    title = env_id + "".join(f", {name}={value}" for name, value in env_kwargs.items())
    kind = "score" if has_task(env_id) else "return"
    draw_curves(curves, path, title=title, marks=yardsticks(env_id, env_kwargs), kind=kind)
    return path


def draw_curves(
    curves: Iterable[Curve],
    path: Path,
    *,
    title: str,
    marks: Mapping[str, float],
    kind: str = "score",
    labels: Sequence[str] | None = None,
) -> None:
    """Draw curves, grouped by label, between the lines of a task's landmarks.

    Agents whose score never changes, because they learn nothing from episode to episode, have no
    curve: their scores stand beside their names in a panel of its own.

    Args:
        curves: one a run.
        path: the picture; its ending decides the format.
        title: above the picture.
        marks: landmark -> score.
        kind: what is on the vertical axis, score or return.
        labels: of all agents of a comparison, in its order, so that each looks the same in all its
            pictures; those of the curves if not given.
    """
    groups = group(curves)
    looks = agent_looks(groups if labels is None else labels)
    still = {label: _level(runs) for label, runs in groups.items() if _is_still(runs)}
    moving = {label: runs for label, runs in groups.items() if label not in still}
    panels = [name for name in (STEPS, CPU) if moving]
    widths = [3.4] * len(panels) + [2.0] * bool(still)
    figure, axes = new_figure(
        len(widths),
        width=0.6 + sum(widths) + 1.4 * bool(still),
        height=max(3.4, 1.2 + 0.17 * len(still)),
        widths=widths,
    )
    if moving:
        axes[1].sharey(axes[0])
    for axis, name in zip(axes, panels, strict=False):
        _draw_panel(axis, moving, name, looks)
        _draw_marks(axis, marks, named=name == CPU)
    if moving:
        axes[1].tick_params(labelleft=False)
        axes[0].set_ylabel(f"greedy {kind}")
        if kind == "score":  # in [0, 1]: no room for what no agent can reach
            low, high = axes[0].get_ylim()
            axes[0].set_ylim(max(low, -0.02), min(high, 1.04))
        legend_below(figure, *axes[0].get_legend_handles_labels())
    if still:
        draw_levels(axes[-1], still, looks)
        for mark in {marks[name] for name in _MARKS if name in marks}:
            axes[-1].axvline(mark, **AXIS)
        axes[-1].set_xlabel(f"{kind}, no curve")
    figure.suptitle(title, fontsize=10, color=INK, x=0.01, ha="left")
    save(figure, path)


def _task_of(runs: Sequence[Run]) -> tuple[str, dict]:
    tasks = [(run.config.env_id, run.config.env_kwargs) for run in runs]
    for run, task in zip(runs, tasks, strict=True):
        if task != tasks[0]:
            raise UsageError(
                f"{run.path} is a run on another task ({task[0]}) than {runs[0].path} "
                f"({tasks[0][0]}): plot runs of one task with the same parameters."
            )
    return tasks[0]


def _is_still(runs: Sequence[Curve]) -> bool:
    """Whether nothing but a level was measured: at the start and once more at most."""
    return all(len(run.score) <= 2 and np.ptp(run.score) == 0 for run in runs)


def _level(runs: Sequence[Curve]) -> tuple[float, float, float]:
    """Median of the runs' scores, the least and the greatest."""
    scores = [run.score[-1] for run in runs]
    return float(np.median(scores)), min(scores), max(scores)


def _draw_panel(
    axis: Axes,
    groups: Mapping[str, Sequence[Curve]],
    name: str,
    looks: Mapping[str, Look],
) -> None:
    log = wants_log(groups.values(), name)
    for label, curves in groups.items():
        summary = band(curves, name, log)
        draw_band(axis, summary, looks[label], _legend(label, summary.n))
    scale_cost(axis, name, log=log)


def scale_cost(axis: Axes, name: str, *, log: bool) -> None:
    """Scale, ticks and label of a horizontal axis of steps or CPU-seconds."""
    if log:
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")
    else:
        axis.set_xlim(left=0)
        axis.xaxis.set_major_locator(MaxNLocator(5))
    if name == STEPS:
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))
    axis.set_xlabel(COST_LABELS[name])


def draw_band(
    axis: Axes,
    summary: Band,
    look: Look,
    label: str | None = None,
    marked: tuple[int, int] | None = None,
) -> None:
    """A curve with its interval; markers from a place on, so many apart, or one where it ends."""
    axis.plot(
        summary.x,
        summary.middle,
        color=look.color,
        linestyle=look.linestyle,
        linewidth=1.6,
        marker=look.marker,
        markersize=4,
        markevery=[len(summary.x) - 1] if marked is None else marked,
        label=label,
    )
    if summary.n > 1:
        axis.fill_between(
            summary.x, summary.low, summary.high, color=look.color, alpha=0.18, linewidth=0
        )


def _legend(label: str, n: int) -> str:
    return f"{label} ({n} seed{'s' if n > 1 else ''})"


def _draw_marks(axis: Axes, marks: Mapping[str, float], *, named: bool) -> None:
    """Lines for the landmarks; those of one height share a name, right of the panel."""
    heights: dict[float, list[str]] = {}
    for name in _MARKS:
        if name in marks:
            heights.setdefault(round(marks[name], 3), []).append(name)
    for height, names in heights.items():
        axis.axhline(height, **AXIS)
        if named:
            axis.annotate(
                "\n".join(names),
                (1.0, height),
                xycoords=("axes fraction", "data"),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=FAINT,
                annotation_clip=False,
            )
