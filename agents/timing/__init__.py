"""Agents that tell time: clocks started by cues, and readouts that learn when to act."""

from .agent import (
    ClockAgent,
    EchoStateAgent,
    LeakyClockAgent,
    NoisyClockAgent,
    OracleClockAgent,
)
from .stable import StableTiming

__all__ = [
    "ClockAgent",
    "EchoStateAgent",
    "LeakyClockAgent",
    "NoisyClockAgent",
    "OracleClockAgent",
    "StableTiming",
]
