"""Arithmetic that takes arrays and plain numbers alike, with the same results bit for bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def root(value: Any) -> Any:
    """Square root of a float or of each element of an array."""
    return math.sqrt(value) if isinstance(value, float) else np.sqrt(value)
