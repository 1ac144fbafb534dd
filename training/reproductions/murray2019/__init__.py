"""Murray (2019): random-feedback local online learning (RFLO)."""

from __future__ import annotations

from ...reproduction import Paper
from . import identities, intervals, periodic, sequence

PAPER = Paper(
    "murray2019",
    "Murray (2019): local online learning in recurrent networks with random feedback",
    "Murray (2019), Local online learning in recurrent networks with random feedback, "
    "eLife 8:e43299, doi:10.7554/eLife.43299",
    40.0,
    (identities.EXPERIMENT, *periodic.EXPERIMENTS, intervals.EXPERIMENT, sequence.EXPERIMENT),
)
