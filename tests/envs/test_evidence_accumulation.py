"""Evidence accumulation: cues, clicks, noise channels, and the yardsticks derived once more."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import pytest

from caudate.envs import EvidenceAccumulation, TaskError, make_task

from .conftest import play, single
from .trials import run

ID = "caudate/EvidenceAccumulation-v0"


def test_course_of_a_trial() -> None:
    task = make_task(ID)
    samples = task.sample_trials(1000, seed=0)
    facts = samples.facts
    # Seven cues of 2 steps with 1 step between, delay 10 to 30, decision 3 steps of 50 ms.
    assert set(samples.lengths) == set(range(34, 55))
    assert np.array_equal(samples.lengths, 24 + facts["delay_ms"] / 50)
    sides = np.stack([facts[f"cue_{place}"] for place in range(7)], axis=1)
    assert set(sides.ravel()) == {-1, 1}
    assert np.array_equal((sides == 1).sum(axis=1), facts["n_right"])
    assert np.array_equal((sides == -1).sum(axis=1), facts["n_left"])
    assert np.array_equal(facts["side"], 1 + (facts["n_right"] > facts["n_left"]))
    assert np.array_equal(facts["condition"], facts["side"] - 1)
    for trial in range(50):
        end = samples.lengths[trial]
        expected = np.zeros((end, 3))
        for place in range(7):
            expected[3 * place : 3 * place + 2, int(sides[trial, place] == 1)] = 1
        expected[-3:, 2] = 1
        assert np.array_equal(samples.obs[:end, trial], expected)
        target = samples.target[:end, trial]
        assert target.tolist() == [0] * (end - 3) + [facts["side"][trial]] * 3


@pytest.mark.parametrize(("n_cues", "p_side"), [(7, 0.7), (3, 0.5), (5, 1.0)])
def test_distribution_of_cues(n_cues: int, p_side: float) -> None:
    """Numbers of cues on the right: two binomials, mixed."""
    facts = EvidenceAccumulation(n_cues=n_cues, p_side=p_side).sample_trials(8000, seed=3).facts
    share = np.bincount(facts["n_right"], minlength=n_cues + 1) / 8000
    for k in range(n_cues + 1):
        ways = [p**k * (1 - p) ** (n_cues - k) for p in (p_side, 1 - p_side)]
        assert share[k] == pytest.approx(comb(n_cues, k) * sum(ways) / 2, abs=0.025)
    # All places alike.
    for place in range(n_cues):
        assert facts[f"cue_{place}"].mean() == pytest.approx(0, abs=0.05)


def test_first_answer_counts() -> None:
    env = single(ID, n_cues=1, delay=50, gap=0)
    right = run(env, [])[1]["side"]
    blank = [0] * 3
    rewards, info = run(env, [*blank, right, 3 - right])
    assert (sum(rewards), info["correct"], info["choice"], info["rt"]) == (1, 1, right, 0)
    rewards, info = run(env, [*blank, 3 - right, right])
    assert (sum(rewards), info["correct"], info["choice"]) == (0, 0, 3 - right)
    rewards, info = run(env, [2, 1, 0, 0, right])
    assert rewards == [-0.1, 0, 0, 0, 1, 0]
    assert (info["correct"], info["rt"], info["fixation_break"]) == (1, 50, 1)
    rewards, info = run(single(ID, abort=True), [0, 1])
    assert (rewards, info["choice"], info["correct"]) == ([0, -0.1], 0, 0)
    assert np.isnan(info["rt"])


def test_clicks() -> None:
    """Counts are those of what is shown; rates are those that were asked for."""
    task = EvidenceAccumulation(dt=25, n_cues=4, rates=[20, 4])
    samples = task.sample_trials(3000, seed=1)
    facts = samples.facts
    shown = samples.obs[:, :, :2].sum(axis=0)
    assert np.array_equal(shown[:, 0], facts["n_left"])
    assert np.array_equal(shown[:, 1], facts["n_right"])
    # Four times 150 ms: 24 steps.
    assert (samples.obs[24:, :, :2] == 0).all()
    total = facts["n_left"] + facts["n_right"]
    assert total.mean() == pytest.approx(24 * 0.6, rel=0.03)
    less, more = facts["n_left"] < facts["n_right"], facts["n_left"] > facts["n_right"]
    assert (facts["side"][less] == 2).all()
    assert (facts["side"][more] == 1).all()
    assert less.mean() == pytest.approx(0.5, abs=0.04)
    # Each step of the fuller side has a click with probability .5, of the other one .1.
    fuller = np.maximum(facts["n_left"], facts["n_right"])
    assert fuller.mean() == pytest.approx(12, abs=0.3)
    # The steps are independent.
    first, second = samples.obs[0, :, 0], samples.obs[1, :, 0]
    same_side = np.corrcoef(first, second)[0, 1]
    # Correlated by the side alone: variance of the rate over the variance of a click.
    assert same_side == pytest.approx(0.2**2 / (0.3 * 0.7), abs=0.06)


def test_draws_are_a_coin() -> None:
    task = EvidenceAccumulation(dt=50, n_cues=1, rates=[6, 6])
    facts = task.sample_trials(8000, seed=2).facts
    draw = facts["n_left"] == facts["n_right"]
    assert facts["side"][draw].mean() == pytest.approx(1.5, abs=0.03)
    # Three steps, a click on each side with probability .3.
    each = [comb(3, k) * 0.3**k * 0.7 ** (3 - k) for k in range(4)]
    exact = sum(p * p for p in each)
    assert draw.mean() == pytest.approx(exact, abs=0.03)
    assert task.yardsticks.optimum == pytest.approx(1 - exact / 2)


def test_noise_channels() -> None:
    """They are on at random, at every step, whatever the trial is."""
    task = EvidenceAccumulation(n_noise=2, p_noise=0.2)
    samples = task.sample_trials(600, seed=0)
    noise = samples.obs[:, :, 3:][samples.mask]
    assert set(noise.ravel()) == {0.0, 1.0}
    assert noise.mean(axis=0) == pytest.approx(0.2, abs=0.02)
    assert np.corrcoef(noise.T)[0, 1] == pytest.approx(0, abs=0.03)
    quiet = EvidenceAccumulation().sample_trials(600, seed=0)
    assert np.array_equal(samples.obs[:, :, :3], quiet.obs)


# -------------------------------------------------------------------- yardsticks


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"n_cues": 1, "gap": 0, "delay": 0},
        {"n_cues": 15, "gap": 0, "n_noise": 3, "trials_per_episode": 3},
        {"dt": 25, "rates": [26, 14], "n_cues": 2},
        {"dt": 25, "rates": [10, 10], "n_cues": 1, "trials_per_episode": 4, "n_noise": 1},
        {"rates": [0, 0]},
    ],
)
def test_oracle_reaches_the_optimum(kwargs: dict[str, Any]) -> None:
    task = EvidenceAccumulation(**kwargs)
    score = task.score(play(task.vector(256), task.oracle(), 6000, seed=77))
    tolerance = 4 * max(float(score.std()), 0.001) / np.sqrt(6000)
    assert score.mean() == pytest.approx(task.yardsticks.optimum, abs=tolerance)


def test_one_cue_is_not_enough() -> None:
    """Answering by the last cue lies between chance and the optimum, as a binomial says."""
    facts = EvidenceAccumulation(p_side=0.5).sample_trials(20_000, seed=8).facts
    last = (1 + (facts["cue_6"] == 1) == facts["side"]).mean()
    # The last of 7 fair cues agrees with the majority unless the other six overrule it.
    agree = sum(comb(6, k) for k in range(3, 7)) / 2**6
    assert last == pytest.approx(agree, abs=0.015)


def test_chance_and_random() -> None:
    yardsticks = EvidenceAccumulation().yardsticks
    assert yardsticks.chance == yardsticks.memoryless == 0.5
    assert yardsticks.optimum == 1
    assert yardsticks.random == pytest.approx((1 - 1 / 27) / 2)
    # Go 31 to 51 steps in: an answer at one step meets three of these 21.
    aborting = EvidenceAccumulation(abort=True)
    assert aborting.yardsticks.chance == pytest.approx(0.5 * 3 / 21)
    assert aborting.yardsticks.memoryless == 0.5
    assert EvidenceAccumulation(prev_action=True).yardsticks.memoryless is None
    short = EvidenceAccumulation(abort=True, n_cues=1, cue=50, gap=0, delay=(0, 100))
    score = short.score(play(short.vector(256), short.random_policy(3), 20_000, seed=0))
    # Withheld 1 to 3 times before the go cue, then some answer, right half of the time.
    exact = (1 / 3 + 1 / 9 + 1 / 27) / 3 * (1 - 1 / 27) / 2
    assert short.yardsticks.random == pytest.approx(exact)
    assert score.mean() == pytest.approx(exact, abs=0.01)


def test_no_place_tells_more_than_another() -> None:
    """With k of 7 cues on the right, each place has one with probability k / 7."""
    facts = EvidenceAccumulation().sample_trials(20_000, seed=5).facts
    for n_right in range(8):
        here = facts["n_right"] == n_right
        for place in range(7):
            share = (facts[f"cue_{place}"][here] == 1).mean()
            assert share == pytest.approx(n_right / 7, abs=0.05)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"n_cues": 6}, "odd number"),
        ({"n_cues": 0}, "n_cues=0"),
        ({"p_side": 0.4}, "p_side=0.4"),
        ({"p_side": 1.1}, "p_side=1.1"),
        ({"p_noise": -1}, "p_noise=-1"),
        ({"n_noise": -1}, "n_noise=-1"),
        ({"cue": 0}, "cue=0"),
        ({"gap": -50}, "gap=-50"),
        ({"gap": 20}, "gap=20"),
        ({"rates": 20}, "rates=20"),
        ({"rates": [1, 2, 3]}, "pair"),
        ({"rates": [4, 20]}, "more, less"),
        ({"rates": [21, 4]}, "at most one click a step"),
        ({"rates": [4, -1]}, "rates=-1"),
        ({"delay": (500, 520)}, "single step"),
        ({"decision": 0}, "decision=0"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        single(ID, **kwargs)
    assert "\n" not in str(error.value)
