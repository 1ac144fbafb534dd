"""Processes that play trials of a search: each does one at a time, and may die alone."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from .workers import hold_interrupts


class Workers:
    """Up to ``n`` processes, kept from call to call: a start costs more than a short trial."""

    def __init__(self, n: int):
        self.n = n
        self.idle: list[ProcessPoolExecutor] = []
        self.busy: dict[Future[Any], ProcessPoolExecutor] = {}

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call a function in a process that has nothing to do."""
        if not self.idle:
            context = multiprocessing.get_context("spawn")
            self.idle.append(ProcessPoolExecutor(1, context))
        pool = self.idle.pop()
        hold_interrupts(True)  # the child inherits this and is safe until it is ready
        try:
            future = pool.submit(function, *arguments)
        finally:
            hold_interrupts(False)
        self.busy[future] = pool
        return future

    def take(self, future: Future[Any]) -> None:
        """Its call is over: the process may have the next one, unless it died."""
        pool = self.busy.pop(future)
        if isinstance(future.exception(), BrokenProcessPool):
            pool.shutdown(wait=False)
        else:
            self.idle.append(pool)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exc: object) -> None:
        for pool in self.busy.values():  # after a second Ctrl-C: leave no process behind
            for process in list((pool._processes or {}).values()):
                process.terminate()
        for pool in [*self.idle, *self.busy.values()]:
            pool.shutdown(wait=not self.busy, cancel_futures=True)
