"""Storing and recalling on command: schedule, lags, spikes, and the yardsticks' certificates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.envs import StoreRecall, TaskError, make_task

from .conftest import play, single

ID = "caudate/StoreRecall-v0"


def segments(task: StoreRecall, trials: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values shown, stores and recalls, each (trials, length), from analog observations."""
    obs = task.sample_trials(trials, 0).obs[:: task._stream.window].swapaxes(0, 1)
    bits = obs[:, :, : task.n_bits].astype(int)
    return (bits << np.arange(task.n_bits)).sum(axis=2), obs[:, :, -2] > 0, obs[:, :, -1] > 0


def run(env: Any, actions: list[int]) -> tuple[list[float], dict[str, Any]]:
    """Rewards and final facts of trial 0 of column 0."""
    env.reset(seed=0)
    steps = [env.step(int(action)) for action in actions]
    assert steps[-1][2]
    return [step[1] for step in steps], steps[-1][4]


@pytest.mark.parametrize(
    "kwargs",
    [{}, {"n_bits": 3, "lag": (2, 4), "length": 9}, {"lag": 3, "p_store": 0.05, "item": 300}],
)
def test_schedule(kwargs: dict[str, Any]) -> None:
    """Stores and recalls take turns, at lags within bounds, and every trial has a recall."""
    task = StoreRecall(**kwargs)
    value, store, recall = segments(task, 1500)
    target = task.sample_trials(1500, 0).target[:: task._stream.window].T
    shortest, longest = task._check_lag()
    lags: list[int] = []
    for trial in range(1500):
        stores, recalls = store[trial].nonzero()[0], recall[trial].nonzero()[0]
        assert len(stores) == len(recalls) >= 1
        lags += list(recalls - stores)
        assert (recalls[:-1] < stores[1:]).all()
        assert (target[trial, recalls] == value[trial, stores]).all()
        assert (value[trial, recalls] == 0).all()
    assert set(lags) == set(range(shortest, longest + 1))
    # Before the longest lag the recall comes with a constant hazard.
    if longest > shortest:
        first = np.mean(np.array(lags) == shortest)
        assert first == pytest.approx(task.p_recall, abs=0.03)
    first_store = store.argmax(axis=1)
    assert (first_store == 0).mean() == pytest.approx(task.p_store, abs=0.04)
    assert np.bincount(value[store]) / store.sum() == pytest.approx(1 / 2**task.n_bits, abs=0.03)
    facts = task.sample_trials(1500, 0).facts
    assert (facts["n_recalls"] == recall.sum(axis=1)).all()


def test_sure_and_forced_events() -> None:
    task = StoreRecall(p_store=1, p_recall=1, lag=(1, 3), length=8)
    _, store, recall = segments(task, 20)
    assert store.tolist() == [[True, False, True, False, True, False, False, False]] * 20
    assert recall.tolist() == [[False, True] * 3 + [False] * 2] * 20
    _, store, recall = segments(StoreRecall(p_store=0, p_recall=0, lag=(1, 3), length=8), 20)
    assert store.argmax(axis=1).tolist() == [4] * 20
    assert recall.argmax(axis=1).tolist() == [7] * 20
    assert store.sum() == recall.sum() == 20


def test_facts_and_rewards() -> None:
    task = StoreRecall(n_bits=2, p_store=1, p_recall=0, lag=(1, 2), length=9, item=200)
    value, store, recall = segments(task, 1)
    stored = value[0, store[0]]
    assert recall[0].nonzero()[0].tolist() == [2, 5, 8]
    answers = [int(stored[0]), int((stored[1] + 1) % 4), int(stored[2])]
    actions = [0] * 18
    for place, answer in zip((5, 11, 17), answers, strict=True):
        actions[place] = answer
        actions[place - 1] = (answer + 1) % 4  # not the last step: without consequence
    rewards, info = run(task.env(), actions)
    expected = np.zeros(18)
    expected[[5, 17]] = 1 / 3
    assert rewards == pytest.approx(expected)
    assert (info["n_recalls"], info["n_correct"], info["correct"]) == (3, 2, 0)
    assert info["accuracy"] == info["accuracy_lag_2"] == pytest.approx(2 / 3)
    assert (info["n_lag_1"], info["n_lag_2"]) == (0, 3)
    assert np.isnan(info["accuracy_lag_1"])
    assert np.isnan(info["rt"])
    assert info["choice"] == answers[-1]
    costly = StoreRecall(
        n_bits=2, p_store=1, p_recall=0, lag=2, length=9, item=200, rewards={"error": -2}
    )
    rewards, _ = run(costly.env(), actions)
    assert [rewards[place] for place in (5, 11, 17)] == pytest.approx([1 / 3, -2 / 3, 1 / 3])


def test_accuracy_by_lag() -> None:
    """A subject that forgets after two segments is right at lags 1 and 2, and guesses later."""
    task = StoreRecall(n_bits=3, p_recall=0.3, lag=(1, 4))
    value, store, _ = segments(task, 400)
    facts: dict[str, list[float]] = {f"accuracy_lag_{lag}": [] for lag in range(1, 5)}
    env = task.env()
    for trial in range(400):
        env.reset(seed=0) if trial == 0 else env.reset()
        kept, age, info = 0, 0, {}
        for segment in range(task.length):
            age += 1
            if store[trial, segment]:
                kept, age = int(value[trial, segment]), 0
            info = env.step(kept if age <= 2 else (kept + 1) % 8)[4]
        for name in facts:
            facts[name].append(info[name])
    means = [np.nanmean(shares) for shares in facts.values()]
    assert means == [1, 1, 0, 0]


def test_spikes() -> None:
    task = StoreRecall(spikes=True, dt=10, rate=40, n_units=3, n_bits=2)
    plain = StoreRecall(dt=10, n_bits=2)
    count = 200
    obs = task.sample_trials(count, 0).obs.swapaxes(0, 1)
    assert set(np.unique(obs)) == {0, 1}
    spikes = obs.reshape(count, 12, 10, 6, 3)
    analog = plain.sample_trials(count, 0).obs[::10].swapaxes(0, 1) > 0
    recall = analog[:, :, 3]
    active = np.empty((count, 12, 6), dtype=bool)
    active[:, :, 0:4:2], active[:, :, 1:4:2] = analog[:, :, :2], ~analog[:, :, :2]
    active[:, :, :4] &= ~recall[:, :, None]
    active[:, :, 4:] = analog[:, :, 2:]
    fired = spikes.any(axis=(2, 4))
    assert (fired == active).all()  # each active population in each segment, no other
    rate = spikes.sum(axis=(2, 4))[active].mean() / 30
    # 30 chances per segment, of which one is certain.
    assert rate == pytest.approx((29 * (1 - np.exp(-0.4)) + 1) / 30, abs=0.01)
    names = task.obs_names
    assert (names[0], names[3], names[-1]) == ("bit_0_on_0", "bit_0_off_0", "recall_2")
    silent = StoreRecall(spikes=True, dt=10, rate=0)
    assert silent.sample_trials(1, 0).obs.sum() > 0
    assert task.score(play(silent.vector(32), silent.oracle(), 100, seed=0)).min() == 1


VARIANTS: list[dict[str, Any]] = [
    {},
    {"n_bits": 2, "lag": 4, "item": 200},
    {"n_bits": 2, "spikes": True, "dt": 20, "rate": 5},
    {"trials_per_episode": 3, "item": 200},
]


@pytest.mark.parametrize("kwargs", VARIANTS)
def test_yardsticks(kwargs: dict[str, Any]) -> None:
    task = StoreRecall(**kwargs)
    yardsticks, guess = task.yardsticks, 0.5**task.n_bits
    assert yardsticks[:4] == (guess, guess, guess, 1)
    facts = play(task.vector(128), task.random_policy(3), 3000, seed=0)
    assert task.score(facts).mean() == pytest.approx(guess, abs=0.03)
    assert task.score(play(task.vector(64), task.oracle(), 300, seed=0)).min() == 1


def test_recall_segments_show_nothing_of_what_was_stored() -> None:
    task = StoreRecall(n_bits=2)
    samples = task.sample_trials(3000, seed=1)
    asked = samples.obs[:, :, -1] > 0
    assert (samples.obs[asked][:, :-1] == 0).all()
    # Not even the time within the trial tells.
    step = asked.nonzero()[0]
    share = np.zeros((12, 4))
    np.add.at(share, (step, samples.target[asked]), 1 / asked.sum())
    assert share.max(axis=1).sum() == pytest.approx(0.25, abs=0.03)
    assert StoreRecall(prev_action=True).yardsticks.memoryless is None


def test_variants() -> None:
    assert make_task("caudate/StoreRecall-Hard-v0").parameters["n_bits"] == 4
    assert make_task("caudate/StoreRecall-Spikes-v0").parameters["spikes"] is True


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"n_bits": 0}, "n_bits=0"),
        ({"n_bits": 9}, "n_bits=9"),
        ({"length": 5}, "length=5 segments leave no room"),
        ({"lag": 0}, "lag=0"),
        ({"lag": (3, 2)}, "ends before it begins"),
        ({"lag": (1, 2, 3)}, "not a number or a pair"),
        ({"lag": (1, 65)}, "lag=65"),
        ({"p_store": 1.5}, "p_store=1.5"),
        ({"p_recall": -1}, "p_recall=-1"),
        ({"rate": -5}, "rate=-5"),
        ({"spikes": "yes"}, "spikes='yes'"),
        ({"item": 0}, "item=0"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        single(ID, **kwargs)
