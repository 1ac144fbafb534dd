"""The page: head, contents, chooser, and the sections behind one another."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path

from ..errors import UsageError
from ..runs import check_writable, write_text
from .markup import Html, tag, text
from .material import FINISHED, Material, gather
from .sections import Place, all_tasks, configuration, legend, problems, runs, tasks, times

TRIALS = 500


def make_report(
    folder: str | Path,
    out: str | Path | None = None,
    *,
    trials: int = TRIALS,
    all_seeds: bool = False,
) -> Path:
    """Write a page on a comparison, a run or a folder of runs that needs no other file.

    Args:
        folder: a comparison's, a run's, or one with runs in it.
        out: the page; ``report.html`` in the folder if not given. Links to runs are relative to it.
        trials: fresh trials for pictures of behaviour; 0 for none of them.
        all_seeds: pictures of every run; otherwise of the first seed of each agent and task.

    Returns:
        The path of the page.

    Raises:
        UsageError: a folder that holds none of these, or a page that cannot be written.
    """
    if trials < 0:
        raise UsageError(f"trials={trials} must be 0 (no pictures of behaviour) or more.")
    source = Path(folder)
    material = gather(source)
    path = source / "report.html" if out is None else Path(out)
    check_writable(path)
    place = Place(material, path.parent, trials, all_seeds)
    write_text(path, page(place))
    return path


def page(place: Place) -> str:
    """The whole document."""
    material = place.material
    css, js = _file("report.css"), _file("report.js")
    # Nothing is loaded, and no script runs but ours, whatever stands in a label.
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(css)}'; "
        f"script-src '{_digest(js)}'; base-uri 'none'; form-action 'none'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{material.title} - caudate"),
        Html(f"<style>{css}</style>"),
    )
    sections = [
        (anchor, title, content)
        for anchor, title, content in (
            ("problems", "Not finished", problems(place)),
            ("all", "Over all tasks", all_tasks(place)),
            ("tasks", "Tasks", tasks(place)),
            ("times", "Time to criterion", times(place)),
            ("runs", "Runs", runs(place)),
            ("configuration", "Configuration", configuration(place)),
        )
        if content
    ]
    contents = [tag("li", tag("a", title, href=f"#{anchor}")) for anchor, title, _ in sections]
    body = tag(
        "body",
        tag("header", tag("h1", material.title), tag("p", _summary(material), class_="faint")),
        tag("nav", tag("ul", *contents), aria_label="Sections"),
        _chooser(place),
        tag("main", legend(place), *(_section(*one) for one in sections)),
        Html(f"<script>{js}</script>"),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _section(anchor: str, title: str, content: Html) -> Html:
    return tag(
        "section", tag("h2", title, id=f"{anchor}-title"), content, id=anchor,
        aria_labelledby=f"{anchor}-title",
    )  # fmt: skip


def _summary(material: Material) -> str:
    done = sum(entry.state == FINISHED for entry in material.entries)
    n = len(material.entries)
    kind = material.kind[:1].upper() + material.kind[1:]
    return f"{kind}: {done} of {n} run{'s' * (n > 1)} finished."


def _chooser(place: Place) -> Html:
    """Boxes for agents and tasks; shown by the script that they need."""
    groups = []
    for kind, title, labels in (("agent", "Agents", place.agents), ("task", "Tasks", place.tasks)):
        if len(labels) > 1:
            boxes = [
                tag(
                    "label",
                    tag("input", type="checkbox", name=kind, value=i, checked=True),
                    f" {x}",
                )
                for i, x in enumerate(labels)
            ]
            groups.append(tag("fieldset", tag("legend", title), *boxes))
    return tag("div", *groups, id="chooser", hidden=True) if groups else text("")


def _file(name: str) -> str:
    return (files("caudate.training.reporting") / name).read_text("utf-8")


def _digest(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
