"""Reward-modulated node perturbation of a leaky rate network.

Noise xi is added to each unit's summed input; what the reward then does, times the noise, times the
presynaptic rate that the weight saw, is an unbiased estimate of the gradient for small noise::

    dw_ij ~ sum_t (R[t] - baseline[t]) / sigma^2 * xi_i[t] r_j[t-1]

Fiete & Seung (2006), doi:10.1103/PhysRevLett.97.048104; Zuege, Klos & Memmesheimer (2023),
doi:10.1103/PhysRevX.13.021006. Columns play in antithetic pairs: the same episode and the same luck
in choosing actions, the noise with opposite signs; a column's baseline is the mean of its pair,
which removes all even orders of the noise.

The noise may be correlated in time (Ornstein-Uhlenbeck, variance kept): the estimate is then the
gradient smoothed by the noise's autocorrelation, still a descent direction.

The readout learns by its own policy gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .actor_critic import ActorCritic, ActorCriticOptions
from .advantages import discounted_sums
from .errors import AgentError
from .networks import RateNetwork
from .optimizers import Parameters
from .options import choice
from .recurrent import Network
from .tape import Tape

CREDIT = ("to-go", "episode")
NETWORK_WEIGHTS = ("W_in", "W_rec", "bias")


@dataclass
class NodePerturbationOptions(ActorCriticOptions):
    """Hyper-parameters of :class:`NodePerturbation`."""

    sigma: float = 0.4  # standard deviation of the noise on a unit's summed input
    perturbation_rate: float = 1e-3  # learning rate of the network's weights
    noise_tau: float = 10.0  # correlation time of the noise in environment steps, 0 for white noise
    antithetic: bool = True
    credit: str = "to-go"  # rewards after the noise, discounted by gamma; or the whole episode


class NodePerturbation(ActorCritic):
    """Node perturbation on any environment with Box observations and Discrete or Box actions.

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
    network: RateNetwork

    def __init__(self, env: Any, **kwargs: Any):
        super().__init__(env, **kwargs)
        choice(self.name, "credit", self.options.credit, CREDIT)
        if self.options.antithetic and self.n_envs % 2:
            raise AgentError(
                f"{self.name}: n_envs={self.n_envs} must be even for antithetic pairs: "
                "choose an even number or antithetic=False."
            )
        tau = self.options.noise_tau
        self._memory = float(np.exp(-1 / tau)) if tau > 0 else 0.0
        self.noise = Tape(xi=((self.n_envs, self.options.n_neurons), self.dtype))

    def _build_network(self, rng: np.random.Generator) -> Network:
        o = self.options
        return RateNetwork.create(
            rng, self.n_inputs, o.n_neurons, (o.tau_min, o.tau_max), self.dtype
        )

    def _learning_rates(self) -> dict[str, float]:
        return dict.fromkeys(NETWORK_WEIGHTS, self.options.perturbation_rate)

    # -- pairs that share their luck ---------------------------------------------------------

    def _draw_seeds(self) -> np.ndarray:
        self.noise.clear()
        if not self.options.antithetic:
            return super()._draw_seeds()
        return np.repeat(self.rng.integers(2**31 - 1, size=self.n_envs // 2), 2)

    def _draw_action_noise(self) -> np.ndarray:
        if not self.options.antithetic:
            return super()._draw_action_noise()
        return np.repeat(self.head.noise(self.rng, self.n_envs // 2), 2, axis=0)

    def _network_step(self, state: tuple, x: np.ndarray) -> tuple[np.ndarray, tuple]:
        xi = self.noise.row("xi")
        self._draw_perturbation(xi)
        self.noise.advance()
        return self.network.step(self.parameters, state, x, self.tape, xi)

    def _draw_perturbation(self, xi: np.ndarray) -> None:
        """Uniform innovations: as good as Gaussian ones, and several times cheaper."""
        antithetic, t = self.options.antithetic, self.noise.length
        fresh = xi[::2] if antithetic else xi
        drawn = self.rng.random(fresh.shape, np.float32)
        drawn -= 0.5
        drawn *= np.sqrt(12.0) * self.options.sigma
        if t > 0 and self._memory > 0:
            before = self.noise["xi"][t - 1]
            drawn *= np.sqrt(1 - self._memory**2)
            drawn += self._memory * (before[::2] if antithetic else before)
        fresh[...] = drawn
        if antithetic:
            np.negative(drawn, out=xi[1::2])

    # -- the rule ----------------------------------------------------------------------------

    def recurrent_gradient(self, output_adjoint: np.ndarray) -> Parameters:
        alive = self.record["alive"]
        steps = len(alive)
        modulated = self.noise["xi"][:steps] * self._credit()[..., None].astype(self.dtype)
        flat = modulated.reshape(-1, self.options.n_neurons)
        previous = self.tape["r"][:-1].reshape(-1, self.options.n_neurons)
        return {
            "W_in": flat.T @ self.tape["x"].reshape(-1, self.n_inputs),
            "W_rec": flat[self.n_envs :].T @ previous,  # r[-1] = 0
            "bias": flat.sum(0),
        }

    def _credit(self) -> np.ndarray:
        """-(R - baseline) / sigma^2 (T, B), the weight of the noise of each step."""
        o, record = self.options, self.record
        if o.credit == "to-go":
            earned = discounted_sums(record["rewards"], o.gamma)
        else:
            earned = np.broadcast_to(self.rounds.returns, record["rewards"].shape).copy()
        if o.antithetic:
            pairs = earned.reshape(len(earned), -1, 2)
            pairs -= pairs.mean(-1, keepdims=True)
        else:
            earned -= earned.mean(1, keepdims=True)
        self._watch(
            "no pair of perturbed episodes earned different rewards",
            not earned.any(),
            "Raise sigma or readout_gain, so that the noise reaches the reward.",
        )
        alive = record["alive"]
        return earned * alive / (-self.scale.value * o.sigma**2 * alive.sum())
