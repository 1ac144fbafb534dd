"""Recurrent networks: state, one step for a batch, and the backward routine that rules share."""

from .rate import RateNetwork, RateTape
from .spiking import SpikingNetwork, SpikingTape
from .wiring import Wiring

__all__ = ["RateNetwork", "RateTape", "SpikingNetwork", "SpikingTape", "Wiring"]
