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
    """Turns a block of facts into a vector info: one array per name and its ``_name`` mask.

    Args:
        int_facts: names of the whole-number rows, first in the block.
        float_facts: names of the float rows, stored behind them by their bits.
    """

    def __init__(self, int_facts: tuple[str, ...], float_facts: tuple[str, ...]) -> None:
        self.n_ints = len(int_facts)
        self.names = int_facts + float_facts
        self._keys = ("trial_end", *self.names)
        self._mask_keys = tuple(f"_{key}" for key in self._keys)

    def make(self, facts: Array, columns: Array, n: int, ended: Array) -> Info:
        """Info of one vector step.

        Args:
            facts: (at least facts, k) int64 block of the k trials that ended.
            columns: (k,) their columns.
            n: number of columns.
            ended: (n,) bool, True at ``columns``.
        """
        block = np.zeros((len(self.names), n), dtype=np.int64)
        block[:, columns] = facts[: len(block)]
        masks = np.empty((len(self._keys) + 1, n), dtype=bool)
        masks[:] = ended
        # Every array is a row of its own: nothing is shared between calls or between keys.
        info = dict(zip(self._mask_keys, masks[1:], strict=True))
        info["trial_end"] = masks[0]
        info.update(zip(self.names[: self.n_ints], block, strict=False))
        floats = block[self.n_ints :].view(np.float64)
        info.update(zip(self.names[self.n_ints :], floats, strict=True))
        return info


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
