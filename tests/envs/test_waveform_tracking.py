"""Waveform tracking: the goal, what is shown of it, what errors cost, and the distributions."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from caudate.envs import TaskError, WaveformTracking

from .conftest import play, single

ID = "caudate/WaveformTracking-v0"
#: 40 steps of track and 20 of blank: whole periods of .5 Hz (40 steps) and 1 Hz (20 steps).
SHORT: dict[str, Any] = {"track": 2000, "blank": 1000, "frequencies": [0.5, 1.0]}


def run(env: Any, outputs: Any, seed: int = 0) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Observations that were answered, rewards and final facts of one trial."""
    obs, _ = env.reset(seed=seed)
    seen, rewards = [], []
    for place, output in enumerate(outputs):
        seen.append(obs)
        obs, reward, over, cut, info = env.step(np.array([output], dtype=np.float32))
        rewards.append(reward)
        assert over == (place == len(outputs) - 1)
        assert not cut
        assert over or info == {}
    return np.array(seen), np.array(rewards), info


def goal_of(task: WaveformTracking, seed: int = 0) -> np.ndarray:
    return task.sample_trials(1, seed).target[:, 0, 0]


def fitted(values: np.ndarray, times: np.ndarray, hertz: Any) -> np.ndarray:
    """Complex amplitude of exp(i w t) at each frequency, by least squares."""
    angle = 2 * np.pi * np.outer(times, hertz)
    basis = np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
    found = np.linalg.lstsq(basis, values, rcond=None)[0]
    return found[: len(hertz)] - 1j * found[len(hertz) :]


# -------------------------------------------------------------------- what is shown


@pytest.mark.parametrize("hertz", [[0.7], [0.5, 0.8], [0.3, 1.1, 2.3]])
def test_the_goal_is_a_mean_of_sines(hertz: list[float]) -> None:
    task = WaveformTracking(frequencies=hertz)
    samples = task.sample_trials(400, seed=3)
    assert samples.target.shape == (120, 400, 1)
    times = np.arange(120) * 0.05
    found = np.array([fitted(samples.target[:, i, 0], times, hertz) for i in range(400)])
    assert np.abs(found) == pytest.approx(np.full(found.shape, 1 / len(hertz)))
    # Phases are even, and independent of one another.
    phases = np.angle(found)
    assert np.abs(np.exp(1j * phases).mean(axis=0)) == pytest.approx(0, abs=0.15)
    if len(hertz) > 1:
        assert abs(np.exp(1j * (phases[:, 0] - phases[:, 1])).mean()) < 0.15
    model = np.real(found @ np.exp(2j * np.pi * np.outer(hertz, times)))
    assert model == pytest.approx(samples.target[:, :, 0].T, abs=1e-6)


def test_timeline() -> None:
    task = WaveformTracking(**SHORT)
    assert task.obs_names == ("waveform", "blank")
    assert task.action_space == gym.spaces.Box(-1, 1, (1,), np.float32)
    goal = goal_of(task)
    seen, rewards, _ = run(task.env(), goal)
    assert seen[:, 1].tolist() == [0] * 40 + [1] * 20
    assert seen[:40, 0] == pytest.approx(goal[:40], abs=1e-6)
    assert (seen[40:, 0] == 0).all()
    # Each step's goal is due in answer to that step.
    assert rewards == pytest.approx(np.full(60, 1 / 60), abs=1e-6)
    late = np.append(0, goal[:-1])
    _, rewards, _ = run(task.env(), late)
    assert rewards == pytest.approx((1 - 4 * (late - goal) ** 2) / 60, abs=1e-6)


def test_preview() -> None:
    """The waveform runs ahead of the goal; goals that were never shown do not count."""
    task = WaveformTracking(**SHORT, preview=250)
    goal = goal_of(task)
    assert goal == pytest.approx(goal_of(WaveformTracking(**SHORT)))
    seen, rewards, info = run(task.env(), np.append(np.ones(5), goal[5:]))
    assert seen[:40, 0] == pytest.approx(goal[5:45], abs=1e-6)
    assert (seen[40:, 0] == 0).all()
    assert rewards == pytest.approx(np.append(np.zeros(5), np.full(55, 1 / 55)), abs=1e-6)
    assert (info["correct"], info["on_target"]) == (1, 1)
    assert info["rmse_track"] == pytest.approx(0, abs=1e-6)
    _, _, info = run(task.env(), np.append(goal[:10] + 1, goal[10:]))
    # Five wrong steps count, of 55, 35 of them in the track.
    assert info["on_target"] == pytest.approx(50 / 55)
    clipped = np.clip(goal[5:10] + 1, -1, 1) - goal[5:10]
    assert info["rmse_track"] == pytest.approx(math.sqrt((clipped**2).sum() / 35), abs=1e-6)


# -------------------------------------------------------------------- rewards and facts


def test_rewards_fall_with_the_squared_error() -> None:
    """The variance of a mean of K sines is 1 / (2 K)."""
    for hertz, variance in (([0.5], 0.5), ([0.5, 1.0], 0.25), ([0.5, 1.0, 1.5, 2.0], 0.125)):
        task = WaveformTracking(**{**SHORT, "frequencies": hertz})
        goal = goal_of(task)
        outputs = np.linspace(-1, 1, 60)
        _, rewards, _ = run(task.env(), outputs)
        assert rewards == pytest.approx((1 - (outputs - goal) ** 2 / variance) / 60, abs=1e-6)
        low, high = task.reward_range()
        assert (low, high) == (pytest.approx((1 - 4 / variance) / 60), pytest.approx(1 / 60))
    double = WaveformTracking(**SHORT, rewards={"correct": 2.0})
    assert run(double.env(), goal_of(double))[1].sum() == pytest.approx(2)


def test_an_output_of_zero_earns_nothing_on_average() -> None:
    """Over whole periods it does so in every trial."""
    task = WaveformTracking(track=2000, blank=0, frequencies=[0.5, 1.0])
    _, rewards, _ = run(task.env(), np.zeros(40))
    assert rewards.sum() == pytest.approx(0, abs=1e-6)
    batch = WaveformTracking().vector(2000, autoreset_mode="disabled")
    batch.reset(seed=0)
    total = sum(batch.step(np.zeros((2000, 1), dtype=np.float32))[1] for _ in range(120))
    assert np.mean(total) == pytest.approx(0, abs=0.03)


def test_time_on_target() -> None:
    task = WaveformTracking(**SHORT, tolerance=0.05)
    goal = goal_of(task)
    inward = -np.sign(goal)  # so that no output is beyond the bounds
    offset = np.where(np.arange(60) < 10, 0.06, np.where(np.arange(60) < 50, 0.045, 0.3))
    _, _, info = run(task.env(), goal + offset * inward)
    assert info["on_target"] == pytest.approx(40 / 60)
    assert info["on_target_blank"] == pytest.approx(10 / 20)
    assert info["rmse_track"] == pytest.approx(math.sqrt((10 * 0.06**2 + 30 * 0.045**2) / 40))
    assert info["rmse_blank"] == pytest.approx(math.sqrt((10 * 0.045**2 + 10 * 0.3**2) / 20))
    assert (info["correct"], info["choice"], info["condition"]) == (0, 0, 0)
    assert np.isnan(info["rt"])
    assert task.score({"on_target": np.array([info["on_target"]])}) == [info["on_target"]]
    _, _, info = run(task.env(), goal + 0.05 * inward)  # at the limit
    assert (info["correct"], info["on_target"]) == (1, 1)


@pytest.mark.parametrize("delay", [0, 1, 4])
def test_gain_and_lag(delay: int) -> None:
    """The goal, smaller and some steps late: 4 steps are 36 degrees of .5 Hz and 72 of 1 Hz."""
    task = WaveformTracking(**SHORT)
    for seed in range(3):
        goal = goal_of(task, seed)
        times = np.arange(60) * 0.05
        phasors = fitted(goal, times, [0.5, 1.0])
        late = np.exp(2j * np.pi * np.outer([0.5, 1.0], times - 0.05 * delay))
        _, _, info = run(task.env(), np.real((phasors * [0.8, 0.25]) @ late), seed)
        assert (info["gain_0"], info["gain_1"]) == pytest.approx((0.8, 0.25), abs=1e-5)
        lags = (info["lag_0_deg"], info["lag_1_deg"])
        assert lags == pytest.approx((9 * delay, 18 * delay), abs=1e-3)


def test_gain_of_early_and_of_no_output() -> None:
    task = WaveformTracking(**SHORT)
    goal = goal_of(task)
    ahead = np.real(
        fitted(goal, np.arange(60) * 0.05, [0.5, 1.0])
        @ np.exp(2j * np.pi * np.outer([0.5, 1.0], np.arange(2, 62) * 0.05))
    )
    _, _, info = run(task.env(), ahead)
    assert (info["lag_0_deg"], info["lag_1_deg"]) == pytest.approx((-18, -36), abs=1e-3)
    _, _, info = run(task.env(), np.zeros(60))
    assert (info["gain_0"], info["gain_1"]) == pytest.approx((0, 0))
    assert info["rmse_blank"] == pytest.approx(math.sqrt((goal[40:] ** 2).mean()), abs=1e-6)


def test_without_a_blank() -> None:
    task = WaveformTracking(**{**SHORT, "blank": 0})
    _, _, info = run(task.env(), goal_of(task))
    assert np.isnan([info["on_target_blank"], info["rmse_blank"]]).all()
    assert (info["correct"], task.yardsticks.memoryless) == (1, 1)


# -------------------------------------------------------------------- yardsticks


def goals(count: int, n: int = 400_000) -> np.ndarray:
    """Goals at random phases, drawn independently of the task."""
    phase = np.random.default_rng(5).uniform(0, 2 * np.pi, (count, n))
    return np.sin(phase).mean(axis=0)


@pytest.mark.parametrize("tolerance", [1e-6, 0.02, 0.1, 0.5, 1.0])
def test_chance_of_one_sine(tolerance: float) -> None:
    """A sine is near its turning points most: the best constant output is 1 - tolerance."""
    hits = (math.pi / 2 - math.asin(1 - 2 * tolerance)) / math.pi
    task = WaveformTracking(frequencies=[0.5], tolerance=tolerance)
    assert task.yardsticks.chance == pytest.approx(hits)
    # A goal g is met by as much of [-1, 1] as is near it.
    goal = np.sin((np.arange(100_000) + 0.5) / 100_000 * 2 * np.pi)
    near = np.minimum(1, goal + tolerance) - np.maximum(-1, goal - tolerance)
    assert task.yardsticks.random == pytest.approx(near.mean() / 2, abs=1e-4)


@pytest.mark.parametrize("tolerance", [1e-4, 5e-3, 0.02, 0.1, 0.5])
def test_chance_of_two_sines(tolerance: float) -> None:
    """Given the one sine, the other's arcsine distribution tells how often the mean is near."""
    sine = np.sin((np.arange(20_001) + 0.5) / 20_001 * 2 * np.pi)
    best = 0.0
    for output in np.linspace(0, 1, 101):
        ends = (np.clip(2 * (output + side) - sine, -1, 1) for side in (tolerance, -tolerance))
        upper, lower = (np.arcsin(end) / np.pi for end in ends)
        best = max(best, float((upper - lower).mean()))
    assert WaveformTracking(tolerance=tolerance).yardsticks.chance == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize(
    ("hertz", "tolerance"),
    [([0.5, 0.8], 0.1), ([0.5, 0.8], 0.3), ([0.3, 0.5, 0.8], 0.1), ([0.5, 0.7, 0.9, 1.1], 0.05)],
)
def test_chance_and_random_by_simulation(hertz: list[float], tolerance: float) -> None:
    task = WaveformTracking(frequencies=hertz, tolerance=tolerance)
    goal = np.sort(goals(len(hertz)))
    outputs = np.linspace(-1, 1, 401)
    hits = np.searchsorted(goal, outputs + tolerance) - np.searchsorted(goal, outputs - tolerance)
    assert task.yardsticks.chance == pytest.approx(hits.max() / len(goal), abs=3e-3)
    drawn = np.random.default_rng(1).uniform(-1, 1, len(goal))
    near = np.abs(drawn - goals(len(hertz))) <= tolerance
    assert task.yardsticks.random == pytest.approx(near.mean(), abs=3e-3)


def test_random_play() -> None:
    task = WaveformTracking(**SHORT, tolerance=0.2)
    facts = play(task.vector(64), task.random_policy(0), 500, seed=0)
    assert task.score(facts).mean() == pytest.approx(task.yardsticks.random, abs=0.01)


def test_memoryless_by_play() -> None:
    """All policies that show what is in view, and one constant while nothing is."""
    task = WaveformTracking(track=1000, blank=2000, tolerance=0.15)
    goal = task.sample_trials(3000, seed=0).target[:, :, 0]
    constants = np.linspace(-1, 1, 81)
    hits = [(np.abs(goal[20:] - one) <= 0.15).mean() for one in constants]
    best = constants[int(np.argmax(hits))]
    assert task.yardsticks.memoryless == pytest.approx((20 + 40 * max(hits)) / 60, abs=0.01)
    batch = task.vector(256, autoreset_mode="disabled")
    obs, _ = batch.reset(seed=0)
    info: dict[str, Any] = {}
    for _ in range(60):
        outputs = np.where(obs[:, 1] > 0, best, obs[:, 0])[:, None].astype(np.float32)
        obs, *_, info = batch.step(outputs)
    score = task.score(info)
    error = 4 * score.std() / 16
    assert score.mean() == pytest.approx(task.yardsticks.memoryless, abs=error)


def test_options_that_change_yardsticks() -> None:
    plain = WaveformTracking().yardsticks
    assert WaveformTracking(time=True).yardsticks == plain
    options: list[dict[str, Any]] = [{"prev_action": True}, {"prev_reward": True}, {"preview": 100}]
    for option in options:
        yardsticks = WaveformTracking(**option).yardsticks
        assert yardsticks.memoryless is None
        assert yardsticks.chance == plain.chance
    assert WaveformTracking(tolerance=2).yardsticks[:4] == pytest.approx((1, 1, 1, 1))


@pytest.mark.parametrize(
    "kwargs",
    [
        {"trials_per_episode": 3},
        {"trials_per_episode": 3, "blank": 0, "preview": 100},
        {"trials_per_episode": 2, "preview": 500, "track": 1000, "blank": 300},
        {"track": 200},  # as few steps as there are unknowns
        {"frequencies": [0.001], "track": 100},  # far less than a period
        {"frequencies": [9.9, 0.5]},  # just below half the step rate
        {"frequencies": [0.25, 0.5, 0.75, 1, 1.25, 1.5]},
        {"dt": 900, "frequencies": [0.5], "track": 4500, "blank": 4500},  # two steps a period
    ],
)
def test_the_oracle_continues_what_was_shown(kwargs: dict[str, Any]) -> None:
    task = WaveformTracking(**kwargs)
    facts = play(task.vector(16), task.oracle(), 100, seed=0)
    assert task.score(facts).min() == 1 == task.yardsticks.optimum


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"frequencies": []}, "frequencies="),
        ({"frequencies": 0.5}, "frequencies=0.5"),
        ({"frequencies": [0.5, 0.5]}, "all different"),
        ({"frequencies": [10]}, "below 10 Hz"),
        ({"frequencies": [0.5], "dt": 1000}, "below 0.5 Hz"),
        ({"frequencies": [0]}, "frequencies=0"),
        ({"frequencies": ["a"]}, "frequencies='a'"),
        ({"track": 0}, "track=0"),
        ({"track": 150}, "too few steps to continue 2"),
        ({"blank": -1}, "blank=-1"),
        ({"preview": 4000}, "shorter than track=4000"),
        ({"preview": 10}, "half a step"),
        ({"tolerance": 0}, "tolerance=0"),
        ({"tolerance": 3}, "tolerance=3"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        single(ID, **kwargs)
    assert "\n" not in str(error.value)


def test_too_few_steps_are_fine_without_a_blank() -> None:
    task = WaveformTracking(track=50, blank=0)
    _, rewards, info = run(task.env(), goal_of(task))
    assert rewards == pytest.approx([1], abs=1e-6)
    assert info["on_target"] == 1
    # One number does not tell two amplitudes and two phases.
    told = [info[f"{name}"] for name in ("gain_0", "lag_0_deg", "gain_1", "lag_1_deg")]
    assert np.isnan(told).all()
