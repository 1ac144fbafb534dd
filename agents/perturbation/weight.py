"""Weight perturbation and its hybrid: noise in the weights, constant for an episode.

With perturbations xi of standard deviation sigma and episodes' returns G::

    WP    dw ~ 1/sigma^2 (G - baseline) xi
    WP0   the same, but for weights whose input was silent all the episode: they stay
    HP    dw_ij ~ 1/sigma^2 sum_t (R[t] - baseline[t]) xi_out_i[t] r_j[t-1],   xi_out = xi r

Zuege, Klos & Memmesheimer (2023), doi:10.1103/PhysRevX.13.021006; WP as a search in the space of
policies: Salimans, Ho, Chen, Sidor & Sutskever (2017), arXiv:1703.03864. HP perturbs weights and
learns as node perturbation does; its step is the gradient times the correlation of the presynaptic
activity, a descent direction that favours what is strongly driven.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import AgentError
from ..networks import SpikingNetwork
from ..optimizers import Parameters
from ..options import choice
from ..tape import Tape
from .learner import PerturbationAgent, PerturbationOptions
from .rules import active_inputs
from .weight_noise import WEIGHT_NOISE


@dataclass
class WeightNoiseOptions(PerturbationOptions):
    """Hyper-parameters of what perturbs weights."""

    sigma: float = 0.03  # standard deviation of the noise on a weight
    noise: str = "dense"  # dense, flip, rank-one: the form of the noise
    noise_memory: float = 256.0  # MB; dense noise beyond it is drawn again instead of stored
    entropy_coef: float = 0.1


class WeightPerturbed(PerturbationAgent):
    """The part that weight perturbation and hybrid perturbation share: perturbing weights."""

    options: WeightNoiseOptions

    def __init__(self, env: Any, **kwargs: Any):
        super().__init__(env, **kwargs)
        o = self.options
        choice(self.name, "noise", o.noise, WEIGHT_NOISE)
        if o.connectivity < 1:
            raise AgentError(
                f"{self.name}: connectivity={o.connectivity} leaves connections out, but its noise "
                "is in all weights: set connectivity=1 or take node-perturbation."
            )
        make = WEIGHT_NOISE[o.noise]
        settings = (self.n_perturbations, o.sigma, self.dtype, o.noise_memory * 2**20)
        # Recurrent weights, input weights and bias are one matrix on (activity, observation, 1).
        self._width = o.n_neurons + self.n_inputs + 1
        self.network_noise = make((o.n_neurons, self._width), *settings)
        self.readout_noise = make((self.head.n_outputs, o.n_neurons + 1), *settings)
        self._presynaptic = np.ones((self.n_envs, self._width), self.dtype)
        self._features = np.ones((self.n_envs, o.n_neurons + 1), self.dtype)

    # -- perturbing --------------------------------------------------------------------------

    def _begin_perturbation(self) -> None:
        self.network_noise.draw(int(self.rng.integers(2**63)))
        if self.options.readout == "perturbation":
            self.readout_noise.draw(int(self.rng.integers(2**63)))
        spiking = isinstance(self.network, SpikingNetwork)
        self._self = self.network_noise.diagonal() if spiking else None

    def _network_step(self, state: tuple, x: np.ndarray) -> tuple[np.ndarray, tuple]:
        n = self.options.n_neurons
        self._presynaptic[:, n:-1] = x

        def perturb(activity: np.ndarray, k: int) -> np.ndarray:
            self._presynaptic[:, :n] = activity
            xi = self.network_noise.drive(self._presynaptic)
            if self._self is not None:  # spiking neurons have no self-connections
                xi -= np.repeat(self._self, self.copies, axis=0) * activity
            xi *= self.signs[:, None]
            self._on_perturbed(xi, k)
            return xi

        return self.network.step(self.parameters, state, x, self.tape, perturb)

    def _on_perturbed(self, xi: np.ndarray, k: int) -> None:
        """Called with what the perturbed weights added to the summed inputs, (B, N)."""

    def _read_out(self, features: np.ndarray) -> np.ndarray:
        outputs = self.outputs(features)
        if self.options.readout == "perturbation":
            self._features[:, :-1] = features
            noise = self.readout_noise.drive(self._features)
            noise *= self.signs[:, None]
            outputs[:, :-1] += noise
            self._on_readout_perturbed(noise)
        return outputs

    def _on_readout_perturbed(self, noise: np.ndarray) -> None:
        """Called with what the perturbed readout added to the policy's outputs, (B, K)."""

    def _split(self, gradient: np.ndarray) -> Parameters:
        n = self.options.n_neurons
        recurrent = gradient[:, :n].copy()
        if isinstance(self.network, SpikingNetwork):
            np.fill_diagonal(recurrent, 0)
        return {"W_in": gradient[:, n:-1], "W_rec": recurrent, "bias": gradient[:, -1]}


@dataclass
class WeightPerturbationOptions(WeightNoiseOptions):
    """Hyper-parameters of :class:`WeightPerturbation`."""

    credit: str = "episode"  # noise that lasts cannot be credited step by step
    spare_silent: bool = False  # WP0: leave weights of inputs that were silent all the episode


class WeightPerturbation(WeightPerturbed):
    """Weight perturbation: Box observations, Discrete, MultiBinary or Box actions.

    Examples:
        >>> from caudate.agents import WeightPerturbation
        >>> agent = WeightPerturbation("CartPole-v1", seed=0, n_envs=4, n_neurons=32)
        >>> metrics = agent.update()
        >>> metrics["episodes"]
        4
    """

    name = "weight-perturbation"
    options_class = WeightPerturbationOptions
    options: WeightPerturbationOptions

    def __init__(self, env: Any, **kwargs: Any):
        super().__init__(env, **kwargs)
        choice(self.name, "credit", self.options.credit, ("episode",))

    def network_gradient(self) -> Parameters:
        # Each column earned its share with its own sign; a perturbation gets the sum.
        self._earned = (self._episode() * self.signs).reshape(-1, self.copies).sum(1)
        heard = self._heard() if self.options.spare_silent else None
        return self._split(self.network_noise.gradient(self._earned, heard))

    def perturbed_readout_gradient(self) -> Parameters:
        read = self._read() if self.options.spare_silent else None
        gradient = self.readout_noise.gradient(self._earned, read)
        return {"W_out": gradient[:, :-1], "b_out": gradient[:, -1]}

    def _episode(self) -> np.ndarray:
        """Credit of whole episodes (B,): the same at every step that happened."""
        return self.worth[0]

    def _heard(self) -> np.ndarray:
        """Inputs (P, N + D + 1) of the network that were not silent in a pair's episodes."""
        alive, network = self.record["alive"], self.network
        steps = len(alive)
        activity = self.tape["z" if isinstance(network, SpikingNetwork) else "r"][:steps]
        start = network.presynaptic(network.initial_state(self.n_envs))
        # Recurrent weights pass on what the network step before has left.
        before = np.concatenate([start[None], activity.reshape(-1, *start.shape)[:-1]])
        recurrent = self._used(before, np.repeat(alive, network.substeps, axis=0))
        return _with_bias(
            np.concatenate([recurrent, self._used(self.tape["x"][:steps], alive)], axis=1)
        )

    def _read(self) -> np.ndarray:
        """The same of the readout's inputs, (P, N + 1)."""
        return _with_bias(self._used(self.record["features"], self.record["alive"]))

    def _used(self, inputs: np.ndarray, alive: np.ndarray) -> np.ndarray:
        """Which inputs (T, B, N) were not silent while a pair's episodes ran: (P, N), 0 or 1."""
        rows = (inputs * alive[..., None]).astype(self.dtype)
        pairs = rows.reshape(len(rows), self.n_perturbations, self.copies, -1).swapaxes(0, 1)
        return active_inputs(pairs.reshape(self.n_perturbations, -1, rows.shape[-1]))


def _with_bias(used: np.ndarray) -> np.ndarray:
    """Inputs and the constant one of the bias, which is never silent."""
    return np.concatenate([used, np.ones_like(used[:, :1])], axis=1)


class HybridPerturbation(WeightPerturbed):
    """Hybrid perturbation: Box observations, Discrete, MultiBinary or Box actions."""

    name = "hybrid-perturbation"
    options_class = WeightNoiseOptions

    def __init__(self, env: Any, **kwargs: Any):
        super().__init__(env, **kwargs)
        n, k = self.n_envs, self.head.n_outputs
        self.caused = Tape(
            xi=((self.network.substeps, n, self.options.n_neurons), self.dtype),
            out=((n, k), self.dtype),
        )

    def _begin_perturbation(self) -> None:
        super()._begin_perturbation()
        self.caused.clear()

    def _on_perturbed(self, xi: np.ndarray, k: int) -> None:
        self.caused.row("xi")[k] = xi

    def _read_out(self, features: np.ndarray) -> np.ndarray:
        outputs = super()._read_out(features)
        self.caused.advance()
        return outputs

    def _on_readout_perturbed(self, noise: np.ndarray) -> None:
        self.caused.row("out")[...] = noise

    def network_gradient(self) -> Parameters:
        return self._outer(self.caused["xi"][: len(self.worth)], self.options.sigma**2)

    def perturbed_readout_gradient(self) -> Parameters:
        return self._outer_readout(self.caused["out"][: len(self.worth)], self.options.sigma**2)
