"""A log-polar fovea: fine in the middle, coarse around it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError, check_int, check_number
from .base import Sensor, State
from .extra import need

Array = npt.NDArray[Any]


class LogPolar(Sensor):
    """Pictures as the visual cortex maps them, w = log z.

    Rows of the output are angles, columns logarithms of the distance to the gaze: column c of W
    lies at the radius R^(c / W). Enlarging the picture by R^(k / W) shifts it by k columns, and
    turning it by 2 pi k / H by k rows. The sampling is ``skimage.transform.warp_polar``'s, linear
    between pixels (extra ``senses``); it begins at a distance of one pixel, so the blind middle
    has that radius.

    Args:
        shape: rows and columns of a picture, or (C, rows, columns) for channels that are sampled
            alike.
        n_angle, n_radius: rows H and columns W of the output.
        radius: R in pixels, more than 1; None for half of the shorter side.
        gaze: (row, column) of the centre; None for the middle of the picture.
        outside: what is seen beyond the borders.
        high: upper bound of the pictures' values; the lower one is 0.

    Schwartz 1977, doi:10.1007/BF01885636; Schwartz 1980, doi:10.1016/0042-6989(80)90090-5.

    >>> LogPolar((33, 33), n_angle=16, n_radius=12).output_shape
    (16, 12)
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        n_angle: int = 36,
        n_radius: int = 24,
        *,
        radius: float | None = None,
        gaze: tuple[float, float] | None = None,
        outside: float = 0.0,
        high: float = 1.0,
    ) -> None:
        super().__init__()
        sizes: Any = tuple(shape) if isinstance(shape, (list, tuple)) else ()
        if len(sizes) not in (2, 3) or min(sizes) < 1:
            raise TaskError(f"shape={shape!r} is not (rows, columns) or (C, rows, columns).")
        self.input_shape = sizes
        self.n_angle = check_int("n_angle", n_angle, 1)
        self.n_radius = check_int("n_radius", n_radius, 1)
        rows, columns = sizes[-2], sizes[-1]
        farthest = min(rows, columns) / 2 if radius is None else radius
        self.radius = check_number("radius", farthest, low=1.0 + 1e-6)
        middle = ((rows - 1) / 2, (columns - 1) / 2)
        self.gaze = tuple(check_number("gaze", one) for one in (middle if gaze is None else gaze))
        self.outside = check_number("outside", outside)
        self.low, self.high = min(0.0, self.outside), max(high, self.outside)
        self.output_shape = (*sizes[:-2], self.n_angle, self.n_radius)

    def look_at(self, row: float, column: float) -> None:
        """Move the gaze.

        It is a setting like the others: ``get_state`` does not hold it, and what ``Cached`` keeps
        was seen from where it was.
        """
        self.gaze = check_number("row", row), check_number("column", column)

    def sense(self, stimulus: Array, state: State) -> tuple[Array, State]:
        need("skimage", "log-polar sampling")
        from skimage.transform import warp_polar

        pictures = stimulus.reshape(-1, *stimulus.shape[-2:])
        seen = warp_polar(
            np.moveaxis(pictures, 0, -1),
            center=self.gaze,
            radius=self.radius,
            output_shape=(self.n_angle, self.n_radius),
            scaling="log",
            channel_axis=-1,
            cval=self.outside,
        )
        return np.moveaxis(seen, -1, 0).reshape(len(stimulus), *self.output_shape), {}
