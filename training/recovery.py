"""How far fits of trial-level models can be trusted: parameters and models found again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..agents.fitting import confusion, recover
from .errors import UsageError, nearest
from .recovery_studies import DESIGNS, STUDIES, Findings, make_model, ranges_of, ridge
from .recovery_table import content, text, write_page
from .runs import check_writable, write_json

Say = Callable[[str], None]


def recover_models(
    *,
    subjects: int = 100,
    trials: int = 300,
    starts: int = 4,
    seed: int = 0,
    only: Sequence[str] = (),
    json_file: Path | None = None,
    docs: Path | None = None,
    say: Say = print,
) -> Findings:
    """Simulate and fit subjects of each model, in both designs, and compare models on them.

    Args:
        subjects, trials: simulated of each model; half as many subjects for comparing models.
        starts: searches of each subject.
        only: names of models, instead of all.
        docs: folder of the documentation's data; the page beside it gets a section.

    Raises:
        UsageError: unknown models, or files that cannot be written.
    """
    for name in only:
        if name not in STUDIES:
            raise UsageError(f"Unknown model {name!r}: {nearest(name, STUDIES)}")
    if subjects < 6:
        raise UsageError(f"--subjects {subjects} is too few: take at least 6.")
    page = None if docs is None else docs.with_name(f"{docs.name}.md")
    check_writable(json_file, page)
    names = [name for name in STUDIES if not only or name in only]
    found = Findings({}, {}, {})
    for design in DESIGNS:
        models = {name: make_model(name, design) for name in names}
        options: dict[str, Any] = {"trials": trials, "task": design, "starts": starts, "seed": seed}
        recoveries = {}
        for name, model in models.items():
            recoveries[name] = recover(model, subjects=subjects, ranges=ranges_of(name), **options)
            say(f"{design}: {name} fitted")
        found.recoveries[design] = recoveries
        if "binary-vkf" in models:
            found.ridges[design] = ridge(recoveries["binary-vkf"])
        if len(models) > 1:
            found.confusions[design] = confusion(
                list(models.values()),
                subjects=subjects // 2,
                ranges={name: ranges_of(name) for name in names},
                **options,
            )
            say(f"{design}: models compared")
    say("\n" + text(found))
    if json_file is not None:
        write_json(json_file, content(found))
    if docs is not None and page is not None:
        command = f"caudate recover --subjects {subjects} --trials {trials} --starts {starts}"
        command += "".join(f" --only {name}" for name in only) + f" --docs {docs}"
        write_page(found, docs, page, command)
        say(f"wrote {page}")
    return found
