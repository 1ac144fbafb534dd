"""Slurm by way of submitit: a job of the queue for every call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import submitit
from submitit.core.utils import FailedJobError, UncompletedJobError

from ..errors import UsageError
from .base import Engine, LostWorkerError, T
from .slurm_options import SlurmOptions

_LOOK = {"slurm": 2.0, "local": 0.2}  # seconds between looks at jobs
_SIGNAL = 90  # seconds before the end of its time at which a job is queued again


class Call:
    """What submitit calls; queued again when a job's time is up or it is preempted."""

    def __init__(self, fn: Callable[..., Any]):
        self.fn = fn

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fn(*args, **kwargs)

    def checkpoint(self, *args: Any, **kwargs: Any) -> submitit.helpers.DelayedSubmission:
        return submitit.helpers.DelayedSubmission(self, *args, **kwargs)


class SlurmEngine(Engine):
    """Calls as jobs of a Slurm queue.

    Args:
        slots: jobs in the queue at a time.
        folder: for submitit's files and the jobs' output; on the shared file system.
        options: what each job asks for.
        retries: see :class:`.Engine`; also how often a job may run out of time.

    Raises:
        UsageError: there is no Slurm here, or it refuses a job.
    """

    name = "slurm"

    def __init__(self, slots: int, folder: Path, options: SlurmOptions, retries: int = 1):
        self.slots, self.retries = slots, retries
        try:
            self._executor = submitit.AutoExecutor(
                folder.absolute(), cluster=options.cluster, slurm_max_num_timeout=retries
            )
        except RuntimeError as error:
            raise UsageError(
                f"--engine slurm finds no Slurm here ({error}): start it on a machine of the "
                "cluster, or try it without one with --slurm cluster=local."
            ) from error
        self._executor.update_parameters(
            name="caudate",
            timeout_min=options.time,
            mem_gb=options.memory,
            cpus_per_task=options.cpus,
            slurm_signal_delay_s=_SIGNAL,
            **{f"slurm_{key}": value for key, value in options.places().items()},
        )
        self._here = options.cluster == "local"
        self._look = _LOOK[options.cluster]
        self._jobs: list[tuple[submitit.Job[Any], Future[Any]]] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        threading.Thread(target=self._follow, daemon=True).start()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            job = self._executor.submit(Call(fn), *args, **kwargs)
        except FailedJobError as error:
            raise UsageError(f"Slurm refuses the job: {' '.join(str(error).split())}.") from error
        with self._lock:
            self._jobs.append((job, future))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        while wait and self._jobs and not self._ended.is_set():
            time.sleep(self._look)
        self._ended.set()

    def withdraw(self) -> None:
        with self._lock:
            queued = [pair for pair in self._jobs if pair[0].state == "PENDING"]
            self._jobs = [pair for pair in self._jobs if pair not in queued]
        for job, future in queued:
            job.cancel(check=False)
            future.cancel()
            future.set_running_or_notify_cancel()  # tells those who wait for it

    def kill(self) -> None:
        self._ended.set()
        with self._lock:
            for job, _ in self._jobs:
                job.cancel(check=False)

    def _follow(self) -> None:
        while not self._ended.wait(self._look):
            with self._lock:
                jobs = list(self._jobs)
            ended = [(job, future) for job, future in jobs if job.done()]
            for job, future in ended:
                if future.cancelled():
                    continue
                _settle(job, future, self._here)
            with self._lock:
                self._jobs = [pair for pair in self._jobs if pair not in ended]


def _settle(job: submitit.Job[T], future: Future[T], here: bool) -> None:
    """Pass on how a job ended; ``here``: on this machine, so that its files are there at once."""
    log = job.paths.stderr
    died = LostWorkerError(
        f"its Slurm job {job.job_id} ended ({job.state}) without a result: {log}"
    )
    if here and not job.paths.result_pickle.exists():  # submitit would wait for it
        future.set_exception(died)
        return
    try:
        future.set_result(job.result())
    except UncompletedJobError:
        future.set_exception(died)
    except Exception as error:
        future.set_exception(error)
