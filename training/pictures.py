"""The look of all pictures: palette, figure sizes, saving."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .errors import UsageError

# Okabe and Ito's palette, which colour-blind readers can tell apart; yellow is too pale for lines.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D")  # one for each of the styles
INK, FAINT = "#222222", "#777777"
#: Of lines that are no data: zero, landmarks.
AXIS = {"color": FAINT, "linewidth": 0.8, "linestyle": (0, (4, 3)), "zorder": 0}
_DPI = 200


def new_figure(
    panels: int,
    *,
    rows: int = 1,
    width: float = 7.4,
    height: float = 3.4,
    share_x: bool = False,
    share_y: bool = False,
    heights: Sequence[float] | None = None,
    widths: Sequence[float] | None = None,
) -> tuple[Figure, list[Axes]]:
    """A figure of panels side by side, in ``rows``, without the frame's upper right half.

    Sizes are in inches, ``heights`` of rows and ``widths`` of panels relative; the axes come row by
    row.
    """
    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    subplots = figure.subplots(
        rows,
        panels,
        sharex=share_x,
        sharey=share_y,
        squeeze=False,
        height_ratios=heights,
        width_ratios=widths,
    )
    axes = list(subplots.flat)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8, colors=INK)
    return figure, axes


class Look(NamedTuple):
    """How an agent is drawn."""

    color: str
    linestyle: str
    marker: str


def agent_looks(labels: Iterable[str]) -> dict[str, Look]:
    """A look for each label: the same list gives the same looks in every picture; 28 differ."""
    found = {}
    for i, label in enumerate(labels):
        turn = i // len(COLORS) % len(STYLES)
        found[label] = Look(COLORS[i % len(COLORS)], STYLES[turn], MARKERS[turn])
    return found


def draw_levels(
    axis: Axes,
    levels: Mapping[str, tuple[float, float, float]],
    looks: Mapping[str, Look],
) -> None:
    """Agents without a learning curve one below the other: value and interval beside the name."""
    for place, (label, (value, low, high)) in enumerate(levels.items()):
        look = looks[label]
        axis.plot([low, high], [place, place], color=look.color, linewidth=1.2, alpha=0.5)
        axis.plot(value, place, look.marker, color=look.color, markersize=4.5)
    axis.set_yticks(range(len(levels)), list(levels), fontsize=7)
    axis.set_ylim(len(levels) - 0.4, -0.6)
    axis.margins(x=0.1)


def legend_below(figure: Figure, handles: Sequence[Artist], labels: Sequence[str]) -> None:
    """The legend under all panels; the figure grows where it has many lines."""
    columns = max(3, int(figure.get_figwidth() // 2.4))
    lines = -(-len(labels) // columns)
    figure.set_figheight(figure.get_figheight() + 0.17 * max(0, lines - 2))
    how = {"loc": "outside lower center", "ncols": columns, "frameon": False, "fontsize": 8}
    figure.legend(handles, labels, handlelength=3.0, **how)


def save(figure: Figure, path: Path) -> Path:
    """Write the figure; the path's ending decides the format.

    Raises:
        UsageError: a path that cannot be written, or an unknown format.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot write the picture {path}: {error}.") from error
    return path
