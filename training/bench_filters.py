"""Speed of the filters: trials per CPU-second, of one subject and of many in a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..agents.filters import FILTERS, Filter
from .bench_table import Columns, made_on
from .clock import Rate, measure, one_thread
from .docs_page import replace_section
from .errors import UsageError, nearest
from .progress import Say
from .runs import check_writable, write_json

SUBJECTS = 1000
ARMS = 2
#: A batch has fewer subjects where its state would be larger than so many bytes.
STATE_LIMIT = 2**28
_PREPARED = 100  # trials drawn ahead


@dataclass(frozen=True)
class FilterSpeed:
    """One filter with two arms, of which one is seen a trial.

    Attributes:
        name: of the filter.
        single: trials per CPU-second of one subject.
        batch: trials times subjects per CPU-second of a batch of ``subjects``.
        subjects: 1,000, or as many as keep the state within 256 MB.
        state_bytes: of one subject.
    """

    name: str
    single: Rate
    batch: Rate
    subjects: int
    state_bytes: int


COLUMNS: Columns[FilterSpeed] = Columns(
    (
        ("filter", 24, lambda one: one.name),
        ("one subject", 16, lambda one: _rate(one.single)),
        ("batch", 24, lambda one: _rate(one.batch)),
        ("subjects", 10, lambda one: f"{one.subjects:,}"),
        ("ns", 12, lambda one: f"{1e9 / one.batch.best:,.0f}"),
        ("state, bytes", 14, lambda one: f"{one.state_bytes:,}"),
    )
)


def bench_filters(
    filters: Sequence[str] | None = None,
    *,
    seconds: float = 1.0,
    repeats: int = 3,
    json_file: str | Path | None = None,
    docs: str | Path | None = None,
    say: Say = print,
) -> list[FilterSpeed]:
    """Measure filters with their default parameters: the belief's mean, then an update.

    Args:
        filters: names, all if not given.
        seconds: CPU time of one repeat.
        repeats: of each measurement.
        json_file: also write the result here.
        docs: also write the filters' section of the page ``speed.md`` in this folder.
        say: where the table goes.

    Raises:
        UsageError: unknown names, no time or no repeats.
    """
    names = list(filters) if filters else list(FILTERS)
    for name in names:
        if name not in FILTERS:
            raise UsageError(f"Filter {name!r} is unknown: {nearest(name, FILTERS)}")
    if repeats < 1 or seconds <= 0:
        raise UsageError(f"repeats={repeats} must be 1 or more and seconds={seconds} above 0.")
    page = None if docs is None else Path(docs) / "speed.md"
    check_writable(json_file, page)
    say("trials (times subjects) per CPU-second: best of the repeats (median)")
    say(COLUMNS.heading)
    found = []
    with one_thread():
        for name in names:
            found.append(_bench(name, seconds, repeats))
            say(COLUMNS.line(found[-1]))
    if json_file is not None:
        write_json(Path(json_file), [asdict(speed) for speed in found])
    if page is not None:
        replace_section(page, "bench-filters", _section(found, seconds, repeats), title="Speed")
    return found


def _bench(name: str, seconds: float, repeats: int) -> FilterSpeed:
    learner = FILTERS[name]()
    size = sum(part.nbytes for part in learner.begin(1, ARMS))
    subjects = max(1, min(SUBJECTS, STATE_LIMIT // size))

    def rate(n: int) -> Rate:
        work = _watcher(learner, n)
        work()  # what the first trials prepare is not counted
        return measure(work, seconds, repeats)

    return FilterSpeed(name, rate(1), rate(subjects), subjects, size)


def _watcher(learner: Filter, n: int) -> Callable[[], float]:
    """A function that goes on with ``n`` subjects by a few trials and counts them."""
    rng = np.random.default_rng(0)
    outcomes = rng.integers(0, 2, (_PREPARED, n, ARMS)).astype(float)
    seen = rng.integers(0, ARMS, (_PREPARED, n, 1)) == np.arange(ARMS)
    state = learner.begin(n, ARMS)
    block = 10 if n == 1 else 1
    position = 0

    def work() -> float:
        nonlocal state, position
        for _ in range(block):
            learner.mean(state)
            state, _ = learner.update(state, outcomes[position], seen[position])
            position = (position + 1) % _PREPARED
        return float(block * n)

    return work


def _rate(rate: Rate) -> str:
    return f"{rate.best:,.0f} ({rate.median:,.0f})"


def _section(found: Sequence[FilterSpeed], seconds: float, repeats: int) -> str:
    return f"""## Filters

Made by `caudate bench filters --seconds {seconds:g} --docs docs`. Trials per
CPU-second on one thread, of a batch trials times subjects: the best of {repeats} repeats, in
brackets their median. A trial is the belief's mean and an update, two arms of which one is
seen, default parameters. *ns* is the time of a trial and subject in the batch. Batches have
{SUBJECTS:,} subjects, or as many as keep the state within {STATE_LIMIT // 2**20} MB;
alone, a subject pays for NumPy's calls.

{made_on("NumPy")}

{COLUMNS.markdown(found)}"""
