"""Node perturbation: noise in the summed inputs of the units.

Noise xi is added to each unit's summed input; what the reward then does, times the noise, times the
presynaptic activity that the weight saw, is an unbiased estimate of the gradient for small noise::

    dw_ij ~ sum_t (R[t] - baseline[t]) / sigma^2 * xi_i[t] r_j[t-1]

Fiete & Seung (2006), doi:10.1103/PhysRevLett.97.048104; Zuege, Klos & Memmesheimer (2023),
doi:10.1103/PhysRevX.13.021006. In spiking networks the noise is added to the membrane potential at
every network step.

The noise may be correlated in time (Ornstein-Uhlenbeck, variance kept): the estimate is then the
gradient smoothed by the noise's autocorrelation, still a descent direction.

With ``eligibility="change"`` the rule is activity-based node perturbation (Dalm, van Gerven & Ahmad
2023, arXiv:2310.00965; in time: Garcia Fernandez, Keemink & van Gerven 2024,
doi:10.3389/fnins.2024.1439155): the noise is replaced by the change of each summed input from a
clean run, which holds what the noise did on its way through the network, and sigma^2 by its mean
square. It needs the baseline ``clean``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import AgentError
from ..networks import RateNetwork
from ..optimizers import Parameters
from ..options import choice
from ..tape import Tape
from .learner import PerturbationAgent, PerturbationOptions
from .rules import node_noise

ELIGIBILITIES = ("noise", "change")


@dataclass
class NodePerturbationOptions(PerturbationOptions):
    """Hyper-parameters of :class:`NodePerturbation`."""

    sigma: float = 0.4  # standard deviation of the noise on a unit's summed input
    sigma_out: float = 0.4  # ... and on the policy's outputs, with readout="perturbation"
    noise_tau: float = 10.0  # correlation time of the noise in environment steps, 0 for white noise
    eligibility: str = "noise"  # noise; or change: what the noise made of the summed inputs


class NodePerturbation(PerturbationAgent):
    """Node perturbation: Box observations, Discrete, MultiBinary or Box actions.

    Examples:
        >>> from caudate.agents import NodePerturbation
        >>> agent = NodePerturbation("CartPole-v1", seed=0, n_envs=4, n_neurons=32)
        >>> metrics = agent.update()
        >>> metrics["episodes"]
        4
    """

    name = "node-perturbation"
    options_class = NodePerturbationOptions
    options: NodePerturbationOptions

    def __init__(self, env: Any, **kwargs: Any):
        super().__init__(env, **kwargs)
        o = self.options
        choice(self.name, "eligibility", o.eligibility, ELIGIBILITIES)
        if o.eligibility == "change":
            self._check_change()
        tau = o.noise_tau * self.network.substeps
        self._memory = float(np.exp(-1 / tau)) if tau > 0 else 0.0
        n, k = self.n_envs, self.head.n_outputs
        self.noise = Tape(
            xi=((self.network.substeps, n, o.n_neurons), self.dtype), out=((n, k), self.dtype)
        )

    def _check_change(self) -> None:
        if self.options.baseline != "clean":
            raise AgentError(
                f"{self.name}: eligibility='change' compares with a clean run: set "
                "baseline='clean'."
            )
        if not isinstance(self.network, RateNetwork) or self.options.readout != "gradient":
            raise AgentError(
                f"{self.name}: eligibility='change' is for rate units with readout='gradient'."
            )

    # -- perturbing --------------------------------------------------------------------------

    def _begin_perturbation(self) -> None:
        self.noise.clear()
        self._network_noise = self._readout_noise = None

    def _network_step(self, state: tuple, x: np.ndarray) -> tuple[np.ndarray, tuple]:
        n, sigma = self.options.n_neurons, self.options.sigma

        def perturb(activity: np.ndarray, k: int) -> np.ndarray:
            xi = self.noise.row("xi")[k]
            self._network_noise = self._next_noise(self._network_noise, n, sigma)
            self._spread(self._network_noise, xi)
            return xi

        return self.network.step(self.parameters, state, x, self.tape, perturb)

    def _read_out(self, features: np.ndarray) -> np.ndarray:
        outputs = self.outputs(features)
        if self.options.readout == "perturbation":
            n, sigma = self.head.n_outputs, self.options.sigma_out
            self._readout_noise = self._next_noise(self._readout_noise, n, sigma)
            self._spread(self._readout_noise, self.noise.row("out"))
            outputs[:, :-1] += self.noise.row("out")
        self.noise.advance()
        return outputs

    def _next_noise(self, before: np.ndarray | None, n: int, sigma: float) -> np.ndarray:
        """Noise (P, n) that follows. Uniform innovations are as good as Gaussian ones, and several
        times cheaper."""
        noise = node_noise(self.rng, (self.n_perturbations, n), sigma, dtype=self.dtype)
        if before is not None and self._memory > 0:
            noise *= np.sqrt(1 - self._memory**2)
            before *= self._memory
            noise += before
        return noise

    def _spread(self, noise: np.ndarray, columns: np.ndarray) -> None:
        """Write noise (P, n) with the sign of each copy into the columns (B, n)."""
        copies = columns.reshape(self.n_perturbations, self.copies, -1)
        for c in range(self.copies):
            np.multiply(noise, self.signs[c], out=copies[:, c])

    # -- the rule ----------------------------------------------------------------------------

    def network_gradient(self) -> Parameters:
        steps = len(self.worth)
        if self.options.eligibility == "noise":
            return self._outer(self.noise["xi"][:steps], self.options.sigma**2)
        change = self._change()
        happened = (self.record["alive"] & (self.signs > 0))[:, None, :, None]
        return self._outer(change, float(np.square(change).mean(where=happened)))

    def _change(self) -> np.ndarray:
        """Summed inputs of noisy columns minus those of their clean partners, (T, 1, B, N)."""
        w = self.parameters
        r, x = self.tape["r"], self.tape["x"]
        change = self.noise["xi"][: len(r), 0].copy()
        change[1:, ::2] += (r[:-1, ::2] - r[:-1, 1::2]) @ w["W_rec"].T
        change[:, ::2] += (x[:, ::2] - x[:, 1::2]) @ w["W_in"].T
        return change[:, None]

    def perturbed_readout_gradient(self) -> Parameters:
        return self._outer_readout(self.noise["out"][: len(self.worth)], self.options.sigma_out**2)
