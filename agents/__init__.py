"""Recurrent agents that learn from reward by local rules, and baselines behind the same face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import Agent
from .checkpoint import read_checkpoint, write_checkpoint
from .contrastive import Contrastive
from .eprop import EProp
from .errors import AgentError, CheckpointError, LearningWarning, NonFiniteError
from .loop import LoopCircuit
from .perturbation import HybridPerturbation, Miconi, NodePerturbation, WeightPerturbation
from .registry import AGENTS, AgentSpec, load_agent, make_agent, option_types, register_agent
from .targets import Targets

if TYPE_CHECKING:
    from .baselines import PPO, RecurrentPPO

__all__ = [
    "AGENTS",
    "PPO",
    "Agent",
    "AgentError",
    "AgentSpec",
    "CheckpointError",
    "Contrastive",
    "EProp",
    "HybridPerturbation",
    "LearningWarning",
    "LoopCircuit",
    "Miconi",
    "NodePerturbation",
    "NonFiniteError",
    "RecurrentPPO",
    "Targets",
    "WeightPerturbation",
    "load_agent",
    "make_agent",
    "option_types",
    "read_checkpoint",
    "register_agent",
    "write_checkpoint",
]


def __getattr__(name: str) -> Any:
    # The baselines import torch, which takes seconds: only when they are asked for.
    if name in ("PPO", "RecurrentPPO"):
        from . import baselines

        return getattr(baselines, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
