"""The delayed reach: dynamics, facts along a path, yardsticks, edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.envs import DelayedReach, TaskError
from caudate.envs.motor_timing.reach_control import FASTEST, ROOM, PointMass, targets

from .conftest import play, single

ID = "caudate/DelayedReach-v0"


class Lean:
    """Memoryless: leans towards the target in the cue, and goes where it leans."""

    def __init__(self, task: DelayedReach) -> None:
        self.task, self.gains = task, task.tuned[0]

    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        shown, x, v = (obs[:, i : i + 2].astype(float) for i in (1, 3, 5))
        lean = 0.7 * self.task.start_radius
        outwards = x / np.maximum(np.hypot(*x.T), 1e-9)[:, None]
        goals = targets(self.task.n_targets).T
        near = goals[(outwards @ goals.T).argmax(axis=1)]
        cue = np.abs(shown).max(axis=1, keepdims=True) > 0
        wanted = np.where(cue, lean * shown, np.where(obs[:, :1] > 0, near, lean * outwards))
        push = self.task.plant.control((wanted - x).T, v.T, self.gains)
        return push.T.astype(np.float32), None


class GoAt:
    """Blind: goes to the first target at a fixed step."""

    def __init__(self, task: DelayedReach, step: int) -> None:
        self.task, self.step = task, step
        x = v = np.zeros((2, 1))
        goal = targets(task.n_targets)[:, :1]
        pushes: list[Any] = [np.zeros((2, 1))] * step
        for _ in range(task.max_steps):
            pushes.append(task.plant.control(goal - x, v, task.tuned[0]).astype(np.float32))
            x, v = task.plant.move(x, v, pushes[-1].astype(float))
        self.pushes = np.array(pushes, dtype=np.float32)[:, :, 0]

    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        t = np.zeros(len(obs), dtype=int) if state is None else np.where(start, 0, state)
        return self.pushes[t], t + 1


def test_a_trial_step_by_step() -> None:
    env = single(ID, delay=300)
    task = env.task
    obs, _ = env.reset(seed=1)
    goal = obs[1:3].astype(float)
    assert np.hypot(*goal) == pytest.approx(1)
    assert obs[[0, 3, 4, 5, 6]].tolist() == [0] * 5
    rng, path, x, v = np.random.default_rng(0), [], np.zeros(2), np.zeros(2)
    oracle, state = task.oracle(), None
    assert task.cue_steps + 6 + task.move_steps == 26
    for t in range(26):
        action, state = oracle.predict(obs, state)
        action = np.clip(action + rng.normal(0, 0.05, 2), -1, 1).astype(np.float32)
        obs, reward, terminated, truncated, info = env.step(action)
        v = v + 0.05 * 25 * action.astype(float)
        x = x + 0.05 * v
        path.append(x)
        assert obs[3:5] == pytest.approx(x, abs=1e-5)
        assert obs[5:7] == pytest.approx(v, abs=1e-5)
        assert obs[0] == (10 <= t + 1 < 26)
        assert obs[1:3] == pytest.approx(goal, abs=1e-6)
        away = np.hypot(*(goal - x))
        expected = 0.0
        if t >= 10:
            expected = (-0.1 * away - 0.02 * (action.astype(float) ** 2).sum()) / 16
            expected += (t >= 22 and away <= 0.15) / 4
        elif np.hypot(*x) > 0.15:
            expected = -0.02
        assert reward == pytest.approx(expected, abs=1e-6)
        assert (terminated, truncated) == (t == 25, False)
    walked = np.array(path)
    away = np.hypot(*(goal - walked).T)
    moved = np.diff(walked, axis=0, prepend=0)[10:]
    assert info["delay_ms"] == 300
    assert info["early"] == 0
    assert info["correct"] == (away[-4:] <= 0.15).all() == 1
    assert info["choice"] == info["target"] == info["condition"]
    left = 10 + int((np.hypot(*walked[10:].T) > 0.15).argmax())
    assert info["rt"] == 50 * (left - 10 + 1)
    entered = int(np.flatnonzero(away > 0.15).max()) + 1
    assert info["movement_ms"] == 50 * (entered - left)
    assert info["hold_ms"] == 200
    assert info["end_error"] == pytest.approx(away[-1], abs=1e-6)
    assert info["peak_speed"] == pytest.approx(np.hypot(*moved.T).max() / 0.05, abs=1e-5)
    assert info["path_length"] == pytest.approx(np.hypot(*moved.T).sum(), abs=1e-5)
    side = (goal[0] * walked[:, 1] - goal[1] * walked[:, 0])[10:]
    assert info["curvature"] == pytest.approx(side[np.abs(side).argmax()], abs=1e-6)


def test_leaving_early() -> None:
    env = single(ID, delay=500)
    env.reset(seed=0)
    total, over = 0.0, False
    while not over:
        _, reward, over, _, info = env.step(np.array([1.0, 0.0], dtype=np.float32))
        total += reward
    assert info["early"] == 1
    assert info["correct"] == 0
    assert np.isnan(info["rt"])
    assert np.isnan(info["movement_ms"])
    assert info["choice"] == -1
    assert total < -0.1


def test_standing_still() -> None:
    facts = play(DelayedReach().vector(8), Still(), 50, seed=0)
    assert not facts["correct"].any()
    assert np.isnan(facts["rt"]).all()
    assert (facts["end_error"] == 1).all()
    assert (facts["hold_ms"] == 0).all()


class Still:
    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        return np.zeros((len(obs), 2), dtype=np.float32), None


def test_memory_hides_the_target() -> None:
    env = single(ID, memory=True, delay=300)
    obs, _ = env.reset(seed=0)
    for t in range(1, 20):
        shown = np.abs(obs[1:3]).max() > 0
        assert shown == (t - 1 < 4)
        obs = env.step(np.zeros(2, dtype=np.float32))[0]


def test_point_mass() -> None:
    still = np.zeros((2, 1))
    speed = np.array([[1.0], [0.0]])
    # Viscosity: exp(-c t). A positive curl turns to the left and keeps the speed.
    plant = PointMass(0.05, 25.0, 2.0, 0.0)
    assert plant.move(still, speed, still)[1][0, 0] == pytest.approx(np.exp(-0.1))
    plant = PointMass(0.05, 25.0, 0.0, 4.0)
    after = plant.move(still, speed, still)[1]
    assert after[:, 0] == pytest.approx([np.cos(0.2), np.sin(0.2)])
    # The controller undoes the field: with firmness 1 the velocity is the one asked for.
    error, v = np.array([[0.1], [0.05]]), np.array([[0.2], [-0.1]])
    for plant in (PointMass(0.05, 25.0, 0.0, 4.0), PointMass(0.05, 25.0, 3.0, -5.0)):
        push = plant.control(error, v, (3.0, 1.0))
        assert np.abs(push).max() < 1
        assert plant.move(still, v, push)[1] == pytest.approx(3.0 * error)
    x = v = still
    for _ in range(200):
        x, v = plant.move(x, v, np.ones((2, 1)))
        assert np.abs(x).max() <= ROOM
        assert np.abs(v).max() <= FASTEST


@pytest.mark.parametrize(
    "options",
    [
        {"memory": True},
        {"curl": -8.0, "damping": 2.0, "n_targets": 5},
        {"movement": 400.0},
        {"acceleration": 2.0},
        {"dt": 20.0, "delay": ("choice", [0, 300])},
    ],
)
def test_optimum_and_random_are_what_is_played(options: dict[str, Any]) -> None:
    task = DelayedReach(**options)
    mine = task.yardsticks
    facts = play(task.vector(64), task.oracle(), 300, seed=0)
    assert facts["correct"].mean() == pytest.approx(mine.optimum, abs=0.1)
    assert facts["early"].sum() == 0
    facts = play(task.vector(64), task.random_policy(0), 600, seed=0)
    assert facts["correct"].mean() == pytest.approx(mine.random, abs=0.01)
    if options == {"movement": 400.0}:
        assert mine.optimum < 1


@pytest.mark.parametrize("n_targets", [2, 16])
def test_posture_can_hold_the_memory(n_targets: int) -> None:
    task = DelayedReach(memory=True, n_targets=n_targets)
    facts = play(task.vector(64), Lean(task), 200, seed=0)
    assert facts["correct"].mean() == pytest.approx(task.yardsticks.memoryless, abs=0.1)
    assert facts["early"].sum() == 0


@pytest.mark.parametrize("options", [{"n_targets": 1, "movement": 500.0}, {"n_targets": 2}])
def test_chance_is_that_of_the_best_blind_reach(options: dict[str, Any]) -> None:
    task = DelayedReach(**options)
    rates = [
        play(task.vector(64), GoAt(task, step), 640, seed=0)["correct"].mean()
        for step in range(12, 18)
    ]
    assert max(rates) == pytest.approx(task.yardsticks.chance, abs=0.04)


def test_return_at_the_optimum_is_about_1() -> None:
    task = DelayedReach()
    batch, oracle, state = task.vector(256, autoreset_mode="disabled"), task.oracle(), None
    obs, _ = batch.reset(seed=0)
    total = np.zeros(256)
    for _ in range(task.max_steps):
        actions, state = oracle.predict(obs, state)
        obs, reward, *_ = batch.step(actions)
        total += reward
    assert total.mean() == pytest.approx(0.97, abs=0.01)
    low, high = task.reward_range()
    assert low <= reward.min() <= reward.max() <= high


def test_sessions() -> None:
    """In a session the first observation of a trial follows the last of the one before."""
    task = DelayedReach(trials_per_episode=3, delay=(200, 400))
    env = task.env()
    oracle, state = task.oracle(), None
    obs, _ = env.reset(seed=0)
    trials, steps = 0, 0
    while trials < 3:
        action, state = oracle.predict(obs, state)
        obs, _, terminated, truncated, info = env.step(action)
        steps += 1
        if info:
            assert info["trial"] == trials
            assert info["correct"] == 1
            assert steps == 4 + 8 + 16
            trials, steps, state = trials + 1, 0, None
            assert not terminated
            assert truncated == (trials == 3)
            if not truncated:
                assert obs[0] == 0
                assert obs[3:].tolist() == [0] * 4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_targets": 0}, "n_targets=0"),
        ({"radius": 0}, "radius=0"),
        ({"radius": 0.6, "start_radius": 0.5}, "touch"),
        ({"hold": 900}, "hold=900"),
        ({"movement": 0}, "movement=0"),
        ({"cue": -1}, "cue=-1"),
        ({"cue": 10}, "cue=10"),
        ({"memory": 1}, "memory=1"),
        ({"acceleration": 0}, "acceleration=0"),
        ({"damping": -1}, "damping=-1"),
        ({"curl": float("inf")}, "curl=inf"),
    ],
)
def test_errors(options: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        DelayedReach(**options)
    assert "\n" not in str(error.value)
