"""What PPO and RecurrentPPO share: one rollout and one training phase an update."""

from __future__ import annotations

import copy
import warnings
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np

from ..base import Agent, Metrics, State
from ..errors import AgentError, CheckpointError, NonFiniteError
from ..options import build_options, check_ranges
from .sb3_envs import one_line, sb3_env, state_holders, task_info, watched
from .streams import GeneratorStreams, to_arrays, to_tensors


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


_RANGES = {
    "count": ("n_steps", "n_epochs", "n_hidden", "n_lstm"),
    "positive": ("learning_rate", "clip_range", "max_grad_norm"),
    "fraction": ("gamma", "gae_lambda"),
    "not negative": ("ent_coef", "vf_coef"),
    "finite": ("initial_withhold_bias",),
}


class Baseline(Agent):
    """One rollout and one training phase of a Stable-Baselines3 on-policy algorithm an update.

    Args:
        env: id or registered ``EnvSpec`` (natively batched where the environment offers
            ``to_sb3``), ``gymnasium.Env``, Stable-Baselines3 ``VecEnv``, ``SyncVectorEnv`` or
            another vector environment that offers ``to_sb3``. Box observations; Discrete, Box,
            MultiDiscrete or MultiBinary actions.
        seed: decides weights, episodes, action noise and minibatches.
        n_envs: copies played at a time (default 64 for an id).
        env_kwargs: keyword arguments of the environment, for an id.
        options: hyper-parameters, see ``options_class``.
    """

    options_class: ClassVar[type[PPOOptions]]

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
        check_ranges(self.name, self.options, _RANGES)
        if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
            raise AgentError(f"seed={seed!r} must be an integer from 0 to 4294967295.")
        self.seed = int(seed)
        self.env_kwargs = dict(env_kwargs or {})
        algorithm = self._algorithm()
        import torch
        from stable_baselines3.common.logger import Logger
        from stable_baselines3.common.utils import set_random_seed

        torch.set_num_threads(1)
        self.env, self.env_id = sb3_env(env, n_envs, self.env_kwargs)
        self.n_envs = self.env.num_envs
        self.observation_space = self.env.observation_space
        self.action_space = self.env.action_space
        self._check_spaces()
        n_steps = self._rollout_steps()
        self._watched = watched(self.env)
        self._streams = GeneratorStreams()
        self._predict_streams = GeneratorStreams()
        with self._predict_streams.active():
            set_random_seed(self._derived_seed(1))
        with self._streams.active():
            self.model = self._build_model(algorithm, n_steps)
            self.model.set_logger(Logger(None, []))  # else it leaves a folder behind
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
                    self._policy(),
                    self._watched,
                    n_steps=n_steps,
                    seed=self.seed,
                    device="cpu",
                    policy_kwargs=self._policy_kwargs(),
                    **{k: v for k, v in asdict(self.options).items() if k not in ours},
                )
        except (AssertionError, NotImplementedError, ValueError) as error:
            raise AgentError(
                f"{self.name} cannot be built on {one_line(self.observation_space)} and "
                f"{one_line(self.action_space)}: {one_line(error)}"
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

    @abstractmethod
    def _algorithm(self) -> type: ...

    @abstractmethod
    def _policy(self) -> str | type:
        """The library's policy, by its alias or its class."""

    def _policy_kwargs(self) -> dict[str, Any]:
        hidden = [self.options.n_hidden]
        return {"net_arch": {"pi": hidden, "vf": hidden}}

    def _check_spaces(self) -> None:
        spaces, space = gym.spaces, self.action_space
        if not isinstance(self.observation_space, spaces.Box) or not self.observation_space.shape:
            raise AgentError(
                f"{self.name} cannot read {one_line(self.observation_space)}: it serves Box "
                "observations with an axis; wrap the environment in "
                "gymnasium.wrappers.FlattenObservation."
            )
        served = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
        if not isinstance(space, served):
            raise AgentError(
                f"{self.name} cannot act in {one_line(space)}: it serves Discrete, Box, "
                "MultiDiscrete and MultiBinary actions."
            )
        if np.any(getattr(space, "start", 0)):
            raise AgentError(
                f"{self.name} cannot act in {one_line(space)}: Stable-Baselines3 counts actions "
                "from 0; shift them with gymnasium.wrappers.TransformAction."
            )

    @property
    def exact_resume(self) -> bool:
        """Whether a killed and resumed run equals an undisturbed one.

        True where the environment gives and takes its state (``get_state``, ``set_state``), as
        caudate's tasks do. Elsewhere the learner is restored exactly and new episodes are begun,
        with seeds that follow from the agent's seed and the number of updates.
        """
        return state_holders(self.env) is not None

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
        if not np.isfinite(observation).all():
            raise AgentError("predict got an observation that is not finite: pass finite ones.")
        if deterministic:
            return self.model.predict(observation, state, episode_start, deterministic)
        with self._predict_streams.active():
            return self.model.predict(observation, state, episode_start, deterministic)

    def get_state(self) -> dict[str, Any]:
        model = self.model
        optimizer = model.policy.optimizer.state_dict()["state"]
        return {
            "policy": to_arrays(model.policy.state_dict()),
            "optimizer": to_arrays({str(key): value for key, value in optimizer.items()}),
            "generators": [self._streams.get_state(), self._predict_streams.get_state()],
            "counts": [self.num_timesteps, self.num_episodes, self.num_updates, model._n_updates],
            "play": self._get_play(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        model = self.model
        try:
            model.policy.load_state_dict(to_tensors(state["policy"]))
        except RuntimeError as error:
            raise CheckpointError(
                f"The checkpoint's weights do not fit this {self.name}: build it with the "
                "checkpoint's options and environment."
            ) from error
        optimizer = model.policy.optimizer.state_dict()
        optimizer["state"] = {int(k): to_tensors(v) for k, v in state["optimizer"].items()}
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
        holders = state_holders(self.env)
        return {
            "task": task_info(self.env),
            "env": None if holders is None else [holder.get_state() for holder in holders],
            "last_obs": np.array(self.model._last_obs),
            "last_starts": np.array(self.model._last_episode_starts),
            "episode_return": self._episode_return.copy(),
        }

    def _set_play(self, play: dict[str, Any]) -> None:
        for holder, stored in zip(state_holders(self.env) or [], play["env"], strict=True):
            holder.set_state(stored)
        self.model._last_obs = np.array(play["last_obs"])
        self.model._last_episode_starts = np.array(play["last_starts"])
        self._episode_return = np.array(play["episode_return"])

    def _continues(self, play: dict[str, Any]) -> bool:
        """Whether this environment can go on from the stored place: same task, same size."""
        holders = state_holders(self.env)
        return (
            holders is not None
            and play["env"] is not None
            and len(holders) == len(play["env"])
            and play["last_obs"].shape == np.shape(self.model._last_obs)
            and play["task"] == task_info(self.env)
        )

    def _begin_anew(self) -> None:
        self._watched.seed(self._derived_seed(0, self.num_updates))
        with self._streams.active():
            self.model._last_obs = self.model.env.reset()
        self.model._last_episode_starts = np.ones(self.n_envs, bool)
        self._episode_return = np.zeros(self.n_envs)


def missing_extra(name: str, package: str) -> AgentError:
    return AgentError(f'{name} needs {package}: pip install "caudate[baselines]".')
