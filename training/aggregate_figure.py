"""All rows at once as a picture: performance profiles and efficiency curves."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes

from .aggregate import AXES, LEVELS, Aggregate
from .pictures import COLORS, STYLES, new_figure, save
from .plotting import scale_cost


def draw_aggregate(found: Aggregate, path: Path) -> Path:
    """Share of runs above each level; the interquartile mean against steps and CPU-seconds.

    The latter where there are learning curves.
    """
    axes = [axis for axis in AXES if found.efficiency[axis]]
    figure, (profile, *costs) = new_figure(1 + len(axes), width=10.2 if axes else 5.2)
    for i, agent in enumerate(found.scores):
        style = {"color": COLORS[i % len(COLORS)], "ls": STYLES[i // len(COLORS) % len(STYLES)]}
        _draw(profile, LEVELS, found.profiles[agent], style, agent)
        for axis, panel in zip(axes, costs, strict=True):
            if agent in found.efficiency[axis]:
                band = found.efficiency[axis][agent]
                _draw(panel, band.x, band, style)
                panel.plot(band.x[-1], band.middle[-1], "o", color=style["color"], ms=3.5)
    profile.set(xlabel="way from chance (0) to optimum (1)", ylabel="share of runs above it")
    profile.set_ylim(-0.02, 1.02)
    for axis, panel in zip(axes, costs, strict=True):
        scale_cost(panel, axis, log=found.logarithmic(axis))
        low, high = panel.get_ylim()
        panel.set_ylim(max(low, -0.25), min(high, 1.04))
        panel.set_ylabel("way to optimum (IQM)")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return save(figure, path)


def _draw(axis: Axes, x, bands, style: dict, label: str | None = None) -> None:
    axis.plot(x, bands.middle, linewidth=1.6, label=label, **style)
    axis.fill_between(x, bands.low, bands.high, color=style["color"], alpha=0.18, linewidth=0)
