"""Leaky integrate-and-fire neurons, some with adaptive thresholds (LIF + ALIF = LSNN).

========  =====================================================  =========
symbol    meaning                                                shape
========  =====================================================  =========
v         membrane potential                                     (B, N)
a         adaptation; threshold A = v_th + beta a                (B, N)
z         spike (0 or 1) of the last network step                (B, N)
f         spikes filtered by the readout's decay                 (B, N)
alpha     membrane decay a network step                          (N,)
rho       adaptation decay a network step                        (N,)
beta      adaptation strength, 0 for LIF                         (N,)
kappa     readout decay a network step                           scalar
c_out     gain of the features c_out f: 1, or 1 - kappa          scalar
========  =====================================================  =========

One environment step is K network steps with the input current held. Order inside a network step and
all gradients: Bellec et al. (2020), doi:10.1038/s41467-020-17236-y, eqs 6-11 and 22-25, with
per-neuron membrane decays and in the adjoint form (see ``docs/rules.md``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..kernels import SpikingConstants, spiking_kernels, trace_kernels
from ..tape import Tape
from .rate import Parameters, Perturb, spread_time_constants

SpikingTape = Tape


@dataclass(frozen=True)
class SpikingNetwork:
    """N LIF/ALIF neurons, K network steps an environment step. Parameters live outside."""

    n_inputs: int
    n_units: int
    substeps: int
    constants: SpikingConstants
    dtype: np.dtype
    kernel: str = "auto"
    feature_gain: float = 1.0  # c_out

    n_state = 5  # v, a, z, f, steps of silence that are left
    self_connections = False

    @classmethod
    def create(
        cls,
        rng: np.random.Generator,
        n_inputs: int,
        n_units: int,
        *,
        substeps: int,
        adaptive_fraction: float,
        tau_membrane: tuple[float, float],
        tau_adaptation: tuple[float, float],
        tau_readout: float,
        threshold: float,
        adaptation_strength: float,
        dampening: float,
        dtype: np.dtype,
        kernel: str = "auto",
        refractory: int = 1,
        mean_features: bool = False,
    ) -> SpikingNetwork:
        """Draw per-neuron constants; time constants in environment steps, log-uniform in a range.

        ``refractory`` is the shortest inter-spike interval in network steps; ``mean_features``
        makes the features means of recent spikes (c_out = 1 - kappa), not sums.

        ``adaptation_strength`` is the rise of the threshold, in units of it, that one spike a
        network step would cause in equilibrium: beta = strength * v_th * (1 - rho).
        """
        n_adaptive = round(adaptive_fraction * n_units)
        alpha = np.exp(-1 / (substeps * spread_time_constants(rng, n_units, *tau_membrane)))
        rho = np.exp(-1 / (substeps * spread_time_constants(rng, n_units, *tau_adaptation)))
        beta = adaptation_strength * threshold * (1 - rho)
        beta[n_adaptive:] = 0
        constants = SpikingConstants(
            alpha=alpha.astype(dtype),
            rho=rho.astype(dtype),
            beta=beta.astype(dtype),
            kappa=float(np.exp(-1 / (substeps * tau_readout))) if tau_readout > 0 else 0.0,
            threshold=threshold,
            dampening=dampening,
            refractory=refractory,
        )
        gain = 1 - constants.kappa if mean_features else 1.0
        return cls(n_inputs, n_units, substeps, constants, dtype, kernel, gain)

    def initial_parameters(
        self, rng: np.random.Generator, recurrent_gain: float, input_gain: float
    ) -> Parameters:
        n, d = self.n_units, self.n_inputs
        unit = self.input_unit()[:, None]
        recurrent = recurrent_gain / np.sqrt(n) * rng.standard_normal((n, n))
        np.fill_diagonal(recurrent, 0)
        return {
            "W_in": (unit * input_gain * rng.standard_normal((n, d))).astype(self.dtype),
            "W_rec": (self.constants.threshold * recurrent).astype(self.dtype),
            "bias": (unit[:, 0] * 0.5).astype(self.dtype),
        }

    def input_unit(self) -> np.ndarray:
        """What an input weight of gain 1 is for each neuron, (N,).

        In units of the threshold, and scaled by 1 - alpha so that the steady drive of a neuron does
        not depend on its membrane time constant.
        """
        return self.constants.threshold * (1 - self.constants.alpha.astype(float))

    def get_constants(self) -> Parameters:
        """Fixed per-neuron numbers that were drawn, for checkpoints."""
        c = self.constants
        return {"alpha": c.alpha.copy(), "rho": c.rho.copy(), "beta": c.beta.copy()}

    def set_constants(self, constants: Parameters) -> None:
        for name in ("alpha", "rho", "beta"):
            getattr(self.constants, name)[...] = constants[name]

    def initial_state(self, n: int) -> tuple[np.ndarray, ...]:
        return tuple(np.zeros((n, self.n_units), self.dtype) for _ in range(self.n_state))

    def presynaptic(self, state: tuple[np.ndarray, ...]) -> np.ndarray:
        """The spikes (B, N) in ``state`` that recurrent weights pass on in the next step."""
        return state[2]

    def tape(self, n: int) -> Tape:
        """Record of a round: inputs (T, n, D), spikes and pseudo-derivatives (T, K, n, N)."""
        shape = (self.substeps, n, self.n_units)
        return Tape(
            x=((n, self.n_inputs), self.dtype), z=(shape, np.uint8), psi=(shape, self.dtype)
        )

    def step(
        self,
        parameters: Parameters,
        state: tuple[np.ndarray, ...],
        x: np.ndarray,
        tape: Tape | None = None,
        perturb: Perturb | None = None,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """One environment step of K network steps; returns the features (B, N) and the state.

        ``perturb`` says what is added to the membrane potentials, network step by network step.
        """
        current = x @ parameters["W_in"].T
        current += parameters["bias"]
        if tape is None:
            shape = (self.substeps, *current.shape)
            z, psi = np.empty(shape, np.uint8), np.empty(shape, self.dtype)
        else:
            tape.row("x")[...] = x
            z, psi = tape.row("z"), tape.row("psi")
        state = tuple(part.copy() for part in state)
        forward, _ = spiking_kernels(self.kernel)
        if perturb is None:
            steps = [(current[None], self.substeps, slice(None))]
        else:  # lazily: what is added may depend on the spikes of the network step before
            steps = (
                ((current + perturb(state[2], k))[None], 1, slice(k, k + 1))
                for k in range(self.substeps)
            )
        for held, length, rows in steps:
            forward(self.constants, parameters["W_rec"], held, length, state, z[rows], psi[rows])
        if tape is not None:
            tape.advance()
        return self._features(state[3]), state

    def _features(self, filtered: np.ndarray) -> np.ndarray:
        return filtered if self.feature_gain == 1 else self.dtype.type(self.feature_gain) * filtered

    def run(
        self, parameters: Parameters, state: tuple[np.ndarray, ...], x: np.ndarray, tape: Tape
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Many environment steps whose inputs (T, B, D) are known; onto the tape.

        Returns the features (T, B, N) and the state.
        """
        steps, n = x.shape[:2]
        current = x.reshape(steps * n, -1) @ parameters["W_in"].T
        current += parameters["bias"]
        tape.rows("x", steps)[...] = x
        z, psi = (tape.rows(name, steps).reshape(-1, n, self.n_units) for name in ("z", "psi"))
        features = np.empty((steps, n, self.n_units), self.dtype)
        state = tuple(part.copy() for part in state)
        forward, _ = spiking_kernels(self.kernel)
        forward(
            self.constants,
            parameters["W_rec"],
            current.reshape(features.shape),
            self.substeps,
            state,
            z,
            psi,
            features,
        )
        tape.advance(steps)
        return self._features(features), state

    def backward(
        self,
        parameters: Parameters,
        tape: Tape,
        feature_adjoint: np.ndarray,
        exact: bool = False,
        rate_adjoint: np.ndarray | None = None,
    ) -> Parameters:
        """Gradient of a loss whose direct dependence on features is ``feature_adjoint`` (T, B, N).

        ``rate_adjoint`` (T, B, N) is added to the derivative by every spike of that environment
        step (firing-rate regularisation). ``exact=False``: e-prop, recurrent and reset spikes
        count as inputs from outside; ``exact=True``: BPTT with the same pseudo-derivative.
        """
        n = self.n_units
        z, psi = tape["z"], tape["psi"]
        _, backward = spiking_kernels("numpy" if exact else self.kernel)
        recurrent, drive = backward(
            self.constants,
            parameters["W_rec"],
            z.reshape(-1, *z.shape[2:]),
            psi.reshape(-1, *psi.shape[2:]),
            self.substeps,
            self._features(feature_adjoint),
            rate_adjoint,
            exact,
            tape.before,
        )
        flat = drive.reshape(-1, n)
        np.fill_diagonal(recurrent, 0)  # no self-connections
        return {
            "W_in": flat.T @ tape["x"].reshape(-1, self.n_inputs),
            "W_rec": recurrent,
            "bias": flat.sum(0),
        }

    def outer(
        self,
        tape: Tape,
        postsynaptic: np.ndarray,
        transform: Callable[[np.ndarray], np.ndarray] = np.asarray,
    ) -> Parameters:
        """Postsynaptic times presynaptic, summed over network steps and columns, for each weight.

        ``postsynaptic`` (T, K, B, N); ``transform`` is applied to what is presynaptic.
        """
        n = self.n_units
        z = tape["z"].astype(self.dtype)
        flat = postsynaptic.reshape(-1, n)
        previous = z.reshape(-1, *z.shape[2:])[:-1].reshape(-1, n)
        recurrent = flat[z.shape[2] :].T @ transform(previous)
        if tape.before is not None:
            recurrent += flat[: z.shape[2]].T @ transform(tape.before)
        np.fill_diagonal(recurrent, 0)  # no self-connections
        held = postsynaptic.sum(1).reshape(-1, n)
        return {
            "W_in": held.T @ transform(tape["x"].reshape(-1, self.n_inputs)),
            "W_rec": recurrent,
            "bias": held.sum(0),
        }

    def online_traces(self, n: int) -> SpikingTraces:
        return SpikingTraces(self, n)


class SpikingTraces:
    """Eligibility traces carried forward synapse by synapse, memory O(B N (N + D)).

    Eqs 13, 22-25 of Bellec et al. (2020); the filtered presynaptic activity is kept per pair, so
    membrane decays may differ between neurons. ``eligibility`` (B, N, D + N + 1) is ebar, filtered
    as the readout filters spikes; ``raw_sum`` sums e over the network steps of the last environment
    step. Presynaptic order: inputs, neurons, bias.
    """

    def __init__(self, network: SpikingNetwork, n: int):
        self.network = network
        shape = (n, network.n_units, network.n_inputs + network.n_units + 1)
        self.presynaptic = np.zeros(shape, network.dtype)  # zbar
        self.adaptation = np.zeros(shape, network.dtype)  # eps_a
        self.eligibility = np.zeros(shape, network.dtype)
        self.raw_sum = np.zeros(shape, network.dtype)
        self._psi = np.zeros((n, network.n_units), network.dtype)
        self._z = np.zeros((n, network.n_units), network.dtype)

    def step(self, tape: Tape) -> None:
        """Take in the last environment step of ``tape``."""
        x, z, psi = tape["x"][-1], tape["z"][-1], tape["psi"][-1]
        n, _, n_sources = self.presynaptic.shape
        d = self.network.n_inputs
        arriving = np.empty((len(z), n, n_sources), self.network.dtype)
        arriving[..., :d] = x
        arriving[0, :, d:-1] = self._z
        arriving[1:, :, d:-1] = z[:-1]
        arriving[..., -1] = 1
        advance, *_ = trace_kernels(self.network.kernel)
        advance(
            self.network.constants,
            self.network.feature_gain,
            arriving,
            self._psi,
            psi,
            self.presynaptic,
            self.adaptation,
            self.eligibility,
            self.raw_sum,
        )
        self._psi[...] = psi[-1]
        self._z[...] = z[-1]
