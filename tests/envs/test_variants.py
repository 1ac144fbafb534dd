"""Settings away from the defaults that take other ways through the engines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import caudate.envs
from caudate.envs.core.scripted import ScriptedEngine

from . import test_conformance as conformance
from .conftest import TASK_IDS, batched, play, same

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("caudate/DelayedMatch-v0", {"trials_per_episode": 3}),
    ("caudate/DelayedMatch-v0", {"sigma": 0.4}),
    ("caudate/DelayedMatch-v0", {"sigma": 0.4, "trials_per_episode": 3, "prev_reward": True}),
    ("caudate/DelayedMatch-v0", {"abort": True, "n_distractors": 1}),
    ("caudate/DelayedMatch-v0", {"time": True}),
    ("caudate/IntervalReproduction-v0", {"trials_per_episode": 2, "abort": True}),
    ("caudate/IntervalReproduction-v0", {"trials_per_episode": 2, "prev_action": True}),
    ("caudate/ReversalBandit-v0", {"trials_per_episode": 7, "time": True}),
    ("caudate/CriterionReversal-v0", {"trials_per_episode": 7, "criterion": 2}),
    ("caudate/ReversalBandit-v0", {"trials_per_episode": 1}),
    ("caudate/DelayedReach-v0", {"trials_per_episode": 3, "prev_action": True, "curl": 4.0}),
    ("caudate/DelayedGoal-v0", {"trials_per_episode": 3, "prev_action": True}),
    ("caudate/Pong-v0", {"trials_per_episode": 2, "points": 2, "opponent_error": 0.5}),
    ("caudate/IowaGambling-v0", {"trials_per_episode": 3, "time": True}),
    ("caudate/FlipFlop-v0", {"trials_per_episode": 2, "duration": 800, "prev_action": True}),
]


@pytest.fixture(params=VARIANTS, ids=lambda one: f"{one[0][8:-3]}-{'-'.join(one[1])}")
def variant(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return request.param


def test_column_equals_single_env(variant: tuple[str, dict[str, Any]]) -> None:
    conformance.test_column_equals_single_env(variant[0], 3, variant[1])


@pytest.mark.parametrize("mode", conformance.MODES)
def test_state_is_exact(variant: tuple[str, dict[str, Any]], mode: str) -> None:
    conformance.test_state_is_exact(variant[0], mode, variant[1])


def test_modes_agree(variant: tuple[str, dict[str, Any]]) -> None:
    conformance.compare_with_gymnasium(*variant, steps=60)


def test_oracle_reaches_the_optimum(variant: tuple[str, dict[str, Any]]) -> None:
    task = caudate.envs.make_task(variant[0], **variant[1])
    score = task.score(play(task.vector(128), task.oracle(), 4000, seed=9))
    tolerance = 5 * max(score.std(), 0.01) / np.sqrt(len(score))
    assert abs(score.mean() - task.yardsticks.optimum) < tolerance


def test_sessions_are_truncated() -> None:
    batch = batched("caudate/DelayedMatch-v0", 2, trials_per_episode=3, targets=True)
    _, info = batch.reset(seed=0)
    ends: list[tuple[int, bool]] = []
    while len(ends) < 7:
        _, _, terminated, truncated, info = batch.step(info["target"])
        assert not terminated.any()
        if "_trial_end" in info and info["_trial_end"][0]:
            ends.append((int(info["trial"][0]), bool(truncated[0])))
            assert info["correct"][0] == 1
    assert ends == [(trial, trial % 3 == 2) for trial in range(7)]


@pytest.mark.parametrize("depth", [1, 2, 5, 40])
def test_how_far_ahead_is_drawn_changes_nothing(
    depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables of any depth give the same trials."""
    for task_id, kwargs in VARIANTS[:7]:
        usual = batched(task_id, 3, **kwargs)
        with monkeypatch.context() as patch:
            patch.setattr("caudate.envs.core.scripted._TRIALS_AHEAD", 3 * depth)
            rows = 3 * depth * usual.unwrapped.task.max_steps
            patch.setattr("caudate.envs.core.scripted._ROWS_AHEAD", rows)
            other = batched(task_id, 3, **kwargs)
            assert isinstance(other._engine, ScriptedEngine)
            assert same(usual.reset(seed=5), other.reset(seed=5))
            for row in conformance.actions_for(usual, 200):
                assert same(usual.step(row), other.step(row))


def test_masked_and_partly_seeded_resets() -> None:
    """Seeding some columns leaves the others where they are."""
    for task_id in TASK_IDS:
        for mode in conformance.MODES:
            batch, twin = (batched(task_id, 4, autoreset_mode=mode) for _ in range(2))
            batch.reset(seed=0)
            twin.reset(seed=0)
            actions = conformance.actions_for(batch, 40)
            for row in actions[:7]:
                batch.step(row)
                twin.step(row)
            mask = np.array([False, True, False, True])
            obs, _ = batch.reset(seed=[None, 99, None, None], options={"reset_mask": mask})
            fresh, _ = batched(task_id, 1).reset(seed=99)
            assert same(obs[1], fresh[0])
            lone = batched(task_id, 1, autoreset_mode=mode)
            lone.reset(seed=99)
            for row in actions[7:]:
                mine, theirs, own = batch.step(row), twin.step(row), lone.step(row[1:2])
                for part in range(4):
                    assert same(mine[part][[0, 2]], theirs[part][[0, 2]])
                    assert same(mine[part][1], own[part][0])
