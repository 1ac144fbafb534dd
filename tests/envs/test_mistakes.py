"""Mistakes that people make outside single tasks are told in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from caudate.envs import TaskError, collect_trials, psychophysics

MATCH = "caudate/DelayedMatch-v0"


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (lambda: collect_trials(MATCH, lambda obs: 0), "function without predict"),
        (lambda: collect_trials(MATCH, object()), "object without predict"),
        (lambda: psychophysics.bisection(None), "NoneType is no trial table"),  # type: ignore
        (lambda: psychophysics.bisection([1, 2]), "list is no trial table"),  # type: ignore
        (lambda: psychophysics.bisection({}), "it has none at all"),
        (lambda: psychophysics.bisection({"duration": np.ones(9)}), "did you mean 'duration'"),
        (lambda: gym.make("caudate/MultiTask-v0"), "pass at least one id"),
        (lambda: gym.make("caudate/MultiTask-v0", tasks=MATCH), "is not a list of tasks"),
    ],
)
def test_one_sentence(mistake: Callable[[], Any], said: str) -> None:
    with pytest.raises(TaskError, match=said) as caught:
        mistake()
    assert str(caught.value).count(". ") == 0
