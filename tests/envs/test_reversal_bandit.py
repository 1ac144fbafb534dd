"""The reversal bandit: its process, and yardsticks against known values and simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.envs import CriterionReversal, ReversalBandit, TaskError
from caudate.envs.bandits.reversal_yardsticks import ReversalProcess, _chain, optimal_reward

from .conftest import play, single

ID = "caudate/ReversalBandit-v0"


class Reactive:
    """Win-stay, lose-shift, as a policy on the current observation."""

    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        choice, won = obs[:, 2] > 0.5, obs[:, 3] > 0.5
        return np.where(obs[:, 1:3].any(axis=1), choice == won, 0).astype(int), None


def test_a_session() -> None:
    env = single(ID)
    obs, _ = env.reset(seed=0)
    assert obs.tolist() == [1, 0, 0, 0]
    since = 0
    best = None
    for trial in range(200):
        action = trial % 2
        obs, reward, terminated, truncated, info = env.step(action)
        assert obs.tolist() == [1, action == 0, action == 1, reward]
        assert not terminated
        assert truncated == (trial == 199)
        assert info["trial"] == trial
        assert info["correct"] == (info["best_arm"] == action)
        assert info["p"] == (0.8 if info["correct"] else 0.2)
        assert info["regret"] == pytest.approx(0.8 - info["p"])
        assert info["reward"] == reward
        if best is not None:
            since = since + 1 if info["best_arm"] == best else 0
            assert info["since_reversal"] == since
        best = info["best_arm"]
    assert env.reset()[0].tolist() == [1, 0, 0, 0]
    assert env.step(0)[4]["trial"] == 200


def test_rates() -> None:
    task = ReversalBandit()
    facts = play(task.vector(256), task.random_policy(0), 256 * 200, seed=0)
    correct = facts["correct"] == 1
    assert facts["reward"][correct].mean() == pytest.approx(0.8, abs=0.01)
    assert facts["reward"][~correct].mean() == pytest.approx(0.2, abs=0.01)
    first = facts["trial"] % 200 == 0
    reversed_now = (facts["since_reversal"] == 0) & ~first
    assert reversed_now.sum() / (~first).sum() == pytest.approx(1 / 40, abs=0.003)
    assert facts["best_arm"][first].mean() == pytest.approx(0.5, abs=0.1)


def test_known_values() -> None:
    """Values that two independent computations gave before."""
    assert ReversalBandit().yardsticks.optimum == pytest.approx(0.734, abs=0.001)
    assert ReversalBandit().yardsticks.oracle_full == 0.8
    faster = ReversalProcess((0.8, 0.2), 0.05, 0)
    assert optimal_reward(faster, 200) == pytest.approx(0.702, abs=0.001)
    assert ReversalBandit(hazard=0.05).yardsticks.memoryless == pytest.approx(0.661, abs=0.001)
    assert ReversalBandit().yardsticks.memoryless == pytest.approx(0.670, abs=0.001)


def test_long_sessions_forget_their_start() -> None:
    """The stationary values: .736 of the rewards, the better arm on 89.4 % of trials."""
    reward = optimal_reward(ReversalProcess((0.8, 0.2), 1 / 40, 0), 4000)
    assert reward == pytest.approx(0.736, abs=0.001)
    assert (reward - 0.2) / 0.6 == pytest.approx(0.894, abs=0.001)


def best_by_histories(p: tuple[float, float], hazard: float, trials: int) -> float:
    """Best reward per trial over all policies on histories, from joint probabilities alone."""

    def value(joint: tuple[float, float], left: int) -> float:
        # ``joint``: probability of the history with arm 0, and with arm 1, as the better one.
        if left == 0:
            return 0.0
        options = []
        for arm in range(2):
            odds = p if arm == 0 else p[::-1]
            total = 0.0
            for won in (True, False):
                seen = [j * (q if won else 1 - q) for j, q in zip(joint, odds, strict=True)]
                moved = (
                    seen[0] * (1 - hazard) + seen[1] * hazard,
                    seen[1] * (1 - hazard) + seen[0] * hazard,
                )
                total += won * sum(seen) + value(moved, left - 1)
            options.append(total)
        return max(options)

    return value((0.5, 0.5), trials) / trials


@pytest.mark.parametrize(
    ("p", "hazard"), [((0.8, 0.2), 1 / 40), ((0.9, 0.6), 0.2), ((0.6, 0.1), 0.7), ((1, 0), 0)]
)
def test_optimum_over_all_histories(p: tuple[float, float], hazard: float) -> None:
    task = ReversalBandit(p=p, hazard=hazard, trials_per_episode=6)
    assert task.yardsticks.optimum == pytest.approx(best_by_histories(p, hazard, 6), abs=1e-4)
    facts = play(task.vector(1024), task.oracle(), 6 * 4096, seed=1)
    assert facts["p"].mean() == pytest.approx(task.yardsticks.optimum, abs=0.012)


@pytest.mark.parametrize(
    ("hazard", "p", "accuracy"),
    [
        *[(0.01, 0.7, 0.893), (0.01, 0.8, 0.940), (0.01, 0.9, 0.963)],
        *[(0.05, 0.7, 0.763), (0.05, 0.8, 0.836), (0.05, 0.9, 0.886)],
        *[(0.1, 0.7, 0.693), (0.1, 0.8, 0.763)],
    ],
)
def test_known_accuracies(hazard: float, p: float, accuracy: float) -> None:
    """Simulations elsewhere gave these shares of the better arm, with errors of .0005."""
    reward = optimal_reward(ReversalProcess((p, 1 - p), hazard, 0), 200)
    assert (reward - (1 - p)) / (2 * p - 1) == pytest.approx(accuracy, abs=0.002)


def test_observer_finds_the_better_arm() -> None:
    task = ReversalBandit()
    facts = play(task.vector(512), task.oracle(), 512 * 200, seed=0)
    assert facts["correct"].mean() == pytest.approx(0.890, abs=0.005)


def test_win_stay_lose_shift_reaches_memoryless() -> None:
    task = ReversalBandit()
    facts = play(task.vector(512), Reactive(), 512 * 200, seed=0)
    assert task.score(facts).mean() == pytest.approx(task.yardsticks.memoryless, abs=0.006)


@pytest.mark.parametrize(
    "kwargs", [{}, {"p": (0.6, 0.3)}, {"hazard": 0.6}, {"criterion": 3, "hazard": 0.5}]
)
def test_no_reactive_policy_beats_memoryless(kwargs: dict[str, Any]) -> None:
    make = CriterionReversal if "criterion" in kwargs else ReversalBandit
    task = make(**kwargs, trials_per_episode=60)
    policies = np.random.default_rng(0).random((400, 4))
    policies[:200] = policies[:200].round()
    scores = _chain(task._process, 60, policies, np.zeros(400))
    assert task.yardsticks.memoryless is not None
    assert scores.max() <= task.yardsticks.memoryless + 1e-9


def test_hidden_channels_shrink_what_memoryless_can_do() -> None:
    assert ReversalBandit(prev_reward=False).yardsticks.memoryless == pytest.approx(0.5)
    seen = ReversalBandit(prev_action=False).yardsticks.memoryless
    assert seen is not None
    # One arm after a reward and a mixture after none: a little of a memory.
    assert 0.5 < seen < 0.6
    assert ReversalBandit(time=True).yardsticks.memoryless is None
    with pytest.raises(TaskError, match="oracle reads"):
        ReversalBandit(prev_reward=False).oracle()


def test_criterion() -> None:
    """Reversals come only after so many choices of the better arm in a row."""
    task = CriterionReversal()
    assert (task.criterion, task.hazard) == (4, 0.25)
    batch = task.vector(64)
    obs, _ = batch.reset(seed=0)
    oracle, state = task.oracle(), None
    best, correct, rewards = [], [], []
    for _ in range(200):
        actions, state = oracle.predict(obs, state)
        obs, reward, _, _, info = batch.step(actions)
        best.append(info["best_arm"])
        correct.append(info["correct"])
        rewards.append(reward)
    switched = np.diff(np.array(best), axis=0) != 0
    assert switched.any()
    ran = np.array(correct)
    for trial, column in zip(*switched.nonzero(), strict=True):
        assert ran[trial - 3 : trial + 1, column].all()
    # One session each of 64 columns: the standard error is about .005.
    assert np.mean(rewards) == pytest.approx(task.yardsticks.optimum, abs=0.02)
    # Whoever is never right never sees a reversal.
    stubborn = task.vector(8)
    stubborn.reset(seed=0)
    first = None
    actions = np.zeros(8, dtype=int)
    for _ in range(100):
        info = stubborn.step(actions)[4]
        first = info["best_arm"] if first is None else first
        assert (info["best_arm"] == first).all()
        actions = 1 - first


def test_random_play_with_criterion() -> None:
    task = CriterionReversal(criterion=2)
    facts = play(task.vector(256), task.random_policy(0), 256 * 200, seed=0)
    assert task.score(facts).mean() == pytest.approx(task.yardsticks.random, abs=0.01)


def test_own_rewards() -> None:
    env = single(ID, rewards={"reward": 0.5, "no_reward": -1})
    env.reset(seed=0)
    seen = {(env.step(0)[1]) for _ in range(30)}
    assert seen == {0.5, -1.0}
    task = ReversalBandit(rewards={"reward": 0.5, "no_reward": -1})
    facts = play(task.vector(128), task.oracle(), 128 * 200, seed=0)
    assert task.score(facts).mean() == pytest.approx(task.yardsticks.optimum, abs=0.012)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"p": 0.8}, "pair"),
        ({"p": (0.2, 0.8)}, "higher probability first"),
        ({"p": (1.2, 0.1)}, "p=1.2"),
        ({"hazard": -0.1}, "hazard"),
        ({"rewards": {"reward": 0}}, "both 0"),
        ({"targets": True}, "supervised"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        single(ID, **kwargs)


def test_refusals_with_criterion() -> None:
    with pytest.raises(TaskError, match="criterion=0"):
        CriterionReversal(criterion=0)
