"""Baldi & Pineda (1991): two phases, one with a teacher, and the difference that teaches.

Of the paper its abstract, a summary of its sections and its references were at hand, so its own
simulations are not repeated. What is held against numbers here are the abstract's statements, and
constructions of this library's where the abstract leaves them open (which the rows say).
"""

from __future__ import annotations

from ...reproduction import Paper
from . import digits, identities, oscillation, patterns, reward, trajectories

PAPER = Paper(
    "baldi1991",
    "Baldi & Pineda (1991): contrastive learning",
    "Baldi & Pineda (1991), Contrastive learning and neural oscillations, Neural Computation 3, "
    "526-545, doi:10.1162/neco.1991.3.4.526",
    10.0,
    (
        identities.EXPERIMENT,
        patterns.EXPERIMENT,
        digits.EXPERIMENT,
        oscillation.EXPERIMENT,
        trajectories.EXPERIMENT,
        reward.EXPERIMENT,
    ),
)
