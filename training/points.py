"""One point of a grid as JSON: how Weights & Biases tells ``caudate train`` what to do."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field, NonNegativeInt

from .comparison_spec import StrictTable, slug, validated
from .errors import UsageError
from .trainer import run_name


class Point(StrictTable):
    """Arguments of ``train``; every point has its own run folder."""

    agent: str
    task: str
    seed: NonNegativeInt = 0
    options: dict[str, Any] = Field(default_factory=dict)
    env: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Point:
        """From JSON.

        Raises:
            UsageError: not JSON, or not a point.
        """
        try:
            content = json.loads(text)
        except ValueError as error:
            raise UsageError(f"--point {text} is not JSON: {error}.") from error
        return validated(cls, content, f"--point {text}")

    @property
    def name(self) -> str:
        """Of the run's folder: that of a usual run and what is special about this one."""
        special = " ".join(f"{key}={value}" for key, value in {**self.options, **self.env}.items())
        name = run_name(self.agent, self.task, self.seed)
        return f"{name}-{slug(special)}" if special else name
