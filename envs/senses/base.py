"""What every sensor is: stimuli of many columns in, responses of these columns out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError, check_int

Array = npt.NDArray[Any]
State = dict[str, Array]


class Sensor(ABC):
    """A front end between the world and an agent, without weights that learn.

    Calling it maps stimuli (B, *input_shape) to responses (B, *output_shape), float64; a single
    stimulus of ``input_shape`` gives a single response. What a sensor remembers from call to call
    (adaptation, filters) it remembers for each column apart, until ``reset``.

    Attributes:
        input_shape: of one stimulus.
        output_shape: of one response.
        low, high: bounds of every response.
    """

    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    low: float = 0.0
    high: float = 1.0

    def __init__(self) -> None:
        self._state: State | None = None

    @abstractmethod
    def sense(self, stimulus: Array, state: State) -> tuple[Array, State]:
        """Responses (k, *output_shape) and the state after them.

        Args:
            stimulus: (k, *input_shape) float64, finite.
            state: arrays (k, ...) of these columns, to be left as they are.
        """

    def begin(self, n: int) -> State:
        """What n columns remember before their first stimulus: arrays (n, ...)."""
        return {}

    @property
    def remembers(self) -> bool:
        """Whether responses depend on earlier stimuli."""
        return bool(self.begin(1))

    def __call__(self, stimulus: Any, columns: Array | None = None) -> Array:
        """Respond to stimuli, of all columns or of some.

        Args:
            stimulus: (B, *input_shape), or ``input_shape`` for a single column.
            columns: (k,) indices of the columns whose stimuli (k, *input_shape) these are; None
                for all. The first call after ``reset()`` has to be one of all columns.

        Raises:
            TaskError: another shape or number of columns, or numbers that are not finite.
        """
        values, alone = self._checked(stimulus)
        if self._state is None:
            self._state = self.begin(len(values))
        size = next((len(part) for part in self._state.values()), None)
        given = len(values) if columns is None else size
        if size is not None and given != size:
            raise TaskError(
                f"stimulus has {len(values)} columns but the sensor remembers {size}; call "
                "reset() before another number of columns."
            )
        every = slice(None) if columns is None else columns
        part = {name: values[every] for name, values in self._state.items()}
        response, after = self.sense(values, part)
        for name, new in after.items():
            self._state[name][every] = new
        return response[0] if alone else response

    def _checked(self, stimulus: Any) -> tuple[Array, bool]:
        values = np.asarray(stimulus, dtype=np.float64)
        alone = values.shape == self.input_shape
        values = values[None] if alone else values
        if values.shape[1:] != self.input_shape:
            raise TaskError(
                f"stimulus has the shape {values.shape}; {type(self).__name__} takes (B, *shape) "
                f"with shape {self.input_shape}."
            )
        if not np.isfinite(values).all():
            raise TaskError("stimulus has numbers that are not finite; pass finite ones.")
        return values, alone

    def reset(self, columns: Array | None = None) -> None:
        """Forget all that was sensed, in columns (k,) or a mask (B,), in all if none are given."""
        if columns is None:
            self._state = None
        elif self._state is not None:
            for name, values in self._state.items():
                values[columns] = self.begin(len(values))[name][columns]

    def get_state(self) -> State:
        """What is remembered, arrays (B, ...); empty before the first stimulus."""
        return {name: values.copy() for name, values in (self._state or {}).items()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``get_state`` returned."""
        fresh = self.begin(1)
        new = {name: np.array(values, dtype=np.float64) for name, values in dict(state).items()}
        fits = all(
            name in new and new[name].shape[1:] == one.shape[1:] for name, one in fresh.items()
        )
        if new and not (fits and new.keys() == fresh.keys()):
            raise TaskError(
                f"the state does not fit this {type(self).__name__}; pass what get_state() of one "
                "with the same parameters returned."
            )
        self._state = new or None


class Cached(Sensor):
    """A sensor without memory that looks up what it has sensed before.

    For tasks with few stimuli: the ``most`` stimuli that came last are kept, so that an empty field
    or a picture that is held for several steps is sensed once.
    """

    def __init__(self, sensor: Sensor, most: int = 4096) -> None:
        super().__init__()
        if sensor.remembers:
            raise TaskError(
                f"{type(sensor).__name__} responds to what came before, so its responses cannot be "
                "kept; use it as it is."
            )
        self.sensor, self._most = sensor, check_int("most", most, 0)
        self.input_shape, self.output_shape = sensor.input_shape, sensor.output_shape
        self.low, self.high = sensor.low, sensor.high
        self._kept: dict[bytes, Array] = {}

    def sense(self, stimulus: Array, state: State) -> tuple[Array, State]:
        keys = [one.tobytes() for one in stimulus]
        new = {key: place for place, key in enumerate(keys) if key not in self._kept}
        if new:
            responses, _ = self.sensor.sense(stimulus[list(new.values())], {})
            self._kept.update(zip(new, responses, strict=True))
        result = np.empty((len(keys), *self.output_shape))
        for place, key in enumerate(keys):
            # What is seen now counts as the latest.
            result[place] = self._kept[key] = self._kept.pop(key)
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return result, {}


def check_shape(shape: Any, smallest: int = 1) -> tuple[int, int]:
    """Rows and columns of a picture; TaskError unless both are whole and not too few."""
    sizes = tuple(shape) if isinstance(shape, (list, tuple)) else ()
    if len(sizes) != 2 or not all(
        isinstance(one, (int, np.integer)) and one >= smallest for one in sizes
    ):
        raise TaskError(
            f"shape={shape!r} is not (rows, columns) with at least {smallest} of each; pass such."
        )
    return int(sizes[0]), int(sizes[1])
