"""Other energies, rhythms and trajectories."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caudate.agents import AgentError
from caudate.agents.contrastive import (
    ActionNet,
    ContrastiveNet,
    Teacher,
    learn_cycle,
    oscillate,
)
from caudate.agents.contrastive.systems import LinearUnit, higher_order, oscillators, settle

RNG = np.random.default_rng(0)
DRIVE = RNG.uniform(0.3, 1.0, 4)
SYSTEMS = {
    "oscillators": (oscillators(DRIVE, RNG.uniform(-2, 2, 4)), 6),
    "order 3": (higher_order(DRIVE, np.array([[0, 1, 2], [1, 2, 3]])), 2),
    "order 4": (higher_order(DRIVE, np.array([[0, 1, 2, 3]])), 1),
}


def test_a_linear_unit_by_hand():
    unit = LinearUnit(w=0.5, x=1.0, target=1.0, beta=1.0)
    assert (unit.free, unit.taught) == (0.5, 0.75)
    assert unit.contrast == pytest.approx(0.0625)
    assert unit.slope == pytest.approx(0.25)


@pytest.mark.parametrize("name", SYSTEMS)
def test_forces_are_slopes_and_energies_linear_in_weights(name):
    system, n = SYSTEMS[name]
    w, x = np.linspace(-0.7, 0.9, n), np.array([0.3, -0.2, 0.8, 0.5])
    slopes = [-(system.energy(w, x + h) - system.energy(w, x - h)) / 2e-6 for h in 1e-6 * np.eye(4)]
    np.testing.assert_allclose(system.force(w, x), slopes, atol=1e-8)
    by_weight = [-(system.energy(w + h, x) - system.energy(w, x)) for h in np.eye(n)]
    np.testing.assert_allclose(system.features(x), by_weight, atol=1e-12)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_rule_of_every_system_is_the_slope_of_its_contrast(name):
    system, n = SYSTEMS[name]
    w = np.linspace(-0.4, 0.6, n)

    def pull(x: np.ndarray) -> np.ndarray:
        return np.array([0.7 - x[0], 0, 0, 0])

    def phases(w: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        free, left = settle(system, w, np.zeros(4))
        assert left < 1e-12
        taught, left = settle(system, w, free, pull)
        assert left < 1e-12
        contrast = system.energy(w, taught) + (0.7 - taught[0]) ** 2 / 2 - system.energy(w, free)
        return free, taught, contrast

    free, taught, _ = phases(w)
    ours = system.features(taught) - system.features(free)
    exact = [-(phases(w + h)[2] - phases(w - h)[2]) / 2e-5 for h in 1e-5 * np.eye(n)]
    np.testing.assert_allclose(ours, exact, rtol=1e-5, atol=1e-9)


def test_settling_tells_what_force_is_left():
    system, n = SYSTEMS["order 3"]
    assert settle(system, np.ones(n), np.zeros(4), steps=2)[1] > 0.1


# ---------------------------------------------------------------- rhythms


@pytest.mark.parametrize("wave", ["square", "sine"])
def test_a_slow_rhythm_comes_to_the_contrast_of_its_phases(wave):
    """To first order in a weak teacher both are the same gradient, but for a factor of the sine."""
    x, target = np.array([[1.0, -0.5]]), np.array([[0.8]])
    ends = {}
    for slow in (False, True):
        net = ContrastiveNet.create((2, 3, 1), [0], scale=0.4, dt=0.05, steps=2000)
        before = net.weights.copy()
        if slow:
            oscillate(net, x, target, rate=1e-4, beta=0.1, half_period=2000, wave=wave)
        else:
            net.learn(x, Teacher("spring", target, 0.1), 1e-4)
        ends[slow] = (net.weights - before).ravel()
        np.testing.assert_array_equal(net.weights, net.weights.transpose(0, 2, 1))
    cosine = ends[True] @ ends[False] / np.linalg.norm(ends[True]) / np.linalg.norm(ends[False])
    assert cosine > 0.99


def test_a_rhythm_may_keep_its_state():
    x, target = np.array([[1.0, -0.5]]), np.array([[0.8]])
    net = ContrastiveNet.create((2, 3, 1), [0])
    start = np.full((1, 1, 4), 0.2)
    last = oscillate(net, x, target, rate=0.1, beta=1.0, half_period=3, u=start)
    assert (start == 0.2).all()
    assert last.shape == start.shape
    with pytest.raises(AgentError, match="wave='saw'"):
        oscillate(net, x, target, rate=0.1, beta=1.0, half_period=3, wave="saw")


# ---------------------------------------------------------------- trajectories


def test_a_cycle_is_learned_quasi_statically():
    phase = 2 * np.pi * np.arange(12) / 12
    clock = np.stack([np.cos(phase), np.sin(phase)], 1)
    errors = learn_cycle(ContrastiveNet.create((2, 8, 2), range(2)), clock, 0.6 * clock, sweeps=60)
    assert errors.shape == (2, 60)
    assert (errors[:, -1] < errors[:, 0] / 4).all()


@pytest.mark.parametrize("beta", [0.3, 1e-6])
def test_the_action_s_rule_is_the_slope_of_its_contrast(beta):
    net = ActionNet.create(4, [1], gain=0.7)
    targets = 0.5 * np.sin(np.arange(5))[:, None] * np.array([1.0, -1.0])
    many = {"sweeps": 200, "damping": 0.3}
    pairs, single = net.gradient(targets, beta, **many)
    limit = beta if beta > 0.01 else None  # a weak teacher: the free run's error, and BPTT

    def slope(name: str, *place: int) -> float:
        ends = []
        for sign in (1e-5, -1e-5):
            moved = replace(net, **{name: getattr(net, name).copy()})
            getattr(moved, name)[place] += sign
            ends.append(moved.contrast(targets, limit, 200))
        return (ends[0] - ends[1]) / 2e-5

    for i, j in [(0, 1), (2, 0), (3, 3)]:
        assert pairs[0, i, j] == pytest.approx(slope("weights", 0, i, j), rel=1e-4, abs=1e-8)
    assert single[0, 2] == pytest.approx(slope("bias", 0, 2), rel=1e-4, abs=1e-8)


def test_trajectories_are_learned_network_by_network():
    phase = 2 * np.pi * np.arange(10) / 10
    circle = 0.6 * np.stack([np.cos(phase), np.sin(phase)], 1)
    both, one = ActionNet.create(8, range(2)), ActionNet.create(8, [1])
    errors = both.learn(circle, sweeps=100, rate=0.01)
    assert (errors[:, -1] < errors[:, 0] / 2).all()
    alone = one.learn(circle, sweeps=3, rate=0.01)
    np.testing.assert_allclose(alone[0], errors[1, :3])
