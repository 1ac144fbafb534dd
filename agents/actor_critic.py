"""Actor-critic learning of the readout from rounds of episodes, shared by all recurrent learners.

With policy pi, value V, reward r and return G, the loss of a transition is
``-A log pi(action) + c_V / 2 (G - V)^2 - c_E H(pi)`` with the advantage A held constant
(Bellec et al. 2020, doi:10.1038/s41467-020-17236-y, eqs 30-37). The readout follows its true
gradient; sub-classes say how the weights behind it learn.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from .advantages import MODULATORS, ReturnScale, RunningBaseline, discounted_sums, td_errors
from .base import Metrics, State
from .errors import AgentError
from .heads import SoftmaxHead
from .optimizers import Parameters
from .options import choice
from .recurrent import READOUT, RecurrentAgent, RecurrentOptions
from .tape import Tape


@dataclass
class RewardOptions:
    """Reward handling; see :mod:`caudate.agents.advantages`."""

    modulator: str = "critic"  # critic (TD errors), return, average, condition
    baseline_rate: float = 0.05  # of the running averages behind average and condition
    gamma: float = 0.99
    gae_lambda: float = 0.95
    value_coef: float = 0.5
    entropy_coef: float = 0.05


@dataclass
class ActorCriticOptions(RecurrentOptions, RewardOptions):
    """Hyper-parameters of recurrent learners from reward."""


class ActorCritic(RecurrentAgent):
    """Plays a round, modulates it by reward, learns the readout; the rest is the rule's."""

    options: ActorCriticOptions

    def __init__(self, env: Any, **kwargs: Any):
        super().__init__(env, **kwargs)
        o = self.options
        choice(self.name, "modulator", o.modulator, MODULATORS)
        self.scale = ReturnScale(rate=0.05)
        self.baseline = RunningBaseline(o.baseline_rate, o.modulator == "condition")
        n, k = self.n_envs, self.head.n_outputs
        head = self.head
        self.record = Tape(
            features=((n, self.parameters["W_out"].shape[1]), self.dtype),
            outputs=((n, k + 1), self.dtype),
            actions=((n, *head.action_shape), head.action_dtype or self.dtype),
            rewards=((n,), np.float64),
            alive=((n,), bool),
        )

    @abstractmethod
    def recurrent_gradient(self, output_adjoint: np.ndarray) -> Parameters:
        """Gradient of the network's own weights for the round just played.

        ``output_adjoint`` (T, B, K + 1) is the derivative of the loss by the readout.
        """

    def update(self) -> Metrics:
        self.begin_round()
        while True:
            over = self.play_on(self.window)
            metrics = self._learn()
            if over:
                return self._finish_round(metrics)

    @property
    def window(self) -> int | None:
        """Transitions of a column between updates; None: learn when all episodes have ended."""
        return None

    def _learn(self) -> Metrics:
        """Learn from the transitions on record."""
        advantage, value_error = self._modulate()
        output_adjoint, free_gradient, entropy = self._output_adjoint(advantage, value_error)
        norms = self._apply(self.full_gradient(output_adjoint, free_gradient))
        self.num_timesteps += int(self.record["alive"].sum())
        return {
            "network_grad_norm": norms[0],
            "readout_grad_norm": norms[1],
            "entropy": entropy,
            "value_error": float(np.sqrt(np.mean(value_error[self.record["alive"]] ** 2))),
        } | self._watch_round(advantage, entropy)

    def full_gradient(self, output_adjoint: np.ndarray, free_gradient: np.ndarray) -> Parameters:
        """Gradient of all that learns."""
        gradient = self.recurrent_gradient(output_adjoint)
        return gradient | self.readout_gradient(output_adjoint, free_gradient)

    def readout_gradient(self, output_adjoint: np.ndarray, free_gradient: np.ndarray) -> Parameters:
        """Gradient of the readout's weights and of the head's free parameters."""
        flat = output_adjoint.reshape(-1, output_adjoint.shape[-1])
        return {
            "W_out": flat.T @ self.record["features"].reshape(len(flat), -1),
            "b_out": flat.sum(0),
            "log_std": free_gradient,
        }

    def feedback_weights(self) -> np.ndarray:
        """B (K + 1, N): what carries the readout's errors back to the units; its own weights."""
        return self.parameters["W_out"]

    def exact_gradient(self, output_adjoint: np.ndarray) -> Parameters:
        """Gradient of the same loss by back-propagation through time, for comparison."""
        feature_adjoint = output_adjoint @ self.parameters["W_out"]
        return self.network.backward(self.parameters, self.tape, feature_adjoint, exact=True)

    def gradient_check(self, rounds: int = 1) -> dict[str, dict[str, float]]:
        """How the rule's gradient relates to the exact one, both summed over rounds of episodes.

        Returns, for each of the network's weights, ``cosine`` and ``norm_ratio`` (rule over exact).
        Nothing is learned and the agent's state is left as it was. A perturbation rule's gradient
        is a noisy estimate: its cosine is small in a single round and grows with ``rounds``, as
        :func:`~.perturbation.dimension.predicted_cosine` says.
        """
        if rounds < 1:
            raise AgentError(f"rounds={rounds} must be 1 or more.")
        before = self.get_state()
        rule: Parameters = {}
        exact: Parameters = {}
        for _ in range(rounds):
            self.play()
            output_adjoint, free_gradient, _ = self._output_adjoint(*self._modulate())
            for total, one in (
                (rule, self.full_gradient(output_adjoint, free_gradient)),
                (exact, self.exact_gradient(output_adjoint)),
            ):
                if self.wiring is not None:
                    self.wiring.mask(one)
                for name in one.keys() - READOUT:
                    total[name] = total.get(name, 0) + one[name]
        self.set_state(before)
        return {name: _compare(rule[name], exact[name]) for name in exact if name in rule}

    def play(self) -> None:
        """One round, into ``record`` and ``tape``."""
        self.begin_round()
        self.play_on()

    def begin_round(self) -> None:
        """Reset environments and network."""
        self._seen = self.rounds.reset(self._draw_seeds())
        self._state: tuple[np.ndarray, ...] | None = None
        self._returns: list[np.ndarray] = []  # returns, window by window
        self._largest = 0.0  # absolute advantage

    def play_on(self, limit: int | None = None) -> bool:
        """Play until all episodes have ended, or for ``limit`` steps; whether they have ended."""
        rounds, network, record = self.rounds, self.network, self.record
        record.clear()
        if self._state is None:
            state = self._begin_columns()
            self.tape.clear()
        else:
            state = self._state
            self.tape.clear(network.presynaptic(state).copy())
        x = self._seen
        while True:
            if record.length == limit:  # look at what comes next without going there
                seen, own, _ = self.remember(x, state)
                features, _ = network.step(self.parameters, own, seen)
                self.final_values = self._read_out(features)[:, -1]
                self._on_break(self.final_values)
                self._seen, self._state = x, state
                return not rounds.alive.any()
            x, own, memory = self.remember(x, state)
            features, own = self._network_step(own, x)
            state = (*own, *memory)
            outputs = self._read_out(features)
            self._on_outputs(outputs)
            if not rounds.alive.any():
                break
            actions = self._choose(outputs[:, :-1])
            record.row("features")[...] = features
            record.row("outputs")[...] = outputs
            record.row("actions")[...] = actions
            record.row("alive")[...] = rounds.alive
            x, record.row("rewards")[...] = self._act(actions, outputs[:, :-1])
            record.advance()
            self._on_transition()
        self.tape.length -= 1  # the step that looked at final observations has no transition
        self.final_values = outputs[:, -1]
        return True

    def _on_break(self, values: np.ndarray) -> None:
        """Called when a window ends before its episodes, with the values (B,) of what comes."""

    def _on_outputs(self, outputs: np.ndarray) -> None:
        """Called with the readout (B, K + 1) of each observation, before the action."""

    def _on_transition(self) -> None:
        """Called when ``record`` holds a further transition."""

    def _draw_seeds(self) -> np.ndarray:
        """Seeds of the round's episodes, (B,)."""
        return self.rng.integers(2**31 - 1, size=self.n_envs)

    def _begin_columns(self) -> State:
        """State of the network, and of a memory, where a round begins."""
        return self.fresh_state(self.n_envs, self.rng)

    def _draw_action_noise(self) -> np.ndarray:
        return self.head.noise(self.rng, self.n_envs)

    def _network_step(self, state: tuple, x: np.ndarray) -> tuple[np.ndarray, tuple]:
        return self.network.step(self.parameters, state, x, self.tape)

    def _read_out(self, features: np.ndarray) -> np.ndarray:
        return self.outputs(features)

    def _choose(self, policy: np.ndarray) -> np.ndarray:
        """Actions of this step from the policy's outputs (B, K); with targets nothing is drawn."""
        if self.targets is not None:
            return self.head.mode(policy)
        return self.head.sample(policy, self._draw_action_noise(), self.parameters["log_std"])

    def _act(self, actions: np.ndarray, policy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Next observations and rewards."""
        if self.targets is not None:  # they judge the outputs themselves
            return self.targets.step(policy)
        return self.rounds.step(self.head.to_env(actions))

    def _modulate(self) -> tuple[np.ndarray, np.ndarray]:
        """Advantage A (T, B) and the critic's error V - G (T, B), in units of the return scale.

        Both 0 where targets teach.
        """
        o, record = self.options, self.record
        if self.targets is not None:
            nothing = np.zeros_like(record["rewards"])
            return nothing, nothing
        alive, scale = record["alive"], self.return_scale
        if o.modulator == "critic":
            values = record["outputs"][..., -1]
            errors = td_errors(
                record["rewards"] / scale,
                np.concatenate([values, self.final_values[None]]),
                alive,
                self.rounds.truncated | self.rounds.alive,
                o.gamma,
            )
            advantage = discounted_sums(errors, o.gamma * o.gae_lambda)
            value_error = -advantage  # the critic's target is the lambda-return, A + V
            returns = (advantage + values)[alive] * scale
        else:
            returns = self.rounds.returns
            self.episode_worth = self._episode_worth() / scale
            advantage = np.where(alive, self.episode_worth, 0.0)
            value_error = np.zeros_like(advantage)
        self._returns.append(returns)
        if not self.rounds.alive.any():  # one unit from the first to the last window of a round
            self.scale.update(np.concatenate(self._returns))
        return advantage, value_error

    @property
    def return_scale(self) -> float:
        """Unit of values and advantages; errors of targets are taken as they are."""
        return 1.0 if self.targets is not None else self.scale.value

    def _round_size(self, alive: np.ndarray) -> float:
        """What losses are divided by: the round's transitions, or its trials with targets."""
        return float(alive.sum() if self.targets is None else alive.any(0).sum())

    def _episode_worth(self) -> np.ndarray:
        """Return minus baseline (B,), for modulators that judge the whole episode."""
        returns = self.rounds.returns
        if self.options.modulator == "return":
            return returns
        return returns - self.baseline(returns, self.rounds.condition)

    def _output_adjoint(
        self, advantage: np.ndarray, value_error: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Derivatives of the mean loss of a transition by the readout (T, B, K + 1) and by the
        head's free parameters; and the mean entropy of the policy (0 where targets teach)."""
        o, record, free = self.options, self.record, self.parameters["log_std"]
        outputs, alive = record["outputs"], record["alive"]
        policy = outputs[..., :-1]
        if self.targets is not None:
            adjoint = np.zeros_like(outputs)
            adjoint[..., :-1] = self.targets.output_adjoint(policy) / self.n_envs
            return adjoint, np.zeros_like(free), 0.0
        score, free_score = self.head.score(policy, record["actions"], free)
        entropy, entropy_score, entropy_free = self.head.entropy(policy, free)
        weight = (alive / self._round_size(alive)).astype(self.dtype)[..., None]
        a = advantage[..., None].astype(self.dtype)
        adjoint = np.empty_like(outputs)
        adjoint[..., :-1] = weight * (a * score + o.entropy_coef * entropy_score)
        adjoint[..., -1] = weight[..., 0] * (o.value_coef * value_error).astype(self.dtype)
        free_gradient = (weight * (a * free_score + o.entropy_coef * entropy_free)).sum((0, 1))
        return adjoint, free_gradient.astype(self.dtype), float(entropy[alive].mean())

    def _watch_round(self, advantage: np.ndarray, entropy: float) -> Metrics:
        """Warnings about rounds from which nothing can be learned; further metrics."""
        self._largest = max(self._largest, float(np.abs(advantage).max()))
        if self.rounds.alive.any() or self.targets is not None:
            return {}  # a window may well be without reward, and targets are
        self._watch(
            "the policy is saturated (entropy below 0.001 nats) and every advantage is small",
            isinstance(self.head, SoftmaxHead) and entropy < 1e-3 and self._largest < 1e-3,
            "If the score is low, raise entropy_coef or lower learning_rate.",
        )
        self._watch(
            "every advantage is zero",
            self._largest == 0,
            "No reward arrives: see whether the task can be rewarded, or set modulator='critic'.",
        )
        return {}

    def get_state(self) -> dict[str, Any]:
        return super().get_state() | {
            "scale": self.scale.get_state(),
            "baseline": self.baseline.get_state(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.scale.set_state(state["scale"])
        self.baseline.set_state(state["baseline"])


def _compare(rule: np.ndarray, exact: np.ndarray) -> dict[str, float]:
    a, b = (np.linalg.norm(g.astype(float)) for g in (rule, exact))
    if a == 0 or b == 0:
        return {"cosine": float("nan"), "norm_ratio": float("nan")}
    cosine = float(np.vdot(rule.astype(float), exact.astype(float)) / (a * b))
    return {"cosine": cosine, "norm_ratio": float(a / b)}
