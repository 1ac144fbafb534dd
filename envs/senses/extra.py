"""The extra ``senses``: asked for where it is used, told of in one sentence where it is missing."""

from __future__ import annotations

from importlib.util import find_spec

from ..core.errors import TaskError

_NAMES = {"skimage": "scikit-image", "torch": "PyTorch"}


def need(module: str, purpose: str) -> None:
    """Raise TaskError if a module of the extra is not installed."""
    if find_spec(module) is None:
        raise TaskError(
            f"{purpose} needs {_NAMES[module]}, which is not installed; run pip install "
            '"caudate[senses]".'
        )
