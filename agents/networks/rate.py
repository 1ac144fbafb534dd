"""Leaky rate units, their local gradient (RFLO, rate e-prop) and the exact one (BPTT).

====================  =======================================  ==================
symbol                meaning                                  shape
====================  =======================================  ==================
h                     activation                               (B, N)
r = tanh(h)           rate; the readout's feature              (B, N)
a                     leak per environment step, one a unit    (N,)
x                     input                                    (B, D)
====================  =======================================  ==================

``h[t] = (1 - a) h[t-1] + a (W_rec r[t-1] + W_in x[t] + bias + xi[t])``

The local rule keeps the path through a unit's own leak and cuts the one through other units:
Murray (2019), doi:10.7554/eLife.43299, eqs 5-6; Bellec et al. (2020),
doi:10.1038/s41467-020-17236-y, for the general form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

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

    n_state = 2  # h, r
    substeps = 1  # network steps an environment step

    @classmethod
    def create(
        cls,
        rng: np.random.Generator,
        n_inputs: int,
        n_units: int,
        tau: tuple[float, float],
        dtype: np.dtype,
    ) -> RateNetwork:
        """Draw the leaks 1/tau, tau log-uniform between the two values (environment steps)."""
        taus = spread_time_constants(rng, n_units, *tau)
        return cls(n_inputs, n_units, (1.0 / taus).astype(dtype), dtype)

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
        return tuple(np.zeros((n, self.n_units), self.dtype) for _ in range(self.n_state))

    def tape(self, n: int) -> Tape:
        """Record of a round: inputs and rates, (T, n, .)."""
        return Tape(x=((n, self.n_inputs), self.dtype), r=((n, self.n_units), self.dtype))

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
        drive -= h
        drive *= self.leak
        drive += h
        r = np.tanh(drive)
        if tape is not None:
            tape.row("x")[...] = x
            tape.row("r")[...] = r
            tape.advance()
        return r, (drive, r)

    def backward(
        self, parameters: Parameters, tape: Tape, feature_adjoint: np.ndarray, exact: bool = False
    ) -> Parameters:
        """Gradient of a loss whose direct dependence on r[t] is ``feature_adjoint`` (T, B, N).

        ``D[t] = phi'(h[t]) (L[t] + exact * W_rec^T delta[t+1]) + (1 - a) D[t+1]``, ``delta = a D``.
        ``exact=False`` is the local rule (e-prop, RFLO); ``exact=True`` is BPTT.
        """
        delta = self.adjoint(parameters, tape["r"], feature_adjoint, exact)
        return self.outer(tape, delta)

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
        flat = postsynaptic.reshape(-1, self.n_units)
        previous = r[:-1].reshape(-1, self.n_units)
        return {
            "W_in": flat.T @ transform(x.reshape(-1, self.n_inputs)),
            "W_rec": flat[len(r[0]) :].T @ transform(previous),  # r[-1] = 0 adds nothing
            "bias": flat.sum(0),
        }

    def adjoint(
        self, parameters: Parameters, r: np.ndarray, feature_adjoint: np.ndarray, exact: bool
    ) -> np.ndarray:
        """delta (T, B, N): derivative of the loss by the summed input of each unit and step."""
        delta = np.multiply(r, r)
        np.subtract(1.0, delta, out=delta)  # phi'
        carried = np.zeros_like(delta[0])
        keep = 1 - self.leak
        for t in range(len(r) - 1, -1, -1):
            signal = feature_adjoint[t]
            if exact and t + 1 < len(r):
                signal = signal + delta[t + 1] @ parameters["W_rec"]
            carried *= keep
            slope = delta[t]
            slope *= signal
            carried += slope
            np.multiply(carried, self.leak, out=slope)
        return delta

    def online_traces(self, n: int) -> RateTraces:
        return RateTraces(self, n)


class RateTraces:
    """Eligibility traces carried forward synapse by synapse, memory O(B N (N + D)).

    ``eligibility`` (B, N, D + N + 1) is ``phi'(h) e``; presynaptic order: inputs, units, bias.
    """

    def __init__(self, network: RateNetwork, n: int):
        self.leak = network.leak[None, :, None]
        width = network.n_inputs + network.n_units + 1
        self.activation = np.zeros((n, network.n_units, width), network.dtype)  # dh / dw
        self.eligibility = np.zeros_like(self.activation)
        self._previous = np.zeros((n, network.n_units), network.dtype)

    def step(self, tape: Tape) -> None:
        """Take in the last environment step of ``tape``."""
        x, r = tape["x"][-1], tape["r"][-1]
        presynaptic = np.concatenate([x, self._previous, np.ones((len(x), 1), r.dtype)], axis=1)
        self.activation *= 1 - self.leak
        self.activation += self.leak * presynaptic[:, None, :]
        np.multiply((1 - r**2)[:, :, None], self.activation, out=self.eligibility)
        self._previous = r.copy()
