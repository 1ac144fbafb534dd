"""Buonomano (2005) and Liu & Buonomano (2009): circuits that organise themselves in time."""

from __future__ import annotations

from ...reproduction import Paper
from . import one_stimulus, readout, scaling, two_stimuli

PAPER = Paper(
    "buonomano2005",
    "Buonomano (2005): stable dynamics and timing emerge without reward",
    "Buonomano (2005), A learning rule for the emergence of stable dynamics and timing in "
    "recurrent networks, J Neurophysiol 94:2275, doi:10.1152/jn.01250.2004; Liu & Buonomano "
    "(2009), Embedding multiple trajectories in simulated recurrent neural networks in a "
    "self-organizing manner, J Neurosci 29:13172, doi:10.1523/JNEUROSCI.2358-09.2009",
    10.0,
    (
        one_stimulus.PRECISE_CODE,
        one_stimulus.LONG_CODE,
        readout.EXPERIMENT,
        scaling.EXPERIMENT,
        two_stimuli.EXPERIMENT,
    ),
)
