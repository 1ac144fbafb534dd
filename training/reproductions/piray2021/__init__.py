"""Piray & Daw (2021): volatility and stochasticity estimated together."""

from __future__ import annotations

from ...reproduction import Paper
from . import amygdala, blocks, choices, conditioning, factorial, prediction

PAPER = Paper(
    "piray2021",
    "Piray & Daw (2021): volatility and stochasticity estimated together",
    "Piray & Daw (2021), A model for learning based on the joint estimation of stochasticity and "
    "volatility, Nat Commun 12:6587, doi:10.1038/s41467-021-26731-9",
    15.0,
    (
        factorial.EXPERIMENT,
        blocks.EXPERIMENT,
        conditioning.SUPPRESSION,
        conditioning.EXTINCTION,
        *choices.EXPERIMENTS,
        *amygdala.EXPERIMENTS,
        prediction.EXPERIMENT,
    ),
)
