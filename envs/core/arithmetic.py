"""Arithmetic that takes arrays and plain numbers alike, with the same results bit for bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def root(value: Any) -> Any:
    """Square root of a float or of each element of an array."""
    return math.sqrt(value) if isinstance(value, float) else np.sqrt(value)


def clip(value: Any, low: float, high: float) -> Any:
    """A float, or each element of an array, brought back to [low, high]."""
    if isinstance(value, float):
        return min(max(value, low), high)
    return np.minimum(np.maximum(value, low), high)
