"""Leibo & Poggio (2018): the senses as hierarchies of simple detectors."""

from __future__ import annotations

from ...reproduction import Paper
from . import cells, contract, hearing, invariance, learning, seeing

PAPER = Paper(
    "leibo2018",
    "Leibo & Poggio (2018): eyes and ears in front of a learner",
    "Leibo & Poggio (2018), Perception, in Prescott, Lepora & Verschure (eds), Living Machines, "
    "Oxford University Press, ISBN 9780199674923. The chapter fixes no numbers; what is expected "
    "here follows from the equations of the literature that each sensor names, those of HMAX from "
    "Riesenhuber & Poggio (1999), doi:10.1038/14819",
    10.0,
    (
        seeing.RETINA,
        seeing.LOG_POLAR,
        hearing.COCHLEA,
        hearing.TEMPO,
        cells.CELLS,
        invariance.INVARIANCE,
        contract.CONTRACT,
        learning.EYES,
        learning.EARS,
    ),
)
