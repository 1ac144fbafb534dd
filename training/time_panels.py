"""Panels on one time axis: images of rows over time, steps, colour bars in a common margin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from .pictures import INK

SMALL = 6.5  # points: names of channels, synapses, legends
_SIGNED, _POSITIVE = "RdBu_r", "Greys"
_NAMED = 16  # rows of an image that get names


@dataclass(frozen=True)
class Clock:
    """The time axis: ms, or network steps."""

    step: float  # an environment step
    network_step: float
    label: str
    unit_of_rate: str
    rate: float  # of one spike a network step, in that unit

    @classmethod
    def of(cls, dt: float | None, substeps: int) -> Clock:
        """``dt`` in ms an environment step of ``substeps`` network steps, None: no ms."""
        if dt is None:
            return cls(substeps, 1, "time (network steps)", "spikes a network step", 1)
        step = dt / substeps
        of = f", environment step {dt:g} ms" if substeps > 1 else ""
        return cls(dt, step, f"time (ms; network step {step:g} ms{of})", "Hz", 1000 / step)

    def edges(self, n: int) -> np.ndarray:
        """Of n environment steps, (n + 1,)."""
        return self.step * np.arange(n + 1)

    def middles(self, n: int) -> np.ndarray:
        """Of n network steps, (n,)."""
        return self.network_step * (np.arange(n) + 0.5)


@dataclass(frozen=True)
class Panel:
    """A row of the figure: height in inches, title (none continues the panel above)."""

    height: float
    title: str
    draw: Callable[[Axes], None]


def thinner(n: int, few: int, width: float) -> float:
    """Points of a line's width: less where more than a few steps share the axis."""
    return width * max(0.4, min(1.0, few / n))


def rows_height(n: int) -> float:
    return float(np.clip(0.12 * n, 0.3, 1.6))


def draw_image(axis: Axes, rows: np.ndarray, step: float, limits: tuple[float, float]) -> AxesImage:
    """``rows`` (rows, steps), the first at the bottom, where neurons are counted from."""
    low, high = limits
    return axis.imshow(
        rows,
        cmap=_SIGNED if low < 0 else _POSITIVE,
        vmin=low,
        vmax=high,
        aspect="auto",
        interpolation="nearest",
        origin="lower",
        extent=(0, step * rows.shape[1], 0, len(rows)),
    )


def color_limits(values: np.ndarray, signed: bool = False) -> tuple[float, float]:
    """Limits of colours: from 0, or symmetric around it where there is a sign."""
    largest = float(np.abs(values).max(initial=0)) or 1.0
    return (-largest if signed or values.min(initial=0) < 0 else 0.0), largest


def color_bar(axis: Axes, image: AxesImage) -> None:
    """A colour bar in the right margin, so that all panels stay equally wide."""
    inset = axis.inset_axes((1.012, 0, 0.012, 1))
    bar = axis.figure.colorbar(image, cax=inset)
    low, high = image.get_clim()
    bar.set_ticks([low, high] if low == 0 else [low, 0, high], labels=None)
    bar.ax.yaxis.set_major_formatter("{x:.2g}")
    bar.ax.tick_params(labelsize=6, colors=INK, length=2)
    bar.outline.set_visible(False)


def name_rows(axis: Axes, names: Sequence[str]) -> None:
    """Names of an image's rows, the first on top; every so many where there are too many."""
    axis.invert_yaxis()
    every = -(-len(names) // _NAMED)
    axis.set_yticks(np.arange(0, len(names), every) + 0.5, names[::every])
    axis.tick_params(axis="y", length=0)


def draw_peak_rows(
    axis: Axes, rows: np.ndarray, step: float, names: Sequence[str], signed: bool = False
) -> None:
    """An image whose rows are in units of their largest values, which stand on the right."""
    peaks = np.abs(rows).max(1)
    shares = rows / np.where(peaks > 0, peaks, 1)[:, None]
    draw_image(axis, shares, step, color_limits(shares, signed))
    name_rows(axis, names)
    right = axis.secondary_yaxis("right")
    shown = axis.get_yticks()
    right.set_yticks(shown, [f"{peaks[int(row)]:.2g}" for row in shown])
    right.tick_params(length=0, labelsize=6, colors=INK)
    right.spines["right"].set_visible(False)


def draw_steps(axis: Axes, values: np.ndarray, clock: Clock, color: str, label: str) -> None:
    edges, width = clock.edges(len(values)), thinner(len(values), 100, 1.2)
    axis.stairs(values, edges, color=color, label=label, linewidth=width, baseline=None)


def few_ticks(axis: Axes) -> None:
    axis.yaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10]))


def legend_outside(axis: Axes) -> None:
    axis.legend(
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        fontsize=SMALL,
        frameon=False,
        handlelength=1.2,
        borderaxespad=0.3,
    )
