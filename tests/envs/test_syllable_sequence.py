"""Syllable sequences: successors, the edge of the workspace, facts, and blind choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from caudate.envs import SyllableSequence, TaskError
from caudate.envs.other.blind_choices import BlindChoices
from caudate.envs.other.syllables import SYLLABLES

from .conftest import play

RIGHT, UP, LEFT, DOWN, HOLD_RIGHT, HOLD_UP, HOLD_LEFT, HOLD_DOWN = range(8)
#: The default sequence: a square, with a hold at each corner.
SQUARE = [RIGHT, HOLD_RIGHT, UP, HOLD_UP, LEFT, HOLD_LEFT, DOWN, HOLD_DOWN]


def run(task: SyllableSequence, choices: Any) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Observations (with the last one), rewards and final facts of one trial."""
    env = task.env()
    obs, info = env.reset(seed=0)
    seen, rewards = [obs], []
    for place, choice in enumerate(choices):
        obs, reward, over, cut, info = env.step(choice)
        seen.append(obs)
        rewards.append(reward)
        assert over == (place == len(choices) - 1)
        assert not cut
        assert over or info == {}
    return np.array(seen), np.array(rewards), info


def by_hand(task: SyllableSequence, choices: Any) -> list[bool]:
    """Which choices are right, told without tables."""
    order = [SYLLABLES.index(one) for one in task.sequence]
    moves = {RIGHT: (1, 0), UP: (0, 1), LEFT: (-1, 0), DOWN: (0, -1)}
    current, x, y, found = order[-1], 0, 0, []
    for choice in choices:
        step_x, step_y = moves.get(choice, (0, 0))
        inside = max(abs(x + step_x), abs(y + step_y)) <= 1
        if inside:
            x, y = x + step_x, y + step_y
        successor = order[(order.index(current) + 1) % len(order)] if current in order else None
        found.append(inside and choice == successor)
        current = choice
    return found


# -------------------------------------------------------------------- what happens


def test_the_square() -> None:
    task = SyllableSequence()
    seen, rewards, info = run(task, SQUARE)
    assert task.obs_names == (*SYLLABLES, "x", "y")
    assert seen[:, :8].argmax(axis=1).tolist() == [HOLD_DOWN, *SQUARE]
    assert (seen[:, :8].sum(axis=1) == 1).all()
    corners = [(0, 0), (1, 0), (1, 0), (1, 1), (1, 1), (0, 1), (0, 1), (0, 0), (0, 0)]
    assert seen[:, 8:].tolist() == [list(corner) for corner in corners]
    assert rewards.tolist() == [1 / 8] * 8
    told = {key: info[key] for key in ("correct", "complete", "n_right", "n_excluded", "choice")}
    assert told == {
        **{"correct": 1, "complete": 1, "n_right": 8, "n_excluded": 0},
        "choice": HOLD_DOWN,
    }
    assert (info["rt"], info["condition"]) == (0, 0)


def test_a_trial_goes_on_from_what_was_chosen() -> None:
    choices = [UP, HOLD_UP, LEFT, LEFT, HOLD_LEFT, DOWN, HOLD_RIGHT, UP]
    seen, rewards, info = run(SyllableSequence(), choices)
    assert seen[1:, :8].argmax(axis=1).tolist() == choices
    assert (rewards > 0).tolist() == [False, True, True, False, True, True, False, True]
    assert (info["n_right"], info["complete"], info["correct"]) == (5, 0, 0)
    assert SyllableSequence().score({"n_right": np.array([5])}) == [5 / 8]
    # The second reach to the left would leave the workspace.
    assert info["n_excluded"] == 1
    assert seen[3:5, 8:].tolist() == [[-1, 1], [-1, 1]]


def test_right_transitions_that_leave_the_workspace_earn_nothing() -> None:
    """At the right edge a reach to the right is excluded, but is the current syllable then."""
    choices = [RIGHT, HOLD_RIGHT, HOLD_DOWN, RIGHT, HOLD_RIGHT, UP, UP, HOLD_UP]
    seen, rewards, info = run(SyllableSequence(), choices)
    assert (rewards > 0).tolist() == [True, True, False, False, True, True, False, True]
    assert (info["n_right"], info["n_excluded"]) == (5, 2)
    assert seen[-1, 8:].tolist() == [1, 1]


@pytest.mark.parametrize(
    "sequence",
    [
        SyllableSequence().sequence,
        ["up", "left", "down"],
        ["down", "right"],
        ["left", "up", "hold_up", "right"],
    ],
)
def test_random_choices_against_the_rule(sequence: Sequence[str]) -> None:
    task = SyllableSequence(sequence=sequence)
    choices = np.random.default_rng(3).integers(8, size=(200, task.max_steps))
    for row in choices:
        # Half of the time in the target's order, so that right transitions are not rare.
        row[1::2] = task._successor[row[:-1:2]][: len(row[1::2])]
        _, rewards, info = run(task, row.tolist())
        right = by_hand(task, row.tolist())
        assert (rewards > 0).tolist() == right
        assert info["n_right"] == sum(right)


def test_other_sequences() -> None:
    task = SyllableSequence(sequence=["up", "hold_up", "down"], rewards={"correct": 2.0})
    assert task.parameters["sequence"] == ["up", "hold_up", "down"]
    seen, rewards, info = run(task, [UP, HOLD_UP, DOWN])
    assert seen[0, :8].argmax() == DOWN
    assert rewards.sum() == pytest.approx(2)
    assert info["complete"] == 1
    # From a syllable that is not in the sequence nothing leads on.
    _, rewards, _ = run(task, [LEFT, UP, HOLD_UP])
    assert (rewards > 0).tolist() == [False, False, True]


def test_every_pass_begins_in_the_middle() -> None:
    task = SyllableSequence(sequence=["up", "right"], trials_per_episode=4)
    facts = play(task.vector(3), task.oracle(), 24, seed=0)
    assert task.score(facts).min() == 1
    assert facts["n_excluded"].max() == 0


# -------------------------------------------------------------------- yardsticks


def blind_play(task: SyllableSequence, p: np.ndarray, n: int = 20_000) -> float:
    """Score of choices with fixed probabilities, by play."""
    random, right = np.random.default_rng(0), 0.0
    batch = task.vector(n, autoreset_mode="disabled")
    batch.reset(seed=0)
    for _ in range(task.max_steps):
        right += (batch.step(random.choice(8, size=n, p=p))[1] > 0).mean()
    return right / task.max_steps


def test_chance_of_the_square() -> None:
    """To and fro between the first two syllables: (a + 7 a (1 - a)) / 8 is largest at a = 4 / 7.

    No other choice does better. Without the edge of the workspace the score is quadratic along any
    exchange of probability, and linear where the two syllables do not follow one another, so the
    best choice is among pairs of successors; the edge never costs this pair.
    """
    task = SyllableSequence()
    assert task.yardsticks.chance == pytest.approx(2 / 7, abs=1e-7)
    best = task.blind.best(task._runs())
    assert best[[RIGHT, HOLD_RIGHT]] == pytest.approx([4 / 7, 3 / 7], abs=1e-3)


@pytest.mark.parametrize(
    "sequence",
    [
        SyllableSequence().sequence,
        ("right", "left"),
        ("up", "left", "right"),
        ("right", "up", "left", "down"),
        ("hold_up", "down", "up", "hold_left", "right", "left", "hold_right"),
    ],
)
def test_blind_scores(sequence: Sequence[str]) -> None:
    task = SyllableSequence(sequence=sequence)
    random = np.random.default_rng(1)
    for p in random.dirichlet(np.full(8, 0.4), size=3):
        assert task.blind.score(p) == pytest.approx(blind_play(task, p), abs=0.006)
    # Nothing that a wide search finds is better than what the climb does.
    tried = random.dirichlet(np.full(8, 0.2), size=20_000)
    found = task.yardsticks.chance
    assert found - 0.03 < task.blind._climb(tried)[0].max() <= found + 1e-6
    assert task.yardsticks.random == pytest.approx(blind_play(task, np.full(8, 1 / 8)), abs=0.006)


def test_gradient_of_blind_scores() -> None:
    task = SyllableSequence(sequence=("right", "up", "left"))
    p = np.random.default_rng(2).dirichlet(np.ones(8))
    blind: BlindChoices = task.blind
    around = p + 1e-5 * np.stack([np.eye(8), -np.eye(8)])
    up, down = (blind._climb(points)[0] for points in around)
    assert blind._climb(p[None])[1][0] == pytest.approx((up - down) / 2e-5, abs=1e-8)


def test_one_observation_is_enough() -> None:
    task = SyllableSequence()
    assert task.yardsticks[2:4] == (1, 1)
    facts = play(task.vector(4), task.oracle(), 8, seed=0)
    assert facts["complete"].all()


@pytest.mark.parametrize(
    "sequence",
    ["right", [], ["up"], ["up", "up"], ["up", "north"], [1, 2], None, [["up"], "down"], {"up": 1}],
)
def test_bad_sequences(sequence: Any) -> None:
    with pytest.raises(TaskError, match="of two or more different syllables; choose them out of"):
        SyllableSequence(sequence=sequence)
