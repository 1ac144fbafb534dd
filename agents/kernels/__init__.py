"""Kernels of the networks: NumPy is the reference, numba (extra ``fast``) the fast twin."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

from ..errors import AgentError
from .spiking_numpy import SpikingConstants

__all__ = [
    "KERNELS",
    "SpikingConstants",
    "rate_kernels",
    "spiking_kernels",
    "timing_kernel",
    "trace_kernels",
]

KERNELS = ("auto", "numpy", "numba")
FEW_COLUMNS = 8  # up to which a compiled loop beats NumPy's products for rate units


@cache
def spiking_kernels(name: str = "auto") -> tuple[Callable, Callable]:
    """(forward, backward) of the named kernel; ``auto`` takes numba where it is installed."""
    if _numba(name):
        from .spiking_numba import backward, forward
    else:
        from .spiking_numpy import backward, forward
    return forward, backward


@cache
def trace_kernels(name: str = "auto") -> tuple[Callable, Callable, Callable]:
    """(advance, assign_credit, collect) of traces carried forward, by the same names."""
    if _numba(name):
        from .traces_numba import advance, assign_credit, collect
    else:
        from .traces_numpy import advance, assign_credit, collect
    return advance, assign_credit, collect


@cache
def rate_kernels(name: str = "auto", few: bool = False) -> tuple[Callable, Callable]:
    """(forward, adjoint) of rate units; ``auto`` takes numba for ``few`` columns alone."""
    if _numba(name) and (few or name == "numba"):
        from .rate_numba import adjoint, forward
    else:
        from .rate_numpy import adjoint, forward
    return forward, adjoint


@cache
def timing_kernel(name: str = "auto") -> Callable:
    """``run`` of circuits with conductances, by the same names."""
    if _numba(name):
        from .timing_numba import run
    else:
        from .timing_numpy import run
    return run


def _numba(name: str) -> bool:
    """Whether the named kernel is numba's.

    Raises:
        AgentError: an unknown name, or numba asked for where it is not installed.
    """
    if name not in KERNELS:
        raise AgentError(f"kernel={name!r} is unknown: choose one of {', '.join(KERNELS)}.")
    installed = find_spec("numba") is not None
    if name == "numba" and not installed:
        raise AgentError('kernel="numba" needs numba: pip install "caudate[fast]".')
    return installed and name != "numpy"
