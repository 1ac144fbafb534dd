"""Tasks that need something to be held in mind."""

from .associative_recall import AssociativeRecall
from .context_decision import ContextDecision
from .delayed_comparison import DelayedComparison
from .delayed_estimation import DelayedEstimation
from .delayed_match import DelayedMatch
from .delayed_response import DelayedResponse
from .dual_task import DualTask
from .evidence_accumulation import EvidenceAccumulation
from .flip_flop import FlipFlop
from .nback import NBack
from .repeat_previous import RepeatPrevious
from .sequence_recall import SequenceRecall
from .store_recall import StoreRecall

__all__ = [
    "AssociativeRecall",
    "ContextDecision",
    "DelayedComparison",
    "DelayedEstimation",
    "DelayedMatch",
    "DelayedResponse",
    "DualTask",
    "EvidenceAccumulation",
    "FlipFlop",
    "NBack",
    "RepeatPrevious",
    "SequenceRecall",
    "StoreRecall",
]
