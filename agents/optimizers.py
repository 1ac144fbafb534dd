"""Step rules on named parameter arrays, with explicit state so that a run resumes exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import AgentError

Parameters = dict[str, np.ndarray]


def clip_by_norm(gradient: Parameters, limit: float) -> float:
    """Scale ``gradient`` in place to a norm of at most ``limit``; returns the norm before."""
    norm = float(np.sqrt(sum(np.vdot(g, g) for g in gradient.values())))
    if norm > limit > 0:
        for g in gradient.values():
            g *= limit / norm
    return norm


SCHEDULES = ("constant", "linear", "cosine", "step")


@dataclass(frozen=True)
class Schedule:
    """How the learning rate changes with the number of updates.

    Attributes:
        kind: constant; linear or cosine, to 0 after ``updates``; step, times ``factor`` every
            ``updates``.
    """

    kind: str = "constant"
    updates: int = 1000
    factor: float = 0.3

    def __call__(self, count: int) -> float:
        """Share of the learning rate for the update after ``count`` ones."""
        progress = min(count / self.updates, 1.0)
        if self.kind == "linear":
            return 1 - progress
        if self.kind == "cosine":
            return 0.5 * (1 + float(np.cos(np.pi * progress)))
        if self.kind == "step":
            return self.factor ** (count // self.updates)
        return 1.0


class Optimizer:
    """What the step rules share: learning rates, their schedule, weight decay.

    Args:
        learning_rate: eta.
        rates: eta of parameters that have their own.
        schedule: share of both by the number of updates.
        weight_decay: shrinks every matrix by eta times this an update, apart from the gradient
            (Loshchilov & Hutter 2019, arXiv:1711.05101).
    """

    def __init__(
        self,
        learning_rate: float,
        rates: dict[str, float] | None = None,
        schedule: Schedule | None = None,
        weight_decay: float = 0.0,
    ):
        self.learning_rate, self.rates = learning_rate, rates or {}
        self.schedule, self.weight_decay = schedule or Schedule(), weight_decay
        self.count = 0

    def step(self, parameters: Parameters, gradient: Parameters) -> None:
        share = self.schedule(self.count)
        self.count += 1
        for name, g in gradient.items():
            rate = share * self.rates.get(name, self.learning_rate)
            change = self._change(name, g, rate)
            if self.weight_decay and g.ndim > 1:
                parameters[name] *= 1 - rate * self.weight_decay
            parameters[name] -= change

    def _change(self, name: str, g: np.ndarray, rate: float) -> np.ndarray:
        """What is subtracted from the parameter."""
        raise NotImplementedError

    def get_state(self) -> dict[str, Any]:
        return {"count": self.count}

    def set_state(self, state: dict[str, Any]) -> None:
        self.count = int(state["count"])


class SGD(Optimizer):
    """w <- w - eta g."""

    def _change(self, name: str, g: np.ndarray, rate: float) -> np.ndarray:
        return rate * g


class Adam(Optimizer):
    """Kingma & Ba (2015), arXiv:1412.6980, Algorithm 1."""

    def __init__(
        self,
        parameters: Parameters,
        learning_rate: float,
        rates: dict[str, float] | None = None,
        schedule: Schedule | None = None,
        weight_decay: float = 0.0,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ):
        super().__init__(learning_rate, rates, schedule, weight_decay)
        self.beta1, self.beta2 = beta1, beta2
        self.epsilon = epsilon
        self.mean = {name: np.zeros_like(w) for name, w in parameters.items()}
        self.square = {name: np.zeros_like(w) for name, w in parameters.items()}

    def _change(self, name: str, g: np.ndarray, rate: float) -> np.ndarray:
        scale = np.sqrt(1 - self.beta2**self.count)
        mean, square = self.mean[name], self.square[name]
        mean *= self.beta1
        mean += (1 - self.beta1) * g
        square *= self.beta2
        square += (1 - self.beta2) * (g * g)
        change = np.sqrt(square)
        change += self.epsilon * scale
        np.divide(mean, change, out=change)
        change *= rate * (scale / (1 - self.beta1**self.count))
        return change

    def get_state(self) -> dict[str, Any]:
        moments = {"mean": self.mean, "square": self.square}
        return super().get_state() | {
            name: {key: m.copy() for key, m in of_weights.items()}
            for name, of_weights in moments.items()
        }

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        for name in self.mean:
            self.mean[name][...] = state["mean"][name]
            self.square[name][...] = state["square"][name]


def make_optimizer(
    name: str, parameters: Parameters, learning_rate: float, **more: Any
) -> Optimizer:
    """``sgd`` or ``adam``; ``more`` are its further arguments.

    Raises:
        AgentError: an unknown name.
    """
    if name == "adam":
        return Adam(parameters, learning_rate, **more)
    if name == "sgd":
        return SGD(learning_rate, **{k: v for k, v in more.items() if k != "epsilon"})
    raise AgentError(f"optimizer={name!r} is unknown: choose adam or sgd.")
