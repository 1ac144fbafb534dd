"""Mistakes of other suites with the times of things: teachers, intervals, cues.

The others are in ``test_known_defects``, which says more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from caudate.envs import IntervalDiscrimination, TaskError

from .conftest import single
from .plans import TASKS, actions_of, moved, perform, teacher

TIMING = [one for one, task in TASKS.items() if task.supervised and task.family == "motor_timing"]


# -------------------------------------------------------------------- 3: teachers of time


def stated_return(task: Any, facts: dict[str, np.ndarray]) -> float:
    """The mean return at the optimum that the docstring states, for these trials."""
    if task.name == "TemporalBisection":
        return 1 - facts["is_probe"].mean()
    if task.name == "PeakInterval":
        return 1 - facts["is_probe"].mean() - 0.02
    return task.optimal_return


def check_teacher(task: Any, plan: np.ndarray) -> None:
    """These actions earn the optimum, on time to the step; a step beside them earns no more."""
    total, score, facts = perform(task, plan)
    assert total.mean() == pytest.approx(stated_return(task, facts))
    assert score.min() == 1
    timed = [
        key for key in facts if key.startswith(("error_", "asynchrony_")) and key.endswith("_ms")
    ]
    for key in timed:
        assert (facts[key] == 0).all(), key
    losses = [total - perform(task, moved(plan, step))[0] for step in (-1, 1)]
    assert min(loss.min() for loss in losses) > -1e-9
    # Where no error is told, being early or late costs something itself.
    assert timed or max(loss.mean() for loss in losses) > 0.001


@pytest.mark.parametrize("task_id", TIMING)
def test_3_teacher_and_reward_agree(task_id: str) -> None:
    """neurogym ReadySetGo: the teacher answers a step later than what is rewarded most.

    Playing its targets earns half of what answering one step earlier does.
    """
    task = TASKS[task_id]
    plan = teacher(task, 40)
    check_teacher(task, plan)
    for step in (-1, 1):
        with pytest.raises(AssertionError):
            check_teacher(task, moved(plan, step))


@pytest.mark.parametrize("task_id", [one for one in TIMING if TASKS[one].name != "DRL"])
def test_3_ignoring_the_interval_does_not_pay(task_id: str) -> None:
    """neurogym ReadySetGo: who answers at a constant time has a performance of 0.69.

    Here: constant answers, one answer at a fixed step, and answers in a fixed rhythm, all counted
    from the trial's start. DRL is left out: it presents no interval, and a fixed rhythm solves it.
    """
    task, trials = TASKS[task_id], 300
    steps = task.max_steps
    if isinstance(task.action_space, spaces.Box):
        plans = [np.full((steps, 1), level) for level in np.linspace(-1, 1, 9)]
    else:
        plans = []
        for action in range(1, int(task.action_space.n)):
            plans += [action * (np.arange(steps) == at) for at in range(2, steps, 1 + steps // 12)]
            plans += [action * (np.arange(steps) % one == 0) for one in (1, 2, 8, 10, 13, 20)]
    score = perform(task, np.repeat(np.stack(plans, axis=1), trials, axis=1))[1]
    each = score.reshape(len(plans), trials)
    chance = task.yardsticks.chance + 4 * each.std(axis=1) / np.sqrt(trials)
    assert (each.mean(axis=1) <= chance + 1e-9).all()


def test_3_constant_productions_are_far_from_the_optimum() -> None:
    """Even a constant time after Set, not after the trial's start, is right on 40 % at most."""
    task = TASKS["caudate/IntervalReproduction-v0"]
    plan = teacher(task, 400)
    target = (perform(task, plan)[2]["t_target_ms"] / task.dt).round().astype(int)
    press, sample = plan.argmax(axis=0), np.arange(16, 31)
    for wait in range(12, 40, 2):
        constant = np.zeros_like(plan)
        constant[press - target + wait, np.arange(400)] = 1
        expected = (abs(wait - sample) <= 0.1 * sample + 1e-9).mean()
        assert perform(task, constant)[1].mean() == pytest.approx(expected, abs=0.1)
        assert expected <= 0.4


# -------------------------------------------------------------------- 4: levels of intervals


@pytest.mark.parametrize("dt", [10, 25, 50, 60, 75, 80, 100, 150, 300])
@pytest.mark.parametrize("ratios", [(1.125, 1.25, 1.5), (2.0, 3.0), (1.5, 1.6)])
def test_4_levels_do_not_tie(dt: float, ratios: tuple[float, ...]) -> None:
    """neurogym IntervalDiscrimination: levels tie at the default dt, and ties count for one side.

    There a quarter of the trials are ties, all labelled "second longer", so that this answer is
    right on 60 %. Here a dt at which two intervals, or two ratios, become the same is refused.
    """
    standards = np.floor(np.array([400.0, 600.0, 800.0]) / dt + 0.5) * dt
    others = [standards * ratio for ratio in ratios] + [standards / ratio for ratio in ratios]
    levels = np.floor(np.array([standards, *others]) / dt + 0.5 + 1e-9)
    if any(len(np.unique(one)) < len(one) for one in levels.T):
        with pytest.raises(TaskError, match=rf"same at dt={dt:g} ms") as error:
            IntervalDiscrimination(dt=dt, ratios=ratios)
        assert "\n" not in str(error.value)
        return
    task = IntervalDiscrimination(dt=dt, ratios=ratios)
    samples = task.sample_trials(3000, seed=0)
    first, second = samples.obs[:, :, 0].sum(axis=0), samples.obs[:, :, 1].sum(axis=0)
    assert (first != second).all()
    assert len(np.unique(samples.facts["condition"])) == 12 * len(ratios) == task.n_conditions
    longer = samples.facts["second_longer"]
    assert (longer == (second > first)).all()
    assert (samples.target.max(axis=0) == 1 + longer).all()
    assert longer.mean() == pytest.approx(0.5, abs=0.04)
    standard_first = samples.facts["standard_first"]
    for side in (0, 1):
        assert longer[standard_first == side].mean() == pytest.approx(0.5, abs=0.06)


def test_4_equal_intervals_have_no_favourite() -> None:
    """Where equal intervals are asked for, a coin decides."""
    task = IntervalDiscrimination(ratios=(1.0,), allow_equal=True)
    assert task.sample_trials(2000, 0).facts["second_longer"].mean() == pytest.approx(0.5, abs=0.05)


def test_4_parameters_of_trials_are_honoured() -> None:
    """neurogym IntervalDiscrimination: what is asked of a trial is ignored."""
    times = {"fixation": 100, "gap": 150, "delay": 75, "decision": 125}
    for order in ("standard-first", "standard-last"):
        env = single(
            "caudate/IntervalDiscrimination-v0",
            **{"standards": [500], "ratios": [2.0], "order": order, **times},
        )
        seen = set()
        for seed in range(12):
            obs = [env.reset(seed=seed)[0].tolist()]
            over = False
            while not over:
                row, _, over, _, info = env.step(0)
                obs.append(row.tolist())
            assert info["standard_first"] == (order == "standard-first")
            d1, d2 = int(info["d1_ms"] / 25), int(info["d2_ms"] / 25)
            blank = [0, 0, 0]
            expected = [blank] * 4 + [[1, 0, 0]] * d1 + [blank] * 6 + [[0, 1, 0]] * d2
            assert obs[:-1] == expected + [blank] * 3 + [[0, 0, 1]] * 5
            seen.add((info["d1_ms"], info["d2_ms"]))
        other = (250, 1000)
        pairs = [(500, one) if order == "standard-first" else (one, 500) for one in other]
        assert seen == set(pairs)


# -------------------------------------------------------------------- 9: cues


def runs(lit: np.ndarray) -> list[int]:
    """Lengths of the stretches of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], lit.astype(int), [0]])))
    return (edges[1::2] - edges[::2]).tolist()


Expected = Callable[[dict[str, Any]], list[int]]
#: Task, parameters, the first letters of the channels, and how many steps they are on, each time.
CUES: list[tuple[str, dict[str, Any], str, Expected]] = [
    ("DelayedMatch", {"fixation": 0, "sample": 300}, "stim", lambda _: [3, 2]),
    ("DelayedMatch-Bench", {}, "stim", lambda _: [1, 1]),
    ("DelayedMatch", {"n_distractors": 1, "delay": 600}, "stim", lambda _: [2, 2, 2]),
    ("DelayedResponse", {"fixation": 0}, "loc", lambda _: [2]),
    ("DelayedResponse", {"cue": 100}, "loc", lambda _: [1]),
    ("DelayedResponse", {}, "go", lambda _: [2]),
    ("DelayedComparison", {"first": 300}, "stim", lambda _: [3, 2]),
    ("EvidenceAccumulation", {}, "left right", lambda _: [2] * 7),
    ("EvidenceAccumulation", {"cue": 50}, "left right", lambda _: [1] * 7),
    ("AssociativeRecall", {}, "value", lambda _: [2]),
    ("AssociativeRecall", {"item": 200, "gap": 100, "n_pairs": 3}, "value", lambda _: [2] * 3),
    ("SequenceRecall", {"gap": 100}, "symbol", lambda _: [1] * 4),
    ("RepeatPrevious", {"item": 200, "gap": 100}, "symbol", lambda _: [2] * 22),
    ("NBack", {"item": 200, "gap": 100}, "symbol", lambda _: [2] * 22),
    ("StoreRecall", {"item": 300}, "recall", lambda info: [3] * info["n_recalls"]),
    ("ContextDecision-Early", {"cue_period": 200}, "context", lambda _: [2]),
    ("ContextDecision", {"sigma": 0.0}, "a_ b_", lambda _: [5]),
    ("DelayedEstimation", {"fixation": 0}, "slot", lambda _: [3]),
    ("DualTask", {}, "go no_go", lambda _: [3]),
    ("DelayedReach-Memory", {"cue": 150}, "target", lambda _: [3]),
    ("IntervalReproduction", {}, "ready", lambda _: [1]),
    ("IntervalReproduction", {"pulse": 150, "foreperiod": 0}, "ready", lambda _: [3]),
    ("IntervalReproduction", {"pulse": 100}, "set", lambda _: [2]),
    ("IntervalProduction", {"foreperiod": 0}, "set", lambda _: [1]),
    ("RhythmProduction", {"pulse": 100}, "go", lambda _: [2]),
    ("SyncContinuation", {"foreperiod": 0}, "beat", lambda _: [1] * 8),
    ("TemporalBisection", {}, "stimulus", lambda info: [round(info["duration_ms"] / 50)]),
    ("IntervalDiscrimination", {}, "stim_1", lambda info: [round(info["d1_ms"] / 25)]),
    ("IntervalDiscrimination", {}, "stim_2", lambda info: [round(info["d2_ms"] / 25)]),
    ("PeakInterval", {"gap": 0}, "signal", lambda _: [60]),
]


@pytest.mark.parametrize(("name", "parameters", "begin", "expected"), CUES)
def test_9_cues_are_shown_once(
    name: str, parameters: dict[str, Any], begin: str, expected: Expected
) -> None:
    """bsuite memory_chain, and its gymnax port: the cue is seen before and after the first step.

    Here all that a subject sees is counted, from what ``reset`` shows to what the last step does.
    """
    env = single(f"caudate/{name}-v0", **parameters)
    channels = [i for i, one in enumerate(env.obs_names) if one.startswith(tuple(begin.split()))]
    for episode in range(6):
        obs, over = [env.reset(seed=3)[0] if episode == 0 else env.reset()[0]], False
        while not over:
            row, _, over, _, info = env.step(actions_of(env.action_space, "none"))
            obs.append(row)
        lit = (np.array(obs)[:, channels] != 0).any(axis=1)
        assert runs(lit) == expected(info)
