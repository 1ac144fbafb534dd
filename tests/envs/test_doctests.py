"""The examples in the docstrings run, on the installed package."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import caudate.envs

MODULES = [
    module.name
    for module in pkgutil.walk_packages(caudate.envs.__path__, "caudate.envs.")
    if not module.name.endswith(".sb3")
]


@pytest.mark.parametrize("name", ["caudate.envs", *MODULES])
def test_examples(name: str) -> None:
    if name.endswith("torch_dataset"):
        pytest.importorskip("torch")
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0
