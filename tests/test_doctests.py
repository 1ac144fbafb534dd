"""Examples in docstrings of agents and training, run on the installed package.

Those of the environments are run by ``tests/envs``, with whatever Gymnasium is installed.
"""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

EXTRAS = {"torch", "stable_baselines3", "sb3_contrib", "wandb", "numba", "brian2"}


def modules() -> list[str]:
    """Names of all modules, without importing more than the packages."""
    found = []
    for part in ("agents", "training"):
        package = importlib.import_module(f"caudate.{part}")
        found.append(package.__name__)
        found += [m.name for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return [name for name in found if not name.endswith("__main__")]


@pytest.mark.parametrize("name", modules())
def test_examples(name):
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        pytest.skip(f"needs {error.name}")
    assert doctest.testmod(module).failed == 0
