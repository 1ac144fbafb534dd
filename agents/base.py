"""The face of every agent: what scripts, the command line and Stable-Baselines3's tools rely on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Self

import gymnasium as gym
import numpy as np

from .checkpoint import read_checkpoint, write_checkpoint
from .errors import AgentError, CheckpointError
from .options import option_types
from .targets import Targets

State = tuple[np.ndarray, ...]
Metrics = dict[str, float]
Callback = Callable[["Agent", Metrics], bool | None]


def mixed(columns: np.ndarray, new: State, old: State) -> State:
    """``new`` in some columns (n,) bool, ``old`` in the others."""
    return tuple(
        np.where(columns.reshape(-1, *(1,) * (one.ndim - 1)), one, other)
        for one, other in zip(new, old, strict=True)
    )


class Agent(ABC):
    """A policy that learns from reward on one Gymnasium environment.

    Sub-classes set ``observation_space``, ``action_space``, ``n_envs``, ``env_id``, ``env_kwargs``,
    ``seed`` and ``options`` (a dataclass) in their constructor and implement the abstract methods.
    ``learn`` is a loop over :meth:`update`, so callers that need more (evaluation, checkpoints)
    write that loop themselves.
    """

    name: ClassVar[str]
    options_class: ClassVar[type]

    observation_space: gym.Space
    action_space: gym.Space
    n_envs: int
    seed: int
    options: Any
    env_id: str | None
    env_kwargs: dict[str, Any]
    num_timesteps: int = 0

    @abstractmethod
    def __init__(self, env: Any, **options: Any):
        """Build an agent for ``env``: an id, an environment or a batch of environments."""

    @classmethod
    def option_types(cls) -> dict[str, tuple[Any, Any]]:
        """Name -> (type, default) of the hyper-parameters that the constructor takes."""
        return option_types(cls.options_class)

    @property
    def config(self) -> dict[str, Any]:
        """Resolved hyper-parameters, JSON-able: enough to build the same agent again."""
        return {
            "env_id": self.env_id,
            "env_kwargs": self.env_kwargs,
            "seed": self.seed,
            "n_envs": self.n_envs,
            **asdict(self.options),
        }

    @property
    def exact_resume(self) -> bool:
        """Whether a killed and resumed run equals an undisturbed one, bit for bit.

        True for agents whose updates begin with seeded resets, on environments that honour seeds.
        """
        return True

    @abstractmethod
    def update(self) -> Metrics:
        """Play one batch of experience and learn from it once.

        Returns a flat dict of floats that always holds ``timesteps`` and ``episodes`` (totals),
        ``updates`` and ``return_mean`` (of the episodes that ended in this batch, NaN if none).
        """

    def warm_up(self) -> None:  # noqa: B027 (most agents have nothing to compile)
        """Compile what is compiled at first use, so that a clock can start after it."""

    @abstractmethod
    def predict(
        self,
        observation: np.ndarray,
        state: State | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, State | None]:
        """Actions for a batch of observations (n, ...) or for one observation (...).

        ``state`` is what the last call returned (None: start afresh), ``episode_start`` (n,) marks
        columns whose state is to be cleared before this step.
        """

    @abstractmethod
    def get_state(self) -> dict[str, Any]:
        """Everything that changes while learning: a nested dict of arrays and JSON values."""

    @abstractmethod
    def set_state(self, state: dict[str, Any]) -> None:
        """Continue exactly where :meth:`get_state` was called."""

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

    @classmethod
    def _carried(
        cls,
        state: State | None,
        episode_start: np.ndarray | None,
        n: int,
        begin: Callable[[int], State],
    ) -> State:
        """The state of ``n`` columns to go on with: fresh where there is none or an episode begins.

        ``begin(n)`` makes a fresh one; it may be large, and is not asked for without need.
        """
        if state is None:
            return begin(n)
        cls._check_state_size(state, n)
        if episode_start is None or not np.any(episode_start):
            return state
        begins = np.asarray(episode_start, bool).reshape(-1)
        if len(begins) != n:
            raise AgentError(
                f"predict got {n} observations with an episode_start of {len(begins)}: pass one "
                "truth value for each observation."
            )
        return mixed(begins, begin(n), state)

    @staticmethod
    def _check_state_size(state: State, n: int) -> None:
        """Raise one sentence unless every part of a state belongs to ``n`` observations."""
        if any(len(part) != n for part in state):
            raise AgentError(
                f"predict got {n} observations with the state of {len(state[0])}: "
                "pass the state that belongs to this batch, or None to start afresh."
            )

    def learn(
        self,
        total_timesteps: int,
        callback: Callback | None = None,
        progress_bar: bool = False,
        reset_num_timesteps: bool = True,
    ) -> Self:
        """Learn for at least ``total_timesteps`` transitions, in whole updates.

        ``callback(agent, metrics)`` is called after every update; returning False stops.
        Stable-Baselines3 callbacks are refused: they reach into that library's own loop.
        """
        if callback is not None and (not callable(callback) or hasattr(callback, "init_callback")):
            raise AgentError(
                f"callback={type(callback).__name__} is not supported: pass a function "
                "callback(agent, metrics) that returns False to stop."
            )
        start = 0 if reset_num_timesteps else self.num_timesteps
        if reset_num_timesteps:
            self.num_timesteps = 0
        with _Progress(total_timesteps, progress_bar) as advance:
            while self.num_timesteps - start < total_timesteps:
                before = self.num_timesteps
                metrics = self.update()
                advance(self.num_timesteps - before, metrics)
                if callback is not None and callback(self, metrics) is False:
                    break
        return self

    def save(self, path: str | Path) -> None:
        """Write the agent to one file, atomically (see :mod:`caudate.agents.checkpoint`)."""
        write_checkpoint(
            path, {"agent": self.name, "config": self.config, "state": self.get_state()}
        )

    @classmethod
    def load(cls, path: str | Path, env: Any = None) -> Self:
        """Build the agent that :meth:`save` wrote; ``env`` replaces the environment it names."""
        content = read_checkpoint(path)
        if content.get("agent") != cls.name:
            raise CheckpointError(
                f"{path} holds a {content.get('agent')!r} agent, not {cls.name!r}: load it with "
                "that class."
            )
        agent = cls.from_config(content["config"], env)
        agent.set_state(content["state"])
        return agent

    @classmethod
    def from_config(cls, config: dict[str, Any], env: Any = None) -> Self:
        """Build an untrained agent from ``config`` (see :attr:`config`)."""
        options = dict(config)
        target = options.pop("env_id", None)
        if env is None and target is None:
            raise AgentError(
                "This agent was trained on an environment object: pass env= to load it."
            )
        if not isinstance(env, (str, Targets, type(None))):  # built already: its own size counts
            options.pop("n_envs", None)
        if env is not None:
            options.pop("env_kwargs", None)
        return cls(target if env is None else env, **options)


class StatefulAgent(Agent):
    """An agent whose policy carries a state from step to step; it says how for a batch."""

    @abstractmethod
    def begin(self, n: int) -> State:
        """The state of n columns at the start of their episodes."""

    @abstractmethod
    def act(
        self, observation: np.ndarray, state: State, deterministic: bool
    ) -> tuple[np.ndarray, State]:
        """Actions (n, ...) for observations (n, D), and the state after them."""

    def predict(
        self,
        observation: np.ndarray,
        state: State | None = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, State]:
        observation = np.asarray(observation)
        n = self._batch_size(observation)
        single = observation.shape == self.observation_space.shape
        state = self._carried(state, episode_start, n, self.begin)
        actions, state = self.act(observation.reshape(n, -1), state, deterministic)
        return (actions[0] if single else actions), state


class _Progress:
    """A progress bar over environment steps, or nothing."""

    def __init__(self, total: int, show: bool):
        self.total, self.show = total, show

    def __enter__(self) -> Callable[[int, Metrics], None]:
        if not self.show:
            return lambda steps, metrics: None
        from rich.progress import Progress

        self.bar = Progress()
        self.bar.start()
        task = self.bar.add_task("learning", total=self.total)

        def advance(steps: int, metrics: Metrics) -> None:
            self.bar.update(task, advance=steps, description=f"return {metrics['return_mean']:.3f}")

        return advance

    def __exit__(self, *exc: object) -> None:
        if self.show:
            self.bar.stop()
