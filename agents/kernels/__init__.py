"""Kernels of the spiking network: NumPy is the reference, numba (extra ``fast``) the fast twin."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

from ..errors import AgentError
from .spiking_numpy import SpikingConstants

__all__ = ["KERNELS", "SpikingConstants", "spiking_kernels"]

KERNELS = ("auto", "numpy", "numba")


@cache
def spiking_kernels(name: str = "auto") -> tuple[Callable, Callable]:
    """(forward, backward) of the named kernel; ``auto`` takes numba where it is installed."""
    if name not in KERNELS:
        raise AgentError(f"kernel={name!r} is unknown: choose one of {', '.join(KERNELS)}.")
    have_numba = find_spec("numba") is not None
    if name == "numba" and not have_numba:
        raise AgentError('kernel="numba" needs numba: pip install "caudate[fast]".')
    if name == "numpy" or not have_numba:
        from .spiking_numpy import backward, forward
    else:
        from .spiking_numba import backward, forward
    return forward, backward
