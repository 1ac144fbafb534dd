"""Context-dependent decisions: evidence, cues, and the yardsticks derived once more."""

from __future__ import annotations

from itertools import product
from math import erf, sqrt
from typing import Any

import numpy as np
import pytest

from caudate.envs import ContextDecision, TaskError, make_task

from .conftest import play, single
from .trials import run

ID = "caudate/ContextDecision-v0"
CLEAN: dict[str, Any] = {"sigma": 0, "delay": 300}


def normal(x: float) -> float:
    return 0.5 * (1 + erf(x / sqrt(2)))


@pytest.mark.parametrize("cue", ["on", "early", "off"])
def test_course_of_a_trial(cue: str) -> None:
    task = ContextDecision(sigma=0, cue=cue)
    samples = task.sample_trials(400, seed=0)
    facts = samples.facts
    # fixation 1, cue 1, stimulus 5, delay 3 to 6, decision 2 steps of 100 ms
    assert set(samples.lengths) == set(range(12, 16))
    assert np.array_equal(samples.lengths, 9 + facts["delay_ms"] / 100)
    for trial in range(60):
        end = samples.lengths[trial]
        obs, target = samples.obs[:end, trial], samples.target[:end, trial]
        coherence = (facts["coh_a"][trial], facts["coh_b"][trial])
        expected = np.zeros((end, 8))
        expected[:-2, 0], expected[-2:, 1] = 1, 1
        shown = {"on": slice(1, end - 2), "early": slice(1, 2), "off": slice(0, 0)}[cue]
        expected[shown, 2 + facts["context"][trial]] = 1
        for modality, signed in enumerate(coherence):
            expected[2:7, 4 + 2 * modality] = (1 - signed) / 2
            expected[2:7, 5 + 2 * modality] = (1 + signed) / 2
        assert obs == pytest.approx(expected, abs=1e-6)
        right = coherence[facts["context"][trial]] > 0
        assert target.tolist() == [0] * (end - 2) + [1 + right] * 2
        assert facts["congruent"][trial] == (coherence[0] * coherence[1] > 0)


def test_all_combinations_are_equally_likely() -> None:
    task = ContextDecision(coherences_a=[0.2, 0.7], coherences_b=[0.3])
    facts = task.sample_trials(8000, seed=1).facts
    signed = {"a": [-0.7, -0.2, 0.2, 0.7], "b": [-0.3, 0.3]}
    for context, a, b in product((0, 1), signed["a"], signed["b"]):
        here = (facts["context"] == context) & (facts["coh_a"] == a) & (facts["coh_b"] == b)
        assert here.mean() == pytest.approx(1 / 16, abs=0.015)
    # The condition names the modality that counts and its signed coherence.
    counts = np.where(facts["context"] == 0, facts["coh_a"], facts["coh_b"])
    assert set(facts["condition"]) == set(range(task.n_conditions)) == set(range(6))
    for condition in range(6):
        here = facts["condition"] == condition
        assert len(np.unique(counts[here])) == len(np.unique(facts["context"][here])) == 1


def test_first_answer_counts() -> None:
    env = single(ID, **CLEAN)
    info = run(env, [])[1]
    right = 2 if info["coh_b" if info["context"] else "coh_a"] > 0 else 1
    blank = [0] * 10
    rewards, info = run(env, [*blank, right, 3 - right])
    assert (sum(rewards), info["correct"], info["choice"], info["rt"]) == (1, 1, right, 0)
    rewards, info = run(env, [*blank, 3 - right, right])
    assert (sum(rewards), info["correct"], info["choice"]) == (0, 0, 3 - right)
    rewards, info = run(env, [1, 2, *blank[2:], 0, right])
    assert rewards == [-0.1, *[0] * 10, 1]
    assert (info["correct"], info["rt"], info["fixation_break"]) == (1, 100, 1)
    rewards, info = run(single(ID, **CLEAN, abort=True), [0, 1])
    assert (rewards, info["choice"]) == ([0, -0.1], 0)
    assert np.isnan(info["rt"])


def test_noise_is_independent_and_only_on_the_stimulus() -> None:
    task = ContextDecision(
        sigma=0.5, coherences_a=[1], coherences_b=[0.5], fixation=(0, 300), stimulus=200
    )
    samples = task.sample_trials(3000, seed=2)
    obs, facts = samples.obs, samples.facts
    assert (obs >= task.observation_space.low).all()
    assert (obs <= task.observation_space.high).all()
    on = (obs[:, :, 4:] != 0).any(axis=2)
    assert (on.sum(axis=0) == 2).all()
    values = obs[:, :, 4:].transpose(1, 0, 2)[on.T].reshape(3000, 2, 4)
    signed = np.stack([facts["coh_a"], facts["coh_b"]], axis=1)
    means = np.stack([1 - signed, 1 + signed], axis=2).reshape(3000, 1, 4) / 2
    noise = (values - means).reshape(3000, 8)
    assert np.cov(noise.T) == pytest.approx(0.25 * np.eye(8), abs=0.03)


# -------------------------------------------------------------------- yardsticks


def test_optimum_with_a_cue() -> None:
    """One discriminant per modality: right minus left of each sample has spread sigma sqrt 2."""
    task = ContextDecision(coherences_a=[0, 0.1], coherences_b=[0.4], sigma=0.6, stimulus=800)
    of = {c: normal(c * 8 / (0.6 * sqrt(2) * sqrt(8))) for c in (0, 0.1, 0.4)}
    exact = ((of[0] + of[0.1]) / 2 + of[0.4]) / 2
    assert of[0] == 0.5
    assert task.yardsticks.optimum == pytest.approx(exact)
    assert ContextDecision(sigma=0).yardsticks.optimum == 1
    assert ContextDecision(sigma=0, coherences_a=[0, 1]).yardsticks.optimum == 0.875


def test_optimum_without_a_cue() -> None:
    """One coherence in both: the sign of the summed evidence, by conflict and by agreement."""
    task = ContextDecision(cue="off", coherences_a=[0.5], coherences_b=[0.5], sigma=0.7)
    signal = 0.5 * 5 / (0.7 * sqrt(10))
    # Agreement (half of the trials): the sum of both is right or wrong in both contexts;
    # conflict: right in one of them.
    exact = 0.5 * normal(2 * signal / sqrt(2)) + 0.5 * 0.5
    assert task.yardsticks.optimum == pytest.approx(exact, abs=0.001)
    assert ContextDecision(cue="off", sigma=0).yardsticks.optimum == 0.75
    # Always by one modality: right in its context, and half the time in the other one.
    one = (ContextDecision().yardsticks.optimum + 0.5) / 2
    assert ContextDecision(cue="off").yardsticks.optimum > one


@pytest.mark.parametrize(
    "kwargs",
    [
        {"cue": "off"},
        {"cue": "off", "sigma": 0, "coherences_b": [0, 0.2]},
        {"cue": "off", "coherences_a": [0.05, 0.3], "coherences_b": [1], "fixation": (0, 200)},
        {"cue": "early", "sigma": 1, "trials_per_episode": 3, "cue_period": 200},
        {"cue": "off", "trials_per_episode": 2, "delay": 0, "cue_period": 0},
        {"coherences_a": [0], "coherences_b": [0], "sigma": 0},
    ],
)
def test_oracle_reaches_the_optimum(kwargs: dict[str, Any]) -> None:
    task = ContextDecision(**kwargs)
    score = task.score(play(task.vector(256), task.oracle(), 10_000, seed=77))
    tolerance = 4 * max(float(score.std()), 0.01) / 100
    assert score.mean() == pytest.approx(task.yardsticks.optimum, abs=tolerance)


def test_psychometric_curves_of_the_oracle() -> None:
    """Choices follow the modality that counts and not the other one."""
    task = ContextDecision(sigma=0.6)
    facts = play(task.vector(256), task.oracle(), 12_000, seed=5)
    right = facts["choice"] == 2
    for context, name in ((0, "coh_a"), (1, "coh_b")):
        other = "coh_b" if context == 0 else "coh_a"
        for coherence in (-1.0, -0.25, 0.25, 1.0):
            here = (facts["context"] == context) & (facts[name] == coherence)
            expected = normal(coherence * sqrt(2.5) / 0.6)
            assert right[here].mean() == pytest.approx(expected, abs=0.05)
            there = (facts["context"] == context) & (facts[other] == coherence)
            assert right[there].mean() == pytest.approx(0.5, abs=0.06)


def test_chance_and_memoryless() -> None:
    for task in (ContextDecision(), ContextDecision(cue="off"), ContextDecision(sigma=0)):
        yardsticks = task.yardsticks
        assert yardsticks.chance == yardsticks.memoryless == 0.5
    # Go 10 to 13 steps in, of which an answer at one step meets two.
    aborting = ContextDecision(abort=True).yardsticks
    assert aborting.chance == pytest.approx(0.5 * 2 / 4)
    assert aborting.memoryless == 0.5
    assert ContextDecision(prev_reward=True).yardsticks.memoryless is None


def test_values_of_the_paper() -> None:
    task = make_task("caudate/ContextDecision-Mante-v0")
    facts = task.sample_trials(400, seed=0).facts
    assert set(np.abs(facts["coh_a"])) == {0.05, 0.15, 0.5}
    assert set(np.abs(facts["coh_b"])) == {0.06, 0.18, 0.5}
    assert task.parameters["stimulus"] == 750


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"coherences_a": []}, "coherences_a=\\[\\]"),
        ({"coherences_b": 0.5}, "coherences_b=0.5"),
        ({"coherences_a": [0.5, 0.5]}, "differ by less"),
        ({"coherences_a": [1e-6]}, "close to 0"),
        ({"coherences_a": [0, 0, 1]}, "coherence 0 more than once"),
        ({"coherences_a": [[1]]}, "coherences_a=\\[1\\]"),
        ({"coherences_b": [1.2]}, "coherences_b=1.2"),
        ({"coherences_b": [-0.5]}, "coherences_b=-0.5"),
        ({"coherences_b": list(np.linspace(0, 1, 21))}, "1 to 20"),
        ({"cue": "of"}, "did you mean 'off'"),
        ({"cue": "early", "cue_period": 0}, "cue_period=0"),
        ({"sigma": float("inf")}, "sigma=inf"),
        ({"stimulus": 0}, "stimulus=0"),
        ({"decision": 30}, "decision=30"),
        ({"delay": (600, 300)}, "delay"),
    ],
)
def test_refusals(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as error:
        single(ID, **kwargs)
    assert "\n" not in str(error.value)
