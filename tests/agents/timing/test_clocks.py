"""Clocks, each by itself."""

import numpy as np
import pytest

from caudate.agents.base import mixed
from caudate.agents.timing.clocks import EchoState, LeakyIntegrators, NoisyClock, OracleClock, hats
from caudate.agents.timing.sequence_clock import SequenceClock

from .toys import Chain

DT = 50.0


def make(name):
    rng = np.random.default_rng(0)
    return {
        "oracle": lambda: OracleClock(DT, 1000.0, 8),
        "noisy": lambda: NoisyClock(DT, 1000.0, 8, weber=0.2),
        "leaky": lambda: LeakyIntegrators(DT, 50.0, 1000.0, 6),
        "echo": lambda: EchoState(DT, rng, 12, 2, (50.0, 500.0), (1.2, 1.0), 5),
        "cells": lambda: SequenceClock(DT, Chain(jitter_ms=30.0), 2, 80.0, 0, 5, True, 0),
        "groups": lambda: SequenceClock(DT, Chain(jitter_ms=30.0), 2, 80.0, 4, 5, True, 0),
    }[name]()


CLOCKS = ("oracle", "noisy", "leaky", "echo", "cells", "groups")


def run(clock, steps, n=3, cue=0, seeds=None):
    """State after so many steps since a start of all columns, and the units on the way."""
    state = clock.begin(n, np.arange(n) if seeds is None else seeds)
    state = clock.start(state, np.ones(n, bool), np.full(n, cue))
    units = [clock.units(state)]
    for _ in range(steps):
        state = clock.advance(state)
        units.append(clock.units(state))
    return state, np.array(units)


@pytest.mark.parametrize("name", CLOCKS)
def test_what_all_clocks_do(name):
    clock = make(name)
    silent = clock.begin(3, np.arange(3))
    assert (silent[0] == -1).all()
    assert not clock.units(silent).any()
    assert not clock.units(clock.advance(silent)).any()
    state, units = run(clock, 6)
    assert units.shape[1:] == (3, clock.n_units)
    assert clock.code(state).shape == (3, clock.n_code)
    assert (state[0] == 6 * DT).all()
    assert (np.abs(np.diff(units, axis=0)).max(axis=(1, 2)) > 0).any()


@pytest.mark.parametrize("name", CLOCKS)
def test_columns_are_on_their_own_and_states_are_kept(name):
    clock = make(name)
    state, _ = run(clock, 3, seeds=np.array([7, 8, 9]))
    kept = tuple(part.copy() for part in state)
    columns = np.array([False, True, False])
    again = clock.advance(clock.start(state, columns, np.array([0, 1, 0])))
    for old, new in zip(kept, state, strict=True):
        np.testing.assert_array_equal(old, new)
    assert again[0].tolist() == [4 * DT, DT, 4 * DT]
    alone, _ = run(clock, 4, n=1, seeds=np.array([7]))
    np.testing.assert_allclose(clock.units(again)[:1], clock.units(alone), rtol=1e-12)
    # What was drawn depends on seed and start alone.
    other = clock.start(clock.begin(1, np.array([8])), np.ones(1, bool), np.zeros(1, int))
    other = clock.advance(clock.start(other, np.ones(1, bool), np.ones(1, int)))
    np.testing.assert_allclose(clock.units(again)[1:2], clock.units(other), rtol=1e-12)
    assert mixed(columns, again, state)[0].tolist() == [3 * DT, DT, 3 * DT]


@pytest.mark.parametrize("name", ["echo", "cells"])
def test_cues_have_courses_of_their_own(name):
    clock = make(name)
    assert clock.tells_cues
    assert np.abs(run(clock, 5, cue=0)[1] - run(clock, 5, cue=1)[1]).max() > 0.1


def test_tuning_curves_interpolate():
    centres = np.array([0.0, 10.0, 30.0])
    found = hats(np.array([-5.0, 0.0, 5.0, 25.0, 40.0]), centres)
    expected = [[1, 0, 0], [1, 0, 0], [0.5, 0.5, 0], [0, 0.25, 0.75], [0, 0, 1]]
    np.testing.assert_allclose(found, expected)


def test_the_oracle_is_a_table():
    clock = make("oracle")
    _, units = run(clock, 30)
    expected = np.minimum(np.arange(31), clock.n_units - 1)
    assert (units.argmax(axis=2) == expected[:, None]).all()
    assert (units.max(axis=2) == 1).all()


def test_the_noisy_clock_has_the_scalar_property():
    clock = NoisyClock(DT, 3000.0, 8, weber=0.15)
    for steps in (10, 40):
        state, _ = run(clock, steps, n=4000)
        shown = clock.read(state)
        assert abs(shown.mean() / (steps * DT) - 1) < 0.02
        assert abs(shown.std() / (steps * DT) - 0.15) < 0.01


def test_leaky_integrators_decay():
    clock = make("leaky")
    _, units = run(clock, 4)
    np.testing.assert_allclose(units[4, 0], np.exp(-4 * DT / clock.taus))


def test_an_echo_state_network_starts_anew_at_each_cue():
    clock = make("echo")
    state, units = run(clock, 5)
    state = clock.start(state, np.ones(3, bool), np.zeros(3, int))
    np.testing.assert_array_equal(clock.units(state), units[0])
    twin = EchoState(DT, np.random.default_rng(1), 12, 2, (50.0, 500.0), (1.2, 1.0), 5)
    twin.set_constants(clock.get_constants())
    np.testing.assert_array_equal(run(twin, 5)[1], units)


def test_traces_follow_the_first_spikes():
    clock = SequenceClock(DT, Chain(), 1, 80.0, 0, 5, True, 0)
    _, units = run(clock, 25)
    time = DT * np.arange(26)[:, None] - 50.0 * (1 + np.arange(20))
    with np.errstate(over="ignore"):
        expected = np.where(time >= 0, np.exp(-time / 80.0), 0)
    np.testing.assert_allclose(units[:, 0, :20], expected, rtol=1e-5)
    assert units[:, 0, 20].tolist() == [0.0] * 21 + [1.0] * 5
    assert (np.diff(units[20:, 0, 21]) > 0).all()
    assert not units[:21, 0, 21].any()


def test_pooled_cells_fire_together_after_each_cue():
    clock = make("groups")
    assert not clock.tells_cues
    assert clock.rank[0, :3].tolist() == [0, 1, 2]
    assert clock.rank[1, :3].tolist() == [19, 18, 17]
    for cue in (0, 1):
        _, units = run(clock, 20, cue=cue)
        peaks = units[:, 0, :4].argmax(axis=0)
        assert (np.diff(peaks) > 0).all()


def test_held_code_tells_how_long_it_was():
    clock = make("cells")
    codes = [clock.code(run(clock, steps)[0])[0] for steps in (3, 8, 14, 30)]
    assert [int(code.argmax()) for code in codes] == [0, 1, 2, 5]
    for code in codes:
        assert abs(code.sum() - 1) < 1e-6
