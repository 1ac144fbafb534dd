"""Temporal bisection: timeline, anchors and probes, and yardsticks by counting all trials."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from caudate.envs import TaskError, TemporalBisection

from .conftest import play, single
from .trials import act_at

ID = "caudate/TemporalBisection-v0"
#: Two steps of fixation, 8 or 32 of the anchors, 4 of the delay, 4 to answer.
FIXED: dict[str, Any] = {"fixation": 100, "delay": 200, "decision": 200}
ANCHORS: dict[str, Any] = {**FIXED, "probes": []}


def seed_of(env: Any, **facts: Any) -> int:
    """A seed whose first trial has these facts."""
    for seed in range(500):
        drawn = env.task.sample_trials(1, seed).facts
        if all(drawn[name][0] == value for name, value in facts.items()):
            return seed
    raise AssertionError(facts)


@pytest.mark.parametrize(("duration", "right"), [(400, 1), (1600, 2)])
def test_timeline(duration: int, right: int) -> None:
    env = single(ID, **ANCHORS)
    seed, lit = seed_of(env, duration_ms=duration), duration // 50
    go = 2 + lit + 4
    rewards, info, obs = act_at(env, {}, seed)
    assert len(rewards) == go + 4
    assert np.flatnonzero(obs[:, 0]).tolist() == list(range(2, 2 + lit))
    assert np.flatnonzero(obs[:, 1]).tolist() == list(range(go, go + 4))
    assert sum(rewards) == 0
    assert np.isnan(info["rt"])
    assert (info["correct"], info["choice"]) == (0, 0)
    for late, answer in product((0, 3), (1, 2)):
        rewards, info, _ = act_at(env, {go + late: answer}, seed)
        assert rewards == [float(step == go + late and answer == right) for step in range(go + 4)]
        assert (info["correct"], info["choice"]) == (answer == right, answer)
        assert (info["rt"], info["duration_ms"], info["is_probe"]) == (50 * late, duration, 0)
        assert (info["condition"], info["fixation_break"], info["trial"]) == (right - 1, 0, 0)
    # The first answer counts.
    rewards, info, _ = act_at(env, {go: 3 - right, go + 1: right}, seed)
    assert (sum(rewards), info["correct"], info["choice"]) == (0, 0, 3 - right)


def test_reward_scales() -> None:
    env = single(ID, **ANCHORS, rewards={"correct": 3, "error": -2, "fixation_break": -1})
    seed = seed_of(env, duration_ms=400)
    assert act_at(env, {14: 1}, seed)[0][14] == 3
    assert act_at(env, {14: 2}, seed)[0][14] == -2
    assert act_at(env, {3: 2}, seed)[0][3] == -1


@pytest.mark.parametrize("kwargs", [ANCHORS, {**FIXED, "p_probe": 1.0, "probes": [800]}])
def test_answers_before_the_go_cue(kwargs: dict[str, Any]) -> None:
    env = single(ID, **kwargs)
    go = 2 + int(env.task.sample_trials(1, 0).facts["duration_ms"][0]) // 50 + 4
    for first in (0, 4, go - 1):
        rewards, info, _ = act_at(env, {first: 2, first - 1 if first else 1: 1})
        assert sorted(rewards)[0] == -0.1
        assert np.count_nonzero(rewards) == 1  # once a trial
        assert (info["fixation_break"], info["choice"]) == (1, 0)
    stopping = single(ID, **kwargs, abort=True)
    rewards, info, _ = act_at(stopping, {5: 1, go: 1, go + 1: 2})
    assert rewards == [0] * 5 + [-0.1]
    assert (info["fixation_break"], info["choice"], info["correct"]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("duration", "right"), [(500, (1,)), (650, (1,)), (800, (1, 2)), (1000, (2,)), (1250, (2,))]
)
def test_probes_earn_nothing(duration: int, right: tuple[int, ...]) -> None:
    """They count as the anchor that is nearer in log time; either is right in the middle."""
    env = single(ID, **FIXED, p_probe=1.0)
    seed, go = seed_of(env, duration_ms=duration), 2 + duration // 50 + 4
    for answer in (1, 2):
        rewards, info, _ = act_at(env, {go + 1: answer}, seed)
        assert rewards == [0] * (go + 4)
        assert (info["correct"], info["choice"]) == (answer in right, answer)
        assert (info["is_probe"], info["rt"]) == (1, 50)
        assert info["condition"] == [400, 500, 650, 800, 1000, 1250, 1600].index(duration)
    # An answer after the first changes nothing, nor does none.
    assert act_at(env, {go: right[0], go + 1: 3 - right[0]}, seed)[1]["correct"] == 1
    assert act_at(env, {}, seed)[1]["correct"] == 0
    target = env.task.sample_trials(1, seed).target[:, 0]
    assert target.tolist() == [0] * go + [right[0]] * 4


@pytest.mark.parametrize("p_probe", [0.0, 0.3, 1.0])
def test_frequencies(p_probe: float) -> None:
    facts = TemporalBisection(p_probe=p_probe).sample_trials(6000, 0).facts
    rank, probe = facts["condition"], facts["is_probe"] == 1
    assert (probe == ((rank > 0) & (rank < 6))).all()
    assert probe.mean() == pytest.approx(p_probe, abs=0.02)
    assert (facts["duration_ms"] == np.array([400, 500, 650, 800, 1000, 1250, 1600])[rank]).all()
    share = np.bincount(rank, minlength=7) / 6000
    expected = [(1 - p_probe) / 2, *[p_probe / 5] * 5, (1 - p_probe) / 2]
    assert share == pytest.approx(expected, abs=0.02)
    assert TemporalBisection(probes=()).p_probe == 0


def test_oracle_and_return() -> None:
    cases: list[dict[str, Any]] = [
        {},
        {"fixation": 0, "trials_per_episode": 4},
        {"delay": 0, "abort": True},
    ]
    for kwargs in cases:
        task = TemporalBisection(**kwargs)
        assert task.score(play(task.vector(64), task.oracle(), 500, seed=0)).min() == 1
    batch = TemporalBisection(p_probe=0.25).vector(4000, autoreset_mode="disabled")
    oracle, state, total = batch.task.oracle(), None, np.zeros(4000)
    obs, _ = batch.reset(seed=0)
    over = False
    while not np.all(over):
        actions, state = oracle.predict(obs, state)
        obs, reward, over, _, _ = batch.step(actions)
        total += reward
    assert total.mean() == pytest.approx(0.75, abs=0.03)


# -------------------------------------------------------------------- yardsticks

#: Durations 2 (short), 4 (either) and 8 steps; the go cue 2 to 10 steps after the start.
SMALL: dict[str, Any] = {
    "dt": 100,
    "anchors": (200, 800),
    "probes": (400,),
    "p_probe": 0.4,
    "fixation": (0, 100),
    "delay": ("choice", [0, 300]),
    "decision": 200,
}
RIGHT = {2: (1,), 4: (1, 2), 8: (2,)}
LONGEST = 1 + 8 + 3 + 2


def score_of(
    policy: Callable[[int, bool], np.ndarray],
    *,
    abort: bool = False,
    fixations: tuple[int, ...] = (0, 1),
    delays: tuple[int, ...] = (0, 3),
    decision: int = 2,
) -> float:
    """Exact score of action probabilities (3,) by step and go cue."""
    total = 0.0
    for fixation, delay, (duration, weight) in product(
        fixations, delays, [(2, 0.3), (4, 0.4), (8, 0.3)]
    ):
        go, alive, hit = fixation + duration + delay, 1.0, 0.0
        for step in range(go + decision):
            chosen = policy(step, step >= go)
            if step >= go:
                hit += alive * sum(chosen[one] for one in RIGHT[duration])
            if step >= go or abort:
                alive *= chosen[0]
        total += weight * hit
    return float(total / (len(fixations) * len(delays)))


@pytest.mark.parametrize("abort", [False, True])
def test_random(abort: bool) -> None:
    task = TemporalBisection(**SMALL, abort=abort)
    exact = score_of(lambda *_: np.ones(3) / 3, abort=abort)
    assert task.yardsticks.random == pytest.approx(exact)
    facts = play(task.vector(256), task.random_policy(0), 4000, seed=0)
    assert task.score(facts).mean() == pytest.approx(exact, abs=0.03)


def test_chance_is_the_best_constant_answer() -> None:
    best = max(score_of(lambda *_, a=answer: np.eye(3)[a]) for answer in (1, 2))
    assert best == pytest.approx(0.7)
    assert TemporalBisection(**SMALL).yardsticks[1:3] == pytest.approx((best, best))
    uneven = TemporalBisection(**{**SMALL, "probes": (300, 500)}).yardsticks
    assert uneven.chance == pytest.approx(0.3 + 0.2)
    assert TemporalBisection(probes=()).yardsticks[1:3] == (0.5, 0.5)


def test_chance_where_early_answers_end_the_trial() -> None:
    """Only the first answer counts then: all moments and answers are tried."""
    best = max(
        score_of(lambda step, go, t=t, a=a: np.eye(3)[a if step >= t else 0], abort=True)
        for t, a in product(range(LONGEST), (1, 2))
    )
    assert TemporalBisection(**SMALL, abort=True).yardsticks.chance == pytest.approx(best)
    assert TemporalBisection(**SMALL, abort=True).yardsticks.memoryless == pytest.approx(0.7)


@pytest.mark.parametrize("abort", [False, True])
def test_memoryless_with_a_clock(abort: bool) -> None:
    """All answers by step, given the go cue: the later it comes, the longer was the interval."""
    small = {**SMALL, "delay": 0}
    best = 0.0
    for plan in product((0, 1, 2), repeat=8):  # steps 2 to 9; nothing is asked before
        table = dict(enumerate(plan, start=2))
        best = max(
            best,
            score_of(
                lambda step, go, t=table: np.eye(3)[t.get(step, 2) if go else 0],
                abort=abort,
                delays=(0,),
            ),
        )
    task = TemporalBisection(**small, time=True, abort=abort)
    assert task.yardsticks.memoryless == pytest.approx(best)
    assert TemporalBisection(**SMALL, time=True, prev_action=True).yardsticks.memoryless is None
    clock = TemporalBisection(time=True).yardsticks.memoryless
    assert clock is not None
    assert 0.9 < clock < 1


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"anchors": ("a", 3)}, "anchors='a'"),
        ({"anchors": 400}, "no list of ms"),
        ({"anchors": (400,), "probes": ()}, "not \\(short, long\\)"),
        ({"anchors": (1600, 400)}, "not \\(short, long\\)"),
        ({"anchors": (400, 400), "probes": ()}, "not \\(short, long\\)"),
        ({"anchors": (0, 1600)}, "half a step"),
        ({"probes": 500}, "no list of ms"),
        ({"probes": (None,)}, "probes=None"),
        ({"probes": (2000,)}, "between the anchors"),
        ({"probes": (400,)}, "same number of steps"),
        ({"dt": 500}, "same number of steps"),
        ({"p_probe": 1.5}, "p_probe=1.5"),
        ({"decision": 0}, "decision=0"),
        ({"fixation": (500, 100)}, "ends before it begins"),
        ({"abort": "no"}, "abort='no'"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        single(ID, **kwargs)
    assert "\n" not in str(error.value)
