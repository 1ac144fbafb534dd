"""What all trial-level learners share: they learn within an episode and carry nothing to the next.

``update`` plays one round of episodes with drawn choices; there is nothing that it could change,
because the belief lives in the state that ``predict`` returns, and begins anew with every episode.
What such an agent can do, it can from its first step on: its parameters are its hyper-parameters.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv

from ..base import Metrics, State, StatefulAgent
from ..options import build_options, check_ranges, checked_seed
from ..rounds import make_rounds
from .player import Player
from .reader import Reader

Array = np.ndarray

_RANGES = {"count": ("max_episode_steps",), "finite": ("reward_low", "reward_high", "left_bonus")}
_LUCK = 2**31 - 1


@dataclass
class TrialOptions:
    """Hyper-parameters of every trial-level learner."""

    max_episode_steps: int = 10_000


@dataclass
class ReadingOptions(TrialOptions):
    """How observations are read; see :mod:`.reader` and :class:`.coding.Coding`."""

    choice_channels: str | None = None  # names or numbers, like "3,4"; None: by their names
    reward_channel: str | None = None
    state_channels: str | None = None
    reward_low: float | None = None  # counts as outcome 0; None: 0, or the least for binary filters
    reward_high: float | None = None  # counts as outcome 1; None: 1, or the most for binary filters


class TrialAgent(StatefulAgent):
    """Plays rounds of episodes with a :class:`.player.Player`.

    Args:
        env: id, ``gymnasium.Env`` (one copy) or ``gymnasium.vector.VectorEnv``.
        seed: decides episodes and drawn choices, and the luck of filters that draw numbers.
        n_envs: copies played at a time (default 64 for an id).
        env_kwargs: keyword arguments of the environment, for an id.
        options: hyper-parameters, see ``options_class``.

    Raises:
        AgentError: the environment does not show what the learner needs, or an option is wrong.
    """

    options_class: ClassVar[type[TrialOptions]]
    options: Any

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
        self.options = build_options(self.options_class, self.name, options)
        check_ranges(self.name, self.options, _RANGES)
        self.env_kwargs = dict(env_kwargs or {})
        self.rounds = make_rounds(env, n_envs, self.env_kwargs, self.options.max_episode_steps)
        self.env_id, self.n_envs = self.rounds.env_id, self.rounds.n_envs
        self.observation_space = self.rounds.observation_space
        self.action_space = self.rounds.action_space
        self.player = self._make_player()
        play, predict = np.random.SeedSequence(self.seed).spawn(2)
        self.rng, self._predict_rng = np.random.default_rng(play), np.random.default_rng(predict)
        self.num_episodes = self.num_updates = 0

    @abstractmethod
    def _make_player(self) -> Player:
        """The player, for ``options`` on the environment of ``rounds``."""

    def to_env(self, choices: Array) -> Array:
        """Actions from choices, which count from 0."""
        space = self.action_space
        return choices + space.start if isinstance(space, gym.spaces.Discrete) else choices

    def begin(self, n: int) -> State:
        return self.player.begin(n, self.seed)

    def act(
        self, observation: np.ndarray, state: State, deterministic: bool
    ) -> tuple[np.ndarray, State]:
        rng = None if deterministic else self._predict_rng
        choices, state = self.player.act(observation, state, rng)
        return self.to_env(choices), state

    def update(self) -> Metrics:
        """Play one round of episodes with drawn choices."""
        rounds, rng = self.rounds, self.rng
        seeds = rng.integers(_LUCK, size=self.n_envs)
        state = self.player.begin(self.n_envs, int(rng.integers(_LUCK)))
        obs = rounds.reset(seeds)
        while rounds.alive.any():
            choices, state = self.player.act(obs, state, rng)
            obs, _ = rounds.step(self.to_env(choices))
        self.num_timesteps += int(rounds.lengths.sum())
        self.num_episodes += self.n_envs
        self.num_updates += 1
        return {
            "timesteps": self.num_timesteps,
            "episodes": self.num_episodes,
            "updates": self.num_updates,
            "return_mean": float(rounds.returns.mean()),
            "length_mean": float(rounds.lengths.mean()),
        }

    def get_state(self) -> dict[str, Any]:
        return {
            "generators": [self.rng.bit_generator.state, self._predict_rng.bit_generator.state],
            "counts": [self.num_timesteps, self.num_episodes, self.num_updates],
        }

    def set_state(self, state: dict[str, Any]) -> None:
        for rng, stored in zip((self.rng, self._predict_rng), state["generators"], strict=True):
            rng.bit_generator.state = stored
        self.num_timesteps, self.num_episodes, self.num_updates = (int(n) for n in state["counts"])


def reader_of(agent: TrialAgent) -> Reader:
    """A reader with the agent's options."""
    o: ReadingOptions = agent.options
    return Reader(
        agent.name,
        agent.observation_space,
        agent.action_space,
        agent.rounds.task_info,
        o.choice_channels,
        o.reward_channel,
        o.state_channels,
    )
