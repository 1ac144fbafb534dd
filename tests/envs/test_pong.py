"""The small Pong: flights, bounces, paddles, the opponent, yardsticks, edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.envs import Pong, TaskError

from .conftest import play, single

ID = "caudate/Pong-v0"


def frames(env: Any, policy: Any, seed: int) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Pictures (T + 1, height, width), rewards (T,) and facts of a game."""
    obs, _ = env.reset(seed=seed)
    shown, rewards, over, state = [obs], [], False, None
    while not over:
        action, state = policy.predict(obs, state)
        obs, reward, over, _, info = env.step(int(action))
        shown.append(obs)
        rewards.append(reward)
    task = env.task
    return np.array(shown).reshape(-1, task.height, task.width), np.array(rewards), info


class Stay:
    """Blind: never moves, or goes to a place and stays there."""

    def __init__(self, moves: int = 0) -> None:
        self.moves = moves

    def predict(
        self, obs: np.ndarray, state: Any, start: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        t = np.zeros(len(np.atleast_2d(obs)), dtype=int) if state is None else state
        t = t if start is None else np.where(start, 0, t)
        action = np.where(t < abs(self.moves), 1 if self.moves < 0 else 2, 0)
        return (action if obs.ndim == 2 else action[0]), t + 1


def test_a_perfect_game() -> None:
    for seed in range(20):
        env = single(ID)
        shown, rewards, info = frames(env, env.task.oracle(), seed)
        assert len(rewards) == env.task.max_steps == 99
        assert rewards.nonzero()[0].tolist() == [10, 32, 54, 76, 98]
        assert rewards.sum() == pytest.approx(1)
        assert info["correct"] == 1
        assert info["n_returned"] == 5
        # Paddles of three pixels, and a ball in the column that is its turn.
        assert (shown[:, :, [0, 11]].sum(axis=1) == 3).all()
        for t, frame in enumerate(shown):
            column = 11 - abs(11 - t % 22)
            inside = frame[:, 1:-1].nonzero()
            if 0 < column < 11:
                assert inside[1].tolist() == [column - 1]
            else:
                assert inside[0].size == 0


def test_the_ball_flies_straight_and_bounces() -> None:
    slopes = set()
    for seed in range(30):
        env = single(ID)
        shown, _, _ = frames(env, env.task.oracle(), seed)
        for start in range(1, 99, 22):
            rows = shown[start : start + 10, :, 1:-1].any(axis=2).argmax(axis=1)
            steps = np.diff(rows)
            slopes.add(int(steps[0]))
            turned = (np.diff(steps) != 0).nonzero()[0]
            assert np.ptp(np.abs(steps)) == 0
            assert all(rows[i + 1] in (0, 9) for i in turned)
    assert slopes == {-1, 0, 1}


def test_a_missed_ball_rests_beside_the_paddle_and_another_is_served() -> None:
    env = single(ID, points=2)
    for seed in range(20):
        shown, rewards, info = frames(env, Stay(), seed)
        first = rewards[10]
        assert abs(first) == 0.5
        covered = shown[11, :, -1].sum()
        assert covered == (3 if first > 0 else 4)
        assert len(rewards) == (33 if first > 0 else 23)
        assert info["n_returned"] == (rewards > 0).sum()
        assert info["correct"] == ((rewards > 0).sum() == 2)
        if first < 0:
            assert shown[12, :, 1:].sum() == 3  # the ball is in the first column again
    assert env.task.score({"n_returned": np.array([1, 2])}).tolist() == [0.5, 1.0]


def test_paddle_moves_up_and_down_and_stops_at_the_walls() -> None:
    env = single(ID)
    obs, _ = env.reset(seed=0)
    assert obs.reshape(10, 12)[:, -1].nonzero()[0].tolist() == [4, 5, 6]
    for action, rows in ((1, [3, 4, 5]), (0, [3, 4, 5]), (2, [4, 5, 6]), (1, [3, 4, 5])):
        obs = env.step(action)[0]
        assert obs.reshape(10, 12)[:, -1].nonzero()[0].tolist() == rows
    for _ in range(5):
        obs = env.step(1)[0]
    assert obs.reshape(10, 12)[:, -1].nonzero()[0].tolist() == [0, 1, 2]


def test_an_opponent_that_misses() -> None:
    env = single(ID, opponent_error=1.0)
    for seed in range(10):
        shown, rewards, info = frames(env, env.task.oracle(), seed)
        assert len(rewards) == env.task.max_steps == 103
        assert info["n_won"] == 4
        assert rewards.sum() == pytest.approx(1 + 4 / 5)
        assert rewards[21] == pytest.approx(0.2)
        assert shown[22, :, 0].sum() == 4  # the ball beside the opponent's paddle
        assert shown[23, :, 1:-1].sum() == 0  # served
    task = Pong(opponent_error=0.3)
    facts = play(task.vector(64), task.oracle(), 400, seed=0)
    assert facts["correct"].all()
    assert facts["n_won"].mean() == pytest.approx(4 * 0.3, abs=0.2)


@pytest.mark.parametrize("size", [(6, 5, 3), (8, 6, 4), (11, 9, 4), (20, 19, 3), (24, 18, 8)])
def test_every_ball_can_be_reached_by_following(size: tuple[int, int, int]) -> None:
    height, width, paddle = size
    task = Pong(height=height, width=width, paddle=paddle, points=1)
    # Games of one ball: all rows and slopes from the middle; from the walls in longer ones.
    assert play(task.vector(256), task.oracle(), 1000, seed=0)["correct"].all()
    court = task.court
    top, phase, slope = (
        one.ravel() for one in np.meshgrid(range(court.tops), range(height), (-1, 0, 1))
    )
    for _ in range(court.flight):
        top = top + np.sign(court.facing[court.row[phase]] - top)
        phase = (phase + slope) % court.period
    assert court.returned(top, court.row[phase]).all()


@pytest.mark.parametrize("options", [{}, {"opponent_error": 0.4, "points": 3}, {"width": 15}])
def test_random_and_chance_are_what_is_played(options: dict[str, Any]) -> None:
    task = Pong(**options)
    mine = task.yardsticks
    assert mine.memoryless == mine.optimum == 1
    scores = {}
    for moves in range(-4, 4):
        facts = play(task.vector(512), Stay(moves), 3000, seed=1)
        scores[moves] = float(task.score(facts).mean())
    assert max(scores.values()) == pytest.approx(mine.chance, abs=0.02)
    facts = play(task.vector(512), task.random_policy(0), 4000, seed=1)
    assert task.score(facts).mean() == pytest.approx(mine.random, abs=0.02)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"height": 5}, "height=5 leaves paddle=3 no room"),
        ({"width": 8}, "width=8 is too short .* use at least 9"),
        ({"paddle": 2}, "paddle=2"),
        ({"points": 0}, "points=0"),
        ({"opponent_error": 1.5}, "opponent_error=1.5"),
        ({"height": 200, "width": 300}, "height=200, width=300 has 60000 pixels"),
    ],
)
def test_errors(options: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        Pong(**options)
    assert "\n" not in str(error.value)
