"""Greedy play on fixed seeds: what an agent has learned, measured away from its training."""

from __future__ import annotations

import contextlib
import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import gymnasium as gym
import numpy as np

from ..agents.atari_env import is_atari, make_atari, register_atari
from ..envs import make_task, task_ids
from .errors import UsageError
from .stats import mean_interval

# First seeds of the episodes; training draws its seeds below 2**31.
CRITERION_SEED = 10**10
CONFIRMATION_SEED = 2 * 10**10
FRESH_SEED = 3 * 10**10
FOREIGN_SEEDS = {CRITERION_SEED: 10**6, CONFIRMATION_SEED: 2 * 10**6, FRESH_SEED: 3 * 10**6}
CRITERION_EPISODES, EPISODES = 500, 1000
FOREIGN_EPISODES = 20  # a foreign environment is one Python object a column


class Player(Protocol):
    def predict(
        self, observation: Any, /, state: Any, episode_start: Any, deterministic: bool
    ) -> tuple[np.ndarray, Any]: ...


@dataclass(frozen=True)
class Score:
    """Mean score of ``n`` episodes with its 95 % interval; ``kind`` is score or return."""

    value: float
    low: float
    high: float
    n: int
    kind: str


class Evaluator:
    """Plays one episode in each of its columns; built once, used at every evaluation.

    A task that knows its score (``env.unwrapped.task.score``) is judged by it, everything else by
    the undiscounted return of its episodes.
    """

    def __init__(self, env_id: str, env_kwargs: Mapping[str, Any], n: int, first_seed: int):
        self.native = has_task(env_id)
        if self.native:
            self.env: Any = gym.make_vec(
                env_id, num_envs=n, autoreset_mode="disabled", **env_kwargs
            )
        else:  # with seeds that every generator takes
            first_seed = FOREIGN_SEEDS[first_seed]
            self.env = (
                make_atari(env_id, n, dict(env_kwargs))
                if is_atari(env_id)
                else gym.make_vec(env_id, num_envs=n, vectorization_mode="sync", **env_kwargs)
            )
        self.seeds = [first_seed + i for i in range(n)]
        self.kind = "score" if self.native else "return"

    def episodes(self, agent: Player) -> np.ndarray:
        """Score (or return) of each episode, (n,)."""
        self._check_fit(agent)
        n = len(self.seeds)
        observation, _ = self.env.reset(seed=self.seeds)
        state, start = None, np.ones(n, bool)
        running = np.ones(n, bool)
        total, count = np.zeros(n), np.zeros(n)
        while running.any():
            action, state = agent.predict(observation, state, start, deterministic=True)
            start = np.zeros(n, bool)
            observation, reward, terminated, truncated, info = self.env.step(action)
            if self.native:
                self._add_scores(info, running, total, count)
            else:
                total += np.where(running, reward, 0)
            running &= ~(terminated | truncated)
        return total / np.maximum(count, 1) if self.native else total

    def _check_fit(self, agent: Player) -> None:
        """Raise UsageError if an agent that tells its spaces was made for others."""
        for kind in ("observation", "action"):
            ours = getattr(self.env, f"single_{kind}_space")
            theirs = getattr(agent, f"{kind}_space", ours)
            if _size(ours) != _size(theirs):
                raise UsageError(
                    f"The agent was trained with the {kind} space {theirs}, and this environment "
                    f"has {ours}: use the parameters that it was trained with."
                )

    def _add_scores(
        self, info: dict[str, Any], running: np.ndarray, total: np.ndarray, count: np.ndarray
    ) -> None:
        ended = info.get("_trial_end")
        if ended is None:
            return
        rows = ended & running
        facts = {key: value[rows] for key, value in info.items() if not key.startswith("_")}
        total[rows] += self.env.unwrapped.task.score(facts)
        count[rows] += 1

    def __call__(self, agent: Player) -> Score:
        values = self.episodes(agent)
        low, high = mean_interval(values)
        return Score(float(values.mean()), low, high, len(values), self.kind)

    def close(self) -> None:
        self.env.close()


def evaluate(
    agent: Player,
    env_id: str,
    env_kwargs: Mapping[str, Any] | None = None,
    episodes: int | None = None,
) -> Score:
    """Greedy play on episodes that neither training nor its stopping rule has seen.

    Args:
        agent: whatever predicts.
        env_id: any Gymnasium id.
        env_kwargs: parameters of the environment.
        episodes: how many, 1,000 if not given (20 where an environment is not this library's).
    """
    if episodes is None:
        episodes = EPISODES if has_task(env_id) else FOREIGN_EPISODES
    if episodes < 1:
        raise UsageError(f"episodes={episodes} must be 1 or more.")
    evaluator = Evaluator(env_id, env_kwargs or {}, episodes, FRESH_SEED)
    try:
        return evaluator(agent)
    finally:
        evaluator.close()


def check_env_id(env_id: str) -> None:
    """Raise UsageError, with the nearest id, unless Gymnasium knows the environment."""
    if is_atari(env_id):
        register_atari()
    try:
        if ":" in env_id:
            importlib.import_module(env_id.split(":")[0])
        gym.spec(env_id.split(":")[-1])
    except (gym.error.Error, ImportError) as error:
        ours = task_ids()
        names = {task.split("/")[-1]: task for task in ours} | {name: name for name in gym.registry}
        near = difflib.get_close_matches(env_id, ours, 1) or [
            names[name] for name in difflib.get_close_matches(env_id, names, 1)
        ]
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(ours)}."
        raise UsageError(f"Task {env_id!r} is unknown: {hint}") from error


def has_task(env_id: str) -> bool:
    """Whether an id belongs to an environment that carries its own score and yardsticks."""
    module, _, name = env_id.rpartition(":")
    if module:  # it may register the task
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    return name in task_ids()


def _size(space: gym.Space) -> Any:
    return space.n if isinstance(space, gym.spaces.Discrete) else space.shape


def yardsticks(env_id: str, env_kwargs: Mapping[str, Any]) -> dict[str, float]:
    """Name -> score of the landmarks of a task, {} for environments without."""
    if not has_task(env_id):
        return {}
    marks = make_task(env_id.split(":")[-1], **env_kwargs).yardsticks
    return {name: value for name, value in marks._asdict().items() if value is not None}
