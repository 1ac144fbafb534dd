"""Measures of a code for time, on codes made by hand."""

import numpy as np
import pytest

from caudate.agents.stable_timing.measures import (
    busiest_window,
    code,
    feedforward_index,
    growth,
    read,
    recurrence_index,
    ridge,
    traces,
)


def test_a_code_in_which_jitter_grows():
    rng = np.random.default_rng(0)
    mean = np.linspace(20, 100, 80)
    first = mean + 0.05 * mean * rng.standard_normal((400, 80))
    counts = np.ones((400, 80), int)
    counts[:, 0], first[:, 0] = 0, np.nan  # never fires
    counts[::2, 1] = 2
    found = code(counts, first)
    assert found.reliable == pytest.approx(79 / 80)
    assert found.once == pytest.approx((80 - 1 - 0.5) / 80)
    assert found.order > 0.95
    assert abs(found.shuffled) < 0.05
    assert found.span == pytest.approx((24.9, 96.0), abs=1.0)
    grown = growth(found.latency, found.jitter)
    assert grown.correlation > 0.9
    assert grown.ratio == pytest.approx(90 / 31, rel=0.1)
    assert found.busiest == pytest.approx(5 / 80, abs=0.03)


def test_windows_may_begin_anywhere():
    assert busiest_window(np.array([0.0, 1.0, 5.5, 6.0, 10.4]), 5.0) == pytest.approx(3 / 5)
    assert np.isnan(busiest_window(np.array([]), 5.0))


def test_a_chain_leads_forward_only():
    latency = np.array([1.0, 2.0, 3.0])
    sources = np.array([[2], [0], [1]])
    chain = np.array([[0.0], [1.0], [1.0]])
    assert feedforward_index(chain, sources, latency) == 1
    assert recurrence_index(1.0) == 0
    assert feedforward_index(np.ones((3, 1)), sources, latency) == pytest.approx(2 / 3)
    assert recurrence_index(0.5) == 1


def test_traces_begin_with_the_spike_and_decay():
    found = traces(np.array([[10.0, np.nan]]), np.array([9.0, 10.0, 18.0]), 8.0)
    assert found[0, :, 0] == pytest.approx([0, 1, np.exp(-1)])
    assert found[0, :, 1].tolist() == [0, 0, 0]


def test_a_ridge_finds_linear_outputs():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((4, 50, 3))
    y = x @ np.array([[1.0], [2.0], [-1.0]]) + 0.5
    weights = ridge(x, y, 1e-6)
    assert weights[:, 0] == pytest.approx([1, 2, -1, 0.5], abs=1e-4)
    assert read(x, weights) == pytest.approx(y, abs=1e-3)
    assert np.abs(ridge(x, y, 1e4)[:3]).max() < 0.1
