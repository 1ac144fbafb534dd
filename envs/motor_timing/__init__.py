"""Tasks that need intervals to be measured and produced."""

from .delayed_reach import DelayedReach
from .interval_discrimination import IntervalDiscrimination
from .interval_production import IntervalProduction
from .interval_reproduction import IntervalReproduction
from .temporal_bisection import TemporalBisection
from .waveform_tracking import WaveformTracking

__all__ = [
    "DelayedReach",
    "IntervalDiscrimination",
    "IntervalProduction",
    "IntervalReproduction",
    "TemporalBisection",
    "WaveformTracking",
]
