"""Rhythms from memory: timeline, windows, effectors, tempi, facts and yardsticks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from caudate.envs import RhythmProduction, TaskError, make_task

from .conftest import play, single
from .trials import act_at, press_at

ID = "caudate/RhythmProduction-v0"
#: The pulse on step 2; taps due 600, 900, 1200 and 1800 ms later, windows of one step around.
FIXED: dict[str, Any] = {"foreperiod": 100, "scales": [1.0]}
DUE = (14, 20, 26, 38)


@pytest.mark.parametrize("pulse", [50, 200])
def test_timeline(pulse: int) -> None:
    rewards, info, obs = act_at(single(ID, **FIXED, pulse=pulse), dict.fromkeys(DUE, 1))
    assert len(rewards) == 38 + 2
    assert np.flatnonzero(obs[:, 0]).tolist() == list(range(2, 2 + pulse // 50))
    assert (obs[:, 1] == 1).all()
    assert np.flatnonzero(obs[:, 3]).tolist() == [15, 21, 27, 39]
    assert rewards == [0.25 * (step in DUE) for step in range(40)]
    known = {"correct": 1, "n_hits": 4, "n_extra": 0, "choice": 0, "condition": 0, "scale": 1}
    assert {name: info[name] for name in known} == known
    assert [info[f"tap_{i}_ms"] for i in range(4)] == [600, 900, 1200, 1800]
    assert [info[f"error_{i}_ms"] for i in range(4)] == [0] * 4
    assert [info[f"ratio_{i}"] for i in range(4)] == pytest.approx([1] * 4)
    assert np.isnan(info["rt"])


@pytest.mark.parametrize(
    ("taps", "hits"),
    [
        ((13, 21, 25, 39), (13, 21, 25, 39)),
        ((12, 22, 24, 36), ()),
        ((19, 20, 21), (19,)),  # the first tap of a window counts
        ((0, 2, 14), (14,)),  # before and at the pulse
        (tuple(range(40)), (13, 19, 25, 37)),
        ((), ()),
    ],
)
def test_windows_and_extra_taps(taps: tuple[int, ...], hits: tuple[int, ...]) -> None:
    rewards, info = press_at(single(ID, **FIXED), *taps)
    expected = [0.25 if step in hits else -0.025 if step in taps else 0 for step in range(40)]
    assert rewards == pytest.approx(expected)
    extra = len(taps) - len(hits)
    assert (info["n_hits"], info["n_extra"]) == (len(hits), extra)
    assert info["correct"] == (len(hits) == 4 and extra == 0)
    score = RhythmProduction(**FIXED).score({"n_hits": [len(hits)], "n_extra": [extra]})
    assert score == pytest.approx(max(len(hits) - extra, 0) / 4)


def test_facts_of_taps() -> None:
    _, info = press_at(single(ID, **FIXED), 15, 20, 25, 38)
    assert [info[f"tap_{i}_ms"] for i in range(4)] == [650, 900, 1150, 1800]
    assert [info[f"error_{i}_ms"] for i in range(4)] == [50, 0, -50, 0]
    # Intervals of 650, 250, 250 and 650 ms with the mean of those asked for.
    ratios = [650 / 600, 250 / 300, 250 / 300, 650 / 600]
    assert [info[f"ratio_{i}"] for i in range(4)] == pytest.approx(ratios)
    _, info = press_at(single(ID, **FIXED), 13, 26, 39)
    assert np.isnan([info[name] for name in ("tap_1_ms", "error_1_ms", "ratio_1", "ratio_2")]).all()
    # 550 and 650 ms made where 600 and 600 were asked for.
    assert [info["ratio_0"], info["ratio_3"]] == pytest.approx([550 / 600, 650 / 600])
    _, info = press_at(single(ID, **FIXED))
    assert np.isnan([info[f"ratio_{i}"] for i in range(4)]).all()


def test_tempi() -> None:
    """All due times scale, the cue tells how, and ratios are those of the rhythm."""
    task = RhythmProduction(scales=[1.5, 1.0, 0.5], foreperiod=100, window=0.3)
    samples = task.sample_trials(600, 0)
    which = samples.facts["condition"]
    assert np.bincount(which) / 600 == pytest.approx([1 / 3] * 3, abs=0.06)
    assert (samples.facts["scale"] == np.array([1.5, 1.0, 0.5])[which]).all()
    for trial in range(30):
        scale, mask = samples.facts["scale"][trial], samples.mask[:, trial]
        assert samples.obs[mask, trial, 1] == pytest.approx(scale / 1.5)
        due = 2 + np.array([12, 18, 24, 36]) * scale
        assert np.flatnonzero(samples.target[:, trial]).tolist() == due.tolist()
    for seed in range(6):
        scale = task.sample_trials(1, seed).facts["scale"][0]
        steps = [2 + round(step * scale) for step in (12, 18, 24, 36)]
        # Windows are shares of the shortest interval at that tempo: 2, 1 and 0 steps.
        width = {1.5: 2, 1.0: 1, 0.5: 0}[scale]
        rewards, info = press_at(task.env(), *steps, seed=seed)
        assert sum(rewards) == pytest.approx(1)
        assert [info[f"ratio_{i}"] for i in range(4)] == pytest.approx([1] * 4)
        for off, hits in ((width, 4), (width + 1, 0), (-width, 4), (-width - 1, 0)):
            _, info = press_at(task.env(), *(step + off for step in steps), seed=seed)
            assert info["n_hits"] == hits


def test_no_drift_off_the_grid() -> None:
    """Due times are rounded one by one: 6 intervals of 130 ms end at 780 ms, not at 900."""
    task = RhythmProduction(intervals_ms=[130] * 6, scales=[1.0], foreperiod=0)
    due = np.flatnonzero(task.sample_trials(1, 0).target[:, 0])
    assert due.tolist() == [round(130 * i / 50) for i in range(1, 7)]


def test_effectors_take_turns() -> None:
    task = RhythmProduction(**FIXED, effectors=3, repeats=2)
    due = [2 + step for step in (12, 18, 24, 36, 48, 54, 60, 72)]
    right = [1, 2, 3, 1, 2, 3, 1, 2]
    target = task.sample_trials(1, 0).target[:, 0]
    assert {step: target[step] for step in np.flatnonzero(target)} == dict(
        zip(due, right, strict=True)
    )
    assert task.action_names == ("withhold", "tap 0", "tap 1", "tap 2")
    env = task.env()
    rewards, info, _ = act_at(env, dict(zip(due, right, strict=True)))
    assert (sum(rewards), info["correct"]) == (pytest.approx(1), 1)
    # A wrong effector in the window is one tap too many; the right one still counts behind it.
    rewards, info, _ = act_at(env, {13: 2, 14: 1, 20: 1})
    assert [rewards[step] for step in (13, 14, 20)] == pytest.approx([-0.0125, 0.125, -0.0125])
    assert (info["n_hits"], info["n_extra"], info["tap_0_ms"]) == (1, 2, 600)
    assert np.isnan(info["tap_1_ms"])


def test_reward_scales() -> None:
    env = single(ID, **FIXED, rewards={"correct": 8, "extra": -4})
    rewards, _ = press_at(env, 5, 14)
    assert (rewards[5], rewards[14]) == (-1, 2)
    assert env.task.reward_range() == (-1, 2)


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"trials_per_episode": 4, "pulse": 200, "foreperiod": 0},
        {"effectors": 4, "repeats": 3, "scales": [0.5, 1, 2], "trials_per_episode": 2},
        {"intervals_ms": [100], "window": 0.0, "scales": [1]},
        {"intervals_ms": [50, 50], "window": 0.0, "scales": [1, 2]},
        {"dt": 300, "foreperiod": 300, "pulse": 300},
        {"repeats": 20, "scales": [1]},
    ],
)
def test_optimum_is_one(kwargs: dict[str, Any]) -> None:
    task = RhythmProduction(**kwargs)
    facts = play(task.vector(16), task.oracle(), 64, seed=0)
    assert task.score(facts).min() == 1 == facts["correct"].min()


# -------------------------------------------------------------------- yardsticks

#: Foreperiod, taps due from the pulse on, half-width, steps behind the last tap.
Types = Sequence[tuple[int, Sequence[int], int]]
SMALL: list[tuple[dict[str, Any], Types, Sequence[int]]] = [
    (
        {"dt": 100, "intervals_ms": [200, 200], "scales": [1], "effectors": 2}
        | {"foreperiod": (0, 200), "pulse": 100},
        [(fore, (2, 4), 0) for fore in (0, 1, 2)],
        (1, 2),
    ),
    (
        {"dt": 100, "intervals_ms": [300, 300], "scales": [1, 2], "window": 0.34}
        | {"foreperiod": 0, "pulse": 100},
        [(0, (3, 6), 1), (0, (6, 12), 2)],
        (1, 1),
    ),
]


def scores(types: Types, right: Sequence[int], plans: np.ndarray) -> np.ndarray:
    """Scores of actions (plans, steps) at fixed steps, by the definition; (types, plans)."""
    tail = max(width for *_, width in types) + 1
    every = []
    for fore, due, width in types:
        acts = plans[:, : fore + due[-1] + tail]
        hits = sum(
            (acts[:, fore + step - width : fore + step + width + 1] == action).any(axis=1)
            for step, action in zip(due, right, strict=True)
        )
        every.append(np.maximum(hits - ((acts > 0).sum(axis=1) - hits), 0) / len(due))
    return np.array(every)


@pytest.mark.parametrize(("kwargs", "types", "right"), SMALL)
def test_chance_is_the_best_schedule(
    kwargs: dict[str, Any], types: Types, right: Sequence[int]
) -> None:
    steps = max(fore + due[-1] + width + 1 for fore, due, width in types)
    if max(right) == 1:
        plans = (np.arange(2**steps)[:, None] >> np.arange(steps)) & 1
    else:
        plans = np.array(list(product(range(3), repeat=steps)), dtype=np.int8)
    best = scores(types, right, plans).mean(axis=0).max()
    assert RhythmProduction(**kwargs).yardsticks.chance == pytest.approx(best)


@pytest.mark.parametrize(("kwargs", "types", "right"), SMALL)
def test_random_and_memoryless(kwargs: dict[str, Any], types: Types, right: Sequence[int]) -> None:
    """Constant tap probabilities, by many independent plays of each trial type."""
    steps = max(fore + due[-1] + width + 1 for fore, due, width in types)
    random, effectors = np.random.default_rng(0), max(right)
    luck = random.random((20_000, steps))
    effector = random.integers(1, effectors + 1, luck.shape)
    yardsticks = RhythmProduction(**kwargs, prev_action=False).yardsticks
    share = effectors / (effectors + 1)
    uniform = scores(types, right, (luck < share) * effector).mean()
    assert yardsticks.random == pytest.approx(uniform, abs=0.03)
    best = np.zeros(len(types))
    for rate in np.arange(0.05, 1, 0.05):
        acts = (luck < rate) * effector
        for number, (fore, _, _) in enumerate(types):
            dark = acts.copy()
            dark[:, fore] = 0
            best[number] = max(best[number], scores(types, right, dark)[number].mean())
    assert yardsticks.memoryless == pytest.approx(best.mean(), abs=0.05)
    assert yardsticks.memoryless is not None
    assert yardsticks.memoryless >= yardsticks.random


def test_memoryless_with_other_channels() -> None:
    small = SMALL[0][0]
    options: list[dict[str, Any]] = [
        {},
        {"prev_action": False, "prev_reward": True},
        {"prev_action": False, "time": True},
    ]
    for kwargs in options:
        assert RhythmProduction(**small, **kwargs).yardsticks.memoryless is None


def test_variants() -> None:
    parameters = make_task("caudate/RhythmProduction-Two-v0").parameters
    assert (parameters["effectors"], parameters["repeats"]) == (2, 2)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"intervals_ms": []}, "intervals_ms=\\[\\]"),
        ({"intervals_ms": 600}, "intervals_ms=600"),
        ({"intervals_ms": [0, 600]}, "intervals_ms=0"),
        ({"intervals_ms": [600, 20]}, "too short for dt=50"),
        ({"dt": 800, "pulse": 800}, "too short for dt=800"),
        ({"scales": []}, "scales=\\[\\]"),
        ({"scales": [1, 1]}, "twice"),
        ({"scales": ["fast"]}, "scales='fast'"),
        ({"scales": [0.01]}, "too short"),
        ({"repeats": 0}, "repeats=0"),
        ({"effectors": 5}, "effectors=5"),
        ({"window": 0.5}, "window=0.5"),
        ({"pulse": 700}, "outlasts the first interval"),
        ({"pulse": 10}, "half a step"),
        ({"foreperiod": (200, 100)}, "ends before it begins"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        single(ID, **kwargs)
    assert "\n" not in str(error.value)
