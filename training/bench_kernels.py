"""Speed of the spiking kernels, as a share of what the machine's matrix product reaches.

Beside them stands the same update in torch (:mod:`.bench_torch`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np

from ..agents.kernels import spiking_kernels
from ..agents.networks import SpikingNetwork
from .bench_table import Columns
from .clock import measure, numerical_threads, threads_can_be_set
from .errors import UsageError
from .progress import Say

STEPS, COPIES, INPUTS = 500, 64, 40  # of 1 ms
UNITS = (100, 400, 1000)
INPUT_PROBABILITY = 0.05
ACTIVITY = (40.0, 60.0)  # Hz
_PRODUCT = 2000

#: (implementation, rule, threads); the numba kernel is serial and does e-prop alone.
VARIANTS = (
    ("numpy", "e-prop", 1),
    ("numpy", "e-prop", 2),
    ("numba", "e-prop", 1),
    ("torch", "e-prop", 1),
    ("numpy", "BPTT", 1),
    ("torch", "BPTT", 1),
)
IMPLEMENTATIONS = ("numpy", "numba", "torch")


@dataclass(frozen=True)
class KernelShare:
    """Forward pass and gradient of LIF + ALIF neurons against the float32 matrix product.

    Attributes:
        kernel: numpy, numba or torch.
        rule: e-prop or BPTT.
        threads: numerical threads, of the product too; times are CPU time where it is 1 and
            elapsed time elsewhere.
        units: number of neurons N.
        copies: number of columns B.
        activity: mean firing rate in Hz.
        update_ms: both passes over all copies, best of the repeats.
        step_ns: the same, shared among steps and copies.
        gflops: operations over that time: 4 N (N + inputs) T B, for BPTT 2 N N T B more.
        product_gflops: of a product of two 2000 x 2000 matrices, measured in the same run.
        share: gflops / product_gflops; above 1 where a kernel skips what silent neurons do not add.
        ratio: update_ms over that of our fastest kernel for the same rule on one thread; None
            where none was measured.
    """

    kernel: str
    rule: str
    threads: int
    units: int
    copies: int
    activity: float
    update_ms: float
    step_ns: float
    gflops: float
    product_gflops: float
    share: float
    ratio: float | None = None


COLUMNS = Columns[KernelShare](
    (
        ("kernel", 8, lambda one: one.kernel),
        ("rule", 8, lambda one: one.rule),
        ("threads", 9, lambda one: str(one.threads)),
        ("units", 7, lambda one: str(one.units)),
        ("activity", 10, lambda one: f"{one.activity:.0f} Hz"),
        ("update, ms", 12, lambda one: f"{one.update_ms:.4g}"),
        ("ns per step x trial", 21, lambda one: f"{one.step_ns:,.0f}"),
        ("Gflop/s", 9, lambda one: f"{one.gflops:.1f}"),
        ("product", 9, lambda one: f"{one.product_gflops:.1f}"),
        ("share", 8, lambda one: f"{one.share:.1%}"),
        ("time / ours", 13, lambda one: "-" if one.ratio is None else f"{one.ratio:.2f}"),
    )
)


class Workload:
    """One network with its input, forward and backward, with any implementation.

    After an update ``gradient`` holds the derivatives by recurrent (N, N) and input weights (N, D).
    """

    def __init__(self, units: int, copies: int, dtype: np.dtype | type = np.float32):
        rng = np.random.default_rng(0)
        self.network = SpikingNetwork.create(
            rng,
            INPUTS,
            units,
            substeps=1,
            adaptive_fraction=0.5,
            tau_membrane=(20, 20),
            tau_adaptation=(200, 200),
            tau_readout=20,
            threshold=1.0,
            adaptation_strength=1.8,
            dampening=0.3,
            dtype=np.dtype(dtype),
        )
        self.recurrent = self.network.initial_parameters(rng, 1.0, 1.0)["W_rec"]
        inputs = rng.random((STEPS, copies, INPUTS)) < INPUT_PROBABILITY
        self.inputs = inputs.astype(dtype)
        directions = rng.standard_normal((units, INPUTS)).astype(dtype)
        shape = (STEPS, copies, units)
        self.adjoint = rng.standard_normal(shape).astype(dtype)
        self.spikes = np.zeros(shape, np.uint8)
        self.slopes = np.zeros(shape, dtype)
        self.input_weights = self._awake(directions)
        self.gradient: tuple[np.ndarray, np.ndarray] | None = None

    def _awake(self, directions: np.ndarray) -> np.ndarray:
        """Input weights with which the neurons fire at the wanted rate, by bisection."""
        low, high = 0.0, 4.0
        for _ in range(20):
            gain = (low + high) / 2
            self.input_weights = directions * directions.dtype.type(gain)
            self.play()
            if ACTIVITY[0] <= self.activity <= ACTIVITY[1]:
                return self.input_weights
            low, high = (gain, high) if self.activity < ACTIVITY[0] else (low, gain)
        raise RuntimeError(f"no input gain makes the neurons fire at {ACTIVITY} Hz")

    @property
    def activity(self) -> float:
        return float(self.spikes.mean()) * 1000

    def operations(self, rule: str) -> float:
        _, copies, n = self.slopes.shape
        return (4.0 * n * (n + INPUTS) + (2.0 * n * n if rule == "BPTT" else 0.0)) * STEPS * copies

    def update(self, kernel: str, rule: str) -> Callable[[], None]:
        """Both passes of one implementation, to be called as often as one likes."""
        exact = rule == "BPTT"
        if kernel == "torch":
            from .bench_torch import TorchUpdate

            differentiate = TorchUpdate(
                self.network.constants,
                self.recurrent,
                self.input_weights,
                self.inputs,
                self.adjoint,
                exact=exact,
            )

            def update() -> None:
                self.gradient = differentiate()

            return update
        _, backward = spiking_kernels(kernel)
        flat = self.inputs.reshape(-1, INPUTS)

        def update() -> None:
            self.play(kernel)
            recurrent, drive = backward(
                self.network.constants,
                self.recurrent,
                self.spikes,
                self.slopes,
                1,
                self.adjoint,
                exact=exact,
            )
            self.gradient = recurrent, drive.reshape(-1, drive.shape[2]).T @ flat

        return update

    def play(self, kernel: str = "auto") -> None:
        """The forward pass; leaves ``spikes`` and ``slopes``."""
        current = self.inputs.reshape(-1, INPUTS) @ self.input_weights.T
        state = self.network.initial_state(self.slopes.shape[1])
        forward, _ = spiking_kernels(kernel)
        forward(
            self.network.constants,
            self.recurrent,
            current.reshape(self.slopes.shape),
            1,
            state,
            self.spikes,
            self.slopes,
        )


def kernel_share(
    units: Sequence[int] = UNITS,
    kernels: Sequence[str] | None = None,
    *,
    copies: int = COPIES,
    threads: Sequence[int] = (1, 2),
    seconds: float = 1.0,
    repeats: int = 3,
    say: Say = print,
) -> list[KernelShare]:
    """Measure updates of 500 steps with 40 inputs.

    Args:
        units: network sizes.
        kernels: of numpy, numba and torch; those that are installed, if not given.
        copies: columns.
        threads: 1, and 2 for the kernel that can use them.
        seconds: of one repeat.
        repeats: of each measurement; the best counts, of the product too.
        say: where the table goes.
    """
    if not units or min(copies, repeats, *units) < 1 or seconds <= 0:
        raise UsageError("units, copies and repeats must be 1 or more, seconds above 0.")
    if kernels is None:
        kernels = [name for name in IMPLEMENTATIONS if find_spec(name) is not None]
        for name in IMPLEMENTATIONS:
            if name not in kernels:
                say(f"{name}: skipped, it is not installed")
    if max(threads) > 1 and not threads_can_be_set():
        say("2 threads: skipped, setting their number needs threadpoolctl")
        threads = (1,)
    say(
        f"LIF + ALIF, forward and gradient, {STEPS} steps, {_copies(copies)}, {INPUTS} inputs at "
        f"{INPUT_PROBABILITY:.0%}, float32; product of {_PRODUCT} x {_PRODUCT} matrices"
    )
    say(COLUMNS.heading)
    product = matrix_product()
    found: list[KernelShare] = []
    for size in units:
        with numerical_threads(1):
            work = Workload(size, copies)
        rows = [
            _measure(work, kernel, rule, number, product, seconds, repeats)
            for kernel, rule, number in VARIANTS
            if kernel in kernels and number in threads
        ]
        for row in _with_ratios(rows):
            found.append(row)
            say(COLUMNS.line(row))
    return found


def _measure(
    work: Workload,
    kernel: str,
    rule: str,
    threads: int,
    product: Callable[[], float],
    seconds: float,
    repeats: int,
) -> KernelShare:
    """The two by turns, so that a machine that slows down slows both."""
    update = work.update(kernel, rule)

    def counted() -> float:
        update()
        return 1.0

    with ExitStack() as limits:
        limits.enter_context(numerical_threads(threads))
        if kernel == "torch":
            from .bench_torch import torch_threads

            limits.enter_context(torch_threads(threads))
        counted()  # compile
        clock = time.process_time if threads == 1 else time.perf_counter
        rates = [
            [measure(each, seconds, 1, clock).best for each in (counted, product)]
            for _ in range(repeats)
        ]
    updates, whole = np.max(rates, axis=0).tolist()
    _, copies, units = work.slopes.shape
    ours = work.operations(rule) * updates
    return KernelShare(
        kernel=kernel,
        rule=rule,
        threads=threads,
        units=units,
        copies=copies,
        activity=work.activity,
        update_ms=1e3 / updates,
        step_ns=1e9 / (updates * STEPS * copies),
        gflops=ours / 1e9,
        product_gflops=whole / 1e9,
        share=ours / whole,
    )


def _with_ratios(rows: Sequence[KernelShare]) -> list[KernelShare]:
    """Rows of one size, with their times over our fastest."""
    ours: dict[str, float] = {}
    for row in rows:
        if row.kernel != "torch" and row.threads == 1:
            ours[row.rule] = min(row.update_ms, ours.get(row.rule, np.inf))
    return [
        replace(row, ratio=row.update_ms / ours[row.rule]) if row.rule in ours else row
        for row in rows
    ]


def _copies(number: int) -> str:
    return "one copy" if number == 1 else f"{number} copies"


def matrix_product() -> Callable[[], float]:
    """Work whose rate is the machine's: a product of two float32 matrices; returns operations."""
    a = np.random.default_rng(0).standard_normal((_PRODUCT, _PRODUCT), dtype=np.float32)
    out = np.empty_like(a)

    def work() -> float:
        np.matmul(a, a, out=out)
        return 2.0 * _PRODUCT**3

    work()
    return work
