"""Everything of runs as tidy CSV tables: one line a run, an evaluation, or a trial."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ..agents import AgentError
from ..envs import collect_trials
from .errors import UsageError
from .progress import Say
from .runs import Run, replacing
from .watching import first_seed

RUNS, EVALUATIONS, TRIALS = "runs", "evaluations", "trials"
TABLES = (RUNS, EVALUATIONS, TRIALS)
_ID = ("run", "agent", "env_id", "seed")  # what tables are joined by
_FIRST = {
    RUNS: (*_ID, "num_envs", "steps", "eval_every", "until", "cpu_limit", "preset"),
    EVALUATIONS: (
        *(*_ID, "timesteps", "episodes", "updates", "cpu_seconds", "wall_seconds"),
        *("score", "score_low", "score_high", "confirmed"),
    ),
    TRIALS: (*_ID, "column", "episode", "trial", "trial_steps", "trial_return", "episode_return"),
}
Line = dict[str, Any]


@dataclass(frozen=True)
class _Source:
    """A run and what names it in the tables."""

    run: Run
    id: Line


def export(
    folder: str | Path,
    out: str | Path,
    *,
    table: str | None = None,
    trials: int = 0,
    say: Say = print,
) -> list[Path]:
    """Write the runs in a folder as CSV: UTF-8, numbers in full precision, nothing for None.

    Columns have a fixed order: what names the run, the usual ones, then the rest by name. Nested
    values have dotted names (``options.learning_rate``, ``result.confirmed.value``), lists are
    JSON.

    Args:
        folder: a run, a comparison, a study, or any folder of these.
        out: a folder, which gets ``runs.csv``, ``evaluations.csv`` and, with trials,
            ``trials.csv``; or a file that ends with .csv, which gets one table.
        table: which one: ``runs`` (if not given), ``evaluations`` or ``trials`` (if there are any).
        trials: greedy trials to play with each run's best agent, on fresh seeds.
        say: where notes go.

    Returns:
        The files.

    Raises:
        UsageError: nothing to export, an unknown table, or a file that cannot be written.
    """
    if trials < 0:
        raise UsageError(f"trials={trials} must be 0 or more.")
    chosen = _files(Path(out), table, trials)
    sources = list(_sources(Path(folder), say))
    if not sources:
        raise UsageError(f"There is no run in {folder}: check the path.")
    once = cache(say)  # tables are gone through twice
    for name, path in chosen.items():
        lines = {
            RUNS: lambda: map(_run_line, sources),
            EVALUATIONS: lambda: (one for source in sources for one in _evaluations(source, once)),
            TRIALS: cache(lambda: list(_trials(sources, trials, say))),
        }[name]
        say(f"{path}: {_write(path, _FIRST[name], lines)} {name}")
    return list(chosen.values())


def _files(out: Path, table: str | None, trials: int) -> dict[str, Path]:
    if table is not None and table not in TABLES:
        raise UsageError(f"table={table!r} is not one of {', '.join(TABLES)}.")
    if table == TRIALS and not trials:
        raise UsageError("The table of trials needs trials: say how many with --trials.")
    if out.suffix.lower() == ".csv":
        return {table or (TRIALS if trials else RUNS): out}
    if table is not None:
        raise UsageError(f"One table goes to a file: --out {table}.csv, or leave out --table.")
    return {name: out / f"{name}.csv" for name in TABLES if name != TRIALS or trials}


def _sources(folder: Path, say: Say) -> Iterator[_Source]:
    """The runs in a folder, in the order of their paths; broken ones are told and left out."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}: check the path.")
    for place, folders, files in os.walk(folder):
        if "config.json" not in files:
            folders.sort()
            continue
        folders.clear()
        run = Run(place)
        relative = run.path.relative_to(folder).as_posix()
        name = run.path.resolve().name if relative == "." else relative
        try:
            config, _ = run.config, run.result
        except UsageError as error:
            say(f"left out: {error}")
            continue
        known = {key: getattr(config, key) for key in _ID if key != "run"}
        yield _Source(run, {"run": name, **known})


def _run_line(source: _Source) -> Line:
    config = source.run.read_json("config.json")
    return source.id | _flat(config) | _flat({"result": source.run.result or {}})


def _evaluations(source: _Source, say: Say) -> Iterator[Line]:
    """Records with their times; a killed run can lack the last time."""
    for record, times in zip_longest(
        _records(source.run.metrics, say), _records(source.run.timing, say), fillvalue={}
    ):
        if record:
            same = times.get("timesteps") == record.get("timesteps")
            yield source.id | _flat(record | (times if same else {}))


def _records(path: Path, say: Say) -> Iterator[Line]:
    """Whole lines of a JSONL file, one at a time; a broken one is told and empty."""
    try:
        with path.open("rb") as file:
            for i, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    yield _record(line, f"line {i} of {path}", say)
    except FileNotFoundError:
        return
    except OSError as error:
        say(f"left out: {path} cannot be read ({error.strerror}).")


def _record(line: bytes, place: str, say: Say) -> Line:
    try:
        record = json.loads(line.decode("utf-8"))
    except ValueError as error:
        record = error
    if isinstance(record, dict):
        return record
    say(f"left out: {place} is no record ({record}).")
    return {}


def _trials(sources: Iterable[_Source], n: int, say: Say) -> Iterator[Line]:
    without = 0
    for source in sources:
        config = source.run.config
        try:
            source.run.checkpoint()
        except UsageError:
            without += 1
            continue
        try:
            agent = source.run.agent()
        except AgentError as error:
            say(f"no trials: {error}")
            continue
        table = collect_trials(
            config.env_id.split(":")[-1],
            agent,
            n_trials=n,
            seed=first_seed(config.env_id),
            **config.env_kwargs,
        )
        columns = [values.tolist() for values in table.values()]
        for row in zip(*columns, strict=True):
            yield source.id | dict(zip(table, row, strict=True))
    if without:
        say(f"{without} runs have no checkpoint, so no trials")


def _write(path: Path, first: tuple[str, ...], lines: Callable[[], Iterable[Line]]) -> int:
    """Go through the lines for their columns, then again to write them; returns their number."""
    names: dict[str, None] = {}
    for line in lines():
        names.update(dict.fromkeys(line))
    columns = [*(n for n in first if n in names), *sorted(n for n in names if n not in first)]
    n = 0
    with replacing(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(map(_cell, columns))
        for line in lines():
            writer.writerow([_cell(line.get(name)) for name in columns])
            n += 1
    return n


def _flat(values: Any, prefix: str = "") -> Line:
    if not isinstance(values, dict):
        return {prefix: values}
    found: Line = {}
    for name, value in values.items():
        found |= _flat(value, f"{prefix}.{name}" if prefix else name)
    return found


def _cell(value: Any) -> Any:
    if isinstance(value, (bool, list)):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):  # bytes of a path that are no UTF-8 are spelled out
        return value.encode("utf-8", "backslashreplace").decode()
    return "" if value is None else value
