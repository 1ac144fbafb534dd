"""The pieces of the reproduction: identities, cases, what counts as success, pictures."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from caudate.training import UsageError
from caudate.training.reproductions import load_paper
from caudate.training.reproductions.baldi1991 import (
    PAPER,
    digits,
    identities,
    oscillation,
    patterns,
    reward,
    trajectories,
)


def test_the_paper_is_known_and_every_experiment_draws_or_has_no_picture():
    assert load_paper("baldi1991") is PAPER
    assert PAPER.budget_minutes == 10
    for experiment in PAPER.experiments:
        json.dumps(dict(experiment.settings))


def test_differences_find_a_known_slope():
    net = identities.network(steps=1)

    def value(one) -> float:
        return float((one.weights[0, 0, 4] + 2 * one.weights[0, 3, 8]) ** 2)

    slope = identities.differences(net, value)
    total = net.weights[0, 0, 4] + 2 * net.weights[0, 3, 8]
    assert slope[0, 4] == slope[4, 0] == pytest.approx(2 * total)
    assert slope[3, 8] == pytest.approx(4 * total)
    assert np.count_nonzero(np.abs(slope) > 1e-9) == 4


def test_identities_hold_on_a_shorter_list(monkeypatch):
    monkeypatch.setattr(identities, "STEPS", 300)
    net = identities.network(tolerance=1e-12)
    assert identities._held(net, "spring") < 1e-6
    assert identities._linear_unit() < 1e-10
    assert identities._trained_symmetry() == 0


def test_parity():
    x, target = patterns.parity(3)
    assert x.shape == (8, 3)
    assert len({tuple(row) for row in x}) == 8
    assert target[0] == -patterns.GOAL
    assert target.sum() == pytest.approx(0)


def test_patterns_are_learned_and_judged(tmp_path, monkeypatch):
    cases = {name: (*case[:6], min(case[6], 20)) for name, case in patterns.CASES.items()}
    monkeypatch.setattr(patterns, "CASES", cases)
    monkeypatch.setattr(patterns, "SLOW", patterns.SLOW | {"way": 1.6})
    result = json.loads(json.dumps(patterns.measure(quick=True)))
    claims = patterns.claims(result)
    assert len(claims) == 13
    assert claims[0].passed
    assert claims[7].passed  # turned about, nothing is learned
    result["solved"]["XOR, hard"] = [5, 0, 0, 70]
    assert not patterns.claims(result)[0].passed
    assert patterns.draw(result, tmp_path)[0].stat().st_size > 5000


def test_a_rhythm_is_judged_at_both_ends(tmp_path):
    good = {f"{half:g}": [0] * 10 if half < 6 else [20] * 10 for half in oscillation.HALVES}
    result = {"square": good, "sine": good, oscillation.KEPT: {"24": [0] * 9 + [3]}}
    assert all(claim.passed for claim in oscillation.claims(result))
    result["sine"] = good | {"3": [0] * 9 + [100], "24": [0] * 5 + [9] * 5}
    assert [c.passed for c in oscillation.claims(result)] == [True, True, False, False, True]
    assert oscillation.draw(result, tmp_path)[0].stat().st_size > 5000


def test_trajectories_close_and_are_judged(tmp_path):
    for goal in trajectories.targets().values():
        assert goal.shape == (trajectories.PHASES, 2)
        assert np.abs(goal).max() <= trajectories.RADIUS + 1e-12
    result = json.loads(json.dumps(trajectories.measure(quick=True)))
    assert not all(claim.passed for claim in trajectories.claims(result))
    for found in result.values():
        for kind in found.values():
            kind["errors"] = [[*errors[:-1], 0.01] for errors in kind["errors"]]
    result["circle"]["action"]["radius"] = [0.7] * trajectories.SEEDS
    assert all(claim.passed for claim in trajectories.claims(result))
    assert trajectories.draw(result, tmp_path)[0].stat().st_size > 5000


def test_digits_need_an_extra_and_are_split_by_class(monkeypatch):
    pytest.importorskip("sklearn")
    x, own, test_x, test_own = digits.load()
    assert x.shape[1] == test_x.shape[1] == 64
    assert len(x) + len(test_x) == 1797
    assert np.abs(x).max() == 1
    shares = np.bincount(test_own) / (np.bincount(own) + np.bincount(test_own))
    np.testing.assert_allclose(shares, digits.TEST_SHARE, atol=0.01)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(UsageError, match=r'pip install "caudate\[digits\]"'):
        digits.load()


def test_digits_are_judged_by_their_mean():
    def result(last: list[float]) -> dict:
        return {"hard": {"right": [[0.1] * 3, last], "moved": [0.1, 0.02]}}

    assert digits.claims(result([0.95, 0.95, 0.80]))[0].passed
    assert not digits.claims(result([0.95, 0.80, 0.80]))[0].passed


def test_reward_is_judged_by_agents(tmp_path):
    learned = np.ones((5, reward.TRIALS)) * 0.88
    memory = {
        "5": {"5 steps": [1.0] * 5, "20 steps": [0.5] * 5},
        "20": {"5 steps": [1.0] * 5, "20 steps": [1.0] * 4 + [0.5]},
        "none": {"5 steps": [0.5] * 5},
    }
    result = {
        "rewards": learned.tolist(),
        "greedy": [0.9] * 5,
        "parity": {"0.2": [0.9] * 5, "0.0": [0.7] * 5},
        "memory": memory,
    }
    assert all(claim.passed for claim in reward.claims(result))
    memory["5"]["20 steps"] = [0.5] * 4 + [0.8]
    assert [claim.passed for claim in reward.claims(result)].count(False) == 1
    assert reward.draw(result, tmp_path)[0].stat().st_size > 5000
