"""What pictures of trials show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import caudate.envs
from caudate.envs.core import render


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are drawn."""
    figures: list[Figure] = []

    class Kept(Figure):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            figures.append(self)

    monkeypatch.setattr(render, "Figure", Kept)
    return figures


def play(name: str, steps: int, **parameters: Any) -> np.ndarray:
    """The picture after some random steps."""
    env = caudate.envs.make_task(f"caudate/{name}-v0", **parameters).env(render_mode="rgb_array")
    env.reset(seed=3)
    env.action_space.seed(0)
    for _ in range(steps):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            break
    picture = env.render()
    assert picture is not None
    return picture


def names(axis: Any) -> list[str]:
    return [label.get_text() for label in axis.get_yticklabels()]


def test_samples_of_a_sound_are_a_map_and_the_other_channels_are_traces(
    drawn: list[Figure],
) -> None:
    play("TempoContinuation", 20)
    top = drawn[0].axes[0]
    (image,) = top.get_images()
    assert image.get_interpolation() == "nearest"
    assert np.asarray(image.get_array()).shape[0] == 400
    assert names(top)[:4] == ["continue", "prev_action_0", "prev_action_1", "sound_0"]


def test_many_channels_of_few_kinds_are_one_map(drawn: list[Figure]) -> None:
    play("HornSettle", 3)
    top = drawn[0].axes[0]
    (image,) = top.get_images()
    assert np.asarray(image.get_array()).shape[0] == 62
    assert names(top)[0] == "clause_0_atom_0"


def test_few_channels_are_traces(drawn: list[Figure]) -> None:
    play("ReversalBandit", 3)
    assert not drawn[0].axes[0].get_images()
    assert names(drawn[0].axes[0]) == ["go", "prev_action_0", "prev_action_1", "prev_reward"]


def test_the_picture_of_a_single_step_has_axes_of_its_own(drawn: list[Figure]) -> None:
    play("ImageBandit", 60)
    top, middle, bottom = drawn[0].axes
    (image,) = top.get_images()
    assert np.ptp(np.asarray(image.get_array())) > 0.2  # not the blank after the last trial
    assert top.get_title() == "picture of step 59"
    assert top.get_xlim() == (-0.5, 31.5)
    assert middle.get_xlim() == bottom.get_xlim() == (0, 61)


def test_every_block_is_named(drawn: list[Figure]) -> None:
    play("CriterionReversal", 120)
    texts = [text.get_text() for text in drawn[0].axes[0].texts]
    assert texts[0].startswith("best arm ")
    blocks = len(drawn[0].axes[0].lines) + 1  # a line between neighbours
    assert len(texts) >= blocks - 2  # but those of a step or so
    assert {text[-1] for text in texts} == {"0", "1"}
