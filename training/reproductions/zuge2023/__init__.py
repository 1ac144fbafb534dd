"""Züge, Klos & Memmesheimer (2023): weight against node perturbation in extended tasks."""

from __future__ import annotations

from ...reproduction import Paper
from .. import alignments
from . import diffusion, learning, nonmatch, reservoir, subtasks

PAPER = Paper(
    "zuge2023",
    "Züge, Klos & Memmesheimer (2023): weight against node perturbation",
    "Züge, Klos & Memmesheimer (2023), Weight versus node perturbation learning in temporally "
    "extended tasks: weight perturbation often performs similarly or better, Phys. Rev. X 13, "
    "021006, doi:10.1103/PhysRevX.13.021006",
    15.0,
    (
        learning.CURVES,
        learning.FLOORS,
        learning.BASELINES,
        learning.CORRELATED,
        subtasks.SUBTASKS,
        subtasks.BATCHING,
        diffusion.DIFFUSION,
        reservoir.RESERVOIR,
        nonmatch.NONMATCH,
        alignments.EXPERIMENT,
    ),
)
