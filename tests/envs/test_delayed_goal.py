"""The delayed goal: timeline, walls, wrong goals, ways, yardsticks, edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.envs import DelayedGoal, TaskError
from caudate.envs.other.room import MOVES

from .conftest import play, single
from .trials import act_at, run_through

ID = "caudate/DelayedGoal-v0"


class Always:
    """Blind: one action, whatever is seen."""

    def __init__(self, action: int) -> None:
        self.action = action

    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        return np.full(len(obs), self.action), None


def goals_of(task: DelayedGoal) -> np.ndarray:
    angle = 2 * np.pi * np.arange(task.n_goals) / task.n_goals
    return task.radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def test_a_trial_step_by_step() -> None:
    env = single(ID, delay=300)
    way = np.random.default_rng(0).integers(5, size=40).tolist()
    obs, _ = env.reset(seed=5)
    goal = int(obs[1:9].argmax())
    at = np.zeros(2)
    for t, action in enumerate(way):
        assert obs[0] == (t >= 8)
        assert obs[1:9].tolist() == [float(k == goal and t < 2) for k in range(8)]
        assert obs[9:] == pytest.approx(at, abs=1e-6)
        obs, reward, over, _, info = env.step(action)
        if t >= 8:
            at = at + 0.05 * np.array(MOVES[action])
        away = np.hypot(*(goals_of(env.task) - at).T)
        inside = (away <= 0.1 + 1e-9).nonzero()[0]
        assert reward == float(goal in inside)
        assert over == (inside.size > 0 or t == 27)
        if over:
            break
    assert info["condition"] == goal
    assert info["delay_ms"] == 300
    assert info["end_error"] == pytest.approx(away[goal], abs=1e-9)
    moves = sum(action > 0 for action in way[8 : t + 1])
    assert info["path_length"] == pytest.approx(0.05 * moves)


def test_the_first_area_ends_the_trial() -> None:
    chosen = []
    for seed in range(40):
        rewards, info, _ = act_at(single(ID, delay=200), dict.fromkeys(range(6, 30), 1), seed)
        assert len(rewards) == 11
        assert info["choice"] == 0
        assert info["correct"] == (info["condition"] == 0) == sum(rewards)
        assert info["rt"] == 0
        assert info["movement_ms"] == 250
        chosen.append(info["condition"])
    assert set(chosen) == set(range(8))


def test_waiting_and_moving_too_early_come_to_nothing() -> None:
    early = [1] * 6 + [0] * 20
    seen, rewards, info = run_through(single(ID, delay=200), early)
    assert not seen[:, 9:].any()
    assert sum(rewards) == 0
    assert info["choice"] == -1
    assert np.isnan(info["rt"])
    assert np.isnan(info["movement_ms"])
    late = [0] * 9 + [2] * 3 + [0] * 14
    info = run_through(single(ID, delay=200), late)[2]
    assert info["rt"] == 3 * 50
    assert info["movement_ms"] == 17 * 50
    assert info["path_length"] == pytest.approx(0.15)


def test_walls_are_not_passed() -> None:
    task = DelayedGoal(radius=0.3, n_goals=2, goal_radius=0.05, delay=50, cue=50, time_limit=2000)
    env = task.env()
    env.reset(seed=0)
    for action in (0, 0, *[2] * 14):
        obs = env.step(action)[0]
    assert obs[3:].tolist() == pytest.approx([0.0, 0.5])
    assert obs in env.observation_space


def test_rewards_of_goal_and_wrong() -> None:
    rewards = {"goal": 2.0, "wrong": -0.5}
    earned = set()
    for seed in range(20):
        env = single(ID, delay=200, rewards=rewards)
        got, info, _ = act_at(env, dict.fromkeys(range(6, 30), 1), seed)
        assert got[-1] == (2.0 if info["correct"] else -0.5)
        earned.add(got[-1])
    assert earned == {2.0, -0.5}
    assert DelayedGoal(rewards=rewards).reward_range() == (-0.5, 2.0)


def test_no_blind_way_beats_chance() -> None:
    task = DelayedGoal()
    assert task.yardsticks.chance == task.yardsticks.memoryless == 1 / 8
    right = play(task.vector(128), Always(1), 4000, seed=0)["correct"].mean()
    assert right == pytest.approx(1 / 8, abs=0.02)
    assert DelayedGoal(prev_action=True).yardsticks.memoryless is None


@pytest.mark.parametrize(
    "options",
    [
        {"n_goals": 2, "goal_radius": 0.15},
        {"n_goals": 5, "speed": 0.7, "dt": 20.0, "delay": ("choice", [0, 300])},
        {"n_goals": 12, "goal_radius": 0.06, "radius": 0.42, "trials_per_episode": 3},
        {"speed": 2.8, "time_limit": 200.0},
    ],
)
def test_optimum_and_random_are_what_is_played(options: dict[str, Any]) -> None:
    task = DelayedGoal(**options)
    mine = task.yardsticks
    assert mine.optimum == 1
    facts = play(task.vector(64), task.oracle(), 400, seed=0)
    assert facts["correct"].all()
    assert (facts["rt"] == 0).all()
    facts = play(task.vector(256), task.random_policy(0), 4000, seed=0)
    assert facts["correct"].mean() == pytest.approx(mine.random, abs=0.02)


def test_shortest_ways() -> None:
    room = DelayedGoal().room
    assert room.strides_left[:, room.start].tolist() == [5, 8, 5, 8, 5, 8, 5, 8]
    assert room.place(room.at).tolist() == list(range(21 * 21))
    # The diagonal goal is approached on the diagonal, not along a wall of its square.
    place, farthest = room.start, 0.0
    while room.area[place] != 1:
        place = room.after[place, room.ways[1, place]]
        farthest = max(farthest, abs(room.at[place] @ [1, -1]) / np.sqrt(2))
    assert farthest < 0.05


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_goals": 1}, "n_goals=1"),
        ({"n_goals": 12}, "n_goals=12, .* let goals touch"),
        ({"radius": 0.45}, "radius=0.45 .* through the walls"),
        ({"radius": 0.05}, "over the start"),
        ({"goal_radius": 0.0, "speed": 0.1}, "pass over goals of goal_radius=0"),
        ({"speed": 5.0}, "speed=5 at dt=50 ms makes moves of 0.25"),
        ({"speed": 0.01}, "speed=0.01 at dt=50 ms makes .* 2001 places on a side"),
        ({"time_limit": 350.0}, "time_limit=350 is too short for the 8 moves"),
        ({"cue": 0.0}, "cue=0"),
        ({"delay": -1}, "delay=-1"),
    ],
)
def test_errors(options: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        DelayedGoal(**options)
    assert "\n" not in str(error.value)
