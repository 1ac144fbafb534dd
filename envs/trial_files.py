"""Trial tables as CSV files."""

from __future__ import annotations

import csv
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .core.errors import TaskError

Array = npt.NDArray[Any]
#: A name for each column of values (n,), one per trial.
Table = dict[str, Array]


def write_trials(table: Mapping[str, Any], path: str | Path) -> Path:
    """Write a trial table as CSV, whole or not at all.

    Args:
        table: name -> values (n,).
        path: the file; one that is there is replaced.

    Raises:
        TaskError: the columns differ in length, or the file cannot be written.
    """
    path = Path(path)
    columns = [np.asarray(values).tolist() for values in table.values()]
    if len({len(values) for values in columns}) > 1:
        raise TaskError("the table's columns have different lengths; pass one value per trial.")
    temporary = path.parent / f".caudate-{secrets.token_hex(8)}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "x", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(table)
            writer.writerows(zip(*columns, strict=True))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        raise TaskError(
            f"cannot write {path} ({getattr(error, 'strerror', None) or error}); free space or "
            "choose another folder."
        ) from error
    finally:  # there is none left after a success
        with suppress(OSError, ValueError):
            os.unlink(temporary)
    return path


def read_trials(path: str | Path) -> Table:
    """Read a trial table from CSV: name -> array (n,), int64, float64 (NaN: "nan") or strings.

    Raises:
        TaskError: there is no such file, or it is no table.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise TaskError(f"cannot read {path} ({reason}); pass a file of to_csv().") from error
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        raise TaskError(f"{path} is not a table with a line of names; pass a file of to_csv().")
    return {name: _typed([row[i] for row in rows[1:]]) for i, name in enumerate(rows[0])}


def _typed(values: list[str]) -> Array:
    for kind in (np.int64, np.float64):
        with suppress(ValueError, OverflowError):
            return np.array([kind(value) for value in values], dtype=kind)
    return np.array(values)
