"""Stable-Baselines3 PPO and sb3-contrib RecurrentPPO behind the face of our agents.

Nothing of the algorithms is re-implemented: rollouts and updates are the libraries' own methods. The
defaults keep the rollout near 2,048 transitions whatever the number of environments (the
libraries' default grows with it, to 131,072 at 64). One torch thread is used.

State is kept in our own checkpoint format; the libraries' ``load`` is never called.
"""

from __future__ import annotations

import random
from abc import abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np

from .base import Agent, Metrics, State
from .errors import AgentError, CheckpointError, NonFiniteError
from .options import build_options, option_types
from .rounds import vector_env_spec


@dataclass
class PPOOptions:
    """Hyper-parameters that Stable-Baselines3 knows by the same names."""

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


@dataclass
class RecurrentPPOOptions(PPOOptions):
    n_lstm: int = 64  # units of the LSTM, of policy and value each


class _Baseline(Agent):
    """One rollout and one training phase of a Stable-Baselines3 on-policy algorithm an update.

    Attributes:
        exact_resume: whether a killed and resumed run equals an undisturbed one; true where the
            environment offers ``get_state`` and ``set_state``, as caudate's tasks do.
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
        if not isinstance(seed, (int, np.integer)) or seed < 0:
            raise AgentError(f"seed={seed!r} must be an integer of 0 or more.")
        self.seed = int(seed)
        self.env_kwargs = dict(env_kwargs or {})
        algorithm = self._algorithm()
        import torch

        torch.set_num_threads(1)
        self.env, self.env_id = _sb3_env(env, n_envs, self.env_kwargs)
        self.n_envs = self.env.num_envs
        self.observation_space = self.env.observation_space
        self.action_space = self.env.action_space
        self._check_spaces()
        o = self.options
        n_steps = o.n_steps or max(32, 2048 // self.n_envs)
        if not 1 < o.batch_size <= n_steps * self.n_envs:
            raise AgentError(
                f"{self.name}: batch_size={o.batch_size} must be between 2 and the rollout of "
                f"{n_steps} steps x {self.n_envs} environments."
            )
        common = {k: v for k, v in asdict(o).items() if k not in ("n_hidden", "n_lstm", "n_steps")}
        self.model = algorithm(
            self.policy,
            _Checked.wrap(self.env),
            n_steps=n_steps,
            seed=self.seed,
            device="cpu",
            policy_kwargs=self._policy_kwargs(),
            **common,
        )
        _, self._callback = self.model._setup_learn(total_timesteps=0)
        self.num_episodes = 0
        self.num_updates = 0
        self._episode_return = np.zeros(self.n_envs)
        self._finished: list[float] = []

    @abstractmethod
    def _algorithm(self) -> type: ...

    def _policy_kwargs(self) -> dict[str, Any]:
        hidden = [self.options.n_hidden]
        return {"net_arch": {"pi": hidden, "vf": hidden}}

    def _check_spaces(self) -> None:
        spaces = gym.spaces
        if not isinstance(self.observation_space, spaces.Box):
            raise AgentError(
                f"{self.name} cannot read {self.observation_space}: it serves Box observations; "
                "wrap the environment in gymnasium.wrappers.FlattenObservation."
            )
        allowed = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
        if not isinstance(self.action_space, allowed):
            raise AgentError(f"{self.name} cannot act in {self.action_space}: wrap the environment.")

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
        return hasattr(self.env, "get_state")

    def update(self) -> Metrics:
        model = self.model
        self._finished.clear()
        before = model.num_timesteps
        model.collect_rollouts(
            model.env, self._callback, model.rollout_buffer, n_rollout_steps=model.n_steps
        )
        self._count_episodes()
        model._update_current_progress_remaining(model.num_timesteps, model.num_timesteps + 1)
        model.train()
        log = model.logger.name_to_value
        metrics = {
            "entropy": -float(log["train/entropy_loss"]),
            "value_loss": float(log["train/value_loss"]),
            "approx_kl": float(log["train/approx_kl"]),
        }
        if not np.isfinite(list(metrics.values())).all():
            raise NonFiniteError(
                f"{self.name}: the update is not finite after {model.num_timesteps} steps. Lower "
                "learning_rate or max_grad_norm."
            )
        self.num_timesteps += model.num_timesteps - before
        self.num_updates += 1
        return {
            "timesteps": self.num_timesteps,
            "episodes": self.num_episodes,
            "updates": self.num_updates,
            "return_mean": float(np.mean(self._finished)) if self._finished else float("nan"),
            **metrics,
        }

    def _count_episodes(self) -> None:
        """Returns of the episodes that ended in the rollout, from its rewards and starts."""
        buffer = self.model.rollout_buffer
        starts = np.concatenate(
            [buffer.episode_starts, np.asarray(self.model._last_episode_starts, float)[None]]
        )
        for reward, ended in zip(self.env_rewards(), starts[1:] > 0, strict=True):
            self._episode_return += reward
            self._finished += list(self._episode_return[ended])
            self._episode_return[ended] = 0
        self.num_episodes += int((starts[1:] > 0).sum())

    def env_rewards(self) -> np.ndarray:
        """Rewards of the rollout as the environment gave them, (T, B)."""
        return np.asarray(self.model.env.take_rewards())

    def predict(
        self,
        observation: np.ndarray,
        state: State | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, State | None]:
        actions, _ = self.model.predict(observation, deterministic=deterministic)
        return actions, None

    def get_state(self) -> dict[str, Any]:
        import torch

        model = self.model
        optimizer = model.policy.optimizer.state_dict()
        return {
            "policy": _to_arrays(model.policy.state_dict()),
            "optimizer": _to_arrays({str(k): v for k, v in optimizer["state"].items()}),
            "torch": torch.get_rng_state().numpy(),
            "numpy": _numpy_state(),
            "python": list(random.getstate()[1]),
            "last_obs": np.asarray(model._last_obs),
            "last_starts": np.asarray(model._last_episode_starts),
            "n_updates": model._n_updates,
            "counts": [self.num_timesteps, self.num_episodes, self.num_updates],
            "episode_return": self._episode_return.copy(),
            "env": self.env.get_state() if self.exact_resume else None,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        import torch

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
        self.num_timesteps, self.num_episodes, self.num_updates = (int(n) for n in state["counts"])
        model.num_timesteps = self.num_timesteps
        model._n_updates = int(state["n_updates"])
        self._episode_return = np.array(state["episode_return"])
        if self.exact_resume and state["env"] is not None:
            self.env.set_state(state["env"])
            model._last_obs = state["last_obs"]
            model._last_episode_starts = state["last_starts"]
        torch.set_rng_state(torch.from_numpy(state["torch"].copy()))
        name, key, position, has_gauss, gauss = state["numpy"]
        np.random.set_state((name, key, position, has_gauss, gauss))  # noqa: NPY002
        random.setstate((3, tuple(state["python"]), None))


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
            from sb3_contrib import RecurrentPPO as Algorithm  # noqa: N811
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
        single = observation.shape == self.observation_space.shape
        n = 1 if single else len(observation)
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
        actions, state = self.model.predict(
            observation, state, np.asarray(episode_start, bool).reshape(n), deterministic
        )
        return actions, tuple(part.swapaxes(0, 1) for part in state)

    def get_state(self) -> dict[str, Any]:
        lstm = self.model._last_lstm_states
        return super().get_state() | {"lstm": [[h.numpy() for h in pair] for pair in lstm]}

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        if self.exact_resume:
            import torch

            kind = type(self.model._last_lstm_states)
            pairs = (tuple(torch.from_numpy(h.copy()) for h in pair) for pair in state["lstm"])
            self.model._last_lstm_states = kind(*pairs)


class _Checked:
    """Builds a VecEnv wrapper that refuses values that are not finite and keeps raw rewards."""

    @staticmethod
    def wrap(env: Any) -> Any:
        from stable_baselines3.common.vec_env import VecEnvWrapper

        class CheckedEnv(VecEnvWrapper):
            def __init__(self, venv: Any):
                super().__init__(venv)
                self._rewards: list[np.ndarray] = []

            def reset(self) -> np.ndarray:
                return self._finite("observation", self.venv.reset())

            def step_wait(self) -> Any:
                observation, reward, done, info = self.venv.step_wait()
                self._rewards.append(self._finite("reward", reward).copy())
                return self._finite("observation", observation), reward, done, info

            def take_rewards(self) -> list[np.ndarray]:
                taken, self._rewards = self._rewards, []
                return taken

            @staticmethod
            def _finite(what: str, values: np.ndarray) -> np.ndarray:
                finite = np.isfinite(values)
                if not finite.all():
                    raise AgentError(
                        f"The environment returned {what}s with the value "
                        f"{values[~finite].flat[0]}: {what}s must be finite."
                    )
                return values

        return CheckedEnv(env)


def _sb3_env(env: Any, n_envs: int | None, env_kwargs: dict) -> tuple[Any, str | None]:
    """A Stable-Baselines3 VecEnv, natively batched where the environment offers ``to_sb3``."""
    from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

    if isinstance(env, str):
        n = 64 if n_envs is None else n_envs
        spec, native = vector_env_spec(env, n)
        try:
            if native:
                vector = gym.make_vec(spec, num_envs=n, **env_kwargs)
                return vector.unwrapped.to_sb3(), env  # pyright: ignore[reportAttributeAccessIssue]
            return DummyVecEnv([lambda: gym.make(spec, **env_kwargs)] * n), env
        except TypeError as error:
            raise AgentError(f"Environment {env!r} cannot be built with {env_kwargs}: {error}") from error
    if env_kwargs:
        raise AgentError("env_kwargs is for environment ids: this environment is already built.")
    if isinstance(env, gym.Env):
        made, name = DummyVecEnv([lambda: env]), env.spec.id if env.spec else None
    elif isinstance(env, VecEnv):
        made, name = env, None
    elif hasattr(getattr(env, "unwrapped", None), "to_sb3"):
        made, name = env.unwrapped.to_sb3(), None
    else:
        raise AgentError(
            f"env={type(env).__name__} cannot be served: pass an id, a gymnasium.Env, a "
            "Stable-Baselines3 VecEnv or a batch that offers to_sb3()."
        )
    if n_envs not in (None, made.num_envs):
        raise AgentError(
            f"n_envs={n_envs}, but the environment has {made.num_envs} copies: leave n_envs out or "
            "pass an id."
        )
    return made, name


def _missing(name: str, package: str) -> AgentError:
    return AgentError(f'{name} needs {package}: pip install "caudate[baselines]".')


def _numpy_state() -> list[Any]:
    name, key, position, has_gauss, gauss = np.random.get_state()  # noqa: NPY002
    return [name, np.array(key), int(position), int(has_gauss), float(gauss)]


def _to_arrays(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _to_arrays(value) for key, value in tree.items()}
    return tree.detach().cpu().numpy().copy() if hasattr(tree, "detach") else tree


def _to_tensors(tree: Any) -> Any:
    import torch

    if isinstance(tree, dict):
        return {key: _to_tensors(value) for key, value in tree.items()}
    return torch.from_numpy(np.array(tree)) if isinstance(tree, np.ndarray) else tree
