"""Leaky rate units, their local gradient (RFLO, rate e-prop) and the exact one (BPTT).

====================  =======================================  ==================
symbol                meaning                                  shape
====================  =======================================  ==================
h                     leaky state                              (B, N)
r                     activity, passed on and read out         (B, N)
a                     leak per environment step, one a unit    (N,)
x                     input                                    (B, D)
u                     W_rec r[t-1] + W_in x[t] + bias + xi[t]  (B, N)
====================  =======================================  ==================

The nonlinearity stands on the state or on the input::

    h[t] = (1 - a) h[t-1] + a u[t]          r[t] = tanh(h[t])    (nonlinearity "state")
    h[t] = (1 - a) h[t-1] + a tanh(u[t])    r[t] = h[t]          (nonlinearity "input")

The local rule keeps the path through a unit's own leak and cuts the one through other units:
Murray (2019), doi:10.7554/eLife.43299, eqs 1-2 (the second form) and 5-6; Bellec et al. (2020),
doi:10.1038/s41467-020-17236-y, for the general form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..kernels import FEW_COLUMNS, rate_kernels
from ..kernels.rate_numpy import INPUT
from ..tape import Tape

RateTape = Tape
Parameters = dict[str, np.ndarray]

#: xi (B, N) to add to the summed inputs of network step k, given the activity (B, N) that the
#: recurrent weights pass on in that step.
Perturb = Callable[[np.ndarray, int], np.ndarray]


def spread_time_constants(rng: np.random.Generator, n: int, low: float, high: float) -> np.ndarray:
    """n time constants, log-uniform in [low, high]; evenly spaced quantiles in random order."""
    quantiles = (np.arange(n) + 0.5) / n
    return low * (high / low) ** rng.permutation(quantiles)


@dataclass(frozen=True)
class RateNetwork:
    """N leaky tanh units; ``leak`` (N,) per environment step. Parameters live outside."""

    n_inputs: int
    n_units: int
    leak: np.ndarray
    dtype: np.dtype
    nonlinearity: str = "state"
    initial_activity: float = 0.0
    kernel: str = "auto"

    n_state = 2  # h, r
    substeps = 1  # network steps an environment step
    self_connections = True

    @classmethod
    def create(
        cls,
        rng: np.random.Generator,
        n_inputs: int,
        n_units: int,
        tau: tuple[float, float],
        dtype: np.dtype,
        nonlinearity: str = "state",
        initial_activity: float = 0.0,
        kernel: str = "auto",
    ) -> RateNetwork:
        """Draw the leaks 1/tau, tau log-uniform between the two values (environment steps).

        ``initial_activity`` is r of every unit at the start of an episode.
        """
        leak = (1.0 / spread_time_constants(rng, n_units, *tau)).astype(dtype)
        return cls(n_inputs, n_units, leak, dtype, nonlinearity, initial_activity, kernel)

    def initial_parameters(
        self, rng: np.random.Generator, recurrent_gain: float, input_gain: float
    ) -> Parameters:
        n, d = self.n_units, self.n_inputs
        return {
            "W_in": (input_gain * rng.standard_normal((n, d))).astype(self.dtype),
            "W_rec": (recurrent_gain / np.sqrt(n) * rng.standard_normal((n, n))).astype(self.dtype),
            "bias": np.zeros(n, self.dtype),
        }

    def input_unit(self) -> np.ndarray:
        """What an input weight of gain 1 is for each unit, (N,)."""
        return np.ones(self.n_units)

    def get_constants(self) -> Parameters:
        """Fixed per-unit numbers that were drawn, for checkpoints."""
        return {"leak": self.leak.copy()}

    def set_constants(self, constants: Parameters) -> None:
        self.leak[...] = constants["leak"]

    def initial_state(self, n: int) -> tuple[np.ndarray, ...]:
        r = np.full((n, self.n_units), self.initial_activity, self.dtype)
        return (r.copy() if self._on_input else np.arctanh(r)), r

    def presynaptic(self, state: tuple[np.ndarray, ...]) -> np.ndarray:
        """The activity (B, N) in ``state`` that recurrent weights pass on in the next step."""
        return state[1]

    def tape(self, n: int) -> Tape:
        """Record of a round: inputs and activity, (T, n, .); s: what the nonlinearity returned."""
        units = ((n, self.n_units), self.dtype)
        fields = {"x": ((n, self.n_inputs), self.dtype), "r": units}
        return Tape(**fields, s=units) if self._on_input else Tape(**fields)

    def step(
        self,
        parameters: Parameters,
        state: tuple[np.ndarray, ...],
        x: np.ndarray,
        tape: Tape | None = None,
        perturb: Perturb | None = None,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """One environment step; ``perturb`` says what is added to the summed inputs.

        Returns the features r (B, N) and the new state.
        """
        h, r = state
        drive = r @ parameters["W_rec"].T
        drive += x @ parameters["W_in"].T
        drive += parameters["bias"]
        if perturb is not None:
            drive += perturb(r, 0)
        if self._on_input:
            np.tanh(drive, out=drive)
            if tape is not None:
                tape.row("s")[...] = drive
        drive -= h
        drive *= self.leak
        drive += h
        r = drive if self._on_input else np.tanh(drive)
        if tape is not None:
            tape.row("x")[...] = x
            tape.row("r")[...] = r
            tape.advance()
        return r, (drive, r)

    def run(
        self, parameters: Parameters, state: tuple[np.ndarray, ...], x: np.ndarray, tape: Tape
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Many environment steps whose inputs (T, B, D) are known; onto the tape.

        Returns the features (T, B, N), a view of the tape, and the state.
        """
        steps, n = x.shape[:2]
        drive = x.reshape(steps * n, -1) @ parameters["W_in"].T
        drive += parameters["bias"]
        tape.rows("x", steps)[...] = x
        r = tape.rows("r", steps)
        s = tape.rows("s", steps) if self._on_input else r
        state = tuple(part.copy() for part in state)
        forward, _ = rate_kernels(self.kernel, n <= FEW_COLUMNS)
        drive = drive.reshape(steps, n, self.n_units)
        forward(self.nonlinearity, self.leak, parameters["W_rec"], drive, state, r, s)
        tape.advance(steps)
        return r, state

    def backward(
        self,
        parameters: Parameters,
        tape: Tape,
        feature_adjoint: np.ndarray,
        exact: bool = False,
    ) -> Parameters:
        """Gradient of a loss whose direct dependence on r[t] is ``feature_adjoint`` (T, B, N).

        ``exact=False`` is the local rule (e-prop, RFLO); ``exact=True`` is BPTT.
        """
        return self.outer(tape, self.adjoint(parameters, tape, feature_adjoint, exact))

    def adjoint(
        self, parameters: Parameters, tape: Tape, feature_adjoint: np.ndarray, exact: bool = False
    ) -> np.ndarray:
        """delta (T, B, N): derivative of the loss by the summed input of each unit and step."""
        s = tape["s" if self._on_input else "r"]
        _, adjoint = rate_kernels(self.kernel, s.shape[1] <= FEW_COLUMNS)
        return adjoint(self.nonlinearity, self.leak, parameters["W_rec"], s, feature_adjoint, exact)

    def outer(
        self,
        tape: Tape,
        postsynaptic: np.ndarray,
        transform: Callable[[np.ndarray], np.ndarray] = np.asarray,
    ) -> Parameters:
        """Postsynaptic times presynaptic, summed over steps and columns, for each weight.

        ``postsynaptic`` (T, B, N) or (T, 1, B, N); ``transform`` is applied to what is presynaptic.
        """
        r, x = tape["r"], tape["x"]
        n = len(r[0])
        flat = postsynaptic.reshape(-1, self.n_units)
        recurrent = flat[n:].T @ transform(r[:-1].reshape(-1, self.n_units))
        before = self._before(tape, n)
        if before is not None:
            recurrent += flat[:n].T @ transform(before)
        return {
            "W_in": flat.T @ transform(x.reshape(-1, self.n_inputs)),
            "W_rec": recurrent,
            "bias": flat.sum(0),
        }

    def _before(self, tape: Tape, n: int) -> np.ndarray | None:
        """Activity before the first step, None if it adds nothing."""
        if tape.before is None and self.initial_activity:
            return self.initial_state(n)[1]
        return tape.before

    @property
    def _on_input(self) -> bool:
        return self.nonlinearity == INPUT

    def online_traces(self, n: int) -> RateTraces:
        return RateTraces(self, n)


class RateTraces:
    """Eligibility traces carried forward synapse by synapse, memory O(B N (N + D)).

    ``eligibility`` (B, N, D + N + 1) is dr/dw by local paths; presynaptic order: inputs, units,
    bias.
    """

    def __init__(self, network: RateNetwork, n: int):
        self.leak = network.leak[None, :, None]
        self.on_input = network._on_input
        width = network.n_inputs + network.n_units + 1
        self.activation = np.zeros((n, network.n_units, width), network.dtype)  # dh / dw
        self.eligibility = self.activation if self.on_input else np.zeros_like(self.activation)
        self._previous = network.initial_state(n)[1]

    def step(self, tape: Tape) -> None:
        """Take in the last environment step of ``tape``."""
        x, r = tape["x"][-1], tape["r"][-1]
        presynaptic = np.concatenate([x, self._previous, np.ones((len(x), 1), r.dtype)], axis=1)
        s = tape["s"][-1] if self.on_input else r
        slope = (1 - s**2)[:, :, None]
        self.activation *= 1 - self.leak
        gain = self.leak * slope if self.on_input else self.leak
        self.activation += gain * presynaptic[:, None, :]
        if not self.on_input:
            np.multiply(slope, self.activation, out=self.eligibility)
        self._previous = r.copy()
