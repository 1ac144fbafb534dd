"""Information sampling: beads and facts, and yardsticks by brute force."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from caudate.envs import InformationSampling, TaskError

from .conftest import play, single

ID = "caudate/InformationSampling-v0"


class ByCount:
    """Draws so many beads, then answers by majority; or always the same urn."""

    def __init__(self, draws: int, urn: int | None = None) -> None:
        self.draws, self.urn = draws, urn

    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        if state is None:
            state = np.zeros((2, len(obs)), dtype=int)
        drawn, lead = np.where(start, 0, state)
        drawn, lead = drawn + (obs[:, 0] < 0.5), lead + (obs[:, 1] > 0) - (obs[:, 2] > 0)
        answer = np.where(lead >= 0, 1, 2) if self.urn is None else self.urn
        return np.where(drawn >= self.draws, answer, 0), (drawn, lead)


class Reacts:
    """Memoryless: draws at first, then again with some probability after each colour."""

    def __init__(self, on_a: float, on_b: float) -> None:
        self.chance, self.rng = (on_a, on_b), np.random.default_rng(0)

    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        is_a = obs[:, 1] > 0
        again = self.rng.uniform(size=len(obs)) < np.where(is_a, *self.chance)
        return np.where((obs[:, 0] > 0) | again, 0, np.where(is_a, 1, 2)), None


def brute_force(task: InformationSampling) -> float:
    """Best expected payoff by recursion over all sequences of beads."""
    earns, ratio = task.earns, task.ratio

    def best(beads: tuple[bool, ...]) -> Any:
        chance = [
            0.5 * np.prod([of_a if bead else 1 - of_a for bead in beads])
            for of_a in (ratio, 1 - ratio)
        ]
        total = sum(chance)
        if total == 0:
            return 0.0
        options = [
            (chance[urn] * earns["correct"] + chance[1 - urn] * earns["error"]) / total
            for urn in (0, 1)
        ]
        if len(beads) == task.max_draws:
            return max(*options, earns["miss"])
        a = (chance[0] * ratio + chance[1] * (1 - ratio)) / total
        on = a * best((*beads, True)) + (1 - a) * best((*beads, False))
        return max(*options, earns["draw"] + on)

    return float(best(()))


def test_a_trial() -> None:
    env = single(ID)
    for trial in range(30):
        obs, _ = env.reset(seed=4) if trial == 0 else env.reset()
        assert obs.tolist() == [1, 0, 0]
        beads, total = [], 0.0
        draws = trial % 8
        for _ in range(draws):
            obs, reward, terminated, truncated, info = env.step(0)
            assert (reward, terminated, truncated, info) == (-0.01, False, False, {})
            assert obs[0] == 0
            assert obs[1] + obs[2] == 1
            beads.append(int(obs[1]))
            total += reward
        answer = 1 + trial % 2
        _, reward, terminated, _, info = env.step(answer)
        assert terminated
        assert reward == info["correct"] == (info["urn"] == answer - 1)
        assert (info["choice"], info["draws"], info["n_a"]) == (answer, draws, sum(beads))
        assert info["rt"] == 100 * draws
        assert info["payoff"] == pytest.approx(total + reward)
        assert [info["beads"] >> i & 1 for i in range(draws)] == beads
        odds = 1.5 ** (2 * sum(beads) - draws)
        p_a = odds / (1 + odds)
        assert info["p_correct"] == pytest.approx(p_a if answer == 1 else 1 - p_a)


def test_emptied_urn() -> None:
    env = single(ID, max_draws=3)
    env.reset(seed=0)
    for step in range(4):
        _, reward, terminated, _, info = env.step(0)
        assert terminated == (step == 3)
    assert reward == 0
    assert (info["choice"], info["correct"], info["draws"]) == (0, 0, 3)
    assert info["payoff"] == pytest.approx(-0.03)
    assert np.isnan(info["rt"])
    assert np.isnan(info["p_correct"])


def test_beads_come_from_the_urn() -> None:
    task = InformationSampling(ratio=0.7, max_draws=5)
    facts = play(task.vector(64), ByCount(5), 8000, seed=0)
    for urn, of_a in ((0, 0.7), (1, 0.3)):
        assert facts["n_a"][facts["urn"] == urn].mean() == pytest.approx(5 * of_a, abs=0.06)
    assert facts["urn"].mean() == pytest.approx(0.5, abs=0.02)
    # What the posterior says of the answers comes true.
    for low, high in ((0.5, 0.75), (0.75, 0.95), (0.95, 1.0)):
        sure = (facts["p_correct"] >= low) & (facts["p_correct"] < high)
        expected = facts["p_correct"][sure].mean()
        assert facts["correct"][sure].mean() == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize(
    "options",
    [
        {"max_draws": 9},
        {"max_draws": 8, "ratio": 0.8},
        {"max_draws": 7, "rewards": {"draw": -0.05, "error": -1.0}},
        {"max_draws": 6, "rewards": {"draw": 0.02}},
        {"max_draws": 5, "ratio": 1.0},
        {"max_draws": 4, "rewards": {"miss": 0.9}},
    ],
)
def test_optimum_is_that_of_brute_force(options: dict[str, Any]) -> None:
    task = InformationSampling(**options)
    assert task.values()[0][0, task.max_draws] == pytest.approx(brute_force(task))
    facts = play(task.vector(256), task.oracle(), 6000, seed=1)
    error = max(facts["payoff"].std(), 0.01) / np.sqrt(len(facts["payoff"]))
    assert facts["payoff"].mean() == pytest.approx(brute_force(task), abs=4 * error)
    assert task.yardsticks.optimum == pytest.approx(task.score({"payoff": brute_force(task)}))


@pytest.mark.parametrize(
    "options", [{}, {"max_draws": 3, "ratio": 0.8}, {"rewards": {"error": -2.0, "draw": -0.001}}]
)
def test_simple_policies(options: dict[str, Any]) -> None:
    task = InformationSampling(**options)
    mine = task.yardsticks
    assert mine.memoryless is not None
    for policy in (ByCount(0, 1), ByCount(2, 2)):
        assert score(task, policy) < mine.chance + 0.015
    # The best blind policy answers at once, unless errors cost so much that none is better.
    best = ByCount(99) if options.get("rewards") else ByCount(0, 1)
    assert score(task, best) == pytest.approx(mine.chance, abs=0.015)
    reached = []
    for on_a, on_b in product((0.0, 0.5, 0.9), repeat=2):
        payoff = task._fixed_payoff(np.array([on_a]), np.array([on_b]))[0]
        facts = play(task.vector(256), Reacts(on_a, on_b), 4000, seed=2)
        # Answering the colour seen last may be worse than what the formula takes, the better urn.
        assert facts["payoff"].mean() < payoff + 0.05
        if on_a == on_b:
            assert facts["payoff"].mean() == pytest.approx(payoff, abs=0.05)
        reached.append(task.score({"payoff": payoff}))
    assert max(reached) <= mine.memoryless + 1e-9
    assert mine.memoryless < mine.optimum


def score(task: InformationSampling, policy: Any) -> float:
    return float(task.score(play(task.vector(256), policy, 6000, seed=5)).mean())


def test_known_optimum() -> None:
    """What the description says of the defaults: a return of .688 with 10.3 draws."""
    task = InformationSampling()
    assert task.values()[0][0, task.max_draws] == pytest.approx(0.688, abs=5e-4)
    facts = play(task.vector(256), task.oracle(), 20_000, seed=3)
    assert facts["draws"].mean() == pytest.approx(10.3, abs=0.15)
    assert facts["payoff"].mean() == pytest.approx(0.688, abs=0.012)


def test_few_draws_cost_accuracy_and_many_cost_money() -> None:
    task = InformationSampling(rewards={"draw": -0.02})
    by_count = [score(task, ByCount(draws)) for draws in (1, 5, 20)]
    assert max(by_count) < task.yardsticks.optimum
    assert by_count[2] < by_count[1]


def test_edges_and_errors() -> None:
    for options in [{"ratio": 0.5}, {"ratio": 1.0}, {"max_draws": 1}, {"max_draws": 60}]:
        mine = InformationSampling(**options).yardsticks
        assert mine.memoryless is not None
        assert mine.random <= mine.chance <= mine.memoryless + 1e-9 <= mine.optimum + 2e-9 <= 1.1
    assert InformationSampling(time=True).yardsticks.memoryless is None
    flat = InformationSampling(rewards={"correct": 0.0, "draw": 0.0})
    assert flat.yardsticks.optimum == 0.0
    for options, words in [
        ({"ratio": 0.4}, "ratio=0.4"),
        ({"max_draws": 0}, "max_draws=0"),
        ({"max_draws": 61}, "max_draws=61"),
    ]:
        with pytest.raises(TaskError, match=words):
            InformationSampling(**options)
