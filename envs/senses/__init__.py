"""Sensory front ends: retina, log-polar fovea, cochlea and HMAX, alone and as wrappers.

Sensors are part of the world's side: they map what a task shows to what a sense organ makes of it,
and have no weights that learn. ``LogPolar``, ``C1`` and ``HMAX`` need the extra ``senses``.
"""

from .base import Cached, Sensor
from .cochlea import Cochlea, beat_interval, centre_frequencies, erb, erb_rate, frequency_at
from .hmax import BANDS, C1, HMAX, draw_templates, gabor_bank
from .log_polar import LogPolar
from .observation import SensorObservation, VectorSensorObservation
from .retina import Retina
from .wrappers import (
    C1Observation,
    CochleaObservation,
    HMAXObservation,
    LogPolarObservation,
    RetinaObservation,
    VectorC1Observation,
    VectorCochleaObservation,
    VectorHMAXObservation,
    VectorLogPolarObservation,
    VectorRetinaObservation,
)

__all__ = [
    "BANDS",
    "C1",
    "HMAX",
    "C1Observation",
    "Cached",
    "Cochlea",
    "CochleaObservation",
    "HMAXObservation",
    "LogPolar",
    "LogPolarObservation",
    "Retina",
    "RetinaObservation",
    "Sensor",
    "SensorObservation",
    "VectorC1Observation",
    "VectorCochleaObservation",
    "VectorHMAXObservation",
    "VectorLogPolarObservation",
    "VectorRetinaObservation",
    "VectorSensorObservation",
    "beat_interval",
    "centre_frequencies",
    "draw_templates",
    "erb",
    "erb_rate",
    "frequency_at",
    "gabor_bank",
]
