"""Where in an observation the picture or the sound is, and what becomes of the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import TaskError
from .base import Sensor

Array = npt.NDArray[Any]


class Front:
    """A sensor in front of observations: it replaces their stimulus and leaves what else they have.

    Observations are pictures (H, W) or (H, W, 1), chunks of sound (n,), or those of this library's
    tasks, (d,), in which a picture or a chunk comes first. Pictures are brought to [0, 1] and sound
    to [-1, 1] by the bounds of the space.

    Args:
        space: of single observations.
        base: the innermost environment, which may have a ``task``.
        sound: whether the stimulus is sound; else it is a picture.
        make: shape of the stimulus -> sensor.

    Raises:
        TaskError: observations that have no such stimulus.
    """

    def __init__(
        self,
        space: spaces.Space[Any],
        base: Any,
        sound: bool,
        make: Callable[[tuple[int, ...]], Sensor],
    ) -> None:
        if not isinstance(space, spaces.Box) or not space.is_bounded():
            raise TaskError(
                f"a sensor needs Box observations with finite bounds, not {space}; wrap the "
                "environment so that it has such first."
            )
        names: list[str] = list(getattr(base, "obs_names", ()))
        shape = _sound_shape(space, names) if sound else _picture_shape(space, base, names)
        self._count = int(np.prod(shape))
        #: Whether other channels follow the stimulus.
        self._mixed = len(space.shape) == 1 and space.shape[0] > self._count
        self.sensor = make(shape)
        low, high = (one.reshape(-1)[: self._count] for one in (space.low, space.high))
        low, high = low.astype(np.float64), high.astype(np.float64)
        self._zero = np.zeros_like(low) if sound else low
        self._unit = np.maximum(np.abs(low), np.abs(high)) if sound else high - low
        self._others = names[self._count :] or [f"other_{i}" for i in range(space.shape[0])]
        self.space = self._sensed_space(space)

    def _sensed_space(self, space: spaces.Box) -> spaces.Box:
        sensor = self.sensor
        if not self._mixed:
            return spaces.Box(sensor.low, sensor.high, sensor.output_shape, dtype=np.float32)
        size = int(np.prod(sensor.output_shape))
        low = np.concatenate([np.full(size, sensor.low), space.low[self._count :]])
        high = np.concatenate([np.full(size, sensor.high), space.high[self._count :]])
        return spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)

    @property
    def obs_names(self) -> tuple[str, ...]:
        """Names of what is observed, where observations are flat."""
        size = int(np.prod(self.sensor.output_shape))
        names = [f"sense_{i}" for i in range(size)]
        return (*names, *self._others[: self.space.shape[0] - size]) if self._mixed else (*names,)

    def __call__(self, obs: Array, columns: Array | None = None) -> Array:
        """Sensed observations (k, ...) float32 of observations (k, ...), of some columns."""
        flat = np.asarray(obs).reshape(len(obs), -1)
        stimulus = (flat[:, : self._count] - self._zero) / self._unit
        response = self.sensor(stimulus.reshape(-1, *self.sensor.input_shape), columns)
        if self._mixed:
            parts = [response.reshape(len(flat), -1), flat[:, self._count :]]
            response = np.concatenate(parts, axis=1)
        # A bound may be rounded away from what it bounds.
        return np.clip(response.astype(np.float32), self.space.low, self.space.high)

    def begin(self, n: int) -> None:
        """Forget everything and be ready for n columns."""
        self.sensor.set_state(self.sensor.begin(n))


def _picture_shape(space: spaces.Box, base: Any, names: list[str]) -> tuple[int, int]:
    shape = space.shape
    if len(shape) == 2 or (len(shape) == 3 and shape[2] == 1):
        return shape[0], shape[1]
    frame = getattr(getattr(base, "task", None), "frame", None)
    if frame is None or len(shape) != 1 or not names[0].startswith("pixel"):
        raise TaskError(
            f"observations of shape {shape} are no pictures (H, W) or (H, W, 1), nor those of a "
            "task that shows pixels; wrap the environment so that it has such first."
        )
    return frame


def _sound_shape(space: spaces.Box, names: list[str]) -> tuple[int]:
    if len(space.shape) != 1:
        raise TaskError(
            f"observations of shape {space.shape} are no chunks of sound (n,); wrap the "
            "environment so that it has such first."
        )
    samples = sum(name.startswith("sound_") for name in names)
    if names and not samples:
        raise TaskError(
            f"{names[0]!r} and the other channels are no sound; choose a task whose channels are "
            "sound_0, sound_1, ..."
        )
    return (samples or space.shape[0],)
