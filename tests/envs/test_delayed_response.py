"""Delayed response: what is shown, what answers earn, how far off they are, and yardsticks."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from caudate.envs import DelayedResponse, TaskError, make_task

from .conftest import play, single
from .trials import run

ID = "caudate/DelayedResponse-v0"
#: Fixation 0 to 2, delay 1, 2 or 4 steps.
VARIED: dict[str, Any] = {"delay": ("choice", [100, 200, 400]), "fixation": (0, 200)}


def test_default_trial() -> None:
    task = make_task(ID)
    assert task.obs_names == ("fixation", "go", "loc_0", "loc_1", "loc_2", "loc_3")
    samples = task.sample_trials(1000, seed=0)
    # fixation 1, cue 2, delay 5 to 10, decision 2 steps of 100 ms
    assert set(samples.lengths) == set(range(10, 16))
    assert np.array_equal(samples.lengths * 100, 500 + samples.facts["delay_ms"])
    assert np.allclose(np.bincount(samples.facts["loc"]) / 1000, 0.25, atol=0.05)
    for trial in range(50):
        obs = samples.obs[: samples.lengths[trial], trial]
        loc = samples.facts["loc"][trial]
        assert (obs[:, 0] == 1 - obs[:, 1]).all()
        assert obs[-2:, 1].tolist() == [1, 1]
        assert obs[:-2, 1].sum() == 0
        assert np.argwhere(obs[:, 2:]).tolist() == [[1, loc], [2, loc]]
        target = samples.target[: samples.lengths[trial], trial]
        assert target.tolist() == [0] * (len(obs) - 2) + [1 + loc] * 2


def test_first_answer_counts() -> None:
    env = single(ID, delay=500)
    loc = run(env, [])[1]["loc"]
    right, wrong = 1 + loc, 1 + (loc + 1) % 4
    blank = [0] * 8
    rewards, info = run(env, [*blank, right, wrong])
    assert (sum(rewards), info["correct"], info["choice"], info["rt"]) == (1, 1, right, 0)
    rewards, info = run(env, [*blank, wrong, right])
    assert (sum(rewards), info["correct"], info["choice"]) == (0, 0, wrong)
    rewards, info = run(env, [*blank, 0, right])
    assert (rewards[-1], info["correct"], info["rt"]) == (1, 1, 100)
    rewards, info = run(env, [])
    assert (sum(rewards), info["correct"], info["choice"]) == (0, 0, 0)
    assert np.isnan(info["rt"])
    assert np.isnan(info["error_deg"])


def test_answering_early_costs_once() -> None:
    env = single(ID, delay=500)
    right = 1 + run(env, [])[1]["loc"]
    rewards, info = run(env, [1, 2, *[0] * 6, right])
    assert rewards == [-0.1, *[0] * 7, 1, 0]
    assert (info["fixation_break"], info["correct"]) == (1, 1)
    rewards, info = run(single(ID, delay=500, abort=True), [0, 4])
    assert rewards == [0, -0.1]
    assert (info["fixation_break"], info["correct"], info["choice"]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("n_loc", "anti"), [(2, "always"), (3, "never"), (8, "never"), (8, "mixed")]
)
def test_angular_errors(n_loc: int, anti: str) -> None:
    """The error of each answer, from the angles of locations on a circle."""
    env = single(ID, n_loc=n_loc, anti=anti, delay=0, fixation=0)
    seen = set()
    for answer, seed in product(range(n_loc), range(6)):
        info = run(env, [0, 0, 1 + answer], seed)[1]
        seen.add(info["is_anti"])
        goal = 360 * info["loc"] / n_loc + 180 * info["is_anti"]
        away = np.deg2rad(360 * answer / n_loc - goal)
        expected = np.rad2deg(np.arctan2(np.sin(away), np.cos(away)))
        if abs(expected) > 179:  # opposite, in either direction
            expected = abs(expected)
        assert info["error_deg"] == pytest.approx(expected)
        assert info["correct"] == (abs(expected) < 1e-6)
        assert info["target_loc"] == round(goal * n_loc / 360) % n_loc
    assert seen == {"never": {0}, "always": {1}, "mixed": {0, 1}}[anti]


def test_anti_trials_are_shown_during_the_cue() -> None:
    samples = DelayedResponse(anti="mixed").sample_trials(2000, seed=4)
    assert samples.facts["is_anti"].mean() == pytest.approx(0.5, abs=0.05)
    shown = samples.obs[:, :, 2]
    cue = (samples.obs[:, :, 3:] > 0).any(axis=2)
    assert np.array_equal(shown == 1, cue & (samples.facts["is_anti"] == 1))
    task = make_task("caudate/DelayedResponse-Anti-v0")
    facts = task.sample_trials(2000, seed=4).facts
    shift = (facts["target_loc"] - facts["loc"]) % 4
    assert np.array_equal(shift, 2 * facts["is_anti"])
    assert np.array_equal(facts["condition"], facts["loc"] + 4 * facts["is_anti"])
    assert set(facts["condition"]) == set(range(task.n_conditions))


def test_noise_is_independent_and_only_on_the_cue() -> None:
    task = DelayedResponse(sigma=0.5, n_loc=3)
    samples = task.sample_trials(4000, seed=2)
    obs = samples.obs
    assert (obs >= task.observation_space.low).all()
    assert (obs <= task.observation_space.high).all()
    assert (obs[0, :, 2:] == 0).all()
    assert (obs[3:, :, 2:] == 0).all()
    shown = np.eye(3)[samples.facts["loc"]][:, None]
    noise = (obs[1:3, :, 2:].transpose(1, 0, 2) - shown).reshape(4000, 6)
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert np.cov(noise.T) == pytest.approx(0.25 * np.eye(6), abs=0.03)


# -------------------------------------------------------------------- yardsticks


def test_yardsticks_by_number_of_locations() -> None:
    for n_loc in (2, 5, 16):
        task = DelayedResponse(n_loc=n_loc)
        assert task.yardsticks.chance == task.yardsticks.memoryless == 1 / n_loc
        assert task.yardsticks.optimum == 1
        answered = 1 - (1 / (n_loc + 1)) ** 2
        assert task.yardsticks.random == pytest.approx(answered / n_loc)
    assert DelayedResponse(prev_action=True).yardsticks.memoryless is None
    assert DelayedResponse(time=True).yardsticks.memoryless == 0.25


@pytest.mark.parametrize("abort", [False, True])
@pytest.mark.parametrize("decision", [100, 200])
def test_no_blind_policy_beats_chance(abort: bool, decision: float) -> None:
    """Every set of answering times, against every course of a trial."""
    task = DelayedResponse(n_loc=2, cue=100, abort=abort, decision=decision, **VARIED)
    onsets = [f + 1 + d for f in range(3) for d in (1, 2, 4)]
    window = int(decision / 100)
    best = 0.0
    for answers in product([0, 1], repeat=max(onsets) + window):
        times = np.flatnonzero(answers)
        share = 0.0
        for go in onsets:
            lost = abort and len(times) > 0 and times[0] < go
            share += not lost and any(go <= time < go + window for time in times)
        best = max(best, share / len(onsets) / 2)
    assert task.yardsticks.chance == pytest.approx(best)
    assert task.yardsticks.memoryless == 0.5


@pytest.mark.parametrize(
    "kwargs",
    [
        {"abort": True},
        {"abort": True, "n_loc": 2, "decision": 100, **VARIED},
        {"decision": 500, "n_loc": 3},
    ],
)
def test_random_play(kwargs: dict[str, Any]) -> None:
    task = DelayedResponse(**kwargs)
    score = task.score(play(task.vector(256), task.random_policy(2), 8000, seed=0))
    assert score.mean() == pytest.approx(task.yardsticks.random, abs=0.02)
    assert task.yardsticks.random <= task.yardsticks.chance


@pytest.mark.parametrize(("n_loc", "sigma", "cue"), [(2, 0.8, 200), (5, 0.8, 200), (16, 2, 500)])
def test_optimum_under_noise(n_loc: int, sigma: float, cue: float) -> None:
    """The largest of n_loc sums, drawn anew."""
    task = DelayedResponse(n_loc=n_loc, sigma=sigma, cue=cue)
    steps = round(cue / 100)
    sums = sigma * np.random.default_rng(0).standard_normal((100_000, steps, n_loc)).sum(axis=1)
    sums[:, 0] += steps
    share = (sums.argmax(axis=1) == 0).mean()
    assert task.yardsticks.optimum == pytest.approx(share, abs=0.006)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"sigma": 0.8},
        {"anti": "always", "n_loc": 2, "fixation": (0, 300), "delay": 0},
        {"anti": "mixed", "sigma": 1.0, "trials_per_episode": 3},
        {"n_loc": 16, "delay": ("truncexp", 300, 100, 900), "trials_per_episode": 2},
    ],
)
def test_oracle_reaches_the_optimum(kwargs: dict[str, Any]) -> None:
    task = DelayedResponse(**kwargs)
    score = task.score(play(task.vector(256), task.oracle(), 8000, seed=77))
    tolerance = 4 * max(float(score.std()), 0.001) / np.sqrt(8000)
    assert score.mean() == pytest.approx(task.yardsticks.optimum, abs=tolerance)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"n_loc": 1}, "n_loc=1"),
        ({"n_loc": 17}, "n_loc=17"),
        ({"n_loc": 3, "anti": "always"}, "no opposite"),
        ({"anti": "allways"}, "did you mean 'always'"),
        ({"sigma": -1}, "sigma=-1"),
        ({"sigma": 0.1, "fixation": (0, 300)}, "onset unknown"),
        ({"cue": 0}, "cue=0"),
        ({"decision": 40}, "decision=40"),
        ({"delay": -5}, "delay=-5"),
        ({"delay": (500, 540)}, "single step"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        single(ID, **kwargs)
    assert "\n" not in str(error.value)
