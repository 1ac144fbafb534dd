"""Speed of online e-prop, as a share of what the machine's memory reaches.

Traces carried forward do a few operations for each number that they read and write, so memory sets
the pace once they do not fit into the caches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np

from ..agents.online import OnlineGradient, Signals
from ..agents.tape import Tape
from .bench_kernels import INPUTS, Workload
from .bench_table import Columns
from .clock import measure, one_thread
from .errors import UsageError
from .progress import Say

SIZES = ((100, 1), (100, 64), (400, 1), (400, 8), (400, 64))  # neurons, copies
OUTPUTS = 3  # two actions and a value
PARTS = ("traces", "whole step")
_STEPS = 20  # of the played trial
_LARGE = 2**25  # numbers, 128 MB


@dataclass(frozen=True)
class TraceSpeed:
    """A step of online e-prop of LIF + ALIF neurons against copying memory.

    Attributes:
        kernel: numpy or numba.
        part: the eligibility traces alone, or the whole step of learning: reward meets credit,
            traces go on, actions are credited (for the readout too), spikes are counted.
        units: number of neurons N.
        copies: number of columns B.
        step_us: one step of all copies, best of the repeats.
        synapse_ns: the same, shared among copies and synapses, N (N + inputs + 1).
        moved: GB/s of what a step must move: presynaptic, eligibility and credit traces and, of
            adaptive neurons, adaptation are read and written, sums of unfiltered eligibility
            written.
        copied: GB/s, read and written, of copying 2^25 float32 numbers in the same run.
        copied_here: the same with one array of the traces' size, which may fit into a cache.
        share: moved / copied.
    """

    kernel: str
    part: str
    units: int
    copies: int
    step_us: float
    synapse_ns: float
    moved: float
    copied: float
    copied_here: float
    share: float


COLUMNS = Columns[TraceSpeed](
    (
        ("kernel", 8, lambda one: one.kernel),
        ("part", 12, lambda one: one.part),
        ("units", 7, lambda one: str(one.units)),
        ("copies", 8, lambda one: str(one.copies)),
        ("step, us", 11, lambda one: f"{one.step_us:,.1f}"),
        ("ns per synapse", 16, lambda one: f"{one.synapse_ns:.2f}"),
        ("GB/s", 8, lambda one: f"{one.moved:.1f}"),
        ("copy", 8, lambda one: f"{one.copied:.1f}"),
        ("copy, this size", 17, lambda one: f"{one.copied_here:.1f}"),
        ("share", 8, lambda one: f"{one.share:.0%}"),
    )
)


def trace_speed(
    sizes: Sequence[tuple[int, int]] = SIZES,
    kernels: Sequence[str] | None = None,
    *,
    seconds: float = 1.0,
    repeats: int = 3,
    say: Say = print,
) -> list[TraceSpeed]:
    """Measure online e-prop on steps of the kernels' workload, one network step each.

    Args:
        sizes: neurons and copies.
        kernels: numpy, numba; both where numba is installed, if not given.
        seconds: CPU time of one repeat.
        repeats: of each measurement; the best counts, of the copies too.
        say: where the table goes.
    """
    if not sizes or min(repeats, *map(min, sizes)) < 1 or seconds <= 0:
        raise UsageError("neurons, copies and repeats must be 1 or more, seconds above 0.")
    if kernels is None:
        kernels = ("numpy", "numba") if find_spec("numba") else ("numpy",)
    found = []
    with one_thread() as threads:
        say(f"online e-prop, LIF + ALIF, {INPUTS} inputs, float32, {threads}")
        say(COLUMNS.heading)
        large = copying(_LARGE)
        for units, copies in sizes:
            played = Workload(units, copies)
            for kernel in kernels:
                for part in PARTS:
                    found.append(_measure(played, kernel, part, large, seconds, repeats))
                    say(COLUMNS.line(found[-1]))
    return found


def _measure(
    played: Workload,
    kernel: str,
    part: str,
    large: Callable[[], float],
    seconds: float,
    repeats: int,
) -> TraceSpeed:
    """Steps and copies by turns, so that a machine that slows down slows all."""
    network = replace(played.network, kernel=kernel)
    online = OnlineGradient(network, played.slopes.shape[1], OUTPUTS, 0)
    work = _steps(online, played, part)
    work()  # compile
    works = work, copying(online.traces.eligibility.size), large
    rates = [[measure(each, seconds, 1).best for each in works] for _ in range(repeats)]
    steps, here, copied = np.max(rates, axis=0).tolist()
    moved = steps * online.credit.nbytes * _trips(played, part)
    copies, units, _ = online.credit.shape
    return TraceSpeed(
        kernel=kernel,
        part=part,
        units=units,
        copies=copies,
        step_us=1e6 / steps,
        synapse_ns=1e9 / (steps * online.credit.size),
        moved=moved / 1e9,
        copied=copied / 1e9,
        copied_here=here / 1e9,
        share=moved / copied,
    )


def _steps(online: OnlineGradient, played: Workload, part: str) -> Callable[[], float]:
    """Work that takes the traces over some steps of the trial and returns how many."""
    tapes = [_one_step(played, t) for t in range(100, 100 + _STEPS)]
    rng = np.random.default_rng(0)
    copies, units, _ = online.credit.shape
    signal = rng.standard_normal((copies, OUTPUTS)).astype(np.float32)
    nothing = np.zeros((copies, 0), np.float32)
    signals = Signals(signal, signal, nothing, nothing)
    features = rng.standard_normal((copies, units)).astype(np.float32)
    feedback = rng.standard_normal((OUTPUTS, units)).astype(np.float32)
    modulator = rng.standard_normal(copies).astype(np.float32)
    alive = np.ones(copies, bool)

    def traces() -> float:
        for tape in tapes:
            online.traces.step(tape)
        return _STEPS

    def whole() -> float:
        for tape in tapes:
            online.reward(modulator)
            online.traces.step(tape)
            online.act(signals, features, feedback, 0.95)
            online.count_spikes(alive)
        return _STEPS

    return traces if part == "traces" else whole


def _one_step(played: Workload, t: int) -> Tape:
    tape = played.network.tape(played.slopes.shape[1])
    tape.row("x")[...] = played.inputs[t]
    tape.row("z")[...] = played.spikes[t]
    tape.row("psi")[...] = played.slopes[t]
    tape.advance()
    return tape


def _trips(played: Workload, part: str) -> float:
    """How many arrays of the traces' size are read or written in a step, each once."""
    adaptive = np.count_nonzero(played.network.constants.beta) / played.network.n_units
    return 5 + 2 * adaptive + (2 if part == "whole step" else 0)


def copying(numbers: int) -> Callable[[], float]:
    """Work whose rate is the memory's: copies of an array; returns bytes read and written."""
    source = np.ones(numbers, np.float32)
    target = np.zeros_like(source)
    times = max(1, 2**20 // numbers)

    def work() -> float:
        for _ in range(times):
            np.copyto(target, source)
        return 2.0 * source.nbytes * times

    work()
    return work
