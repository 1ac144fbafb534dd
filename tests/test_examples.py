"""The examples stand together: scripts, requirements and what the pages say of them."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
NAMES = sorted(path.stem for path in (EXAMPLES / "requirements").glob("*.txt"))


def test_each_script_has_requirements_and_each_requirement_a_script():
    scripts = {path.name for path in EXAMPLES.glob("*.py")} - {"reporting.py"}
    found = [[path.name for path in EXAMPLES.glob(f"{name}_*.py")] for name in NAMES]
    assert all(len(one) == 1 for one in found), found
    assert {one for (one,) in found} == scripts


@pytest.mark.parametrize("page", [ROOT / "README.md", EXAMPLES / "README.md"])
def test_pages_name_every_script(page):
    text = page.read_text()
    for name in NAMES:
        (script,) = EXAMPLES.glob(f"{name}_*.py")
        assert script.name in text, script.name


@pytest.mark.parametrize("name", NAMES)
def test_scripts_are_short(name):
    (script,) = EXAMPLES.glob(f"{name}_*.py")
    text = script.read_text()
    compile(text, script.name, "exec")
    assert len(text.splitlines()) < 150
