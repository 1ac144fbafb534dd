"""Kernels of the spiking network: NumPy is the reference, numba (extra ``fast``) the fast twin."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

from ..errors import AgentError
from .spiking_numpy import SpikingConstants

__all__ = ["KERNELS", "SpikingConstants", "spiking_kernels", "trace_kernels"]

KERNELS = ("auto", "numpy", "numba")


@cache
def spiking_kernels(name: str = "auto") -> tuple[Callable, Callable]:
    """(forward, backward) of the named kernel; ``auto`` takes numba where it is installed."""
    if _takes_numba(name):
        from .spiking_numba import backward, forward
    else:
        from .spiking_numpy import backward, forward
    return forward, backward


@cache
def trace_kernels(name: str = "auto") -> tuple[Callable, Callable, Callable]:
    """(advance, assign_credit, collect) of traces carried forward, by the same names."""
    if _takes_numba(name):
        from .traces_numba import advance, assign_credit, collect
    else:
        from .traces_numpy import advance, assign_credit, collect
    return advance, assign_credit, collect


def _takes_numba(name: str) -> bool:
    if name not in KERNELS:
        raise AgentError(f"kernel={name!r} is unknown: choose one of {', '.join(KERNELS)}.")
    have_numba = find_spec("numba") is not None
    if name == "numba" and not have_numba:
        raise AgentError('kernel="numba" needs numba: pip install "caudate[fast]".')
    return name != "numpy" and have_numba
