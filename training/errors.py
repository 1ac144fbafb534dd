"""What a user of the experiments can get wrong."""

import difflib
from collections.abc import Iterable


class UsageError(ValueError):
    """A user's mistake: one sentence that names the value, what is allowed and what to do."""


def nearest(name: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?`` or the list of what there is, to end a sentence with."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(known)}."
