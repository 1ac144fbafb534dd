"""Delayed estimation: what slots show, what a report earns, and what noise leaves possible."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from scipy.integrate import quad

from caudate.envs import DelayedEstimation, TaskError, make_task

from .conftest import play, single
from .trials import run_through

ID = "caudate/DelayedEstimation-v0"
#: 2 steps of fixation, 2 of items, 3 of delay, 2 of report.
FIXED: dict[str, Any] = {"fixation": 200, "items": 200, "delay": 300, "report": 200}


def towards(angle: float, length: float = 1.0) -> np.ndarray:
    """A report of that angle."""
    return (length * np.array([math.cos(angle), math.sin(angle)])).astype(np.float32)


def report(
    angle: float | None, seed: int = 0, length: float = 1.0, **kwargs: Any
) -> tuple[float, dict[str, Any], float]:
    """Return, facts and target of a trial that ends on this angle from its target."""
    task = DelayedEstimation(**{**FIXED, **kwargs})
    target = float(task.sample_trials(1, seed).facts["target_rad"][0])
    final = np.zeros(2) if angle is None else towards(target + angle, length)
    _, rewards, info = run_through(task.env(), [*np.zeros((8, 2)), final], seed)
    assert rewards[:8] == [0] * 8
    return rewards[8], info, target


# -------------------------------------------------------------------- what is shown


def test_timeline_and_units() -> None:
    task = DelayedEstimation(**FIXED, set_size=2, n_slots=3, n_units=4)
    names = ["fixation", *(f"slot_{s}_unit_{u}" for s in range(3) for u in range(4))]
    assert task.obs_names == (*names, "cue_0", "cue_1", "cue_2")
    assert task.action_space == gym.spaces.Box(-1, 1, (2,), np.float32)
    used = set()
    for seed in range(12):
        seen, _, info = run_through(task.env(), np.zeros((9, 2)), seed)
        assert seen[:, 0].tolist() == [1] * 7 + [0] * 2
        slots, cues = seen[:, 1:13].reshape(9, 3, 4), seen[:, 13:]
        filled = np.any(slots, axis=2)
        assert filled.sum(axis=1).tolist() == [0, 0, 2, 2, 0, 0, 0, 0, 0]
        cue = np.eye(3)[info["slot"]]
        assert cues.tolist() == [[0, 0, 0]] * 7 + [cue.tolist()] * 2
        assert filled[2, info["slot"]]
        (other,) = [slot for slot in range(3) if filled[2, slot] and slot != info["slot"]]
        for slot, name in ((info["slot"], "target_rad"), (other, "nontarget_1_rad")):
            preferred = (0, np.pi / 2, np.pi, 3 * np.pi / 2)
            tuned = [(1 + math.cos(info[name] - one)) / 2 for one in preferred]
            assert slots[2, slot] == pytest.approx(tuned, abs=1e-6)
            assert (slots[3, slot] == slots[2, slot]).all()
        used.add((info["slot"], other))
    assert len(used) >= 5  # of the 6 ways to put two items


def test_what_is_drawn() -> None:
    task = DelayedEstimation(set_size=[3, 1], n_slots=4, delay=(200, 400))
    samples = task.sample_trials(6000, seed=5)
    facts = samples.facts
    assert task.n_conditions == 2
    shown = np.any(samples.obs[1:4, :, 1:33].reshape(3, 6000, 4, 8) != 0, axis=3)
    assert (shown.sum(axis=2) == facts["set_size"]).all()
    assert (facts["set_size"] == np.array([3, 1])[facts["condition"]]).all()
    assert facts["condition"].mean() == pytest.approx(0.5, abs=0.03)
    assert np.bincount(facts["slot"]) / 6000 == pytest.approx(0.25, abs=0.03)
    assert set(facts["delay_ms"]) == {200, 300, 400}
    single_item = facts["set_size"] == 1
    for name in ("nontarget_1_rad", "nontarget_2_rad"):
        assert np.isnan(facts[name][single_item]).all()
        assert not np.isnan(facts[name][~single_item]).any()
    angles = [facts["target_rad"], facts["nontarget_1_rad"][~single_item]]
    for angle in angles:
        assert np.abs(angle).max() <= np.pi
        share = np.histogram(angle, bins=6, range=(-np.pi, np.pi))[0] / len(angle)
        assert share == pytest.approx(1 / 6, abs=0.03)
    both = facts["target_rad"][~single_item] - angles[1]
    assert abs(np.exp(1j * both).mean()) < 0.05  # one angle tells nothing of the other


def test_targets_are_unit_vectors() -> None:
    samples = DelayedEstimation(**FIXED).sample_trials(30, seed=0)
    angle = samples.facts["target_rad"]
    assert samples.target.shape == (9, 30, 2)
    assert samples.target[:, :, 0] == pytest.approx(np.tile(np.cos(angle), (9, 1)))
    assert samples.target[:, :, 1] == pytest.approx(np.tile(np.sin(angle), (9, 1)))


def test_noise_is_on_filled_slots_alone() -> None:
    quiet = DelayedEstimation(**FIXED, set_size=2, n_slots=3, n_units=5)
    noisy = DelayedEstimation(**FIXED, set_size=2, n_slots=3, n_units=5, sigma=0.3)
    clean, loud = (task.sample_trials(1500, seed=2) for task in (quiet, noisy))
    assert (clean.facts["target_rad"] == loud.facts["target_rad"]).all()
    units = slice(1, 16)
    rest = np.delete(np.arange(19), np.arange(1, 16))
    assert (clean.obs[..., rest] == loud.obs[..., rest]).all()
    empty = ~np.any(clean.obs[..., units].reshape(9, -1, 3, 5) != 0, axis=3)
    assert (loud.obs[..., units].reshape(9, -1, 3, 5)[empty] == 0).all()
    noise = (loud.obs - clean.obs)[2:4, :, units].reshape(2, 1500, 3, 5)[~empty[2:4]]
    assert noise.mean() == pytest.approx(0, abs=0.01)
    assert noise.std() == pytest.approx(0.3, rel=0.02)
    # Each unit and step has noise of its own.
    steps = (loud.obs - clean.obs)[2:4, :, units].reshape(2, -1)
    assert abs(np.corrcoef(steps)[0, 1]) < 0.03
    assert abs(np.corrcoef(noise.T) - np.eye(5)).max() < 0.05
    space = noisy.observation_space
    assert space.low[units] == pytest.approx(-1.8)
    assert space.high[units] == pytest.approx(2.8)
    assert all(space.contains(row) for row in loud.obs[:, 0])


# -------------------------------------------------------------------- rewards and facts


@pytest.mark.parametrize("length", [1.0, 0.01])
@pytest.mark.parametrize(
    ("error", "correct"),
    [(0, 1), (0.39, 1), (-0.39, 1), (0.4, 0), (np.pi / 2, 0), (-2, 0), (3, 0)],
)
def test_a_report_earns_the_cosine_of_its_error(error: float, correct: int, length: float) -> None:
    """The limit is pi / 8 = .3927; errors stay within +-pi wherever the target is."""
    for seed in range(4):
        reward, info, target = report(error, seed, length)
        assert reward == pytest.approx(math.cos(error), abs=1e-5)
        assert info["error_rad"] == pytest.approx(error, abs=1e-5)
        assert math.cos(info["report_rad"] - target - error) == pytest.approx(1, abs=1e-6)
        assert abs(info["report_rad"]) <= np.pi
        assert info["target_rad"] == target
        assert (info["correct"], info["choice"], info["delay_ms"]) == (correct, 0, 300)
        assert np.isnan(info["rt"])
        score = DelayedEstimation().score({"error_rad": np.array([info["error_rad"]])})
        assert score == pytest.approx((1 + math.cos(error)) / 2, abs=1e-5)


def test_no_report() -> None:
    reward, info, _ = report(None)
    assert reward == 0
    assert np.isnan([info["error_rad"], info["report_rad"]]).all()
    assert info["correct"] == 0
    assert DelayedEstimation().score({"error_rad": np.array([np.nan])}) == [0.5]


def test_only_the_last_answer_counts() -> None:
    task = DelayedEstimation(**FIXED)
    target = float(task.sample_trials(1, 0).facts["target_rad"][0])
    early = [towards(target)] * 8
    _, rewards, info = run_through(task.env(), [*early, towards(target + 2)])
    assert rewards[:8] == [0] * 8
    assert rewards[8] == pytest.approx(math.cos(2), abs=1e-6)
    assert info["error_rad"] == pytest.approx(2, abs=1e-6)


def test_reward_value() -> None:
    reward, _, _ = report(1.0, rewards={"correct": 3.0})
    assert reward == pytest.approx(3 * math.cos(1), abs=1e-5)
    assert DelayedEstimation(rewards={"correct": -3.0}).reward_range() == (-3, 3)


# -------------------------------------------------------------------- yardsticks


def expected_cosine(signal: float) -> float:
    """E[cos] of the angle of a Gaussian vector around (signal, 0) with unit variances.

    The density of the angle, integrated over the length in closed form, then over angles.
    """

    def density(angle: float) -> float:
        along = signal * math.cos(angle)
        below = 0.5 * (1 + math.erf(along / math.sqrt(2)))
        wide = along * math.sqrt(2 * math.pi) * below * math.exp(0.5 * (along**2 - signal**2))
        return (math.exp(-0.5 * signal**2) + wide) / (2 * math.pi)

    assert 2 * quad(density, 0, math.pi)[0] == pytest.approx(1)
    return 2 * quad(lambda angle: math.cos(angle) * density(angle), 0, math.pi)[0]


@pytest.mark.parametrize(
    ("sigma", "n_units", "items"),
    [(0.2, 8, 300), (1.0, 8, 300), (2.0, 3, 100), (0.5, 64, 500), (20.0, 5, 200)],
)
def test_optimum_by_integration(sigma: float, n_units: int, items: float) -> None:
    """N units over M steps: a vector of length M N / 4 with the variances M N sigma^2 / 2."""
    steps = items / 100
    signal = (steps * n_units / 4) / math.sqrt(steps * n_units * sigma**2 / 2)
    task = DelayedEstimation(sigma=sigma, n_units=n_units, items=items)
    optimum = (1 + expected_cosine(signal)) / 2
    assert task.yardsticks.optimum == pytest.approx(optimum, abs=1e-7)
    facts = play(task.vector(64), task.oracle(), 1500, seed=3)
    score = task.score(facts)
    assert score.mean() == pytest.approx(optimum, abs=4 * score.std() / len(score) ** 0.5)


def test_no_observer_beats_the_optimum() -> None:
    """The posterior over a grid of angles, which knows the noise, does as well as the oracle."""
    task = DelayedEstimation(**FIXED, set_size=1, n_units=4, sigma=0.7)
    samples = task.sample_trials(3000, seed=8)
    grid = np.arange(360) * 2 * np.pi / 360
    tuned = (1 + np.cos(grid[:, None] - np.arange(4) * np.pi / 2)) / 2
    seen = samples.obs[2:4, :, 1:5]
    squares = ((seen[:, :, None] - tuned) ** 2).sum(axis=(0, 3))
    likelihood = -squares / (2 * 0.7**2)
    weight = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
    best = np.angle(weight @ np.exp(1j * grid))
    score = (1 + np.cos(best - samples.facts["target_rad"])) / 2
    assert score.mean() == pytest.approx(task.yardsticks.optimum, abs=0.02)
    played = play(task.vector(1, autoreset_mode="next_step"), task.oracle(), 200, seed=8)
    assert task.score(played) == pytest.approx(score[:200], abs=0.01)  # the same trials


def test_random_and_memoryless() -> None:
    task = DelayedEstimation(**FIXED, set_size=[1, 3])
    assert task.yardsticks[:3] == (0.5, 0.5, 0.5)
    facts = play(task.vector(128), task.random_policy(0), 3000, seed=0)
    assert task.score(facts).mean() == pytest.approx(0.5, abs=0.03)
    # What is on view at the report, the cue, does not tell the angle.
    samples = task.sample_trials(6000, seed=1)
    final = samples.obs[-1]
    views, which = np.unique(final, axis=0, return_inverse=True)
    assert len(views) == 3
    vectors = np.exp(1j * samples.facts["target_rad"])
    resultant = [abs(vectors[which.ravel() == view].sum()) / 6000 for view in range(3)]
    assert (1 + sum(resultant)) / 2 == pytest.approx(0.5, abs=0.03)


def test_options_that_change_yardsticks() -> None:
    assert DelayedEstimation(time=True).yardsticks.memoryless == 0.5
    assert DelayedEstimation(prev_action=True).yardsticks.memoryless is None
    assert DelayedEstimation(prev_reward=True).yardsticks.memoryless is None


def test_the_oracle_needs_every_item_and_forgets_them() -> None:
    """Sessions, all set sizes, and a report of several steps."""
    task = DelayedEstimation(set_size=list(range(1, 9)), report=300, trials_per_episode=3)
    facts = play(task.vector(32), task.oracle(), 400, seed=0)
    assert set(facts["set_size"]) == set(range(1, 9))
    assert task.score(facts).min() == pytest.approx(1, abs=1e-9)


# -------------------------------------------------------------------- extremes


@pytest.mark.parametrize(
    "kwargs",
    [
        {"fixation": 0, "delay": 0, "items": 100},
        {"set_size": 1, "n_units": 3},
        {"set_size": 8, "n_units": 64},
        {"n_slots": 10},
        {"dt": 1000, "items": 600, "report": 600, "fixation": 0, "delay": 1000},
        {"delay": ("truncexp", 500, 200, 2000)},
    ],
)
def test_extreme_sizes_and_times(kwargs: dict[str, Any]) -> None:
    task = DelayedEstimation(**kwargs)
    facts = play(task.vector(16), task.oracle(), 60, seed=0)
    assert task.score(facts).min() == pytest.approx(1, abs=1e-9)
    assert (facts["correct"] == 1).all()


def test_shortest_trial() -> None:
    """Items on the first step, cue on the second."""
    task = DelayedEstimation(fixation=0, items=100, delay=0, set_size=1)
    angle = float(task.sample_trials(1, 0).facts["target_rad"][0])
    seen, rewards, info = run_through(task.env(), [np.zeros(2), towards(angle)])
    assert seen[:, 0].tolist() == [1, 0]
    assert seen[:, -1].tolist() == [0, 1]
    assert rewards == pytest.approx([0, 1])
    assert info["delay_ms"] == 0


@pytest.mark.parametrize("sigma", [1e-300, 1e-160, 1e-6, 1e-4])
def test_tiny_noise_leaves_the_optimum_at_one(sigma: float) -> None:
    assert DelayedEstimation(sigma=sigma).yardsticks.optimum == pytest.approx(1, abs=1e-8)


def test_the_optimum_is_smooth_where_its_formula_changes() -> None:
    """A squared signal-to-noise ratio of 1e8 comes with sigma = sqrt(3e-8) for 8 units, 3 steps."""
    below, above = (
        DelayedEstimation(sigma=math.sqrt(3e-8) * factor).yardsticks.optimum
        for factor in (1.0001, 0.9999)
    )
    assert below < above
    assert above - below == pytest.approx(0.25e-8 * 4e-4, rel=0.01)


def test_huge_noise_leaves_nothing() -> None:
    task = DelayedEstimation(sigma=1e6)
    assert task.yardsticks.optimum == pytest.approx(0.5, abs=1e-6)
    assert np.isfinite(task.observation_space.high).all()
    facts = play(task.vector(64), task.oracle(), 1000, seed=0)
    assert task.score(facts).mean() == pytest.approx(0.5, abs=0.05)


def test_variants() -> None:
    task = make_task("caudate/DelayedEstimation-Set6-v0")
    assert task.parameters == {**DelayedEstimation().parameters, "set_size": [1, 2, 4, 6]} | {
        "n_slots": 6
    }
    assert task.n_conditions == 4
    assert set(task.sample_trials(200, 0).facts["set_size"]) == {1, 2, 4, 6}


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"set_size": 0}, "set_size=0"),
        ({"set_size": 9}, "set_size=9"),
        ({"set_size": []}, "empty"),
        ({"set_size": [2, 2]}, "twice"),
        ({"set_size": 3, "n_slots": 2}, "n_slots=2 cannot hold set_size=3"),
        ({"n_units": 2}, "n_units=2"),
        ({"n_units": 65}, "n_units=65"),
        ({"items": 0}, "items=0"),
        ({"report": 20}, "report=20"),
        ({"delay": -1}, "delay=-1"),
        ({"sigma": -1}, "sigma=-1"),
        ({"sigma": 1e7}, "sigma=1"),
        ({"dt": 1000}, "half a step"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        single(ID, **kwargs)
    assert "\n" not in str(error.value)
