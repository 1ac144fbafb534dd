"""Pictures of recovery: true against found parameters, a ridge, which model wins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from ..agents.fitting import Confusion, Recovery
from .pictures import AXIS, COLORS, INK, new_figure, save

if TYPE_CHECKING:
    from .recovery_studies import Ridge

_ACROSS = 4
_RATES = (0.02, 0.05, 0.1, 0.2, 0.5)


def draw_recoveries(recoveries: Mapping[str, Recovery], path: Path) -> Path:
    """A panel a parameter: found over true values on the line, one dot a subject."""
    panels = [
        (name, one, i) for name, one in recoveries.items() for i in range(len(one.fit.model.free))
    ]
    rows = -(-len(panels) // _ACROSS)
    figure, axes = new_figure(_ACROSS, rows=rows, height=1.9 * rows)
    colors = dict(zip(recoveries, COLORS, strict=False))
    for axis, (name, one, i) in zip(axes, panels, strict=False):
        true, found = one.fit.model.to_line(one.true)[:, i], one.fit.points[:, i]
        ends = min(true.min(), found.min()), max(true.max(), found.max())
        axis.plot(ends, ends, **AXIS)
        axis.plot(true, found, ".", color=colors[name], markersize=3)
        r = one.correlations[i]
        axis.set_title(f"{name}\n{one.fit.model.free[i]}, r = {r:.2f}", fontsize=7, color=INK)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    figure.supxlabel("true value, on the line", fontsize=8, color=INK)
    figure.supylabel("found value, on the line", fontsize=8, color=INK)
    return save(figure, path)


def draw_ridge(ridges: Mapping[str, Ridge], path: Path) -> Path:
    """Contours of the log likelihood below its highest value, a panel a design."""
    figure, axes = new_figure(len(ridges), height=3.2)
    levels = [-10.0, -5.0, -3.0, -1.92, -1.0, -0.5, -0.1, 0.0]
    for axis, (design, one) in zip(axes, ridges.items(), strict=True):
        drawn = axis.contourf(
            one.rates,
            one.volatilities,
            one.log_likelihood.T,
            levels=levels,
            extend="min",
            cmap="viridis",
        )
        axis.plot(
            *one.true, "o", color="white", markeredgecolor=INK, markersize=5, label="true value"
        )
        axis.legend(fontsize=7, loc="lower left")
        axis.set(xscale="log", yscale="log")
        axis.set_xticks(_RATES, [f"{rate:g}" for rate in _RATES])
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_xlabel("lambda (volatility_rate)", fontsize=8)
        axis.set_ylabel("v0 (volatility)", fontsize=8)
        axis.set_title(design, fontsize=8, color=INK)
        bar = figure.colorbar(drawn, ax=axis)
        bar.set_label("log likelihood below the highest", fontsize=7)
        bar.ax.tick_params(labelsize=7)
    return save(figure, path)


def draw_confusions(confusions: Mapping[str, Confusion], path: Path) -> Path:
    """Shares of subjects won, a row a design; by BIC on the left, by evidence on the right."""
    figure, axes = new_figure(2, rows=len(confusions), height=3.3 * len(confusions))
    panels = [
        (f"{design}: {title}", one.models, table)
        for design, one in confusions.items()
        for title, table in (("BIC", one.by_bic), ("log evidence", one.by_evidence))
    ]
    for axis, panel in zip(axes, panels, strict=True):
        _draw_shares(axis, *panel)
    return save(figure, path)


def _draw_shares(axis: Axes, title: str, models: tuple[str, ...], shares: np.ndarray) -> None:
    axis.imshow(shares, vmin=0.0, vmax=1.0, cmap="Blues")
    for (i, j), share in np.ndenumerate(shares):
        color = "white" if share > 0.5 else INK
        axis.text(j, i, f"{share:.2f}", ha="center", va="center", fontsize=7, color=color)
    ticks = range(len(models))
    axis.set_xticks(ticks, models, rotation=30, ha="right", fontsize=7)
    axis.set_yticks(ticks, models, fontsize=7)
    axis.set_xlabel("wins", fontsize=8)
    axis.set_ylabel("made the choices", fontsize=8)
    axis.set_title(title, fontsize=8, color=INK)
