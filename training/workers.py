"""Training runs on the local cores: one process a run, one numerical thread a process."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from .interrupts import interrupts
from .wandb_log import OFF, WandbSettings

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Job:
    """One training run.

    Attributes:
        path: its folder.
        arguments: keyword arguments of ``train``, without out and name.
        resume: go on with the run in the folder instead of starting it.
        wandb: where it is logged.
    """

    path: Path
    arguments: dict[str, Any]
    resume: bool = False
    wandb: WandbSettings = OFF


@dataclass(frozen=True)
class Report:
    """How a job ended: ``error`` is the reason why it failed, None if it did not."""

    job: Job
    error: str | None = None
    warnings: tuple[str, ...] = ()
    interrupted: bool = False


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_jobs(jobs: Sequence[Job], n_workers: int, ended: Callable[[Report], None]) -> bool:
    """Run all jobs, ``n_workers`` at a time; a job that fails or is killed leaves the others alone.

    Args:
        jobs: what to run, in this order.
        n_workers: processes at a time.
        ended: called with the report of each job.

    Returns:
        Whether all jobs were started; False after Ctrl-C, when running jobs have saved themselves.
    """
    waiting = list(reversed(jobs))
    running: dict[Connection, tuple[Job, BaseProcess]] = {}
    stopped = False
    with one_thread(), interrupts() as interrupted, _stopped_with_us(running):
        while running or (waiting and not stopped):
            stopped = interrupted()
            while waiting and len(running) < n_workers and not stopped:
                job = waiting.pop()
                connection, process = _start(job)
                running[connection] = (job, process)
            for connection in wait(list(running), timeout=0.2):
                assert isinstance(connection, Connection)
                job, process = running.pop(connection)
                ended(_collect(job, process, connection))
    return not stopped


@contextlib.contextmanager
def _stopped_with_us(running: dict[Connection, tuple[Job, BaseProcess]]) -> Iterator[None]:
    """Leave no process behind when a second Ctrl-C ends this one."""
    try:
        yield
    finally:
        for _, process in running.values():
            process.terminate()


def _start(job: Job) -> tuple[Connection, BaseProcess]:
    # A forked child would keep the parent's thread settings and half of its locks.
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(job, sender))
    hold_interrupts(True)  # the child inherits this and is safe until it is ready
    try:
        process.start()
    finally:
        hold_interrupts(False)
    sender.close()
    return receiver, process


def _collect(job: Job, process: BaseProcess, connection: Connection) -> Report:
    try:
        report = connection.recv()
    except EOFError:
        process.join()
        report = Report(job, f"its process died with exit code {process.exitcode}")
    process.join()
    connection.close()
    return report


def _work(job: Job, sender: Connection) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        error, interrupted = _try(job)
    messages = dict.fromkeys(str(warning.message) for warning in caught)
    with contextlib.suppress(BrokenPipeError):  # nobody waits for the report any more
        sender.send(Report(job, error, tuple(messages), interrupted))


def _try(job: Job) -> tuple[str | None, bool]:
    try:
        hold_interrupts(False)
        from .trainer import resume, train

        if job.resume:
            done = resume(job.path, wandb=job.wandb, progress=False, say=_silent)
        else:
            done = train(
                **job.arguments,
                out=job.path.parent,
                name=job.path.name,
                overwrite=True,
                wandb=job.wandb,
                progress=False,
                say=_silent,
            )
    except KeyboardInterrupt:  # before training began, or a second one
        return None, True
    except Exception as error:
        lines = str(error).strip().splitlines()
        message = lines[0] if lines else "no message"
        users = isinstance(error, ValueError) and type(error).__module__.startswith("caudate")
        return message if users else f"{type(error).__name__}: {message}", False
    return None, done.interrupted


def hold_interrupts(hold: bool) -> None:
    """Let a Ctrl-C wait, where the system can do that."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK if hold else signal.SIG_UNBLOCK, {signal.SIGINT})


def _silent(text: str) -> None:
    pass


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Children read these when they load their numerical libraries."""
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
