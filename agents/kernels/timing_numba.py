"""The numba twin of :mod:`.timing_numpy`: a column after the other, a neuron after the other."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from .timing_numpy import AHP, GABA, REST, Constants, Paths

_SPREAD = np.sqrt(12.0)
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def run(
    constants: Constants,
    paths: tuple[Paths, Paths, Paths],
    weights: tuple[np.ndarray, np.ndarray, np.ndarray],
    circuit: np.ndarray,
    forced: np.ndarray,
    places: np.ndarray,
    counts: np.ndarray,
    first: np.ndarray,
    raster: np.ndarray,
) -> None:
    """As :func:`.timing_numpy.run`."""
    c = constants
    counts[...], first[...] = 0, -1
    arguments: tuple[Any, ...] = (
        (c.n_e, c.n_i, c.steps, c.silence),
        *(np.array(x) for x in (c.rate, c.threshold, c.ahp, c.ahp_decay, c.nmda)),
        *(np.array(x) for x in (c.refractory, c.delay)),
        (c.ampa_decay, c.nmda_decay, c.gaba_decay, c.noise),
        *((p.begin, p.target, p.slot) for p in paths),
        *weights,
        circuit,
        forced,
        places,
        counts,
        first,
        raster,
    )
    _run(*arguments)


@numba.njit(cache=True)
def _luck(place, index):
    """The uniform number in (0, 1) of a place, SplitMix64 as in :mod:`..filters.counted`."""
    word = place + np.uint64(index + 1) * _GAMMA
    word = (word ^ (word >> np.uint64(30))) * _FIRST
    word = (word ^ (word >> np.uint64(27))) * _SECOND
    word = word ^ (word >> np.uint64(31))
    return (np.float64(word >> np.uint64(11)) + 0.5) * 2.0**-53


@numba.njit(cache=True)
def _deliver(s, j, path, weights, into, at):
    begin, target, slot = path
    for m in range(begin[s, j], begin[s, j + 1]):
        into[at + target[s, m]] += weights[s, slot[s, m]]


@numba.njit(cache=True)
def _run(
    sizes, rate, threshold, ahp, ahp_decay, nmda, refractory, delay, decays,
    path_ee, path_ei, path_ie, w_ee, w_ei, w_ie,
    circuit, forced, places, counts, first, raster,
):  # fmt: skip
    n_e, n_i, steps, silence = sizes
    ampa_decay, nmda_decay, gaba_decay, noise = decays
    n = n_e + n_i
    ring = max(delay[0], delay[1]) + 1
    v, fast, slow = np.empty(n), np.empty(n), np.empty(n)
    inhibited, after, arrived = np.empty(n), np.empty(n), np.empty(n)
    held = np.empty(n, np.int64)
    waiting = np.empty((ring, n), np.bool_)
    for b in range(len(circuit)):
        s, place, last = circuit[b], places[b], 0
        v[:] = REST
        for x in (fast, slow, inhibited, after):
            x[:] = 0.0
        held[:] = 0
        waiting[:] = False
        for t in range(steps):
            now = waiting[t % ring]
            for i in range(n):
                kind = 0 if i < n_e else 1
                spike = forced[b, i] == t
                if held[i] > 0:
                    held[i] -= 1
                    v[i] = REST
                else:
                    u = v[i]
                    drive = (
                        -(u - REST)
                        - (fast[i] + slow[i]) * u
                        - inhibited[i] * (u - GABA)
                        - after[i] * (u - AHP)
                    )
                    luck = _luck(place, t * n + i)
                    v[i] = u + rate[kind] * drive + noise * ((luck - 0.5) * _SPREAD)
                    spike = spike or v[i] >= threshold[kind]
                now[i] = spike
                after[i] = after[i] * ahp_decay[kind] + (ahp[kind] if spike else 0.0)
                inhibited[i] *= gaba_decay
                arrived[i] = 0.0
                if spike:
                    v[i] = REST
                    held[i] = refractory[kind]
                    counts[b, i] += 1
                    if first[b, i] < 0:
                        first[b, i] = t
                    if i < n_e:
                        last = t
                    if raster.size:
                        raster[b, t, i] = True
            if t - last >= silence:
                break
            sent = waiting[(t - delay[0]) % ring]
            for j in range(n_e):
                if sent[j]:
                    _deliver(s, j, path_ee, w_ee, arrived, 0)
                    _deliver(s, j, path_ei, w_ei, arrived, n_e)
            sent = waiting[(t - delay[1]) % ring]
            for j in range(n_i):
                if sent[n_e + j]:
                    _deliver(s, j, path_ie, w_ie, inhibited, 0)
            for i in range(n):
                fast[i] = fast[i] * ampa_decay + arrived[i]
                slow[i] = slow[i] * nmda_decay + nmda[0 if i < n_e else 1] * arrived[i]
