"""Ctrl-C that lets work come to a safe end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

_asked: ContextVar[Callable[[], bool]] = ContextVar("asked", default=lambda: False)


@contextlib.contextmanager
def stops_when(asked: Callable[[], bool]) -> Iterator[None]:
    """Let ``asked`` stand for a Ctrl-C that no signal brings: to threads, and to other machines."""
    token = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(token)


@contextlib.contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Remember the first Ctrl-C instead of raising; a second one raises as usual."""
    asked = _asked.get()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    seen: list[int] = []

    def remember(number: int, frame: Any) -> None:
        seen.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: bool(seen) or asked()
    finally:
        signal.signal(signal.SIGINT, before)
