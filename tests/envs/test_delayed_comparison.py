"""Delayed comparison: pairs, codes, noise, and the yardsticks derived once more."""

from __future__ import annotations

from math import erf, sqrt
from typing import Any

import numpy as np
import pytest

from caudate.envs import DelayedComparison, TaskError, make_task
from caudate.envs.working_memory.delayed_comparison import ROMO_PAIRS, symmetric_pairs

from .conftest import play, single
from .trials import run

ID = "caudate/DelayedComparison-v0"
#: One difference in the middle of a range so wide that the edges hardly count.
LADDER = symmetric_pairs([100.0 + step for step in range(31)], [2.0])


def normal(x: float) -> float:
    return 0.5 * (1 + erf(x / sqrt(2)))


def test_pairs_of_the_paper() -> None:
    published = [(18, 10), (22, 14), (26, 18), (30, 22), (34, 26)]
    assert set(ROMO_PAIRS) == {*published, *((second, first) for first, second in published)}
    task = make_task("caudate/DelayedComparison-Romo-v0")
    samples = task.sample_trials(3000, seed=0)
    assert set(samples.lengths) == {1 + 5 + 30 + 5 + 2}
    facts = samples.facts
    counts = np.bincount(facts["condition"], minlength=10)
    assert np.abs(counts / 3000 - 0.1).max() < 0.03
    pairs = np.array(ROMO_PAIRS)[facts["condition"]]
    assert np.array_equal(pairs, np.stack([facts["f1"], facts["f2"]], axis=1))


def test_default_trial() -> None:
    task = make_task(ID)
    samples = task.sample_trials(500, seed=0)
    # fixation 1, first 2, delay 5 to 10, second 2, decision 2 steps of 100 ms
    assert set(samples.lengths) == set(range(12, 18))
    for trial in range(50):
        end = samples.lengths[trial]
        obs, target = samples.obs[:end, trial], samples.target[:end, trial]
        f1, f2 = samples.facts["f1"][trial], samples.facts["f2"][trial]
        delay = int(samples.facts["delay_ms"][trial] / 100)
        course = [0, f1, f1, *[0] * delay, f2, f2, 0, 0]
        assert obs[:, 2] == pytest.approx(np.array(course) / 34)
        assert obs[:, 1].tolist() == [0] * (end - 2) + [1, 1]
        assert (obs[:, 0] == 1 - obs[:, 1]).all()
        assert target.tolist() == [0] * (end - 2) + [1 if f1 > f2 else 2] * 2


def test_first_answer_counts() -> None:
    env = single(ID, delay=500)
    info = run(env, [])[1]
    right = 1 if info["f1"] > info["f2"] else 2
    blank = [0] * 10
    rewards, info = run(env, [*blank, right, 3 - right])
    assert (sum(rewards), info["correct"], info["choice"], info["rt"]) == (1, 1, right, 0)
    rewards, info = run(env, [*blank, 3 - right, right])
    assert (sum(rewards), info["correct"], info["choice"]) == (0, 0, 3 - right)
    rewards, info = run(env, [2, 1, *blank[2:], 0, right])
    assert rewards == [-0.1, *[0] * 10, 1]
    assert (info["correct"], info["rt"], info["fixation_break"]) == (1, 100, 1)
    rewards, info = run(single(ID, delay=500, abort=True), [0, 1])
    assert (rewards, info["choice"]) == ([0, -0.1], 0)
    assert np.isnan(info["rt"])


def test_population_code() -> None:
    """Units are tuned to evenly spaced frequencies, one spacing wide."""
    task = DelayedComparison(n_units=4, pairs=[(10, 40), (40, 10), (20, 25)])
    assert task.obs_names == ("fixation", "go", "unit_0", "unit_1", "unit_2", "unit_3")
    samples = task.sample_trials(60, seed=1)
    preferred = np.array([10, 20, 30, 40])
    for trial in range(60):
        for step, name in ((1, "f1"), (samples.lengths[trial] - 3, "f2")):
            apart = samples.facts[name][trial] - preferred
            expected = np.exp(-(apart**2) / (2 * 10**2))
            assert samples.obs[step, trial, 2:] == pytest.approx(expected, abs=1e-6)
    assert (samples.obs[0, :, 2:] == 0).all()


def test_previous_trial() -> None:
    """Stimuli of the trial before, within an episode."""
    alone = DelayedComparison().sample_trials(50, seed=3).facts
    assert np.isnan(alone["prev_f1"]).all()
    facts = DelayedComparison(trials_per_episode=5).sample_trials(50, seed=3).facts
    first = np.arange(50) % 5 == 0
    for name in ("f1", "f2"):
        past = facts[f"prev_{name}"]
        assert np.array_equal(np.isnan(past), first)
        assert np.array_equal(past[~first], facts[name][:-1][~first[1:]])
        assert np.array_equal(facts[name], alone[name])


def test_noise_is_independent_and_only_on_stimuli() -> None:
    task = DelayedComparison(sigma=0.5, fixation=(0, 300), pairs=[(10, 20), (20, 10)])
    samples = task.sample_trials(4000, seed=2)
    obs = samples.obs
    assert (obs >= task.observation_space.low).all()
    assert (obs <= task.observation_space.high).all()
    on = obs[:, :, 2] != 0
    assert (on.sum(axis=0) == 4).all()
    values = obs[:, :, 2].T[on.T].reshape(4000, 4)
    clean = np.stack([samples.facts["f1"], samples.facts["f2"]], axis=1).repeat(2, axis=1) / 20
    noise = values - clean
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert np.cov(noise.T) == pytest.approx(0.25 * np.eye(4), abs=0.03)


# -------------------------------------------------------------------- yardsticks


def test_what_the_second_stimulus_tells() -> None:
    """Interior values tell nothing; those at the edges are all that lifts it above one half."""
    facts = DelayedComparison().sample_trials(20_000, seed=0).facts
    for f2 in np.unique(facts["f2"]):
        higher = (facts["f1"] > facts["f2"])[facts["f2"] == f2].mean()
        expected = 0.5 if 18 <= f2 <= 26 else float(f2 < 18)
        assert higher == pytest.approx(expected, abs=0.05)
    assert DelayedComparison().second_alone == 0.7
    assert DelayedComparison(pairs=LADDER).second_alone == pytest.approx(0.5 + 2 / len(LADDER))


def test_unequal_answers() -> None:
    """Where one answer is more frequent, giving it always is the best that no memory can do."""
    task = DelayedComparison(pairs=[(10, 20), (20, 30), (30, 10)])
    assert task.yardsticks.chance == task.yardsticks.memoryless == pytest.approx(2 / 3)
    score = task.score(play(task.vector(64), task.oracle(), 500, seed=0))
    assert score.mean() == 1
    # Periods before the go cue are 6 to 11 steps, of which an answer at one step meets two.
    aborting = DelayedComparison(abort=True).yardsticks
    assert aborting.chance == pytest.approx(0.5 * 2 / 6)
    assert aborting.memoryless == 0.5
    assert DelayedComparison(prev_action=True).yardsticks.memoryless is None


@pytest.mark.parametrize("sigma", [0.01, 0.03])
def test_optimum_far_from_the_edges(sigma: float) -> None:
    """Phi of the difference over the standard deviation of the difference of averages."""
    task = DelayedComparison(pairs=LADDER, sigma=sigma, first=300, second=100)
    spread = sigma * 130 * sqrt(1 / 3 + 1)
    exact = normal(2 / spread)
    assert task.yardsticks.optimum == pytest.approx(exact, abs=0.015)
    # Knowing where the range ends can only help.
    assert task.yardsticks.optimum > exact - 0.001


def test_optimum_with_two_pairs() -> None:
    """(a, b) against (b, a): one linear discriminant, sqrt(n1 + n2) (a - b) / (2 sigma) from it."""
    pairs = [(10, 20), (20, 10)]
    task = DelayedComparison(pairs=pairs, sigma=0.6, first=300, second=100)
    exact = normal(sqrt(4) * 0.5 / (2 * 0.6))
    assert task.yardsticks.optimum == pytest.approx(exact, abs=0.002)
    # The same with three units, whose difference is a vector.
    many = DelayedComparison(pairs=pairs, sigma=0.6, first=300, second=100, n_units=3)
    gap = np.exp(-0.5 * np.array([0, 1, 2]) ** 2) - np.exp(-0.5 * np.array([2, 1, 0]) ** 2)
    exact = normal(sqrt(4) * float(np.linalg.norm(gap)) / (2 * 0.6))
    assert many.yardsticks.optimum == pytest.approx(exact, abs=0.003)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"sigma": 0.2},
        {"sigma": 0.2, "fixation": (0, 300), "delay": 0, "first": 300},
        {"sigma": 0.9, "n_units": 3},
        {"n_units": 2, "trials_per_episode": 4},
        {"sigma": 0.3, "trials_per_episode": 3, "delay": (0, 200)},
    ],
)
def test_oracle_reaches_the_optimum(kwargs: dict[str, Any]) -> None:
    task = DelayedComparison(**kwargs)
    score = task.score(play(task.vector(256), task.oracle(), 10_000, seed=77))
    tolerance = 4 * max(float(score.std()), 0.01) / 100
    assert score.mean() == pytest.approx(task.yardsticks.optimum, abs=tolerance)


def test_extreme_noise() -> None:
    assert DelayedComparison(sigma=1e-4).yardsticks.optimum == pytest.approx(1)
    assert 0.5 <= DelayedComparison(sigma=100).yardsticks.optimum < 0.51


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"pairs": []}, "1 to 200 pairs"),
        ({"pairs": 8}, "1 to 200 pairs"),
        ({"pairs": [(1, 2, 3)]}, "1 to 200 pairs"),
        ({"pairs": [(1, 2)] * 201}, "1 to 200 pairs"),
        ({"pairs": [(1, "a")]}, "pairs='a'"),
        ({"pairs": [(0, 1)]}, "frequency of 0"),
        ({"pairs": [(-1, 1)]}, "pairs=-1"),
        ({"pairs": [(3, 3), (1, 2)]}, "two equal"),
        ({"pairs": [(10, 10.0001)]}, "further apart"),
        ({"n_units": 0}, "n_units=0"),
        ({"n_units": 65}, "n_units=65"),
        ({"sigma": -0.1}, "sigma=-0.1"),
        ({"first": 0}, "first=0"),
        ({"second": 20}, "second=20"),
        ({"decision": -100}, "decision=-100"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        single(ID, **kwargs)
    assert "\n" not in str(error.value)
