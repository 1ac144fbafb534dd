"""Checkpoints: a zip file of ``meta.json`` and ``arrays/N.npy``, written atomically, never pickled.

``meta.json`` holds the content with each array replaced by ``{"__array__": N}``. Entries are
stored uncompressed and each array belongs to one place, so that what is read is never larger than
the file. Reading uses ``allow_pickle=False`` throughout, so that opening somebody's file cannot run
code.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import secrets
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from .errors import CheckpointError

FORMAT = 1
_MAGIC = "caudate-checkpoint"
_META = "meta.json"
_ARRAY_KEY = "__array__"


def write_checkpoint(path: str | Path, content: dict[str, Any]) -> None:
    """Write ``content``, a nested dict or list of arrays, numbers, strings, booleans and None.

    Arrays keep dtype and shape; NumPy scalars become Python numbers; tuples come back as lists;
    integers may have up to 4,300 digits. The file appears whole or not at all: an older file
    survives a failure.

    Raises:
        CheckpointError: the folder cannot be written, the disk is full, or a value has a type that
            cannot be stored.
    """
    path = Path(path)
    arrays: list[np.ndarray] = []
    try:
        encoded = _encode(content, arrays, "content")
        text = json.dumps({"format": FORMAT, "magic": _MAGIC, "content": encoded})
    except CheckpointError:
        raise
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"The content cannot be stored ({_one_line(error)}).") from error
    temporary = path.parent / f".caudate-{secrets.token_hex(8)}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr(_META, text)
                for i, array in enumerate(arrays):
                    archive.writestr(_array_name(i), _npy_bytes(array))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        raise CheckpointError(
            f"Cannot write the checkpoint {path} ({getattr(error, 'strerror', None) or error}): "
            "free space or choose another folder; a checkpoint that was there before is "
            "unchanged."
        ) from error
    finally:  # there is none left after a success
        with contextlib.suppress(OSError):
            os.unlink(temporary)
    _sync_folder(path.parent)


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read what :func:`write_checkpoint` wrote.

    Raises:
        CheckpointError: no such file, cut short, damaged, not a checkpoint, from a later version,
            or holding pickled objects (which are never loaded).
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            unread = _entries(archive, path)
            meta = json.loads(archive.read(_META))
            if not isinstance(meta, dict) or meta.get("magic") != _MAGIC:
                raise CheckpointError(f"{path} is not a caudate checkpoint: choose another file.")
            if meta["format"] > FORMAT:
                raise CheckpointError(
                    f"{path} has format {meta['format']}, this version reads up to {FORMAT}: "
                    "upgrade caudate."
                )
            content = _decode(meta["content"], archive, unread, path)
            if not isinstance(content, dict):
                raise ValueError("its content is not a dictionary")
            if unread:
                raise ValueError(f"it also holds {min(unread)!r}, which is no part of it")
            return content
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no checkpoint {path}: check the path.") from error
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError(
            f"Cannot read {path} ({error.strerror or error}): check the path and its permissions."
        ) from error
    except Exception as error:  # whatever a damaged file makes the parsers raise
        raise CheckpointError(
            f"{path} is cut short, damaged or not a checkpoint ({_one_line(error)}): choose "
            "another file."
        ) from error


def _encode(value: Any, arrays: list[np.ndarray], where: str) -> Any:
    if isinstance(value, np.ma.MaskedArray):
        raise CheckpointError(f"{where} is a masked array: store its data and mask instead.")
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise CheckpointError(
                f"{where} is an array of objects: a checkpoint holds numbers only."
            )
        arrays.append(value)
        return {_ARRAY_KEY: len(arrays) - 1}
    if isinstance(value, np.generic) and not isinstance(value.item(), (np.generic, tuple)):
        return _encode(value.item(), arrays, where)
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or key == _ARRAY_KEY:
                raise CheckpointError(
                    f"{where} has the key {key!r}: keys are strings other than {_ARRAY_KEY!r}."
                )
        return {key: _encode(item, arrays, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode(item, arrays, f"{where}[{i}]") for i, item in enumerate(value)]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise CheckpointError(f"{where} is a {type(value).__name__}, which a checkpoint cannot hold.")


def _entries(archive: zipfile.ZipFile, path: Path) -> set[str]:
    """Names of the entries besides ``meta.json``, once it is sure that they fit into the file."""
    entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise CheckpointError(f"{path} is compressed, which no checkpoint is: choose another file.")
    names = {entry.filename for entry in entries}
    size = sum(entry.file_size for entry in entries)
    if len(names) < len(entries) or size > path.stat().st_size:
        raise ValueError("its entries overlap")
    return names - {_META}


def _decode(value: Any, archive: zipfile.ZipFile, unread: set[str], path: Path) -> Any:
    if isinstance(value, dict):
        if set(value) == {_ARRAY_KEY}:
            name = _array_name(value[_ARRAY_KEY])
            if name not in unread:
                raise ValueError(f"{name!r} is missing or used twice")
            unread.remove(name)
            return _read_array(archive, name, path)
        return {key: _decode(item, archive, unread, path) for key, item in value.items()}
    if isinstance(value, list):
        return [_decode(item, archive, unread, path) for item in value]
    return value


def _read_array(archive: zipfile.ZipFile, name: str, path: Path) -> np.ndarray:
    # archive.read checks the CRC, so that a damaged array is noticed before it is parsed.
    stream = io.BytesIO(archive.read(name))
    try:
        array = np.lib.format.read_array(stream, allow_pickle=False)
    except ValueError as error:
        if "pickle" in str(error).lower() or "object" in str(error).lower():
            raise CheckpointError(
                f"{path} holds a pickled object, which could run code: it was not opened."
            ) from error
        raise
    if stream.read(1):
        raise ValueError(f"{name!r} is longer than its array")
    return array


def _npy_bytes(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=False)
    return stream.getvalue()


def _array_name(index: int) -> str:
    return f"arrays/{index}.npy"


def _sync_folder(folder: Path) -> None:
    # Makes the rename durable; not every platform can open a folder.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
