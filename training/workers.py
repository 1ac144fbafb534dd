"""Jobs on an engine's workers: handed out, handed out again, collected, told to stop."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from pathlib import Path

from .engines import EngineSettings, LostWorkerError
from .engines.base import one_thread
from .interrupts import interrupts
from .jobs import Job, Report, reason, work
from .runs import Run

_TICK = 0.2  # seconds
_SHARED = 10.0  # seconds until what other machines write is seen here


def run_jobs(
    jobs: Sequence[Job],
    settings: EngineSettings,
    folder: Path,
    ended: Callable[[Report], None],
    look: Callable[[list[Job]], None] = lambda running: None,
) -> bool:
    """Run all jobs on an engine; a job that fails or is killed leaves the others alone.

    Args:
        jobs: what to run, in this order.
        settings: the engine.
        folder: on a file system that all workers share.
        ended: called with the report of each job.
        look: called now and then with the jobs that workers have.

    Returns:
        Whether all jobs came to their end; False after Ctrl-C, when running ones have saved
        themselves.

    Raises:
        UsageError: the engine's workers cannot be used.
    """
    if not jobs:
        return True
    waiting, lost = deque(jobs), Counter[Path]()
    running: dict[Future[Report], Job] = {}
    stopped = cut = False
    with (
        one_thread(),
        interrupts() as interrupted,
        _marker(folder) as stop,
        settings.make(folder) as engine,
    ):
        while running or (waiting and not stopped):
            if interrupted() and not stopped:
                stopped = True
                stop.touch()
                engine.withdraw()
            while waiting and len(running) < engine.slots and not stopped:
                job = waiting.popleft()
                placed = replace(job, path=job.path.absolute())
                running[engine.submit(work, placed, stop)] = job
            look(list(running.values()))
            for future in wait(running, _TICK, FIRST_COMPLETED).done:
                job = running.pop(future)
                lost[job.path] += _died(future)
                if _died(future) and lost[job.path] <= engine.retries and not stopped:
                    waiting.appendleft(job)
                else:
                    report = _report(job, future)
                    cut = cut or report.interrupted
                    ended(report)
    return not (waiting or cut)


def _died(future: Future[Report]) -> bool:
    return not future.cancelled() and isinstance(future.exception(), LostWorkerError)


def _report(job: Job, future: Future[Report]) -> Report:
    if future.cancelled():
        return Report(job, interrupted=True)
    error = future.exception()
    if error is not None:
        return Report(job, str(error) if isinstance(error, LostWorkerError) else reason(error))
    report = replace(future.result(), job=job)
    if report.error is None and not report.interrupted and not _seen(job.path):
        report = replace(
            report,
            error=f"its worker has finished it, but there is no {job.path / 'result.json'} here: "
            "workers need a file system that they share with this machine",
        )
    return report


def _seen(path: Path) -> bool:
    """Whether a run is finished as this machine sees it; shared file systems take their time."""
    until = time.monotonic() + _SHARED
    while Run(path).result is None:
        if time.monotonic() > until:
            return False
        time.sleep(_TICK)
    return True


@contextlib.contextmanager
def _marker(folder: Path) -> Iterator[Path]:
    """A file that is not there: when it appears, this call's runs save themselves and end."""
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder.absolute() / f".stop-{uuid.uuid4().hex}"
    try:
        yield marker
    except BaseException:
        marker.touch()  # it stays for workers that are out of reach
        raise
    marker.unlink(missing_ok=True)
