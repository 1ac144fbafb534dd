"""Tasks that need intervals to be measured and produced."""

from .interval_reproduction import IntervalReproduction

__all__ = ["IntervalReproduction"]
