"""Sensory front ends: retina, log-polar fovea, cochlea and HMAX, alone and as wrappers.

Sensors are part of the world's side: they map what a task shows to what a sense organ makes of it,
and have no weights that learn. ``LogPolar``, ``C1`` and ``HMAX`` need the extra ``senses``.
"""

from .base import Sensor
from .cochlea import Cochlea, beat_interval, centre_frequencies, erb, erb_rate, frequency_at
from .hmax import BANDS, C1, HMAX, draw_templates, gabor_bank
from .log_polar import LogPolar
from .retina import Retina

__all__ = [
    "BANDS",
    "C1",
    "HMAX",
    "Cochlea",
    "LogPolar",
    "Retina",
    "Sensor",
    "beat_interval",
    "centre_frequencies",
    "draw_templates",
    "erb",
    "erb_rate",
    "frequency_at",
    "gabor_bank",
]
