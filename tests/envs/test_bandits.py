"""Bandits whose arms take their course: facts, processes, and yardsticks derived another way."""

from __future__ import annotations

from collections.abc import Callable
from math import erf, sqrt
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from caudate.envs import Bandit, RestlessBandit, TaskError
from caudate.envs.bandits.kalman_observer import KalmanObserver

from . import test_conformance as conformance
from .conftest import batched, play, same, single


def sessions(task: Any, policy: Any, n: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Facts of n columns' first sessions, each (L, n)."""
    length = task.trials_per_episode
    facts = play(task.vector(n), policy, n * length, seed)
    return {key: values.reshape(length, n) for key, values in facts.items()}


class Always:
    """One arm throughout."""

    def __init__(self, arm: int) -> None:
        self.arm = arm

    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        return np.full(len(obs), self.arm), None


class Counting:
    """Counts tries and wins of two arms, and chooses by a rule on them."""

    def __init__(self, rule: Callable[..., np.ndarray]) -> None:
        self.rule, self.random = rule, np.random.default_rng(0)

    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        tries, wins = state or (np.zeros((len(obs), 2)), np.zeros((len(obs), 2)))
        tries, wins = tries + obs[:, 1:3], wins + obs[:, 1:3] * obs[:, 3:]
        value = self.rule(tries, wins, self.random)
        # Ties are broken evenly.
        return (value + 1e-9 * self.random.random(value.shape)).argmax(axis=1), (tries, wins)


class Filter:
    """One Kalman filter per arm, written out arm by arm, in the unit of the rewards."""

    def __init__(self, arms: int, decay: float, v: float, s: float, rule: str) -> None:
        self.arms, self.decay, self.v, self.s, self.rule = arms, decay, v, s, rule
        self.random = np.random.default_rng(1)

    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        n, old = len(obs), self.v / (1 - self.decay**2)
        m, w = state or (np.full((n, self.arms), 0.5), np.full((n, self.arms), old))
        for arm in range(self.arms):
            chosen = obs[:, 1 + arm] == 1
            gain = w[chosen, arm] / (w[chosen, arm] + self.s)
            m[chosen, arm] += gain * (obs[chosen, -1] - m[chosen, arm])
            w[chosen, arm] *= 1 - gain
        if obs[:, 1:-1].any():
            m, w = 0.5 + self.decay * (m - 0.5), self.decay**2 * w + self.v
        value = {
            "bound": m + np.sqrt(w),
            "greedy": m,
            "thompson": m + np.sqrt(w) * self.random.normal(size=w.shape),
        }[self.rule]
        return value.argmax(axis=1), (m.copy(), w.copy())


# -------------------------------------------------------------------- all of them


SESSIONS = [
    ("Bandit-v0", {"n_arms": 3}),
    ("Bandit-Ten-v0", {}),
    ("Bandit-v0", {"n_arms": 90, "trials_per_episode": 20}),
    ("RestlessBandit-v0", {}),
    ("VolatileBandit-v0", {}),
    ("VolatileBandit-Magnitudes-v0", {}),
    ("VolatilityStochasticity-Choose-v0", {}),
    ("HorizonBandit-v0", {}),
]


@pytest.mark.parametrize(("name", "options"), SESSIONS)
def test_facts_of_a_session(name: str, options: dict[str, Any]) -> None:
    env = single(f"caudate/{name}", **options)
    length, arms = env.task.trials_per_episode, int(env.action_space.n)
    first, _ = env.reset(seed=5)
    past = slice(-arms - 1, None)
    assert not first[past].any()
    actions = np.random.default_rng(0).integers(arms, size=length)
    seen: dict[tuple[int, int], float] = {}
    for trial, action in enumerate(actions.tolist()):
        obs, reward, terminated, truncated, info = env.step(action)
        assert (terminated, truncated) == (False, trial == length - 1)
        assert (info["trial_end"], info["trial"], info["rt"]) == (True, trial, 0.0)
        if info.get("free", 1):
            assert info["choice"] == action
        assert obs[past].tolist() == pytest.approx(
            [float(arm == info["choice"]) for arm in range(arms)] + [reward]
        )
        assert info["reward"] == reward
        assert info["regret"] == info["p_best"] - info["p"] >= 0
        assert info["correct"] == (info["regret"] == 0)
        if info["choice"] == info["best_arm"]:
            assert info["correct"] == 1
        seen[trial, info["choice"]] = info["p"]
    again, _ = env.reset()
    assert not again[past].any()
    assert env.step(0)[4]["trial"] == length
    # The same worths whatever else is chosen, before or now.
    env.reset(seed=5)
    for trial in range(length):
        info = env.step(0)[4]
        if (trial, info["choice"]) in seen:
            assert seen[trial, info["choice"]] == info["p"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("HorizonBandit-v0", {"trials_per_episode": 15, "time": True}),
        ("VolatilityStochasticity-v0", {"trials_per_episode": 5, "time": True}),
    ],
)
def test_short_sessions_in_every_mode(name: str, options: dict[str, Any]) -> None:
    env_id = f"caudate/{name}"
    conformance.test_column_equals_single_env(env_id, 3, options)
    conformance.compare_with_gymnasium(env_id, options, steps=25)
    conformance.test_state_is_exact(env_id, "next_step", options)


@pytest.mark.parametrize("mode", conformance.MODES)
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("HorizonBandit-v0", {"trials_per_episode": 15}),
        ("VolatilityStochasticity-v0", {"trials_per_episode": 6}),
    ],
)
def test_infos_may_be_read_late(name: str, options: dict[str, Any], mode: str) -> None:
    """What an info tells does not depend on when it is read, nor on columns reset in between."""
    late, early = (batched(f"caudate/{name}", 4, autoreset_mode=mode, **options) for _ in range(2))
    for batch in (late, early):
        batch.reset(seed=0)
    kept, read = [], []
    for step, actions in enumerate(conformance.actions_for(early, 40)):
        if step in (4, 9, 23):
            mask = np.arange(4) == step % 4
            for batch in (late, early):
                batch.reset(seed=[None, 7, None, 8], options={"reset_mask": mask})
        read.append(dict(early.step(actions.copy())[4]))
        _, reward, _, _, info = late.step(actions)
        kept.append(info)
        reward[...] = actions[...] = 0  # both are the caller's
    assert all(same(dict(mine), theirs) for mine, theirs in zip(kept, read, strict=True))
    env, twin = (single(f"caudate/{name}", **options) for _ in range(2))
    infos: list[list[Any]] = [[], []]
    for which, one in enumerate((env, twin)):
        one.reset(seed=3)
        for actions in conformance.actions_for(early, 33):
            _, _, _, over, info = one.step(actions[0])
            infos[which].append(dict(info) if which else info)
            if over:
                one.reset()
    assert all(dict(mine) == theirs for mine, theirs in zip(*infos, strict=True))


# Settings in which yardsticks coincide or come close, where noise could put them out of order.
CLOSE: list[tuple[str, dict[str, Any]]] = [
    ("Bandit", {"p": (0.3, 0.3)}),
    ("Bandit", {"gap": 0.0}),
    ("Bandit", {"n_arms": 1}),
    ("Bandit", {"trials_per_episode": 1}),
    ("Bandit", {"gap": 0.2, "n_arms": 5, "trials_per_episode": 3}),
    ("Bandit", {"kind": "gaussian", "sd": 1e-6}),
    ("Bandit", {"prev_reward": False}),
    ("RestlessBandit", {"n_arms": 1}),
    ("RestlessBandit", {"drift": 0.0, "noise": 0.0}),
    ("RestlessBandit", {"decay": 0.0}),
    ("RestlessBandit", {"centre": 0.9, "trials_per_episode": 5}),
    ("RestlessBandit", {"prev_reward": False}),
    ("HorizonBandit", {"noise": 1e-3, "trials_per_episode": 15}),
    ("HorizonBandit", {"prev_reward": False}),
    ("VolatileBandit", {"p_stable": 0.5, "p_volatile": 0.5}),
    ("VolatileBandit", {"p_stable": 0.5, "p_volatile": 0.5, "magnitudes": True}),
    ("VolatileBandit", {"p_stable": 1.0, "p_volatile": 1.0, "switch": (1, 1)}),
    ("VolatileBandit", {"trials_per_episode": 3, "stable": 1, "switch": (1, 2)}),
    ("VolatileBandit", {"prev_reward": False, "magnitudes": True}),
    ("VolatileBandit", {"prev_action": False, "trials_per_episode": 20, "stable": 10}),
    ("VolatilityStochasticity", {"volatility": 0.0, "stochasticity": 0.0}),
    ("VolatilityStochasticity", {"volatility": 0.5, "stochasticity": 1.0}),
    ("VolatilityStochasticity", {"volatility": 1e6, "trials_per_episode": 20}),
    ("VolatilityStochasticity", {"trials_per_episode": 4, "scale": 1.0, "prev_action": False}),
    ("VolatilityStochasticity", {"mode": "choose", "decay": 0.0}),
    ("VolatilityStochasticity", {"mode": "choose", "volatility": 1e6, "scale": 1e-3}),
]


@pytest.mark.parametrize(("name", "options"), CLOSE)
def test_yardsticks_are_in_order(name: str, options: dict[str, Any]) -> None:
    mine = gym.make(f"caudate/{name}-v0", **options).unwrapped.task.yardsticks  # type: ignore[attr-defined]
    assert mine.oracle_full is not None
    assert 0 <= mine.random <= mine.chance <= mine.optimum <= mine.oracle_full <= 1
    if mine.memoryless is not None:
        assert mine.random <= mine.memoryless <= mine.optimum
    if not options.get("prev_reward", True):
        assert mine.memoryless == mine.optimum


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("Bandit", {"n_arms": 0}, "n_arms=0"),
        ("Bandit", {"n_arms": 10**6}, "n_arms=1000000"),
        ("Bandit", {"kind": "poisson"}, "kind='poisson'"),
        ("Bandit", {"p": 0.5}, "range of worths"),
        ("Bandit", {"p": (0.9, 0.1)}, "lower bound first"),
        ("Bandit", {"p": (0.0, 1.1)}, "p=1.1"),
        ("Bandit", {"gap": 1.5}, "gap=1.5"),
        ("Bandit", {"sd": 0}, "sd=0"),
        ("Bandit", {"rewards": {"reward": 0.0}}, "both 0"),
        ("RestlessBandit", {"decay": 1.0}, "decay=1.0"),
        ("RestlessBandit", {"drift": -1}, "drift=-1"),
        ("RestlessBandit", {"noise": float("nan")}, "noise=nan"),
        ("RestlessBandit", {"centre": 50}, "centre=50"),
        ("RestlessBandit", {"rewards": {"gain": -1.0}}, "gain=-1 is not above 0"),
        ("HorizonBandit", {"noise": 0}, "noise=0"),
        ("HorizonBandit", {"trials_per_episode": 16}, "no multiple of 15"),
        ("HorizonBandit", {"rewards": {"gain": 0.0}}, "gain=0 is not above 0"),
    ],
)
def test_errors(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        single(f"caudate/{name}-v0", **options)
    assert "\n" not in str(error.value)


# -------------------------------------------------------------------- stationary arms


def test_gaussian_outcomes() -> None:
    facts = sessions(Bandit(kind="gaussian", sd=0.3, p=(0.2, 0.4)), Always(0), 100)
    noise = facts["reward"] - facts["p"]
    assert noise.mean() == pytest.approx(0, abs=0.01)
    assert noise.std() == pytest.approx(0.3, abs=0.01)
    assert abs(np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]) < 0.03
    assert 0.2 < facts["p"].min() < 0.21
    assert 0.39 < facts["p"].max() < 0.4


def test_gap() -> None:
    task = Bandit(gap=0.3, n_arms=4, trials_per_episode=8)
    facts = sessions(task, task.random_policy(0), 800)
    assert set(np.unique(facts["p"])) == {0.35, 0.65}
    assert facts["regret"][facts["correct"] == 0] == pytest.approx(0.3)
    assert np.bincount(facts["best_arm"][0]) / 800 == pytest.approx([0.25] * 4, abs=0.06)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (lambda n, k, r: r.beta(1 + k, 1 + n - k), 0.666),
        (lambda n, k, r: (1 + k) / (2 + n), 0.670),
        (
            lambda n, k, r: np.where(
                n > 0,
                k / np.maximum(n, 1)
                + np.sqrt(2 * np.log(n.sum(axis=1, keepdims=True) + 1) / np.maximum(n, 1)),
                1e9,
            ),
            0.628,
        ),
    ],
    ids=["thompson", "greedy", "ucb1"],
)
def test_known_rewards_at_70_to_30(rule: Any, expected: float) -> None:
    """Simulations elsewhere gave these rewards for two arms worth .7 and .3 and 100 trials."""
    task = Bandit(gap=0.4, trials_per_episode=100)
    facts = sessions(task, Counting(rule), 2000)
    assert facts["p"].mean() == pytest.approx(expected, abs=0.005)


def test_optimum_with_a_gap_in_closed_form() -> None:
    """Two arms: both tell the same, so after t trials the majority, or the sum, is followed."""
    high, ahead = 0.7, {0: 1.0}  # distribution of (outcomes for the true best - against it)
    right = []
    for _ in range(50):
        right.append(sum(w * (0.5 if d == 0 else d > 0) for d, w in ahead.items()))
        moved: dict[int, float] = {}
        for d, w in ahead.items():
            moved[d + 1] = moved.get(d + 1, 0.0) + w * high
            moved[d - 1] = moved.get(d - 1, 0.0) + w * (1 - high)
        ahead = moved
    task = Bandit(gap=0.4, trials_per_episode=50)
    assert task.yardsticks.optimum == pytest.approx(0.3 + 0.4 * np.mean(right), abs=0.002)
    task = Bandit(kind="gaussian", gap=0.1, sd=0.2, trials_per_episode=50)
    right = [0.5 * (1 + erf(0.1 * sqrt(t) / (2 * 0.2) / sqrt(2))) for t in range(50)]
    assert task.yardsticks.optimum == pytest.approx(0.45 + 0.1 * np.mean(right), abs=0.002)


def exact_two_arm_optimum(trials: int) -> float:
    """Bayes-optimal reward per trial of two arms with worths even on [0, 1], by backward induction.

    States are the wins and losses of both arms; those with all trials done have value 0.
    """
    won0, lost0, won1, lost1 = np.indices((trials + 1,) * 4)
    first, second = (won0 + 1) / (won0 + lost0 + 2), (won1 + 1) / (won1 + lost1 + 2)
    value = np.zeros((trials + 1,) * 4)

    def after(axis: int) -> np.ndarray:
        moved = np.zeros_like(value)
        to = [slice(None)] * 4
        come = [slice(None)] * 4
        to[axis], come[axis] = slice(0, -1), slice(1, None)
        moved[tuple(to)] = value[tuple(come)]
        return moved

    for _ in range(trials):
        value = np.maximum(
            first * (1 + after(0)) + (1 - first) * after(1),
            second * (1 + after(2)) + (1 - second) * after(3),
        )
    return float(value[0, 0, 0, 0]) / trials


@pytest.mark.parametrize("trials", [3, 15])
def test_index_comes_close_to_the_exact_optimum(trials: int) -> None:
    exact = exact_two_arm_optimum(trials)
    mine = Bandit(trials_per_episode=trials).yardsticks.optimum
    # Below it, up to the simulation's standard error, and not far.
    assert exact - 0.005 < mine < exact + 0.002


def test_many_arms() -> None:
    """Thousands of arms cost no more luck than one, and the observer does not try them all."""
    env = single("caudate/Bandit-v0", n_arms=10_000)
    obs, _ = env.reset(seed=0)
    assert obs.shape == (10_002,)
    obs, _, _, _, info = env.step(9_999)
    assert obs[-2] == 1
    assert info["p_best"] > 0.999
    for kind, least in (("bernoulli", 0.86), ("gaussian", 0.9)):
        task = Bandit(n_arms=1000, kind=kind)
        assert task.yardsticks.optimum > least
        facts = sessions(task, task.oracle(), 10)
        assert facts["p"].mean() == pytest.approx(task.yardsticks.optimum, abs=0.03)
    # As many arms as trials are as good as any number.
    few, many = (Bandit(n_arms=n, trials_per_episode=30).yardsticks.optimum for n in (30, 900))
    assert few == many


def test_narrow_ranges_are_known_to_the_observer() -> None:
    """A prior that fits the range of worths earns more than an even one."""
    narrow = Bandit(p=(0.4, 0.6))
    even = sessions(narrow, Bandit().oracle(), 1500, seed=2**42)
    assert narrow.yardsticks.optimum > (narrow.yardsticks.oracle_full or 0) - even["regret"].mean()


def test_payouts_of_one_s_own() -> None:
    task = Bandit(rewards={"reward": -1.0, "no_reward": 2.0})
    facts = sessions(task, task.oracle(), 300)
    assert set(np.unique(facts["reward"])) == {-1.0, 2.0}
    assert np.array_equal(task.score(facts), facts["reward"] == -1.0)
    assert task.yardsticks.optimum == Bandit().yardsticks.optimum


def test_the_past_in_sight() -> None:
    with pytest.raises(TaskError, match="prev_action=True"):
        Bandit(prev_action=False).oracle()
    # Who chose knows the choice: not to be shown it takes nothing away.
    assert Bandit(prev_action=False).yardsticks.optimum == Bandit().yardsticks.optimum
    assert Bandit(prev_reward=False).yardsticks.optimum == 0.5


# -------------------------------------------------------------------- drifting arms


def test_walks() -> None:
    task = RestlessBandit()
    one, two = (sessions(task, Always(arm), 400) for arm in (0, 1))
    walk = one["p"] - 0.5
    spread = 0.028 / sqrt(1 - 0.9836**2)
    for trial in (0, 100, 199):
        assert walk[trial].std() == pytest.approx(spread, rel=0.12)
    steps = walk[1:] - 0.9836 * walk[:-1]
    inside = (one["p"][1:] > 0) & (one["p"][1:] < 1)
    assert steps[inside].std() == pytest.approx(0.028, rel=0.01)
    assert np.sum(walk[1:] * walk[:-1]) / np.sum(walk[:-1] ** 2) == pytest.approx(0.9836, abs=0.002)
    noise = one["reward"] - one["p"]
    assert noise.std() == pytest.approx(0.04, rel=0.01)
    assert abs(np.corrcoef(noise.ravel(), walk.ravel())[0, 1]) < 0.02
    # Arms are independent: sessions' means of two arms do not go together.
    means = one["p"].mean(axis=0), two["p"].mean(axis=0)
    assert abs(np.corrcoef(*means)[0, 1]) < 0.2
    assert np.array_equal(one["p_best"], two["p_best"])
    assert (one["p_best"] >= np.maximum(one["p"], two["p"])).all()


def test_bound_is_the_best_of_three_rules() -> None:
    task = RestlessBandit()
    earned = {
        rule: sessions(task, Filter(4, 0.9836, 0.028**2, 0.04**2, rule), 1000)["regret"].mean()
        for rule in ("bound", "greedy", "thompson")
    }
    best = task.yardsticks.oracle_full
    assert best is not None
    assert best - earned["bound"] == pytest.approx(task.yardsticks.optimum, abs=0.002)
    assert earned["bound"] < earned["thompson"] - 0.003
    assert earned["bound"] < earned["greedy"] - 0.003


def test_observer_equals_the_filter_written_out() -> None:
    task = RestlessBandit(n_arms=3, noise=0.2)
    mine = sessions(task, task.oracle(), 50)
    theirs = sessions(task, Filter(3, 0.9836, 0.028**2, 0.2**2, "bound"), 50)
    assert (mine["choice"] == theirs["choice"]).mean() > 0.999
    greedy = KalmanObserver(
        task, gain=1.0, decay=0.9836, centre=0.5, drift=0.028**2, noise=0.2**2, bonus=0.0
    )
    theirs = sessions(task, Filter(3, 0.9836, 0.028**2, 0.2**2, "greedy"), 50)
    assert (sessions(task, greedy, 50)["choice"] == theirs["choice"]).mean() > 0.999


def test_gain_only_scales_rewards() -> None:
    task = RestlessBandit(rewards={"gain": 100.0}, trials_per_episode=30)
    mine, usual = (
        sessions(one, one.oracle(), 20) for one in (task, RestlessBandit(trials_per_episode=30))
    )
    assert same(mine["choice"], usual["choice"])
    assert mine["reward"] == pytest.approx(100 * usual["reward"])
