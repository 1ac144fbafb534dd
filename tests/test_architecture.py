"""The house rules that imports and packaging must keep."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("envs", "agents", "training")
MAY_USE = {"envs": set(), "agents": set(), "training": {"envs", "agents"}}
HEAVY = (
    "torch", "matplotlib", "wandb", "stable_baselines3", "sb3_contrib", "numba", "ale_py",
    "distributed", "submitit", "optuna", "tensorboardX", "skimage",
)  # fmt: skip


def imported_parts(path: Path) -> set[str]:
    """Parts of the library that a module imports, relatively or by their installed names."""
    package = ("caudate", *path.relative_to(ROOT).parent.parts)
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join((*base, *([node.module] if node.module else ())))
            names |= {source} | {f"{source}.{alias.name}" for alias in node.names}
    split = [name.split(".") for name in names]
    return {part[1] for part in split if part[0] == "caudate" and len(part) > 1} & set(PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_imports_run_one_way(part):
    allowed = MAY_USE[part] | {part}
    for path in (ROOT / part).rglob("*.py"):
        assert imported_parts(path) <= allowed, path


def test_the_scan_sees_every_form_of_import(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    module = tmp_path / "agents" / "networks" / "x.py"
    module.parent.mkdir(parents=True)
    for line in ("import caudate.envs", "from ...envs import a", "from ... import envs",
                 "from caudate import envs"):  # fmt: skip
        module.write_text(f"def f():\n    {line}\n")
        assert imported_parts(module) == {"envs"}, line


def test_no_package_is_missing_from_the_wheel():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {
        ".".join(("caudate", *path.parent.relative_to(ROOT).parts))
        for part in PARTS
        for path in (ROOT / part).rglob("__init__.py")
    }
    assert set(listed) == folders


@pytest.mark.parametrize("part", PARTS)
def test_importing_loads_nothing_heavy(part):
    code = f"import caudate.{part}, sys; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
