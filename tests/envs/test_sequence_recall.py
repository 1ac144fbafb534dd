"""Serial recall: orders, serial positions, errors, and the certificates of the yardsticks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.envs import SequenceRecall, TaskError, make_task

from .conftest import play, single

ID = "caudate/SequenceRecall-v0"


def run(env: Any, answers: list[int], seed: int = 0) -> tuple[list[float], dict[str, Any]]:
    """Rewards of the recall steps and final facts; answers in order of recall, 0 between."""
    obs, _ = env.reset(seed=seed)
    recall, rewards, left = env.obs_names.index("recall"), [], list(answers)
    while True:
        asked = obs[recall] > 0
        obs, reward, over, _, info = env.step(left.pop(0) if asked else 0)
        if asked:
            rewards.append(reward)
        else:
            assert reward == 0
        if over:
            assert not left
            return rewards, info


def listed(task: SequenceRecall, seed: int = 0) -> list[int]:
    """The items of trial 0."""
    obs = task.sample_trials(1, seed).obs[:: task._stream.window, 0, : task.n_symbols]
    return [int(row.argmax()) for row in obs if row.any()]


@pytest.mark.parametrize("order", ["forward", "backward"])
def test_orders(order: str) -> None:
    task = SequenceRecall(order=order, length=5)
    for seed in range(5):
        items = listed(task, seed)
        assert len(set(items)) == 5
        recalled = items if order == "forward" else items[::-1]
        rewards, info = run(task.env(), recalled, seed)
        assert rewards == pytest.approx([0.2] * 5)
        assert (info["correct"], info["accuracy"], info["n_correct"]) == (1, 1, 5)
        assert [info[f"correct_at_{i}"] for i in range(5)] == [1] * 5
        assert [info[f"transposition_at_{i}"] for i in range(5)] == [0] * 5
        assert info["choice"] == recalled[-1]
        rewards, info = run(task.env(), recalled[::-1], seed)
        assert info["n_correct"] == 1  # the middle of the list is where it is both ways
        shifts = [4, 2, 0, -2, -4]
        assert [info[f"transposition_at_{i}"] for i in range(5)] == shifts
        assert (info["n_transpositions"], info["n_intrusions"]) == (4, 0)


def test_serial_position_is_that_of_presentation() -> None:
    """Only the first answer is right: in backward recall that is the last item."""
    for order, place in (("forward", 0), ("backward", 3)):
        task = SequenceRecall(order=order)
        items = listed(task)
        other = next(symbol for symbol in range(6) if symbol not in items)
        rewards, info = run(task.env(), [items[place], other, other, other])
        assert rewards == [0.25, 0, 0, 0]
        assert [info[f"correct_at_{i}"] for i in range(4)] == [float(i == place) for i in range(4)]
        assert (info["n_intrusions"], info["n_transpositions"]) == (3, 0)
        moved = [info[f"transposition_at_{i}"] for i in range(4)]
        assert moved[place] == 0
        assert np.isnan(moved).sum() == 3


def test_probed_positions() -> None:
    task = SequenceRecall(order="probed", length=4, answer=200, repeats=True)
    samples = task.sample_trials(2000, 0)
    probes = samples.obs[:, :, task.n_symbols + 1 :]
    first = []
    for trial in range(2000):
        rows = probes[: samples.lengths[trial], trial]
        asked = rows[rows.any(axis=1)].argmax(axis=1)
        assert (asked[::2] == asked[1::2]).all()  # on throughout the slot
        assert sorted(asked[::2]) == [0, 1, 2, 3]
        first.append(asked[0])
        if trial < 50:
            obs = samples.obs[: samples.lengths[trial], trial]
            items = obs[:4, : task.n_symbols].argmax(axis=1)
            answers = obs[:, task.n_symbols] > 0
            target = samples.target[: samples.lengths[trial], trial]
            assert answers.sum() == 4
            assert (target[answers] == items[asked[1::2]]).all()
    assert np.bincount(first) / 2000 == pytest.approx(0.25, abs=0.04)


def test_lists_of_several_lengths() -> None:
    task = SequenceRecall(length=[2, 3], order="backward", gap=100, item=200, answer=200)
    samples = task.sample_trials(300, 0)
    assert set(samples.facts["length"]) == {2, 3}
    assert (samples.facts["condition"] == samples.facts["length"] - 2).all()
    steps = samples.facts["length"] * (3 + 2) + samples.facts["delay_ms"] / 100
    assert (samples.lengths == steps).all()
    short = next(seed for seed in range(20) if len(listed(task, seed)) == 2)
    rewards, info = run(task.env(), listed(task, short)[::-1], short)
    assert rewards == [0.5, 0.5]
    assert [info[f"correct_at_{i}"] for i in range(2)] == [1, 1]
    assert np.isnan([info["correct_at_2"], info["transposition_at_2"]]).all()
    assert info["length"] == 2


def test_repeats_are_told_by_their_nearest_place() -> None:
    task = SequenceRecall(length=4, n_symbols=2, repeats=True)
    seed = next(seed for seed in range(200) if listed(task, seed) == [0, 1, 1, 0])
    _, info = run(task.env(), [1, 1, 0, 0], seed)
    assert [info[f"transposition_at_{i}"] for i in range(4)] == [1, 0, 1, 0]
    assert (info["n_correct"], info["n_transpositions"]) == (2, 2)


def test_answers_in_the_slot_before_its_last_step_do_not_count() -> None:
    task = SequenceRecall(length=1, delay=0, answer=300, n_symbols=2)
    (item,) = listed(task)
    env = task.env()
    env.reset(seed=0)
    outcomes = [env.step(action)[1] for action in (1 - item, 1 - item, 1 - item, item)]
    assert outcomes == [0, 0, 0, 1]


VARIANTS: list[dict[str, Any]] = [
    {},
    {"order": "probed", "repeats": True, "n_symbols": 3},
    {"length": [1, 5], "order": "backward", "item": 200},
    {"length": 2, "n_symbols": 2, "delay": 0, "answer": 200, "gap": 100},
    {"trials_per_episode": 3, "order": "backward", "length": [2, 4], "repeats": True},
]


@pytest.mark.parametrize("kwargs", VARIANTS)
def test_yardsticks(kwargs: dict[str, Any]) -> None:
    task = SequenceRecall(**kwargs)
    yardsticks, guess = task.yardsticks, 1 / task.n_symbols
    assert yardsticks[:4] == (guess, guess, guess, 1)
    facts = play(task.vector(128), task.random_policy(3), 4000, seed=0)
    assert task.score(facts).mean() == pytest.approx(guess, abs=0.02)
    assert task.score(play(task.vector(64), task.oracle(), 300, seed=0)).min() == 1
    # What is on view, and the time since recall began, do not tell what is right.
    samples = task.sample_trials(3000, seed=4)
    asked = samples.obs[:, :, task.n_symbols] > 0
    views = np.column_stack([samples.obs[asked], (asked.cumsum(axis=0) * asked)[asked]])
    kinds, view = np.unique(views, axis=0, return_inverse=True)
    pairs = np.zeros((len(kinds), task.n_symbols))
    np.add.at(pairs, (view.ravel(), samples.target[asked]), 1 / len(views))
    assert pairs.max(axis=1).sum() == pytest.approx(guess, abs=0.04)


def test_memoryless_is_open_where_the_past_is_shown() -> None:
    assert SequenceRecall(prev_reward=True).yardsticks.memoryless is None


def test_variants() -> None:
    span = make_task("caudate/SequenceRecall-Span-v0")
    assert span.n_conditions == 7
    orders = [make_task(f"caudate/SequenceRecall-{one}-v0") for one in ("Backward", "Probed")]
    assert [task.parameters["order"] for task in orders] == ["backward", "probed"]


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"length": 0}, "length=0"),
        ({"length": []}, "empty"),
        ({"length": [2, 2]}, "twice"),
        ({"length": 7}, "n_symbols=6 are too few"),
        ({"n_symbols": 1}, "n_symbols=1"),
        ({"order": "backwards"}, "did you mean 'backward'"),
        ({"repeats": 1}, "repeats=1"),
        ({"item": 0}, "item=0"),
        ({"answer": 20}, "answer=20"),
        ({"delay": -1}, "delay=-1"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        single(ID, **kwargs)
