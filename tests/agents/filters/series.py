"""The outcomes of the golden numbers, and worlds for the filters' tests."""

from __future__ import annotations

import numpy as np

_T = np.arange(1, 121)

#: 120 outcomes without randomness: graded, and 0 or 1.
GRADED = 3 * np.sin(2 * np.pi * _T / 40) + np.cos(2.5 * _T)
BINARY = (1.2 * np.sin(2 * np.pi * _T / 40) + np.cos(2.5 * _T) > 0).astype(float)


def outcomes(kind: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Random outcomes that a filter whose ``outcomes`` is ``kind`` can learn from."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2, shape).astype(float) if kind == "binary" else rng.normal(size=shape)


def told(value: np.ndarray | None) -> np.ndarray:
    """What a filter reports, which it must."""
    assert value is not None
    return value
