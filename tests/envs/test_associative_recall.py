"""Associative recall: what is shown, which pair is asked for, errors, and the yardsticks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.envs import AssociativeRecall, TaskError, make_task

from .conftest import play, single

ID = "caudate/AssociativeRecall-v0"


def pairs(task: AssociativeRecall, samples: Any, trial: int) -> list[tuple[int, int]]:
    """Keys and values in order of presentation."""
    obs = samples.obs[: samples.lengths[trial] : task._stream.window, trial]
    keys, values = obs[:, : task.n_keys], obs[:, task.n_keys : -1]
    return [
        (int(key.argmax()), int(value.argmax()))
        for key, value in zip(keys, values, strict=True)
        if value.any()
    ]


@pytest.mark.parametrize(
    "kwargs",
    [{}, {"n_pairs": [1, 3], "n_values": 6}, {"n_pairs": 4, "gap": 100, "item": 200, "query": 300}],
)
def test_trials(kwargs: dict[str, Any]) -> None:
    task = AssociativeRecall(**kwargs)
    samples = task.sample_trials(1500, 0)
    facts = samples.facts
    assert set(facts["delay_ms"]) == {300.0, 400.0, 500.0, 600.0}
    for trial in range(1500):
        shown = pairs(task, samples, trial)
        assert len(shown) == facts["n_pairs"][trial]
        assert len({key for key, _ in shown}) == len(shown)
        for place, (_, value) in enumerate(shown[::-1]):
            assert facts[f"value_at_lag_{place + 1}"][trial] == value
        asked = shown[-facts["lag"][trial]]
        assert asked == (facts["key"][trial], facts["value"][trial])
        steps = samples.lengths[trial]
        query = samples.obs[:steps, trial, -1]
        assert query.sum() == task._query
        assert query[-task._query :].all()
        last = samples.obs[steps - task._query : steps, trial, :-1]
        assert (last == np.eye(task.n_keys + task.n_values)[asked[0]]).all()
        assert samples.target[steps - 1, trial] == asked[1]
        per_pair = task._stream.window * facts["n_pairs"][trial]
        assert steps == per_pair + facts["delay_ms"][trial] / 100 + task._query
    # Each number of pairs, and each lag within it, is a condition, and all are met.
    kinds = {tuple(row) for row in np.stack([facts["n_pairs"], facts["lag"]], axis=1)}
    together = set(zip(facts["condition"], facts["n_pairs"], facts["lag"], strict=True))
    assert len(kinds) == len(together) == task.n_conditions
    assert {one[0] for one in together} == set(range(task.n_conditions))
    for size in np.unique(facts["n_pairs"]):
        lags = facts["lag"][facts["n_pairs"] == size]
        assert np.bincount(lags)[1:] / len(lags) == pytest.approx(1 / size, abs=0.05)


def test_outcomes() -> None:
    task = AssociativeRecall(n_pairs=2, n_values=3, query=200)
    facts = task.sample_trials(40, 0).facts
    other = np.where(facts["lag"] == 1, facts["value_at_lag_2"], facts["value_at_lag_1"])
    seen = set()
    env = task.env()
    for trial in range(40):
        right = int(facts["value"][trial])
        for answer in range(3):
            env.reset(seed=0)
            for _ in range(trial):
                env.reset()
            rewards, over, info = [], False, {}
            while not over:
                # Only the last step of the trial counts.
                last = len(rewards) == 2 + facts["delay_ms"][trial] / 100 + 1
                _, reward, over, _, info = env.step(answer if last else (answer + 1) % 3)
                rewards.append(reward)
            assert sum(rewards) == rewards[-1] == info["correct"] == (answer == right)
            assert info["choice"] == answer
            assert info["swap"] == (answer != right and answer == other[trial])
            assert np.isnan(info["rt"])
            seen.add((info["correct"], info["swap"]))
    assert seen == {(1, 0), (0, 1), (0, 0)}
    costly = AssociativeRecall(rewards={"error": -3, "correct": 2})
    assert costly.reward_range() == (-3, 2)


def test_fixed_lag() -> None:
    task = AssociativeRecall(n_pairs=[2, 4], lag=2)
    facts = task.sample_trials(200, 0).facts
    assert set(facts["lag"]) == {2}
    assert task.n_conditions == 2
    assert (facts["condition"] == facts["n_pairs"] // 2 - 1).all()


VARIANTS: list[dict[str, Any]] = [
    {},
    {"n_pairs": [1, 3], "n_values": 2, "query": 200},
    {"n_pairs": 1, "n_keys": 1, "n_values": 3, "delay": 0},
    {"trials_per_episode": 3, "gap": 100, "lag": 1},
]


@pytest.mark.parametrize("kwargs", VARIANTS)
def test_yardsticks(kwargs: dict[str, Any]) -> None:
    task = AssociativeRecall(**kwargs)
    yardsticks, guess = task.yardsticks, 1 / task.n_values
    assert yardsticks[:4] == (guess, guess, guess, 1)
    facts = play(task.vector(128), task.random_policy(3), 5000, seed=0)
    assert task.score(facts).mean() == pytest.approx(guess, abs=0.025)
    assert task.score(play(task.vector(64), task.oracle(), 400, seed=0)).min() == 1
    # The best map from the queried key to an answer, and constant answers.
    drawn = task.sample_trials(5000, seed=4).facts
    share = np.zeros((task.n_keys, task.n_values))
    np.add.at(share, (drawn["key"], drawn["value"]), 1 / 5000)
    assert share.max(axis=1).sum() == pytest.approx(guess, abs=0.03)
    assert share.sum(axis=0) == pytest.approx(guess, abs=0.03)


def test_memoryless_where_the_past_is_shown() -> None:
    assert AssociativeRecall(prev_action=True).yardsticks.memoryless is None
    assert AssociativeRecall(prev_reward=True).yardsticks.memoryless == 0.25


def test_variant() -> None:
    assert make_task("caudate/AssociativeRecall-Hard-v0").n_conditions == 2 + 4 + 6 + 8


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"n_pairs": 0}, "n_pairs=0"),
        ({"n_pairs": 9}, "n_pairs=9"),
        ({"n_pairs": [2, 2]}, "twice"),
        ({"n_pairs": []}, "empty"),
        ({"n_keys": 1}, "n_keys=1 are too few"),
        ({"n_values": 1}, "n_values=1"),
        ({"lag": 3}, "lag=3 asks for a pair before the first"),
        ({"lag": 0}, "lag=0"),
        ({"item": 0}, "item=0"),
        ({"query": 0}, "query=0"),
        ({"delay": (500, 540)}, "single step"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        single(ID, **kwargs)
