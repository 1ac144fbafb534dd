"""Cued intervals: timeline, the three shapes of reward, and yardsticks against brute force."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from caudate.envs import IntervalProduction, TaskError, make_task

from .conftest import play, single
from .trials import act_at, press_at

ID = "caudate/IntervalProduction-v0"
#: Set on step 2, the target 16 steps later.
FIXED: dict[str, Any] = {"foreperiod": 100, "targets_ms": [800]}


def test_timeline() -> None:
    rewards, info, obs = act_at(single(ID, **FIXED, pulse=150), {18: 1})
    assert len(rewards) == 19
    assert obs[:, 0].tolist() == [0, 0, 1, 1, 1] + [0] * 14
    assert (obs[:, 1] == 1).all()  # the cue is on throughout
    assert rewards == [0] * 18 + [1]
    known = {"trial": 0, "condition": 0, "correct": 1, "choice": 1, "early": 0, "late": 0}
    known |= {"fixation_break": 0, "t_target_ms": 800, "t_prod_ms": 800, "error_ms": 0, "rt": 800}
    assert {name: info[name] for name in known} == known


# A tenth of 800 ms is one step and a half.
@pytest.mark.parametrize(
    ("step", "linear", "gaussian", "correct", "early", "late"),
    [
        (2, 0.0, np.exp(-0.5 * 10**2), 0, 1, 0),
        (10, 0.0, np.exp(-0.5 * 5**2), 0, 1, 0),
        (16, 1 - 100 / 400, np.exp(-0.5 * 1.25**2), 0, 1, 0),
        (17, 1 - 50 / 400, np.exp(-0.5 * 0.625**2), 1, 0, 0),
        (18, 1.0, 1.0, 1, 0, 0),
        (19, 1 - 50 / 400, np.exp(-0.5 * 0.625**2), 1, 0, 0),
        (20, 1 - 100 / 400, np.exp(-0.5 * 1.25**2), 0, 0, 1),
        (26, 0.0, np.exp(-0.5 * 5**2), 0, 0, 1),
    ],
)
def test_rewards(
    step: int, linear: float, gaussian: float, correct: int, early: int, late: int
) -> None:
    own = {"correct": 2.0, "error": -1.0}
    for shape, factor in (("linear", linear), ("window", correct), ("gaussian", gaussian)):
        rewards, info = press_at(single(ID, **FIXED, reward_shape=shape), step)
        assert rewards[-1] == pytest.approx(factor)
        assert sum(rewards[:-1]) == 0
        assert (info["correct"], info["early"], info["late"]) == (correct, early, late)
        assert (info["choice"], info["t_prod_ms"]) == (1, 50 * (step - 2))
        assert info["error_ms"] == 50 * (step - 18)
        scaled = single(ID, **FIXED, reward_shape=shape, rewards=own)
        assert press_at(scaled, step)[0][-1] == pytest.approx(-1 + 3 * factor)
        low, high = scaled.task.reward_range()
        assert low <= -1 + 3 * factor <= high


def test_windows() -> None:
    """``half_width`` in ms stands in place of ``tolerance``; both include their edge."""
    for kwargs, widest in (
        ({"half_width": 100}, 2),
        ({"half_width": 99}, 1),
        ({"half_width": 0}, 0),
        ({"tolerance": 0.125}, 2),
        ({"tolerance": 0.0}, 0),
        ({"tolerance": 1.0}, 8),
    ):
        env = single(ID, **FIXED, **kwargs, reward_shape="window")
        for off in (-widest - 1, -widest, widest, widest + 1):
            if abs(off) > 8:  # beyond the trial's end
                continue
            rewards, info = press_at(env, 18 + off)
            assert rewards[-1] == info["correct"] == (abs(off) <= widest), (kwargs, off)
    exact = single(ID, **FIXED, tolerance=0, reward_shape="gaussian")
    assert press_at(exact, 18)[0][-1] == 1
    assert press_at(exact, 19)[0][-1] == 0


def test_without_a_press() -> None:
    for limit, steps in ((1.5, 24), (1.0, 16), (3.0, 48)):
        rewards, info = press_at(single(ID, **FIXED, limit=limit))
        assert rewards == [0] * (2 + steps + 1)
        assert np.isnan([info["rt"], info["t_prod_ms"], info["error_ms"]]).all()
        assert (info["correct"], info["choice"], info["early"], info["late"]) == (0, 0, 0, 1)
    # The last step still answers.
    assert press_at(single(ID, **FIXED, limit=1.0), 18)[0][-1] == 1


def test_presses_before_set() -> None:
    rewards, info = press_at(single(ID, **FIXED), 0, 1, 18)
    assert rewards == [-0.1] + [0] * 17 + [1]
    assert (info["fixation_break"], info["correct"]) == (1, 1)
    rewards, info = press_at(single(ID, **FIXED), 1)
    assert (info["fixation_break"], info["choice"], info["late"]) == (1, 0, 1)
    rewards, info = press_at(single(ID, **FIXED, abort=True, rewards={"fixation_break": -2}), 1, 18)
    assert rewards == [0, -2]
    assert (info["fixation_break"], info["choice"], info["early"], info["late"]) == (1, 0, 0, 0)
    assert np.isnan(info["t_prod_ms"])


def test_no_foreperiod() -> None:
    rewards, info, obs = act_at(single(ID, foreperiod=0, targets_ms=[800]), {0: 1})
    assert obs[0].tolist() == [1, 1]
    assert (rewards, info["t_prod_ms"], info["early"]) == ([0], 0, 1)
    assert press_at(single(ID, foreperiod=0, targets_ms=[800]), 16)[0][-1] == 1


@pytest.mark.parametrize("cue", ["onehot", "analog"])
def test_cues_tell_the_target(cue: str) -> None:
    """Targets are numbered from the shortest, whatever the order in which they are given."""
    task = IntervalProduction(targets_ms=[1600, 400, 800], cue=cue)
    samples = task.sample_trials(300, 0)
    which = samples.facts["condition"]
    assert set(which) == {0, 1, 2}
    assert (samples.facts["t_target_ms"] == np.array([400, 800, 1600])[which]).all()
    values = np.eye(3)[which] if cue == "onehot" else np.array([[0.25], [0.5], [1]])[which]
    assert (samples.obs[:, :, 1:] == values * samples.mask[:, :, None]).all()
    # The teacher presses once, so long after the pulse.
    onset, press = samples.obs[:, :, 0].argmax(axis=0), samples.target.argmax(axis=0)
    assert (samples.target.sum(axis=0) == 1).all()
    assert ((press - onset) * 50 == samples.facts["t_target_ms"]).all()
    assert task.score(play(task.vector(32), task.oracle(), 300, seed=0)).min() == 1


def test_targets_are_those_of_the_grid() -> None:
    task = IntervalProduction(dt=300, targets_ms=[500, 1000], foreperiod=0, pulse=300)
    facts = play(task.vector(16), task.oracle(), 100, seed=0)
    assert set(facts["t_target_ms"]) == {600, 900}
    assert not facts["error_ms"].any()
    assert task.yardsticks.optimum == 1


def test_sessions_are_truncated() -> None:
    env = single(ID, **FIXED, trials_per_episode=2)
    env.reset(seed=0)
    ends = [env.step(int(step in (18, 37)))[2:4] for step in range(38)]
    assert ends[18] == (False, False)
    assert ends[37] == (False, True)
    for foreperiod in (0, (100, 500)):
        task = IntervalProduction(trials_per_episode=5, pulse=100, foreperiod=foreperiod)
        assert task.score(play(task.vector(16), task.oracle(), 200, seed=0)).min() == 1


# -------------------------------------------------------------------- yardsticks

#: Windows of 300 ms +- 1 step and 500 ms +- 2 steps, production for 8 steps, 11 steps at most.
SMALL: dict[str, Any] = {
    "dt": 100,
    "targets_ms": [300, 500],
    "foreperiod": (0, 200),
    "pulse": 100,
    "tolerance": 0.4,
}
STEPS = 11


def score_of(
    rate: Callable[[int, bool, int], float],
    *,
    abort: bool = False,
    fores: tuple[int, ...] = (0, 1, 2),
    targets: tuple[int, ...] = (3, 5),
) -> float:
    """Exact score of press probabilities by step, whether the pulse is shown, and cue."""
    total = 0.0
    for fore, (cue, target) in product(fores, enumerate(targets)):
        alive = 1.0
        for step in range(fore + 9):
            press = rate(step, step == fore, cue)
            since = step - fore
            if since >= 0 and abs(since - target) <= 0.4 * target:
                total += alive * press
            if since >= 0 or abort:
                alive *= 1 - press
    return total / (len(fores) * len(targets))


@pytest.mark.parametrize("abort", [False, True])
def test_chance_is_the_best_schedule(abort: bool) -> None:
    best = 0.0
    for number in range(2**STEPS):
        best = max(best, score_of(lambda step, *_, n=number: n >> step & 1, abort=abort))
    assert IntervalProduction(**SMALL, abort=abort).yardsticks.chance == pytest.approx(best)


@pytest.mark.parametrize("abort", [False, True])
def test_memoryless_is_the_best_rate_for_each_cue(abort: bool) -> None:
    total = 0.0
    for target in (3, 5):
        total += max(
            score_of(lambda step, shown, cue, q=q: q * (not shown), abort=abort, targets=(target,))
            for q in np.linspace(0, 1, 401)
        )
        # Pressing at the pulse too does not help.
        for q, at_pulse in product((0.1, 0.3, 0.6), (0.1, 0.5, 1.0)):
            worse = score_of(
                lambda step, shown, cue, q=q, a=at_pulse: a if shown else q,
                abort=abort,
                targets=(target,),
            )
            assert worse <= total
    task = IntervalProduction(**SMALL, abort=abort)
    assert task.yardsticks.memoryless == pytest.approx(total / 2, abs=1e-4)


@pytest.mark.parametrize("abort", [False, True])
@pytest.mark.parametrize("fores", [(0, 1), (0, 2)])
def test_memoryless_with_a_clock_sees_the_pulse(fores: tuple[int, int], abort: bool) -> None:
    """All policies on time and pulse for one target, of 2 steps +- 0."""
    best = 0.0
    free = [step for step in range(fores[1] + 4) if step not in fores]
    for at_pulse in product([0, 1], repeat=2):
        for others in product([0, 1], repeat=len(free)):
            press = dict(zip(free, others, strict=True))
            for dark in product([0, 1], repeat=2):  # onset steps of the other foreperiod
                policy = {(step, True): one for step, one in zip(fores, at_pulse, strict=True)}
                policy |= {(step, False): one for step, one in zip(fores, dark, strict=True)}
                policy |= {(step, False): one for step, one in press.items()}
                best = max(
                    best,
                    score_of(
                        lambda step, shown, cue, p=policy: p.get((step, shown), 0),
                        abort=abort,
                        fores=fores,
                        targets=(2,),
                    ),
                )
    task = IntervalProduction(
        dt=100,
        targets_ms=[200],
        foreperiod=("choice", [100 * fore for fore in fores]),
        pulse=100,
        abort=abort,
        time=True,
    )
    assert task.yardsticks.memoryless == pytest.approx(best)
    if fores == (0, 2) and not abort:  # a blind press at 200 ms would answer the later pulse
        assert (best, task.yardsticks.chance) == (1, 0.5)


@pytest.mark.parametrize("abort", [False, True])
def test_random(abort: bool) -> None:
    task = IntervalProduction(**SMALL, abort=abort)
    exact = score_of(lambda *_: 0.5, abort=abort)
    assert task.yardsticks.random == pytest.approx(exact)
    facts = play(task.vector(256), task.random_policy(0), 4000, seed=0)
    assert task.score(facts).mean() == pytest.approx(exact, abs=0.02)


def test_options() -> None:
    assert IntervalProduction(**SMALL, prev_action=True).yardsticks.memoryless is None
    assert IntervalProduction(**SMALL, prev_reward=True, time=True).yardsticks.memoryless is None


def test_variants() -> None:
    timed = make_task("caudate/IntervalProduction-TimedPress-v0").parameters
    assert timed["targets_ms"] == [400, 600]
    assert (timed["reward_shape"], timed["half_width"], timed["dt"]) == ("window", 60, 20)
    assert make_task("caudate/IntervalProduction-One-v0").parameters["targets_ms"] == [1000]
    env = single("caudate/IntervalProduction-TimedPress-v0", foreperiod=100, targets_ms=[400])
    assert [press_at(env, 5 + 20 + off)[0][-1] for off in (-4, -3, 3, 4)] == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"targets_ms": []}, "no list of intervals"),
        ({"targets_ms": 500}, "no list of intervals"),
        ({"targets_ms": [500, 510]}, "same number of steps"),
        ({"targets_ms": [500, "x"]}, "'x'"),
        ({"targets_ms": [500], "dt": 2000}, "half a step"),
        ({"cue": "one-hot"}, "did you mean 'onehot'"),
        ({"reward_shape": "square"}, "reward_shape='square'"),
        ({"tolerance": -0.1}, "tolerance=-0.1"),
        ({"half_width": -1}, "half_width=-1"),
        ({"foreperiod": -100}, "foreperiod=-100"),
        ({"pulse": 20}, "half a step"),
        ({"pulse": 600}, "shorter pulse"),
        ({"limit": 0.9}, "limit=0.9"),
        ({"abort": 1}, "abort=1"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        single(ID, **kwargs)
    assert "\n" not in str(error.value)
