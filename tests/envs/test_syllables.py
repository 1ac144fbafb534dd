"""Syllables: goals of reaches and holds, what errors cost, facts, and blind or constant outputs."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from caudate.envs import Syllables, TaskError

from .conftest import play

NAMES = ("right", "up", "left", "down", "hold_right", "hold_up", "hold_left", "hold_down")
#: 20 steps a syllable.
SHORT: dict[str, Any] = {"duration": 200.0, "dt": 10.0}


def goals(task: Syllables) -> np.ndarray:
    """(8, T, 2) goals by syllable, from samples."""
    samples = task.sample_trials(200, seed=1)
    syllable = samples.facts["condition"]
    return np.stack([samples.target[:, np.flatnonzero(syllable == one)[0]] for one in range(8)])


def run(task: Syllables, outputs: np.ndarray, seed: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Rewards and final facts of the first trial of a seed."""
    env = task.env()
    env.reset(seed=seed)
    rewards, info = [], {}
    for place, output in enumerate(outputs):
        _, reward, over, _, info = env.step(output.astype(np.float32))
        rewards.append(reward)
        assert over == (place == len(outputs) - 1)
    return np.array(rewards), info


def seed_of(task: Syllables, syllable: int) -> int:
    """A seed whose first trial is this syllable."""
    return next(
        seed
        for seed in itertools.count()
        if task.sample_trials(1, seed).facts["condition"][0] == syllable
    )


def test_inputs_and_goals() -> None:
    task = Syllables()
    assert task.obs_names == NAMES
    samples = task.sample_trials(4000, seed=0)
    assert samples.obs.shape == (200, 4000, 8)
    assert samples.mask.all()
    syllable = samples.facts["condition"]
    assert (samples.obs == np.eye(8)[syllable]).all()
    # All are equally likely: 500 of each, and twice the standard deviation is 42.
    assert np.bincount(syllable, minlength=8) == pytest.approx(np.full(8, 500), abs=85)
    for one, goal in enumerate(goals(task)):
        assert (samples.target[:, syllable == one] == goal[:, None]).all()


@pytest.mark.parametrize("kwargs", [{}, SHORT, {"duration": 7, "peak": 0.5}, {"duration": 4}])
def test_a_reach_is_straight_and_smooth(kwargs: dict[str, Any]) -> None:
    task = Syllables(**kwargs)
    right, up, left, down, *holds = goals(task)
    assert not np.any(holds)
    assert (left == -right).all()
    assert (down == -up).all()
    assert (up[:, ::-1] == right).all()
    speed = right[:, 0]
    assert not right[:, 1].any()
    assert speed == pytest.approx(speed[::-1])
    assert (speed > 0).all()
    # The mean of a raised cosine is half of its peak, and that of its square 3/8 of the peak's.
    assert speed.mean() == pytest.approx(task.peak / 2)
    assert (speed**2).mean() == pytest.approx(3 / 8 * task.peak**2)
    middles = (np.arange(len(speed)) + 0.5) / len(speed)
    assert speed == pytest.approx(task.peak * np.sin(np.pi * middles) ** 2)


def test_rewards_fall_with_the_squared_error() -> None:
    task = Syllables(**SHORT, peak=0.6)
    variance = 3 / 16 * 0.36
    random = np.random.default_rng(0)
    for syllable in (2, 3, 5):
        outputs = random.uniform(-1, 1, (20, 2)).astype(np.float32)
        rewards, _ = run(task, outputs, seed_of(task, syllable))
        error = ((outputs - goals(task)[syllable]) ** 2).sum(axis=1)
        assert rewards == pytest.approx((1 - error / variance) / 20, abs=1e-6)
    low, high = task.reward_range()
    assert (low, high) == pytest.approx(((1 - (1.6**2 + 1) / variance) / 20, 1 / 20))


def test_standing_still_earns_nothing_on_average() -> None:
    task = Syllables(**SHORT)
    earned = [run(task, np.zeros((20, 2)), seed_of(task, one))[0].sum() for one in range(8)]
    # Holds are won and reaches cost as much.
    assert earned == pytest.approx([-1] * 4 + [1] * 4, abs=1e-6)


def test_facts_of_perfect_play() -> None:
    task = Syllables()
    for syllable, goal in enumerate(goals(task)):
        rewards, info = run(task, goal, seed_of(task, syllable))
        assert rewards.sum() == pytest.approx(1)
        assert info["condition"] == syllable
        assert info["choice"] == (syllable if syllable < 4 else -1)
        assert (info["correct"], info["on_target"]) == (1, 1)
        assert (info["rmse"], info["end_error"]) == pytest.approx((0, 0), abs=1e-6)
        assert math.isnan(info["rt"])


def test_facts_of_errors() -> None:
    task = Syllables(**SHORT, tolerance=0.2)
    goal, seed = goals(task)[1], seed_of(task, 1)  # up
    # .16 is the limit at the peak speed .8.
    sideways = np.where(np.arange(20) < 5, 0.159, 0.161)
    _, info = run(task, goal + np.stack([sideways, np.zeros(20)], axis=1), seed)
    assert (info["correct"], info["on_target"]) == (0, 0.25)
    assert task.score({"on_target": np.array([0.25])}) == [0.25]
    assert info["rmse"] == pytest.approx(math.sqrt((sideways**2).mean()), abs=1e-6)
    # A mean output of .4 is one reach.
    assert info["end_error"] == pytest.approx(sideways.mean() / 0.4, abs=1e-6)
    assert info["choice"] == 1
    for share, choice, far in ((0.45, -1, 0.55), (0.55, 1, 0.45), (-1.0, 3, 2.0)):
        _, info = run(task, share * goal, seed)
        assert info["choice"] == choice
        assert info["end_error"] == pytest.approx(far, abs=1e-6)


def test_syllables_follow_one_another() -> None:
    task = Syllables(**SHORT, trials_per_episode=5, time=True)
    facts = play(task.vector(8), task.oracle(), 80, seed=0)
    assert task.score(facts).min() == 1


# -------------------------------------------------------------------- yardsticks


@pytest.mark.parametrize("kwargs", [{}, {"tolerance": 0.25}, {**SHORT, "tolerance": 0.17}])
def test_chance_against_all_outputs(kwargs: dict[str, Any]) -> None:
    """The best output at each step, out of a fine grid, that is the same for all syllables."""
    task = Syllables(**kwargs)
    edge = np.linspace(0, 0.8, 161)
    outputs = np.stack(np.meshgrid(edge, edge), axis=2).reshape(-1, 1, 2)
    hits = []
    for now in goals(task).transpose(1, 0, 2):
        near = np.hypot(*np.moveaxis(outputs - now, 2, 0)) <= task.tolerance * 0.8 + 1e-6
        hits.append(near.mean(axis=1).max())
    # A compromise that only just serves falls between the points of the grid.
    assert task.yardsticks.chance == pytest.approx(np.mean(hits), abs=0.008)
    assert task.yardsticks.chance >= np.mean(hits) - 1e-9


@pytest.mark.parametrize("kwargs", [{}, {"tolerance": 0.2}, {**SHORT, "tolerance": 0.05}])
def test_memoryless_against_all_constants(kwargs: dict[str, Any]) -> None:
    task = Syllables(**kwargs)
    speed = goals(task)[0, :, 0]
    constants = np.linspace(0, 0.8, 20_001)
    hits = np.abs(constants[:, None] - speed) <= task.tolerance * 0.8 + 1e-6
    best = (1 + hits.mean(axis=1).max()) / 2
    assert task.yardsticks.memoryless == pytest.approx(best)


def test_random_play() -> None:
    task = Syllables(**SHORT, tolerance=0.25)
    facts = play(task.vector(64), task.random_policy(0), 2000, seed=0)
    assert task.yardsticks.random == pytest.approx(math.pi * 0.2**2 / 4)
    assert task.score(facts).mean() == pytest.approx(task.yardsticks.random, abs=0.004)


def test_what_one_observation_tells() -> None:
    plain = Syllables().yardsticks
    assert plain[:4] == pytest.approx((math.pi * 0.0016, 0.61875, 0.65, 1))
    assert Syllables(time=True).yardsticks.memoryless == 1
    assert Syllables(prev_action=True).yardsticks.memoryless is None
    assert Syllables(prev_reward=True).yardsticks.memoryless is None


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"duration": 3}, "duration=3 ms is shorter than 4 steps of dt=1 ms"),
        ({"duration": -1}, "duration=-1"),
        ({"dt": 100}, "duration=200 ms is shorter than 4 steps of dt=100 ms"),
        ({"peak": 0}, "peak=0"),
        ({"peak": 0.9}, r"peak=0.9 .* \[0.001, 0.8\]"),
        ({"tolerance": 0.3}, "tolerance=0.3"),
        ({"tolerance": 0}, "tolerance=0"),
    ],
)
def test_bad_parameters(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        Syllables(**kwargs)
