"""A Dask cluster: workers of this command, or those of a scheduler that is already there."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import dask.config
import distributed

from ..errors import UsageError
from .base import Engine, LostWorkerError, T

_CONFIG = "distributed.scheduler.allowed-failures"
_UNBOUNDED = 1_000_000
_WAIT = 10  # seconds for a scheduler to answer
_CLOSE = 3  # ... and for workers to end
#: Workers on this machine.
_HERE: dict[str, Any] = {
    "threads_per_worker": 1,
    "processes": True,
    "dashboard_address": None,
    "memory_limit": None,
    "silence_logs": "CRITICAL",
    "preload": [__name__],
}


class DaskEngine(Engine):
    """Calls as tasks of a Dask scheduler, which gives those of lost workers to other ones.

    Args:
        slots: workers of a cluster on this machine, and calls to submit at a time; None: no bound,
            for schedulers that start workers when there is work.
        retries: workers that a call may lose there; None: as many as Dask says.
        address: of a scheduler to use instead, whose own settings count.

    Raises:
        UsageError: no scheduler answers at the address, or its workers have several threads.
    """

    name = "dask"

    def __init__(self, slots: int | None, retries: int | None = None, address: str | None = None):
        self._cluster: Any = None
        settings = {_CONFIG: retries} if retries is not None else {}
        with dask.config.set(settings):
            if address is None:
                self._cluster = distributed.LocalCluster(n_workers=slots, **_HERE)
            self.slots = slots or _UNBOUNDED
            self._client = self._connect(address or str(self._cluster.scheduler_address))
        self._executor = self._client.get_executor(pure=False)

    def _connect(self, address: str) -> distributed.Client:
        try:
            client = distributed.Client(address, timeout=_WAIT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"No Dask scheduler answers at --cluster {address}: start one (dask scheduler) and "
                "give the address that it prints."
            ) from error
        workers: Any = client.nthreads()
        for worker, threads in workers.items():
            if threads > 1:
                client.close()
                raise UsageError(
                    f"The Dask worker {worker} has {threads} threads, which would share "
                    "CPU-seconds and settings of runs: start workers with --nthreads 1."
                )
        return client

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        done = self._executor.submit(fn, *args, **kwargs)
        done.add_done_callback(lambda done: _pass_on(done, future))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with contextlib.suppress(TimeoutError):  # workers that had to be killed
            self._client.close(timeout=_CLOSE)
            if self._cluster is not None:
                self._cluster.close(timeout=_CLOSE)

    def kill(self) -> None:
        for nanny in self._cluster.workers.values() if self._cluster is not None else ():
            if nanny.process is not None and nanny.process.process is not None:
                nanny.process.process.kill()


def _pass_on(done: Future[T], future: Future[T]) -> None:
    if done.cancelled():
        future.set_exception(LostWorkerError("the Dask scheduler cancelled it"))
        return
    error = done.exception()
    if isinstance(error, distributed.KilledWorker):
        workers = error.allowed_failures + 1
        future.set_exception(
            LostWorkerError(f"{workers} Dask worker{'s' * (workers > 1)} died while it ran")
        )
    elif error is not None:
        future.set_exception(error)
    else:
        future.set_result(done.result())


def dask_setup(worker: Any) -> None:
    """Called by workers of ours: a Ctrl-C on the terminal is for the command, which tells runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
