"""TOML: files of users, and presets that are written."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import UsageError


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file holds.

    Raises:
        UsageError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read {path}: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}.") from error


def toml_table(names: tuple[str, ...], table: Mapping[str, Any]) -> list[str]:
    """Lines of the table with this path: its head, then ``key = value``.

    TOML has no word for None: it stands for a key that is not there.
    """
    lines = [f"{_key(name)} = {toml_value(v)}" for name, v in table.items() if v is not None]
    return [f"[{'.'.join(map(_key, names))}]", *lines]


def toml_value(value: Any) -> str:
    """A text, number, truth value, list or table as TOML."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_key(k)} = {toml_value(v)}' for k, v in value.items())}}}"
    if isinstance(value, float):
        return repr(value)  # inf and nan are words of TOML, not of JSON
    if isinstance(value, str):  # bytes of a path that are no UTF-8 are spelled out
        value = value.encode("utf-8", "backslashreplace").decode()
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_value(name)
