"""The cores of this machine: a process of its own for every call."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from ..jobs import hold_interrupts
from .base import Engine, LostWorkerError, T


class LocalEngine(Engine):
    """A fresh process a call; one that dies takes nothing with it but its own call.

    Args:
        slots: processes at a time.
        retries: see :class:`.Engine`.
    """

    name = "local"

    def __init__(self, slots: int, retries: int = 0):
        self.slots, self.retries = slots, retries
        self._processes: set[BaseProcess] = set()
        self._lock = threading.Lock()
        # Processes inherit that a Ctrl-C waits and are safe until they are ready for it.
        self._threads = ThreadPoolExecutor(slots, initializer=hold_interrupts, initargs=(True,))

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        return self._threads.submit(self._call, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def kill(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for process in self._processes:
                process.terminate()

    def _call(self, fn: Callable[..., T], args: Any, kwargs: Any) -> T:
        # A forked child would keep the parent's thread settings and half of its locks.
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_serve, args=(sender, fn, args, kwargs))
        with self._lock:  # processes look after one another when they start and end
            process.start()
            self._processes.add(process)
        sender.close()
        outcome: tuple[T, Exception | None] | None = None
        with receiver, contextlib.suppress(EOFError):
            outcome = receiver.recv()
        with self._lock:
            process.join()
            self._processes.discard(process)
        if outcome is None:
            raise LostWorkerError(f"its process died with exit code {process.exitcode}")
        value, error = outcome
        if error is not None:
            raise error
        return value


def _serve(sender: Connection, fn: Callable[..., Any], args: Any, kwargs: Any) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        outcome = fn(*args, **kwargs), None
    except Exception as error:
        outcome = None, error
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
        sender.send(outcome)


def _end_with_parent() -> None:
    """Leave no run going that nobody waits for, beside the one that is started in its place."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
