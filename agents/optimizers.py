"""Step rules on named parameter arrays, with explicit state so that a run resumes exactly."""

from __future__ import annotations

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


class SGD:
    """w <- w - eta g; ``rates`` holds eta of parameters that have their own."""

    def __init__(self, learning_rate: float, rates: dict[str, float] | None = None):
        self.learning_rate, self.rates = learning_rate, rates or {}

    def step(self, parameters: Parameters, gradient: Parameters) -> None:
        for name, g in gradient.items():
            parameters[name] -= self.rates.get(name, self.learning_rate) * g

    def get_state(self) -> dict[str, Any]:
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        pass


class Adam:
    """Kingma & Ba (2015), arXiv:1412.6980, Algorithm 1."""

    def __init__(
        self,
        parameters: Parameters,
        learning_rate: float,
        rates: dict[str, float] | None = None,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ):
        self.learning_rate, self.rates = learning_rate, rates or {}
        self.beta1, self.beta2 = beta1, beta2
        self.epsilon = epsilon
        self.count = 0
        self.mean = {name: np.zeros_like(w) for name, w in parameters.items()}
        self.square = {name: np.zeros_like(w) for name, w in parameters.items()}

    def step(self, parameters: Parameters, gradient: Parameters) -> None:
        self.count += 1
        scale = np.sqrt(1 - self.beta2**self.count)
        correction = scale / (1 - self.beta1**self.count)
        for name, g in gradient.items():
            mean, square = self.mean[name], self.square[name]
            mean *= self.beta1
            mean += (1 - self.beta1) * g
            square *= self.beta2
            square += (1 - self.beta2) * (g * g)
            step = np.sqrt(square)
            step += self.epsilon * scale
            np.divide(mean, step, out=step)
            step *= self.rates.get(name, self.learning_rate) * correction
            parameters[name] -= step

    def get_state(self) -> dict[str, Any]:
        return {"count": self.count, "mean": self.mean, "square": self.square}

    def set_state(self, state: dict[str, Any]) -> None:
        self.count = int(state["count"])
        for name in self.mean:
            self.mean[name][...] = state["mean"][name]
            self.square[name][...] = state["square"][name]


def make_optimizer(
    name: str,
    parameters: Parameters,
    learning_rate: float,
    rates: dict[str, float] | None = None,
) -> SGD | Adam:
    """``rates`` (parameter name -> learning rate) overrides ``learning_rate`` where given."""
    if name == "adam":
        return Adam(parameters, learning_rate, rates)
    if name == "sgd":
        return SGD(learning_rate, rates)
    raise AgentError(f"optimizer={name!r} is unknown: choose adam or sgd.")
