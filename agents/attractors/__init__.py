"""Hopfield networks: patterns as attractors, clauses as energies, and memories made of them.

:mod:`.network` has fields and energies, :mod:`.relaxation` the ways to rest, :mod:`.learning` the
rules that store patterns; :mod:`.logic` has Horn clauses as data, :mod:`.clauses` turns them into
synapses; :mod:`.memory` holds what was shown, :mod:`.agent` settles truth values.
"""

from .clauses import (
    all_events,
    clause_network,
    events_network,
    least_model_network,
    offset,
    sampled_events,
)
from .learning import RULES, store, write
from .logic import Clause, Program, forward_chain, is_satisfied, violated
from .memory import AttractorMemory, Latch
from .network import HopfieldNetwork, all_states
from .relaxation import Activations, Relaxed, drawn, relax, relax_at_rate

__all__ = [
    "RULES",
    "Activations",
    "AttractorMemory",
    "Clause",
    "HopfieldNetwork",
    "Latch",
    "Program",
    "Relaxed",
    "all_events",
    "all_states",
    "clause_network",
    "drawn",
    "events_network",
    "forward_chain",
    "is_satisfied",
    "least_model_network",
    "offset",
    "relax",
    "relax_at_rate",
    "sampled_events",
    "store",
    "violated",
    "write",
]
