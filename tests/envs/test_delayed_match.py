"""Delayed matching: rules, answers, noise, and the certificates of its yardsticks."""

from __future__ import annotations

from itertools import product
from math import erf, sqrt
from typing import Any

import numpy as np
import pytest

from caudate.envs import DelayedMatch, TaskError, make_task
from caudate.envs.working_memory.match_rules import RULES, PairRule

from .conftest import play, same, single
from .trials import run

ID = "caudate/DelayedMatch-v0"


def test_default_trial() -> None:
    task = make_task(ID)
    samples = task.sample_trials(2000, seed=0)
    # fixation 1, sample 2, delay 5 to 10, decision 2 steps of 100 ms
    assert set(samples.lengths) == set(range(10, 16))
    assert set(samples.facts["delay_ms"]) == {500.0, 600.0, 700.0, 800.0, 900.0, 1000.0}
    for trial in range(50):
        obs = samples.obs[: samples.lengths[trial], trial]
        shown = obs[:, 1:].argmax(axis=1)
        assert (obs[:-2, 0] == 1).all()
        assert (obs[-2:, 0] == 0).all()
        assert (obs[1:3, 1:].sum(axis=1) == 1).all()
        assert (obs[3:-2, 1:] == 0).all()
        assert (shown[1:3] == samples.facts["sample"][trial]).all()
        assert (shown[-2:] == samples.facts["test"][trial]).all()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("n_stim", [2, 4, 6])
def test_rules(rule: str, n_stim: int) -> None:
    task = DelayedMatch(rule=rule, n_stim=n_stim)
    facts = task.sample_trials(6000, seed=1).facts
    sample, test, holds = facts["sample"], facts["test"], facts["is_match"]
    half = n_stim // 2
    expected = {
        "match": sample == test,
        "nonmatch": sample != test,
        "category": (sample < half) == (test < half),
        "paired": test == sample + 1 - 2 * (sample % 2),
    }[rule]
    assert (holds == expected).all()
    assert (facts["condition"] == 2 * sample + holds).all()
    joint = np.zeros((2, n_stim, n_stim))
    np.add.at(joint, (holds, sample, test), 1 / 6000)
    theory = PairRule(rule, n_stim).joint()
    assert theory.sum() == pytest.approx(1)
    assert np.abs(joint - theory).max() < 0.03


def test_first_answer_counts() -> None:
    env = single(ID, delay=500)
    right = 2 - run(env, [])[1]["is_match"]
    wrong = 3 - right
    blank = [0] * 8
    rewards, info = run(env, [*blank, right, wrong])
    assert (sum(rewards), info["correct"], info["choice"], info["rt"]) == (1, 1, right, 0)
    rewards, info = run(env, [*blank, wrong, right])
    assert (sum(rewards), info["correct"], info["choice"]) == (0, 0, wrong)
    rewards, info = run(env, [*blank, 0, right])
    assert (rewards[-1], info["correct"], info["rt"]) == (1, 1, 100)
    rewards, info = run(env, [])
    assert (sum(rewards), info["correct"], info["choice"]) == (0, 0, 0)
    assert np.isnan(info["rt"])


def test_breaking_fixation_costs_once() -> None:
    env = single(ID, delay=500)
    right = 2 - run(env, [])[1]["is_match"]
    rewards, info = run(env, [1, 0, 2, 1, 0, 0, 0, 0, right])
    assert rewards == [-0.1, 0, 0, 0, 0, 0, 0, 0, 1, 0]
    assert (info["fixation_break"], info["correct"]) == (1, 1)
    rewards, info = run(single(ID, delay=500, abort=True), [0, 0, 1])
    assert rewards == [0, 0, -0.1]
    assert (info["fixation_break"], info["correct"], info["choice"]) == (1, 0, 0)
    own = {"correct": 2, "error": -1, "fixation_break": -3}
    assert sum(run(single(ID, delay=500, rewards=own), [1, *[0] * 7, right])[0]) == -1
    assert sum(run(single(ID, delay=500, rewards=own), [*[0] * 8, 3 - right])[0]) == -1


def test_distractors_stand_apart_in_the_delay() -> None:
    task = DelayedMatch(n_stim=4, n_distractors=2, delay=("choice", [1000, 1300]))
    samples = task.sample_trials(40, seed=3)
    for trial in range(40):
        shown = samples.obs[: samples.lengths[trial], trial, 1:].max(axis=1)
        runs = "".join("x" if one else "." for one in shown).strip(".").split(".")
        assert [len(run) for run in runs if run] == [2, 2, 2, 2]
        assert samples.lengths[trial] == 5 + samples.facts["delay_ms"][trial] / 100
    batch = task.vector(64)
    assert task.score(play(batch, task.oracle(), 500, seed=0)).mean() == 1


def test_bench_task() -> None:
    """T = delay + 2 steps, actions count only at the test, reward 1 or 0."""
    for delay, steps in ((500, 7), (2000, 22)):
        env = single("caudate/DelayedMatch-Bench-v0", delay=delay, n_stim=4)
        right = 2 - run(env, [])[1]["is_match"]
        rewards, _ = run(env, [1, 2] * 20)
        assert len(rewards) == steps
        assert set(rewards) <= {0.0, 1.0}
        assert rewards[:-1] == [0.0] * (steps - 1)
        assert run(env, [1] * (steps - 1) + [right])[0][-1] == 1
        assert env.task_info["id"] == "caudate/DelayedMatch-Bench-v0"


# -------------------------------------------------------------------- yardsticks


def outcome(task: DelayedMatch, samples: Any, actions: np.ndarray) -> float:
    """Score of actions (T, n), by the task's rules written out once more."""
    right = 2 - samples.facts["is_match"]
    deciding = samples.mask & (samples.obs[:, :, 0] < 0.5)
    alive = np.ones(actions.shape[1], dtype=bool)
    choice = np.zeros(actions.shape[1], dtype=int)
    for step in range(len(actions)):
        act = actions[step]
        choice = np.where(alive & deciding[step] & (choice == 0), act, choice)
        if task.abort:
            alive &= deciding[step] | ~samples.mask[step] | (act == 0)
    return float((choice == right).mean())


@pytest.mark.parametrize("rule", ["match", "nonmatch"])
def test_no_memoryless_policy_beats_its_yardstick(rule: str) -> None:
    """All 243 policies from what is seen to an action."""
    task = DelayedMatch(rule=rule)
    samples = task.sample_trials(4000, seed=5)
    seen, which = np.unique(samples.obs.reshape(-1, 3), axis=0, return_inverse=True)
    which = which.reshape(samples.obs.shape[:2])
    shown = np.unique(which[samples.mask])
    assert len(shown) == 5
    best = 0.0
    for policy in product(range(3), repeat=5):
        table = np.zeros(len(seen), dtype=int)
        table[shown] = policy
        best = max(best, outcome(task, samples, table[which]))
    assert task.yardsticks.memoryless == 0.5
    assert best == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("abort", [False, True])
def test_no_blind_policy_beats_chance(abort: bool) -> None:
    task = DelayedMatch(abort=abort, delay=("choice", [100, 200, 400]), fixation=(0, 100))
    samples = task.sample_trials(4000, seed=5)
    steps = len(samples.obs)
    best = 0.0
    for answers in product([0, 1], repeat=steps):
        actions = np.array(answers)[:, None].repeat(4000, axis=1)
        best = max(best, outcome(task, samples, actions))
        if not abort and best > 0.48:
            break
    assert best == pytest.approx(task.yardsticks.chance, abs=0.03)


@pytest.mark.parametrize(
    "kwargs",
    [{"abort": True}, {"abort": True, "fixation": (0, 200), "decision": 100}, {"decision": 400}],
)
def test_random_play(kwargs: dict[str, Any]) -> None:
    task = DelayedMatch(**kwargs)
    facts = play(task.vector(256), task.random_policy(2), 8000, seed=0)
    assert task.score(facts).mean() == pytest.approx(task.yardsticks.random, abs=0.02)


@pytest.mark.parametrize("sigma", [0.5, 1.5])
def test_optimum_under_noise(sigma: float) -> None:
    """Two stimuli: both are identified from the difference of their channels, sqrt(S / 2) / sigma
    standard deviations from the criterion, and the answer is right if both or none are."""
    task = DelayedMatch(sigma=sigma, sample=200, decision=400)
    p_sample, p_test = (0.5 * (1 + erf(sqrt(s / 2) / sigma / sqrt(2))) for s in (2, 4))
    exact = p_sample * p_test + (1 - p_sample) * (1 - p_test)
    assert task.yardsticks.optimum == pytest.approx(exact, abs=0.004)
    score = task.score(play(task.vector(256), task.oracle(), 8000, seed=50))
    assert score.mean() == pytest.approx(exact, abs=0.025)


def test_observer_weighs_unknown_onsets(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a random fixation period it does worse than with a known one, but far above chance."""
    module = "caudate.envs.working_memory.match_observer"
    monkeypatch.setattr(f"{module}._SIMULATED_TRIALS", 30_000)
    known = DelayedMatch(sigma=0.7, fixation=500).yardsticks.optimum
    unknown = DelayedMatch(sigma=0.7, fixation=(100, 900)).yardsticks.optimum
    assert 0.6 < unknown < known - 0.02


def test_own_past_leaves_memoryless_unknown() -> None:
    assert DelayedMatch(prev_action=True).yardsticks.memoryless is None
    assert DelayedMatch(time=True).yardsticks.memoryless == 0.5


def test_noise_stays_in_the_space() -> None:
    env = single(ID, sigma=2.0)
    obs = np.stack([env.reset(seed=seed)[0] for seed in range(300)])
    assert env.observation_space.contains(obs[0])
    assert (obs <= env.observation_space.high).all()
    assert (obs >= env.observation_space.low).all()
    assert obs[:, 1:].std() == pytest.approx(2, abs=0.2)
    assert (obs[:, 0] == 1).all()


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"rule": "mach"}, "did you mean 'match'"),
        ({"n_stim": 1}, "n_stim=1"),
        ({"n_stim": 33}, "n_stim=33"),
        ({"n_stim": 3, "rule": "category"}, "odd"),
        ({"sigma": -1}, "sigma=-1"),
        ({"sample": 0}, "sample=0"),
        ({"decision": (100, 200)}, "decision"),
        ({"n_distractors": 5}, "do not fit"),
        ({"delay": (500, 540)}, "single step"),
        (
            {"n_distractors": 1, "sigma": 0.1, "fixation": (100, 300)},
            "onset unknown",
        ),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        single(ID, **kwargs)


def test_playing_ahead_equals_looking_up() -> None:
    """The reel of the common setting returns what the plain walk through the table returns."""
    for mode in ("next_step", "disabled"):
        task = DelayedMatch()
        ahead = task.vector(5, autoreset_mode=mode)
        plain = task.vector(5, autoreset_mode=mode, render_mode="rgb_array")
        assert type(ahead._engine) is not type(plain._engine)
        rng = np.random.default_rng(0)
        assert same(ahead.reset(seed=1), plain.reset(seed=1))
        for step in range(300):
            actions = rng.integers(3, size=5)
            mine, theirs = ahead.step(actions), plain.step(actions)
            assert same(mine, theirs)
            if step % 40 == 17:
                assert same(ahead.get_state(), plain.get_state())
            over = mine[2]
            if mode == "disabled" and over.all():
                some = {"reset_mask": rng.random(5) < 0.7}
                if some["reset_mask"].any():
                    assert same(ahead.reset(options=some), plain.reset(options=some))


@pytest.mark.parametrize("face", ["env", "next_step", "same_step", "disabled"])
def test_pictures_are_drawn_from_the_trial_so_far(face: str) -> None:
    task = DelayedMatch(delay=500)
    names = (0, 1, 1, 2, 2, 2, 2, 2, 3, 3, -1)
    if face == "env":
        env: Any = task.env(render_mode="rgb_array")
        withhold: Any = 0
    else:
        env = task.vector(2, autoreset_mode=face, render_mode="rgb_array")
        withhold = np.zeros(2, dtype=int)
    env.reset(seed=0)
    for done in range(10):
        track = env._history.tracks[0]
        assert track.periods == list(names[: done + 1])
        assert len(track.actions) == len(track.rewards) == done
        env.step(withhold)
    track = env._history.tracks[0]
    if face == "same_step":
        assert track.periods == [0]
    else:
        assert track.periods == list(names)
        assert track.facts[-1]["trial"] == 0
    env.step(withhold)
    track = env._history.tracks[0]
    if face in ("env", "disabled"):
        assert track.periods == list(names)
    else:
        assert track.periods == ([0] if face == "next_step" else [0, 1])
