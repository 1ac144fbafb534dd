"""The Iowa gambling task: the decks of 1994, shuffling, and yardsticks by brute force."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from caudate.envs import IowaGambling, TaskError
from caudate.envs.bandits.iowa_gambling import GAINS, standard_losses

from .conftest import play, single

ID = "caudate/IowaGambling-v0"


class Blind:
    """Always the same deck."""

    def __init__(self, deck: int) -> None:
        self.deck = deck

    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        return np.full(len(obs), self.deck), None


class Neighbour:
    """Memoryless: stays after a gain of 50, goes on to the next deck after one of 100."""

    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        return (obs[:, 3:7].argmax(axis=1) + (obs[:, 1] > 0.75)) % 4, None


def test_decks_are_those_of_1994() -> None:
    losses = standard_losses()
    # Ten cards of A and B lose 250 on balance, ten of C and D win 250, in each block of ten.
    net = (GAINS[:, None] - losses).reshape(4, 4, 10).sum(axis=2)
    assert net.tolist() == [[-250] * 4] * 2 + [[250] * 4] * 2
    assert (losses > 0).reshape(4, 4, 10).sum(axis=2)[[0, 1, 3]].tolist() == [
        *([5] * 4, [1] * 4, [1] * 4)
    ]
    # How the paper's score sheet begins.
    assert losses[0, :10].tolist() == [0, 0, 150, 0, 300, 0, 200, 0, 250, 350]
    assert losses[2, :10].tolist() == [0, 0, 50, 0, 50, 0, 50, 0, 50, 50]
    assert losses[1].nonzero()[0].tolist() == [8, 13, 20, 31]
    assert losses[3].nonzero()[0].tolist() == [9, 19, 28, 34]


def test_a_session() -> None:
    env = single(ID, shuffle_decks=False)
    losses, taken, net = standard_losses(), [0] * 4, 0
    obs, _ = env.reset(seed=0)
    assert obs.tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    rng = np.random.default_rng(0)
    for trial in range(100):
        deck = int(rng.integers(4)) if trial < 50 else 2
        obs, reward, terminated, truncated, info = env.step(deck)
        loss = losses[deck, taken[deck] % 40]
        assert reward == pytest.approx((GAINS[deck] - loss) / 100)
        assert obs[1:3] == pytest.approx([GAINS[deck] / 100, loss / 1250])
        assert obs[3:7].tolist() == [deck == i for i in range(4)]
        assert obs[7] == pytest.approx(reward)
        net += 1 if deck >= 2 else -1
        assert (info["deck"], info["choice"], info["card"]) == (deck, deck, taken[deck])
        assert (info["gain"], info["loss"]) == (GAINS[deck], loss)
        assert (info["block"], info["net_score"]) == (trial // 20, net)
        assert info["correct"] == (deck >= 2)
        assert info["value"] == (25 if deck >= 2 else -25)
        assert info["regret"] == 25 - info["value"]
        taken[deck] += 1
        assert (terminated, truncated) == (False, trial == 99)
    assert taken[2] > 40, "the deck should have begun anew"
    assert env.reset()[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]


def test_decks_change_places_from_session_to_session() -> None:
    task = IowaGambling(trials_per_episode=4)
    facts = play(task.vector(500), task.random_policy(0), 4 * 500, seed=0)
    seen = np.bincount(4 * facts["choice"] + facts["deck"], minlength=16)
    assert seen.min() > 80
    session = play(task.vector(1), task.random_policy(0), 400, seed=0)
    # Within a session they stay.
    for first in range(0, 400, 4):
        pairs = 4 * session["choice"][first : first + 4] + session["deck"][first : first + 4]
        assert len(np.unique(pairs // 4)) == len(np.unique(pairs))


def test_shuffled_payoffs_keep_their_blocks() -> None:
    task = IowaGambling(payoffs="shuffled", shuffle_decks=False)
    orders = set()
    for deck in range(4):
        facts = play(task.vector(2), Blind(deck), 400, seed=0)
        losses = facts["loss"].reshape(-1, 2)[:200].T.reshape(-1, 10)
        standard = np.sort(standard_losses()[deck].reshape(4, 10), axis=1)
        for i, block in enumerate(losses):
            assert np.sort(block).tolist() == standard[i % 10 % 4].tolist()
        orders |= {tuple(block) for block in losses} if deck == 1 else set()
    assert len(orders) > 4


@pytest.mark.parametrize("payoffs", ["standard", "shuffled"])
@pytest.mark.parametrize("trials", [1, 2, 3, 100])
def test_yardsticks(payoffs: str, trials: int) -> None:
    task = IowaGambling(payoffs=payoffs, trials_per_episode=trials)
    # All ways that decks can lie: how many bad ones are met before a good one.
    bad = [next(i for i, deck in enumerate(order) if deck >= 2) for order in permutations(range(4))]
    expected = 1 - np.mean(np.minimum(bad, trials)) / trials
    mine = task.yardsticks
    assert mine.optimum == mine.memoryless == pytest.approx(expected)
    assert (mine.random, mine.chance, mine.oracle_full) == (0.5, 0.5, 1.0)
    for policy in (task.oracle(), Neighbour()):
        facts = play(task.vector(400), policy, 400 * trials, seed=3)
        assert facts["correct"].mean() == pytest.approx(mine.optimum, abs=0.1 / trials)
    facts = play(task.vector(400), Blind(1), 400 * trials, seed=3)
    assert facts["correct"].mean() == pytest.approx(0.5, abs=0.08)


def test_decks_in_order() -> None:
    task = IowaGambling(shuffle_decks=False, prev_action=False)
    assert task.yardsticks == (0.5, 1.0, 1.0, 1.0, 1.0)
    assert play(task.vector(2), task.oracle(), 200, seed=0)["correct"].all()
    assert IowaGambling(prev_action=False).yardsticks.memoryless is None


def test_high_gains_lose_in_the_long_run() -> None:
    task = IowaGambling(shuffle_decks=False, trials_per_episode=40)
    totals = []
    for deck in range(4):
        facts = play(task.vector(1), Blind(deck), 40, seed=0)
        totals.append(int((facts["gain"] - facts["loss"])[:40].sum()))
    assert totals == [-1000, -1000, 1000, 1000]


def test_rewards_and_errors() -> None:
    task = IowaGambling(rewards={"loss": -0.1})
    assert task.reward_range() == pytest.approx((1 - 1.25, 1.0))
    for options, words in [
        ({"payoffs": "random"}, "payoffs='random'"),
        ({"payoffs": 3}, "payoffs=3"),
        ({"shuffle_decks": 1}, "shuffle_decks=1"),
    ]:
        with pytest.raises(TaskError, match=words):
            IowaGambling(**options)
