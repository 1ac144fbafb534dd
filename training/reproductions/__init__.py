"""Papers whose results this library reproduces, one module or package each."""

from __future__ import annotations

import importlib

from ..errors import UsageError, nearest
from ..reproduction import Paper

#: Name -> ``module:attribute`` in this package, imported when it is asked for.
_PAPERS = {
    "baldi1991": "baldi1991:PAPER",
    "bellec2020": "bellec2020:PAPER",
    "buonomano2005": "buonomano2005:PAPER",
    "leibo2018": "leibo2018:PAPER",
    "miconi2017": "miconi2017:PAPER",
    "murray2019": "murray2019:PAPER",
    "piray2021": "piray2021:PAPER",
    "sathasivam2009": "sathasivam2009:PAPER",
    "zuge2023": "zuge2023:PAPER",
}


def paper_names() -> list[str]:
    """Names that ``caudate reproduce`` knows."""
    return sorted(_PAPERS)


def load_paper(name: str) -> Paper:
    """The paper of that name.

    Raises:
        UsageError: an unknown name, with the nearest one.
    """
    if name not in _PAPERS:
        raise UsageError(f"Paper {name!r} is unknown: {nearest(name, _PAPERS)}")
    module, attribute = _PAPERS[name].split(":")
    return getattr(importlib.import_module(f".{module}", __name__), attribute)
