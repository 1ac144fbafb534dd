"""The pages say what is so: tasks, links, commands, and code that runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from caudate.agents.filters import FILTERS
from caudate.envs import make_task, psychophysics, task_ids
from caudate.training.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "examples").glob("*.md"),
]
README = (ROOT / "README.md").read_text("utf-8")
FAMILIES = {
    "working_memory": "Working memory",
    "motor_timing": "Motor timing",
    "bandits": "Bandits",
    "other": "Others",
}


def tasks_by_name() -> dict[str, list[str]]:
    """Every task's ids, its plain one first."""
    found: dict[str, list[str]] = {}
    for task_id in sorted(task_ids(), key=len):
        found.setdefault(make_task(task_id).name, []).append(task_id)
    return found


# ---------------------------------------------------------------- tasks


def readme_row(name: str, ids: list[str]) -> str:
    """What a task's row begins with; a few words on the task follow."""
    plain, *others = ids
    assert plain == f"caudate/{name}-v0"
    presets = sorted(one.removeprefix(f"caudate/{name}-").removesuffix("-v0") for one in others)
    return f"| [{name}](docs/tasks.md#{name.lower()}) | {', '.join(presets)} | "


@pytest.mark.parametrize("family", FAMILIES)
def test_readme_lists_the_tasks_of_each_family(family: str) -> None:
    expected = [
        readme_row(name, ids)
        for name, ids in sorted(tasks_by_name().items())
        if make_task(ids[0]).family == family
    ]
    head = f"| {FAMILIES[family]} ({len(expected)}) | presets | |\n|---|---|---|\n"
    rows = README[README.index(head) + len(head) :].split("\n\n")[0].splitlines()
    assert len(rows) == len(expected)
    for row, begin in zip(rows, expected, strict=True):
        assert row.startswith(begin)
        assert len(row) > len(begin) + 10


def test_every_family_is_listed() -> None:
    assert {make_task(task_id).family for task_id in task_ids()} == set(FAMILIES)


def test_every_task_has_a_section_in_the_gallery() -> None:
    page = (ROOT / "docs" / "tasks.md").read_text("utf-8")
    names = re.findall(r"^### (\w+)$", page, re.MULTILINE)
    assert sorted(names) == sorted(tasks_by_name())


def test_architecture_names_every_module_of_the_core() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = page[page.index("| module of `core` |") :].split("\n\n")[0]
    modules = {path.stem for path in (ROOT / "envs" / "core").glob("*.py")} - {"__init__"}
    assert set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| ([^|]*) \|", table, re.M)))) == (
        modules | {"core"}
    )


# ---------------------------------------------------------------- links, commands, names


def anchor_of(heading: str) -> str:
    """Under which name GitHub links to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
            assert anchor in map(anchor_of, headings), link


def test_every_page_of_the_docs_can_be_reached_from_the_readme() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name}" in README, page.name


def commands_of(text: str) -> list[list[str]]:
    """Words of every ``caudate ...`` that stands in code, up to the first option or placeholder."""
    quoted = re.findall(r"`(caudate [^`]+)`", text)
    blocks = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.removeprefix("PYTHONPATH=. ") for block in blocks for line in block.splitlines()]
    lines = [line for line in lines if line[:8] == "caudate "]
    return [shlex.split(one)[1:] for one in quoted + lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path) -> None:
    root: Any = typer.main.get_command(app)
    for words in commands_of(page.read_text("utf-8")):
        command, options = root, []
        for word in words:
            if word in getattr(command, "commands", {}):
                command = command.commands[word]
            elif word[:2] == "--":
                options.append(word)
        assert command is not root or words[0][:2] == "--", words
        known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        assert set(options) <= known, words


def test_the_readme_names_every_command() -> None:
    root: Any = typer.main.get_command(app)
    table = README[README.index("## The command line") : README.index("## Tasks")]
    for name, command in root.commands.items():
        assert f"`caudate {name}" in table
        for part in getattr(command, "commands", {}):
            assert f"`caudate {name} {part}" in table or f"`{name} {part}`" in table
    assert CliRunner().invoke(app, ["--help"]).exit_code == 0


def test_analyses_in_the_table_exist() -> None:
    page = (ROOT / "docs" / "psychophysics.md").read_text("utf-8")
    rows = [line.split(" | ") for line in page[page.index("| analysis") :].splitlines()[2:]]
    rows = [cells for cells in rows if len(cells) == 3]
    named = {
        name
        for analysis, _, plot in rows
        for name in re.findall(r"`(\w+)`", analysis.split(":")[0] + plot)
    }
    assert len(rows) > 20
    assert named <= set(psychophysics.__all__)
    # Nothing is missing from it but what the rows' texts name.
    told = set(re.findall(r"`(\w+)`", page)) | {"TrialTable"}
    assert set(psychophysics.__all__) <= told


def test_every_filter_has_its_row_in_each_table() -> None:
    page = (ROOT / "docs" / "filters.md").read_text("utf-8")
    for head in ("| filter | the world", "| filter | what time does"):
        rows = page[page.index(head) :].split("\n\n")[0].splitlines()[2:]
        assert sorted(re.findall(r"`([\w-]+)`", row)[0] for row in rows) == sorted(FILTERS)


# ---------------------------------------------------------------- code

#: Budgets of the pages' examples, and what they become here.
SMALLER = {
    "total_timesteps=200_000, progress_bar=True": "total_timesteps=2_000",
    'until=0.9, seed=0, wandb="off"': 'steps=2_000, seed=0, wandb="off", progress=False',
    'run.result["confirmed"]': "run.result",
    "n_steps=128, batch_size=512).learn(100_000)": "n_steps=8, batch_size=64).learn(512)",
    "n_trials=1000": "n_trials=200",
    "steps=20_000, trials=20, jobs=1": "steps=500, trials=2, seeds=1, report_seeds=1, jobs=1",
    "batches=1000": "batches=4",
    "num_workers=2": "num_workers=0",
}


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/wrappers.md",
        "docs/psychophysics.md",
        "docs/filters.md",
        "docs/fitting.md",
        "docs/bandits.md",
        "docs/experiments.md",
        "docs/clocks.md",
        "docs/reports.md",
        "docs/tuning.md",
        "docs/senses.md",
        "docs/contrastive.md",
        "docs/attractors.md",
    ],
)
def test_code_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("stable_baselines3")
    monkeypatch.chdir(tmp_path)
    text = (ROOT / page).read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert blocks
    names: dict[str, Any] = {}
    for block in blocks:
        for large, small in SMALLER.items():
            block = block.replace(large, small)
        exec(compile(block, page, "exec"), names)


def test_budgets_are_those_of_the_pages() -> None:
    pages = "".join(page.read_text("utf-8") for page in PAGES)
    assert all(large in pages for large in SMALLER)
