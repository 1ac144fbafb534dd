"""Durations on the grid of steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.envs import TaskError
from caudate.envs.core.time import parse_duration, to_steps


def test_nearest_step_halves_upwards() -> None:
    assert [to_steps(ms, 100) for ms in (0, 49, 50, 149, 150, 250)] == [0, 0, 1, 1, 2, 3]
    # 0.7 / 0.1 is a little less than 7 in floating point, 0.35 / 0.1 a little less than 3.5.
    assert to_steps(0.7, 0.1) == 7
    assert to_steps(0.35, 0.1) == 4


@pytest.mark.parametrize(
    ("value", "dt", "steps"),
    [
        (300, 100, [3]),
        (0, 100, [0]),
        ((500, 1000), 100, [5, 6, 7, 8, 9, 10]),
        ([500, 500], 100, [5]),
        (("choice", [900, 300]), 100, [3, 9]),
        (["choice", [100]], 50, [2]),
        (("truncexp", 300, 100, 400), 100, [1, 2, 3, 4]),
    ],
)
def test_kinds(value: Any, dt: float, steps: list[int]) -> None:
    duration = parse_duration("delay", value, dt)
    assert duration.steps.tolist() == steps
    assert duration.probability.sum() == pytest.approx(1)
    assert (duration.ms == np.array(steps) * dt).all()


@pytest.mark.parametrize(
    "value", [(500, 1000), ("choice", [100, 300, 900]), ("truncexp", 300, 100, 700)]
)
def test_picks_follow_the_probabilities(value: Any) -> None:
    duration = parse_duration("delay", value, 100)
    uniform = (np.arange(100_000) + 0.5) / 100_000
    picked = duration.pick(uniform)
    share = [(picked == step).mean() for step in duration.steps]
    assert share == pytest.approx(duration.probability.tolist(), abs=1e-4)


def test_exponential_falls_with_its_mean() -> None:
    probability = parse_duration("delay", ("truncexp", 300, 0, 3000), 10).probability
    inner = probability[1:-1]
    assert inner[1:] / inner[:-1] == pytest.approx(np.exp(-10 / 300))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (-1, "finite and >= 0"),
        (float("nan"), "finite"),
        (float("inf"), "finite"),
        ((100, -5), "finite and >= 0"),
        ((900, 300), "ends before it begins"),
        ((500, 540), "single step"),
        (("choice", [500, 520]), "same number of steps"),
        (("choice", []), "not a duration"),
        (40, "shorter than half a step"),
        (("gamma", 1, 2, 3), "not a duration"),
        (("truncexp", 0, 100, 400), "not a duration"),
        ("long", "not a duration"),
        (None, "not a duration"),
        (True, "not a duration"),
        ([1, 2, 3], "not a duration"),
    ],
)
def test_refusals_name_the_parameter(value: Any, words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        parse_duration("delay", value, 100)
    assert str(error.value).startswith("delay=")


def test_zero_can_be_refused() -> None:
    with pytest.raises(TaskError, match="sample=0"):
        parse_duration("sample", 0, 100, allow_zero=False)
