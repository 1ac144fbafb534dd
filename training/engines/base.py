"""What an engine is: Python's executor interface, and a little about workers."""

from __future__ import annotations

import abc
import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

T = TypeVar("T")

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class LostWorkerError(Exception):
    """A worker was lost with what it did; the message tells how. Raised by an engine's futures."""


class Engine(Executor, abc.ABC):
    """Runs calls on workers, each call alone on one thread of a process.

    As a context manager it ends its workers: after their work, or at once if an error (a second
    Ctrl-C) leaves the block.

    Attributes:
        name: the engine's name.
        slots: calls to submit at a time.
        retries: how often a call whose worker died is to be submitted again.
    """

    name = ""
    slots = 1
    retries = 0

    @abc.abstractmethod
    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Have ``fn(*args, **kwargs)`` called by a worker, which must be able to import ``fn``.

        The future raises what ``fn`` raises, or LostWorkerError.
        """

    def withdraw(self) -> None:
        """Take back calls that wait in a queue: their futures are cancelled."""

    @abc.abstractmethod
    def kill(self) -> None:
        """End the workers without waiting for what they do."""

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is not None:
            self.kill()
        self.shutdown(wait=True)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let processes that start now use one thread; libraries read these when they are loaded."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
