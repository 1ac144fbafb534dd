"""Two tasks in one trial: what counts for which, credit for withholding, and products of parts."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from caudate.envs import DualTask, TaskError, make_task

from .conftest import play, single

ID = "caudate/DualTask-v0"
#: fixation, sample, delay, inner window, delay, decision in steps, with ``after=300``.
FIXED: dict[str, Any] = {"after": 300.0}
INNER, DECISION, STEPS = 6, 12, 14


def run(env: Any, answers: dict[int, int], seed: int) -> tuple[list[float], dict[str, Any]]:
    """Rewards and final facts of trial 0; ``answers`` by step, else withholding."""
    env.reset(seed=seed)
    steps = [env.step(answers.get(step, 0)) for step in range(STEPS)]
    assert steps[-1][2]
    return [step[1] for step in steps], steps[-1][4]


def find(task: DualTask, inner: int) -> tuple[int, int]:
    """A seed whose trial 0 has this inner task, and the right outer answer there."""
    for seed in range(100):
        facts = task.sample_trials(1, seed).facts
        if facts["inner"][0] == inner:
            return seed, 2 - int(facts["is_match"][0])
    raise AssertionError


def test_default_trial() -> None:
    samples = make_task(ID).sample_trials(1000, 0)
    facts = samples.facts
    assert set(samples.lengths) == {14, 15, 16, 17}
    assert (facts["delay_ms"] == (samples.lengths - 5) * 100).all()
    assert facts["inner"].min() == 1
    assert (facts["inner"] == 2).mean() == pytest.approx(0.5, abs=0.05)
    assert (facts["distractor"] == -1).all()
    assert (facts["condition"] == 2 * facts["inner"] + facts["is_match"]).all()
    assert (facts["is_match"] == (facts["sample"] == facts["test"])).all()
    for trial in range(60):
        obs = samples.obs[: samples.lengths[trial], trial]
        assert obs[:, 0].tolist() == [1] * (len(obs) - 2) + [0] * 2
        stimulus = np.eye(2)
        assert (obs[1:3, 1:3] == stimulus[facts["sample"][trial]]).all()
        assert (obs[-2:, 1:3] == stimulus[facts["test"][trial]]).all()
        assert obs[3:-2, 1:3].sum() == 0
        assert (obs[6:9, 3:] == [facts["inner"][trial] == 2, facts["inner"][trial] == 1]).all()
        assert obs[:6, 3:].sum() == obs[9:, 3:].sum() == 0


def test_both_parts_by_all_first_answers() -> None:
    task = DualTask(**FIXED)
    env = task.env()
    for inner in (1, 2):
        seed, right = find(task, inner)
        for given, decided in product(range(4), range(4)):
            answers = {INNER + 1: given, INNER + 2: 3 - given, DECISION: decided}
            # What comes second counts for nothing; a late first answer does.
            first = given or 3
            answers[DECISION + 1] = 0 if decided else 3
            rewards, info = run(env, answers, seed)
            inner_right = first == 3 if inner == 2 else False
            assert info["inner_correct"] == inner_right
            assert info["inner_choice"] == first
            assert info["outer_correct"] == (decided == right)
            assert info["choice"] == (decided or 3)
            assert info["correct"] == inner_right * (decided == right)
            assert info["rt"] == (0 if decided else 100)
            assert info["fixation_break"] == 0
            assert sum(rewards) == 0.5 * inner_right + 0.5 * (decided == right)
            assert rewards[INNER + 1 if given else INNER + 2] == 0.5 * inner_right


def test_withholding_is_credited_where_it_is_right() -> None:
    task = DualTask(**FIXED)
    for inner in (1, 2):
        seed, right = find(task, inner)
        rewards, info = run(task.env(), {DECISION: right}, seed)
        assert info["inner_correct"] == (inner == 1)
        assert info["inner_choice"] == 0
        assert rewards[INNER + 2] == 0.5 * (inner == 1)
        assert sum(rewards) == 0.5 + 0.5 * (inner == 1)
        _, info = run(task.env(), {}, seed)
        assert (info["outer_correct"], info["choice"], info["correct"]) == (0, 0, 0)
        assert np.isnan(info["rt"])


def test_answers_outside_the_windows_break_fixation_once() -> None:
    task = DualTask(**FIXED)
    seed, right = find(task, 2)
    answers = {0: 1, 4: 3, INNER: 3, INNER + 3: 2, DECISION: right}
    rewards, info = run(task.env(), answers, seed)
    assert (info["fixation_break"], info["correct"]) == (1, 1)
    assert sum(rewards) == pytest.approx(0.9)
    _, info = run(task.env(), {INNER: 3, DECISION - 1: 3, DECISION: right}, seed)
    assert (info["fixation_break"], info["correct"]) == (1, 1)


def test_trials_without_inner_task() -> None:
    task = DualTask(p_inner=0.5, **FIXED)
    seed, right = find(task, 0)
    rewards, info = run(task.env(), {DECISION: right}, seed)
    assert rewards[DECISION] == sum(rewards) == 1
    assert (info["inner"], info["inner_correct"], info["correct"]) == (0, 1, 1)
    rewards, info = run(task.env(), {INNER: 3, DECISION: 3 - right}, seed)
    assert sum(rewards) == -0.1
    assert (info["inner_correct"], info["inner_choice"], info["fixation_break"]) == (1, 0, 1)
    costly = DualTask(p_inner=0.0, rewards={"outer_error": -1, "inner_error": -2}, **FIXED)
    seed, right = find(costly, 0)
    assert sum(run(costly.env(), {DECISION: 3 - right}, seed)[0]) == -3
    shares = make_task("caudate/DualTask-Mixed-v0").sample_trials(3000, 0).facts["inner"]
    assert np.bincount(shares) / 3000 == pytest.approx(1 / 3, abs=0.03)


def test_distractors() -> None:
    task = DualTask(inner="distractor", n_stim=3, **FIXED)
    samples = task.sample_trials(600, 0)
    facts = samples.facts
    assert task.action_names == ("withhold", "match", "non-match")
    assert [task.action_space.contains(action) for action in (2, 3)] == [True, False]
    assert (facts["inner"] == 1).all()
    shown = samples.obs[INNER : INNER + 3, :, 1:]
    assert (shown == np.eye(3)[facts["distractor"]]).all()
    together = np.histogram2d(facts["sample"], facts["distractor"], bins=3)[0] / 600
    assert together == pytest.approx(1 / 9, abs=0.04)
    seed, right = find(task, 1)
    assert sum(run(task.env(), {DECISION: right}, seed)[0]) == 1
    for answer in (1, 2):
        rewards, info = run(task.env(), {INNER: answer, DECISION: right}, seed)
        assert sum(rewards) == 0.5
        assert (info["outer_correct"], info["inner_correct"], info["correct"]) == (1, 0, 0)


# -------------------------------------------------------------------- yardsticks


def scored(task: DualTask, samples: Any, actions: np.ndarray) -> float:
    """Share of trials in which both parts are right, by the rules written out once more."""
    facts, count = samples.facts, actions.shape[1]
    inner_first, outer_first = np.zeros(count, dtype=int), np.zeros(count, dtype=int)
    first_step = samples.lengths - task._decision
    start = task._fixation + task._sample + task._before
    for step, act in enumerate(actions):
        if start <= step < start + task._window:
            inner_first = np.where(inner_first == 0, act, inner_first)
        late = (step >= first_step) & (step < samples.lengths) & (outer_first == 0)
        outer_first = np.where(late, act, outer_first)
    inner = np.where(facts["inner"] == 2, inner_first == 3, inner_first == 0)
    inner |= facts["inner"] == 0
    return float((inner & (outer_first == 2 - facts["is_match"])).mean())


SMALL: dict[str, Any] = {"fixation": 0, "sample": 100, "before": 0, "window": 100, "decision": 100}


@pytest.mark.parametrize(
    "kwargs",
    [
        {"after": (0, 100)},
        {"after": 0, "p_go": 0.8},
        {"after": 100, "p_go": 0.1, "p_inner": 0.5},
        {"after": (0, 100), "p_go": 0.7, "p_inner": 0.6},
        {"after": 0, "inner": "distractor"},
    ],
)
def test_no_blind_policy_beats_chance(kwargs: dict[str, Any]) -> None:
    """All sequences of actions over all steps of a small task."""
    task = DualTask(**{**SMALL, **kwargs})
    samples = task.sample_trials(4000, seed=1)
    best = 0.0
    for answers in product(range(task._actions), repeat=len(samples.obs)):
        actions = np.array(answers)[:, None].repeat(4000, axis=1)
        best = max(best, scored(task, samples, actions))
    assert best == pytest.approx(task.yardsticks.chance, abs=0.03)


def test_no_memoryless_policy_beats_its_yardstick() -> None:
    """All policies from what is seen to an action."""
    task = DualTask(**SMALL, after=0, p_inner=0.8)
    samples = task.sample_trials(1500, seed=5)
    # Sample 0 or 1, blank, go, no-go, test 0 or 1.
    seen, which = np.unique(samples.obs.reshape(-1, 5), axis=0, return_inverse=True)
    which = which.reshape(samples.obs.shape[:2])
    assert len(seen) == 7
    best = 0.0
    for policy in product(range(4), repeat=7):
        best = max(best, scored(task, samples, np.array(policy)[which]))
        if best > 0.6:
            break
    assert task.yardsticks.memoryless == 0.5
    assert best == pytest.approx(0.5, abs=0.03)
    assert DualTask(prev_action=True).yardsticks.memoryless is None


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"p_go": 0.9, "window": 100, "decision": 400},
        {"p_inner": 0.3, "rule": "paired", "n_stim": 4},
        {"inner": "distractor", "window": 200},
        {"trials_per_episode": 3, "fixation": 0, "before": 0, "after": 0},
    ],
)
def test_random_play_and_oracle(kwargs: dict[str, Any]) -> None:
    task = DualTask(**kwargs)
    facts = play(task.vector(256), task.random_policy(2), 8000, seed=0)
    assert task.score(facts).mean() == pytest.approx(task.yardsticks.random, abs=0.015)
    product_of_parts = facts["outer_correct"].mean() * facts["inner_correct"].mean()
    assert product_of_parts == pytest.approx(task.yardsticks.random, abs=0.015)
    facts = play(task.vector(64), task.oracle(), 400, seed=0)
    assert task.score(facts).min() == task.yardsticks.optimum == 1
    assert facts["fixation_break"].max() == 0


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"inner": "nogo"}, "did you mean 'go_nogo'"),
        ({"rule": "same"}, "rule='same'"),
        ({"n_stim": 1}, "n_stim=1"),
        ({"n_stim": 3, "rule": "paired"}, "odd"),
        ({"p_inner": 2}, "p_inner=2"),
        ({"p_go": -1}, "p_go=-1"),
        ({"before": (100, 200)}, "before"),
        ({"window": 0}, "window=0"),
        ({"after": "long"}, "after='long'"),
        ({"fixation": -100}, "fixation=-100"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        single(ID, **kwargs)
