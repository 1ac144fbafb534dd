"""Reward as a modulator: what multiplies the score of an action in a three-factor rule.

All arrays are (T, B) over a round of episodes; ``alive`` marks transitions that happened.
"""

from __future__ import annotations

from typing import Any

import numpy as np

MODULATORS = ("critic", "return", "average", "condition")


def td_errors(
    rewards: np.ndarray,
    values: np.ndarray,
    alive: np.ndarray,
    truncated: np.ndarray,
    gamma: float,
) -> np.ndarray:
    """d[t] = r[t] + gamma V[t+1] - V[t], 0 where nothing happened.

    ``values`` (T + 1, B) goes one step further than the rest: V of the observation after an
    episode's last transition counts where the episode was cut short (``truncated`` (B,)).
    """
    goes_on = np.concatenate([alive[1:], np.zeros_like(alive[:1])]) | truncated
    return (rewards + gamma * np.where(goes_on, values[1:], 0) - values[:-1]) * alive


def discounted_sums(x: np.ndarray, decay: float) -> np.ndarray:
    """A[t] = x[t] + decay A[t+1]."""
    out = x.copy()
    for t in range(len(out) - 2, -1, -1):
        out[t] += decay * out[t + 1]
    return out


class RunningBaseline:
    """Running average of the return, one for all episodes or one for each condition.

    An average starts at ``start``, or at the first mean it sees: else early updates would be biased
    towards 0.
    """

    def __init__(self, rate: float, per_condition: bool, start: float | None = None):
        self.rate = rate
        self.start = start
        self.per_condition = per_condition
        self.averages: dict[int, float] = {}

    def __call__(self, returns: np.ndarray, conditions: np.ndarray) -> np.ndarray:
        """Baseline (B,) of each episode before this round; then the averages take the round in."""
        keys = conditions if self.per_condition else np.zeros_like(conditions)
        baseline = np.empty(len(returns))
        for key in np.unique(keys):
            rows = keys == key
            mean = float(returns[rows].mean())
            before = self.averages.setdefault(int(key), mean if self.start is None else self.start)
            baseline[rows] = before
            self.averages[int(key)] = before + self.rate * (mean - before)
        return baseline

    def get_state(self) -> dict[str, Any]:
        return {"averages": {str(k): v for k, v in self.averages.items()}}

    def set_state(self, state: dict[str, Any]) -> None:
        self.averages = {int(k): float(v) for k, v in state["averages"].items()}


class ReturnScale:
    """Running root mean square of returns, the unit in which values and advantages are kept.

    With rewards of any size the critic's targets are then near 1. The average is weighted so that
    the first rounds count fully (as Adam's bias correction does).
    """

    def __init__(self, rate: float):
        self.rate = rate
        self.square = 0.0
        self.weight = 0.0

    def update(self, returns: np.ndarray) -> float:
        self.square += self.rate * (float(np.mean(np.square(returns))) - self.square)
        self.weight += self.rate * (1 - self.weight)
        return self.value

    @property
    def value(self) -> float:
        if self.square <= 0:
            return 1.0
        return float(np.sqrt(self.square / self.weight))

    def get_state(self) -> dict[str, Any]:
        return {"square": self.square, "weight": self.weight}

    def set_state(self, state: dict[str, Any]) -> None:
        self.square, self.weight = float(state["square"]), float(state["weight"])
