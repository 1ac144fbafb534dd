"""The n-bit flip-flop: pulses, rewards, facts by lag, and yardsticks by enumeration."""

from __future__ import annotations

from itertools import product
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from caudate.envs import FlipFlop, TaskError, make_task

from .conftest import play, single
from .trials import run_through

ID = "caudate/FlipFlop-v0"
LAGS = (0, 1, 2, 4, 8, 16)


def last_sides(pulses: np.ndarray) -> np.ndarray:
    """(T, bits) side, -1 or 1, of the latest pulse up to each step, with plain loops."""
    sides = np.zeros(pulses.shape, dtype=int)
    for step, bit in np.ndindex(*pulses.shape):
        pulse = int(pulses[step, bit])
        sides[step, bit] = pulse or sides[step - 1, bit]
    return sides


def facts_by_hand(pulses: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    """The facts on errors, counted bit by bit."""
    errors: dict[int, list[bool]] = {lag: [] for lag in LAGS}
    for bit in range(pulses.shape[1]):
        since = 0
        for step in range(len(pulses)):
            since = 0 if pulses[step, bit] else since + 1
            errors[max(lag for lag in LAGS if lag <= since)].append(bool(wrong[step, bit]))
    every = [one for ones in errors.values() for one in ones]
    share = {f"error_lag_{k}": float(np.mean(v)) if v else np.nan for k, v in errors.items()}
    return {"bit_error": float(np.mean(every)), "correct": int(not any(every)), **share}


# -------------------------------------------------------------------- what is shown


def test_every_step_shows_its_pulses() -> None:
    samples = FlipFlop(p_pulse=0.2, duration=2000).sample_trials(2000, seed=1)
    assert (samples.lengths == 20).all()
    assert set(np.unique(samples.obs)) == {-1, 0, 1}
    assert (samples.obs[0] != 0).all()
    pulses = samples.obs[1:]
    # Standard error of these shares below .0012.
    assert (pulses == 1).mean() == pytest.approx(0.1, abs=0.005)
    assert (pulses == -1).mean() == pytest.approx(0.1, abs=0.005)
    assert (samples.obs[0] == 1).mean() == pytest.approx(0.5, abs=0.03)
    flat = pulses.reshape(-1, 3)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert abs(np.corrcoef(flat[:, a], flat[:, b])[0, 1]) < 0.02  # bits know nothing of others
    after = [pulses[:-1].ravel(), pulses[1:].ravel()]
    assert abs(np.corrcoef(np.abs(after))[0, 1]) < 0.02  # nor steps of earlier ones


@pytest.mark.parametrize("output", ["bits", "levels"])
def test_targets_are_the_latest_pulses(output: str) -> None:
    samples = FlipFlop(output=output, p_pulse=0.3).sample_trials(20, seed=0)
    for trial in range(20):
        sides = last_sides(samples.obs[:, trial])
        expected = sides if output == "levels" else (sides + 1) // 2
        assert (samples.target[:, trial] == expected).all()


def test_sizes_and_times() -> None:
    task = FlipFlop(n_bits=32, duration=260, dt=50)
    assert task.max_steps == 5
    assert task.obs_names == tuple(f"pulse_{i}" for i in range(32))
    assert task.action_space == gym.spaces.MultiBinary(32)
    one = FlipFlop(duration=5000, dt=9000)  # the trial is nearest to a single step
    _, rewards, info = run_through(one.env(), [one.sample_trials(1, 0).target[0, 0]])
    assert (rewards, info["correct"], one.yardsticks.memoryless) == ([1], 1, 1)


# -------------------------------------------------------------------- rewards and facts


def test_an_action_answers_the_step_that_is_in_view() -> None:
    """A pulse is answered at once: one step later the answer to the last pulse is wrong."""
    env = single(ID, n_bits=1, p_pulse=1.0, duration=3000)
    pulses = FlipFlop(n_bits=1, p_pulse=1.0, duration=3000).sample_trials(1, 0).obs[:, 0, 0]
    up = (pulses > 0).astype(np.int8)
    assert 5 < up.sum() < 25
    seen, rewards, _ = run_through(env, up[:, None])
    assert (seen[:, 0] == pulses).all()
    assert rewards == pytest.approx([1 / 30] * 30)
    _, rewards, _ = run_through(env, np.append(0, up[:-1])[:, None])
    late = up == np.append(0, up[:-1])
    assert rewards == pytest.approx(np.where(late, 1, -1) / 30)


def test_rewards_of_bits() -> None:
    """With three bits each wrong one takes 2/3 of the step's reward."""
    task = FlipFlop(duration=400, p_pulse=0.0)
    goal = task.sample_trials(1, 0).target[0, 0].astype(np.int8)
    flips = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 1], [1, 1, 1]], dtype=np.int8)
    _, rewards, info = run_through(task.env(), goal ^ flips)
    assert rewards == pytest.approx([1 / 4, 1 / 12, -1 / 12, -1 / 4])
    assert (info["bit_error"], info["correct"], info["choice"]) == (0.5, 0, 0)
    assert np.isnan(info["rt"])
    assert (info["trial_end"], info["trial"], info["condition"]) == (1, 0, 0)
    assert task.reward_range() == (-0.25, 0.25)
    double = FlipFlop(duration=400, p_pulse=0.0, rewards={"correct": 2.0})
    assert run_through(double.env(), goal ^ flips)[1] == pytest.approx(
        [1 / 2, 1 / 6, -1 / 6, -1 / 2]
    )


def test_rewards_of_levels() -> None:
    """The reward falls with the distance, the score counts signs; exactly 0 is on no side."""
    task = FlipFlop(n_bits=2, duration=500, p_pulse=0.0, output="levels")
    goal = task.sample_trials(1, 0).target[0, 0]
    shares = np.array([[1, 1], [0.5, 1], [0, 0], [-0.5, 0.25], [-1, -1]])
    _, rewards, info = run_through(task.env(), (goal * shares).astype(np.float32))
    # Mean distances 0, .25, 1, (1.5 + .75) / 2 and 2.
    assert rewards == pytest.approx(np.array([1, 0.75, 0, -0.125, -1]) / 5)
    assert info["bit_error"] == pytest.approx(5 / 10)
    assert task.score({"bit_error": np.array([info["bit_error"]])}) == [0.5]
    _, rewards, info = run_through(task.env(), [(goal * 0.01).astype(np.float32)] * 5)
    assert (info["bit_error"], info["correct"]) == (0, 1)
    assert sum(rewards) == pytest.approx(0.01)


def test_errors_by_lag_without_pulses() -> None:
    """One pulse at the start: the lag is the step, and bins begin at 0, 1, 2, 4, 8 and 16."""
    task = FlipFlop(n_bits=1, duration=2000, p_pulse=0.0)
    goal = task.sample_trials(1, 0).target[:, 0].astype(np.int8)
    flips = np.zeros((20, 1), dtype=np.int8)
    flips[[1, 3, 5, 6, 15, 16, 17, 19]] = 1
    _, _, info = run_through(task.env(), goal ^ flips)
    shares = [info[f"error_lag_{lag}"] for lag in LAGS]
    assert shares == pytest.approx([0, 1, 1 / 2, 2 / 4, 1 / 8, 3 / 4])
    assert info["bit_error"] == pytest.approx(8 / 20)


def test_bins_that_no_step_is_in_are_nan() -> None:
    task = FlipFlop(duration=300, p_pulse=1.0)
    _, _, info = run_through(task.env(), task.sample_trials(1, 0).target[:, 0].astype(np.int8))
    assert info["error_lag_0"] == 0
    assert np.isnan([info[f"error_lag_{lag}"] for lag in LAGS[1:]]).all()


@pytest.mark.parametrize("output", ["bits", "levels"])
def test_facts_of_random_play(output: str) -> None:
    task = FlipFlop(output=output, p_pulse=0.15)
    for seed in range(3):
        space = task.action_space
        space.seed(seed)
        actions = [space.sample() for _ in range(50)]
        pulses, _, info = run_through(task.env(), actions, seed)
        given = np.array(actions, dtype=float) * (2 if output == "bits" else 1)
        wrong = np.sign(given - (output == "bits")) != last_sides(pulses)
        for name, value in facts_by_hand(pulses, wrong).items():
            assert info[name] == pytest.approx(value, nan_ok=True)


# -------------------------------------------------------------------- yardsticks


def trials_of(steps: int, bits: int, p: float) -> tuple[np.ndarray, np.ndarray]:
    """All (trials, steps, bits) courses of pulses, and their probabilities."""
    first = list(product((-1, 1), repeat=bits))
    later = list(product((-1, 0, 1), repeat=bits))
    courses = np.array(list(product(first, *[later] * (steps - 1))))
    chances = np.where(courses == 0, 1 - p, p / 2)
    chances[:, 0] = 0.5
    return courses, chances.prod(axis=(1, 2))


def best_by_view(courses: np.ndarray, chance: np.ndarray, views: list[Any]) -> float:
    """Share of bits right of the best policy from a view to a side, bit by bit."""
    gains: dict[Any, np.ndarray] = {}
    for course, weight, view in zip(courses, chance, views, strict=True):
        for step, sides in enumerate(last_sides(course)):
            gains.setdefault(view[step], np.zeros(len(sides)))[:] += weight * sides
    # A side with the advantage g is right with (1 + g) / 2 of the mass.
    advantage = sum(np.abs(gain).sum() for gain in gains.values())
    return 0.5 + 0.5 * float(advantage) / (courses.shape[1] * courses.shape[2])


@pytest.mark.parametrize("p", [0.0, 0.1, 0.6, 1.0])
@pytest.mark.parametrize(("steps", "bits"), [(4, 1), (3, 2)])
def test_yardsticks_by_enumeration(steps: int, bits: int, p: float) -> None:
    courses, chance = trials_of(steps, bits, p)
    assert chance.sum() == pytest.approx(1)
    for time in (False, True):
        task = FlipFlop(n_bits=bits, p_pulse=p, duration=100 * steps, time=time)
        clock = [range(steps)] * len(courses)
        assert task.yardsticks.chance == pytest.approx(best_by_view(courses, chance, clock))
        views = [[(step * time, *row) for step, row in enumerate(one.tolist())] for one in courses]
        assert task.yardsticks.memoryless == pytest.approx(best_by_view(courses, chance, views))
        past = [[tuple(map(tuple, one[: step + 1])) for step in range(steps)] for one in courses]
        assert task.yardsticks.optimum == pytest.approx(best_by_view(courses, chance, past))
        assert task.yardsticks.random == 0.5


@pytest.mark.parametrize("output", ["bits", "levels"])
def test_random_play_and_oracle(output: str) -> None:
    task = FlipFlop(output=output, trials_per_episode=2)
    facts = play(task.vector(64), task.random_policy(1), 300, seed=0)
    # 300 trials of 50 steps and 3 bits: standard error .0024.
    assert task.score(facts).mean() == pytest.approx(task.yardsticks.random, abs=0.01)
    assert task.score(play(task.vector(32), task.oracle(), 100, seed=0)).min() == 1


@pytest.mark.parametrize("output", ["bits", "levels"])
def test_constant_play_earns_nothing(output: str) -> None:
    task = FlipFlop(n_bits=2, output=output)
    batch = task.vector(512, autoreset_mode="disabled")
    batch.reset(seed=0)
    action = np.ones((512, 2), dtype=task.action_space.dtype)
    total = sum(batch.step(action)[1] for _ in range(50))
    assert np.mean(total) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("output", ["bits", "levels"])
def test_the_previous_action_is_a_memory(output: str) -> None:
    """Repeating what was done until a pulse comes needs no memory of one's own."""
    task = FlipFlop(output=output, prev_action=True, duration=1500)
    assert task.yardsticks.memoryless == 1
    env = task.env()
    for seed in range(3):
        obs, over, total = env.reset(seed=seed)[0], False, 0.0
        while not over:
            action = np.where(obs[:3] == 0, obs[3:6], obs[:3] > 0)
            if output == "levels":
                action = np.where(obs[:3] == 0, obs[3:6], obs[:3])
            obs, reward, over, _, info = env.step(action.astype(task.action_space.dtype))
            total += reward
        assert (total, info["correct"]) == (pytest.approx(1), 1)
    assert FlipFlop(prev_reward=True).yardsticks.memoryless is None


def test_variants() -> None:
    task = make_task("caudate/FlipFlop-Levels-v0")
    assert task.action_space == gym.spaces.Box(-1, 1, (3,), np.float32)
    changed = {**FlipFlop().parameters, "output": "levels"}
    assert task.parameters == changed


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"n_bits": 0}, "n_bits=0"),
        ({"n_bits": 33}, "n_bits=33"),
        ({"p_pulse": -0.1}, r"p_pulse=-0\.1"),
        ({"p_pulse": 1.1}, r"p_pulse=1\.1"),
        ({"output": "level"}, "did you mean 'levels'"),
        ({"duration": 0}, "duration=0"),
        ({"duration": 40}, "half a step"),
        ({"duration": (100, 200)}, "duration="),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        single(ID, **kwargs)
    assert "\n" not in str(error.value)
