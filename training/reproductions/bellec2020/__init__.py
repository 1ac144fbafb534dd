"""Bellec et al. (2020): e-prop, supervised and from reward, in networks of LIF and ALIF neurons."""

from __future__ import annotations

from ...reproduction import Paper
from . import evidence, exactness, patterns, reward, store

PAPER = Paper(
    "bellec2020",
    "Bellec et al. (2020): e-prop in recurrent networks of spiking neurons",
    "Bellec, Scherr, Subramoney, Hajek, Salaj, Legenstein & Maass (2020), A solution to the "
    "learning dilemma for recurrent networks of spiking neurons, Nature Communications 11:3625, "
    "doi:10.1038/s41467-020-17236-y",
    60.0,
    (
        exactness.EXPERIMENT,
        patterns.EXPERIMENT,
        store.EXPERIMENT,
        evidence.EXPERIMENT,
        reward.EXPERIMENT,
    ),
)
