"""Where runs are done: on this machine's cores, a Dask cluster or a Slurm queue."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..errors import UsageError, nearest
from .base import Engine, LostWorkerError
from .slurm_options import SlurmOptions

__all__ = ["ENGINES", "Engine", "EngineSettings", "LostWorkerError", "SlurmOptions", "cores"]

#: Engines, and the package that each needs beyond the core.
ENGINES = {"local": None, "dask": "distributed", "slurm": "submitit"}
_SLURM_JOBS = 1000  # in the queue at a time


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class EngineSettings:
    """Which engine, and how it works.

    Attributes:
        name: ``local``, ``dask`` or ``slurm``.
        jobs: runs at a time; None: the number of cores, the workers of the cluster, or what the
            queue lets through.
        retries: how often a run whose worker died is gone on with; None: 0 (local), 3 (dask),
            1 (slurm).
        cluster: address of a Dask scheduler; None: workers on this machine.
        slurm: KEY=VALUE, see :class:`.SlurmOptions`.
    """

    name: str = "local"
    jobs: int | None = None
    retries: int | None = None
    cluster: str | None = None
    slurm: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise UsageError for an unknown engine, one that is not installed, wrong options."""
        if self.name not in ENGINES:
            raise UsageError(f"--engine {self.name} is unknown: {nearest(self.name, ENGINES)}")
        for option, least in (("jobs", 1), ("retries", 0)):
            value = getattr(self, option)
            if value is not None and value < least:
                raise UsageError(f"{option}={value} must be {least} or more.")
        if self.cluster is not None and self.name != "dask":
            raise UsageError(f"--cluster is for --engine dask, not {self.name}: leave it out.")
        if self.cluster is not None and self.retries is not None:
            raise UsageError(
                "--retries cannot be set with --cluster: it is the scheduler's own setting, "
                "distributed.scheduler.allowed-failures."
            )
        if self.slurm and self.name != "slurm":
            raise UsageError(f"--slurm is for --engine slurm, not {self.name}: leave it out.")
        SlurmOptions.of(self.slurm)
        package = ENGINES[self.name]
        if package is not None and find_spec(package) is None:
            raise UsageError(
                f'--engine {self.name} needs {package}: pip install "caudate[distributed]".'
            )

    def make(self, folder: Path) -> Engine:
        """The engine, with its workers; ``folder`` is for files of its own.

        Raises:
            UsageError: no scheduler answers, or its workers cannot be used.
        """
        if self.name == "dask":
            from .dask_cluster import DaskEngine

            jobs = self.jobs or (cores() if self.cluster is None else None)
            return DaskEngine(jobs, self.retries, self.cluster)
        if self.name == "slurm":
            from .slurm import SlurmEngine

            options = SlurmOptions.of(self.slurm)
            retries = 1 if self.retries is None else self.retries
            return SlurmEngine(self.jobs or _SLURM_JOBS, folder / "slurm", options, retries)
        from .local import LocalEngine

        return LocalEngine(self.jobs or cores(), self.retries or 0)
