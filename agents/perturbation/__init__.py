"""Learning by perturbation: rules, their theory, and the agents that use them."""

from .miconi import Miconi
from .node import NodePerturbation
from .weight import HybridPerturbation, WeightPerturbation

__all__ = ["HybridPerturbation", "Miconi", "NodePerturbation", "WeightPerturbation"]
