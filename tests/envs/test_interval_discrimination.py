"""Two intervals: timeline, labels at every grid, clock noise, and yardsticks by counting."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from caudate.envs import IntervalDiscrimination, TaskError, make_task

from .conftest import play, single
from .trials import act_at

ID = "caudate/IntervalDiscrimination-v0"
#: Two steps of fixation, 8 of the standard, 10 of the gap, 4 of the delay, 4 to answer.
FIXED: dict[str, Any] = {
    "dt": 50,
    "fixation": 100,
    "standards": [400],
    "ratios": [1.5],
    "decision": 200,
}


def lengths_shown(task: IntervalDiscrimination, trials: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps (trials, 2) of both intervals as shown, and right answers (trials,)."""
    samples = task.sample_trials(trials, 0)
    assert (samples.target.max(axis=0) == np.where(samples.facts["second_longer"], 2, 1)).all()
    return samples.obs[:, :, :2].sum(axis=0).astype(int), samples.target.max(axis=0)


def test_timeline_of_all_pairs() -> None:
    """267 ms are 5 steps, 600 are 12."""
    env, seen = single(ID, **FIXED), set()
    assert env.task.n_conditions == 4
    for seed in range(40):
        rewards, info, obs = act_at(env, {}, seed)
        pair = (int(info["d1_ms"] / 50), int(info["d2_ms"] / 50))
        seen.add((pair, info["standard_first"], info["condition"]))
        first, second = pair
        starts = np.cumsum([0, 2, first, 10, second, 4])
        for channel, (begin, length) in enumerate(
            ((starts[1], first), (starts[3], second), (starts[5], 4))
        ):
            on = np.flatnonzero(obs[:, channel])
            assert on.tolist() == list(range(begin, begin + length))
        go = int(starts[5])
        assert len(rewards) == go + 4
        assert (sum(rewards), info["choice"], info["correct"]) == (0, 0, 0)
        assert np.isnan(info["rt"])
        assert info["log_ratio"] == pytest.approx(np.log(second / first))
        right = 2 if second > first else 1
        assert info["second_longer"] == right - 1
        for late, answer in product((0, 3), (1, 2)):
            rewards, info, _ = act_at(env, {go + late: answer, go + 4: 3 - answer}, seed)
            assert rewards[go + late] == sum(rewards) == (answer == right)
            assert (info["correct"], info["choice"]) == (answer == right, answer)
            assert (info["rt"], info["fixation_break"]) == (50 * late, 0)
        # The first answer counts.
        rewards, info, _ = act_at(env, {go: 3 - right, go + 1: right}, seed)
        assert (sum(rewards), info["correct"]) == (0, 0)
    pairs = {one[:2] for one in seen}
    assert pairs == {((8, 12), 1), ((12, 8), 0), ((8, 5), 1), ((5, 8), 0)}
    assert len(seen) == 4  # each with a condition of its own


def test_early_answers() -> None:
    env = single(ID, **FIXED, rewards={"fixation_break": -0.5, "correct": 2, "error": -1})
    right = 1 + int(env.task.sample_trials(1, 0).facts["second_longer"][0])
    go = int(env.task.sample_trials(1, 0).target[:, 0].argmax())
    for first in (0, 5, go - 1):
        rewards, info, _ = act_at(env, {first: 1, go - 2: 2, go: right})
        assert sorted(rewards)[:2] == [-0.5, 0]
        assert rewards[go] == 2
        assert (info["fixation_break"], info["correct"]) == (1, 1)
    assert act_at(env, {go: 3 - right})[0][go] == -1
    rewards, info, _ = act_at(single(ID, **FIXED, abort=True), {4: right, go: right})
    assert rewards == [0] * 4 + [-0.1]
    assert (info["choice"], info["correct"], info["fixation_break"]) == (0, 0, 1)


@pytest.mark.parametrize("order", ["random", "standard-first", "standard-last"])
def test_order(order: str) -> None:
    task = IntervalDiscrimination(order=order)
    facts = task.sample_trials(4000, 0).facts
    first = facts["standard_first"]
    share = {"random": 0.5, "standard-first": 1.0, "standard-last": 0.0}[order]
    assert first.mean() == pytest.approx(share, abs=0.03)
    standard = np.where(first == 1, facts["d1_ms"], facts["d2_ms"])
    assert set(standard) == {400, 600, 800}
    # Both sides are equally frequent for each standard and either order.
    for one, place in product((400, 600, 800), set(first)):
        here = (standard == one) & (first == place)
        assert facts["second_longer"][here].mean() == pytest.approx(0.5, abs=0.07)
    assert set(facts["condition"]) == set(range(task.n_conditions))


def test_intervals_are_never_equal_at_any_grid() -> None:
    """A grid on which intervals would collapse is refused; on all others labels are true."""
    made = 0
    values = [([400, 600, 800], [1.125, 1.25, 1.5]), ([500], [1.1]), ([300, 1000], [1.02, 2])]
    for dt, (standards, ratios) in product((1, 7, 10, 25, 30, 40, 50, 60, 70, 100, 160), values):
        kwargs: dict[str, Any] = {"dt": dt, "standards": standards, "ratios": ratios}
        collapse = False
        for standard in standards:
            steps = np.floor(standard / dt + 0.5)
            factors = np.array([1.0, *ratios, *(1 / ratio for ratio in ratios)])
            levels = np.floor(steps * factors + 0.5 + 1e-9)
            collapse |= len(np.unique(levels)) < len(levels)
        if collapse:
            with pytest.raises(TaskError, match="the same at dt"):
                IntervalDiscrimination(**kwargs, decision=2 * dt, gap=500, delay=2 * dt)
            continue
        made += 1
        task = IntervalDiscrimination(**kwargs, decision=2 * dt, gap=500, delay=2 * dt)
        shown, right = lengths_shown(task, 60)
        assert (shown[:, 0] != shown[:, 1]).all()
        assert ((shown[:, 1] > shown[:, 0]) == (right == 2)).all()
    assert made > 8


def test_equal_intervals_if_asked_for() -> None:
    with pytest.raises(TaskError, match="ratios=1"):
        IntervalDiscrimination(ratios=[1, 1.5])
    task = IntervalDiscrimination(ratios=[1, 1.5], allow_equal=True)
    shown, right = lengths_shown(task, 4000)
    equal = shown[:, 0] == shown[:, 1]
    assert equal.mean() == pytest.approx(0.5, abs=0.03)
    assert (right[equal] == 2).mean() == pytest.approx(0.5, abs=0.04)  # by a coin
    assert ((shown[:, 1] > shown[:, 0]) == (right == 2))[~equal].all()
    assert task.yardsticks.optimum == pytest.approx(0.75)
    facts = play(task.vector(128), task.oracle(), 3000, seed=0)
    assert task.score(facts).mean() == pytest.approx(0.75, abs=0.03)
    # A collapse is no wish for equal intervals.
    with pytest.raises(TaskError, match="the same"):
        IntervalDiscrimination(ratios=[1, 1.01], allow_equal=True)


def test_what_one_interval_tells() -> None:
    """Exact lengths of one interval are worth more than chance, as the docstring says."""
    shown, right = lengths_shown(IntervalDiscrimination(), 20000)
    for place in (0, 1):
        counts = np.zeros((2, shown.max() + 1))
        np.add.at(counts, (right - 1, shown[:, place]), 1 / 20000)
        assert counts.max(axis=0).sum() == pytest.approx(0.75, abs=0.015)


# -------------------------------------------------------------------- clock noise


def test_noise_is_that_of_a_scalar_clock() -> None:
    task = IntervalDiscrimination(
        dt=10, standards=[600], ratios=[1.5], clock_weber=0.1, fixation=100, gap=100
    )
    samples = task.sample_trials(4000, 0)
    shown = samples.obs[:, :, :2].sum(axis=0) * 10
    for place, name in enumerate(("d1_ms", "d2_ms")):
        for nominal in (400, 600, 900):
            ratio = np.log(shown[samples.facts[name] == nominal, place] / nominal)
            assert ratio.mean() == pytest.approx(0, abs=0.01)
            assert ratio.std() == pytest.approx(0.1, rel=0.06)
    # Each interval has noise of its own.
    errors = np.log(shown / np.stack([samples.facts["d1_ms"], samples.facts["d2_ms"]], axis=1))
    assert abs(np.corrcoef(errors.T)[0, 1]) < 0.05
    # Facts and labels are those of the nominal intervals.
    assert (samples.facts["second_longer"] == (samples.facts["log_ratio"] > 0)).all()


@pytest.mark.parametrize(("ratio", "weber"), [(1.25, 0.15), (1.5, 0.3)])
def test_optimum_of_one_standard_and_ratio(ratio: float, weber: float) -> None:
    """On a fine grid: both intervals count in random order, else only the one that varies."""
    for order, noise in (("random", np.sqrt(2)), ("standard-first", 1), ("standard-last", 1)):
        task = IntervalDiscrimination(
            dt=4, standards=[800], ratios=[ratio], clock_weber=weber, order=order
        )
        closed = norm.cdf(np.log(ratio) / (noise * weber))
        assert task.yardsticks.optimum == pytest.approx(closed, abs=2e-3)


def test_optimum_by_counting_the_shown() -> None:
    """The best answer to each pair of shown lengths, from many trials: nothing beats it."""
    task = IntervalDiscrimination(
        dt=100, standards=[400, 800], ratios=[1.5], clock_weber=0.3, gap=100, fixation=100
    )
    optimum = task.yardsticks.optimum
    shown, right = lengths_shown(task, 20000)
    counts = np.zeros((2, *(shown.max(axis=0) + 1)))
    np.add.at(counts, (right - 1, shown[:, 0], shown[:, 1]), 1 / 20000)
    assert counts.max(axis=0).sum() == pytest.approx(optimum, abs=0.012)
    facts = play(task.vector(256), task.oracle(), 8000, seed=0)
    assert task.score(facts).mean() == pytest.approx(optimum, abs=0.015)
    # Saying which one was shown longer does no better.
    simple = np.where(shown[:, 0] == shown[:, 1], 0.5, (shown[:, 1] > shown[:, 0]) == (right == 2))
    assert simple.mean() < optimum + 0.01


# -------------------------------------------------------------------- other yardsticks

#: 0 to 4 steps of fixation, the standard of 4 steps first, then 3 or 6; three steps to answer.
SMALL: dict[str, Any] = {
    "dt": 100,
    "standards": [400],
    "ratios": [1.5],
    "fixation": (0, 400),
    "gap": 100,
    "delay": 0,
    "decision": 300,
    "order": "standard-first",
}


def score_of(policy: Any, *, abort: bool) -> float:
    """Exact score of action probabilities (3,) by step and go cue."""
    total = 0.0
    for fixation, (second, right) in product(range(5), ((3, 1), (6, 2))):
        go, alive = fixation + 4 + 1 + second, 1.0
        for step in range(go + 3):
            chosen = policy(step, step >= go)
            if step >= go:
                total += alive * chosen[right]
            if step >= go or abort:
                alive *= chosen[0]
    return total / 10


@pytest.mark.parametrize("abort", [False, True])
def test_random_and_chance(abort: bool) -> None:
    yardsticks = IntervalDiscrimination(**SMALL, abort=abort).yardsticks
    exact = score_of(lambda *_: np.ones(3) / 3, abort=abort)
    assert yardsticks.random == pytest.approx(exact)
    starts = range(20) if abort else [0]
    best = max(
        score_of(lambda step, go, t=t, a=a: np.eye(3)[a if step >= t else 0], abort=abort)
        for t, a in product(starts, (1, 2))
    )
    assert yardsticks.chance == pytest.approx(best)
    assert yardsticks.memoryless == 0.5


@pytest.mark.parametrize("abort", [False, True])
def test_memoryless_with_a_clock(abort: bool) -> None:
    """Steps 8 to 15 bring the go cue; with the standard first, late ones tell a long second."""
    best = 0.0
    for plan in product((1, 2), repeat=8):
        table = dict(enumerate(plan, start=8))
        value = score_of(
            lambda step, go, t=table: np.eye(3)[t.get(step, 2) if go else 0], abort=abort
        )
        best = max(best, value)
    task = IntervalDiscrimination(**SMALL, abort=abort, time=True)
    assert task.yardsticks.memoryless == pytest.approx(best)
    assert best == pytest.approx(0.8)
    assert IntervalDiscrimination(time=True).yardsticks.memoryless == pytest.approx(0.5)
    past = IntervalDiscrimination(time=True, prev_action=True)
    assert past.yardsticks.memoryless is None


def test_oracle_over_many_trials_in_one_episode() -> None:
    task = IntervalDiscrimination(trials_per_episode=4, fixation=0, delay=0)
    assert task.score(play(task.vector(32), task.oracle(), 400, seed=0)).min() == 1


def test_variants() -> None:
    noisy = make_task("caudate/IntervalDiscrimination-Noisy-v0")
    assert noisy.parameters["clock_weber"] == 0.15
    assert 0.8 < noisy.yardsticks.optimum < 0.9


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"standards": []}, "standards=\\[\\]"),
        ({"standards": 400}, "standards=400"),
        ({"standards": [0]}, "half a step"),
        ({"standards": [400, 405]}, "same number of steps"),
        ({"standards": ["x"]}, "'x'"),
        ({"standards": [100], "ratios": [20]}, "intervals of 5 ms"),
        ({"ratios": []}, "ratios=\\[\\]"),
        ({"ratios": [0.5]}, "ratios=0.5"),
        ({"ratios": [1.01]}, "the same at dt=25"),
        ({"gap": 0}, "half a step"),
        ({"order": "first"}, "choose one of random"),
        ({"clock_weber": -0.1}, "clock_weber=-0.1"),
        ({"decision": 5}, "half a step"),
        ({"allow_equal": 1}, "allow_equal=1"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        single(ID, **kwargs)
    assert "\n" not in str(error.value)
