"""Circuits that organise themselves into a sparse code for time, without reward."""

from .circuit import TimingCircuit, Trials
from .settings import BURSTING, LONG, PRECISE, SETTINGS, TimingSettings

__all__ = [
    "BURSTING",
    "LONG",
    "PRECISE",
    "SETTINGS",
    "TimingCircuit",
    "TimingSettings",
    "Trials",
]
