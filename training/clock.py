"""Measuring speed in CPU time, with one numerical thread."""

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
    """How much was done in a CPU-second, over the repeats of a measurement."""

    best: float
    median: float


def measure(work: Callable[[], float], seconds: float, repeats: int) -> Rate:
    """Rate of ``work``, which does some and returns how much, called until the time is over.

    Args:
        work: called again and again.
        seconds: process time of one repeat, at least one call.
        repeats: how often.
    """
    rates = []
    for _ in range(repeats):
        done, spent = 0.0, 0.0
        start = time.process_time()
        while done == 0 or spent < seconds:
            done += work()
            spent = time.process_time() - start
        rates.append(done / max(spent, 1e-9))
    return Rate(max(rates), float(np.median(rates)))


@contextlib.contextmanager
def one_thread() -> Iterator[str]:
    """One numerical thread where that can be set from here; yields how it is so."""
    if find_spec("threadpoolctl") is not None:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            yield "one thread (threadpoolctl)"
        return
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    known = [f"{name}={os.environ[name]}" for name in names if name in os.environ]
    yield f"threads as the environment says ({', '.join(known) or 'not limited'})"
