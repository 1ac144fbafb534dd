"""Loggers beside the run folder: one face, and no failure of theirs ends a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .progress import Say


class Logger(Protocol):
    """What follows a run somewhere else. Any of its methods may raise: it is then left out."""

    name: str

    def log(self, record: dict[str, Any]) -> None:
        """An evaluation: a line of ``metrics.jsonl`` with its times."""

    def finish(self, result: dict[str, Any]) -> str | None:
        """The end, with ``result.json`` or, after an interruption, {}; what to tell the user."""


class Loggers:
    """All loggers of a run. One that fails is told of once and not called again."""

    def __init__(self, say: Say = print):
        self.say = say
        self._loggers: list[Logger] = []

    def add(self, name: str, start: Callable[[], Logger]) -> Logger | None:
        """Start a logger; None if it cannot be."""
        made = self._try(name, start)
        if made is not None:
            self._loggers.append(made)
        return made

    def log(self, record: dict[str, Any]) -> None:
        for logger in list(self._loggers):
            self._try(logger.name, logger.log, record, logger=logger)

    def finish(self, result: dict[str, Any]) -> None:
        for logger in list(self._loggers):
            told = self._try(logger.name, logger.finish, result, logger=logger)
            if told:
                self.say(told)

    def _try(
        self, name: str, action: Callable[..., Any], *args: Any, logger: Logger | None = None
    ) -> Any:
        try:
            return action(*args)
        except Exception as error:  # the network, a refused login, a full disk: never our run's end
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            self.say(f"{name} logging stopped ({reason}); the run goes on and is recorded locally.")
            if logger is not None:
                self._loggers.remove(logger)
            return None
