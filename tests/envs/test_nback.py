"""The n-back task: what a target is, what counts, and the certificates of its yardsticks."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from caudate.envs import NBack, TaskError, make_task

from .conftest import play, single

ID = "caudate/NBack-v0"


def shown(task: NBack, trials: int, seed: int = 0) -> np.ndarray:
    """(trials, length) symbols, read from what the first step of each window shows."""
    obs = task.sample_trials(trials, seed).obs[:: task._stream.window]
    assert (obs.sum(axis=2) == 1).all()
    return obs.argmax(axis=2).T


def run(env: Any, actions: np.ndarray, seed: int = 0) -> tuple[list[float], dict[str, Any]]:
    """Rewards and final facts of one trial."""
    env.reset(seed=seed)
    rewards: list[float] = []
    for action in actions:
        _, reward, over, _, info = env.step(int(action))
        rewards.append(reward)
    assert over
    return rewards, info


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_target_equals_the_item_exactly_n_back(n: int) -> None:
    """The lag is n, not n - 1 and not n + 1."""
    task = NBack(n=n, length=20 + n)
    symbols = shown(task, 500)
    target = task.sample_trials(500, 0).target.T
    equal = symbols[:, n:] == symbols[:, :-n]
    assert (target[:, n:] == equal).all()
    assert (target[:, :n] == 0).all()
    assert equal.mean() == pytest.approx(0.3, abs=0.02)
    for lag in {n - 1, n + 1} - {0}:
        other = symbols[:, n + 1 :] == symbols[:, n + 1 - lag : task.length - lag]
        assert (target[:, n + 1 :] != other).any(axis=1).all()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_lures(n: int) -> None:
    for p_lure in (0.0, 0.4, 1.0):
        task = NBack(n=n, length=n + 20, p_lure=p_lure, n_symbols=5)
        symbols, facts = shown(task, 800), task.sample_trials(800, 0).facts
        item = np.arange(n, n + 20)
        is_target = symbols[:, item] == symbols[:, item - n]
        near = np.zeros_like(is_target)
        for lag in {n - 1, n + 1} - {0}:
            exists = item - lag >= 0
            near |= exists & (symbols[:, item] == symbols[:, np.maximum(item - lag, 0)])
        lure = near & ~is_target
        assert (facts["n_targets"] == is_target.sum(axis=1)).all()
        assert (facts["n_lures"] == lure.sum(axis=1)).all()
        # Where both neighbours of the target item equal it, or do not exist, no lure is possible.
        possible = np.zeros_like(is_target)
        for lag in {n - 1, n + 1} - {0}:
            exists = item - lag >= 0
            differs = symbols[:, np.maximum(item - lag, 0)] != symbols[:, item - n]
            possible |= exists & differs
        assert lure[possible & ~is_target].mean() == pytest.approx(p_lure, abs=0.02)


def test_few_symbols() -> None:
    """With two symbols a non-target is the other one, with three it may have to be a lure."""
    for n_symbols in (2, 3):
        task = NBack(n=2, n_symbols=n_symbols, p_lure=0.0)
        symbols = shown(task, 500)
        rate = (symbols[:, 2:] == symbols[:, :-2]).mean()
        assert rate == pytest.approx(0.3, abs=0.02)


def test_facts_of_all_four_outcomes() -> None:
    task = NBack(n=2, length=12)
    target = task.sample_trials(1, 3).target[:, 0]
    symbols = shown(task, 1, 3)[0]
    assert 2 <= target.sum() <= 8
    hit_one = np.zeros(12, dtype=int)
    hit_one[target.argmax()] = 1
    false = hit_one.copy()
    false[2 + (target[2:] == 0).argmax()] = 1
    for actions in (np.zeros(12, dtype=int), np.ones(12, dtype=int), target, hit_one, false):
        rewards, info = run(task.env(), actions, seed=3)
        scored = slice(2, None)
        right = actions[scored] == target[scored]
        assert rewards[:2] == [0, 0]
        assert rewards[2:] == pytest.approx(np.where(right, 0.1, -0.1))
        assert info["hits"] == (actions & target).sum()
        assert info["false_alarms"] == (actions & ~target & 1)[scored].sum()
        assert info["n_correct"] == right.sum()
        assert info["accuracy"] == pytest.approx(right.mean())
        assert info["correct"] == right.all()
        assert info["choice"] == actions[scored].any()
        assert info["rt"] == 0 if info["hits"] else np.isnan(info["rt"])
        near = (symbols[2:] == symbols[1:-1]) | np.append(False, symbols[3:] == symbols[:-3])
        lure = near & (target[2:] == 0)
        assert info["n_lures"] == lure.sum()
        assert info["lure_false_alarms"] == (lure & (actions[2:] == 1)).sum()


def test_withholding_is_credited() -> None:
    """Nothing but correct rejections: full score, full return."""
    rewards, info = run(single(ID, p_target=0), np.zeros(22))
    assert sum(rewards) == pytest.approx(1)
    assert (info["correct"], info["accuracy"]) == (1, 1)


def test_windows_with_gaps() -> None:
    """The first response of a window counts; what is missed is told at its end."""
    task = NBack(n=1, length=3, p_target=1.0, item=200, gap=200)
    assert task.period_names == ("item", "gap", "gap") * 3
    samples = task.sample_trials(2, 0)
    on = samples.obs.any(axis=2).T.astype(int)
    assert on.tolist() == [[1, 1, 0, 0] * 3] * 2
    rewards, info = run(task.env(), np.array([1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0]))
    assert rewards == [0, 0, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, -0.5]
    assert (info["hits"], info["rt"], info["n_correct"]) == (1, 200, 1)
    rewards, info = run(task.env(), np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0]))
    assert rewards == [0, 0, 0, 0, 0, 0, 0, 0.5, 0.5, 0, 0, 0]
    assert (info["correct"], info["rt"]) == (1, 150)
    never = NBack(n=1, length=3, p_target=0.0, item=100, gap=100)
    rewards, info = run(never.env(), np.array([1, 1, 1, 1, 0, 0]))
    assert rewards == [0, 0, -0.5, 0, 0, 0.5]
    assert (info["false_alarms"], info["n_correct"]) == (1, 1)
    assert np.isnan(info["rt"])


# -------------------------------------------------------------------- yardsticks

VARIANTS: list[dict[str, Any]] = [
    {},
    {"n": 1, "p_target": 0.6, "n_symbols": 3},
    {"n": 3, "p_lure": 1.0, "length": 9},
    {"item": 200, "gap": 100, "length": 8},
    {"p_target": 0.5, "n_symbols": 2},
]


@pytest.mark.parametrize("kwargs", VARIANTS)
def test_constant_and_random_play(kwargs: dict[str, Any]) -> None:
    task = NBack(**kwargs)
    yardsticks = task.yardsticks
    samples = task.sample_trials(3000, seed=9)
    window, first = task._stream.window, task.n * task._stream.window
    target = samples.target[first::window]
    best = max(target.mean(), 1 - target.mean())
    assert yardsticks.chance == pytest.approx(best, abs=0.015)
    facts = play(task.vector(128), task.random_policy(3), 2000, seed=0)
    assert task.score(facts).mean() == pytest.approx(yardsticks.random, abs=0.015)
    facts = play(task.vector(128), task.oracle(), 500, seed=0)
    assert task.score(facts).min() == 1 == yardsticks.optimum


@pytest.mark.parametrize("kwargs", [{"n_symbols": 4}, {"n": 1, "n_symbols": 3, "p_target": 0.5}])
def test_no_memoryless_policy_beats_its_yardstick(kwargs: dict[str, Any]) -> None:
    """All policies from the symbol that is shown to an action."""
    task = NBack(**kwargs, p_lure=0.8)
    symbols = shown(task, 4000)[:, task.n :]
    target = task.sample_trials(4000, 0).target.T[:, task.n :]
    best = max(
        float((np.array(policy)[symbols] == target).mean())
        for policy in product([0, 1], repeat=task.n_symbols)
    )
    assert best == pytest.approx(task.yardsticks.memoryless, abs=0.015)
    assert NBack(prev_action=True).yardsticks.memoryless is None


def test_oracle_goes_on_from_trial_to_trial() -> None:
    task = NBack(trials_per_episode=3, item=200)
    facts = play(task.vector(16), task.oracle(), 200, seed=0)
    assert task.score(facts).min() == 1


def test_variants() -> None:
    tasks = [make_task(f"caudate/NBack{one}-v0") for one in ("-Easy", "", "-Hard")]
    assert [task.parameters["n"] for task in tasks] == [1, 2, 3]


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"n": 0}, "n=0"),
        ({"n": 33}, "n=33"),
        ({"length": 2}, "length=2 leaves no item"),
        ({"n_symbols": 1}, "n_symbols=1"),
        ({"p_target": 1.2}, "p_target=1.2"),
        ({"p_lure": -0.1}, "p_lure=-0.1"),
        ({"item": 0}, "item=0"),
        ({"item": 100, "dt": 250}, "item=100"),
        ({"gap": -100}, "gap=-100"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        single(ID, **kwargs)
