"""Policy heads: what the readout's numbers mean as a distribution over actions.

All heads answer the same questions for a batch of outputs (B, K): sample with given noise (so that
two columns can share their luck), the most likely action, the score
``d(-log p(action)) / d output``, the entropy with its gradient, and the error against a target
with its gradient.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from scipy.special import entr, expit, log_expit

from .errors import AgentError


class SoftmaxHead:
    """A choice among ``n`` actions; outputs are logits."""

    n_free = 0  # parameters beside the readout
    action_shape: tuple[int, ...] = ()
    action_dtype: Any = np.int64

    def __init__(self, space: gym.spaces.Discrete):
        self.n_outputs = int(space.n)
        self.start = int(space.start)

    def noise(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """One uniform number a column, (n, 1)."""
        return rng.random((n, 1))

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        p = np.exp(outputs - outputs.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        return p

    def sample(self, outputs: np.ndarray, noise: np.ndarray, free: np.ndarray) -> np.ndarray:
        """Index of the sampled action (B,): the first whose cumulated probability exceeds u."""
        below = self.probabilities(outputs).cumsum(-1)[:, :-1] <= noise
        return below.sum(-1)

    def mode(self, outputs: np.ndarray) -> np.ndarray:
        return outputs.argmax(-1)

    def to_env(self, actions: np.ndarray) -> np.ndarray:
        return actions + self.start

    def from_env(self, targets: np.ndarray) -> np.ndarray:
        """Targets (T, n) as the head counts actions.

        Raises:
            ValueError: they are no actions of the space.
        """
        known = np.isin(targets, self.start + np.arange(self.n_outputs))
        if targets.ndim != 2 or not known.all():
            raise ValueError(f"values from {targets.min()} to {targets.max()}")
        return targets.astype(int) - self.start

    def error(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Cross-entropy (nats) of the softmax, in double precision."""
        shifted = outputs.astype(float) - outputs.max(-1, keepdims=True)
        chosen = np.take_along_axis(shifted, targets[..., None], -1)[..., 0]
        return np.log(np.exp(shifted).sum(-1)) - chosen

    def error_gradient(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return self.score(outputs, targets, np.zeros(0))[0]

    def score(
        self, outputs: np.ndarray, actions: np.ndarray, free: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(pi - one-hot(action)) and nothing for free parameters."""
        p = self.probabilities(outputs)
        p.reshape(-1, self.n_outputs)[np.arange(actions.size), actions.reshape(-1)] -= 1
        return p, np.zeros((*actions.shape, 0), outputs.dtype)

    def entropy(
        self, outputs: np.ndarray, free: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Entropy H (nats) and the gradients of -H by outputs and free parameters.

        ``d(-H)/d logit_k = pi_k (log pi_k + H)``
        """
        p = self.probabilities(outputs)
        log_p = np.log(np.maximum(p, np.finfo(p.dtype).tiny))
        h = -(p * log_p).sum(-1)
        return h, p * (log_p + h[..., None]), np.zeros((*h.shape, 0), outputs.dtype)


class BernoulliHead:
    """K switches, each on or off; outputs are logits."""

    n_free = 0
    action_dtype: Any = np.int8

    def __init__(self, space: gym.spaces.MultiBinary):
        self.shape, self.dtype = space.shape, space.dtype
        self.n_outputs = int(np.prod(space.shape))
        self.action_shape: tuple[int, ...] = (self.n_outputs,)

    def noise(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """A uniform number a switch, (n, K)."""
        return rng.random((n, self.n_outputs))

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Of each switch to be on."""
        return expit(outputs)

    def sample(self, outputs: np.ndarray, noise: np.ndarray, free: np.ndarray) -> np.ndarray:
        return (noise < self.probabilities(outputs)).astype(self.action_dtype)

    def mode(self, outputs: np.ndarray) -> np.ndarray:
        return (outputs > 0).astype(self.action_dtype)

    def to_env(self, actions: np.ndarray) -> np.ndarray:
        return actions.reshape(-1, *self.shape).astype(self.dtype)

    def from_env(self, targets: np.ndarray) -> np.ndarray:
        """Targets (T, n, ...) as switches (T, n, K); ValueError: they are none."""
        switches = targets.reshape(*targets.shape[:2], -1)
        if switches.shape[-1] != self.n_outputs or not np.isin(switches, (0, 1)).all():
            raise ValueError(f"values from {targets.min()} to {targets.max()}")
        return switches.astype(self.action_dtype)

    def score(
        self, outputs: np.ndarray, actions: np.ndarray, free: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(p - action) and nothing for free parameters."""
        slope = self.probabilities(outputs) - actions
        return slope, np.zeros((*outputs.shape[:-1], 0), outputs.dtype)

    def entropy(
        self, outputs: np.ndarray, free: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Entropy H (nats) and the gradients of -H: ``d(-H)/d logit = p (1 - p) logit``."""
        p = self.probabilities(outputs)
        h = (entr(p) + entr(1 - p)).sum(-1)
        return h, p * (1 - p) * outputs, np.zeros((*h.shape, 0), outputs.dtype)

    def error(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Sum of the switches' cross-entropies (nats), in double precision."""
        return -log_expit(np.where(targets, 1, -1) * outputs.astype(float)).sum(-1)

    def error_gradient(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return self.probabilities(outputs) - targets


class GaussianHead:
    """A vector of real actions; outputs are means, standard deviations are free parameters.

    The head works in units in which the action space's bounds are -1 and 1; actions are clipped
    when they go to the environment, never in the score.
    """

    action_dtype: Any = None  # the outputs' own

    def __init__(self, space: gym.spaces.Box):
        low, high = space.low.reshape(-1), space.high.reshape(-1)
        bounded = np.isfinite(low) & np.isfinite(high)
        low_or_not, high_or_not = np.where(bounded, low, -1.0), np.where(bounded, high, 1.0)
        self.middle = (low_or_not + high_or_not) / 2
        self.half = (high_or_not - low_or_not) / 2
        self.low, self.high = low, high
        self.shape, self.dtype = space.shape, space.dtype
        self.n_outputs = self.n_free = len(low)
        self.action_shape: tuple[int, ...] = (self.n_outputs,)

    def noise(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Standard normal numbers, (n, K)."""
        return rng.standard_normal((n, self.n_outputs))

    def sample(self, outputs: np.ndarray, noise: np.ndarray, free: np.ndarray) -> np.ndarray:
        return (outputs + np.exp(free) * noise).astype(outputs.dtype)

    def mode(self, outputs: np.ndarray) -> np.ndarray:
        return outputs

    def to_env(self, actions: np.ndarray) -> np.ndarray:
        scaled = np.clip(self.middle + self.half * actions, self.low, self.high)
        return scaled.reshape(-1, *self.shape).astype(self.dtype)

    def score(
        self, outputs: np.ndarray, actions: np.ndarray, free: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(mu - a) / sigma^2 by the outputs, 1 - ((a - mu) / sigma)^2 by log sigma."""
        inverse = np.exp(-free)
        deviation = (outputs - actions) * inverse
        return deviation * inverse, 1 - deviation**2

    def entropy(
        self, outputs: np.ndarray, free: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        h = np.full(outputs.shape[:-1], np.sum(free + 0.5 * np.log(2 * np.pi * np.e)))
        return h, np.zeros_like(outputs), -np.ones_like(outputs)

    def from_env(self, targets: np.ndarray) -> np.ndarray:
        """Targets (T, n, ...) in the head's units; ValueError: they do not fit the space."""
        vectors = targets.reshape(*targets.shape[:2], -1)
        if vectors.shape[-1] != self.n_outputs:
            raise ValueError(f"vectors of {vectors.shape[-1]} values")
        if not np.isfinite(vectors).all():
            raise ValueError("values that are not finite")
        return (vectors - self.middle) / self.half

    def error(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Half the squared distance of the means, in double precision."""
        return 0.5 * ((outputs.astype(float) - targets) ** 2).sum(-1)

    def error_gradient(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return outputs - targets


Head = SoftmaxHead | BernoulliHead | GaussianHead


def make_head(agent: str, space: gym.Space) -> Head:
    """The head for an action space.

    Raises:
        AgentError: for spaces that the recurrent learners cannot serve.
    """
    if isinstance(space, gym.spaces.Discrete):
        return SoftmaxHead(space)
    if isinstance(space, gym.spaces.MultiBinary):
        return BernoulliHead(space)
    if isinstance(space, gym.spaces.Box):
        return GaussianHead(space)
    raise AgentError(
        f"{agent} cannot act in {space}: it serves Discrete, MultiBinary and Box actions; wrap the "
        "environment."
    )


def check_observation_space(agent: str, space: gym.Space) -> int:
    """Number of inputs of a Box observation space, or one sentence."""
    if not isinstance(space, gym.spaces.Box):
        raise AgentError(
            f"{agent} cannot read {space}: it serves Box observations; "
            "wrap the environment in gymnasium.wrappers.FlattenObservation."
        )
    return int(np.prod(space.shape, dtype=int))


def observation_bounds(space: gym.Space) -> np.ndarray:
    """Largest absolute value of each observation (D,), 1 where the space does not bound it."""
    assert isinstance(space, gym.spaces.Box)
    bound = np.maximum(np.abs(space.low), np.abs(space.high)).reshape(-1).astype(float)
    return np.where(np.isfinite(bound) & (bound > 0), bound, 1.0)
