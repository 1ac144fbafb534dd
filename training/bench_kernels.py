"""Speed of the spiking kernel, as a share of what the machine's matrix product reaches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from ..agents.kernels import spiking_kernels
from ..agents.networks import SpikingNetwork
from .clock import measure, one_thread
from .errors import UsageError
from .progress import Say

STEPS, COPIES, INPUTS = 500, 64, 40  # of 1 ms
INPUT_PROBABILITY = 0.05
ACTIVITY = (40.0, 60.0)  # Hz
_PRODUCT = 2000


@dataclass(frozen=True)
class KernelShare:
    """Forward pass and gradient of LIF + ALIF neurons against the float32 matrix product.

    Attributes:
        kernel: numpy or numba.
        units: number of neurons N.
        activity: mean firing rate in Hz.
        gflops: 4 N (N + inputs) T B operations over the time of both passes; best of the repeats.
        product_gflops: of a product of two 2000 x 2000 matrices, measured in the same run.
        share: gflops / product_gflops; above 1 where a kernel skips what silent neurons do not add.
    """

    kernel: str
    units: int
    activity: float
    gflops: float
    product_gflops: float
    share: float


class _Workload:
    """One network with its input, forward and backward."""

    def __init__(self, units: int, kernel: str):
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
            dtype=np.dtype(np.float32),
        )
        self.recurrent = self.network.initial_parameters(rng, 1.0, 1.0)["W_rec"]
        inputs = rng.random((STEPS, COPIES, INPUTS)) < INPUT_PROBABILITY
        self.inputs = inputs.astype(np.float32)
        self.directions = rng.standard_normal((units, INPUTS)).astype(np.float32)
        shape = (STEPS, COPIES, units)
        self.adjoint = rng.standard_normal(shape).astype(np.float32)
        self.spikes = np.zeros(shape, np.uint8)
        self.slopes = np.zeros(shape, np.float32)
        self.forward, self.backward = spiking_kernels(kernel)
        self.gain = self._gain()
        self.operations = 4.0 * units * (units + INPUTS) * STEPS * COPIES

    def _gain(self) -> float:
        """Input gain at which the neurons fire at the wanted rate, by bisection."""
        low, high = 0.0, 4.0
        for _ in range(20):
            self.gain = (low + high) / 2
            self._play()
            if ACTIVITY[0] <= self.activity <= ACTIVITY[1]:
                return self.gain
            low, high = (self.gain, high) if self.activity < ACTIVITY[0] else (low, self.gain)
        raise RuntimeError(f"no input gain makes the neurons fire at {ACTIVITY} Hz")

    @property
    def activity(self) -> float:
        return float(self.spikes.mean()) * 1000

    def _play(self) -> None:
        weights = self.gain * self.directions
        current = (self.inputs.reshape(-1, INPUTS) @ weights.T).reshape(self.slopes.shape)
        state = self.network.initial_state(COPIES)
        self.forward(
            self.network.constants, self.recurrent, current, 1, state, self.spikes, self.slopes
        )

    def __call__(self) -> float:
        """Both passes; returns the operations done."""
        self._play()
        constants = self.network.constants
        _, drive = self.backward(
            constants, self.recurrent, self.spikes, self.slopes, 1, self.adjoint
        )
        self.input_gradient = drive.reshape(-1, drive.shape[2]).T @ self.inputs.reshape(-1, INPUTS)
        return self.operations


def kernel_share(
    units: Sequence[int] = (100, 400),
    kernels: Sequence[str] | None = None,
    *,
    seconds: float = 1.0,
    repeats: int = 3,
    say: Say = print,
) -> list[KernelShare]:
    """Measure the kernels on 500 steps of 64 copies with 40 inputs, with one numerical thread.

    Args:
        units: network sizes.
        kernels: numpy, numba; both where numba is installed, if not given.
        seconds: CPU time of one repeat.
        repeats: of each measurement; the best counts, of the product too.
        say: where the table goes.
    """
    if repeats < 1 or seconds <= 0 or min(units, default=0) < 1:
        raise UsageError("units and repeats must be 1 or more, seconds above 0.")
    if kernels is None:
        kernels = ("numpy", "numba") if find_spec("numba") else ("numpy",)
    found = []
    with one_thread() as threads:
        say(
            f"LIF + ALIF kernel, forward and gradient, {STEPS} steps, {COPIES} copies, {INPUTS} "
            f"inputs at {INPUT_PROBABILITY:.0%}, float32, {threads}"
        )
        say(
            f"{'kernel':<8}{'units':>6}{'activity':>12}{'Gflop/s':>10}"
            f"{f'product {_PRODUCT}':>15}{'share':>8}"
        )
        product = matrix_product()
        for size in units:
            for kernel in kernels:
                found.append(_measure(kernel, size, product, seconds, repeats))
                say(_line(found[-1]))
    return found


def _measure(
    kernel: str, units: int, product: Callable[[], float], seconds: float, repeats: int
) -> KernelShare:
    """The two by turns, so that a machine that slows down slows both."""
    work = _Workload(units, kernel)
    work()  # compile
    rates = [
        (measure(work, seconds, 1).best, measure(product, seconds, 1).best) for _ in range(repeats)
    ]
    ours, whole = np.max(rates, axis=0).tolist()
    return KernelShare(kernel, units, work.activity, ours / 1e9, whole / 1e9, ours / whole)


def matrix_product() -> Callable[[], float]:
    """Work whose rate is the machine's: a product of two float32 matrices; returns operations."""
    a = np.random.default_rng(0).standard_normal((_PRODUCT, _PRODUCT), dtype=np.float32)
    out = np.empty_like(a)

    def work() -> float:
        np.matmul(a, a, out=out)
        return 2.0 * _PRODUCT**3

    work()
    return work


def _line(share: KernelShare) -> str:
    return (
        f"{share.kernel:<8}{share.units:>6}{f'{share.activity:.0f} Hz':>12}"
        f"{share.gflops:>10.1f}{share.product_gflops:>15.1f}{share.share:>8.1%}"
    )
