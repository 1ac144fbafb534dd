"""Random walks that are drawn back to the middle."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Up to so many walks side by side are computed in plain Python, which costs less.
_FEW = 8


def draw_back(walk: Array, decay: float) -> None:
    """Make steps (L, ...) a walk x[t] = decay x[t-1] + step[t], in place.

    Both ways of computing it round alike, so that a walk is the same whatever stands beside it.
    """
    if walk[0].size > _FEW:
        for trial in range(1, len(walk)):
            walk[trial] += decay * walk[trial - 1]
        return
    for column in np.ndindex(walk.shape[1:]):
        values = walk[:, *column].tolist()
        last = values[0]
        for trial in range(1, len(values)):
            values[trial] = last = values[trial] + decay * last
        walk[:, *column] = values
