"""Sathasivam et al. (2009): clauses and patterns in Hopfield networks, and how they come to rest.

Of the paper its abstract, the outline and the equations of the model were at hand. What its "new
learning rule" is they do not say; that of Storkey (1997), whose claim is the abstract's, stands
here in its place, and the relaxation rate of Sathasivam (2010) for its dynamics, neither of them as
"the paper's rule".
"""

from __future__ import annotations

from ...reproduction import Paper
from . import clauses, match, patterns, relaxation, world

PAPER = Paper(
    "sathasivam2009",
    "Sathasivam et al. (2009): energies that hold logic and patterns",
    "Sathasivam, Abdul Halim Hakim, Vasant & Barsoum (2009), Energy relaxation for Hopfield "
    "network with the new learning rule, AIP Conf. Proc. 1159; with Wan Abdullah (1992), Int. J. "
    "Intell. Syst. 7:513, Storkey (1997), doi:10.1007/BFb0020196, and Sathasivam (2010), Sains "
    "Malaysiana 39:115",
    10.0,
    (
        clauses.EXPERIMENT,
        relaxation.EXPERIMENT,
        patterns.EXPERIMENT,
        world.EXPERIMENT,
        match.EXPERIMENT,
    ),
)
