"""Worlds that change at a varying or hidden speed: schedules, walks, observers, known numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from caudate.envs import TaskError, VolatileBandit, VolatilityStochasticity
from caudate.envs.bandits.kalman_observer import KalmanObserver
from caudate.envs.bandits.walks import draw_back
from caudate.envs.core.random import Draws

from .conftest import single
from .test_bandits import Always, sessions

# -------------------------------------------------------------------- stable and volatile odds


def runs_of(values: np.ndarray) -> list[int]:
    """Lengths of the runs of equal values."""
    edges = np.concatenate([[0], np.diff(values).nonzero()[0] + 1, [len(values)]])
    return np.diff(edges).tolist()


@pytest.mark.parametrize("order", ["stable-first", "volatile-first", "random"])
def test_schedule(order: str) -> None:
    facts = sessions(VolatileBandit(order=order), Always(0), 200)
    begins_volatile = facts["volatile"][0] == 1
    expected = {"stable-first": 0.0, "volatile-first": 1.0, "random": 0.5}[order]
    assert begins_volatile.mean() == pytest.approx(expected, abs=0.12)
    assert (facts["volatile"].sum(axis=0) == 170).all()
    assert np.array_equal(facts["p"], facts["p_arm_0"])
    best = np.where(facts["volatile"] == 1, 0.8, 0.75)
    assert facts["p_best"] == pytest.approx(best)
    assert facts["p_arm_0"] == pytest.approx(np.where(facts["best_arm"] == 0, best, 1 - best))
    assert facts["best_arm"][0].mean() == pytest.approx(0.5, abs=0.12)
    lengths = []
    for column in range(200):
        arm, volatile = facts["best_arm"][:, column], facts["volatile"][:, column] == 1
        assert runs_of(volatile) == ([170, 120] if begins_volatile[column] else [120, 170])
        # Each block begins with a change, so no run goes on from one to the other.
        assert runs_of(arm[~volatile]) == [120]
        runs = runs_of(arm[volatile])
        assert sum(runs) == 170
        assert all(30 <= run <= 40 for run in runs[:-1])
        assert runs[-1] <= 40
        assert len(runs_of(arm)) == 1 + len(runs)
        lengths += runs[:-1]
        since = [trial for run in runs_of(arm) for trial in range(run)]
        assert facts["since_change"][:, column].tolist() == since
    assert np.mean(lengths) == pytest.approx(35, abs=0.7)
    assert set(lengths) == set(range(30, 41))


def test_exactly_one_arm_pays() -> None:
    task = VolatileBandit()
    zero, one = (sessions(task, Always(arm), 300) for arm in (0, 1))
    assert np.array_equal(zero["reward"] + one["reward"], np.ones((290, 300)))
    assert np.array_equal(zero["reward"], zero["pays"] == 0)
    for p in np.unique(zero["p_arm_0"]):
        assert zero["reward"][zero["p_arm_0"] == p].mean() == pytest.approx(p, abs=0.015)


def test_magnitudes() -> None:
    env = single("caudate/VolatileBandit-Magnitudes-v0", rewards={"reward": 10.0})
    obs, _ = env.reset(seed=2)
    assert env.obs_names[:3] == ("go", "magnitude_0", "magnitude_1")
    for trial in range(100):
        shown = obs[1:3].astype(float)
        assert shown.sum() == pytest.approx(1)
        choice = trial % 2
        obs, reward, _, _, info = env.step(choice)
        assert reward == (10 * shown[choice] if info["pays"] == choice else 0)
        chances = info["p_arm_0"], 1 - info["p_arm_0"]
        assert info["p"] == pytest.approx(chances[choice] * shown[choice])
        assert info["p_best"] == pytest.approx(
            max(c * m for c, m in zip(chances, shown, strict=True))
        )
    task = VolatileBandit(magnitudes=True)
    facts = sessions(task, task.random_policy(0), 400)
    assert facts["p_best"].mean() == pytest.approx(task.yardsticks.oracle_full, abs=0.002)
    assert VolatileBandit(magnitudes=True, prev_reward=False).yardsticks.memoryless == 0.375


Schedule = tuple[list[int], list[bool]]


def schedules(
    trials: int, stable: int, runs: tuple[int, int], volatile_first: bool
) -> Iterator[tuple[float, Schedule]]:
    """Every (probability, (better arm, volatile block) by trial), from the task's description."""
    block = trials - stable

    def volatile(left: int) -> Iterator[tuple[float, list[int]]]:
        if left <= 0:
            yield 1.0, []
            return
        for run in range(runs[0], runs[1] + 1):
            for weight, rest in volatile(left - run):
                yield weight / (runs[1] - runs[0] + 1), [run, *rest]

    for weight, lengths in volatile(block):
        sides = [side % 2 for side, run in enumerate(lengths) for _ in range(run)][:block]
        for first in (0, 1):
            if volatile_first:
                last = sides[-1] if sides else 1
                arms = sides + [1 - last] * stable
            else:
                arms = [0] * stable + [(side + bool(stable)) % 2 for side in sides]
            flags = [True] * block + [False] * stable
            if not volatile_first:
                flags = flags[::-1]
            yield weight / 2, ([arm ^ first for arm in arms], flags)


@pytest.mark.parametrize("order", ["stable-first", "volatile-first", "random"])
@pytest.mark.parametrize(
    ("stable", "switch"), [(4, (2, 3)), (0, (1, 4)), (10, (2, 2)), (3, (5, 90))]
)
def test_observer_equals_the_list_of_all_schedules(
    order: str, stable: int, switch: tuple[int, int]
) -> None:
    task = VolatileBandit(
        trials_per_episode=10,
        stable=stable,
        switch=switch,
        order=order,
        p_stable=0.7,
        p_volatile=0.9,
    )
    orders = {"stable-first": [False], "volatile-first": [True], "random": [False, True]}[order]
    listed = [
        (weight / len(orders), schedule)
        for one in orders
        for weight, schedule in schedules(10, stable, switch, one)
    ]
    weights = np.array([weight for weight, _ in listed])
    assert weights.sum() == pytest.approx(1)
    p_best = np.where([flags for _, (_, flags) in listed], 0.9, 0.7)
    p_arm_0 = np.where(np.array([arms for _, (arms, _) in listed]) == 0, p_best, 1 - p_best)
    facts = sessions(task, task.oracle(), 60)
    # The env's schedules are among those listed.
    assert {tuple(column) for column in facts["p_arm_0"].T.round(9)} <= {
        tuple(row) for row in p_arm_0.round(9)
    }
    compared = 0
    for column in range(60):
        belief = weights
        for trial in range(10):
            worth = belief @ p_arm_0[:, trial]
            if abs(worth - 0.5) > 1e-9:
                assert facts["choice"][trial, column] == (worth < 0.5)
                compared += 1
            zero_paid = facts["pays"][trial, column] == 0
            belief = belief * (p_arm_0[:, trial] if zero_paid else 1 - p_arm_0[:, trial])
            belief = belief / belief.sum()
    assert compared > 300


class LastPaid:
    """Repeats what paid last."""

    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        chosen, won = obs[:, 2] > 0, obs[:, 3] > 0
        return np.where(obs[:, 1:3].any(axis=1), chosen == won, 0).astype(int), None


def test_volatile_yardsticks() -> None:
    task = VolatileBandit()
    mine = task.yardsticks
    assert mine.oracle_full == pytest.approx((120 * 0.75 + 170 * 0.8) / 290)
    facts = sessions(task, LastPaid(), 600)
    assert facts["p"].mean() == pytest.approx(mine.memoryless, abs=0.002)
    facts = sessions(task, task.oracle(), 400)
    assert facts["p"].mean() == pytest.approx(mine.optimum, abs=0.002)
    # A learner that does not know the schedule was right on .884 (.005) of the trials.
    assert facts["correct"].mean() > 0.884


def test_known_log_losses() -> None:
    """24 sessions elsewhere, with switches at fixed trials, gave these (errors up to .007)."""
    facts = sessions(VolatileBandit(), Always(0), 300)
    paid, odds = facts["pays"] == 0, facts["p_arm_0"]
    assert -np.log(np.where(paid, odds, 1 - odds)).mean() == pytest.approx(0.528, abs=0.01)
    for rate, expected in [(0.05, 0.642), (0.1, 0.623), (0.2, 0.641), (0.3, 0.699)]:
        guess, losses = np.full(300, 0.5), []
        for now in paid:
            losses.append(-np.log(np.where(now, guess, 1 - guess)))
            guess = guess + rate * (now - guess)
        assert np.mean(losses) == pytest.approx(expected, abs=0.015)


def test_long_switches_need_no_memory() -> None:
    """Runs that outlast the session all count as one."""
    task = VolatileBandit(switch=(10**9, 10**10))
    same = VolatileBandit(switch=(170, 170))
    assert task.yardsticks == pytest.approx(same.yardsticks, abs=0.002)
    assert len(set(runs_of(sessions(task, Always(0), 1)["best_arm"][:, 0]))) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stable": 291}, "stable=291"),
        ({"p_stable": 0.4}, "p_stable=0.4"),
        ({"p_volatile": 1.2}, "p_volatile=1.2"),
        ({"switch": 30}, "pair of trials"),
        ({"switch": (0, 3)}, "switch=0"),
        ({"switch": (40, 30)}, "switch=30"),
        ({"order": "up"}, "order='up'"),
        ({"magnitudes": 1}, "magnitudes=1"),
        ({"rewards": {"reward": 0}}, "reward=0 is not above 0"),
    ],
)
def test_volatile_errors(options: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        VolatileBandit(**options)
    assert "\n" not in str(error.value)


# -------------------------------------------------------------------- volatility and stochasticity


class Zero:
    """Always predicts 0."""

    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        return np.zeros((len(obs), 1), dtype=np.float32), None


# v, s, Kalman gain, squared error of predictions, sd of outcomes, their lag-1 autocorrelation.
CELLS = [
    (0.5, 1.0, 0.5, 2.0, 3.93, 0.875),
    (1.5, 1.0, 0.686141, 3.186141, 6.69, 0.932),
    (0.5, 3.0, 0.333333, 4.5, 4.20, 0.751),
    (1.5, 3.0, 0.5, 6.0, 6.85, 0.877),
]


@pytest.mark.parametrize(("v", "s", "gain", "squares", "sd", "correlation"), CELLS)
def test_known_numbers_of_each_cell(
    v: float, s: float, gain: float, squares: float, sd: float, correlation: float
) -> None:
    task = VolatilityStochasticity(volatility=v, stochasticity=s)
    facts = sessions(task, task.oracle(), 400)
    outcome, prediction = facts["outcome"] * 60, facts["choice"] * 60
    error = outcome - prediction
    late = slice(50, None)
    # 60,000 errors, of which neighbours are independent: 1 standard error is 0.6 %.
    assert (error[late] ** 2).mean() == pytest.approx(squares, rel=0.02)
    moved = np.diff(prediction, axis=0)[late]
    before = error[:-1][late]
    assert np.sum(moved * before) / np.sum(before**2) == pytest.approx(gain, abs=1e-4)
    centred = outcome - outcome.mean(axis=0)
    assert outcome.std(axis=0).mean() == pytest.approx(sd, rel=0.05)
    lag = np.sum(centred[1:] * centred[:-1], axis=0) / np.sum(centred**2, axis=0)
    assert lag.mean() == pytest.approx(correlation, abs=0.01)
    steps = np.diff(facts["p"] * 60, axis=0)
    assert steps.var() == pytest.approx(v, rel=0.03)
    assert ((facts["outcome"] - facts["p"]) * 60).var() == pytest.approx(s, rel=0.03)
    assert (facts["p"][0] == 0).all()


def test_blocks() -> None:
    task = VolatilityStochasticity()
    facts = sessions(task, Zero(), 240)
    assert np.array_equal(facts["block"], np.repeat(np.arange(4), 50)[:, None].repeat(240, axis=1))
    for column in range(240):
        cells = facts["cell"][::50, column]
        assert sorted(cells.tolist()) == [0, 1, 2, 3]
        assert (facts["cell"][:, column] == cells.repeat(50)).all()
    assert np.bincount(facts["cell"][0]) / 240 == pytest.approx([0.25] * 4, abs=0.1)
    assert np.array_equal(facts["condition"], facts["cell"])
    pairs = np.stack([facts["volatility"], facts["stochasticity"]], axis=-1)
    for cell, pair in enumerate([(0.5, 1), (1.5, 1), (0.5, 3), (1.5, 3)]):
        assert (pairs[facts["cell"] == cell] == pair).all()
    uneven = sessions(VolatilityStochasticity(trials_per_episode=7), Zero(), 5)
    assert sorted(np.bincount(uneven["block"][:, 0]).tolist()) == [1, 2, 2, 2]


def test_predictions_are_paid_by_their_error() -> None:
    env = single("caudate/VolatilityStochasticity-v0")
    obs, _ = env.reset(seed=0)
    assert obs.tolist() == [0, 0, 0]
    for trial in range(100):
        action = np.array([np.sin(trial) / 5], dtype=np.float32)
        obs, reward, _, _, info = env.step(action)
        error = (info["choice"] - info["outcome"]) * 60
        assert info["choice"] == float(action[0])
        assert reward == pytest.approx(-min(error**2, 36) / 36)
        assert obs.tolist() == pytest.approx([info["outcome"], action[0], reward])
        assert env.task.score(info) == pytest.approx(1 + reward)


def test_hardly_anything_is_clipped() -> None:
    """Shares of clipped outcomes as the description has them."""
    numbers = np.zeros(2000, dtype=np.int64)
    for mode, most in (("predict", 1e-5), ("choose", 2e-3)):
        task = VolatilityStochasticity(mode=mode)
        clipped = task.session(Draws(np.arange(2000), numbers)).facts["clipped"]
        assert clipped.mean() < most
    facts = sessions(VolatilityStochasticity(scale=3.0), Zero(), 50)
    assert facts["clipped"].mean() > 0.3
    assert (np.abs(facts["outcome"][facts["clipped"] == 1]) == 1).all()


class Predictor:
    """One Kalman filter with the given variances, for outcomes over 60."""

    def __init__(self, v: float, s: float) -> None:
        self.v, self.s = v, s

    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        if state is None:
            state = np.zeros(len(obs)), 0.0
        else:
            mean, variance = state
            gain = variance / (variance + self.s)
            state = mean + gain * (obs[:, 0] * 60 - mean), (1 - gain) * variance + self.v
        return (state[0] / 60).astype(np.float32)[:, None], state


def test_prediction_yardsticks() -> None:
    task = VolatilityStochasticity()
    mine = task.yardsticks
    assert mine.oracle_full is not None
    # Not to know the cell costs little, but less than one filter for all cells costs.
    assert mine.oracle_full - 0.003 < mine.optimum < mine.oracle_full
    one = task.score(sessions(task, Predictor(1.0, 2.0), 1000, seed=2**42)).mean()
    assert one < mine.optimum - 0.0005
    facts = sessions(task, task.random_policy(0), 500)
    assert task.score(facts).mean() == pytest.approx(mine.random, abs=0.003)
    facts = sessions(task, Zero(), 500)
    assert task.score(facts).mean() == pytest.approx(mine.chance, abs=0.02)
    repeats = VolatilityStochasticity(prev_action=False, prev_reward=False).yardsticks.memoryless
    # Differences of outcomes have the variance v + 2 s, 5 on average: 1 - 5 / 36, less clipping.
    assert repeats == pytest.approx(1 - 5 / 36, abs=0.01)


# Regret per trial of the filters with the bound mean + sd, and greedy; share of best choices.
CHOICES = [
    (0.5, 1.0, 0.244, 0.336, 0.849),
    (1.5, 1.0, 0.366, 0.555, 0.866),
    (0.5, 3.0, 0.290, 0.383, 0.831),
]


@pytest.mark.parametrize(("v", "s", "bound", "greedy", "best"), CHOICES)
def test_known_regrets_of_choices(
    v: float, s: float, bound: float, greedy: float, best: float
) -> None:
    """2,000 sessions elsewhere gave these, with errors of .003 to .011."""
    task = VolatilityStochasticity(mode="choose", volatility=v, stochasticity=s)
    facts = sessions(task, task.oracle(), 1000)
    assert 20 * facts["regret"].mean() == pytest.approx(bound, abs=0.018)
    assert facts["correct"].mean() == pytest.approx(best, abs=0.012)
    observer = KalmanObserver(
        task, gain=1.0, decay=0.98, centre=0.0, drift=v / 400, noise=s / 400, bonus=0.0
    )
    facts = sessions(task, observer, 1000)
    assert 20 * facts["regret"].mean() == pytest.approx(greedy, abs=0.04)


def test_arms_of_choices() -> None:
    task = VolatilityStochasticity(mode="choose", volatility=0.5, stochasticity=1.0)
    facts = sessions(task, Always(0), 400)
    worth = facts["p"] * 20
    for trial in (0, 199):
        assert worth[trial].std() == pytest.approx(np.sqrt(0.5 / (1 - 0.98**2)), rel=0.1)
    assert np.var(worth[1:] - 0.98 * worth[:-1]) == pytest.approx(0.5, rel=0.02)
    assert np.var(facts["reward"] * 20 - worth) == pytest.approx(1.0, rel=0.02)
    assert task.score(facts) == pytest.approx((np.clip(facts["p"], -1, 1) + 1) / 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "guess"}, "mode='guess'"),
        ({"volatility": -1.0}, "volatility=-1.0"),
        ({"stochasticity": ()}, "stochasticity=\\(\\) is empty"),
        ({"scale": 0}, "scale=0"),
        ({"mode": "choose", "decay": 1}, "decay=1"),
        ({"trials_per_episode": 3}, "trials_per_episode=3"),
        ({"rewards": {"error": 0.0}}, "error=0 is not above 0"),
        ({"mode": "choose", "rewards": {"gain": -1.0}}, "gain=-1 is not above 0"),
    ],
)
def test_volatility_stochasticity_errors(options: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        VolatilityStochasticity(**options)
    assert "\n" not in str(error.value)


def test_walks_are_the_same_alone_and_among_many() -> None:
    steps = np.random.default_rng(0).standard_normal((200, 20, 2))
    many, slow = steps.copy(), steps.copy()
    draw_back(many, 0.98)
    for trial in range(1, 200):
        slow[trial] = slow[trial] + 0.98 * slow[trial - 1]
    assert np.array_equal(many, slow)
    for column in range(20):
        alone = steps[:, column : column + 1].copy()
        draw_back(alone, 0.98)
        assert np.array_equal(alone[:, 0], many[:, column])
