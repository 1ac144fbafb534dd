"""The rules, one property at a time."""

import numpy as np
import pytest

from caudate.agents.stable_timing.scaling import (
    LEAST,
    averaged,
    plain_scaling,
    presynaptic_scaling,
)

W = np.array([[0.1, 0.2, 0.05]])
HOW = {"goal": 1.0, "rate": 0.01, "bound": 0.22}


def test_averages_move_towards_the_counts():
    assert averaged(np.array([0.0, 1.0]), np.array([1, 1]), 0.2).tolist() == [0.2, 1.0]


def test_synapses_of_silent_neurons_stay_and_those_of_active_ones_grow():
    new = presynaptic_scaling(W, np.array([[0.0, 1.0, 0.5]]), np.array([0.4]), **HOW)
    assert new[0, 0] == W[0, 0]
    assert new[0, 1] == pytest.approx(0.2 * (1 + 0.01 * 0.6))
    assert new[0, 2] == pytest.approx(0.05 * (1 + 0.01 * 0.5 * 0.6))


def test_at_the_goal_nothing_changes_and_above_it_weights_shrink():
    before = np.ones((1, 3))
    assert np.array_equal(presynaptic_scaling(W, before, np.array([1.0]), **HOW), W)
    assert (presynaptic_scaling(W, before, np.array([2.0]), **HOW) < W).all()


def test_plain_scaling_changes_all_alike():
    new = plain_scaling(W, np.array([[0.0, 1.0, 0.5]]), np.array([0.4]), **HOW)
    assert new / W == pytest.approx(np.full((1, 3), 1.006))


def test_weights_keep_within_their_bounds():
    high = presynaptic_scaling(W, np.full((1, 3), 50.0), np.array([0.0]), **HOW)
    assert high.max() == HOW["bound"]
    low = presynaptic_scaling(W, np.full((1, 3), 200.0), np.array([9.0]), **HOW)
    assert low.min() == LEAST
