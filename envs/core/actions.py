"""Checking actions: what a batch takes, for each kind of action space."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from .errors import TaskError

Array = npt.NDArray[Any]

#: A true value in an array of booleans, as a byte; looking for it costs less than ``any()``.
_TRUE = b"\x01"
_INT64, _UINT64, _FLOAT32 = np.dtype(np.int64), np.dtype(np.uint64), np.dtype(np.float32)
_INT8 = np.dtype(np.int8)


class Actions(ABC):
    """Actions of n columns of a task.

    Args:
        name: the task's name, for the errors' sentences.
        n: number of columns.

    Attributes:
        item: shape of one column's action.
        width: number of channels that show a previous action.
        dtype: of checked actions.
        blank: what stands where there is no action.
    """

    item: tuple[int, ...] = ()
    width: int
    dtype: np.dtype[Any]
    #: Stands where there is no action.
    blank: float

    def __init__(self, name: str, n: int) -> None:
        self.name, self.n = name, n
        self.shape = (n, *self.item)

    @abstractmethod
    def checked(self, actions: Any) -> Array:
        """The actions as an array (n, *item); TaskError if they are not in the action space."""

    @abstractmethod
    def show(self, actions: Array, channels: Array) -> None:
        """Write checked actions into blank channels (n, width)."""

    @abstractmethod
    def one(self, action: Any) -> Any:
        """One column's action, checked, as an int or a tuple of floats."""

    def _refuse_shape(self, actions: Array, what: str) -> TaskError:
        return TaskError(
            f"actions have shape {actions.shape}; pass {what} for each of the {self.n} columns, "
            f"shape {self.shape}."
        )


class DiscreteActions(Actions):
    """Whole numbers 0 to size - 1, int64; shown one-hot."""

    dtype, blank = _INT64, -1

    def __init__(self, name: str, n: int, space: spaces.Discrete) -> None:
        self.size = self.width = int(space.n)
        super().__init__(name, n)
        self._limits = np.full(n, self.size, dtype=np.uint64)
        self._every = np.arange(n)

    def checked(self, actions: Any) -> Array:
        if type(actions) is not np.ndarray or actions.dtype != _INT64:
            actions = self._convert(actions)
        if actions.shape != self.shape:
            raise self._refuse_shape(actions, "one whole number")
        # Seen as unsigned, negative numbers are huge: one comparison checks both bounds.
        if _TRUE in (actions.view(_UINT64) >= self._limits).tobytes():
            raise self._refuse(actions[(actions < 0) | (actions >= self.size)][0])
        return actions

    def _convert(self, actions: Any) -> Array:
        try:
            array = np.asarray(actions)
        except ValueError:
            array = np.empty(0, dtype=object)
        if array.dtype.kind not in "iu":
            raise TaskError(
                f"action {actions!r} is not a whole number; {self.name} takes whole numbers "
                f"from 0 to {self.size - 1}."
            )
        return array.astype(np.int64)

    def _refuse(self, action: Any) -> TaskError:
        return TaskError(
            f"action {action} is outside the action space; {self.name} takes whole numbers "
            f"from 0 to {self.size - 1}."
        )

    def one(self, action: Any) -> int:
        if type(action) is not int:
            if isinstance(action, np.integer):  # what action spaces sample
                action = int(action)
            elif np.ndim(action) != 0:
                raise TaskError(f"action {action!r} is not a single whole number; pass one number.")
            else:
                action = int(self._convert(action))
        if not 0 <= action < self.size:
            raise self._refuse(action)
        return action

    def show(self, actions: Array, channels: Array) -> None:
        channels[self._every, actions] = 1


class BoxActions(Actions):
    """Vectors of a Box, float32; values beyond its bounds are brought back to them."""

    dtype, blank = _FLOAT32, np.nan

    def __init__(self, name: str, n: int, space: spaces.Box) -> None:
        self.item = space.shape
        self.width = int(np.prod(space.shape))
        super().__init__(name, n)
        self._low, self._high = space.low, space.high
        self._floor, self._roof = space.low.tolist(), space.high.tolist()
        self._symmetric = bool((space.low == -space.high).all())

    def checked(self, actions: Any) -> Array:
        if type(actions) is not np.ndarray or actions.dtype != _FLOAT32:
            actions = self._convert(actions)
        if actions.shape != self.shape:
            raise self._refuse_shape(actions, self._wanted())
        if self._symmetric:
            inside = np.abs(actions) <= self._high
        else:
            inside = (actions >= self._low) & (actions <= self._high)
        if b"\x00" in inside.tobytes():
            return self._inside(actions)
        return actions

    def _inside(self, actions: Array) -> Array:
        if np.isnan(actions).any():
            raise TaskError(f"action {actions!r} has NaN in it; pass finite numbers.")
        return np.clip(actions, self._low, self._high)

    def _convert(self, actions: Any) -> Array:
        try:
            array = np.asarray(actions)
        except ValueError:
            array = np.empty(0, dtype=object)
        if array.dtype.kind not in "iuf":
            raise TaskError(
                f"action {actions!r} is not an array of numbers; pass {self._wanted()}."
            )
        return array.astype(np.float32)

    def _wanted(self) -> str:
        plural = "s" * (self.width > 1)
        return f"{self.width} number{plural} in [{self._low.min():g}, {self._high.max():g}]"

    def one(self, action: Any) -> tuple[float, ...]:
        if type(action) is not np.ndarray or action.dtype != _FLOAT32:
            action = self._convert(action)
        if action.shape != self.item:
            raise TaskError(f"action {action!r} has shape {action.shape}; pass {self._wanted()}.")
        values = action.tolist()
        for low, value, high in zip(self._floor, values, self._roof):  # noqa: B905 (for speed)
            if not low <= value <= high:
                return tuple(self._inside(action).tolist())
        return tuple(values)

    def show(self, actions: Array, channels: Array) -> None:
        channels[:] = actions


class BinaryActions(Actions):
    """Vectors of zeros and ones of a MultiBinary space, int8."""

    dtype, blank = _INT8, -1

    def __init__(self, name: str, n: int, space: spaces.MultiBinary) -> None:
        self.width = int(np.prod(space.shape))
        self.item = (self.width,)
        super().__init__(name, n)

    def checked(self, actions: Any) -> Array:
        usual = type(actions) is np.ndarray and actions.dtype == _INT8
        # Seen as unsigned, negative numbers are large too.
        if usual and actions.shape == self.shape and actions.view(np.uint8).max(initial=0) <= 1:
            return actions
        try:
            array = np.asarray(actions)
        except ValueError:
            array = np.empty(0, dtype=object)
        if array.dtype.kind not in "iubf":
            raise TaskError(
                f"action {actions!r} is not an array of zeros and ones; pass {self.width} of them."
            )
        if array.shape != self.shape:
            raise self._refuse_shape(array, f"{self.width} zeros and ones")
        bits = array != 0
        if b"\x00" in ((array == 1) | ~bits).tobytes():
            raise TaskError(f"action {actions!r} has other values than 0 and 1; pass only these.")
        return bits.astype(np.int8)

    def one(self, action: Any) -> tuple[int, ...]:
        if type(action) is not np.ndarray or action.dtype != self.dtype:
            action = np.asarray(action)
        if action.shape != self.item:
            raise TaskError(
                f"action {action!r} has shape {action.shape}; pass {self.width} zeros and ones."
            )
        values = action.tolist()
        for value in values:
            if value != 0 and value != 1:
                raise TaskError(
                    f"action {action!r} has other values than 0 and 1; pass only these."
                )
        return tuple(values)

    def show(self, actions: Array, channels: Array) -> None:
        channels[:] = actions


def actions_of(space: spaces.Space[Any], name: str, n: int) -> Actions:
    """The checks that fit an action space."""
    if isinstance(space, spaces.Discrete):
        return DiscreteActions(name, n, space)
    if isinstance(space, spaces.Box):
        return BoxActions(name, n, space)
    if isinstance(space, spaces.MultiBinary):
        return BinaryActions(name, n, space)
    raise TypeError(f"{name} has the action space {space}, which tasks do not have")
