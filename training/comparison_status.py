"""What a comparison's folder tells of itself: its plan, and why runs failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .comparison_spec import STORED, Comparison
from .errors import UsageError
from .runs import write_json

FILE = "comparison.json"


class Status:
    """``comparison.json``, written when a comparison begins and whenever a run fails.

    Attributes:
        failures: run's folder, relative to the comparison's -> the reason why it failed.
    """

    def __init__(self, folder: Path, comparison: Comparison):
        self.path = folder / FILE
        self.plan = comparison.model_dump()
        self.failures: dict[str, str] = {}
        self._write()

    def failed(self, run: str, reason: str) -> None:
        """Keep the reason."""
        self.failures[run] = reason
        self._write()

    def _write(self) -> None:
        write_json(self.path, {"comparison": self.plan, "failures": self.failures})


def is_comparison(folder: Path) -> bool:
    """Whether a folder says that it is a comparison's."""
    return (folder / FILE).is_file() or (folder / "table.json").is_file()


def read_status(folder: Path) -> tuple[Comparison, dict[str, str]]:
    """The plan and the failures; of folders without ``comparison.json`` the plan of their table.

    Raises:
        UsageError: a file that cannot be read, or is not a comparison's.
    """
    path = folder / FILE if (folder / FILE).is_file() else folder / "table.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        comparison = Comparison.model_validate(content["comparison"], context=STORED)
        failures = {str(run): str(why) for run, why in content.get("failures", {}).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = "its plan is not valid" if isinstance(error, ValidationError) else repr(error)
        raise UsageError(f"{path} is not a comparison's: {reason}.") from error
    return comparison, failures
