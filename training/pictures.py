"""The look of all pictures: palette, figure sizes, saving."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .errors import UsageError

# Okabe and Ito's palette, which colour-blind readers can tell apart; yellow is too pale for lines.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
STYLES = ("-", "--", "-.", ":")
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
) -> tuple[Figure, list[Axes]]:
    """A figure of panels side by side, in ``rows``, without the frame's upper right half.

    Sizes are in inches, ``heights`` of the rows relative; the axes come row by row.
    """
    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    subplots = figure.subplots(
        rows, panels, sharex=share_x, sharey=share_y, squeeze=False, height_ratios=heights
    )
    axes = list(subplots.flat)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8, colors=INK)
    return figure, axes


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
