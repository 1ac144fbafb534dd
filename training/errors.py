"""What a user of the experiments can get wrong."""

import difflib
import math
from collections.abc import Iterable


class UsageError(ValueError):
    """A user's mistake: one sentence that names the value, what is allowed and what to do."""


def nearest(name: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?`` or the list of what there is, to end a sentence with."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(known)}."


def positive(name: str, value: int) -> int:
    """A count of one or more.

    Raises:
        UsageError: it is less.
    """
    if not 1 <= value < math.inf:
        raise UsageError(f"{name}={value} must be 1 or more.")
    return int(value)


def number(name: str, value: float | None, above: float = -math.inf) -> float | None:
    """A finite number above ``above``; None stays None.

    Raises:
        UsageError: it is none of these.
    """
    if value is not None and not above < value < math.inf:
        raise UsageError(
            f"{name}={value} must be a number" + (f" above {above:g}." if above >= 0 else ".")
        )
    return value
