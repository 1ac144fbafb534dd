"""Ready-Set-Go: times, rewards, and yardsticks against brute force."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from caudate.envs import IntervalReproduction, TaskError

from .conftest import play, single
from .trials import press_at

ID = "caudate/IntervalReproduction-v0"
FIXED: dict[str, Any] = {"foreperiod": 100, "prior": 800}


def test_times_run_from_onset_to_onset() -> None:
    env = single(ID, **FIXED)
    obs = [env.reset(seed=0)[0]] + [env.step(0)[0] for _ in range(25)]
    ready, sets = (np.array(obs)[:, channel].argmax() for channel in (0, 1))
    assert (ready, sets) == (2, 18)  # 100 ms foreperiod, 800 ms later
    rewards, info = press_at(env, 34)
    assert (info["t_sample_ms"], info["t_target_ms"]) == (800, 800)
    assert (info["t_prod_ms"], info["rt"], info["error_ms"]) == (800, 800, 0)
    assert rewards[-1] == 1
    assert len(rewards) == 35


@pytest.mark.parametrize(
    ("step", "reward", "correct", "early", "late"),
    [
        (34, 1.0, 1, 0, 0),
        (35, 1 - 50 / 400, 1, 0, 0),
        (33, 1 - 50 / 400, 1, 0, 0),
        (36, 1 - 100 / 400, 0, 0, 1),
        (31, 1 - 150 / 400, 0, 1, 0),
        (42, 0.0, 0, 0, 1),
        (18, 0.0, 0, 1, 0),
    ],
)
def test_reward_and_score(step: int, reward: float, correct: int, early: int, late: int) -> None:
    rewards, info = press_at(single(ID, **FIXED), step)
    assert rewards[-1] == pytest.approx(reward)
    assert (info["correct"], info["early"], info["late"]) == (correct, early, late)
    assert info["choice"] == 1


def test_no_press_and_early_press() -> None:
    env = single(ID, **FIXED)
    rewards, info = press_at(env)
    assert sum(rewards) == 0
    # to 1.5 times the target, that step included
    assert len(rewards) == 18 + 24 + 1
    assert np.isnan(info["t_prod_ms"])
    assert np.isnan(info["error_ms"])
    assert (info["choice"], info["late"], info["correct"]) == (0, 1, 0)
    rewards, info = press_at(env, 3, 7, 17, 34)
    assert [rewards[3], rewards[7], rewards[17], rewards[34]] == [-0.1, 0, 0, 1]
    assert (info["fixation_break"], info["correct"]) == (1, 1)
    rewards, info = press_at(single(ID, **FIXED, abort=True), 3)
    assert rewards == [0, 0, 0, -0.1]
    assert (info["choice"], info["early"], info["late"]) == (0, 0, 0)
    own = {"correct": 3, "error": -1}
    assert press_at(single(ID, **FIXED, rewards=own), 34)[0][-1] == 3
    assert press_at(single(ID, **FIXED, rewards=own), 18)[0][-1] == -1


def test_gains_are_cued() -> None:
    task = IntervalReproduction(gain=[1, 1.5], prior=("choice", [600, 800]))
    assert task.n_conditions == 4
    assert task.obs_names == ("ready", "set", "context_0", "context_1")
    samples = task.sample_trials(200, seed=0)
    gain = np.array([1, 1.5])[samples.facts["context"]]
    assert (samples.facts["t_target_ms"] == gain * samples.facts["t_sample_ms"]).all()
    for trial in range(20):
        cue = samples.obs[: samples.lengths[trial], trial, 2:]
        assert (cue.argmax(axis=1) == samples.facts["context"][trial]).all()
    assert set(samples.facts["condition"]) == {0, 1, 2, 3}
    facts = play(task.vector(64), task.oracle(), 500, seed=0)
    assert task.score(facts).mean() == 1


def test_priors_of_the_paper() -> None:
    for name, low, high in (("short", 500, 850), ("intermediate", 650, 1000), ("long", 850, 1200)):
        steps = IntervalReproduction(prior=name).sample_trials(500, seed=0).facts["t_sample_ms"]
        assert (steps.min(), steps.max()) == (low, high)


def test_oracle_over_many_trials_in_one_episode() -> None:
    task = IntervalReproduction(trials_per_episode=5, pulse=100)
    assert task.score(play(task.vector(32), task.oracle(), 500, seed=0)).mean() == 1


# -------------------------------------------------------------------- yardsticks

SMALL: dict[str, Any] = {"dt": 100, "prior": (300, 700), "foreperiod": (0, 200), "pulse": 100}


def score_of(task: IntervalReproduction, presses: Any) -> float:
    """Exact score of press probabilities ``presses(step, since_set, shown)``, trial by trial.

    ``since_set`` is None before Set; ``shown`` tells a pulse.
    """
    total = 0.0
    fore, prior = task._foreperiod, task._prior
    for f, p_f in zip(fore.steps, fore.probability, strict=True):
        for interval, p_i in zip(prior.steps, prior.probability, strict=True):
            go, alive, hit = f + interval, 1.0, 0.0
            for step in range(go + task._wait):
                shown = any(0 <= step - onset < task._pulse for onset in (f, go))
                q = presses(step, shown)
                if step >= go:
                    if abs(step - go - interval) <= 0.1 * interval + 1e-9:
                        hit += alive * q
                    alive *= 1 - q
                elif task.abort:
                    alive *= 1 - q
            total += p_f * p_i * hit
    return total


@pytest.mark.parametrize("abort", [False, True])
def test_chance_is_the_best_schedule(abort: bool) -> None:
    """All sets of press times that could matter, against the dynamic programme."""
    task = IntervalReproduction(**SMALL, abort=abort)
    first, last = 6, 16
    best = 0.0
    for chosen in product([0, 1], repeat=last - first):
        times = {first + step for step, one in enumerate(chosen) if one}
        best = max(best, score_of(task, lambda step, shown, t=times: float(step in t)))
    assert task.yardsticks.chance == pytest.approx(best)


@pytest.mark.parametrize("abort", [False, True])
def test_memoryless_is_the_best_rate(abort: bool) -> None:
    task = IntervalReproduction(**SMALL, abort=abort)
    rates = np.linspace(0, 1, 401)
    scores = [score_of(task, lambda step, shown, q=q: 0.0 if shown else q) for q in rates]
    assert task.yardsticks.memoryless == pytest.approx(max(scores), abs=1e-4)
    # Pressing at the pulses too does not help.
    for q, at_pulse in product((0.1, 0.2, 0.3), (0.2, 1.0)):
        worse = score_of(task, lambda step, shown, q=q, a=at_pulse: a if shown else q)
        assert worse < max(scores)


@pytest.mark.parametrize("abort", [False, True])
def test_random(abort: bool) -> None:
    task = IntervalReproduction(**SMALL, abort=abort)
    assert task.yardsticks.random == pytest.approx(score_of(task, lambda step, shown: 0.5))
    facts = play(task.vector(256), task.random_policy(0), 4000, seed=0)
    assert task.score(facts).mean() == pytest.approx(task.yardsticks.random, abs=0.02)


def test_optimum_where_the_grid_misses() -> None:
    """A grid too coarse for some targets: their share is lost, for optimum and oracle alike."""
    task = IntervalReproduction(dt=200, prior=(400, 1400), gain=1.3, pulse=200)
    optimum = task.yardsticks.optimum
    assert 0.5 < optimum < 1
    assert task.score(play(task.vector(64), task.oracle(), 6000, seed=0)).mean() == pytest.approx(
        optimum, abs=0.03
    )


@pytest.mark.parametrize("pulse", [100, 200])
def test_clock_makes_memoryless_a_schedule(pulse: int) -> None:
    """A set of press times that leaves out the pulse of Set, which is seen: all that matter."""
    task = IntervalReproduction(**{**SMALL, "pulse": pulse}, time=True)
    best = 0.0
    for chosen in product([0, 1], repeat=10):
        times = {6 + step for step, one in enumerate(chosen) if one}
        best = max(
            best, score_of(task, lambda step, shown, t=times: float(step in t and not shown))
        )
    assert task.yardsticks.memoryless == pytest.approx(best)
    assert best >= task.yardsticks.chance
    assert IntervalReproduction(**SMALL, time=True, abort=True).yardsticks.memoryless is None
    assert IntervalReproduction(**SMALL, prev_action=True).yardsticks.memoryless is None


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"prior": "tall"}, "choose one of short"),
        ({"prior": (800, 820)}, "single step"),
        ({"gain": []}, "gain="),
        ({"gain": [1, 1]}, "twice"),
        ({"gain": 0}, "gain=0"),
        ({"pulse": 900}, "shorter pulse"),
        ({"limit": 0.5}, "limit=0.5"),
        ({"pulse": 10}, "half a step"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        single(ID, **kwargs)
