"""The global generators that the libraries draw from, made private to each agent."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


class GeneratorStreams:
    """A private state of the global generators of torch, NumPy and Python."""

    def __init__(self):
        self._state = _global_generators()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Within, the global generators are these; afterwards they are what they were."""
        outside = _global_generators()
        _set_global_generators(self._state)
        try:
            yield
        finally:
            self._state = _global_generators()
            _set_global_generators(outside)

    def get_state(self) -> list[Any]:
        torch_state, (name, key, *rest), (version, words, gauss) = self._state
        return [
            torch_state.numpy().copy(),
            [name, key.copy(), *rest],
            [version, np.array(words, np.uint64), gauss],
        ]

    def set_state(self, state: list[Any]) -> None:
        import torch

        torch_state, numpy_state, (version, words, gauss) = state
        self._state = (
            torch.from_numpy(torch_state.copy()),
            tuple(numpy_state),
            (version, tuple(words.tolist()), gauss),
        )


def _global_generators() -> tuple[Any, Any, Any]:
    import torch

    return torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002


def _set_global_generators(state: tuple[Any, Any, Any]) -> None:
    import torch

    torch.set_rng_state(state[0])
    np.random.set_state(state[1])  # noqa: NPY002
    random.setstate(state[2])


def to_arrays(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: to_arrays(value) for key, value in tree.items()}
    return tree.detach().cpu().numpy().copy() if hasattr(tree, "detach") else tree


def to_tensors(tree: Any) -> Any:
    import torch

    if isinstance(tree, dict):
        return {key: to_tensors(value) for key, value in tree.items()}
    return torch.from_numpy(np.array(tree)) if isinstance(tree, np.ndarray) else tree
