"""Reward-based e-prop: an actor-critic whose recurrent weights learn by local traces.

Bellec et al. (2020), doi:10.1038/s41467-020-17236-y, eqs 5 and 30-37; for rate units the rule is
RFLO with reward, Murray (2019), doi:10.7554/eLife.43299. The same backward routine with one more
term is BPTT (``gradient="exact"``).

A neuron j gets the learning signal ``L_j = sum_k B_jk dLoss/dy_k`` from the readouts y, with
feedback weights B that are symmetric (the readout's own), random, or adaptive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .actor_critic import ActorCritic, ActorCriticOptions
from .base import Metrics
from .errors import AgentError
from .networks import SpikingNetwork
from .online import OnlineGradient
from .optimizers import Parameters
from .options import choice

FEEDBACK = ("symmetric", "random", "adaptive")
GRADIENTS = ("local", "exact", "none")
RATE_TRACKING = 0.2  # weight of a round in the running mean of firing rates


@dataclass
class EPropOptions(ActorCriticOptions):
    """Hyper-parameters of :class:`EProp`. Time constants are in environment steps."""

    network: str = "alif"
    gradient: str = "local"  # local (e-prop, RFLO), exact (BPTT), none (only the readout learns)
    execution: str = "batched"  # batched (adjoints at the round's end) or online (traces)
    feedback: str = "symmetric"  # symmetric, random, adaptive
    feedback_decay: float = 1e-3  # adaptive: shrinkage of readout and feedback an update
    rate_coef: float = 1.0  # spiking networks: firing-rate regularisation
    target_rate: float = 0.1  # spikes a network step


class EProp(ActorCritic):
    """Reward-based e-prop on any environment with Box observations and Discrete or Box actions.

    Examples:
        >>> from caudate.agents import EProp
        >>> agent = EProp("CartPole-v1", seed=0, n_envs=4, network="rate", n_neurons=32)
        >>> metrics = agent.update()
        >>> metrics["episodes"]
        4
    """

    name = "eprop"
    options_class = EPropOptions
    options: EPropOptions

    def __init__(self, env: Any, **kwargs: Any):
        super().__init__(env, **kwargs)
        o = self.options
        choice(self.name, "gradient", o.gradient, GRADIENTS)
        choice(self.name, "execution", o.execution, ("batched", "online"))
        choice(self.name, "feedback", o.feedback, FEEDBACK)
        self.mean_rate = np.full(o.n_neurons, o.target_rate)
        if o.execution == "online" and o.gradient != "local":
            raise AgentError(
                f"eprop: execution='online' carries local traces, not gradient={o.gradient!r}: use "
                "gradient='local' or execution='batched'."
            )
        if o.execution == "online" and self.targets is not None:
            raise AgentError(
                "eprop: targets teach after a trial, execution='online' learns while it runs: use "
                "execution='batched'."
            )
        self.online: OnlineGradient | None = None
        rng = np.random.default_rng([self.seed, 1])
        shape = self.parameters["W_out"].shape
        scale = o.readout_gain / np.sqrt(o.n_neurons)
        self.feedback = (scale * rng.standard_normal(shape)).astype(self.dtype)

    # -- the rule ----------------------------------------------------------------------------

    def update(self) -> Metrics:
        readout_before = self.parameters["W_out"].copy()
        metrics = super().update()
        self._adapt_feedback(readout_before)
        return metrics

    def recurrent_gradient(self, output_adjoint: np.ndarray) -> Parameters:
        if self.options.gradient == "none":
            return {}
        if self.online is not None:
            return self._online_gradient(self.online)
        exact = self.options.gradient == "exact"
        return self._batched_gradient(output_adjoint @ self._feedback_weights(), exact)

    def exact_gradient(self, output_adjoint: np.ndarray) -> Parameters:
        return self._batched_gradient(output_adjoint @ self.parameters["W_out"], exact=True)

    def _batched_gradient(self, feature_adjoint: np.ndarray, exact: bool) -> Parameters:
        extra = {}
        if self._regularised():
            alive = self.record["alive"]
            weight = (alive / alive.sum()).astype(self.dtype)
            extra["rate_adjoint"] = weight[..., None] * self._rate_signal()
        return self.network.backward(self.parameters, self.tape, feature_adjoint, exact, **extra)

    def _regularised(self) -> bool:
        return isinstance(self.network, SpikingNetwork) and self.options.rate_coef > 0

    def _rate_signal(self) -> np.ndarray:
        """c (f_j - f_0) of a spike (N,), shared among the network steps of a transition.

        f is the running mean rate at the round's start, so that the online execution can know it.
        """
        o = self.options
        excess = self.mean_rate - o.target_rate
        return (o.rate_coef / o.substeps * excess).astype(self.dtype)

    def _feedback_weights(self) -> np.ndarray:
        symmetric = self.options.feedback == "symmetric" or self.options.gradient == "exact"
        return self.parameters["W_out"] if symmetric else self.feedback

    def _adapt_feedback(self, readout_before: np.ndarray) -> None:
        """Kolen-Pollack: feedback takes the readout's change, and both shrink alike."""
        if self.options.feedback == "adaptive":
            keep = 1 - self.options.feedback_decay
            self.feedback += self.parameters["W_out"] - readout_before
            self.feedback *= keep
            self.parameters["W_out"] *= keep

    # -- online execution --------------------------------------------------------------------

    def warm_up(self) -> None:
        super().warm_up()
        if self.options.execution == "online":
            tape = self.network.tape(self.n_envs)
            tape.advance()
            online = OnlineGradient(self.network, self.n_envs)
            online.traces.step(tape)
            nothing = np.zeros((self.n_envs, self.options.n_neurons), self.dtype)
            online.act(nothing, nothing, 0.0)
            online.reward(nothing[:, 0])

    def play(self) -> None:
        if self.options.execution == "online":
            self.online = OnlineGradient(self.network, self.n_envs)
        super().play()

    def _on_outputs(self, outputs: np.ndarray) -> None:
        """The value that has just been read out completes the TD error of the step before."""
        if self.online is None:
            return
        if self.options.modulator == "critic" and self.record.length:
            before = self.record
            goes_on = self.rounds.alive | self.rounds.truncated
            following = np.where(goes_on, outputs[:, -1], 0)
            error = before["rewards"][-1] / self.scale.value + self.options.gamma * following
            error -= before["outputs"][-1, :, -1]
            self.online.reward(error * before["alive"][-1])
        self.online.traces.step(self.tape)

    def _on_transition(self) -> None:
        if self.online is None:
            return
        o, free = self.options, self.parameters["log_std"]
        outputs, actions, alive = (self.record[k][-1] for k in ("outputs", "actions", "alive"))
        score, _ = self.head.score(outputs[:, :-1], actions, free)
        _, entropy_score, _ = self.head.entropy(outputs[:, :-1], free)
        critic = o.modulator == "critic"
        value_score = np.full((len(score), 1), -o.value_coef if critic else 0.0, self.dtype)
        feedback = self._feedback_weights()
        signal = np.concatenate([score, value_score], axis=1) @ feedback
        direct = o.entropy_coef * entropy_score @ feedback[:-1]
        here = alive[:, None]
        decay = o.gamma * o.gae_lambda if critic else 1.0
        self.online.act(here * signal, here * direct, decay)
        if self._regularised():
            self.online.count_spikes(alive)

    def _online_gradient(self, online: OnlineGradient) -> Parameters:
        if self.options.modulator != "critic":
            online.reward(self.episode_worth)
        rate_signal = self._rate_signal() if self._regularised() else None
        return online.gradient(int(self.record["alive"].sum()), rate_signal)

    # -- what is watched ---------------------------------------------------------------------

    def _watch_round(self, advantage: np.ndarray, entropy: float) -> Metrics:
        metrics = super()._watch_round(advantage, entropy)
        if isinstance(self.network, SpikingNetwork):
            rate = self.tape["z"].mean((0, 1, 2))
            self.mean_rate += RATE_TRACKING * (rate - self.mean_rate)
            metrics["spike_rate"] = float(rate.mean())
            self._watch(
                "almost no neuron spikes",
                metrics["spike_rate"] < 1e-3,
                "Raise input_gain or target_rate.",
            )
        return metrics

    # -- state -------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        return super().get_state() | {
            "feedback": self.feedback.copy(),
            "mean_rate": self.mean_rate.copy(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.feedback[...] = state["feedback"]
        self.mean_rate[...] = state["mean_rate"]
