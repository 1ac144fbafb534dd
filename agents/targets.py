"""Targets in place of reward: trials whose right answers are known, played like episodes.

Any recurrent learner takes :class:`Targets` where it takes an environment. A trial's error is then
the mean over its steps of the cross-entropy (Discrete and MultiBinary actions) or of half the
squared distance from the target (Box actions, in the head's units: half-ranges of the action
space), and the agent's return is minus that error. Actions are not sampled: the error judges the
readout itself, so the readout's own gradient is the delta rule and perturbation rules correlate
noise with error. What has been learned is used as ever: ``predict`` on the environment itself.
"""

from __future__ import annotations

from copy import copy
from typing import Any, Self

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from .errors import AgentError
from .heads import make_head
from .rounds import NO_CONDITION


class Targets:
    """A pool of trials with targets.

    Args:
        observations: (T, n, ...) of n trials, padded to the longest.
        targets: (T, n) actions, or (T, n, K) vectors.
        action_space: Discrete, MultiBinary or Box; it decides the error.
        mask: (T, n), the steps that count; a prefix of a trial's steps belongs to it up to the last
            true one. Default: all.
        conditions: (n,) integers, for baselines per condition.
        env_id: the environment that the trials are from, named in checkpoints.
        task_info: what it tells of itself, like the names of channels.
        observation_space: of one observation; unbounded if not given.
        env_kwargs: keyword arguments of the environment, named in checkpoints.

    Raises:
        AgentError: arrays that do not fit together.
    """

    def __init__(
        self,
        observations: np.ndarray,
        targets: np.ndarray,
        action_space: gym.Space,
        mask: np.ndarray | None = None,
        conditions: np.ndarray | None = None,
        env_id: str | None = None,
        task_info: dict[str, Any] | None = None,
        observation_space: spaces.Box | None = None,
        env_kwargs: dict[str, Any] | None = None,
    ):
        observations, targets = np.asarray(observations), np.asarray(targets)
        if observations.ndim < 3 or observations.shape[:2] != targets.shape[:2]:
            raise AgentError(
                f"Targets: observations of shape {observations.shape} and targets of shape "
                f"{targets.shape} must begin with the same (steps, trials)."
            )
        steps, trials = targets.shape[:2]
        self.observations = observations.reshape(steps, trials, -1).astype(np.float32)
        self.action_space = action_space
        self.head = make_head("Targets", action_space)
        try:
            self.targets = self.head.from_env(targets)
        except ValueError as error:
            raise AgentError(
                f"Targets: {error} of shape {targets.shape} do not fit {action_space}."
            ) from None
        self.mask = np.ones((steps, trials), bool) if mask is None else np.asarray(mask, bool)
        if self.mask.shape != (steps, trials) or not self.mask.any(0).all():
            raise AgentError(
                f"Targets: mask of shape {self.mask.shape} must be {(steps, trials)} and hold a "
                "true value for each trial."
            )
        self.lengths = steps - self.mask[::-1].argmax(0)
        given = np.full(trials, NO_CONDITION) if conditions is None else conditions
        self.conditions = np.asarray(given, int)
        self.env_id, self.task_info = env_id, task_info or {}
        self.env_kwargs = dict(env_kwargs or {})
        shape = observations.shape[2:]
        if observation_space is None:
            observation_space = spaces.Box(-np.inf, np.inf, shape, np.float32)
        if observation_space.shape != shape:
            raise AgentError(
                f"Targets: observations of shape {shape} do not fit {observation_space}."
            )
        self.observation_space = observation_space

    def chained(self, order: np.ndarray) -> Targets:
        """Trials strung together without a pause: ``order`` (k, m) makes m of k trials each.

        Raises:
            AgentError: trials of different lengths.
        """
        if (self.lengths != len(self.mask)).any():
            raise AgentError("Targets: only trials of one length can be strung together.")
        chain = copy(self)
        for name in ("observations", "targets", "mask"):
            parts = getattr(self, name)
            setattr(chain, name, np.concatenate([parts[:, trials] for trials in order]))
        n = order.shape[1]
        chain.lengths = np.full(n, len(chain.mask))
        chain.conditions = np.full(n, NO_CONDITION)
        return chain

    def __len__(self) -> int:
        """Number of trials."""
        return len(self.conditions)

    @classmethod
    def of(cls, env_id: str, n: int = 1024, seed: int = 0, **env_kwargs: Any) -> Self:
        """``n`` trials of an environment whose ``unwrapped.task`` has ``sample_trials(n, seed)``.

        Raises:
            AgentError: an unknown id, or an environment without them.
        """
        try:
            env = gym.make(env_id, **env_kwargs)
        except gym.error.Error as error:
            raise AgentError(f"Environment {env_id!r} cannot be found: {error}") from error
        try:
            task: Any = getattr(env.unwrapped, "task", None)
            if not hasattr(task, "sample_trials"):
                raise AgentError(
                    f"{env_id!r} has no sample_trials: give Targets the arrays of its trials."
                )
            trials = task.sample_trials(n, seed)
            seen: Any = env.observation_space  # checked where it is used
            return cls(
                trials.obs,
                trials.target,
                env.action_space,
                trials.mask,
                trials.facts.get("condition"),
                env_id,
                getattr(env.unwrapped, "task_info", None),
                seen,
                env_kwargs,
            )
        finally:
            env.close()


class TargetRounds:
    """Rounds of trials from :class:`Targets`; the face of :class:`~.rounds.Rounds`.

    A column's seed decides its trial: number ``seed`` modulo the size of the pool.
    """

    def __init__(self, pool: Targets, n_envs: int):
        self.pool, self.n_envs = pool, n_envs
        self.env_id, self.task_info = pool.env_id, pool.task_info
        self.observation_space, self.action_space = pool.observation_space, pool.action_space

    def reset(self, seeds: np.ndarray) -> np.ndarray:
        pool = self.pool
        self.trials = np.asarray(seeds) % len(pool)
        self.lengths = np.zeros(self.n_envs, int)
        self.returns = np.zeros(self.n_envs)
        self.alive = np.ones(self.n_envs, bool)
        self.truncated = np.zeros(self.n_envs, bool)
        self.condition = pool.conditions[self.trials]
        self._weight = 1 / pool.mask[:, self.trials].sum(0)
        self._steps = 0
        return pool.observations[0, self.trials]

    def step(self, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``outputs`` (B, K) of the policy; minus their error is the reward."""
        pool, t = self.pool, self._steps
        reward = self._rewards(outputs[None], t, t + 1)[0]
        self.returns += reward
        self.lengths += self.alive
        self._steps += 1
        self.alive = self.all_lengths > self._steps
        following = min(self._steps, len(pool.observations) - 1)
        return pool.observations[following, self.trials], reward

    @property
    def all_lengths(self) -> np.ndarray:
        """Steps of each of the round's trials, (B,), played or not."""
        return self.pool.lengths[self.trials]

    def observations(self) -> np.ndarray:
        """All that the round's trials show, (T, B, D), up to the end of the longest."""
        return self.pool.observations[: self.all_lengths.max(), self.trials]

    def play(self, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The whole round at once: rewards and what still ran, (T, B), for outputs (T, B, K)."""
        steps = len(outputs)
        lengths = self.all_lengths
        rewards = self._rewards(outputs, 0, steps)
        self.returns = rewards.sum(0)
        self.lengths, self._steps = lengths.copy(), steps
        self.alive = np.zeros(self.n_envs, bool)
        return rewards, np.arange(steps)[:, None] < lengths

    def output_adjoint(self, outputs: np.ndarray) -> np.ndarray:
        """Derivative of each trial's error by the outputs (T, B, K) of the last T steps played."""
        weights, rows, targets = self._judged(self._steps - len(outputs), self._steps)
        adjoint = np.zeros_like(outputs)
        slope = self.pool.head.error_gradient(outputs[rows], targets)
        adjoint[rows] = slope * weights[rows, :, None]
        return adjoint

    def close(self) -> None:
        """There is nothing to close."""

    def _judged(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Share of each of these steps in the error of its trial (T, B); the steps that have one
        in some trial, and the targets of these."""
        weights = self._weight * self.pool.mask[start:stop, self.trials]
        rows = np.flatnonzero(weights.any(1))
        return weights, rows, self.pool.targets[start + rows][:, self.trials]

    def _rewards(self, outputs: np.ndarray, start: int, stop: int) -> np.ndarray:
        weights, rows, targets = self._judged(start, stop)
        rewards = np.zeros(weights.shape)
        rewards[rows] = -self.pool.head.error(outputs[rows], targets) * weights[rows]
        return rewards
