"""Networks that settle: dynamics and energy written out, the rule against differences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from caudate.agents import AgentError
from caudate.agents.contrastive import KINDS, ContrastiveNet, Teacher

X, TARGET = np.array([[0.5, -0.8, 0.3]]), np.array([[0.6, -0.4]])


def network(seeds: Any = (0,), **how: Any) -> ContrastiveNet:
    given = {"lateral": True, "scale": 0.6, "steps": 2000, "tolerance": 1e-13} | how
    net = ContrastiveNet.create((3, 4, 2), seeds, **given)
    net.bias[:, 3:] = 0.1
    return net


def test_weights_are_symmetric_and_only_where_synapses_are():
    for lateral in (False, True):
        net = ContrastiveNet.create((3, 4, 2), range(3), lateral=lateral)
        np.testing.assert_array_equal(net.weights, net.weights.transpose(0, 2, 1))
        assert not net.weights[:, ~net.mask].any()
        assert not net.mask[:3, :3].any()
        assert not net.mask.diagonal().any()
        assert net.mask[3:7, 3:7].any() == net.mask[:3, 7:].any() == lateral
        for _ in range(3):
            net.learn(X, Teacher("hard", TARGET), 0.1)
        np.testing.assert_array_equal(net.weights, net.weights.transpose(0, 2, 1))
        assert not net.weights[:, ~net.mask].any()
        assert not net.bias[:, :3].any()


def test_a_seed_has_its_network_whatever_the_batch():
    both, one = network(range(2)), network([1])
    np.testing.assert_array_equal(both.weights[1], one.weights[0])
    x = np.random.default_rng(0).normal(size=(5, 3))
    together = both.relax(x).v[1]
    for i in range(5):
        np.testing.assert_allclose(one.relax(x[i : i + 1]).v[0, 0], together[i], atol=1e-10)


@pytest.mark.parametrize("output", ["tanh", "linear"])
@pytest.mark.parametrize("gain", [1.0, 1.7])
def test_a_settled_state_solves_its_equations(output, gain):
    net = network(gain=gain, output=output)
    phase = net.relax(X)
    assert phase.moved.max() <= 1e-13
    v, w = phase.v[0, 0], net.weights[0]
    np.testing.assert_array_equal(v[:3], X[0])
    summed = w[3:] @ v + net.bias[0, 3:]
    expected = np.tanh(gain * summed)
    if output == "linear":
        expected[-2:] = summed[-2:]
    np.testing.assert_allclose(v[3:], expected, atol=1e-12)


def test_what_has_not_settled_is_told():
    net = network(steps=3, tolerance=0.0)
    assert (net.relax(X).moved > 1e-3).all()
    assert net.relax(X, steps=2000).moved.max() < 1e-12


@pytest.mark.parametrize("kind", [None, "spring", "current", "hard"])
@pytest.mark.parametrize("output", ["tanh", "linear"])
def test_the_energy_falls_and_its_slope_is_zero_at_rest(kind, output):
    net = network(range(4), scale=1.0 if output == "tanh" else 0.4, dt=0.1, output=output)
    teacher = None if kind is None else Teacher(kind, TARGET)

    def energy(v: np.ndarray) -> np.ndarray:
        return net.energy(v) + (0 if teacher is None else teacher.potential(v[..., -2:]))

    phase, before = None, None
    for _ in range(100):
        phase = net.relax(X, teacher, phase, steps=1)
        now = energy(phase.v)
        assert before is None or (now <= before + 1e-10).all()
        before = now
    rest = net.relax(X, teacher, phase)
    moving = range(3, 7 if kind == "hard" else 9)
    for i in moving:
        step = 1e-6 * np.eye(9)[i]
        slope = (energy(rest.v + step) - energy(rest.v - step)) / 2e-6
        np.testing.assert_allclose(slope, 0, atol=1e-8)


def value(net: ContrastiveNet, teacher: Teacher) -> float:
    taught, free, minus = net.phases(X, teacher)
    found = net.contrast(taught, free, teacher)
    if teacher.two_sided:
        found = found - net.contrast(minus, free, teacher.opposite())
    return float(found.sum())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "policy"])
@pytest.mark.parametrize("how", [{}, {"output": "linear", "gain": 1.4, "lateral": False}])
def test_the_rule_is_the_slope_of_the_contrast(kind, how):
    net, teacher = network(**how), Teacher(kind, TARGET, 0.7)
    taught, _, minus = net.phases(X, teacher)
    pairs, single = net.difference(taught.v, minus.v)
    for i, j in [(0, 4), (3, 7), (6, 8)]:
        ends = []
        for sign in (1e-5, -1e-5):
            weights = net.weights.copy()
            weights[0, [i, j], [j, i]] += sign
            ends.append(value(replace(net, weights=weights), teacher))
        np.testing.assert_allclose(pairs[0, i, j], -(ends[0] - ends[1]) / 2e-5, rtol=1e-6)
    ends = []
    for sign in (1e-5, -1e-5):
        bias = net.bias.copy()
        bias[0, 5] += sign
        ends.append(value(replace(net, bias=bias), teacher))
    np.testing.assert_allclose(single[0, 5], -(ends[0] - ends[1]) / 2e-5, rtol=1e-6)


def test_weak_teachers_come_to_recurrent_backpropagation():
    net = network()
    exact = -net.recurrent_backprop(X, TARGET)[0]
    errors = {}
    for kind in ("spring", "two-sided"):
        for beta in (1e-2, 1e-3):
            teacher = Teacher(kind, TARGET, beta)
            taught, _, minus = net.phases(X, teacher)
            found = net.difference(taught.v, minus.v)[0] / teacher.divisor
            errors[kind, beta] = np.linalg.norm(found - exact) / np.linalg.norm(exact)
    assert errors["spring", 1e-2] / errors["spring", 1e-3] == pytest.approx(10, rel=0.1)
    assert errors["two-sided", 1e-2] / errors["two-sided", 1e-3] == pytest.approx(100, rel=0.1)


def test_credit_weighs_patterns():
    net = network()
    x = np.random.default_rng(0).normal(size=(3, 3))
    taught, free, _ = net.phases(x, Teacher("hard", TARGET))
    credit = np.array([[0.5, 0.0, -2.0]])
    whole = net.difference(taught.v, free.v, credit)
    parts = [net.difference(taught.v[:, [p]], free.v[:, [p]]) for p in range(3)]
    for one in range(2):
        expected = 0.5 * parts[0][one] - 2 * parts[2][one]
        np.testing.assert_allclose(whole[one], expected, atol=1e-14)


def test_the_norm_is_held_and_below_one_there_is_one_state():
    net = network(range(6), scale=3.0)
    assert net.inner_norm().min() > 1
    net.limit(0.8)
    np.testing.assert_allclose(net.inner_norm(), 0.8)
    weights = net.weights.copy()
    net.limit(0.9)
    np.testing.assert_array_equal(net.weights, weights)
    net.limit(0.9, up=True)
    np.testing.assert_allclose(net.inner_norm(), 0.9)
    free = net.relax(X)
    far = free._replace(u=free.u + 3 * np.random.default_rng(0).normal(size=free.u.shape))
    np.testing.assert_allclose(net.relax(X, start=far).v, free.v, atol=1e-10)
    taught, _, _ = net.phases(X, Teacher("hard", TARGET))
    assert (net.contrast(taught, free, Teacher("hard", TARGET)) >= 0).all()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "policy"])
def test_xor_is_learned_by_every_teacher(kind):
    bits = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], float)
    target = 0.9 * bits.prod(1, keepdims=True)
    net = ContrastiveNet.create((2, 4, 1), range(4))
    beta = 2.0 if kind == "current" else 0.5
    solved = np.zeros(4, bool)
    for _ in range(150 if kind == "two-sided" else 60):
        for x, wanted in zip(bits[:, None], target[:, None], strict=True):
            net.learn(x, Teacher(kind, wanted, beta), 0.1)
        solved |= (np.abs(net.relax(bits).v[..., -1:] - target) < 0.3).all((1, 2))
    assert solved.sum() >= 3


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ContrastiveNet.create((2, 0, 1)), r"sizes=\(2, 0, 1\)"),
        (lambda: ContrastiveNet.create((2, 3)), r"sizes=\(2, 3\)"),  # type: ignore[arg-type]
        (lambda: ContrastiveNet.create((2, 3, 1), output="relu"), "output='relu'"),
        (lambda: Teacher("soft", TARGET), "kind='soft'"),
        (lambda: Teacher("spring", TARGET, 0.0), "beta=0"),
        (lambda: network().relax(X, Teacher("policy", TARGET)), r"call ready\(free\)"),
    ],
)
def test_mistakes_get_one_sentence(call, words):
    with pytest.raises(AgentError, match=words) as error:
        call()
    assert "\n" not in str(error.value)
