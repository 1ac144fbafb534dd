"""Trials of a timing circuit in Brian2, for :mod:`.bench_timing`: run as a script, not imported.

    python brian_timing.py NETWORK.npz RESULT.json MODE COPIES TRIALS REPEATS

Needs NumPy and Brian2 alone, in any interpreter. The circuit comes as arrays; copies of it are
further neurons of the same groups, which are not connected. Trials follow one another in one run,
and what a trial left is set to zero where the next begins. The equations are those of
:mod:`caudate.agents.kernels.timing_numpy`. Brian2 takes Euler steps for all of them; where that
module lets conductances decay exponentially, the time constants given here are those with which an
Euler step leaves as much. Its noise is Gaussian, of the same SD.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time

import brian2 as b2
import numpy as np

EQUATIONS = """
dv/dt = (-(v - rest) - (g_a + g_n) * v - g_g * (v - gaba) - g_h * (v - ahp)) / tau
        + sigma * xi : 1 (unless refractory)
dg_a/dt = -g_a / tau_a : 1
dg_n/dt = -g_n / tau_n : 1
dg_g/dt = -g_g / tau_g : 1
dg_h/dt = -g_h / tau_h : 1
"""
_BLANK = "v = rest; g_a = 0; g_n = 0; g_g = 0; g_h = 0"


def build(given: dict[str, np.ndarray], copies: int, trials: int) -> tuple[b2.Network, list]:
    """The network, and its monitors of E and I spikes."""
    ms, trial = b2.ms, float(given["trial"])
    shared = {name: float(given[name]) for name in ("rest", "gaba", "ahp")}
    shared["sigma"] = float(given["sigma"]) / b2.ms**0.5
    for name in ("a", "n", "g"):
        shared[f"tau_{name}"] = float(given[f"tau_{name}"]) * ms
    groups, monitors, parts = [], [], []
    for which in range(2):
        own = {
            "tau": float(given["tau"][which]) * ms,
            "tau_h": float(given["tau_h"][which]) * ms,
            "threshold": float(given["threshold"][which]),
            "h": float(given["h"][which]),
        }
        group = b2.NeuronGroup(
            copies * int(given["neurons"][which]),
            EQUATIONS,
            threshold="v >= threshold",
            reset="v = rest; g_h += h",
            refractory=float(given["refractory"][which]) * ms,
            method="euler",
            namespace={**shared, **own},
        )
        group.v = shared["rest"]
        # Before the state is updated, in the step in which a trial begins.
        group.run_regularly(_BLANK, dt=trial * ms, when="start")
        groups.append(group)
        monitors.append(b2.SpikeMonitor(group, record=False))
    for path, (source, target) in {"ee": (0, 0), "ei": (0, 1), "ie": (1, 0)}.items():
        parts.append(_synapses(given, path, groups, source, target, copies))
    parts += _stimuli(given, groups, copies, trials)
    return b2.Network(groups, monitors, parts), monitors


def _synapses(
    given: dict[str, np.ndarray], path: str, groups: list, source: int, target: int, copies: int
) -> b2.Synapses:
    """All synapses of one path, of every copy."""
    change = "g_g_post += w" if source else "g_a_post += w; g_n_post += nmda * w"
    synapses = b2.Synapses(
        groups[source],
        groups[target],
        "w : 1",
        on_pre=change,
        namespace={"nmda": float(given["nmda"][target])},
    )
    shift = np.arange(copies)[:, None]
    synapses.connect(
        i=(given[f"{path}_from"] + shift * given["neurons"][source]).ravel(),
        j=(given[f"{path}_to"] + shift * given["neurons"][target]).ravel(),
    )
    synapses.w = np.tile(given[f"{path}_w"], copies)
    synapses.delay = float(given["delay"][source]) * b2.ms
    return synapses


def _stimuli(given: dict[str, np.ndarray], groups: list, copies: int, trials: int) -> list:
    """What makes neurons fire: their potential is put above threshold a step before."""
    found = []
    for which, group in enumerate(groups):
        own = given["forced_kind"] == which
        neurons, times = given["forced_neuron"][own], given["forced_time"][own]
        if not len(neurons):
            continue
        n, trial = int(given["neurons"][which]), float(given["trial"])
        index = (neurons + n * np.arange(copies)[:, None]).ravel()
        when = np.tile(times, copies) - float(given["dt"])
        at = (when + trial * np.arange(trials)[:, None]).ravel()
        generator = b2.SpikeGeneratorGroup(
            copies * n, np.tile(index, trials), at * b2.ms, sorted=False
        )
        push = b2.Synapses(generator, group, on_pre="v_post = 0")
        push.connect(i=index, j=index)
        found += [generator, push]
    return found


def _cpu() -> float:
    """CPU seconds of this process and of the ones that it has started and that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def standalone(given: dict[str, np.ndarray], copies: int, trials: int, repeats: int) -> tuple:
    """CPU seconds of runs of one program, its start among them, and the last one's spikes."""
    with tempfile.TemporaryDirectory() as folder:
        b2.set_device("cpp_standalone", build_on_run=False, directory=folder)
        net, monitors = build(given, copies, trials)
        net.run(trials * float(given["trial"]) * b2.ms)
        b2.device.build(directory=folder, compile=True, run=False)
        seconds = []
        for _ in range(repeats):
            begin = _cpu()
            b2.device.run(directory=folder, with_output=False)
            seconds.append(_cpu() - begin)
        return seconds, [int(monitor.num_spikes) for monitor in monitors]


def step_by_step(
    given: dict[str, np.ndarray], target: str, copies: int, trials: int, repeats: int
) -> tuple:
    """CPU seconds of runs from here, without what is compiled, and the last one's spikes."""
    b2.prefs.codegen.target = target
    net, monitors = build(given, copies, 1 + trials * repeats)
    length = float(given["trial"]) * b2.ms
    net.run(length)  # compiles
    seconds, before = [], [0, 0]
    for _ in range(repeats):
        before = [int(monitor.num_spikes) for monitor in monitors]
        begin = _cpu()
        net.run(trials * length)
        seconds.append(_cpu() - begin)
    return seconds, [int(m.num_spikes) - b for m, b in zip(monitors, before, strict=True)]


def main(network: str, result: str, mode: str, *numbers: str) -> None:
    """Write what the runs took and how many spikes an E and an I neuron had in a trial."""
    copies, trials, repeats = map(int, numbers)
    with np.load(network) as file:
        given = dict(file)
    b2.defaultclock.dt = float(given["dt"]) * b2.ms
    b2.seed(1)
    if mode == "standalone":
        seconds, spikes = standalone(given, copies, trials, repeats)
    else:
        seconds, spikes = step_by_step(given, mode, copies, trials, repeats)
    per_neuron = np.array(spikes) / (copies * trials * given["neurons"])
    found = {"seconds": seconds, "spikes": per_neuron.tolist(), "version": b2.__version__}
    with open(result, "w", encoding="utf-8") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
