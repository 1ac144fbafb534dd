"""Trials as the paper has them, decisions counted right, claims that can fail."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from caudate.agents import EProp, Targets
from caudate.agents.networks import SpikingNetwork
from caudate.training.reproductions import load_paper
from caudate.training.reproductions.bellec2020 import (
    evidence,
    exactness,
    networks,
    patterns,
    reward,
    store,
    tasks,
)


def test_a_pattern_begins_at_zero_and_is_no_larger_than_one():
    targets = tasks.pattern(3)
    course = targets.targets[:, 0, 0]
    assert course[0] == 0
    assert np.abs(course).max() == 1
    assert abs(targets.observations.mean() - 0.05) < 0.003  # 50 Hz
    assert np.array_equal(tasks.pattern(3).observations, targets.observations)


def test_the_side_with_more_cues_is_asked_for():
    trials = tasks.evidence(np.random.default_rng(0), 40)
    shown = trials.observations.reshape(tasks.EVIDENCE_STEPS, 40, 4, tasks.GROUP).sum(3)
    cues = shown[: tasks.CUES * tasks.SLOT].reshape(tasks.CUES, tasks.SLOT, 40, 4).sum(1)
    right = (cues[..., 1] > cues[..., 0]).sum(0)
    assert np.array_equal(trials.targets[-1], right > tasks.CUES // 2)
    assert trials.mask.sum(0).tolist() == [tasks.RECALL] * 40
    delay = shown[tasks.CUES * tasks.SLOT : -tasks.RECALL]
    assert not delay[..., :3].any()  # nothing but noise
    assert delay[..., 3].any()
    assert abs(right.mean() - tasks.CUES / 2) < 1


def test_the_table_names_the_bound_that_is_tested():
    runs = [{"reached": 254, "errors": [0.5]}, {"reached": None, "errors": [0.5]}]
    first, *_ = store.claims(dict.fromkeys(store.RULES, runs))
    assert first.expected == f"every seed within {store.ITERATIONS} iterations"
    assert first.measured == "iterations 254, not"
    assert not first.passed


def test_stores_and_recalls_take_turns():
    rng = np.random.default_rng(1)
    for _ in range(200):
        store_at, recall_at = (np.flatnonzero(x) for x in tasks.commands(rng))
        assert len(store_at) == len(recall_at) > 0
        order = np.sort(np.concatenate([store_at, recall_at]))
        assert np.array_equal(order[::2], store_at)
        assert np.array_equal(order[1::2], recall_at)
        assert (recall_at - store_at >= 2).all()  # a value in between


def test_what_was_stored_is_asked_for():
    trials = tasks.store_recall(np.random.default_rng(2), 20)
    size = tasks.RECALL_INPUTS
    groups = trials.observations.reshape(tasks.SLOTS, tasks.SLOT_STEPS, 20, 4, size).sum((1, 4))
    for i in range(20):
        held = None
        for slot in range(tasks.SLOTS):
            zero, one, stores, asks = groups[slot, i]
            if stores:
                held = int(one > zero)
            if asks:
                assert zero == one == 0
                first = slot * tasks.SLOT_STEPS
                assert trials.mask[first : first + tasks.SLOT_STEPS, i].all()
                assert trials.targets[first, i] == held
        assert trials.mask[:, i].sum() == tasks.SLOT_STEPS * (groups[:, i, 3] > 0).sum()


def test_decisions_are_mean_outputs_of_each_answer():
    rng = np.random.default_rng(3)
    mask = np.zeros((9, 2), bool)
    mask[1:4, 0] = mask[6:8, 0] = mask[5:, 1] = True
    targets = Targets(rng.random((9, 2, 3)), np.zeros((9, 2), int), tasks.CHOICE, mask)
    agent = EProp(targets, n_envs=2, network="lif", n_neurons=5)
    agent.play()
    outputs = agent.record["outputs"]
    outputs[:] = 0
    outputs[1:4, 0, 0], outputs[6:8, 0, 1] = [3, -1, 0], [-1, 2]  # right; wrong in the mean
    outputs[5:, 1, 1] = [-9, 1, 1, 1]
    found = networks.wrong(agent)
    assert networks.decisions(agent) == 3
    assert np.argwhere(found).tolist() == [[6, 0]]


def test_learning_ends_at_the_goal_and_plays_every_trial_once(monkeypatch):
    monkeypatch.setattr(evidence, "BATCH", 4)
    agent, stream = evidence.build({"n_neurons": 10}, seed=0)
    found = networks.learn(agent, stream, 3, goal=1.1, window=2)
    assert found["reached"] == 2
    assert len(found["errors"]) == 2
    assert agent.targets is not None
    assert agent.targets.trials.tolist() == [0, 1, 2, 3]


def test_the_network_is_the_papers():
    agent, _ = evidence.build({}, seed=0)
    assert isinstance(agent.network, SpikingNetwork)
    c = agent.network.constants
    assert c.beta[:50] == pytest.approx(0.017424, rel=1e-3)
    assert not c.beta[50:].any()
    assert (c.threshold, c.refractory) == (0.6, 5)
    assert c.kappa == pytest.approx(np.exp(-1 / 20))
    for name, inputs in (("W_in", 40), ("W_rec", 100)):
        spread = agent.parameters[name].std() * np.sqrt(inputs)
        assert spread == pytest.approx(1.0, abs=0.05), name
    assert not agent.parameters["bias"].any()


def test_identities_hold():
    assert all(claim.passed for claim in exactness.claims(exactness.measure(True)))
    assert not exactness.claims({"nothing to compare": float("inf")})[0].passed


def _runs(reached: int | None, errors: list[float]) -> list[dict[str, Any]]:
    return [{"reached": reached, "errors": errors}] * 3


EVIDENCE = {
    "e-prop, random feedback": _runs(300, [0.05] * 300),
    "e-prop, symmetric feedback": _runs(300, [0.05] * 300),
    "BPTT": _runs(150, [0.05] * 150),
    "LIF only, random feedback": _runs(None, [0.5] * 200),
    "sparse, Dale, rewiring": _runs(None, [0.08] * 800),
}
STORE = {
    "e-prop, random feedback": _runs(90, [0.04] * 90),
    "e-prop, symmetric feedback": _runs(30, [0.04] * 30),
    "LIF only, symmetric feedback": _runs(None, [0.5] * 100),
}


@pytest.mark.parametrize(("module", "result"), [(evidence, EVIDENCE), (store, STORE)])
def test_claims_hold_and_can_fail(module, result):
    assert all(claim.passed for claim in module.claims(result))
    worse = copy.deepcopy(result)
    for rule in worse:
        value = 0.1 if rule.startswith("LIF") else 0.5
        worse[rule] = _runs(None, [value] * 3000)
    assert not any(claim.passed for claim in module.claims(worse) if "BPTT" not in claim.text)


def test_claims_of_patterns_can_fail():
    good = {"e-prop, symmetric feedback": 0.03, "e-prop, random feedback": 0.1}
    good |= {"readout only": 0.5, "BPTT": 0.03}
    rules = {rule: {"errors": [[1.0, value]] * 3} for rule, value in good.items()}
    assert all(c.passed for c in patterns.claims({"iterations": 2000, "rules": rules}))
    flat = {rule: {"errors": [[1.0, 0.2]] * 3} for rule in good}
    passed = [c.passed for c in patterns.claims({"iterations": 2000, "rules": flat})]
    assert passed == [False, False, False, True]  # BPTT is shown, not judged


def test_claims_of_reward_can_fail():
    def found(score: float) -> list[dict[str, Any]]:
        run = {"reached": score > 0.9, "steps": 1e6, "cpu_seconds": 5.0, "score": score}
        return [run | {"curve": None}] * 3

    marks = {"chance": 0.5, "optimum": 1.0}
    for score, expected in ((0.96, True), (0.6, False)):
        learners = {one.label: found(0.96) for one in reward.LEARNERS} | {"e-prop": found(score)}
        result = {task: {"marks": marks, "learners": learners} for task in reward.TASKS}
        assert all(claim.passed is expected for claim in reward.claims(result))


def test_the_paper_is_known():
    paper = load_paper("bellec2020")
    assert [e.name for e in paper.experiments][-1] == "reward"
    assert paper.budget_minutes == 60
