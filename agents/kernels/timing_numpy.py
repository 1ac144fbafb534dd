"""Trials of conductance-based circuits: the reference, all columns at a time, step by step.

Conductances g are in units of the leak, potentials in mV (see :mod:`..stable_timing.settings`)::

    tau dV/dt = -(V + 60) - (g_A + g_N) V - g_G (V + 70) - g_H (V + 90) + noise

Excitatory neurons come first, then inhibitory ones. A step integrates the potentials with the
conductances as they are (Euler), finds the spikes, then brings the conductances up to date, with
the spikes whose delay has passed: one of step t with delay d is in the conductances after step
t + d and moves potentials from the next step on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..filters import counted

Array = np.ndarray

REST, GABA, AHP = -60.0, -70.0, -90.0  # mV; rest is the reset too, excitation reverses at 0
_SPREAD = np.sqrt(12.0)  # of a uniform number with unit SD


@dataclass(frozen=True)
class Constants:
    """What does not change while a circuit runs; times in steps, per population (E, I) where two.

    Attributes:
        n_e, n_i: neurons.
        steps: of a trial, at most.
        silence: steps without an excitatory spike after which a trial is over.
        rate: dt / tau.
        threshold: mV.
        refractory: steps in which the potential is held.
        ahp: g_H that a spike adds; ahp_decay: what a step leaves of it.
        nmda: share of slow excitation.
        ampa_decay, nmda_decay, gaba_decay: what a step leaves.
        delay: of what E and I send.
        noise: SD that a step adds, mV.
    """

    n_e: int
    n_i: int
    steps: int
    silence: int
    rate: tuple[float, float]
    threshold: tuple[float, float]
    refractory: tuple[int, int]
    ahp: tuple[float, float]
    ahp_decay: tuple[float, float]
    nmda: tuple[float, float]
    ampa_decay: float
    nmda_decay: float
    gaba_decay: float
    delay: tuple[int, int]
    noise: float

    def of_neurons(self, pair: tuple[float, float]) -> Array:
        """A population's value for each neuron, (N,)."""
        return np.repeat(pair, (self.n_e, self.n_i))


@dataclass(frozen=True)
class Paths:
    """Synapses of S circuits from one population to another, by where they come from.

    Those of presynaptic neuron j of circuit s are ``begin[s, j]`` to ``begin[s, j + 1]`` of
    ``target`` (S, M), postsynaptic neurons, and of ``slot`` (S, M), places in the weights.
    """

    begin: Array
    target: Array
    slot: Array


def run(
    constants: Constants,
    paths: tuple[Paths, Paths, Paths],
    weights: tuple[Array, Array, Array],
    circuit: Array,
    forced: Array,
    places: Array,
    counts: Array,
    first: Array,
    raster: Array,
) -> None:
    """Run one trial in each of B columns.

    Args:
        constants: of all circuits.
        paths, weights: E to E, E to I, I to E; weights (S, M) in the order of ``slot``.
        circuit: (B,), which of the S circuits a column runs.
        forced: (B, N), step at which a neuron is made to fire; -1: never.
        places: (B,) uint64, where a column's random numbers begin (:func:`counted.entry`).
        counts: (B, N) int, gets the spikes of each neuron.
        first: (B, N) int, gets the step of its first spike, -1 without one.
        raster: (B, steps, N) bool, gets all spikes; of size 0 if nobody wants them.
    """
    c, n = constants, constants.n_e + constants.n_i
    b, e = len(circuit), constants.n_e
    rate, threshold, ahp = (c.of_neurons(x) for x in (c.rate, c.threshold, c.ahp))
    ahp_decay, nmda = c.of_neurons(c.ahp_decay), c.of_neurons(c.nmda)
    hold = np.repeat(c.refractory, (e, c.n_i))
    v = np.full((b, n), REST)
    fast, slow, inhibited, after = (np.zeros((b, n)) for _ in range(4))
    held = np.zeros((b, n), int)
    waiting = np.zeros((max(c.delay) + 1, b, n), bool)
    last = np.zeros(b, int)
    alive = np.ones(b, bool)
    counts[...], first[...] = 0, -1
    for t in range(c.steps):
        free = held == 0
        held -= ~free
        drive = -(v - REST) - (fast + slow) * v - inhibited * (v - GABA) - after * (v - AHP)
        luck = counted.uniform(counted.window(places, t * n, n))
        moved = v + rate * drive + c.noise * ((luck - 0.5) * _SPREAD)
        v = np.where(free, moved, REST)
        spikes = ((free & (v >= threshold)) | (forced == t)) & alive[:, None]
        v = np.where(spikes, REST, v)
        held = np.where(spikes, hold, held)
        waiting[t % len(waiting)] = spikes
        sent_e = waiting[(t - c.delay[0]) % len(waiting), :, :e]
        sent_i = waiting[(t - c.delay[1]) % len(waiting), :, e:]
        arrived = np.zeros((b, n))
        _deliver(sent_e, paths[0], weights[0], circuit, arrived[:, :e])
        _deliver(sent_e, paths[1], weights[1], circuit, arrived[:, e:])
        fast = fast * c.ampa_decay + arrived
        slow = slow * c.nmda_decay + nmda * arrived
        inhibited *= c.gaba_decay
        _deliver(sent_i, paths[2], weights[2], circuit, inhibited[:, :e])
        after = after * ahp_decay + ahp * spikes
        counts += spikes
        first[spikes & (first < 0)] = t
        if raster.size:
            raster[:, t] = spikes
        last = np.where(spikes[:, :e].any(1), t, last)
        alive &= t - last < c.silence
        if not alive.any():
            break


def _deliver(sent: Array, paths: Paths, weights: Array, circuit: Array, into: Array) -> None:
    """Add the weights of all synapses of the neurons that ``sent`` (B, N) to their targets."""
    columns, neurons = np.nonzero(sent)
    if not len(columns):
        return
    s = circuit[columns]
    begin = paths.begin[s, neurons]
    lengths = paths.begin[s, neurons + 1] - begin
    own = np.arange(lengths.sum()) - np.repeat(lengths.cumsum() - lengths, lengths)
    index = np.repeat(begin, lengths) + own
    s, columns = np.repeat(s, lengths), np.repeat(columns, lengths)
    np.add.at(into, (columns, paths.target[s, index]), weights[s, paths.slot[s, index]])
