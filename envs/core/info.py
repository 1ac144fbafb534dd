"""Trial-end facts as Gymnasium info dictionaries."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Info = dict[str, Any]

_UNREAD: Info = {"trial_end": None}


class LateInfo(dict[str, Any]):
    """An info that is put together when it is first looked at, and an ordinary dict from then on.

    Most steps' facts are never read, and putting them together costs as much as the rest of a step.

    Args:
        make: gives the entries; called at most once. It must not depend on anything that changes.
    """

    def __init__(self, make: Callable[[], Info]) -> None:
        # Not empty, because C code (that of ``json``, for one) asks for the size past ``__len__``.
        super().__init__(_UNREAD)
        self._make: Callable[[], Info] | None = make

    def _complete(self) -> None:
        if self._make is not None:
            make, self._make = self._make, None
            dict.clear(self)
            dict.update(self, make())

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self.items()),)


def _completed(name: str) -> Callable[..., Any]:
    """The dict method of that name, behind the completion."""
    method = getattr(dict, name)

    @wraps(method)
    def late(self: LateInfo, *args: Any, **kwargs: Any) -> Any:
        self._complete()
        return method(self, *args, **kwargs)

    return late


for _name in (
    *("__contains__", "__delitem__", "__eq__", "__getitem__", "__ior__", "__iter__", "__len__"),
    *("__ne__", "__or__", "__repr__", "__reversed__", "__ror__", "__setitem__", "clear", "copy"),
    *("get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"),
):
    setattr(LateInfo, _name, _completed(_name))


class InfoMaker:
    """Turns facts of trials that have ended into infos.

    In between, facts are one block of 64-bit words (facts, k), one line a name and one column a
    trial: whole numbers first, floats behind them by their bits.

    Args:
        int_facts: names of the whole-number lines.
        float_facts: names of the float lines.
    """

    def __init__(self, int_facts: tuple[str, ...], float_facts: tuple[str, ...]) -> None:
        self.n_ints = len(int_facts)
        self.names = int_facts + float_facts
        masks = (f"_{name}" for name in self.names)
        self._keys = ("trial_end", *self.names, "_trial_end", *masks)

    def pack(self, facts: dict[str, Any], k: int) -> Array:
        """Block (facts, k) of facts by name, each (k,) or a number."""
        block = np.empty((len(self.names), k), dtype=np.int64)
        floats = block.view(np.float64)
        for line, name in enumerate(self.names):
            (block if line < self.n_ints else floats)[line] = facts[name]
        return block

    def named(self, block: Array) -> dict[str, Array]:
        """The lines of a block by name, to be changed in place."""
        n, count = self.n_ints, len(self.names)
        lines = (*block[:n], *block[n:count].view(np.float64))
        return dict(zip(self.names, lines, strict=True))

    def make(self, block: Array, columns: Array, n: int) -> Info:
        """Info of a vector step: per name an array (n,) and its ``_name`` mask.

        Args:
            block: (at least facts, k) of the k trials that have ended.
            columns: (k,) their columns.
            n: number of columns.
        """
        count = len(self.names)
        lines = np.zeros((count, n), dtype=np.int64)
        lines[:, columns] = block[:count]
        masks = np.zeros((count + 2, n), dtype=bool)
        masks[:, columns] = True
        # Every array is a line of its own: nothing is shared between calls or between keys.
        floats = lines[self.n_ints :].view(np.float64)
        arrays = (masks[0], *lines[: self.n_ints], *floats, *masks[1:])
        return dict(zip(self._keys, arrays, strict=True))

    def single(self, block: Array) -> Info:
        """Info of the only trial of a block (at least facts, 1), as plain numbers."""
        values = block[: self.n_ints, 0].tolist()
        values += block[self.n_ints : len(self.names), 0].view(np.float64).tolist()
        return {"trial_end": True, **dict(zip(self.names, values, strict=True))}


def single_info(info: Info) -> Info:
    """The info of a batch of one column as plain scalars, without masks."""
    return {key: _plain(value[0]) for key, value in info.items() if key[0] != "_"}


def column_info(info: Info, column: int) -> Info:
    """One column's part of a vector info as plain scalars."""
    return {
        key: _plain(value[column])
        for key, value in info.items()
        if key[0] != "_" and info[f"_{key}"][column]
    }


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value.copy()


def add_column_array(info: Info, key: str, values: Array, mask: Array | None = None) -> None:
    """Add a per-column array to a vector info, present in the columns of ``mask`` (default all)."""
    info[key] = values
    info[f"_{key}"] = np.ones(len(values), dtype=bool) if mask is None else mask.copy()


def split_info(info: Info, mask: Array) -> tuple[Info, Info]:
    """A vector info as two: what belongs to the columns of ``mask``, and the rest."""
    parts: tuple[Info, Info] = ({}, {})
    for key, values in info.items():
        if key[0] == "_":
            continue
        for part, where in zip(parts, (mask, ~mask), strict=True):
            present = info[f"_{key}"] & where
            if present.any():
                part[key] = values.copy()
                part[key][~present] = 0
                part[f"_{key}"] = present
    return parts
