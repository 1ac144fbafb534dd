"""Tasks that need intervals to be measured and produced."""

from .interval_reproduction import IntervalReproduction
from .waveform_tracking import WaveformTracking

__all__ = ["IntervalReproduction", "WaveformTracking"]
