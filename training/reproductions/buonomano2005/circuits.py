"""What the experiments share: circuits that have developed, and their answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ....agents.stable_timing import SETTINGS, TimingCircuit
from ....agents.stable_timing.measures import Code, code

Array = np.ndarray

SEEDS = (1, 2, 3, 4, 5)
TRIALS = {"precise": 800, "long": 1000}
TESTS = 60  # trials of a measurement, with weights as they are


def developed(
    name: str, seeds: Sequence[int], trials: int, stimuli: int = 1, rule: str = "presynaptic"
) -> TimingCircuit:
    """Circuits of the named settings after so many trials."""
    circuit = TimingCircuit(
        SETTINGS[name], seed=np.array(seeds), n=len(seeds), stimuli=stimuli, rule=rule
    )
    return circuit.develop(trials)


def answers(circuit: TimingCircuit, stimulus: int = 0) -> list[tuple[Array, Array]]:
    """Spike counts and first spikes (TESTS, N_E) of each circuit."""
    n_e = circuit.settings.n_e
    found = circuit.test(TESTS, stimulus)
    shape = (circuit.n, TESTS, circuit.settings.n)
    counts, first = found.counts.reshape(shape), found.first.reshape(shape)
    return [(counts[i, :, :n_e], first[i, :, :n_e]) for i in range(circuit.n)]


def bystanders(circuit: TimingCircuit, i: int) -> Array:
    """E neurons of circuit i that no stimulus makes fire."""
    return np.logical_not(circuit.stimulated[i, :, : circuit.settings.n_e].any(axis=0))


def codes(circuit: TimingCircuit, stimulus: int = 0) -> list[Code]:
    """The code for time of each circuit, over neurons that are not stimulated."""
    return [
        code(counts[:, bystanders(circuit, i)], first[:, bystanders(circuit, i)])
        for i, (counts, first) in enumerate(answers(circuit, stimulus))
    ]


def numbers(values: Any, digits: int = 3) -> list[Any]:
    """Arrays as JSON takes them, NaN as None."""
    rounded = np.round(np.asarray(values, float), digits)
    known = rounded.astype(object)
    known[~np.isfinite(rounded)] = None
    return known.tolist()


def texts(values: Iterable[float], form: str = ".2f") -> str:
    """One number a seed."""
    return ", ".join(f"{value:{form}}" for value in values)
