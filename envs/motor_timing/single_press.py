"""What tasks share in which one press is to be made in time."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.response import Response

Array = npt.NDArray[Any]

PRESS_REWARDS: Mapping[str, float] = MappingProxyType(
    {"correct": 1.0, "error": 0.0, "fixation_break": -0.1}
)
#: Row codes: before Set, and from Set on.
WAIT, PRODUCE = 1, 2
_OPEN, _BROKEN, _PRESSED, _PRESSED_BROKEN = range(4)


def press_response(earns: Mapping[str, float], *, abort: bool) -> Response:
    """The first press from Set on ends the trial and is timed; one before costs once a trial.

    The press's reward runs from ``error`` to ``correct`` with the row's value, which is 1 at the
    target and falls to 0.

    Args:
        earns: rewards ``correct``, ``error`` and ``fixation_break``.
        abort: whether a press before Set ends the trial.
    """
    facts = {
        "correct": np.zeros(4, dtype=np.int64),  # known only with the time: see tell_press
        "choice": np.array([0, 0, 1, 1]),
        "fixation_break": np.array([0, 1, 0, 1]),
    }
    response = Response(codes=3, states=4, actions=2, facts=facts)
    response.rule(WAIT, _OPEN, 1, to=_BROKEN, reward=earns["fixation_break"], ends=abort)
    base, gain = earns["error"], earns["correct"] - earns["error"]
    for state, pressed in ((_OPEN, _PRESSED), (_BROKEN, _PRESSED_BROKEN)):
        response.rule(PRODUCE, state, 1, to=pressed, reward=base, gain=gain, ends=True, stamp=True)
    return response


def tell_press(facts: dict[str, Array], allowed_ms: Array) -> None:
    """Fill in what follows from the time of the press and from its target.

    Args:
        facts: (k,) each; ``t_prod_ms``, ``error_ms``, ``correct``, ``early`` and ``late`` are
            changed in place. No press at all is late.
        allowed_ms: (k,) largest error of a correct press.
    """
    error, correct, early = facts["error_ms"], facts["correct"], facts["early"]
    facts["t_prod_ms"][:] = facts["rt"]
    np.subtract(facts["rt"], facts["t_target_ms"], out=error)
    correct[:] = np.abs(error) <= allowed_ms
    early[:] = error < -allowed_ms
    facts["late"][:] = 1 - correct - early


def broken_is_not_late(facts: dict[str, Array]) -> None:
    """Take back that no press is late where a fixation break has ended the trial."""
    facts["late"][np.isnan(facts["error_ms"]) & (facts["fixation_break"] == 1)] = 0
