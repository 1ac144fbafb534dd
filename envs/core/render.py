"""One picture for every task: channels over time, periods shaded, actions and rewards marked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .choice_task import ChoiceTask
from .history import Track
from .scripted_task import ScriptedTask
from .task import Task

Array = npt.NDArray[Any]

_INK, _FAINT, _SHADE = "#222222", "#8a8a8a", ("#ffffff", "#e4eaf3")
_CHANNEL, _GOOD, _BAD = "#2f5d8a", "#2e8b57", "#c0392b"
#: From so many channels on a heat map is easier to read than traces.
_MANY = 10
_WIDTH, _DPI = 7.2, 110
#: Margins in inches: above for title and periods, below for the time axis, beside for names.
_ABOVE, _BELOW, _NAMES, _LETTER = 0.75, 0.5, 0.5, 0.068


def draw_track(task: Task, track: Track) -> Array:
    """Draw the trial so far (the session so far, where a trial is one step).

    Args:
        task: the task.
        track: what has happened.

    Returns:
        (height, width, 3) uint8, RGB.
    """
    by_trial = isinstance(task, ScriptedTask) or task.trials_per_episode == 1
    unit = task.dt if by_trial else 1.0
    heights = [_channels_height(task), _action_height(task), 0.75]
    total = sum(heights) + _ABOVE + _BELOW
    figure = Figure(figsize=(_WIDTH, total), dpi=_DPI)
    canvas = FigureCanvasAgg(figure)
    # Laid out by hand: matplotlib's own layouts draw everything twice.
    names = task.obs_names[:: -(-len(task.obs_names) // 12)] + tuple(task.action_names)
    longest = max(map(len, names), default=1)
    grid = {
        "left": (_NAMES + _LETTER * longest) / _WIDTH,
        "right": 0.97,
        "top": 1.0 - _ABOVE / total,
        "bottom": _BELOW / total,
        "hspace": 0.14,
        "height_ratios": heights,
    }
    axes = figure.subplots(3, 1, gridspec_kw=grid)
    top, middle, bottom = axes
    _draw_channels(top, task, track, unit)
    _draw_actions(middle, task, track, unit)
    _draw_rewards(bottom, track, unit)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8, colors=_INK, length=2.5)
    for axis in axes[1:] if _is_gallery(task) else axes:
        _shade(axis, task, track, unit, labelled=axis is top)
        axis.set_xlim(0, max(len(track.obs), 2) * unit)
        axis.tick_params(labelbottom=axis is bottom)
    bottom.set_xlabel("time in the trial (ms)" if by_trial else "step of the session", fontsize=9)
    title = {"fontsize": 10, "color": _INK, "x": 0.01, "y": 1.0 - 0.06 / total}
    figure.suptitle(_title(task, track), ha="left", va="top", **title)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def _is_gallery(task: Task) -> bool:
    """Whether each step shows a picture of its own, which no axis of time can hold."""
    return bool(task.frame) and isinstance(task, ChoiceTask)


def _channels_height(task: Task) -> float:
    if task.frame:
        return min(0.15 * task.frame[0], 3.4) + 0.3
    alike, alone = _alike_and_alone(task)
    return 0.34 * min(len(alike) + len(alone), _MANY + (len(alone) if alike else 0)) + 0.3


def _alike_and_alone(task: Task) -> tuple[list[int], list[int]]:
    """Channels that are drawn as a heat map, and those that are drawn as traces.

    Many channels that differ by a number alone, as samples of a sound do, are a map without the
    others. Where there are many, but few of each kind, all are one map.
    """
    kinds = [name.rstrip("0123456789") for name in task.obs_names]
    every = list(range(len(kinds)))
    if len(kinds) <= _MANY:
        return [], every
    alike = [i for i in every if kinds.count(kinds[i]) > _MANY]
    return alike or every, [i for i in every if i not in set(alike)] if alike else []


def _action_height(task: Task) -> float:
    space = task.action_space
    if isinstance(space, spaces.Discrete):
        return min(0.24 * int(space.n), 3.0) + 0.25
    return min(0.4 * int(np.prod(space.shape)), 3.0) + 0.25


def _title(task: Task, track: Track) -> str:
    facts = next((one for one in reversed(track.facts) if one), None)
    if facts is None:
        return task.id
    if not isinstance(task, ScriptedTask) and task.trials_per_episode > 1:
        earned = sum(track.rewards)
        return f"{task.id}: {earned:.4g} earned in {len(track.rewards)} steps"
    verdict = "correct" if facts["correct"] else "not correct"
    return f"{task.id}, trial {facts['trial']}: {verdict}"


def _draw_channels(axis: Axes, task: Task, track: Track, unit: float) -> None:
    axis.set_ylabel("observation", fontsize=9)
    if not track.obs:
        return
    obs = np.stack(track.obs)
    low, high = _shown_range(task.observation_space, obs)
    scaled = (obs - low) / (high - low)
    if task.frame:
        _draw_frames(axis, scaled, task, track, unit)
        return
    names = task.obs_names
    alike, alone = _alike_and_alone(task)
    places, ticks = [], []
    edges = np.arange(len(obs) + 1) * unit
    for row, channel in enumerate(alone):
        base = len(alone) - 1 - row
        zero = float((0.0 - low[channel]) / (high[channel] - low[channel]))
        levels = base + 0.75 * scaled[:, channel]
        axis.stairs(
            levels, edges, baseline=base + 0.75 * zero, fill=True, color=_CHANNEL, alpha=0.25
        )
        axis.stairs(levels, edges, baseline=None, color=_CHANNEL, linewidth=1.2)
        places.append(base + 0.375)
        ticks.append(names[channel])
    if alike:  # above the traces, its first channel on top
        extent = (0.0, edges[-1], float(len(alone)), float(len(alone) + _MANY))
        signed = (low[alike] < 0).all()
        axis.imshow(
            scaled[:, alike].T[::-1],
            aspect="auto",
            cmap="RdBu_r" if signed else "Blues",
            interpolation="nearest",
            extent=extent,
            origin="lower",
            vmin=0,
            vmax=1,
            zorder=2,
        )
        size = _MANY / len(alike)
        for row in range(0, len(alike), -(-len(alike) // 12)):
            places.append(len(alone) + _MANY - (row + 0.5) * size)
            ticks.append(names[alike[row]])
    axis.set_yticks(places, ticks)
    axis.set_ylim(-0.2 if alone else 0.0, len(alone) + (_MANY if alike else 0))


def _draw_frames(axis: Axes, obs: Array, task: Task, track: Track, unit: float) -> None:
    """Each period as a picture of what its steps show, the later the darker.

    Of sessions of choices, whose steps show a picture each, that of the latest choice, on axes
    of its own.
    """
    assert task.frame is not None
    rows, columns = task.frame
    how = {"cmap": "Blues", "interpolation": "nearest", "vmin": 0, "vmax": 1, "zorder": 2}
    if _is_gallery(task):
        last = max(len(track.actions) - 1, 0)
        axis.imshow(obs[last, : rows * columns].reshape(rows, columns), **how)
        axis.set_title(f"picture of step {last}", fontsize=8, color=_INK)
        axis.set(xticks=[], yticks=[])
        return
    start = 0
    for _, run in groupby(track.periods):
        stop = start + len(list(run))
        part = obs[start:stop, : rows * columns].reshape(-1, rows, columns)
        trail = np.linspace(1.0, 0.3, len(part))[::-1, None, None]
        extent = (start * unit, stop * unit, rows - 0.5, -0.5)
        axis.imshow((part * trail).max(axis=0), aspect="auto", extent=extent, **how)
        start = stop
    axis.set_yticks(range(0, rows, -(-rows // 12)))
    axis.set_ylim(rows - 0.5, -0.5)


def _shown_range(space: spaces.Box, obs: Array) -> tuple[Array, Array]:
    """Bounds (d,) of the traces: those of the space, or less where little of them is used.

    Channels with the same bounds stay comparable.
    """
    low, high = space.low.copy(), space.high.copy()
    for bounds in {*zip(low.tolist(), high.tolist(), strict=True)}:
        alike = (space.low == bounds[0]) & (space.high == bounds[1])
        largest, farthest = float(np.abs(obs[:, alike]).max()), max(map(abs, bounds))
        if 0 < largest < farthest / 2:
            low[alike], high[alike] = max(bounds[0], -largest), min(bounds[1], largest)
    return low, high


def _draw_actions(axis: Axes, task: Task, track: Track, unit: float) -> None:
    axis.set_ylabel("action", fontsize=9)
    if isinstance(task.action_space, spaces.Discrete):
        names = task.action_names or tuple(map(str, range(int(task.action_space.n))))
        _draw_choices(axis, names, track, unit)
    elif track.actions:
        _draw_vectors(axis, task, track, unit)


def _draw_vectors(axis: Axes, task: Task, track: Track, unit: float) -> None:
    """Components of vector actions as traces, one above the other."""
    values = np.stack(track.actions).astype(float)
    edges = np.arange(len(values) + 1) * unit
    space = task.action_space
    low, high = (space.low, space.high) if isinstance(space, spaces.Box) else (0.0, 1.0)
    scaled = 0.8 * (values - low) / (np.asarray(high) - low)
    count = values.shape[1]
    for row in range(count):
        base = count - 1 - row
        axis.axhline(base + 0.4, color=_FAINT, linewidth=0.5)
        axis.stairs(base + scaled[:, row], edges, baseline=None, color=_INK, linewidth=1.2)
    names = task.action_names or tuple(f"action {row}" for row in range(count))
    axis.set_yticks([count - 1 - row + 0.4 for row in range(count)], names[:count])
    axis.set_ylim(-0.2, count)


def _draw_choices(axis: Axes, names: Sequence[str], track: Track, unit: float) -> None:
    middles = (np.arange(len(track.actions)) + 0.5) * unit
    actions = np.array(track.actions, dtype=int)
    # Withholding is drawn faint where it is an action, so that answers stand out.
    withheld = (actions == 0) & (names[0] == "withhold")
    size = 16 if len(actions) < 60 else 6
    axis.scatter(middles[withheld], actions[withheld], s=size / 2, color=_FAINT, zorder=3)
    axis.scatter(middles[~withheld], actions[~withheld], s=size, color=_INK, zorder=3)
    every = -(-len(names) // 12)
    axis.set_yticks(range(0, len(names), every), names[::every])
    axis.set_ylim(-0.6, len(names) - 0.4)


def _draw_rewards(axis: Axes, track: Track, unit: float) -> None:
    rewards = np.array(track.rewards)
    middles = (np.arange(len(rewards)) + 0.5) * unit
    given = rewards != 0
    colours = np.where(rewards > 0, _GOOD, _BAD)
    axis.vlines(middles[given], 0, rewards[given], colors=colours[given].tolist(), linewidth=2)
    if len(rewards) < 60:
        axis.scatter(middles[given], rewards[given], s=18, c=colours[given].tolist(), zorder=3)
    axis.axhline(0, color=_FAINT, linewidth=0.8)
    low, high = min(0.0, *rewards, 0.0), max(0.0, *rewards, 0.0)
    if high == low:
        high = 1.0
    margin = 0.15 * (high - low)
    axis.set_ylim(low - margin, high + margin)
    axis.yaxis.set_major_locator(MaxNLocator(3))
    axis.set_ylabel("reward", fontsize=9)


def _shade(axis: Axes, task: Task, track: Track, unit: float, *, labelled: bool) -> None:
    """Shade stretches of one period (of one value of the task's ``shade_fact``) alternately."""
    start = 0
    runs = [(label, len(list(run))) for label, run in groupby(_labels(task, track))]
    named: set[str] = set()
    by_fact = task.shade_fact is not None and not getattr(task, "period_names", ())
    for turn, (label, length) in enumerate(runs):
        stop = start + length
        if label:
            axis.axvspan(start * unit, stop * unit, color=_SHADE[turn % 2], zorder=0, linewidth=0)
            if turn and start:
                axis.axvline(start * unit, color=_FAINT, linewidth=0.5, zorder=2.5)
            if by_fact and turn and not _fits(label, length, track):
                label = label.split()[-1]  # the first stretch names the fact
            if labelled and (label not in named or _fits(label, length, track)):
                _label_run(axis, label, start, stop, unit, narrow=not _fits(label, length, track))
                named.add(label)
        start = stop


def _fits(label: str, steps: int, track: Track) -> bool:
    """Whether a name is not wider than its stretch."""
    return steps / max(len(track.obs), 2) >= 0.011 * len(label)


def _label_run(axis: Axes, label: str, start: int, stop: int, unit: float, *, narrow: bool) -> None:
    # A name that is wider than its period stands above the others, turned a little.
    axis.annotate(
        label,
        ((start + stop) / 2 * unit, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 12 if narrow else 3),
        textcoords="offset points",
        ha="left" if narrow else "center",
        va="bottom",
        rotation=30 if narrow else 0,
        fontsize=7.5,
        color=_INK,
    )


def _labels(task: Task, track: Track) -> list[str]:
    names = getattr(task, "period_names", ())
    if names:
        return [names[index] if index >= 0 else "" for index in track.periods]
    fact = task.shade_fact
    if fact is None:
        return [""] * len(track.obs)
    return [f"{fact.replace('_', ' ')} {facts[fact]}" if facts else "" for facts in track.facts]
