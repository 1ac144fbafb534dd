"""The horizon task: its games, their cues, and the observer against all pairs of means."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from caudate.envs import HorizonBandit

from .conftest import same, single
from .test_bandits import Always, sessions


def games(facts: dict[str, np.ndarray], column: int) -> list[dict[str, np.ndarray]]:
    """The games of one session, in order."""
    game = facts["game"][:, column]
    return [{k: v[game == g, column] for k, v in facts.items()} for g in range(game.max() + 1)]


def test_games() -> None:
    task = HorizonBandit()
    zero, one = (sessions(task, Always(arm), 60, seed=3) for arm in (0, 1))
    pairs, conditions, informative = set(), [], []
    for column in range(60):
        played = games(zero, column)
        assert len(played) == 20
        assert sum(len(game["trial"]) == 10 for game in played) == 10
        for game, other in zip(played, games(one, column), strict=True):
            length = len(game["trial"])
            assert length == 4 + game["horizon"][0]
            assert game["game_trial"].tolist() == list(range(length))
            assert game["free"].tolist() == [0] * 4 + [1] * (length - 4)
            # Forced trials play the same arm whatever is chosen, free ones what is chosen.
            assert np.array_equal(game["choice"][:4], other["choice"][:4])
            assert same(game["reward"][:4], other["reward"][:4])
            assert (game["choice"][4:] == 0).all()
            assert (other["choice"][4:] == 1).all()
            count = np.bincount(game["choice"][:4], minlength=2)
            rare = game["informative"][0]
            assert count.tolist() == (
                [2, 2] if rare < 0 else [3 - 2 * (rare == arm) for arm in (0, 1)]
            )
            assert game["condition"][0] == 2 * (length == 10) + (rare >= 0)
            assert len(np.unique(game["p"][4:])) == len(np.unique(other["p"][4:])) == 1
            pairs.add((round(game["p"][4], 6), round(other["p"][4], 6)))
            conditions.append(game["condition"][0])
            informative.append(rare)
    allowed = {
        pair
        for base in (0.4, 0.6)
        for gap in (0.04, 0.08, 0.12, 0.2, 0.3)
        for other in (base - gap, base + gap)
        for pair in ((base, round(other, 6)), (round(other, 6), base))
    }
    assert pairs == allowed
    share = np.bincount(conditions, minlength=4) / len(conditions)
    assert share == pytest.approx([0.25] * 4, abs=0.05)
    assert informative.count(0) == pytest.approx(informative.count(1), rel=0.25)


def test_cues_tell_the_game() -> None:
    env = single("caudate/HorizonBandit-v0")
    obs, _ = env.reset(seed=1)
    for trial in range(150):
        cue = dict(zip(env.obs_names, obs.tolist(), strict=True))
        obs, reward, _, _, info = env.step(trial % 2)
        assert cue["begins"] == (info["game_trial"] == 0)
        assert cue["long"] == (info["horizon"] == 6)
        assert cue["left"] == pytest.approx(1 - info["game_trial"] / (4 + info["horizon"]))
        forced = cue["forced_0"] + cue["forced_1"]
        assert forced == 1 - info["free"]
        if forced:
            assert cue[f"forced_{info['choice']}"] == 1
        played = [float(info["choice"] == arm) for arm in (0, 1)]
        assert obs[-3:].tolist() == pytest.approx([*played, reward])


def posterior_means(choice: np.ndarray, reward: np.ndarray, noise: float) -> np.ndarray:
    """Mean worth of both arms, from all pairs of means that a game can have."""
    total, weights = np.zeros(2), 0.0
    for base in (0.4, 0.6):
        for gap in (0.04, 0.08, 0.12, 0.2, 0.3):
            for other in (base - gap, base + gap):
                for pair in (np.array([base, other]), np.array([other, base])):
                    weight = np.exp(-0.5 * np.sum((reward - pair[choice]) ** 2) / noise**2)
                    total, weights = total + weight * pair, weights + weight
    return total / weights


def test_oracle_in_short_games_is_exact_and_explores_in_long_ones() -> None:
    task = HorizonBandit()
    facts = sessions(task, task.oracle(), 100)
    first: dict[int, list[bool]] = {1: [], 6: []}
    for column in range(100):
        for game in games(facts, column):
            means = posterior_means(game["choice"][:4], game["reward"][:4], 0.08)
            if game["horizon"][0] == 1 and abs(means[0] - means[1]) > 1e-4:
                assert game["choice"][4] == means.argmax()
            if game["informative"][0] >= 0:
                first[game["horizon"][0]].append(game["choice"][4] == game["informative"][0])
    # Directed exploration: the arm known less is chosen more often if much is to come.
    assert np.mean(first[6]) > np.mean(first[1]) + 0.02


def test_horizon_optimum_beats_greed() -> None:
    task = HorizonBandit(noise=0.3)
    mine = sessions(task, task.oracle(), 1000)
    free = mine["free"] == 1
    long = mine["horizon"] == 6
    oracle = task.oracle()
    oracle._gradient = lambda share: np.zeros((len(share), 2))  # type: ignore[attr-defined]
    greedy = sessions(task, oracle, 1000)
    gained = ((greedy["regret"] - mine["regret"]) * (free & long)).mean(axis=0)
    assert gained.mean() > 2 * gained.std() / sqrt(1000)
    best = task.yardsticks.oracle_full
    assert best is not None
    expected = best - mine["regret"][free].sum() / mine["regret"].size
    assert task.yardsticks.optimum == pytest.approx(expected, abs=0.002)
