"""What all recurrent learners share: network, readout, rounds of episodes, predict, state."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

from .attractors.learning import INCREMENTAL
from .attractors.memory import Latch
from .base import Metrics, State, StatefulAgent
from .channels import channel_names, find_channels
from .errors import AgentError, CheckpointError, LearningWarning, NonFiniteError
from .heads import SoftmaxHead, check_observation_space, make_head, observation_bounds
from .kernels import KERNELS
from .kernels.rate_numpy import INPUT, STATE
from .networks import RateNetwork, SpikingNetwork, Wiring
from .optimizers import SCHEDULES, Parameters, Schedule, clip_by_norm, make_optimizer
from .options import build_options, check_ranges, checked_seed, choice
from .rounds import COPIES, Rounds, make_rounds
from .targets import TargetRounds, Targets

Network = RateNetwork | SpikingNetwork

NETWORKS = ("rate", "alif", "lif")
MEMORIES = ("none", "attractor")
#: Channels that are no stimuli, and are not held in memory unless one asks for them.
NOT_HELD = ("fixation", "go", "time", "prev_")
READOUT = ("W_out", "b_out", "log_std")  # policy outputs first, the critic's value last
BIASES = ("bias", "b_out")

_RANGES = {
    "count": (
        *("n_neurons", "max_episode_steps", "substeps", "refractory", "schedule_updates"),
        *("rollout_steps", "memory_units"),
    ),
    "steps": ("tau_min", "tau_max"),  # of rate units: with less their leak overshoots
    "positive": (
        *("learning_rate", "sigma", "sigma_out", "tau_membrane", "tau_adaptation", "threshold"),
        *("connectivity", "adam_epsilon"),
    ),
    "fraction": (
        *("gamma", "gae_lambda", "baseline_rate", "feedback_decay", "adaptive_fraction"),
        *("kick_probability", "fluctuation_memory", "connectivity", "excitatory"),
        *("schedule_factor", "memory_noise", "memory_decay"),
    ),
    "not negative": (
        *("value_coef", "entropy_coef", "rate_coef", "target_rate", "perturbation_rate"),
        *("recurrent_gain", "input_gain", "bias_gain", "readout_gain", "tau_readout", "noise_tau"),
        *("adaptation_strength", "dampening", "noise_memory", "max_grad_norm", "weight_decay"),
        *("rewiring_l1", "readout_learning_rate", "feedback_gain", "memory_sweeps"),
        "memory_threshold",
    ),
    "finite": ("initial_withhold_bias", "initial_log_std"),
}
_LUCK = 2**63 - 1
_PATIENCE = 20  # updates that a failure must last before it is worth a warning


@dataclass
class LearnerOptions:
    """What every learner of a readout has; times are in environment steps."""

    learning_rate: float = 8e-3
    optimizer: str = "adam"
    adam_epsilon: float = 1e-8
    schedule: str = "constant"  # of the learning rate: constant, linear, cosine, step
    schedule_updates: int = 1000  # linear, cosine: to 0 by then; step: so many to a step
    schedule_factor: float = 0.3  # of a step
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0  # of the network's and of the readout's gradient; 0: no clipping
    biases: bool = True  # without, those of units are 0, and none is learned
    readout_gain: float = 1.0
    initial_withhold_bias: float = 0.0  # on the logit of action 0
    initial_log_std: float = -0.5  # of Gaussian actions, in half-ranges of the action space
    max_episode_steps: int = 10_000
    dtype: str = "float32"


@dataclass
class RecurrentOptions(LearnerOptions):
    """Hyper-parameters of every recurrent learner. Time constants are in environment steps."""

    network: str = "rate"  # rate (leaky tanh units), alif (LIF and ALIF), lif
    n_neurons: int = 100
    tau_min: float = 1.0  # rate units: leaks 1/tau, tau log-uniform in [tau_min, tau_max]
    tau_max: float = 20.0
    nonlinearity: str = "state"  # rate units: tanh of the leaky state, or of its input
    initial_activity: float = 0.0  # rate units: at the start of an episode
    connectivity: float = 1.0  # share of the recurrent connections that exist
    excitatory: float = 0.0  # Dale's law: share of excitatory neurons; 0: no such law
    rewiring: bool = False  # connections that reach 0 make way for others
    rewiring_l1: float = 0.0  # shrinkage of each connection an update, with rewiring
    recurrent_gain: float = 1.0
    input_gain: float = 3.0
    input_units: str = "raw"  # of input weights; bounds: of the observation space's
    bias_gain: float = 0.0  # spread of the initial biases: units with working points of their own
    substeps: int = 5  # spiking networks: network steps an environment step
    adaptive_fraction: float = 0.5  # alif: share of ALIF neurons
    tau_membrane: tuple[float, float] = (1.0, 4.0)
    tau_adaptation: tuple[float, float] = (4.0, 40.0)
    tau_readout: float = 1.0
    mean_features: bool = False  # readout of means of recent spikes (1 - kappa), not of sums
    adaptation_strength: float = 2.0
    dampening: float = 0.3
    threshold: float = 1.0
    refractory: int = 1  # shortest inter-spike interval in network steps; 1: none
    kernel: str = "auto"  # numpy, numba, or auto: numba where it is installed
    memory: str = "none"  # attractor: further inputs that hold what was shown last
    memory_channels: str | None = None  # watched: names or numbers; None: all but NOT_HELD
    memory_units: int = 32
    memory_rule: str = "storkey"  # hebb, storkey, storkey-extended
    memory_noise: float = 0.0  # probability that a unit turns over in a step
    memory_sweeps: int = 1  # of relaxation a step; 0: a register without attractors
    memory_decay: float = 0.0  # share of the memory's weights that each writing takes away
    memory_threshold: float = 0.5  # something is shown while a watched channel is beyond it


class RecurrentAgent(StatefulAgent):
    """A recurrent network with a linear readout (policy outputs and a value) that plays rounds.

    Args:
        env: id, ``gymnasium.Env`` (one copy) or ``gymnasium.vector.VectorEnv``; Box observations,
            Discrete, MultiBinary or Box actions. Or :class:`~.targets.Targets`, to learn from right
            answers.
        seed: decides weights, time constants, episodes and action noise.
        n_envs: copies played at a time (default 64 for an id).
        env_kwargs: keyword arguments of the environment, for an id.
        options: hyper-parameters, see ``options_class``.
    """

    options_class: ClassVar[type[RecurrentOptions]]
    options: RecurrentOptions

    def __init__(
        self,
        env: str | gym.Env | VectorEnv | Targets,
        *,
        seed: int = 0,
        n_envs: int | None = None,
        env_kwargs: dict[str, Any] | None = None,
        **options: Any,
    ):
        self.seed = checked_seed(self.name, seed)
        self.options = build_options(self.options_class, self.name, options)
        check_ranges(self.name, self.options, _RANGES)
        self.env_kwargs = dict(env_kwargs or {})
        self.targets: TargetRounds | None = None
        self.rounds: Rounds | TargetRounds
        if isinstance(env, Targets):
            if self.env_kwargs:
                raise AgentError("env_kwargs is for environment ids: Targets have their own.")
            self.env_kwargs = dict(env.env_kwargs)
            self.rounds = self.targets = TargetRounds(env, COPIES if n_envs is None else n_envs)
        else:
            steps = self.options.max_episode_steps
            self.rounds = make_rounds(env, n_envs, self.env_kwargs, steps)
        self.env_id = self.rounds.env_id
        self.n_envs = self.rounds.n_envs
        self.observation_space = self.rounds.observation_space
        self.action_space = self.rounds.action_space
        self.n_seen = check_observation_space(self.name, self.observation_space)
        self.head = make_head(self.name, self.action_space)
        choice(self.name, "dtype", self.options.dtype, ("float32", "float64"))
        choice(self.name, "schedule", self.options.schedule, SCHEDULES)
        self.dtype = np.dtype(self.options.dtype)

        build, play, predict = np.random.SeedSequence(self.seed).spawn(3)
        rng = np.random.default_rng(build)
        self.rng = np.random.default_rng(play)
        self._predict_rng = np.random.default_rng(predict)
        self.memory = self._make_memory()
        #: What the network gets: observations, and the units of a memory behind them.
        self.n_inputs = self.n_seen + (0 if self.memory is None else self.memory.n_units)
        self.network = self._build_network(rng)
        self.parameters = self._initial_parameters(rng)
        self.wiring = self._wiring()
        o = self.options
        self.optimizer = make_optimizer(
            o.optimizer,
            self.parameters,
            o.learning_rate,
            rates=self._learning_rates(),
            schedule=Schedule(o.schedule, o.schedule_updates, o.schedule_factor),
            weight_decay=o.weight_decay,
            epsilon=o.adam_epsilon,
        )
        self.tape = self.network.tape(self.n_envs)
        self.num_episodes = 0
        self.num_updates = 0
        self._trouble: Counter[str] = Counter()

    # -- construction ------------------------------------------------------------------------

    def _make_memory(self) -> Latch | None:
        """What holds stimuli for the network, None without."""
        o = self.options
        choice(self.name, "memory", o.memory, MEMORIES)
        choice(self.name, "memory_rule", o.memory_rule, INCREMENTAL)
        if o.memory == "none":
            return None
        info = getattr(self.rounds, "task_info", {})
        names = channel_names(self.name, self.observation_space, info)
        if o.memory_channels is not None:
            channels = find_channels(self.name, names, o.memory_channels)
        else:
            channels = [i for i, name in enumerate(names) if not name.startswith(NOT_HELD)]
        if not channels:
            raise AgentError(
                f"{self.name}: memory='attractor' has no channels to watch: name some of "
                f"{', '.join(names)} in memory_channels."
            )
        return Latch.create(
            np.random.default_rng([self.seed, 4]),
            channels,
            o.memory_units,
            rule=o.memory_rule,
            decay=o.memory_decay,
            noise=o.memory_noise,
            sweeps=o.memory_sweeps,
            threshold=o.memory_threshold,
            dtype=self.dtype,
        )

    def _build_network(self, rng: np.random.Generator) -> Network:
        o = self.options
        choice(self.name, "network", o.network, NETWORKS)
        choice(self.name, "input_units", o.input_units, ("raw", "bounds"))
        choice(self.name, "nonlinearity", o.nonlinearity, (STATE, INPUT))
        choice(self.name, "kernel", o.kernel, KERNELS)
        if not -1 < o.initial_activity < 1:
            raise AgentError(
                f"{self.name}: initial_activity={o.initial_activity} must be between -1 and 1, "
                "what tanh units can reach."
            )
        if o.network == "rate":
            return RateNetwork.create(
                rng,
                self.n_inputs,
                o.n_neurons,
                (o.tau_min, o.tau_max),
                self.dtype,
                o.nonlinearity,
                o.initial_activity,
                o.kernel,
            )
        return self._spiking_network(rng, self.n_inputs, o.substeps)

    def _spiking_network(
        self, rng: np.random.Generator, n_inputs: int, substeps: int
    ) -> SpikingNetwork:
        """LIF and ALIF neurons that hold an input for ``substeps`` network steps.

        ``options.substeps`` network steps are one of the environment's.
        """
        o = self.options
        scale = o.substeps / substeps  # from environment steps to held inputs

        def held(times: tuple[float, float]) -> tuple[float, float]:
            return times[0] * scale, times[1] * scale

        return SpikingNetwork.create(
            rng,
            n_inputs,
            o.n_neurons,
            substeps=substeps,
            adaptive_fraction=o.adaptive_fraction if o.network == "alif" else 0.0,
            tau_membrane=held(o.tau_membrane),
            tau_adaptation=held(o.tau_adaptation),
            tau_readout=o.tau_readout * scale,
            threshold=o.threshold,
            adaptation_strength=o.adaptation_strength,
            dampening=o.dampening,
            dtype=self.dtype,
            kernel=o.kernel,
            refractory=o.refractory,
            mean_features=o.mean_features,
        )

    def _wiring(self) -> Wiring | None:
        """Constraint on the recurrent weights, which obey it from here on; None without one."""
        o = self.options
        if o.rewiring and o.connectivity == 1:
            raise AgentError(
                f"{self.name}: with connectivity=1 every connection exists and rewiring finds no "
                "place for others: set connectivity below 1 or rewiring=False."
            )
        if o.rewiring_l1 and not o.rewiring:
            raise AgentError(
                f"{self.name}: rewiring_l1={o.rewiring_l1} shrinks connections until others take "
                "their place: set rewiring=True, or shrink weights by weight_decay."
            )
        if o.connectivity == 1 and not o.excitatory:
            return None
        wiring = Wiring.create(
            np.random.default_rng([self.seed, 2]),
            o.n_neurons,
            connectivity=o.connectivity,
            excitatory=o.excitatory,
            rewiring=o.rewiring,
            l1=o.rewiring_l1,
            self_connections=self.network.self_connections,
        )
        wiring.prepare(self.parameters)
        return wiring

    def _network_parameters(self, rng: np.random.Generator) -> Parameters:
        """Initial weights of the network itself."""
        o = self.options
        parameters = self.network.initial_parameters(rng, o.recurrent_gain, o.input_gain)
        if o.input_units == "bounds":
            bounds = observation_bounds(self.observation_space).astype(self.dtype)
            parameters["W_in"][:, : self.n_seen] /= bounds
        if o.bias_gain > 0:  # not drawn without need: seeds keep their networks
            spread = o.bias_gain * rng.standard_normal(o.n_neurons)
            parameters["bias"] += (spread * self.network.input_unit()).astype(self.dtype)
        if not o.biases:
            parameters["bias"][:] = 0
        return parameters

    def _initial_parameters(self, rng: np.random.Generator) -> Parameters:
        o, n = self.options, self.network.n_units
        parameters = self._network_parameters(rng)
        n_outputs = self.head.n_outputs + 1
        readout = o.readout_gain / np.sqrt(n) * rng.standard_normal((n_outputs, n))
        readout[-1] = 0  # the critic starts at 0
        bias = np.zeros(n_outputs)
        if isinstance(self.head, SoftmaxHead):  # action 0 is "withhold" in many tasks
            bias[0] = o.initial_withhold_bias
        parameters["W_out"] = readout.astype(self.dtype)
        parameters["b_out"] = bias.astype(self.dtype)
        parameters["log_std"] = np.full(self.head.n_free, o.initial_log_std, self.dtype)
        return parameters

    def _learning_rates(self) -> dict[str, float]:
        """Learning rates of parameters that have their own."""
        return {}

    # -- acting ------------------------------------------------------------------------------

    def outputs(self, features: np.ndarray) -> np.ndarray:
        """Readout (B, K + 1): policy outputs and the value."""
        return features @ self.parameters["W_out"].T + self.parameters["b_out"]

    def fresh_state(self, n: int, rng: np.random.Generator) -> State:
        """State of the network at the start of ``n`` episodes; ``rng`` for what is drawn there.

        That of the memory, if there is one, follows it.
        """
        state = self.network.initial_state(n)
        if self.memory is None:
            return state
        return (*state, *self.memory.begin(rng.integers(_LUCK, size=n)))

    def remember(self, x: np.ndarray, state: State) -> tuple[np.ndarray, State, State]:
        """Inputs (n, D + M) of the network at observations x (n, D), its state, the memory's.

        The memory depends on what was observed and on its own luck, not on what is learned: to
        every rule it is a part of the world.
        """
        if self.memory is None:
            frames = x.dtype == np.uint8  # which networks that see take as they are
            return x if frames else x.astype(self.dtype, copy=False), state, ()
        own = self.network.n_state
        held, memory = self.memory.step(x, state[own:])
        return np.concatenate([x, held], axis=1).astype(self.dtype), state[:own], memory

    def begin(self, n: int) -> State:
        return self.fresh_state(n, self._predict_rng)

    def act(
        self, observation: np.ndarray, state: State, deterministic: bool
    ) -> tuple[np.ndarray, State]:
        x, own, memory = self.remember(observation.astype(self.dtype), state)
        features, own = self.network.step(self.parameters, own, x)
        state = (*own, *memory)
        policy = self.outputs(features)[:, :-1]
        if deterministic:
            actions = self.head.mode(policy)
        else:
            noise = self.head.noise(self._predict_rng, len(x))
            actions = self.head.sample(policy, noise, self.parameters["log_std"])
        return self.head.to_env(actions), state

    # -- learning ----------------------------------------------------------------------------

    def teach(self, targets: Targets) -> None:
        """Learn from these trials from now on; for streams of fresh ones.

        Raises:
            AgentError: the agent was built on an environment, or they are of other spaces.
        """
        if self.targets is None:
            raise AgentError(f"{self.name} was built on an environment: it takes no targets.")
        for kind in ("observation_space", "action_space"):
            ours, theirs = getattr(self, kind), getattr(targets, kind)
            if ours != theirs:
                raise AgentError(f"{self.name}: targets with {kind} {theirs} do not fit {ours}.")
        self.targets.pool = targets

    def warm_up(self) -> None:
        state = self.network.initial_state(self.n_envs)
        self.tape.clear()
        x = np.zeros((self.n_envs, self.n_inputs), self.dtype)
        features, _ = self.network.step(self.parameters, state, x, self.tape)
        self.network.backward(self.parameters, self.tape, np.zeros_like(features)[None])
        self.tape.clear()

    def _apply(self, gradient: Parameters) -> tuple[float, float]:
        """Step the optimiser; returns the norms of the network's and of the readout's gradient."""
        # The network's gradient may be an estimate far noisier than the readout's: clip each alone.
        if not gradient:
            return 0.0, 0.0
        kept = {k: g for k, g in gradient.items() if self.options.biases or k not in BIASES}
        readout = {name: g for name, g in kept.items() if name in READOUT}
        network = {name: g for name, g in kept.items() if name not in READOUT}
        if self.wiring is not None:
            self.wiring.mask(network)
        limit = self.options.max_grad_norm
        norms = clip_by_norm(network, limit), clip_by_norm(readout, limit)
        if not np.isfinite(norms).all():
            raise NonFiniteError(
                f"{self.name}: the update is not finite after {self.num_timesteps} steps; the "
                "weights are those of the update before. Lower learning_rate or max_grad_norm."
            )
        self.optimizer.step(self.parameters, kept)
        if self.wiring is not None and "W_rec" in network:
            self.wiring.enforce(self.parameters, self.rng)
        return norms

    def _finish_round(self, metrics: Metrics) -> Metrics:
        """Count the round that has been learned from."""
        self.num_episodes += self.n_envs
        self.num_updates += 1
        return {
            "timesteps": self.num_timesteps,
            "episodes": self.num_episodes,
            "updates": self.num_updates,
            "return_mean": float(self.rounds.returns.mean()),
            "length_mean": float(self.rounds.lengths.mean()),
            **metrics,
        }

    def _watch(self, cause: str, present: bool, advice: str) -> None:
        """Warn once when a failure has lasted for a while."""
        self._trouble[cause] = self._trouble[cause] + 1 if present else 0
        if self._trouble[cause] == _PATIENCE:
            warnings.warn(
                f"{self.name}: {cause} for {_PATIENCE} updates in a row. {advice}",
                LearningWarning,
                stacklevel=3,
            )

    # -- state -------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        return {
            "parameters": {name: w.copy() for name, w in self.parameters.items()},
            "constants": self.network.get_constants(),
            "optimizer": self.optimizer.get_state(),
            "generators": [self.rng.bit_generator.state, self._predict_rng.bit_generator.state],
            "counts": [self.num_timesteps, self.num_episodes, self.num_updates],
            "trouble": dict(self._trouble),
            "wiring": None if self.wiring is None else self.wiring.get_state(),
            "memory": None if self.memory is None else self.memory.get_constants(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        for name, w in self.parameters.items():
            stored = state["parameters"].get(name)
            if stored is None or stored.shape != w.shape:
                raise CheckpointError(
                    f"The checkpoint's {name} has shape {getattr(stored, 'shape', None)}, this "
                    f"agent needs {w.shape}: build it with the checkpoint's options and "
                    "environment."
                )
            w[...] = stored
        self.network.set_constants(state["constants"])
        self.optimizer.set_state(state["optimizer"])
        for rng, stored in zip((self.rng, self._predict_rng), state["generators"], strict=True):
            rng.bit_generator.state = stored
        self.num_timesteps, self.num_episodes, self.num_updates = (int(n) for n in state["counts"])
        self._trouble = Counter(state["trouble"])
        if self.wiring is not None:
            self.wiring.set_state(state["wiring"])
        if self.memory is not None:
            self.memory.set_constants(state["memory"])
