"""Speed of timing circuits: simulated seconds per CPU-second, beside Brian2 on the same circuit."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..agents.kernels.timing_numpy import AHP, GABA, REST, Paths
from ..agents.stable_timing import PRECISE, TimingCircuit
from .bench_table import Columns, made_on
from .clock import Rate, measure, one_thread
from .docs_page import replace_section
from .errors import UsageError
from .progress import Say
from .runs import check_writable, write_json

COPIES = (1, 16, 128)
MODES = {"numpy": "Brian2, numpy", "cython": "Brian2, cython", "standalone": "Brian2, C++ alone"}
TRIALS = 800  # after which the circuit's neurons all fire
#: Simulated ms of a Brian2 run, of all copies together; the slow mode does a tenth.
BRIAN_MS = 40_000
_SCRIPT = Path(__file__).with_name("brian_timing.py")
_LIMIT = 1200.0  # seconds after which a Brian2 run has failed


@dataclass(frozen=True)
class TimingSpeed:
    """One simulator with so many circuits at a time.

    Attributes:
        name: of the simulator.
        copies: circuits (columns) side by side.
        rate: simulated seconds, of all copies together, per CPU-second; None: it did not run.
        spikes: of an E and of an I neuron a trial.
        note: version, or why it did not run.
    """

    name: str
    copies: int
    rate: Rate | None
    spikes: tuple[float, float] | None
    note: str


COLUMNS: Columns[TimingSpeed] = Columns(
    (
        ("simulator", 20, lambda one: one.name),
        ("circuits", 10, lambda one: f"{one.copies:,}"),
        ("simulated s per CPU-s", 26, lambda one: _rate(one.rate)),
        ("ms a trial", 12, lambda one: _trial_ms(one.rate)),
        ("spikes E", 10, lambda one: _spikes(one.spikes, 0)),
        ("spikes I", 10, lambda one: _spikes(one.spikes, 1)),
        ("version", 24, lambda one: one.note),
    )
)


def bench_timing(
    copies: Sequence[int] = COPIES,
    *,
    brian: str | Path | None = None,
    modes: Sequence[str] = tuple(MODES),
    trials: int = TRIALS,
    seconds: float = 1.0,
    repeats: int = 3,
    json_file: str | Path | None = None,
    docs: str | Path | None = None,
    say: Say = print,
) -> list[TimingSpeed]:
    """Measure whole trials of a developed circuit, with its weights as they are.

    Args:
        copies: how many columns at a time.
        brian: a Python in which Brian2 is installed; none: rows say that it is missing.
        modes: of Brian2: numpy, cython, standalone.
        trials: of development before.
        seconds: CPU time of one repeat.
        repeats: of each measurement.
        json_file: also write the result here.
        docs: also write the section of the page ``speed.md`` in this folder.
        say: where the table goes.

    Raises:
        UsageError: no copies, time, or repeats; unknown modes.
    """
    if not copies or min(copies) < 1:
        raise UsageError(f"copies={list(copies)} must be whole numbers from 1.")
    if repeats < 1 or seconds <= 0:
        raise UsageError(f"repeats={repeats} must be 1 or more and seconds={seconds} above 0.")
    for mode in modes:
        if mode not in MODES:
            raise UsageError(f"Mode {mode!r} is unknown: choose among {', '.join(MODES)}.")
    if brian is not None and shutil.which(brian) is None:
        raise UsageError(f"brian={str(brian)!r} is no program: name a Python that has Brian2.")
    page = None if docs is None else Path(docs) / "speed.md"
    check_writable(json_file, page)
    # Trials of full length, so that all simulators do the same.
    settings = replace(PRECISE, silence=PRECISE.trial)
    state = TimingCircuit(seed=1).develop(trials).get_state()
    say("simulated seconds (times circuits) per CPU-second: best of the repeats (median)")
    say(COLUMNS.heading)
    found: list[TimingSpeed] = []

    def add(one: TimingSpeed) -> None:
        found.append(one)
        say(COLUMNS.line(one))

    with one_thread():
        for kernel in ("numpy", *(("numba",) if find_spec("numba") else ())):
            circuit = TimingCircuit(settings, seed=1, kernel=kernel)
            circuit.set_state(state)
            for n in copies:
                add(_bench(circuit, kernel, n, seconds, repeats))
    circuit = TimingCircuit(settings, seed=1)
    circuit.set_state(state)
    for mode in modes:
        for n in copies:
            add(_bench_brian(circuit, brian, mode, n, repeats))
    if json_file is not None:
        write_json(Path(json_file), [asdict(speed) for speed in found])
    if page is not None:
        replace_section(page, "bench-timing", _section(found, seconds, repeats), title="Speed")
    return found


def _bench(
    circuit: TimingCircuit, kernel: str, n: int, seconds: float, repeats: int
) -> TimingSpeed:
    circuit.test(1)  # compiles
    number, spikes = 0, []

    def work() -> float:
        nonlocal number
        numbers = np.arange(number, number + n)
        own = np.zeros(n, int)
        counts = circuit.run(own, own, circuit.seeds[own], numbers).counts
        spikes.append(_means(circuit, counts))
        number += n
        return n * circuit.settings.trial / 1000

    rate = measure(work, seconds, repeats)
    e, i = np.mean(spikes, axis=0)
    return TimingSpeed(kernel, n, rate, (float(e), float(i)), _version(kernel))


def _means(circuit: TimingCircuit, counts: np.ndarray) -> tuple[float, float]:
    n_e = circuit.settings.n_e
    return counts[:, :n_e].mean(), counts[:, n_e:].mean()


def _bench_brian(
    circuit: TimingCircuit, python: str | Path | None, mode: str, n: int, repeats: int
) -> TimingSpeed:
    name = MODES[mode]
    if python is None:
        return TimingSpeed(name, n, None, None, "Brian2 missing")
    share = 0.1 if mode == "numpy" else 1.0
    trials = max(2, round(share * BRIAN_MS / circuit.settings.trial / n))
    simulated = n * trials * circuit.settings.trial / 1000
    answer = _ask_brian(python, circuit, (mode, n, trials, repeats))
    if isinstance(answer, str):
        return TimingSpeed(name, n, None, None, f"failed: {answer}")
    rates = [simulated / seconds for seconds in answer["seconds"]]
    rate = Rate(max(rates), float(np.median(rates)))
    e, i = answer["spikes"]
    return TimingSpeed(name, n, rate, (e, i), answer["version"])


def _ask_brian(
    python: str | Path, circuit: TimingCircuit, how: Sequence[object]
) -> dict[str, Any] | str:
    """What the script found, or why it found nothing."""
    with tempfile.TemporaryDirectory() as folder:
        network, result = Path(folder) / "network.npz", Path(folder) / "result.json"
        np.savez(network, **_as_arrays(circuit))
        command = [str(part) for part in (python, _SCRIPT, network, result, *how)]
        try:
            subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT, check=True)
        except subprocess.CalledProcessError as error:
            return (error.stderr.strip().splitlines() or ["no message"])[-1]
        except subprocess.TimeoutExpired:
            return f"not done after {_LIMIT:g} s"
        return json.loads(result.read_text("utf-8"))


def _as_arrays(circuit: TimingCircuit) -> dict[str, Any]:
    """A circuit as :mod:`.brian_timing` takes it, times in ms."""
    s, c = circuit.settings, circuit.constants
    weights = (circuit.weights_ee, circuit.weights_ei, circuit.weights_ie)
    found: dict[str, Any] = {
        "dt": s.dt,
        "trial": s.trial,
        "rest": REST,
        "gaba": GABA,
        "ahp": AHP,
        "sigma": s.sigma,
        "neurons": [s.n_e, s.n_i],
        "tau": [s.tau_e, s.tau_i],
        "threshold": [s.threshold_e, s.threshold_i],
        "h": c.ahp,
        "tau_h": [_euler(decay, s.dt) for decay in c.ahp_decay],
        # Brian2 lets a neuron go in the step in which the time is over, we in the one after.
        "refractory": [(steps + 1) * s.dt for steps in c.refractory],
        "nmda": c.nmda,
        "delay": [steps * s.dt for steps in c.delay],
    }
    for name, decay in (("a", c.ampa_decay), ("n", c.nmda_decay), ("g", c.gaba_decay)):
        found[f"tau_{name}"] = _euler(decay, s.dt)
    for path, paths, w in zip(("ee", "ei", "ie"), circuit.paths, weights, strict=True):
        found |= _synapses(path, paths, w)
    # The same course of the stimulus in every trial: its jitter is far below that of the answers.
    forced = np.flatnonzero(circuit.stimulated[0, 0])
    onset = np.random.default_rng(0).normal(s.stimulus, s.jitter, len(forced))
    found["forced_kind"] = (forced >= s.n_e).astype(int)
    found["forced_neuron"] = np.where(forced >= s.n_e, forced - s.n_e, forced)
    found["forced_time"] = np.maximum(np.rint(onset / s.dt), 1) * s.dt
    return found


def _euler(decay: float, dt: float) -> float:
    """Time constant with which an Euler step leaves ``decay``."""
    return dt / (1 - decay)


def _synapses(path: str, paths: Paths, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Pre- and postsynaptic neuron and weight of the first circuit's synapses."""
    return {
        f"{path}_from": np.repeat(np.arange(paths.begin.shape[1] - 1), np.diff(paths.begin[0])),
        f"{path}_to": paths.target[0],
        f"{path}_w": weights[0].ravel()[paths.slot[0]],
    }


def _version(kernel: str) -> str:
    if kernel == "numpy":
        return np.__version__
    import numba

    return numba.__version__


def _rate(rate: Rate | None) -> str:
    return "-" if rate is None else f"{rate.best:,.3g} ({rate.median:,.3g})"


def _trial_ms(rate: Rate | None) -> str:
    return "-" if rate is None else f"{PRECISE.trial / rate.best:,.3g}"


def _spikes(spikes: tuple[float, float] | None, kind: int) -> str:
    return "-" if spikes is None else f"{spikes[kind]:.2f}"


def _section(found: Sequence[TimingSpeed], seconds: float, repeats: int) -> str:
    ours = ("numpy", "numba")
    option = "" if all(one.name in ours for one in found if one.rate) else " --brian PYTHON"
    return f"""## Timing circuits

Made by `caudate bench timing --seconds {seconds:g}{option} --docs docs`. Simulated
seconds, of all circuits together, per CPU-second on one thread: the best of {repeats} repeats, in
brackets their median. A developed circuit of {PRECISE.n_e} + {PRECISE.n_i} neurons runs trials of
{PRECISE.trial:g} ms with a step of {PRECISE.dt:g} ms, alone or in as many columns as *circuits*
says; *ms a trial* is the CPU time of a trial of one of them. Brian2 has the same wiring, weights,
equations and step; its noise is Gaussian, ours uniform. What it compiles is not counted, the start
of a C++ program is. *Spikes* are those of a neuron a trial: equal ones mean that the simulators did
the same.

{made_on()}

{COLUMNS.markdown(found)}"""
