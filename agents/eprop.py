"""Reward-based e-prop: an actor-critic whose recurrent weights learn by local traces.

Bellec et al. (2020), doi:10.1038/s41467-020-17236-y, eqs 5 and 30-37; for rate units the rule is
RFLO with reward, Murray (2019), doi:10.7554/eLife.43299. The same backward routine with one more
term is BPTT (``gradient="exact"``).

A neuron j gets the learning signal ``L_j = sum_k B_jk dLoss/dy_k`` from the readouts y, with
feedback weights B that are symmetric (the readout's own), random, or adaptive. Local or exact
times symmetric or random are the four rules that Murray compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .actor_critic import ActorCritic, ActorCriticOptions
from .base import Metrics, State
from .errors import AgentError
from .networks import SpikingNetwork
from .online import OnlineGradient, Signals
from .optimizers import Parameters
from .options import choice
from .recurrent import READOUT

FEEDBACK = ("symmetric", "random", "adaptive")
GRADIENTS = ("local", "exact", "none")
EXECUTIONS = ("batched", "online")
UPDATES = ("episode", "rollout", "step")
RATE_TRACKING = 0.2  # weight of a round, or window, in the running mean of firing rates


@dataclass
class EPropOptions(ActorCriticOptions):
    """Hyper-parameters of :class:`EProp`. Time constants are in environment steps."""

    network: str = "alif"
    gradient: str = "local"  # local (e-prop, RFLO), exact (BPTT), none (only the readout learns)
    execution: str = "batched"  # batched (adjoints backwards in time) or online (traces)
    update: str = "episode"  # episode, rollout (every rollout_steps), step: docs/rules.md
    rollout_steps: int = 128  # update="rollout": batched eligibilities begin anew with each
    feedback: str = "symmetric"  # symmetric, random, adaptive
    feedback_gain: float | None = None  # of random feedback; None: the readout's own at the start
    feedback_decay: float = 1e-3  # adaptive: shrinkage of readout and feedback an update
    rate_coef: float = 1.0  # spiking networks: firing-rate regularisation
    target_rate: float = 0.1  # spikes a network step
    readout_learning_rate: float | None = None  # None: learning_rate


class EProp(ActorCritic):
    """Reward-based e-prop: Box observations, Discrete, MultiBinary or Box actions.

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
        choice(self.name, "execution", o.execution, EXECUTIONS)
        choice(self.name, "update", o.update, UPDATES)
        choice(self.name, "feedback", o.feedback, FEEDBACK)
        self._check_times()
        self.mean_rate = np.full(o.n_neurons, o.target_rate)
        self.online: OnlineGradient | None = None
        self._by_step = False  # whether the round that is played is learned from step by step
        rng = np.random.default_rng([self.seed, 1])
        shape = self.parameters["W_out"].shape
        gain = o.readout_gain / np.sqrt(o.n_neurons) if o.feedback_gain is None else o.feedback_gain
        self.feedback = (gain * rng.standard_normal(shape)).astype(self.dtype)

    def _check_times(self) -> None:
        """Raise AgentError unless gradient, execution, update and modulator go together."""
        o = self.options
        if o.execution == "online" and o.gradient != "local":
            raise AgentError(
                f"eprop: execution='online' carries local traces, not gradient={o.gradient!r}: use "
                "gradient='local' or execution='batched'."
            )
        if o.update == "step" and o.execution != "online":
            raise AgentError(
                "eprop: update='step' learns while the episode runs: set execution='online'."
            )
        if o.update != "episode" and o.modulator != "critic" and self.targets is None:
            raise AgentError(
                f"eprop: modulator={o.modulator!r} judges whole episodes, update={o.update!r} "
                "learns before they end: set modulator='critic' or update='episode'."
            )

    def _learning_rates(self) -> dict[str, float]:
        rate = self.options.readout_learning_rate
        return {} if rate is None else dict.fromkeys(READOUT, rate)

    # -- the rule ----------------------------------------------------------------------------

    def update(self) -> Metrics:
        self._by_step = self.options.update == "step"
        try:
            return super().update()
        finally:
            self._by_step = False

    @property
    def window(self) -> int | None:
        return self.options.rollout_steps if self.options.update == "rollout" else None

    def full_gradient(self, output_adjoint: np.ndarray, free_gradient: np.ndarray) -> Parameters:
        if self.online is None:
            return super().full_gradient(output_adjoint, free_gradient)
        if self._by_step:
            return {}  # all has been learned by now
        if self.options.modulator != "critic" and self.targets is None:
            self.online.reward(self.episode_worth)
        return self._online_gradient(self.online, self.record["alive"])

    def recurrent_gradient(self, output_adjoint: np.ndarray) -> Parameters:
        if self.options.gradient == "none":
            return {}
        exact = self.options.gradient == "exact"
        return self._batched_gradient(output_adjoint @ self.feedback_weights(), exact)

    def exact_gradient(self, output_adjoint: np.ndarray) -> Parameters:
        return self._batched_gradient(output_adjoint @ self.parameters["W_out"], exact=True)

    def _batched_gradient(self, feature_adjoint: np.ndarray, exact: bool) -> Parameters:
        extra = {}
        if self._regularised():
            alive = self.record["alive"]
            weight = (alive / self._transitions(alive)).astype(self.dtype)
            extra["rate_adjoint"] = weight[..., None] * self._rate_signal()
        return self.network.backward(self.parameters, self.tape, feature_adjoint, exact, **extra)

    def _regularised(self) -> bool:
        return isinstance(self.network, SpikingNetwork) and self.options.rate_coef > 0

    def _transitions(self, alive: np.ndarray) -> int:
        """How many the firing-rate term is a mean over: the update's own (T, B), or with targets
        the round's, so that its share does not depend on how often a round is learned from."""
        return int(alive.sum() if self.targets is None else self.targets.all_lengths.sum())

    def _rate_signal(self) -> np.ndarray:
        """c (f_j - f_0) of a spike (N,), shared among the network steps of a transition.

        f is the running mean rate before the round, or before the window of update="rollout", so
        that the online execution can know it.
        """
        o = self.options
        excess = self.mean_rate - o.target_rate
        return (o.rate_coef / o.substeps * excess).astype(self.dtype)

    def feedback_weights(self) -> np.ndarray:
        symmetric = self.options.feedback == "symmetric"
        return self.parameters["W_out"] if symmetric else self.feedback

    def _apply(self, gradient: Parameters) -> tuple[float, float]:
        if self.options.feedback != "adaptive" or not gradient:
            return super()._apply(gradient)
        # Kolen-Pollack: feedback takes the readout's change, and both shrink alike.
        readout, keep = self.parameters["W_out"], 1 - self.options.feedback_decay
        before = readout.copy()
        norms = super()._apply(gradient)
        self.feedback += readout - before
        self.feedback *= keep
        readout *= keep
        return norms

    # -- whole trials at once ----------------------------------------------------------------

    def _draw_seeds(self) -> np.ndarray:
        if self.targets is not None and len(self.targets.pool) == self.n_envs:
            return np.arange(self.n_envs)  # every trial once
        return super()._draw_seeds()

    def play_on(self, limit: int | None = None) -> bool:
        if self.targets is None or self.options.execution == "online" or limit is not None:
            return super().play_on(limit)
        self.record.clear()
        self.tape.clear()
        x = self.targets.observations().astype(self.dtype, copy=False)
        x, state = self._remember_all(x, self._begin_columns())
        features, _ = self.network.run(self.parameters, state, x, self.tape)
        outputs = self.outputs(features)
        rewards, alive = self.targets.play(outputs[..., :-1])
        rows = {"features": features, "outputs": outputs, "rewards": rewards, "alive": alive}
        for name, values in rows.items():
            self.record.rows(name, len(x))[...] = values
        self.record.advance(len(x))
        self.final_values = outputs[-1, :, -1]
        return True

    def _remember_all(self, x: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """Inputs (T, B, D + M) of steps that are known, and the network's state before them."""
        if self.memory is None:
            return x, state
        inputs = np.empty((*x.shape[:2], self.n_inputs), self.dtype)
        own, memory = state[: self.network.n_state], state[self.network.n_state :]
        for t, seen in enumerate(x):
            inputs[t], _, memory = self.remember(seen, (*own, *memory))
        return inputs, own

    # -- online execution --------------------------------------------------------------------

    def warm_up(self) -> None:
        super().warm_up()
        tape = self.network.tape(self.n_envs)
        if self.options.execution == "online":
            tape.advance()
            self._new_online().warm_up(tape)
        elif self.targets is not None:
            x = np.zeros((1, self.n_envs, self.n_inputs), self.dtype)
            self.network.run(self.parameters, self.network.initial_state(self.n_envs), x, tape)

    def begin_round(self) -> None:
        if self.options.execution == "online":
            self.online = self._new_online()
        super().begin_round()

    def _new_online(self) -> OnlineGradient:
        head = self.head
        return OnlineGradient(self.network, self.n_envs, head.n_outputs + 1, head.n_free)

    def _on_outputs(self, outputs: np.ndarray) -> None:
        if self.online is None:
            return
        if self.record.length:
            self._complete(outputs[:, -1])
        self.online.traces.step(self.tape)

    def _on_break(self, values: np.ndarray) -> None:
        if self.online is not None:
            self._complete(values)

    def _complete(self, values: np.ndarray) -> None:
        """The values (B,) just read out complete the TD errors of the step before."""
        assert self.online is not None
        o, before = self.options, self.record
        alive = before["alive"][-1]
        if o.modulator == "critic" and self.targets is None:
            goes_on = self.rounds.alive | self.rounds.truncated
            error = before["rewards"][-1] / self.return_scale
            error += o.gamma * np.where(goes_on, values, 0) - before["outputs"][-1, :, -1]
            self.online.reward(error * alive)
        if self._by_step:
            self._apply(self._online_gradient(self.online, alive[None]))

    def _on_transition(self) -> None:
        if self.online is None:
            return
        alive = self.record["alive"][-1]
        decay = 1.0
        if self.options.modulator == "critic":
            decay = self.options.gamma * self.options.gae_lambda
        features = self.record["features"][-1]
        self.online.act(self._signals(), features, self.feedback_weights(), decay)
        if self._regularised():
            self.online.count_spikes(alive)

    def _signals(self) -> Signals:
        """What the transition just recorded says about the outputs."""
        o, free = self.options, self.parameters["log_std"]
        outputs, actions, alive = (self.record[k][-1] for k in ("outputs", "actions", "alive"))
        policy, here = outputs[:, :-1], alive[:, None]
        direct, score = np.zeros_like(outputs), np.zeros_like(outputs)
        nothing = np.zeros((len(alive), self.head.n_free), self.dtype)
        if self.targets is not None:
            direct[:, :-1] = self.targets.output_adjoint(policy[None])[0]
            return Signals(score, direct, nothing, nothing)
        score[:, :-1], free_score = self.head.score(policy, actions, free)
        if o.modulator == "critic":
            score[:, -1] = -o.value_coef
        _, entropy_score, entropy_free = self.head.entropy(policy, free)
        direct[:, :-1] = o.entropy_coef * entropy_score
        free_direct = o.entropy_coef * entropy_free
        return Signals(here * score, here * direct, here * free_score, here * free_direct)

    def _online_gradient(self, online: OnlineGradient, alive: np.ndarray) -> Parameters:
        """What has been accumulated over the transitions ``alive`` (T, B); begins anew."""
        rate_signal = self._rate_signal() if self._regularised() else None
        size = self._round_size(alive) if self.targets is None else float(self.n_envs)
        gradient = online.gradient(size, self._transitions(alive), rate_signal)
        online.clear()
        return gradient

    # -- what is watched ---------------------------------------------------------------------

    def _watch_round(self, advantage: np.ndarray, entropy: float) -> Metrics:
        metrics = super()._watch_round(advantage, entropy)
        if isinstance(self.network, SpikingNetwork):
            rate = self._firing_rate()
            self.mean_rate += RATE_TRACKING * (rate - self.mean_rate)
            metrics["spike_rate"] = float(rate.mean())
            self._watch(
                "almost no neuron spikes",
                metrics["spike_rate"] < 1e-3,
                "Raise input_gain or target_rate.",
            )
        return metrics

    def _firing_rate(self) -> np.ndarray:
        """Spikes of each neuron in a network step (N,), over the transitions that happened."""
        alive, spikes = self.record["alive"], self.tape["z"]
        # A visual network has several rows a transition.
        alive = np.repeat(alive, len(spikes) // len(alive), axis=0)
        count = np.tensordot(alive.astype(self.dtype), spikes.sum(1, dtype=self.dtype), 2)
        return count / (alive.sum() * spikes.shape[1])

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
