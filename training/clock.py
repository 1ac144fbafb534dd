"""Measuring speed with a number of numerical threads that is known."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np


@dataclass(frozen=True)
class Rate:
    """How much was done in a second, over the repeats of a measurement."""

    best: float
    median: float


def measure(
    work: Callable[[], float],
    seconds: float,
    repeats: int,
    clock: Callable[[], float] = time.process_time,
) -> Rate:
    """Rate of ``work``, which does some and returns how much, called until the time is over.

    Args:
        work: called again and again.
        seconds: of one repeat, at least one call.
        repeats: how often.
        clock: CPU time, or ``time.perf_counter`` where several threads share the work.
    """
    rates = []
    for _ in range(repeats):
        done, spent = 0.0, 0.0
        start = clock()
        while done == 0 or spent < seconds:
            done += work()
            spent = clock() - start
        rates.append(done / max(spent, 1e-9))
    return Rate(max(rates), float(np.median(rates)))


def threads_can_be_set() -> bool:
    """Whether the number of numerical threads can be changed from here."""
    return find_spec("threadpoolctl") is not None


@contextlib.contextmanager
def numerical_threads(number: int) -> Iterator[str]:
    """So many numerical threads where that can be set from here; yields how it is so."""
    if threads_can_be_set():
        from threadpoolctl import threadpool_limits

        with threadpool_limits(number):
            yield f"{'one thread' if number == 1 else f'{number} threads'} (threadpoolctl)"
        return
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    known = [f"{name}={os.environ[name]}" for name in names if name in os.environ]
    yield f"threads as the environment says ({', '.join(known) or 'not limited'})"


def one_thread() -> contextlib.AbstractContextManager[str]:
    return numerical_threads(1)
