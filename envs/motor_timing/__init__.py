"""Tasks that need intervals to be measured and produced."""

from .delayed_reach import DelayedReach
from .drl import DRL, noisy_clock_aim
from .interval_discrimination import IntervalDiscrimination
from .interval_production import IntervalProduction
from .interval_reproduction import IntervalReproduction
from .peak_interval import PeakInterval
from .rhythm_production import RhythmProduction
from .sync_continuation import SyncContinuation
from .temporal_bisection import TemporalBisection
from .waveform_tracking import WaveformTracking

__all__ = [
    "DRL",
    "DelayedReach",
    "IntervalDiscrimination",
    "IntervalProduction",
    "IntervalReproduction",
    "PeakInterval",
    "RhythmProduction",
    "SyncContinuation",
    "TemporalBisection",
    "WaveformTracking",
    "noisy_clock_aim",
]
