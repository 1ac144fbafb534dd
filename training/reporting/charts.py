"""Line charts as inline SVG, whose colours are the page's, so that they follow light and dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .markup import Html, join, tag

Array = npt.NDArray[Any]

WIDTH, HEIGHT = 420, 270  # of the drawing; it is shown as wide as its place
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 10, 42
COLORS = 7  # of the style sheet; further agents have them again, dashed


@dataclass(frozen=True)
class Series:
    """One agent's line with its band; ``agent`` is its number on the page."""

    agent: int
    label: str
    x: Array
    y: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Axes:
    """Ranges, labels, and whether x is logarithmic."""

    x_label: str
    y_label: str
    x: tuple[float, float]
    y: tuple[float, float]
    log: bool = False

    def across(self, x: Array) -> Array:
        low, high = self.x
        if self.log:
            x, low, high = np.log(np.maximum(x, low)), math.log(low), math.log(high)
        return LEFT + (np.asarray(x, float) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def up(self, y: Array) -> Array:
        low, high = self.y
        inside = np.clip(np.asarray(y, float), low, high)
        return HEIGHT - BOTTOM - (inside - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def line_chart(
    series: Sequence[Series],
    *,
    name: str,
    x_label: str,
    y_label: str,
    y_range: tuple[float, float] | None = None,
    log: bool = False,
    marks: Mapping[str, float] | None = None,
) -> Html:
    """A chart; points that are not finite are left out, and so are lines without any other.

    Args:
        series: the lines.
        name: what readers who do not see it are told.
        x_label, y_label: of the axes.
        y_range: of the vertical axis; that of lines, bands and marks if not given.
        log: whether the horizontal axis is logarithmic.
        marks: name -> height of horizontal lines.
    """
    marks = {name: height for name, height in (marks or {}).items() if math.isfinite(height)}
    series = [one for one in map(_finite, series) if len(one.x)]
    ends = [float(v) for s in series for v in (s.x.min(), s.x.max())] or [0.0]
    low, high = min(ends), max(ends)
    log = log and 0 < low < high
    heights = [float(v) for s in series for v in (s.low.min(), s.high.max())]
    axes = Axes(
        x_label,
        y_label,
        (low, high if high > low else low + 1),
        y_range or _padded([*heights, *marks.values()] or [0.0]),
        log,
    )
    return tag(
        "svg",
        _frame(axes),
        *(_mark(axes, height, names) for height, names in _by_height(marks).items()),
        *(_series(axes, one) for one in series),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=name,
    )


def _finite(one: Series) -> Series:
    columns = [np.asarray(values, float) for values in (one.x, one.y, one.low, one.high)]
    there = np.isfinite(columns).all(axis=0)
    return Series(one.agent, one.label, *(values[there] for values in columns))


def _padded(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = 0.04 * (high - low) or 0.5 * max(1.0, abs(high))
    return low - margin, high + margin


def _by_height(marks: Mapping[str, float]) -> dict[float, str]:
    heights: dict[float, str] = {}
    for name, value in marks.items():
        key = round(value, 3)
        heights[key] = f"{heights[key]}, {name}" if key in heights else name
    return heights


def _series(axes: Axes, one: Series) -> Html:
    x, y = axes.across(one.x), axes.up(one.y)
    low, high = axes.up(one.low), axes.up(one.high)
    band = _path(np.concatenate([x, x[::-1]]), np.concatenate([high, low[::-1]])) + "Z"
    return tag(
        "g",
        tag("title", one.label),
        tag("path", d=band, class_="band"),
        tag("path", d=_path(x, y), class_="line"),
        tag("circle", cx=f"{x[-1]:.1f}", cy=f"{y[-1]:.1f}", r=3),
        class_=color(one.agent),
        data_agent=one.agent,
    )


def color(agent: int) -> str:
    """Classes of an agent's colour and dashes."""
    return f"c{agent % COLORS}" + (" dashed" if agent >= COLORS else "")


def _path(x: Array, y: Array) -> str:
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))


def _mark(axes: Axes, height: float, names: str) -> Html:
    y = f"{float(axes.up(np.array(height))):.1f}"
    line = tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="mark")
    name = tag("text", names, x=WIDTH - RIGHT, y=y, dy=-3, text_anchor="end", class_="faint")
    return join([line, name])


def _frame(axes: Axes) -> Html:
    bottom, middle = HEIGHT - BOTTOM, (LEFT + WIDTH - RIGHT) / 2
    parts = [
        tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=bottom, y2=bottom, class_="axis"),
        tag("line", x1=LEFT, x2=LEFT, y1=TOP, y2=bottom, class_="axis"),
        tag("text", axes.x_label, x=middle, y=HEIGHT - 6, text_anchor="middle"),
        tag(
            "text",
            axes.y_label,
            x=-(TOP + bottom) / 2,
            y=13,
            text_anchor="middle",
            transform="rotate(-90)",
        ),
    ]
    for tick in _ticks(axes.x, axes.log):
        x = f"{float(axes.across(np.array(tick))):.1f}"
        parts.append(tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="axis"))
        parts.append(tag("text", amount(tick), x=x, y=bottom + 17, text_anchor="middle"))
    for tick in _ticks(axes.y, log=False):
        y = f"{float(axes.up(np.array(tick))):.1f}"
        parts.append(tag("line", x1=LEFT - 4, x2=LEFT, y1=y, y2=y, class_="axis"))
        parts.append(tag("text", amount(tick), x=LEFT - 7, y=y, dy=4, text_anchor="end"))
    return join(parts)


def _ticks(ends: tuple[float, float], log: bool) -> list[float]:
    """Round numbers, about five; on a logarithmic axis powers of ten, or 1, 2 and 5 times them."""
    low, high = ends
    if log:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        tens = [10.0**p for p in powers if low <= 10.0**p <= high]
        if len(tens) > 2:
            return tens[:: -(-len(tens) // 6)]
        return [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]
    raw = (high - low) / 5
    if not 0 < raw < math.inf:
        return []
    power = 10.0 ** math.floor(math.log10(raw))
    step = power * next(m for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [step * k for k in range(first, math.floor(high / step + 1e-9) + 1)]


def amount(value: float) -> str:
    """Short: 20k, 1.5M, 0.25."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.4g}{name}"
    return f"{value:.3g}" if abs(value) > 1e-12 else "0"
