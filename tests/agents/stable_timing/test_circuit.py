"""Circuits that organise themselves: settings, kernels, development, files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from caudate.agents import AgentError, CheckpointError, write_checkpoint
from caudate.agents.filters import counted
from caudate.agents.stable_timing import (
    BURSTING,
    LONG,
    PRECISE,
    SETTINGS,
    TimingCircuit,
    TimingSettings,
)

SMALL = replace(
    PRECISE, n_e=40, n_i=10, indegree_ei=8, indegree_ie=5, stimulated_e=16, weight_mean=0.05
)


@pytest.mark.parametrize("settings", [SMALL, PRECISE, LONG, BURSTING])
def test_kernels_are_twins(settings):
    pytest.importorskip("numba")
    circuits = [
        TimingCircuit(settings, seed=3, n=2, stimuli=2, kernel=kernel)
        for kernel in ("numpy", "numba")
    ]
    for circuit in circuits:  # strong enough for spikes that no stimulus makes
        circuit.weights_ee = np.full_like(circuit.weights_ee, settings.weight_max)
    one, two = (circuit.test(2, stimulus=1, raster=True) for circuit in circuits)
    assert one.counts.sum() > circuits[0].stimulated[:, 1].sum() * 2
    for name in ("counts", "first", "raster"):
        assert np.array_equal(getattr(one, name), getattr(two, name), equal_nan=True)


def test_a_circuit_of_a_batch_is_the_same_alone():
    batch = TimingCircuit(SMALL, seed=5, n=3).develop(20)
    alone = TimingCircuit(SMALL, seed=6).develop(20)
    assert np.array_equal(batch.weights_ee[1], alone.weights_ee[0])
    assert np.array_equal(batch.history[1], alone.history[0])
    assert not np.array_equal(batch.weights_ee[0], batch.weights_ee[1])


def test_columns_are_what_their_seed_and_number_make_them():
    circuit = TimingCircuit(SMALL, seed=0, n=2)
    together = circuit.run(np.array([1, 0, 1]), np.zeros(3, int), np.array([7, 8, 9]), np.arange(3))
    single = circuit.run(np.array([1]), np.zeros(1, int), np.array([9]), np.array([2]))
    assert np.array_equal(together.first[2:], single.first, equal_nan=True)


def test_counted_windows_are_parts_of_the_words():
    seeds, trials = np.array([3, 4], np.uint64), np.array([0, 5])
    whole = counted.words(seeds, trials, 12)
    part = counted.window(counted.entry(seeds, trials), 5, 4)
    assert np.array_equal(part, whole[:, 5:9])


def test_time_scaling_leaves_every_spike_on_its_step():
    fast = TimingCircuit(PRECISE, seed=1)
    slow = TimingCircuit(PRECISE.scaled(10), seed=1)
    for circuit in (fast, slow):
        circuit.weights_ee = np.full_like(circuit.weights_ee, 0.2)
    a, b = fast.test(3, raster=True), slow.test(3, raster=True)
    assert np.array_equal(a.raster, b.raster)
    assert np.allclose(10 * a.first, b.first, equal_nan=True)


def test_wiring_has_its_degrees_and_nobody_excites_himself():
    circuit = TimingCircuit(PRECISE, seed=2, stimuli=2)
    sources = circuit.sources_ee[0]
    assert sources.shape == (400, 12)
    assert all(len(set(row)) == 12 and i not in row for i, row in enumerate(sources))
    assert circuit.sources_ei.shape == (1, 100, 80)
    assert circuit.stimulated.sum(2).tolist() == [[24, 24]]
    assert (circuit.weights_ee > 0).all()
    assert (circuit.weights_ee <= PRECISE.weight_max).all()


def test_nothing_but_the_stimulus_fires_at_first_and_all_fire_once_in_the_end():
    circuit = TimingCircuit(PRECISE, seed=1)
    others = ~circuit.stimulated[0, 0]
    assert circuit.test(5).counts[:, others].sum() == 0
    told = []
    circuit.develop(700, progress=lambda number, mean: told.append((number, float(mean[0]))))
    assert [number for number, _ in told] == list(range(1, 701))
    counts = circuit.test(20).counts[:, :400]
    assert (counts == 1).mean() > 0.95
    first = circuit.test(20).first[:, :400]
    assert np.nanpercentile(first, 95) - np.nanpercentile(first, 5) > 35


def test_development_goes_on_from_its_checkpoint_as_if_it_had_not_stopped(tmp_path):
    path = tmp_path / "circuit.caudate"
    settings = replace(BURSTING, n_e=60, n_i=20, indegree_ei=20, indegree_ie=10, indegree_ee=20)
    whole = TimingCircuit(settings, seed=[4, 9], n=2, stimuli=2).develop(31)
    TimingCircuit(settings, seed=[4, 9], n=2, stimuli=2).develop(17, checkpoint=path, every=5)
    again = TimingCircuit.load(path)
    assert (again.trials, again.rule, again.settings) == (17, "presynaptic", settings)
    again.develop(31)
    for name, value in whole.get_state().items():
        assert np.array_equal(value, again.get_state()[name]), name
    assert again.develop(10).trials == 31  # it is further already


def test_files_and_states_that_do_not_fit(tmp_path):
    write_checkpoint(tmp_path / "other", {"kind": "agent"})
    with pytest.raises(CheckpointError, match="does not hold timing circuits"):
        TimingCircuit.load(tmp_path / "other")
    with pytest.raises(AgentError, match="another circuit's"):
        TimingCircuit(SMALL).set_state(TimingCircuit(SMALL, n=2).get_state())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TimingSettings(n_e=0), "n_e=0 must be above 0"),
        (lambda: TimingSettings(tau_gaba=0), "tau_gaba=0 must be above 0"),
        (lambda: TimingSettings(weight_max=np.inf), "weight_max=inf must be above 0 and finite"),
        (lambda: TimingSettings(sigma=-1), "sigma=-1 must be 0 or more"),
        (lambda: TimingSettings(activity_rate=2), "activity_rate=2 must be above 0, at most 1"),
        (lambda: TimingCircuit(SMALL).test(1, stimulus=1), "must be from 0 to 0"),
        (lambda: TimingCircuit(SMALL).test(0), "trials=0 must be 1 or more"),
        (lambda: TimingCircuit(SMALL).develop(1, every=0), "every=0 must be 1 or more"),
        (lambda: TimingSettings(indegree_ee=400), "indegree_ee=400 must be from 1 to 399"),
        (lambda: TimingSettings(stimulated_i=101), "stimulated_i=101 must be from 0 to 100"),
        (lambda: TimingSettings(delay_i=0.5), "must be a step"),
        (lambda: PRECISE.scaled(0), "time_scale=0 must be above 0"),
        (lambda: TimingCircuit(SMALL, rule="hebb"), "rule='hebb'"),
        (lambda: TimingCircuit(SMALL, n=0), "n=0 and stimuli=1 must be 1 or more"),
        (lambda: TimingCircuit(SMALL, seed=-1), "seed=-1 must be a whole number"),
        (lambda: TimingCircuit(SMALL, kernel="cuda"), "kernel='cuda' is unknown"),
    ],
)
def test_mistakes_are_one_sentence(make, words):
    with pytest.raises(AgentError, match=words):
        make()


def test_the_named_settings_are_these():
    assert SETTINGS == {"precise": PRECISE, "long": LONG, "bursting": BURSTING}
