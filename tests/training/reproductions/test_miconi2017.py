"""Miconi's network and rule written out, gradients by finite differences, what is a success."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caudate.training.reproductions import alignments, miconi2017
from caudate.training.reproductions.miconi_network import (
    CONDITIONS,
    HELD,
    RULES,
    TARGET,
    TRACES,
    Network,
    Rule,
    Trial,
    learn,
)

SHORT = Trial(steps=30, stimulus=6, second=12, response=6)


def network(runs: int = 2, **options: Any) -> Network:
    return Network(np.random.default_rng(0), runs, units=14, dtype=np.float64, **options)


def test_a_trial_shows_two_stimuli_and_asks_whether_they_differ():
    trial = Trial()
    u = trial.inputs(CONDITIONS.index((0, 1)))
    assert u.sum(0).tolist() == [200, 200]
    assert u[:200, 0].all()
    assert u[400:600, 1].all()
    assert [trial.target(c) for c in range(4)] == [-TARGET, TARGET, TARGET, -TARGET]


@pytest.mark.parametrize("shared", [False, True])
def test_dynamics_step_by_step(shared):
    net = network(shared=shared)
    start, kick, u = net.start(), 0.1 * np.random.default_rng(1).normal(size=(2, 30, 14)), None
    u = SHORT.inputs(1)
    played = net.play(u, start, kick)
    for run in range(2):
        j = net.recurrent if shared else net.recurrent[run]
        w = net.input if shared else net.input[run]
        x, mean = start[run].copy(), start[run].copy()
        for t in range(30):
            np.testing.assert_allclose(played.before[run, t], np.tanh(x))
            x = x + net.leak * (j @ np.tanh(x) + w @ u[t] + kick[run, t] - x)
            for unit, value in HELD.items():
                x[unit] = value
            np.testing.assert_allclose(played.rates[run, t], np.tanh(x))
            np.testing.assert_allclose(played.change[run, t], x - mean, atol=1e-12)
            mean = 0.05 * mean + 0.95 * x


def test_dynamics_without_numpys_matvec(monkeypatch):
    net = network()
    start, u = net.start(), SHORT.inputs(0)
    with_it = net.play(u, start, None).rates
    monkeypatch.delattr(np, "matvec", raising=False)
    np.testing.assert_allclose(net.play(u, start, None).rates, with_it, atol=1e-12)


@pytest.mark.parametrize("kind", TRACES)
def test_trace_is_the_sum_over_steps(kind):
    net = network()
    played = net.play(SHORT.inputs(2), net.start(), net.draw_kicks(30))
    f = {"cubic": lambda s: s**3, "signed-square": lambda s: s * abs(s)}.get(kind, lambda s: s)
    cause = played.kick if kind == "node" else played.change
    expected = sum(f(np.einsum("ri,rj->rij", cause[:, t], played.before[:, t])) for t in range(30))
    np.testing.assert_allclose(played.trace(kind), expected, atol=1e-12)


def test_gradient_by_finite_differences():
    net = network(leak=0.2)
    start, u, target = net.start(), SHORT.inputs(1), SHORT.target(1)

    def error() -> np.ndarray:
        return ((net.play(u, start, None).output(SHORT) - target) ** 2).mean(1) / 2

    exact = net.gradient(net.play(u, start, None), SHORT, target)
    before = error()
    for i, j in ((0, 3), (5, 5), (13, 2), (4, 1)):
        net.recurrent[:, i, j] += 1e-6
        np.testing.assert_allclose((error() - before) / 1e-6, exact[:, i, j], rtol=1e-3, atol=1e-8)
        net.recurrent[:, i, j] -= 1e-6
    assert not exact[:, list(HELD)].any()


def test_learning_waits_for_the_baselines_and_clips_its_steps():
    net = Network(np.random.default_rng(0), 2, units=14)
    net.kick_probability = 0.05  # a short trial of few units would see hardly any
    before = net.recurrent.copy()
    learn(net, SHORT, RULES["node"], 100)
    np.testing.assert_array_equal(net.recurrent, before)
    course = learn(net, SHORT, RULES["node"], 101)
    assert course["error"].shape == course["right"].shape == (101, 2)
    moved = np.abs(net.recurrent - before)
    assert 0 < moved.max() <= RULES["node"].limit * 1.001


def test_node_perturbation_learns_a_short_trial():
    net = Network(np.random.default_rng(3), 3, units=60, leak=0.2)
    net.kick_probability, net.kick_size = 0.03, 3.0
    course = learn(net, SHORT, Rule("node", 0.003, 0.003), 1200)
    assert course["error"][-100:].mean() < 0.85 * course["error"][:100].mean()


def found(node: float, cubic: float, identity: float) -> dict[str, Any]:
    shares = {"node": node, "cubic": cubic, "identity": identity}
    return {rule: {"final": [share] * 3, "trials": 8000} for rule, share in shares.items()}


@pytest.mark.parametrize(
    ("shares", "passed"),
    [
        ((0.97, 0.93, 0.5), [True, True, True]),
        ((0.94, 0.89, 0.5), [False, False, True]),
        ((0.97, 0.93, 0.8), [True, True, False]),
    ],
)
def test_claims_of_the_task(shares, passed):
    assert [claim.passed for claim in miconi2017.claims(found(*shares))] == passed


def test_alignments_of_one_network_are_those_of_the_paper():
    cosine = alignments.alignment(0)
    assert cosine["node"] > 0.9
    assert min(cosine["cubic"], cosine["signed-square"]) > 0.75
    assert cosine["identity"] < 0.6


def test_claims_of_the_alignments():
    values = {
        "node": [0.95] * 2,
        "signed-square": [0.9] * 2,
        "cubic": [0.7] * 2,
        "identity": [0.4] * 2,
    }
    passed = [claim.passed for claim in alignments.claims({"cosine": values})]
    assert passed == [True, True, False, True]


def test_figures_are_drawn(tmp_path):
    result = {
        rule: {"right": [[0.5, 0.6]] * 3, "error": [[1.0, 0.9]] * 3, "final": [0.5, 0.6],
               "trials": 300, "before": [[0.0] * 10] * 4, "after": [[0.5] * 10] * 4}
        for rule in RULES
    }  # fmt: skip
    pictures = miconi2017.draw(result, tmp_path)
    pictures += alignments.draw({"cosine": {t: [0.5, 0.6] for t in alignments.TRACES}}, tmp_path)
    assert all(picture.stat().st_size > 5000 for picture in pictures)
