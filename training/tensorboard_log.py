"""TensorBoard beside the run folder: its scalars as event files."""

from __future__ import annotations

import contextlib
import importlib
import math
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .errors import UsageError

FOLDER = "tensorboard"  # in the run folder


def check_tensorboard() -> None:
    """Raise UsageError without the package that writes event files."""
    if find_spec("tensorboardX") is None:
        raise UsageError('--tensorboard needs tensorboardX: pip install "caudate[tensorboard]".')


class TensorBoardLogger:
    """Writes each number of a record at its step.

    Events are written where they arise and not by tensorboardX's own thread, whose errors nobody
    would see and whose queue would then fill and block the run.

    Args:
        folder: the run folder.
        resumed_at: the step of a run that goes on; TensorBoard forgets what was logged after it.
    """

    name = "TensorBoard"

    def __init__(self, folder: Path, resumed_at: int | None = None):
        from tensorboardX.event_file_writer import EventsWriter

        place = folder / FOLDER
        place.mkdir(parents=True, exist_ok=True)
        number = len(list(place.iterdir()))  # names hold seconds alone
        self._writer = EventsWriter(str(place / "events"), f".{number}")
        if resumed_at is not None:
            self._restart(resumed_at + 1)

    def _restart(self, step: int) -> None:
        session = _protocol("event").SessionLog
        self._write(step, session_log=session(status=session.START))

    def log(self, record: dict[str, Any]) -> None:
        summary = _protocol("summary").Summary
        values = [
            summary.Value(tag=name, simple_value=float(value))
            for name, value in record.items()
            if name != "timesteps" and isinstance(value, (int, float)) and math.isfinite(value)
        ]
        try:
            self._write(int(record["timesteps"]), summary=summary(value=values))
            self._writer.flush()
        except BaseException:  # nothing will be written any more
            with contextlib.suppress(Exception):
                self._writer.close()
            raise

    def finish(self, result: dict[str, Any]) -> None:
        self._writer.close()

    def _write(self, step: int, **content: Any) -> None:
        event = _protocol("event").Event(wall_time=time.time(), step=step, **content)
        self._writer.write_event(event)


def _protocol(name: str) -> Any:
    """A module of TensorBoard's messages, whose classes are made when it is imported."""
    return importlib.import_module(f"tensorboardX.proto.{name}_pb2")
