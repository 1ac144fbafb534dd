"""What the perturbation agents share: columns that share their luck, and what noise earned them.

With baseline ``antithetic`` two columns play the same episode with the same luck in choosing
actions and opposite perturbations, with ``clean`` a perturbed column plays beside an undisturbed
one; the other baselines need one column a perturbation. Every perturbation of a round has its own
noise, and their estimates are averaged.

The readout learns by its own gradient (``readout="gradient"``: policy gradient with entropy bonus;
with :class:`~..targets.Targets` the delta rule) or by the same rule as the network
(``readout="perturbation"``). In the second case actions may be the policy's most likely ones
(``exploration="greedy"``): perturbations are all there is to explore with.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..actor_critic import ActorCritic, ActorCriticOptions
from ..advantages import RunningBaseline, discounted_sums
from ..base import Metrics, State
from ..errors import AgentError
from ..optimizers import Parameters
from ..options import choice
from .credit import BASELINES, RUNNING, differences, signed_ranks

CREDIT = ("to-go", "episode")
SHAPINGS = ("none", "rank")
READOUTS = ("gradient", "perturbation")
EXPLORATIONS = ("sampled", "greedy")
NETWORK_WEIGHTS = ("W_in", "W_rec", "bias")
READOUT_WEIGHTS = ("W_out", "b_out")


@dataclass
class PerturbationOptions(ActorCriticOptions):
    """Hyper-parameters of every perturbation agent."""

    perturbation_rate: float = 1e-3  # learning rate of what learns by the rule
    baseline: str = "antithetic"  # antithetic, clean, average, condition, round
    credit: str = "to-go"  # rewards after the noise, discounted by gamma; or the whole episode
    shaping: str = "none"  # rank: signed ranks in place of what episodes earned (credit="episode")
    readout: str = "gradient"  # gradient, perturbation
    exploration: str = "sampled"  # sampled actions, or greedy ones (readout="perturbation")


class PerturbationAgent(ActorCritic):
    """Plays rounds under perturbation; sub-classes perturb, and correlate with what came of it."""

    options: PerturbationOptions

    def __init__(self, env: Any, **kwargs: Any):
        super().__init__(env, **kwargs)
        o = self.options
        choice(self.name, "baseline", o.baseline, BASELINES)
        choice(self.name, "credit", o.credit, CREDIT)
        choice(self.name, "shaping", o.shaping, SHAPINGS)
        choice(self.name, "readout", o.readout, READOUTS)
        choice(self.name, "exploration", o.exploration, EXPLORATIONS)
        self.copies = len(BASELINES[o.baseline])
        if self.n_envs % self.copies:
            raise AgentError(
                f"{self.name}: n_envs={self.n_envs} must be even for baseline={o.baseline!r}: "
                "choose an even number or baseline='condition'."
            )
        if o.baseline in RUNNING and o.credit == "to-go":
            raise AgentError(
                f"{self.name}: baseline={o.baseline!r} is a number an episode, so it cannot judge "
                "the rewards to go: set credit='episode'."
            )
        if o.shaping == "rank" and o.credit == "to-go":
            raise AgentError(
                f"{self.name}: shaping='rank' ranks episodes, not the rewards to go: set "
                "credit='episode'."
            )
        if o.exploration == "greedy" and o.readout == "gradient" and self.targets is None:
            raise AgentError(
                f"{self.name}: greedy actions have no policy gradient: set "
                "readout='perturbation' or exploration='sampled'."
            )
        self.n_perturbations = self.n_envs // self.copies
        self.signs = np.tile(np.array(BASELINES[o.baseline], self.dtype), self.n_perturbations)
        self.reached = False  # has a perturbation ever changed a reward
        self.returns_before = RunningBaseline(o.baseline_rate, o.baseline == "condition")

    def _learning_rates(self) -> dict[str, float]:
        learned = NETWORK_WEIGHTS
        if self.options.readout == "perturbation":
            learned += READOUT_WEIGHTS
        return dict.fromkeys(learned, self.options.perturbation_rate)

    # -- columns that share their luck -------------------------------------------------------

    def _draw_seeds(self) -> np.ndarray:
        seeds = self.rng.integers(2**31 - 1, size=self.n_perturbations)
        self._begin_perturbation()
        return np.repeat(seeds, self.copies)

    def _begin_columns(self) -> State:
        state = self.fresh_state(self.n_perturbations, self.rng)
        return tuple(np.repeat(part, self.copies, axis=0) for part in state)

    def _draw_action_noise(self) -> np.ndarray:
        return np.repeat(self.head.noise(self.rng, self.n_perturbations), self.copies, axis=0)

    def _choose(self, policy: np.ndarray) -> np.ndarray:
        if self.options.exploration == "greedy":
            return self.head.mode(policy)
        return super()._choose(policy)

    @abstractmethod
    def _begin_perturbation(self) -> None:
        """Draw or clear the noise of a round."""

    # -- what came of it ---------------------------------------------------------------------

    def recurrent_gradient(self, output_adjoint: np.ndarray) -> Parameters:
        self.worth = self.credit()
        return self.network_gradient()

    @abstractmethod
    def network_gradient(self) -> Parameters:
        """The rule's gradient of the network's weights, from ``worth`` and what was recorded."""

    def readout_gradient(self, output_adjoint: np.ndarray, free_gradient: np.ndarray) -> Parameters:
        if self.options.readout == "gradient":
            return super().readout_gradient(output_adjoint, free_gradient)
        gradient = {name: np.zeros_like(self.parameters[name]) for name in READOUT_WEIGHTS}
        for name, learned in self.perturbed_readout_gradient().items():
            gradient[name][:-1] = learned  # the critic's value is not part of the policy
        gradient["log_std"] = np.zeros_like(self.parameters["log_std"])
        return gradient

    @abstractmethod
    def perturbed_readout_gradient(self) -> Parameters:
        """The rule's gradient of the policy's rows of the readout, W_out (K, N) and b_out (K,)."""

    def credit(self) -> np.ndarray:
        """Change of the loss that each column's perturbation made, (T, B), by step.

        A column's share of the round's mean: the sum over columns of credit times noise over
        sigma^2 estimates the gradient. 0 for steps that did not happen and for clean columns.
        """
        o, record = self.options, self.record
        alive = record["alive"]
        if o.credit == "to-go":
            earned = discounted_sums(record["rewards"], o.gamma)
        else:
            earned = np.broadcast_to(self.rounds.returns, alive.shape).copy()
        changes = differences(earned, o.baseline, self.returns_before, self.rounds.condition)
        self.reached |= bool(changes.any())
        self._watch(  # later on this is what a perfect policy looks like
            "perturbations have never changed what an episode earns",
            not self.reached,
            "Raise sigma or readout_gain, so that the noise reaches the reward.",
        )
        perturbed = alive * (self.signs != 0)
        self.effect = float(np.sqrt(np.square(changes).mean(where=perturbed)))
        if o.shaping == "rank":
            changes = np.broadcast_to(signed_ranks(changes[0]), changes.shape)
        return changes * perturbed / (-self.return_scale * self._round_size(perturbed))

    def _watch_round(self, advantage: np.ndarray, entropy: float) -> Metrics:
        warnings = super()._watch_round(advantage, entropy)
        return warnings | {"perturbation_effect": self.effect}

    # -- sums over steps ---------------------------------------------------------------------

    def _outer(
        self,
        fluctuation: np.ndarray,
        variance: float,
        transform: Callable[[np.ndarray], np.ndarray] = np.asarray,
    ) -> Parameters:
        """Credit times fluctuation (T, K, B, N) times presynaptic activity, over the variance."""
        weight = (self.worth / variance).astype(self.dtype)
        return self.network.outer(self.tape, fluctuation * weight[:, None, :, None], transform)

    def _outer_readout(
        self,
        fluctuation: np.ndarray,
        variance: float,
        transform: Callable[[np.ndarray], np.ndarray] = np.asarray,
    ) -> Parameters:
        """The same for the policy's outputs, fluctuation (T, B, K)."""
        flat = (fluctuation * (self.worth / variance)[..., None]).astype(self.dtype)
        flat = flat.reshape(-1, flat.shape[-1])
        features = transform(self.record["features"].reshape(len(flat), -1))
        return {"W_out": flat.T @ features, "b_out": flat.sum(0)}

    # -- state -------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        return super().get_state() | {
            "returns_before": self.returns_before.get_state(),
            "reached": self.reached,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.returns_before.set_state(state["returns_before"])
        self.reached = bool(state["reached"])
