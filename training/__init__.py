"""Experiments: training runs, evaluation, comparisons, figures and the command line.

Everything that the command line does is a function here:

>>> from caudate.training import preset
>>> preset("eprop", "Acrobot-v1")  # nothing beyond the defaults
{}
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .errors import UsageError

if TYPE_CHECKING:
    from .comparison import compare
    from .evaluation import evaluate
    from .presets import preset
    from .reporting import make_report
    from .reproduction import reproduce
    from .trainer import RunResult, resume, train
    from .tuning import tune

__all__ = [
    "RunResult",
    "UsageError",
    "compare",
    "evaluate",
    "make_report",
    "preset",
    "reproduce",
    "resume",
    "train",
    "tune",
]

# Loaded when asked for, so that the command line starts quickly. No module has the name of a
# function: importing a submodule would put the module in the function's place.
_HOMES = {
    "RunResult": "trainer",
    "compare": "comparison",
    "evaluate": "evaluation",
    "make_report": "reporting",
    "preset": "presets",
    "reproduce": "reproduction",
    "resume": "trainer",
    "train": "trainer",
    "tune": "tuning",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
