"""Stable-Baselines3 PPO and sb3-contrib RecurrentPPO behind the face of our agents.

Nothing of the algorithms is re-implemented: rollouts and updates are the libraries' own methods.
The defaults keep the rollout near 2,048 transitions whatever the number of environments (the
libraries' default grows with it, to 131,072 at 64). Building an agent sets torch to one thread;
call ``torch.set_num_threads`` afterwards for more.

The libraries draw from the global generators of torch, NumPy and Python. Each agent brings its own
state of them, so that what else runs in the process changes nothing, nor is changed.

State is kept in our own checkpoint format; the libraries' ``load`` is never called.
"""

from __future__ import annotations

import copy
import random
import warnings
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker

from .base import Agent, Metrics, State
from .errors import AgentError, CheckpointError, NonFiniteError
from .options import build_options, option_types
from .rounds import vector_env_spec


@dataclass
class PPOOptions:
    """Hyper-parameters; those but the last two are Stable-Baselines3's own, by the same names."""

    learning_rate: float = 1e-3
    n_steps: int | None = None  # steps a column and rollout; None: about 2,048 transitions in all
    batch_size: int = 256
    n_epochs: int = 10
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip_range: float = 0.2
    ent_coef: float = 0.01
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5
    n_hidden: int = 64  # units of the one hidden layer, of policy and value each
    initial_withhold_bias: float = 0.0  # on the logit of action 0, of Discrete actions


@dataclass
class RecurrentPPOOptions(PPOOptions):
    """Hyper-parameters of RecurrentPPO."""

    n_lstm: int = 64  # units of the LSTM, of policy and value each


_COUNTS = ("n_steps", "n_epochs", "n_hidden", "n_lstm")
_POSITIVE = ("learning_rate", "clip_range", "max_grad_norm")
_FRACTIONS = ("gamma", "gae_lambda")
_NOT_NEGATIVE = ("ent_coef", "vf_coef")


class _Baseline(Agent):
    """One rollout and one training phase of a Stable-Baselines3 on-policy algorithm an update.

    Args:
        env: id (natively batched where the environment offers ``to_sb3``), ``gymnasium.Env``,
            Stable-Baselines3 ``VecEnv``, or a vector environment that offers ``to_sb3``. Box
            observations; Discrete, Box, MultiDiscrete or MultiBinary actions.
        seed: decides weights, episodes, action noise and minibatches.
        n_envs: copies played at a time (default 64 for an id).
        env_kwargs: keyword arguments of the environment, for an id.
        options: hyper-parameters, see ``options_class``.
    """

    options_class: ClassVar[type[PPOOptions]]
    policy: ClassVar[str]

    def __init__(
        self,
        env: Any,
        *,
        seed: int = 0,
        n_envs: int | None = None,
        env_kwargs: dict[str, Any] | None = None,
        **options: Any,
    ):
        self.options = build_options(self.options_class, self.name, options)
        self._check_options()
        if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
            raise AgentError(f"seed={seed!r} must be an integer from 0 to 4294967295.")
        self.seed = int(seed)
        self.env_kwargs = dict(env_kwargs or {})
        algorithm = self._algorithm()
        import torch
        from stable_baselines3.common.utils import set_random_seed

        torch.set_num_threads(1)
        self.env, self.env_id = _sb3_env(env, n_envs, self.env_kwargs)
        self.n_envs = self.env.num_envs
        self.observation_space = self.env.observation_space
        self.action_space = self.env.action_space
        self._check_spaces()
        n_steps = self._rollout_steps()
        self._watched = _watched(self.env)
        self._streams = _Streams()
        self._predict_streams = _Streams()
        with self._predict_streams.active():
            set_random_seed(self._derived_seed(1))
        with self._streams.active():
            self.model = self._build_model(algorithm, n_steps)
            # The libraries seed column i with seed + i: agents of neighbouring seeds would play
            # the same episodes.
            self._watched.seed(self._derived_seed(0))
            if isinstance(self.action_space, gym.spaces.Discrete):
                with torch.no_grad():
                    self.model.policy.action_net.bias[0] += self.options.initial_withhold_bias
            _, self._callback = self.model._setup_learn(total_timesteps=0)
        self.num_episodes = 0
        self.num_updates = 0
        self._episode_return = np.zeros(self.n_envs)

    def _build_model(self, algorithm: type, n_steps: int) -> Any:
        ours = ("n_hidden", "n_lstm", "n_steps", "initial_withhold_bias")
        try:
            with warnings.catch_warnings():  # a smaller last minibatch is harmless
                warnings.filterwarnings("ignore", message="You have specified a mini-batch size")
                return algorithm(
                    self.policy,
                    self._watched,
                    n_steps=n_steps,
                    seed=self.seed,
                    device="cpu",
                    policy_kwargs=self._policy_kwargs(),
                    **{k: v for k, v in asdict(self.options).items() if k not in ours},
                )
        except (AssertionError, NotImplementedError, ValueError) as error:
            raise AgentError(
                f"{self.name} cannot be built on {_one_line(self.observation_space)} and "
                f"{_one_line(self.action_space)}: {_one_line(error)}"
            ) from error

    def _rollout_steps(self) -> int:
        o = self.options
        n_steps = max(32, 2048 // self.n_envs) if o.n_steps is None else o.n_steps
        rollout = n_steps * self.n_envs
        # Advantages are normalised within a minibatch, which takes two at least.
        if not 1 < o.batch_size <= rollout or rollout % o.batch_size == 1:
            raise AgentError(
                f"{self.name}: batch_size={o.batch_size} must be between 2 and the rollout of "
                f"{n_steps} steps x {self.n_envs} environments and not leave a remainder of 1."
            )
        return n_steps

    def _derived_seed(self, *key: int) -> int:
        words = np.random.SeedSequence(self.seed, spawn_key=key).generate_state(1)
        return int(words[0]) >> 2  # room for one seed a column below 2**31

    def _check_options(self) -> None:
        def check(names: tuple[str, ...], allowed: Any, meaning: str) -> None:
            for name in names:
                value = getattr(self.options, name, None)
                if value is not None and not allowed(value):
                    raise AgentError(f"{self.name}: {name}={value!r} must be {meaning}.")

        check(_COUNTS, lambda v: v >= 1, "1 or more")
        check(_POSITIVE, lambda v: 0 < v < np.inf, "above 0 and finite")
        check(_FRACTIONS, lambda v: 0 <= v <= 1, "between 0 and 1")
        check(_NOT_NEGATIVE, lambda v: 0 <= v < np.inf, "0 or more and finite")
        check(("initial_withhold_bias",), np.isfinite, "finite")

    @abstractmethod
    def _algorithm(self) -> type: ...

    def _policy_kwargs(self) -> dict[str, Any]:
        hidden = [self.options.n_hidden]
        return {"net_arch": {"pi": hidden, "vf": hidden}}

    def _check_spaces(self) -> None:
        spaces, space = gym.spaces, self.action_space
        if not isinstance(self.observation_space, spaces.Box):
            raise AgentError(
                f"{self.name} cannot read {_one_line(self.observation_space)}: it serves Box "
                "observations; wrap the environment in gymnasium.wrappers.FlattenObservation."
            )
        served = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
        if not isinstance(space, served):
            raise AgentError(
                f"{self.name} cannot act in {_one_line(space)}: it serves Discrete, Box, "
                "MultiDiscrete and MultiBinary actions."
            )
        if np.any(getattr(space, "start", 0)):
            raise AgentError(
                f"{self.name} cannot act in {_one_line(space)}: Stable-Baselines3 counts actions "
                "from 0; shift them with gymnasium.wrappers.TransformAction."
            )

    @classmethod
    def option_types(cls) -> dict[str, tuple[Any, Any]]:
        return option_types(cls.options_class)

    @property
    def config(self) -> dict[str, Any]:
        return {
            "env_id": self.env_id,
            "env_kwargs": self.env_kwargs,
            "seed": self.seed,
            "n_envs": self.n_envs,
            **asdict(self.options),
        }

    @property
    def exact_resume(self) -> bool:
        """Whether a killed and resumed run equals an undisturbed one.

        True where the environment gives and takes its state (``get_state``, ``set_state``), as
        caudate's tasks do. Elsewhere the learner is restored exactly and new episodes are begun,
        with seeds that follow from the agent's seed and the number of updates.
        """
        return _state_holders(self.env) is not None

    def update(self) -> Metrics:
        model = self.model
        before = model.num_timesteps
        self._watched.take_rewards()  # of a rollout that was broken off
        with self._streams.active(), self._finite_learning():
            model.collect_rollouts(
                model.env, self._callback, model.rollout_buffer, n_rollout_steps=model.n_steps
            )
            returns = self._finished_returns()
            model._update_current_progress_remaining(model.num_timesteps, model.num_timesteps + 1)
            model.train()
        self.num_timesteps += model.num_timesteps - before
        self.num_episodes += len(returns)
        self.num_updates += 1
        log = model.logger.name_to_value
        return {
            "timesteps": self.num_timesteps,
            "episodes": self.num_episodes,
            "updates": self.num_updates,
            "return_mean": float(np.mean(returns)) if returns else float("nan"),
            "entropy": -float(log["train/entropy_loss"]),
            "policy_loss": float(log["train/policy_gradient_loss"]),
            "value_loss": float(log["train/value_loss"]),
            "approx_kl": float(log["train/approx_kl"]),
            "clip_fraction": float(log["train/clip_fraction"]),
        }

    @contextmanager
    def _finite_learning(self) -> Iterator[None]:
        """Puts the weights of the update before back if they do not stay finite."""
        policy = self.model.policy
        weights = copy.deepcopy(policy.state_dict())
        optimizer = copy.deepcopy(policy.optimizer.state_dict())
        reason = None
        try:
            yield
        except ValueError as error:
            if "to satisfy the constraint" not in str(error):  # torch, of a distribution
                raise
            reason = error
        if reason is None and all(bool(w.isfinite().all()) for w in policy.parameters()):
            return
        policy.load_state_dict(weights)
        policy.optimizer.load_state_dict(optimizer)
        raise NonFiniteError(
            f"{self.name}: the update is not finite after {self.num_timesteps} steps; the weights "
            "are those of the update before. Lower learning_rate or max_grad_norm, or scale "
            "observations and rewards."
        ) from reason

    def _finished_returns(self) -> list[float]:
        """Returns of the episodes that ended in the rollout, from its rewards and starts."""
        model = self.model
        starts = [*model.rollout_buffer.episode_starts, model._last_episode_starts]
        finished: list[float] = []
        for reward, start in zip(self._watched.take_rewards(), starts[1:], strict=True):
            ended = np.asarray(start, bool)
            self._episode_return += reward
            finished += self._episode_return[ended].tolist()
            self._episode_return[ended] = 0
        return finished

    def predict(
        self,
        observation: np.ndarray,
        state: State | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, State | None]:
        observation = np.asarray(observation)
        self._batch_size(observation)
        return self._predict(observation, None, None, deterministic)[0], None

    def _predict(
        self, observation: np.ndarray, state: Any, episode_start: Any, deterministic: bool
    ) -> tuple[np.ndarray, Any]:
        if deterministic:
            return self.model.predict(observation, state, episode_start, deterministic)
        with self._predict_streams.active():
            return self.model.predict(observation, state, episode_start, deterministic)

    def _batch_size(self, observation: np.ndarray) -> int:
        """Number of observations in a batch; 1 for a single one."""
        shape = self.observation_space.shape
        if observation.shape == shape:
            return 1
        if observation.shape[1:] != shape:
            raise AgentError(
                f"{self.name}: observations of shape {observation.shape} do not fit {shape}: pass "
                "one observation or a batch of them."
            )
        return len(observation)

    def get_state(self) -> dict[str, Any]:
        model = self.model
        optimizer = model.policy.optimizer.state_dict()["state"]
        return {
            "policy": _to_arrays(model.policy.state_dict()),
            "optimizer": _to_arrays({str(key): value for key, value in optimizer.items()}),
            "generators": [self._streams.get_state(), self._predict_streams.get_state()],
            "counts": [self.num_timesteps, self.num_episodes, self.num_updates, model._n_updates],
            "play": self._get_play(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        model = self.model
        try:
            model.policy.load_state_dict(_to_tensors(state["policy"]))
        except RuntimeError as error:
            raise CheckpointError(
                f"The checkpoint's weights do not fit this {self.name}: build it with the "
                "checkpoint's options and environment."
            ) from error
        optimizer = model.policy.optimizer.state_dict()
        optimizer["state"] = {int(k): _to_tensors(v) for k, v in state["optimizer"].items()}
        model.policy.optimizer.load_state_dict(optimizer)
        counts = (int(n) for n in state["counts"])
        self.num_timesteps, self.num_episodes, self.num_updates, model._n_updates = counts
        model.num_timesteps = self.num_timesteps
        for streams, stored in zip(
            (self._streams, self._predict_streams), state["generators"], strict=True
        ):
            streams.set_state(stored)
        if self._continues(state["play"]):
            self._set_play(state["play"])
        else:
            self._begin_anew()

    def _get_play(self) -> dict[str, Any]:
        """Where the environment and the running episodes are."""
        holders = _state_holders(self.env)
        return {
            "task": _task_info(self.env),
            "env": None if holders is None else [holder.get_state() for holder in holders],
            "last_obs": np.array(self.model._last_obs),
            "last_starts": np.array(self.model._last_episode_starts),
            "episode_return": self._episode_return.copy(),
        }

    def _set_play(self, play: dict[str, Any]) -> None:
        for holder, stored in zip(_state_holders(self.env) or [], play["env"], strict=True):
            holder.set_state(stored)
        self.model._last_obs = np.array(play["last_obs"])
        self.model._last_episode_starts = np.array(play["last_starts"])
        self._episode_return = np.array(play["episode_return"])

    def _continues(self, play: dict[str, Any]) -> bool:
        """Whether this environment can go on from the stored place: same task, same size."""
        holders = _state_holders(self.env)
        return (
            holders is not None
            and play["env"] is not None
            and len(holders) == len(play["env"])
            and play["last_obs"].shape == np.shape(self.model._last_obs)
            and play["task"] == _task_info(self.env)
        )

    def _begin_anew(self) -> None:
        self._watched.seed(self._derived_seed(0, self.num_updates))
        with self._streams.active():
            self.model._last_obs = self.model.env.reset()
        self.model._last_episode_starts = np.ones(self.n_envs, bool)
        self._episode_return = np.zeros(self.n_envs)


class PPO(_Baseline):
    """Stable-Baselines3 PPO: no memory beyond what the observation holds.

    Schulman et al. (2017), arXiv:1707.06347; Raffin et al. (2021), JMLR 22(268).
    """

    name = "ppo"
    options_class = PPOOptions
    policy = "MlpPolicy"

    def _algorithm(self) -> type:
        try:
            from stable_baselines3 import PPO as Algorithm  # noqa: N811
        except ImportError as error:
            raise _missing(self.name, "stable-baselines3") from error
        return Algorithm


class RecurrentPPO(_Baseline):
    """sb3-contrib RecurrentPPO: PPO with an LSTM for the policy and one for the value."""

    name = "recurrent-ppo"
    options_class = RecurrentPPOOptions
    options: RecurrentPPOOptions
    policy = "MlpLstmPolicy"

    def _algorithm(self) -> type:
        try:
            from sb3_contrib import RecurrentPPO as Algorithm
        except ImportError as error:
            raise _missing(self.name, "sb3-contrib") from error
        return Algorithm

    def _policy_kwargs(self) -> dict[str, Any]:
        return super()._policy_kwargs() | {"lstm_hidden_size": self.options.n_lstm}

    def predict(
        self,
        observation: np.ndarray,
        state: State | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, State | None]:
        observation = np.asarray(observation)
        n = self._batch_size(observation)
        if state is not None:
            if len(state[0]) != n:
                raise AgentError(
                    f"predict got {n} observations with the state of {len(state[0])}: "
                    "pass the state that belongs to this batch, or None to start afresh."
                )
            # Stable-Baselines3 keeps the LSTM's layers on the first axis.
            state = tuple(np.ascontiguousarray(part.swapaxes(0, 1)) for part in state)
        if episode_start is None:
            episode_start = np.full(n, state is None)
        start = np.asarray(episode_start, bool).reshape(n)
        actions, after = self._predict(observation, state, start, deterministic)
        return actions, tuple(part.swapaxes(0, 1) for part in after)

    def _get_play(self) -> dict[str, Any]:
        lstm = self.model._last_lstm_states
        return super()._get_play() | {"lstm": [[h.numpy().copy() for h in pair] for pair in lstm]}

    def _set_play(self, play: dict[str, Any]) -> None:
        import torch

        super()._set_play(play)
        kind = type(self.model._last_lstm_states)
        pairs = (tuple(torch.from_numpy(h.copy()) for h in pair) for pair in play["lstm"])
        self.model._last_lstm_states = kind(*pairs)


class _Streams:
    """A private state of the global generators of torch, NumPy and Python."""

    def __init__(self):
        self._state = _global_generators()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Within, the global generators are these; afterwards they are what they were."""
        outside = _global_generators()
        _set_global_generators(self._state)
        try:
            yield
        finally:
            self._state = _global_generators()
            _set_global_generators(outside)

    def get_state(self) -> list[Any]:
        torch_state, (name, key, *rest), (version, words, gauss) = self._state
        return [
            torch_state.numpy().copy(),
            [name, key.copy(), *rest],
            [version, np.array(words, np.uint64), gauss],
        ]

    def set_state(self, state: list[Any]) -> None:
        import torch

        torch_state, numpy_state, (version, words, gauss) = state
        self._state = (
            torch.from_numpy(torch_state.copy()),
            tuple(numpy_state),
            (version, tuple(words.tolist()), gauss),
        )


def _global_generators() -> tuple[Any, Any, Any]:
    import torch

    return torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002


def _set_global_generators(state: tuple[Any, Any, Any]) -> None:
    import torch

    torch.set_rng_state(state[0])
    np.random.set_state(state[1])  # noqa: NPY002
    random.setstate(state[2])


def _watched(env: Any) -> Any:
    """``env`` in a wrapper that refuses values that are not finite and keeps the raw rewards."""
    from stable_baselines3.common.vec_env import VecEnvWrapper

    class WatchedEnv(VecEnvWrapper):
        def __init__(self, venv: Any):
            super().__init__(venv)
            self._rewards: list[np.ndarray] = []

        def reset(self) -> np.ndarray:
            return _finite("observation", self.venv.reset())

        def step_wait(self) -> Any:
            observation, reward, done, info = self.venv.step_wait()
            self._rewards.append(_finite("reward", reward).copy())
            for column in np.flatnonzero(done):
                if "terminal_observation" in info[column]:
                    _finite("observation", info[column]["terminal_observation"])
            return _finite("observation", observation), reward, done, info

        def take_rewards(self) -> list[np.ndarray]:
            """(B,) rewards of each step since the last call, before any bootstrapping."""
            taken, self._rewards = self._rewards, []
            return taken

    return WatchedEnv(env)


def _finite(what: str, values: Any) -> Any:
    finite = np.isfinite(values)
    if not finite.all():
        raise AgentError(
            f"The environment returned a {what} of {np.asarray(values)[~finite].flat[0]}: "
            f"{what}s must be finite."
        )
    return values


def _state_holders(env: Any) -> list[Any] | None:
    """The objects whose ``get_state`` makes up the environment's state; None if there is more."""
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env import DummyVecEnv

    if hasattr(type(env), "get_state"):  # of its own, not handed on by a wrapper
        return [env]
    if not isinstance(env, DummyVecEnv):
        return None
    holders = []
    single: Any
    for single in env.envs:
        # Wrappers of which nothing needs to be kept.
        while type(single) in (OrderEnforcing, PassiveEnvChecker, Monitor):
            single = single.env
        holders.append(single)
    return holders if all(hasattr(type(one), "get_state") for one in holders) else None


def _task_info(env: Any) -> Any:
    holders = _state_holders(env)
    return None if holders is None else getattr(holders[0], "task_info", None)


def _sb3_env(env: Any, n_envs: int | None, env_kwargs: dict[str, Any]) -> tuple[Any, str | None]:
    """A Stable-Baselines3 VecEnv and the id it was made from."""
    from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

    if isinstance(env, str):
        return _from_id(env, 64 if n_envs is None else n_envs, env_kwargs), env
    if env_kwargs:
        raise AgentError("env_kwargs is for environment ids: this environment is already built.")
    if isinstance(env, VecEnv):
        made = env
    elif isinstance(env, gym.Env):
        made = DummyVecEnv([lambda: env])
    elif isinstance(env, VectorEnv):
        made = _from_batch(env)
    else:
        raise AgentError(
            f"env={type(env).__name__} cannot be served: pass an id, a gymnasium.Env, a "
            "Stable-Baselines3 VecEnv or a VectorEnv that offers to_sb3()."
        )
    if n_envs not in (None, made.num_envs):
        raise AgentError(
            f"n_envs={n_envs}, but the environment has {made.num_envs} copies: leave n_envs out or "
            "pass an id."
        )
    return made, None


def _from_id(env_id: str, n: int, env_kwargs: dict[str, Any]) -> Any:
    from stable_baselines3.common.vec_env import DummyVecEnv

    spec, native = vector_env_spec(env_id, n)
    try:
        if native:
            batch: Any = gym.make_vec(spec, num_envs=n, **env_kwargs).unwrapped
            if hasattr(batch, "to_sb3"):
                return batch.to_sb3()
            batch.close()
        return DummyVecEnv([lambda: gym.make(spec, **env_kwargs)] * n)
    except (TypeError, ImportError, gym.error.Error) as error:
        raise AgentError(
            f"Environment {env_id!r} cannot be built with {env_kwargs}: {_one_line(error)}"
        ) from error


def _from_batch(env: Any) -> Any:
    if env.unwrapped is not env and hasattr(env.unwrapped, "to_sb3"):
        raise AgentError(
            f"env={type(env).__name__} wraps a batch, and its to_sb3() would leave the wrapper "
            "out: pass env.unwrapped, or an id."
        )
    if not hasattr(env, "to_sb3"):
        raise AgentError(
            f"env={type(env).__name__} does not offer to_sb3(): pass an id, or the copies as a "
            "Stable-Baselines3 VecEnv."
        )
    return env.to_sb3()


def _missing(name: str, package: str) -> AgentError:
    return AgentError(f'{name} needs {package}: pip install "caudate[baselines]".')


def _one_line(value: Any) -> str:
    return " ".join(str(value).split())


def _to_arrays(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _to_arrays(value) for key, value in tree.items()}
    return tree.detach().cpu().numpy().copy() if hasattr(tree, "detach") else tree


def _to_tensors(tree: Any) -> Any:
    import torch

    if isinstance(tree, dict):
        return {key: _to_tensors(value) for key, value in tree.items()}
    return torch.from_numpy(np.array(tree)) if isinstance(tree, np.ndarray) else tree
