"""Learning curves as a picture: score against environment steps and against CPU-seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

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
from .pictures import AXIS, COLORS, FAINT, INK, STYLES, new_figure, save
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
) -> None:
    """Draw curves, grouped by label, between the lines of a task's landmarks.

    Args:
        curves: one a run.
        path: the picture; its ending decides the format.
        title: above the picture.
        marks: landmark -> score.
        kind: what is on the vertical axis, score or return.
    """
    groups = group(curves)
    figure, axes = new_figure(2, share_y=True)
    for axis, name in zip(axes, (STEPS, CPU), strict=True):
        _draw_panel(axis, groups, name)
        _draw_marks(axis, marks, named=name == CPU)
    axes[0].set_ylabel(f"greedy {kind}")
    if kind == "score":  # in [0, 1]: no room for what no agent can reach
        low, high = axes[0].get_ylim()
        axes[0].set_ylim(max(low, -0.02), min(high, 1.04))
    figure.suptitle(title, fontsize=10, color=INK, x=0.01, ha="left")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
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


def _draw_panel(axis: Axes, groups: Mapping[str, Sequence[Curve]], name: str) -> None:
    log = wants_log(groups.values(), name)
    for i, (label, curves) in enumerate(groups.items()):
        summary = band(curves, name, log)
        color = COLORS[i % len(COLORS)]
        style = STYLES[i // len(COLORS) % len(STYLES)]
        _draw_band(axis, summary, color, style, _legend(label, summary.n))
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


def _draw_band(axis: Axes, summary: Band, color: str, style: str, label: str) -> None:
    axis.plot(summary.x, summary.middle, color=color, linestyle=style, linewidth=1.6, label=label)
    if summary.n > 1:
        axis.fill_between(
            summary.x, summary.low, summary.high, color=color, alpha=0.18, linewidth=0
        )
    axis.plot(summary.x[-1], summary.middle[-1], "o", color=color, markersize=3.5)


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
