"""Reproductions of papers: experiments, claims with tolerances, and whether they hold.

A paper (:class:`Paper`) is a tuple of experiments; each measures something, once, and turns the
result into claims and figures. Results are kept as JSON, so that a command that was interrupted, or
is run again to draw or to write the documentation, repeats nothing that is finished.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .docs_page import replace_section
from .errors import UsageError, nearest
from .progress import Say
from .runs import check_writable, write_json


@dataclass(frozen=True)
class Claim:
    """One row of a paper's table."""

    text: str
    expected: str
    measured: str
    passed: bool


@dataclass(frozen=True)
class Experiment:
    """One measurement and what it says.

    Attributes:
        name: short, for ``--only`` and file names.
        title: what it is about.
        measure: ``measure(quick)`` -> JSON-able result; the slow part.
        claims: result -> claims.
        draw: result and folder -> pictures written there.
        settings: what decides the result beside the code; a change makes old results void.
    """

    name: str
    title: str
    measure: Callable[[bool], dict[str, Any]]
    claims: Callable[[dict[str, Any]], list[Claim]]
    draw: Callable[[dict[str, Any], Path], list[Path]] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Paper:
    """A paper and the experiments that stand for it.

    Attributes:
        name: on the command line, author and year.
        title: what the reproduction shows.
        reference: authors, year, title, DOI.
        budget_minutes: CPU time that all experiments together may take.
        experiments: in the order of the table.
    """

    name: str
    title: str
    reference: str
    budget_minutes: float
    experiments: tuple[Experiment, ...]

    def chosen(self, only: Sequence[str]) -> list[Experiment]:
        """The named experiments, all of them if none is named.

        Raises:
            UsageError: a name that the paper does not have, with the nearest one.
        """
        known = [experiment.name for experiment in self.experiments]
        for name in only:
            if name not in known:
                raise UsageError(
                    f"Paper {self.name!r} has no experiment {name!r}: {nearest(name, known)}"
                )
        return [e for e in self.experiments if not only or e.name in only]


@dataclass(frozen=True)
class Finished:
    """One experiment with its result."""

    experiment: Experiment
    claims: list[Claim]
    cpu_seconds: float
    figures: list[Path]


@dataclass(frozen=True)
class Reproduction:
    """What :func:`reproduce` returns.

    Attributes:
        path: folder of results and figures.
        finished: the experiments, in the paper's order.
    """

    paper: Paper
    path: Path
    finished: list[Finished]

    @property
    def claims(self) -> list[Claim]:
        return [claim for one in self.finished for claim in one.claims]

    @property
    def cpu_seconds(self) -> float:
        """Of all experiments, when they were measured."""
        return sum(one.cpu_seconds for one in self.finished)

    @property
    def passed(self) -> bool:
        return all(claim.passed for claim in self.claims)


def reproduce(
    paper: str | Paper,
    *,
    out: str | Path = "runs",
    docs: str | Path | None = None,
    json_file: str | Path | None = None,
    only: Sequence[str] = (),
    quick: bool = False,
    fresh: bool = False,
    say: Say = print,
) -> Reproduction:
    """Measure what is not measured yet, draw, and print the claims beside what came out.

    Args:
        paper: a name from :func:`~.reproductions.paper_names`, or a paper of one's own.
        out: folder in which the paper has its folder, ``reproduce-<paper>``.
        docs: folder for figures that the documentation keeps; the page beside it that has the
            folder's name gets the tables.
        json_file: where claims and times are written too.
        only: names of experiments, all if none is given.
        quick: smaller experiments, for a look; tolerances may fail.
        fresh: measure again what was measured before.
        say: where messages go.

    Raises:
        UsageError: an unknown paper or experiment, or a folder that cannot be written.
    """
    from .reproductions import load_paper

    found = load_paper(paper) if isinstance(paper, str) else paper
    chosen = found.chosen(only)
    if docs is not None and (only or quick):
        raise UsageError("The documentation gets whole reproductions: leave out only and quick.")
    folder = Path(out) / f"reproduce-{found.name}{'-quick' if quick else ''}"
    check_writable(json_file, folder / "figures" / "x.png")
    say(f"{found.reference}")
    if quick:
        say("quick: smaller experiments, tolerances may fail")
    finished = []
    for experiment in chosen:
        result, seconds = _measured(experiment, folder, quick, fresh, say)
        figures = experiment.draw(result, folder / "figures") if experiment.draw else []
        finished.append(Finished(experiment, experiment.claims(result), seconds, figures))
    reproduction = Reproduction(found, folder, finished)
    _print(reproduction, say)
    if json_file is not None:
        write_json(Path(json_file), _as_json(reproduction))
    if docs is not None:
        _write_docs(reproduction, Path(docs))
    return reproduction


def _measured(
    experiment: Experiment, folder: Path, quick: bool, fresh: bool, say: Say
) -> tuple[dict[str, Any], float]:
    """Result and CPU-seconds of an experiment, from its file if that is of the same settings."""
    path = folder / f"{experiment.name}.json"
    key = _key(experiment, quick)
    if not fresh and path.is_file():
        try:
            stored = json.loads(path.read_text("utf-8"))
            if stored["key"] == key:
                say(f"{experiment.name}: measured before, {stored['cpu_seconds']:.1f} CPU-s")
                return stored["result"], stored["cpu_seconds"]
        except (ValueError, KeyError, TypeError):
            say(f"{experiment.name}: {path} cannot be read, measured again")
    say(f"{experiment.name}: {experiment.title} ...")
    start = time.process_time()
    result = experiment.measure(quick)
    seconds = time.process_time() - start
    write_json(path, {"key": key, "cpu_seconds": seconds, "result": result})
    say(f"{experiment.name}: {seconds:.1f} CPU-s")
    # Read again: what is stored and what was measured must look the same.
    return json.loads(path.read_text("utf-8"))["result"], seconds


def _key(experiment: Experiment, quick: bool) -> str:
    content = {
        "settings": dict(experiment.settings),
        "quick": quick,
        "version": version("caudate"),
    }
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _print(reproduction: Reproduction, say: Say) -> None:
    for one in reproduction.finished:
        say(f"\n{one.experiment.title}")
        for claim in one.claims:
            say(f"  {'pass' if claim.passed else 'FAIL'}  {claim.text}")
            say(f"        expected {claim.expected}; measured {claim.measured}")
    failed = sum(not claim.passed for claim in reproduction.claims)
    total, minutes = len(reproduction.claims), reproduction.cpu_seconds / 60
    say(
        f"\n{total - failed} of {total} claims hold; {minutes:.1f} CPU-minutes of "
        f"{reproduction.paper.budget_minutes:g}; figures in {reproduction.path / 'figures'}"
    )


def _as_json(reproduction: Reproduction) -> dict[str, Any]:
    return {
        "paper": reproduction.paper.name,
        "passed": reproduction.passed,
        "cpu_seconds": reproduction.cpu_seconds,
        "experiments": [
            {
                "name": one.experiment.name,
                "cpu_seconds": one.cpu_seconds,
                "claims": [asdict(claim) for claim in one.claims],
                "figures": [str(figure) for figure in one.figures],
            }
            for one in reproduction.finished
        ],
    }


def _write_docs(reproduction: Reproduction, folder: Path) -> None:
    """Tables and figures of a paper, on the page that has the folder's name."""
    paper, page = reproduction.paper, folder.with_name(f"{folder.name}.md")
    check_writable(folder / "x.png", page)
    minutes = reproduction.cpu_seconds / 60
    parts = [
        f"## {paper.title}",
        f"{paper.reference}.",
        f"Made by `caudate reproduce {paper.name} --docs {folder.as_posix()}` in {minutes:.1f} "
        "minutes of CPU time.",
    ]
    for one in reproduction.finished:
        parts.append(f"### {one.experiment.title}")
        rows = [
            "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
            for cells in (
                (c.text, c.expected, c.measured, "pass" if c.passed else "**fail**")
                for c in one.claims
            )
        ]
        parts.append("\n".join(["| claim | expected | measured | |", "|---|---|---|---|", *rows]))
        for figure in one.figures:
            copy = folder / f"{paper.name}-{figure.name}"
            shutil.copyfile(figure, copy)
            parts.append(f"![{one.experiment.title}]({folder.name}/{copy.name})")
    replace_section(page, paper.name, "\n\n".join(parts), title="Reproductions")
