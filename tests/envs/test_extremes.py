"""Extreme parameters: a task plays with them, or refuses them in one clear sentence."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import caudate.envs
from caudate.envs import Task, TaskError, Yardsticks, make_task
from caudate.envs.bandits.reversal_yardsticks import ReversalProcess

#: Presets are tasks with other parameters: the base ids stand for them.
BASE_IDS = [one for one in caudate.envs.task_ids() if one.removesuffix("-v0").count("-") == 0]
COMMON = {field.name for field in dataclasses.fields(Task)}
STEPS = 30

#: Tried on every parameter of every task.
ODD: list[Any] = [
    *(0, 1, 2, 7, 1000, 10**9, 10**20, 10**400, -1, -100),
    *(-0.1, 1e-9, 0.5, 1.1, 130.0, 1e300, math.nan, math.inf, -math.inf),
    *(None, True, "abc", "", b"x", 1j, object()),
    *([], [1], [None, None], [[1, 2]], {}, {1: 2}, np.array([1.0, 2.0]), np.array(3)),
    *((1, 2, 3), (0.8, 0.2), (0.2, 0.8), (-0.1, 0.5), (0.5, 1.1), (1, 1), (1, math.nan)),
    *((100, 200), (200, 100), (100, 1e9), (10.0, 20.0, 30.0), (1e9, 2e9), (0, 10**400)),
    *(("choice", []), ("choice", [100, 200]), ("choice", 5), ("truncexp", 1, 2)),
    *(("truncexp", 1e-9, 100, 500), ("truncexp", 100, 100, 1e9)),
    *(np.float32(0.5), np.int64(3), Fraction(1, 3), list(range(1, 1001))),
]
#: Tried on what all tasks have.
ODD_COMMON: dict[str, list[Any]] = {
    "rewards": [
        *({"nope": 1}, {"correct": math.nan}, {"reward": "x"}, {"correct": 10**400}),
        *({"reward": 1e300}, {"correct": 1e9}, {"gain": 0.0}, {"reward": -1.0, "no_reward": -1.0}),
        *({"correct": -1.0, "error": 2.0}, [1], "x", 3),
    ],
    "dt": [
        *(0, -1, 1e-9, 0.001, 0.1, 10.0, 33.3, 1000, 10**400, 1e9, 1e300, math.nan, math.inf),
        *(None, True, "abc", (1, 2), np.array([1.0, 2.0]), np.float32(20.0), Fraction(100, 3)),
    ],
    "trials_per_episode": [0, 1, 2, 7, 1000, 10**6, 10**9, 10**20, -1, 1.0, math.nan, "x", None],
    **{key: [1, "yes", None, True] for key in ("prev_action", "prev_reward", "time", "targets")},
}


def refused(error: TaskError, names: Any) -> None:
    """The sentence of a refusal is one, on one line, not too long, and names the parameter."""
    sentence = str(error)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) <= 400
    assert any(re.search(rf"\b{name}\b", sentence) for name in names), sentence


def plays(task: Task) -> None:
    """The task's parameters are JSON, and 30 random steps stay within its spaces."""
    told = json.loads(json.dumps(task.parameters, allow_nan=False))
    assert type(task).create(**told).parameters == task.parameters
    low, high = task.reward_range()
    assert math.isfinite(low)
    assert math.isfinite(high)
    slack = 1e-9 * max(1.0, abs(low), abs(high))
    env, batch = task.env(), task.vector(3)
    for one in (env, batch):
        one.action_space.seed(0)
        obs, _ = one.reset(seed=0)
        over = False
        for _ in range(STEPS):
            assert obs in one.observation_space
            if over and one is env:
                obs, _ = one.reset()
            obs, reward, terminated, truncated, _ = one.step(one.action_space.sample())
            assert np.all(np.isfinite(reward))
            # Nothing is earned between the episodes of a batch.
            assert np.all(reward >= min(low, 0.0) - slack)
            assert np.all(reward <= max(high, 0.0) + slack)
            over = np.any(terminated) or np.any(truncated)


def tried(task_id: str, **parameters: Any) -> Task | None:
    """The task if it takes the parameters, which it then plays with; None if it refuses them."""
    try:
        task = make_task(task_id, **parameters)
    except TaskError as error:
        refused(error, parameters)
        return None
    plays(task)
    return task


# -------------------------------------------------------------------- every parameter


@pytest.mark.parametrize("task_id", BASE_IDS)
def test_own_parameters(task_id: str) -> None:
    own = [f.name for f in dataclasses.fields(make_task(task_id)) if f.name not in COMMON]
    for name in own:
        taken = [tried(task_id, **{name: value}) is not None for value in ODD]
        assert not all(taken), f"{name} takes anything"


@pytest.mark.parametrize("task_id", BASE_IDS)
def test_common_parameters(task_id: str) -> None:
    for name, values in ODD_COMMON.items():
        for value in values:
            tried(task_id, **{name: value})


@pytest.mark.parametrize("task_id", BASE_IDS)
def test_one_trial_and_the_longest_session(task_id: str) -> None:
    past = {"prev_action": True, "prev_reward": True, "time": True}
    taken = [tried(task_id, trials_per_episode=n, **past) for n in (1, 2, 15, 10**4, 10**9)]
    assert any(taken)


# -------------------------------------------------------------------- what would fill the memory


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        (
            "DelayedMatch",
            {"delay": 1e9},
            "delay=1000000000.0 is longer than 100000 steps of dt",
        ),
        ("DelayedMatch", {"dt": 1e-3}, "longer than 100000 steps of dt=0.001 ms"),
        ("DelayedMatch", {"delay": ("truncexp", 1e3, 0, 1e9)}, "longer than 100000 steps"),
        ("DelayedMatch", {"fixation": 6e6, "delay": 6e6}, "with fixation=6000000.0, delay=60000"),
        ("AssociativeRecall", {"n_pairs": 8, "n_keys": 8, "item": 9e6}, "has 720007 steps in a tr"),
        (
            "RepeatPrevious",
            {"length": 10**6},
            "length=1000000 is not a whole number .* to 10000",
        ),
        ("NBack", {"n_symbols": 10**6}, "n_symbols=1000000 is not a whole number from 2 to 64"),
        ("EvidenceAccumulation", {"n_noise": 1000, "delay": 1e6}, "numbers to show in a trial"),
        (
            "DualTask",
            {"decision": 1e6},
            "decision=1000000.0 has .* entries in its table",
        ),
        ("IntervalReproduction", {"dt": 0.1}, "dt=0.1 has .* worths of presses"),
        ("DelayedReach", {"dt": 0.1}, "dt=0.1 has 16000 steps in a trial, more than the 2000"),
        ("Bandit", {"trials_per_episode": 10**6}, "trials_per_episode=1000000 is not .* to 100000"),
        ("IowaGambling", {"trials_per_episode": 10**6}, "trials_per_episode=1000000 is not"),
        (
            *("RestlessBandit", {"n_arms": 1000, "trials_per_episode": 10**5}),
            "trials_per_episode=100000, n_arms=1000 has 100000000 worths of arms",
        ),
    ],
)
def test_sizes_that_would_fill_the_memory(
    name: str, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(TaskError, match=words) as caught:
        make_task(f"caudate/{name}-v0", **parameters)
    refused(caught.value, parameters)


def test_long_sessions_of_trials_drawn_one_by_one_are_endless() -> None:
    task = tried("caudate/DelayedMatch-v0", trials_per_episode=10**9)
    assert task is not None


# -------------------------------------------------------------------- yardsticks


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("AssociativeRecall", {"n_pairs": 1, "n_keys": 64, "n_values": 64}),
        ("Bandit", {"n_arms": 1}),
        ("Bandit", {"n_arms": 1000, "trials_per_episode": 5}),
        ("ContextDecision", {"sigma": 1e9}),
        ("ContextDecision", {"sigma": 1e-9}),
        ("CriterionReversal", {"hazard": 1.0, "trials_per_episode": 20}),
        ("CriterionReversal", {"criterion": 50, "trials_per_episode": 5}),
        ("DRL", {"dt": 1.0}),
        ("DelayedEstimation", {"sigma": 1e-9}),
        ("DelayedEstimation", {"sigma": 1e6}),
        ("DelayedMatch", {"sigma": 1e4, "n_stim": 2, "delay": 100.0}),
        ("DelayedResponse", {"sigma": 1e6}),
        ("DualTask", {"p_inner": 0.0}),
        ("DualTask", {"p_go": 1.0}),
        ("EvidenceAccumulation", {"p_side": 0.5}),
        ("EvidenceAccumulation", {"n_cues": 1001}),
        ("FlipFlop", {"p_pulse": 0.0}),
        ("FlipFlop", {"p_pulse": 1.0}),
        ("InformationSampling", {"ratio": 0.5}),
        ("InformationSampling", {"max_draws": 1}),
        ("IntervalDiscrimination", {"clock_weber": 1e-9}),
        ("IntervalProduction", {"tolerance": 0.0}),
        ("IntervalReproduction", {"dt": 5.0}),
        ("IntervalReproduction", {"gain": 20.0}),
        ("IowaGambling", {"trials_per_episode": 1}),
        ("NBack", {"n": 32, "length": 33}),
        ("NBack", {"p_target": 0.0, "p_lure": 1.0}),
        ("PeakInterval", {"p_probe": 1.0}),
        ("RepeatPrevious", {"lag": 0}),
        ("RestlessBandit", {"n_arms": 1, "trials_per_episode": 5}),
        ("ReversalBandit", {"trials_per_episode": 1}),
        ("StoreRecall", {"p_store": 0.0}),
        ("StoreRecall", {"p_recall": 0.0}),
        ("SyllableSequence", {"sequence": ["up", "down"]}),
        ("Syllables", {"tolerance": 0.25}),
        ("TemporalBisection", {"probes": ()}),
        ("TwoStep", {"trials_per_episode": 1}),
        ("VolatileBandit", {"stable": 0, "trials_per_episode": 20}),
        ("WaveformTracking", {"tolerance": 2.0}),
    ],
)
def test_yardsticks_are_shares_in_order(name: str, parameters: dict[str, Any]) -> None:
    found = make_task(f"caudate/{name}-v0", **parameters).yardsticks
    known = [value for value in found if value is not None]
    assert all(0.0 <= value <= 1.0 for value in known)
    memoryless = found.random if found.memoryless is None else found.memoryless
    assert found.random <= memoryless <= found.optimum
    assert found.chance <= found.optimum
    if found.oracle_full is not None:
        assert found.optimum <= found.oracle_full


class Rough(caudate.envs.RepeatPrevious):
    """A task whose optimum is simulated and comes out too low."""

    short = 0.0

    def compute_yardsticks(self) -> Yardsticks:
        return Yardsticks(0.25, 0.5, 0.5, 0.5 - self.short, 1.0 + 1e-12)


def test_a_simulated_optimum_falls_short_of_exact_landmarks_only_where_it_is_wrong() -> None:
    near, far = Rough(), Rough()
    near.short, far.short = 0.005, 0.05
    assert near.yardsticks == (0.25, 0.5, 0.5, 0.5, 1.0)
    assert far.yardsticks.optimum == 0.45


def drl_by_chain(task: Any, first: float, usual: float, pressed: float, paid: float) -> float:
    """Rewards over the most, by the shares of all steps since the last press and of its kind."""
    total = 0.0
    shares = {(0, "beginning"): 1.0}
    for step in range(task.max_steps):
        after: dict[tuple[int, str], float] = {}
        for (waited, kind), share in shares.items():
            press = {"beginning": usual, "unpaid": pressed, "paid": paid}[kind]
            press = first if step == 0 else press if waited == 1 else usual
            hit = bool(task._rewarded(np.array(waited)))
            total += share * press * hit
            for state, part in (
                ((1, "paid" if hit else "unpaid"), share * press),
                ((waited + 1, kind), share * (1.0 - press)),
            ):
                after[state] = after.get(state, 0.0) + part
        shares = after
    return total / task.most


@pytest.mark.parametrize("wait", [200.0, 700.0, 1900.0])
@pytest.mark.parametrize("hold", [None, 0.0, 300.0])
def test_drl_scores_against_a_markov_chain(wait: float, hold: float | None) -> None:
    task: Any = make_task("caudate/DRL-v0", wait=wait, hold=hold, session=2000.0)
    for rates in (
        *((0.3, 0.3, 0.3, 0.3), (1.0, 0.3, 0.0, 0.0), (0.2, 0.2, 0.2, 0.0), (0.1, 0.2, 0.9, 0.5)),
        *((0.0, 0.0, 0.0, 0.0), (1.0, 1.0, 1.0, 1.0)),
    ):
        found = task._scores(*(np.array([rate]) for rate in rates))[0]
        assert found == pytest.approx(drl_by_chain(task, *rates), abs=1e-12)


@pytest.mark.parametrize("hold", [None, 300.0])
def test_drl_of_one_step_with_one_rate(hold: float | None) -> None:
    task: Any = make_task("caudate/DRL-v0", wait=100.0, hold=hold, session=2000.0)
    found = task._scores(*(np.array([0.3]) for _ in range(4)))[0]
    assert found == pytest.approx(drl_by_chain(task, 0.3, 0.3, 0.3, 0.3), abs=1e-12)


def test_drl_of_one_step_is_won_by_pressing_always() -> None:
    found = make_task("caudate/DRL-v0", wait=100.0, prev_action=True).yardsticks
    assert found.chance == found.memoryless == 1.0


def test_long_streaks_move_like_the_whole_table() -> None:
    random = np.random.default_rng(0)
    for criterion in (0, 1, 2, 5):
        process = ReversalProcess((0.8, 0.2), 0.3, criterion)
        mass = random.random((3, 2 * criterion + 2))
        for action in (0, 1):
            whole = mass @ process.move[action]
            assert process.advance(mass, action) == pytest.approx(whole, abs=1e-12)


# -------------------------------------------------------------------- single bugs


def test_time_of_a_two_step_trial_goes_from_0_to_1() -> None:
    env = make_task("caudate/TwoStep-v0", trials_per_episode=1, time=True).env()
    shown = [env.reset(seed=0)[0][3], *(env.step(0)[0][3] for _ in range(2))]
    assert shown == [0.0, 0.5, 1.0]


def test_sentences_stay_on_one_line_of_bounded_length() -> None:
    short = TaskError("a=array([1.,\n       2.]) is wrong; pass another.")
    assert str(short) == "a=array([1., 2.]) is wrong; pass another."
    long = str(TaskError(f"a={list(range(1000))!r} is wrong; pass another."))
    assert long.startswith("a=[0, 1, 2,")
    assert long.endswith("999] is wrong; pass another.")
    assert len(long) == 400
