"""The two-step task: transitions, walks, facts of staying, and yardsticks by brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.envs import TaskError, TwoStep
from caudate.envs.bandits.two_step_yardsticks import WalkFilter, fold, full_knowledge

from .conftest import play, single

ID = "caudate/TwoStep-v0"


class Planner:
    """Knows all probabilities: plays a twin of the batch's luck, as numbers from its facts."""

    def __init__(self, p: np.ndarray) -> None:
        self.p, self.trial = p, 0

    def predict(self, obs: np.ndarray, state: Any, start: Any) -> tuple[np.ndarray, Any]:
        pairs = self.p[:, self.trial].reshape(-1, 2, 2)
        if obs[0, 0]:
            return pairs.max(axis=2).argmax(axis=1), None
        self.trial += 1
        return pairs[np.arange(len(obs)), (obs[:, 2] > 0).astype(int)].argmax(axis=1), None


def test_a_session() -> None:
    env = single(ID)
    obs, _ = env.reset(seed=3)
    assert env.obs_names == (
        *("start", "planet_0", "planet_1", "prev_action_0", "prev_action_1", "prev_reward"),
    )
    assert obs.tolist() == [1, 0, 0, 0, 0, 0]
    rng, past = np.random.default_rng(0), None
    for trial in range(201):
        first, second = rng.integers(2, size=2)
        obs, reward, terminated, truncated, info = env.step(first)
        assert (reward, terminated, truncated, info) == (0.0, False, False, {})
        assert obs[0] == 0
        assert obs[1] + obs[2] == 1
        assert obs[3:].tolist() == [first == 0, first == 1, 0]
        planet = int(obs[2])
        obs, reward, terminated, truncated, info = env.step(second)
        assert not terminated
        assert truncated == (trial == 200)
        assert obs.tolist() == [1, 0, 0, second == 0, second == 1, reward]
        assert (info["trial"], info["choice"], info["second_choice"]) == (trial, first, second)
        assert info["planet"] == planet
        assert info["common"] == (planet == first)
        assert info["option"] == 2 * planet + second
        assert info["reward"] == reward
        p = [info[f"p_{i}"] for i in range(4)]
        assert info["p"] == p[info["option"]]
        assert info["p_best"] == max(p) == p[info["best_option"]]
        assert info["regret"] == pytest.approx(max(p) - info["p"])
        assert info["correct"] == (info["best_option"] // 2 == first)
        told = (info["stay"], info["prev_common"], info["prev_reward"])
        if past is None:
            assert told == (-1, -1, -1)
        else:
            assert told == (first == past["choice"], past["common"], past["reward"])
        past = info
    assert env.reset()[0].tolist() == [1, 0, 0, 0, 0, 0]
    env.step(0)
    assert env.step(0)[4]["stay"] == -1


def test_transitions_rewards_and_walks() -> None:
    task = TwoStep(p_common=0.8)
    facts = play(task.vector(64), task.random_policy(0), 64 * 402, seed=0)
    assert facts["common"].mean() == pytest.approx(0.8, abs=0.01)
    high = facts["p"] > 0.5
    assert facts["reward"][high].mean() == pytest.approx(facts["p"][high].mean(), abs=0.02)
    assert facts["reward"][~high].mean() == pytest.approx(facts["p"][~high].mean(), abs=0.02)
    # In order of time: reshape to (trial, column).
    walks = np.stack([facts[f"p_{i}"] for i in range(4)], axis=-1)[: 64 * 201].reshape(201, 64, 4)
    assert walks.min() >= 0.25
    assert walks.max() <= 0.75
    # A walk that starts evenly spread stays so.
    for trial in (0, 200):
        assert walks[trial].mean() == pytest.approx(0.5, abs=4 * 0.1443 / 16)
        assert walks[trial].std() == pytest.approx(0.1443, abs=0.02)
    inside = (walks[:-1] > 0.35) & (walks[:-1] < 0.65)
    assert np.diff(walks, axis=0)[inside].std() == pytest.approx(0.025, rel=0.03)
    assert np.corrcoef(walks[:, 0].T)[np.triu_indices(4, 1)].max() < 0.999


def test_walks_do_not_depend_on_choices() -> None:
    task = TwoStep(trials_per_episode=30)
    one = play(task.vector(8), task.random_policy(0), 480, seed=0)
    two = play(task.vector(8), task.random_policy(1), 480, seed=0)
    for name in ("p_0", "p_3", "common", "best_option", "trial"):
        assert np.array_equal(one[name], two[name])
    assert not np.array_equal(one["choice"], two["choice"])


def test_fold_reflects_one_step_at_a_time() -> None:
    rng = np.random.default_rng(0)
    position, free, sign = 0.4, 0.4, 1.0
    for step in rng.normal(scale=0.3, size=300):
        # The folded walk takes the same steps up to their sign.
        free += step
        assert 0.25 <= fold(np.array(free), 0.25, 0.75) <= 0.75
        position += sign * step
        while not 0.25 <= position <= 0.75:
            position = 0.5 - position if position < 0.25 else 1.5 - position
            sign = -sign
        assert fold(np.array(free), 0.25, 0.75) == pytest.approx(position, abs=1e-9)
    assert fold(np.array([0.1, 2.0]), 0.5, 0.5).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("sd", [0.0, 0.004, 0.025, 0.2, 3.0])
def test_filter_follows_the_walk(sd: float) -> None:
    tracker = WalkFilter((0.25, 0.75), sd)
    belief = np.zeros((1, 4, 41))
    belief[:, :, 20] = 1
    nothing = np.array([0]), np.array([True])
    after = tracker.learn(belief, *nothing)
    assert after.sum(axis=2) == pytest.approx(np.ones((1, 4)))
    samples = fold(0.5 + sd * np.random.default_rng(0).normal(size=40000), 0.25, 0.75)
    spread = np.sqrt(after[0, 1] @ (tracker._grid - 0.5) ** 2)
    assert spread == pytest.approx(samples.std(), rel=0.02)
    # An even spread stays one.
    even = tracker.begin(1) @ tracker._move
    assert even == pytest.approx(tracker.begin(1), rel=0.02)


def test_filter_learns_by_bayes() -> None:
    tracker = WalkFilter((0.25, 0.75), 0.0)
    belief = tracker.begin(2)
    for _ in range(3):
        belief = tracker.learn(belief, np.array([0, 2]), np.array([True, False]))
    weights = tracker._grid**3
    assert tracker.mean(belief)[0, 0] == pytest.approx(weights @ tracker._grid / weights.sum())
    weights = (1 - tracker._grid) ** 3
    assert tracker.mean(belief)[1, 2] == pytest.approx(weights @ tracker._grid / weights.sum())
    assert tracker.mean(belief)[0, 1:] == pytest.approx([0.5] * 3)


@pytest.mark.parametrize(
    "options", [{}, {"bounds": (0.0, 1.0), "walk_sd": 0.2, "p_common": 0.9}, {"walk_sd": 0.0}]
)
def test_yardsticks(options: dict[str, Any]) -> None:
    task = TwoStep(**options)
    low, high = task.bounds
    mine = task.yardsticks
    assert mine.random == mine.chance == (low + high) / 2
    drawn = np.random.default_rng(0).uniform(low, high, size=(200_000, 2, 2)).max(axis=2)
    known = task.p_common * drawn.max(axis=1) + (1 - task.p_common) * drawn.min(axis=1)
    assert mine.oracle_full == pytest.approx(known.mean(), abs=0.001)
    facts = play(task.vector(128), task.oracle(), 128 * 201 * 2, seed=77)
    # Expected rewards of the oracle's choices, less noisy than the drawn ones.
    assert facts["p"].mean() == pytest.approx(mine.optimum, abs=0.008)


def test_known_probabilities_earn_oracle_full() -> None:
    task = TwoStep(trials_per_episode=100)
    batch = task.vector(256)
    facts = play(batch, task.random_policy(0), 256 * 100, seed=9)
    p = np.stack([facts[f"p_{i}"] for i in range(4)], axis=-1).reshape(100, 256, 4)
    known = play(batch, Planner(p.transpose(1, 0, 2)), 256 * 100, seed=9)
    better = p.reshape(100, 256, 2, 2).max(axis=3)
    expected = (0.7 * better.max(axis=2) + 0.3 * better.min(axis=2)).mean()
    assert known["p"].mean() == pytest.approx(expected, abs=0.004)
    # Sessions differ much: .06, so .004 for the mean of 256.
    assert expected == pytest.approx(full_knowledge((0.25, 0.75), 0.7), abs=0.016)
    assert full_knowledge((0.25, 0.75), 0.7) == pytest.approx(0.61)


def test_known_optimum() -> None:
    """Simulations elsewhere gave .56 to the greedy observer; full knowledge earns .61, luck .5."""
    mine = TwoStep().yardsticks
    assert mine.optimum == pytest.approx(0.561, abs=0.003)
    assert mine.oracle_full == pytest.approx(0.61)
    assert mine.random == 0.5


def test_observer_equals_a_particle_filter() -> None:
    """Beliefs about one option by thousands of walks, weighed by what they explain."""
    random = np.random.default_rng(4)
    tracker = WalkFilter((0.25, 0.75), 0.025)
    belief = tracker.begin(1)
    walks = random.uniform(0.25, 0.75, 40_000)
    for trial in range(60):
        won = bool(random.random() < (0.7 if trial < 30 else 0.3))
        belief = tracker.learn(belief, np.array([0]), np.array([won]))
        weight = walks if won else 1 - walks
        walks = random.choice(walks, len(walks), p=weight / weight.sum())
        walks = fold(walks + 0.025 * random.normal(size=len(walks)), 0.25, 0.75)
        assert tracker.mean(belief)[0, 0] == pytest.approx(walks.mean(), abs=0.008)


def test_model_based_signature() -> None:
    """The observer stays after common wins and rare losses, which no model-free learner does."""
    task = TwoStep(bounds=(0.0, 1.0), walk_sd=0.2)
    facts = play(task.vector(64), task.oracle(), 64 * 402, seed=0)
    stay = {
        (common, won): facts["stay"][
            (facts["prev_common"] == common) & (facts["prev_reward"] == won)
        ].mean()
        for common in (0, 1)
        for won in (0, 1)
    }
    assert stay[1, 1] > stay[1, 0] + 0.2
    assert stay[0, 0] > stay[0, 1] + 0.2


def test_edges() -> None:
    for options in [
        {"p_common": 1.0},
        {"bounds": (0.5, 0.5)},
        {"walk_sd": 50.0},
        {"trials_per_episode": 1},
        {"rewards": {"reward": -1.0, "no_reward": 0.5}},
    ]:
        task = TwoStep(**options)
        mine = task.yardsticks
        assert mine.oracle_full is not None
        assert mine.chance <= mine.optimum <= mine.oracle_full + 1e-9
        trials = task.trials_per_episode
        facts = play(task.vector(4), task.oracle(), 8 * trials, seed=0)
        assert set(np.unique(facts["reward"])) <= {0, 1}
    assert TwoStep(prev_action=False, prev_reward=False).yardsticks.memoryless == 0.5
    with pytest.raises(TaskError, match="prev_action=True"):
        TwoStep(prev_reward=False).oracle()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"p_common": 0.4}, "p_common=0.4"),
        ({"walk_sd": -1}, "walk_sd=-1"),
        ({"bounds": 3}, "bounds=3"),
        ({"bounds": (0.7, 0.2)}, "lower probability first"),
        ({"bounds": (0.0, 1.5)}, "bounds=1.5"),
    ],
)
def test_errors(options: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        TwoStep(**options)
    assert "\n" not in str(error.value)
