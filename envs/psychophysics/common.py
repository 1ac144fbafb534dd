"""What all analyses share: columns of trial tables, intervals, axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError, nearest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]
#: One row per trial: a name for each column of values (n,).
TrialTable = Mapping[str, Any]

INK, FAINT, MARK, WARM = "#222222", "#8a8a8a", "#2f5d8a", "#c0392b"


class Interval(NamedTuple):
    """A 95 % interval."""

    low: float
    high: float


def column(trials: TrialTable, name: str) -> Array:
    """One column as float64 (n,).

    Raises:
        TaskError: there is no such column, or it is not one number per trial.
    """
    if not hasattr(trials, "keys"):
        raise TaskError(
            f"{type(trials).__name__} is no trial table; pass a mapping of column names to arrays, "
            "such as TrialRecorder.table() returns."
        )
    if name not in trials:
        known = ", ".join(map(str, trials)) or "none at all"
        raise TaskError(
            f"the trial table has no column {name!r}{nearest(name, list(trials))}; it has {known}."
        )
    try:
        values = np.asarray(trials[name], dtype=np.float64)
    except (TypeError, ValueError):
        raise TaskError(f"column {name!r} is not all numbers; pass one number per trial.") from None
    if values.ndim != 1:
        raise TaskError(f"column {name!r} has shape {values.shape}; pass one number per trial.")
    return values


def columns(trials: TrialTable, *names: str) -> tuple[Array, ...]:
    """Several columns, float64, all of one length."""
    found = tuple(column(trials, name) for name in names)
    if len({len(one) for one in found}) > 1:
        raise TaskError(f"columns {', '.join(names)} have different lengths; pass one trial table.")
    return found


def need(count: int, least: int, what: str) -> None:
    """TaskError if there are fewer than ``least``."""
    if count < least:
        raise TaskError(f"{count} {what} are too few; at least {least} are needed.")


def wilson(successes: float, count: float) -> Interval:
    """Wilson's 95 % interval of a share (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    if count == 0:
        return Interval(0.0, 1.0)
    z = 1.959963984540054
    share = successes / count
    centre = share + z**2 / (2 * count)
    half = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    scale = 1 + z**2 / count
    return Interval(float((centre - half) / scale), float((centre + half) / scale))


def previous(trials: TrialTable, *names: str) -> tuple[Array, tuple[Array, ...]]:
    """Which trials follow another one of the same session, and that one's values.

    Sessions are told apart by the columns ``column`` and ``episode`` where the table has them;
    trials are in their order by ``trial``, else as they stand.

    Returns:
        Index (m,) of trials that have one before them, and per name its values (m,).
    """
    count = len(column(trials, names[0]))
    session = np.zeros(count)
    for key in ("column", "episode"):
        if key in trials:
            values = column(trials, key)
            session = session * (values.max(initial=0) + 1) + values
    place = column(trials, "trial") if "trial" in trials else np.arange(count)
    order = np.lexsort((place, session))
    follows = (session[order][1:] == session[order][:-1]).nonzero()[0]
    later, earlier = order[1:][follows], order[:-1][follows]
    return later, tuple(column(trials, name)[earlier] for name in names)


def new_axes(axes: Axes | None) -> Axes:
    """The axes given, or new ones, in the style of the tasks' pictures."""
    if axes is None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(4.4, 3.4), dpi=110, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, colors=INK, length=2.5)
    return axes


def whole_ticks(axes: Axes) -> None:
    """Ticks of the x axis at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def draw_shares(axes: Axes, x: Array, successes: Array, counts: Array, **style: Any) -> None:
    """Points of shares with their Wilson intervals."""
    share = successes / np.maximum(counts, 1)
    bounds = np.array([wilson(a, b) for a, b in zip(successes, counts, strict=True)]).T
    errors = np.abs(bounds - share)
    options = {"fmt": "o", "markersize": 4, "color": MARK, "linewidth": 1.0, **style}
    axes.errorbar(x, share, yerr=errors, **options)
