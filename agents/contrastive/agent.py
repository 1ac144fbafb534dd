"""Reward-driven contrastive learning: the action that was taken is the teacher.

Outputs are action units, the policy is softmax(kappa V_out) at the free state. A taught phase then
draws the outputs towards the action, by a current beta kappa (onehot(a) - pi). As beta -> 0::

    (V_i^t V_j^t - V_i^f V_j^f) / beta  ->  d log pi(a) / dW_ij

so that a local difference of two settled states is the eligibility of REINFORCE (Williams 1992,
doi:10.1007/BF00992696), and reward decides its size and sign. So does surprise: the mean product of
-log pi(a) - H and the eligibility is the gradient of the entropy H, and keeps the policy from being
certain before it is right. Contrastive learning is Baldi & Pineda's (1991,
doi:10.1162/neco.1991.3.4.526); learning from reward by it is this library's.

A network with a single fixed point has no memory: what was seen before reaches it through leaky
traces of the observations, and only as long as these last.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv
from scipy.special import log_softmax

from ..advantages import RunningBaseline, discounted_sums
from ..base import Metrics, State, StatefulAgent
from ..errors import AgentError, CheckpointError, LearningWarning, NonFiniteError
from ..heads import SoftmaxHead, check_observation_space
from ..options import build_options, check_ranges, checked_seed, choice
from ..rounds import make_rounds
from .network import ContrastiveNet, Phase
from .teachers import POLICY, Teacher

Array = np.ndarray

BASELINES = ("average", "condition")
TRACES = ("level", "onset")
_LUCK = 2**31 - 1
_PATIENCE = 20  # updates that a failure must last before it is worth a warning
_AT_ONCE = 4096  # patterns whose taught phases are settled together
_RANGES = {
    "count": ("n_hidden", "settling_steps", "max_episode_steps"),
    "positive": ("learning_rate", "beta", "kappa", "gain", "initial_norm", "norm_limit", "dt"),
    "fraction": ("gamma", "baseline_rate"),
    "not negative": (
        "entropy_coef",
        "trace_tau",
        "trace_gain",
        "bias_spread",
        "input_gain",
        "tolerance",
    ),
    "finite": ("initial_withhold_bias", "initial_baseline"),
}


@dataclass
class ContrastiveOptions:
    """Hyper-parameters. Times of traces are in environment steps, of settling in those of units."""

    n_hidden: int = 20
    learning_rate: float = 0.05  # of the sum over an episode, averaged over columns
    beta: float = 0.1  # strength of the teacher
    kappa: float = 2.0  # inverse temperature of the policy
    two_sided: bool = False  # minus phase taught with -beta: error beta^2, not beta
    gamma: float = 0.5  # how far reward reaches back; 0 where a trial is one step
    baseline: str = "average"  # of rewards to come: over all steps, or by condition
    baseline_rate: float = 0.3  # per round
    initial_baseline: float | None = None  # None: the first round's mean
    entropy_coef: float = 0.02
    trace_tau: float = 0.0  # of leaky sums of observations as further inputs; 0: none
    trace_of: str = (
        "level"  # the observations, or their rises: channels that stay on do not pile up
    )
    trace_gain: float = 1.0
    lateral: bool = False  # synapses within layers, and from inputs to outputs
    gain: float = 1.0  # of hidden units
    input_gain: float = 1.0  # of initial input weights
    bias_spread: float = 0.0  # initial biases of hidden units are uniform within it
    initial_norm: float = 0.5  # spectral norm of the synapses among hidden and output units
    norm_limit: float = 0.9  # that it may reach
    initial_withhold_bias: float = 0.0  # on the logit of action 0
    settling_steps: int = 100
    dt: float = 0.5
    tolerance: float = 1e-4  # settled when no |du/dt| is above it
    max_episode_steps: int = 10_000


class Contrastive(StatefulAgent):
    """A symmetric network that settles at each step, and learns from reward by two phases.

    Args:
        env: id, ``gymnasium.Env`` (one copy) or ``gymnasium.vector.VectorEnv``; Box observations,
            Discrete actions.
        seed: decides weights, episodes and choices.
        n_envs: copies played at a time (default 64 for an id).
        env_kwargs: keyword arguments of the environment, for an id.
        options: see :class:`ContrastiveOptions`.

    Raises:
        AgentError: other spaces, or an option out of its range.
    """

    name: ClassVar[str] = "contrastive"
    options_class: ClassVar[type] = ContrastiveOptions
    options: ContrastiveOptions

    def __init__(
        self,
        env: str | gym.Env | VectorEnv,
        *,
        seed: int = 0,
        n_envs: int | None = None,
        env_kwargs: dict[str, Any] | None = None,
        **options: Any,
    ):
        self.seed = checked_seed(self.name, seed)
        self.options = o = build_options(ContrastiveOptions, self.name, options)
        check_ranges(self.name, o, _RANGES)
        choice(self.name, "baseline", o.baseline, BASELINES)
        choice(self.name, "trace_of", o.trace_of, TRACES)
        self.env_kwargs = dict(env_kwargs or {})
        self.rounds = make_rounds(env, n_envs, self.env_kwargs, o.max_episode_steps)
        self.env_id, self.n_envs = self.rounds.env_id, self.rounds.n_envs
        self.observation_space = self.rounds.observation_space
        self.action_space = self.rounds.action_space
        self.n_seen = check_observation_space(self.name, self.observation_space)
        if not isinstance(self.action_space, gym.spaces.Discrete):
            raise AgentError(
                f"{self.name} cannot act in {self.action_space}: an action is an output unit; it "
                "serves Discrete actions."
            )
        self.head = SoftmaxHead(self.action_space)
        build, play, predict = np.random.SeedSequence(self.seed).spawn(3)
        self.rng, self._predict_rng = np.random.default_rng(play), np.random.default_rng(predict)
        self.net = self._build_net(build)
        self.running = RunningBaseline(
            o.baseline_rate, o.baseline == "condition", o.initial_baseline
        )
        self.num_episodes = self.num_updates = self._restless = 0

    def _build_net(self, seed: np.random.SeedSequence) -> ContrastiveNet:
        o = self.options
        n_in = self.n_seen * (2 if o.trace_tau else 1)
        net = ContrastiveNet.create(
            (n_in, o.n_hidden, self.head.n_outputs),
            [seed],
            lateral=o.lateral,
            gain=o.gain,
            output="linear",
            steps=o.settling_steps,
            dt=o.dt,
            tolerance=o.tolerance,
        )
        net.weights[:, :n_in] *= o.input_gain
        net.weights[:, :, :n_in] *= o.input_gain
        net.limit(o.initial_norm, up=True)
        hidden = slice(n_in, n_in + o.n_hidden)
        rng = np.random.default_rng(seed.spawn(1)[0])
        net.bias[:, hidden] = o.bias_spread * rng.uniform(-1, 1, o.n_hidden)
        net.bias[:, n_in + o.n_hidden] = o.initial_withhold_bias / o.kappa
        return net

    # -- acting ------------------------------------------------------------------------------

    def begin(self, n: int) -> State:
        """Traces and last observations, each (n, D), or (n, 0) without."""
        nothing = np.zeros((n, self.n_seen if self.options.trace_tau else 0))
        return nothing, nothing

    def _see(self, observation: Array, state: State) -> tuple[Array, State]:
        """Inputs (n, n_in) of the network: observation (n, D) and its traces; the new state."""
        o = self.options
        x = observation.astype(float)
        if not o.trace_tau:
            return x, state
        trace, last = state
        new = x if o.trace_of == "level" else np.maximum(x - last, 0)
        trace = np.exp(-1 / o.trace_tau) * trace + new
        return np.concatenate([x, o.trace_gain * trace], axis=1), (trace, x)

    def _outputs(self, phase: Phase) -> Array:
        """Logits (P, K)."""
        return self.options.kappa * phase.v[0, :, -self.head.n_outputs :]

    def act(
        self, observation: np.ndarray, state: State, deterministic: bool
    ) -> tuple[np.ndarray, State]:
        x, state = self._see(observation, state)
        logits = self._outputs(self.net.relax(x))
        if deterministic:
            actions = self.head.mode(logits)
        else:
            noise = self.head.noise(self._predict_rng, len(x))
            actions = self.head.sample(logits, noise, np.zeros(0))
        return self.head.to_env(actions), state

    # -- learning ----------------------------------------------------------------------------

    def update(self) -> Metrics:
        """Play a round of episodes, then add what their steps' two phases say."""
        phases, actions, rewards, alive = self._play()
        worth = discounted_sums(rewards, self.options.gamma)
        conditions = np.broadcast_to(self.rounds.condition, worth.shape)[alive]
        credit = worth[alive] - self.running(worth[alive], conditions)
        surprise, entropy = self._surprise(phases, actions[alive])
        self._learn(phases, actions[alive], credit + self.options.entropy_coef * surprise)
        self.num_timesteps += int(alive.sum())
        self.num_episodes += self.n_envs
        self.num_updates += 1
        unsettled = float(np.mean(phases.moved > 10 * self.options.tolerance))
        self._watch(unsettled)
        return {
            "timesteps": self.num_timesteps,
            "episodes": self.num_episodes,
            "updates": self.num_updates,
            "return_mean": float(self.rounds.returns.mean()),
            "length_mean": float(self.rounds.lengths.mean()),
            "entropy": float(entropy.mean()),
            "spectral_norm": float(self.net.inner_norm()[0]),
            "unsettled": unsettled,
        }

    def _play(self) -> tuple[Phase, Array, Array, Array]:
        """One round: free phases of the steps that happened; actions, rewards, alive (T, B)."""
        rounds, n = self.rounds, self.n_envs
        seen = rounds.reset(self.rng.integers(_LUCK, size=n))
        state, free = self.begin(n), np.zeros(0)
        kept, actions, rewards, alive = [], [], [], []
        while rounds.alive.any():
            x, state = self._see(seen, state)
            phase = self.net.relax(x)
            noise = self.head.noise(self.rng, n)
            actions.append(self.head.sample(self._outputs(phase), noise, free))
            alive.append(rounds.alive.copy())
            kept.append(Phase(*(part[:, rounds.alive] for part in phase)))
            seen, reward = rounds.step(self.head.to_env(actions[-1]))
            rewards.append(reward)
        joined = Phase(*(np.concatenate(part, axis=1) for part in zip(*kept, strict=True)))
        return joined, np.stack(actions), np.stack(rewards), np.stack(alive)

    def eligibility(self, phases: Phase, actions: Array, credit: Array) -> tuple[Array, Array]:
        """Sum over steps of credit times the difference of the phases over beta: for W, for b.

        Args:
            phases: free phases of P steps.
            actions, credit: (P,).
        """
        o, net, n_in = self.options, self.net, self.net.n_in
        pairs, single = np.zeros_like(net.weights), np.zeros_like(net.bias)
        for begin in range(0, len(actions), _AT_ONCE):
            part = slice(begin, begin + _AT_ONCE)
            free = Phase(*(one[:, part] for one in phases))
            taken = np.eye(self.head.n_outputs)[actions[part]]
            teacher = Teacher(POLICY, taken, o.beta, o.kappa)
            teacher = teacher.ready(free.v[..., -self.head.n_outputs :])
            x, minus, over = free.v[..., :n_in], free, o.beta
            taught = net.relax(x, teacher, free)
            if o.two_sided:
                minus, over = net.relax(x, teacher.opposite(), free), 2 * o.beta
            found = net.difference(taught.v, minus.v, credit[None, part] / over)
            pairs += found[0]
            single += found[1]
        return pairs, single

    def _surprise(self, phases: Phase, actions: Array) -> tuple[Array, Array]:
        """-log pi(a) - H, and H (P,)."""
        log_p = log_softmax(self._outputs(phases), axis=1)
        entropy = -(np.exp(log_p) * log_p).sum(1)
        return -log_p[np.arange(len(actions)), actions] - entropy, entropy

    def _learn(self, phases: Phase, actions: Array, credit: Array) -> None:
        """Change the weights, within the limit of their norm."""
        pairs, single = self.eligibility(phases, actions, credit)
        rate = self.options.learning_rate / self.n_envs
        if not np.isfinite(pairs.sum() + single.sum()):
            raise NonFiniteError(
                f"{self.name}: the update is not finite after {self.num_timesteps} steps; the "
                "weights are those of the update before. Lower learning_rate or norm_limit."
            )
        self.net.weights += rate * pairs
        self.net.bias += rate * single
        self.net.limit(self.options.norm_limit)

    def _watch(self, unsettled: float) -> None:
        """Warn once when most phases have not come to rest for a while."""
        self._restless = self._restless + 1 if unsettled > 0.5 else 0
        if self._restless == _PATIENCE:
            warnings.warn(
                f"{self.name}: most free phases end before they settle, for {_PATIENCE} updates in "
                "a row, and what is learned from them is no gradient. Raise settling_steps or "
                "tolerance, or lower norm_limit.",
                LearningWarning,
                stacklevel=3,
            )

    # -- state -------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        return {
            "weights": self.net.weights.copy(),
            "bias": self.net.bias.copy(),
            "baseline": self.running.get_state(),
            "generators": [self.rng.bit_generator.state, self._predict_rng.bit_generator.state],
            "counts": [self.num_timesteps, self.num_episodes, self.num_updates, self._restless],
        }

    def set_state(self, state: dict[str, Any]) -> None:
        for name in ("weights", "bias"):
            stored, own = state[name], getattr(self.net, name)
            if stored.shape != own.shape:
                raise CheckpointError(
                    f"The checkpoint's {name} have shape {stored.shape}, this agent needs "
                    f"{own.shape}: build it with the checkpoint's options and environment."
                )
            own[...] = stored
        self.running.set_state(state["baseline"])
        for rng, stored in zip((self.rng, self._predict_rng), state["generators"], strict=True):
            rng.bit_generator.state = stored
        counts = (int(n) for n in state["counts"])
        self.num_timesteps, self.num_episodes, self.num_updates, self._restless = counts
