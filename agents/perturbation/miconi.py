"""Miconi's reward-modulated Hebbian rule, which does not know the noise that was injected.

Rare kicks disturb the units; a synapse sees the rates before it and how its unit's activation h
departs from its own running mean, and amplifies large products over small ones::

    dh_i[t] = h_i[t] - hbar_i,      hbar_i <- m hbar_i + (1 - m) h_i[t]
    dw_ij ~ (G - Gbar_c) sum_t f(r_j[t-1] dh_i[t]),      f(s) = s^3 or s |s|

Miconi (2017), doi:10.7554/eLife.20899; f is supralinear because the identity would average kicks
and the slow relaxation that follows them, which point in opposite directions, to nearly nothing.
Gbar_c is a running mean of the return in the episode's condition. Because f(a b) = f(a) f(b), the
trace is one product of transformed factors.
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
from .rules import SUPRALINEAR, Fluctuations, kicks


@dataclass
class MiconiOptions(PerturbationOptions):
    """Hyper-parameters of :class:`Miconi`. Times are in environment steps."""

    baseline: str = "condition"
    credit: str = "episode"
    perturbation_rate: float = 3e-4
    entropy_coef: float = 0.1
    kick_probability: float = 0.1  # of a unit and step
    sigma: float = 0.5  # kicks are uniform in +-sigma, on the summed input
    sigma_out: float = 2.0  # ... and on the policy's outputs, with readout="perturbation"
    fluctuation_memory: float = 0.05  # m
    trace: str = "cubic"  # cubic, signed-square, identity


class Miconi(PerturbationAgent):
    """Miconi's rule: Box observations, Discrete, MultiBinary or Box actions.

    Examples:
        >>> from caudate.agents import Miconi
        >>> agent = Miconi("CartPole-v1", seed=0, n_envs=4, n_neurons=32, baseline="average")
        >>> metrics = agent.update()
        >>> metrics["episodes"]
        4
    """

    name = "miconi"
    options_class = MiconiOptions
    options: MiconiOptions

    def __init__(self, env: Any, **kwargs: Any):
        super().__init__(env, **kwargs)
        o = self.options
        choice(self.name, "trace", o.trace, SUPRALINEAR)
        if not isinstance(self.network, RateNetwork):
            raise AgentError(f"{self.name}: network={o.network!r} is not for this rule: set rate.")
        n, k = self.n_envs, self.head.n_outputs
        self.observed = Tape(change=((1, n, o.n_neurons), self.dtype), out=((n, k), self.dtype))

    def _begin_perturbation(self) -> None:
        self.observed.clear()
        start = self.network.initial_state(self.n_envs)[0]
        self._of_units = Fluctuations(self.options.fluctuation_memory, start)
        self._of_outputs: Fluctuations | None = None

    def _network_step(self, state: tuple, x: np.ndarray) -> tuple[np.ndarray, tuple]:
        def perturb(activity: np.ndarray, k: int) -> np.ndarray:
            return self._kicks(self.options.n_neurons, self.options.sigma)

        features, state = self.network.step(self.parameters, state, x, self.tape, perturb)
        self.observed.row("change")[0] = self._of_units(state[0])
        return features, state

    def _read_out(self, features: np.ndarray) -> np.ndarray:
        outputs = self.outputs(features)
        if self.options.readout == "perturbation":
            policy = outputs[:, :-1]
            if self._of_outputs is None:  # what is there from the start is no fluctuation
                self._of_outputs = Fluctuations(self.options.fluctuation_memory, policy)
            policy += self._kicks(self.head.n_outputs, self.options.sigma_out)
            self.observed.row("out")[...] = self._of_outputs(policy)
        self.observed.advance()
        return outputs

    def _kicks(self, n: int, size: float) -> np.ndarray:
        """Kicks (B, n), with the sign of each copy."""
        shape = (self.n_perturbations, n)
        fresh = kicks(self.rng, shape, self.options.kick_probability, size, self.dtype)
        return np.repeat(fresh, self.copies, axis=0) * self.signs[:, None]

    def network_gradient(self) -> Parameters:
        f = SUPRALINEAR[self.options.trace]
        change = self.observed["change"][: len(self.worth)]
        return self._outer(f(change), self.options.sigma**2, f)

    def perturbed_readout_gradient(self) -> Parameters:
        f = SUPRALINEAR[self.options.trace]
        change = self.observed["out"][: len(self.worth)]
        return self._outer_readout(f(change), self.options.sigma_out**2, f)
