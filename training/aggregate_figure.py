"""All rows at once as a picture: performance profiles and efficiency curves."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .aggregate import AXES, LEVELS, Aggregate
from .curves import STEPS, Band
from .pictures import agent_looks, draw_levels, legend_below, new_figure, save
from .plotting import draw_band, scale_cost

_MARKS_APART = 20  # levels between two markers of a profile


def draw_aggregate(found: Aggregate, path: Path) -> Path:
    """Share of runs above each level; the interquartile mean against steps and CPU-seconds.

    The latter where there are learning curves. Agents whose curve is a level, because they learn
    nothing from episode to episode, stand beside their names in a panel of its own.
    """
    looks = agent_looks(found.scores)
    axes = [axis for axis in AXES if found.efficiency[axis]]
    still = [agent for agent, band in found.efficiency[STEPS].items() if _is_level(band)]
    widths = [3.4 if axes else 5.2, *(3.4 for _ in axes), *([2.0] if still else [])]
    figure, (profile, *panels) = new_figure(
        len(widths),
        width=sum(widths) + 1.4 * bool(still),
        height=max(3.4, 1.2 + 0.17 * len(still)),
        widths=widths,
    )
    for i, (agent, look) in enumerate(looks.items()):
        band = Band(LEVELS, *found.profiles[agent], n=len(found.scores[agent].value))
        marked = (i * _MARKS_APART // len(looks), _MARKS_APART)
        draw_band(profile, band, look, agent, marked)
    profile.set(xlabel="way from chance (0) to optimum (1)", ylabel="share of runs above it")
    profile.set_ylim(-0.02, 1.02)
    for axis, panel in zip(axes, panels, strict=False):
        for agent, band in found.efficiency[axis].items():
            if agent not in still:
                draw_band(panel, band, looks[agent])
        scale_cost(panel, axis, log=found.logarithmic(axis))
        low, high = panel.get_ylim()
        panel.set_ylim(max(low, -0.25), min(high, 1.04))
        panel.set_ylabel("way to optimum (IQM)")
    if still:
        draw_levels(panels[-1], {agent: found.summaries[agent].iqm for agent in still}, looks)
        panels[-1].set_xlabel("way to optimum (IQM),\nno curve")
    legend_below(figure, *profile.get_legend_handles_labels())
    return save(figure, path)


def _is_level(band: Band) -> bool:
    return float(np.ptp(band.middle)) < 1e-9
