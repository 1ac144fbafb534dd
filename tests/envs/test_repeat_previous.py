"""Repeating the symbol of a while ago: the lag is exact, and nothing else earns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.envs import RepeatPrevious, TaskError, make_task

from .conftest import play, single

ID = "caudate/RepeatPrevious-v0"


def stream(task: RepeatPrevious, trials: int) -> np.ndarray:
    """(trials, length) symbols, read from the first step of each item."""
    obs = task.sample_trials(trials, 0).obs[:: task._stream.window]
    assert (obs.sum(axis=2) == 1).all()
    return obs.argmax(axis=2).T


def run(env: Any, actions: np.ndarray) -> tuple[list[float], dict[str, Any]]:
    """Rewards and final facts of trial 0 of column 0."""
    env.reset(seed=0)
    steps = [env.step(int(action)) for action in actions]
    assert steps[-1][2]
    return [step[1] for step in steps], steps[-1][4]


@pytest.mark.parametrize("lag", [0, 1, 2, 4, 7])
def test_the_lag_is_exact(lag: int) -> None:
    """Echoing from one item sooner or later does no better than a guess."""
    task = RepeatPrevious(lag=lag, length=400 + lag)
    symbols = stream(task, 1)[0]
    for echoed in (lag - 1, lag, lag + 1):
        if echoed < 0:
            continue
        actions = np.concatenate([np.zeros(echoed, dtype=int), symbols[: 400 + lag - echoed]])
        rewards, info = run(task.env(), actions)
        if echoed == lag:
            assert info["accuracy"] == info["correct"] == 1
            assert info["n_correct"] == 400
            assert sum(rewards) == pytest.approx(1)
        else:
            assert info["accuracy"] == pytest.approx(0.25, abs=0.1)
            assert info["correct"] == 0
        assert rewards[:lag] == [0] * lag


def test_targets_are_the_items_of_a_while_ago() -> None:
    task = RepeatPrevious(lag=3, item=200, gap=100, length=9)
    symbols = stream(task, 50)
    samples = task.sample_trials(50, 0)
    assert samples.obs.any(axis=2).T.astype(int).tolist() == [[1, 1, 0] * 9] * 50
    assert (samples.target.T[:, 9:] == symbols[:, :-3].repeat(3, axis=1)).all()


def test_the_last_step_of_an_item_counts() -> None:
    task = RepeatPrevious(lag=1, item=200, gap=100, length=3)
    first, second, _ = stream(task, 1)[0]
    wrong = (first + 1) % 4
    rewards, info = run(task.env(), np.array([0, 0, 0, first, first, wrong, wrong, 0, second]))
    assert rewards == [0, 0, 0, 0, 0, -0.5, 0, 0, 0.5]
    assert (info["n_correct"], info["accuracy"], info["correct"]) == (1, 0.5, 0)
    assert info["choice"] == second
    assert np.isnan(info["rt"])
    own = RepeatPrevious(lag=1, length=3, rewards={"correct": 3, "error": 0})
    first, second, _ = stream(own, 1)[0]
    assert run(own.env(), np.array([0, (first + 1) % 4, second]))[0] == [0, 0, 1.5]


@pytest.mark.parametrize(
    "kwargs",
    [{}, {"lag": 0, "n_symbols": 7}, {"lag": 5, "gap": 100, "item": 300}, {"lag": 1, "length": 2}],
)
def test_yardsticks(kwargs: dict[str, Any]) -> None:
    task = RepeatPrevious(**kwargs)
    yardsticks, guess = task.yardsticks, 1 / task.n_symbols
    assert (yardsticks.random, yardsticks.chance, yardsticks.optimum) == (guess, guess, 1)
    facts = play(task.vector(128), task.random_policy(3), 3000, seed=0)
    assert task.score(facts).mean() == pytest.approx(guess, abs=0.025)
    assert task.score(play(task.vector(64), task.oracle(), 300, seed=0)).min() == 1
    # The best map from what is on view when the answer counts to an answer.
    samples = task.sample_trials(3000, seed=4)
    counted = slice((task.lag + 1) * task._stream.window - 1, None, task._stream.window)
    seen = samples.obs[counted]
    view = np.where(seen.any(axis=2), 1 + seen.argmax(axis=2), 0)
    pairs = np.zeros((task.n_symbols + 1, task.n_symbols))
    np.add.at(pairs, (view, samples.target[counted]), 1 / view.size)
    assert pairs.max(axis=1).sum() == pytest.approx(yardsticks.memoryless, abs=0.04)


def test_memoryless_where_the_past_is_shown() -> None:
    assert RepeatPrevious(prev_action=True).yardsticks.memoryless is None
    assert RepeatPrevious(prev_action=True, lag=0).yardsticks.memoryless == 1
    assert RepeatPrevious(lag=0, gap=100).yardsticks.memoryless == 0.25


def test_oracle_goes_on_from_trial_to_trial() -> None:
    task = RepeatPrevious(trials_per_episode=3, lag=4, length=9)
    assert task.score(play(task.vector(16), task.oracle(), 200, seed=0)).min() == 1


def test_variants_have_the_scored_items_of_popgym() -> None:
    """There 52 and 156 cards leave 52 - 4 and 156 - 64 rewarded answers."""
    easy, hard = (make_task(f"caudate/RepeatPrevious-{one}-v0") for one in ("Easy", "Hard"))
    assert isinstance(easy, RepeatPrevious)
    assert isinstance(hard, RepeatPrevious)
    assert (easy.lag, easy.length - easy.lag) == (3, 48)
    assert (hard.lag, hard.length - hard.lag) == (63, 92)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"lag": -1}, "lag=-1"),
        ({"lag": 22}, "length=22 leaves no item"),
        ({"n_symbols": 1}, "n_symbols=1"),
        ({"length": 0}, "length=0"),
        ({"item": 0}, "item=0"),
        ({"gap": "long"}, "gap='long'"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        single(ID, **kwargs)
