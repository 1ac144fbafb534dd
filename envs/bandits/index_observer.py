"""Observers of stationary arms that choose by an index: worth plus what trying it may teach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from ..core.errors import TaskError
from ..core.policy import Policy, State
from ..core.task import Task
from .payouts import won

if TYPE_CHECKING:
    from .bandit import Bandit

Array = npt.NDArray[Any]


class Belief(Protocol):
    """What is known of arms from the number of times they were tried and what they brought."""

    def gain(self, reward: Array) -> Array:
        """What counts of a reward (n,)."""
        ...

    def moments(self, tries: Array, sums: Array) -> tuple[Array, Array, Array]:
        """Mean and variance of each arm's worth, and variance of one outcome, from (n, K)."""
        ...


class BetaIndex:
    """Arms that pay or do not, with a beta prior of given mean and variance of their worths."""

    def __init__(self, mean: float, variance: float, payout: tuple[float, float]) -> None:
        self._mean, self._payout = mean, payout
        # As many trials as the prior stands for: 2 for worths spread evenly from 0 to 1.
        self._before = max(mean * (1.0 - mean) / variance - 1.0, 1e-9)

    def gain(self, reward: Array) -> Array:
        return won(reward, self._payout)

    def moments(self, tries: Array, sums: Array) -> tuple[Array, Array, Array]:
        total = tries + self._before
        mean = (sums + self._mean * self._before) / total
        return mean, mean * (1 - mean) / (total + 1.0), mean * (1 - mean)


class NormalIndex:
    """Arms with Gaussian outcomes of a known variance, their worths normal at first."""

    def __init__(self, mean: float, variance: float, noise: float) -> None:
        self._mean, self._variance, self._noise = mean, variance, noise

    def gain(self, reward: Array) -> Array:
        return reward

    def moments(self, tries: Array, sums: Array) -> tuple[Array, Array, Array]:
        precision = 1 / self._variance + tries / self._noise
        mean = (self._mean / self._variance + sums / self._noise) / precision
        return mean, 1 / precision, np.full_like(mean, self._noise)


def brezzi_lai(ratio: Array) -> Array:
    """The function psi of Brezzi and Lai 2002 (doi:10.1016/S0165-1889(01)00028-8).

    Args:
        ratio: variance of the worth over (variance of an outcome times -log discount), any shape.
    """
    safe = np.maximum(ratio, 1e-12)
    large = np.maximum(safe, 15.0)
    logs = np.log(large)
    return np.select(
        [safe <= 0.2, safe <= 1.0, safe <= 5.0, safe <= 15.0],
        [
            np.sqrt(safe / 2),
            0.49 - 0.11 / np.sqrt(safe),
            0.63 - 0.26 / np.sqrt(safe),
            0.77 - 0.58 / np.sqrt(safe),
        ],
        np.sqrt(2 * logs - np.log(logs) - np.log(16 * np.pi)),
    )


class PastReader:
    """Finds the previous choice and reward in observations; TaskError if they are not shown."""

    def __init__(self, task: Task) -> None:
        if not (task.prev_action and task.prev_reward):
            raise TaskError(
                "the oracle reads choices and rewards from the observation; make the task with "
                "prev_action=True and prev_reward=True."
            )
        self.first = task.obs_names.index("prev_action_0")
        self.last = task.obs_names.index("prev_reward")
        self.arms = self.last - self.first

    def read(self, obs: Array) -> tuple[Array, Array]:
        """Previous choices one-hot (n, K), none before the first, and rewards (n,) float64."""
        return obs[:, self.first : self.last], obs[:, self.last].astype(np.float64)


class GapObserver(Policy):
    """Knows that one arm is worth ``high`` and the others ``low``; plays the likeliest."""

    def __init__(self, task: Bandit, low: float, high: float) -> None:
        self._past, self._task = PastReader(task), task
        self._low, self._high = low, high

    def begin(self, n: int) -> State:
        return (np.zeros((n, self._past.arms)),)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        shown, reward = self._past.read(obs)
        evidence = self._task.evidence(reward, self._low, self._high)
        weight = state[0] + shown * evidence[:, None]
        return weight.argmax(axis=1), (weight,)


class IndexObserver(Policy):
    """Chooses the arm with the highest index; the discount is 1 - 1/(trials left).

    The approximation exaggerates the index of arms that have not been tried. Theirs is at most
    what it would be if one trial told an arm's worth: with discount g and worths spread evenly
    over [0, 1], the number x with x = (1 - g) / 2 + g E max(worth, x), which is
    1 / (1 + sqrt(1 - g)).

    Args:
        task: shows previous choice and reward.
        belief: about each arm.
        worths: the range over which worths are spread.
    """

    def __init__(self, task: Task, belief: Belief, worths: tuple[float, float]) -> None:
        self._past = PastReader(task)
        self._belief, self._trials, self._worths = belief, task.trials_per_episode, worths

    def begin(self, n: int) -> State:
        return np.zeros(n), np.zeros((n, self._past.arms)), np.zeros((n, self._past.arms))

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        done, tries, sums = state
        shown, reward = self._past.read(obs)
        tries = tries + shown
        sums = sums + shown * self._belief.gain(reward)[:, None]
        mean, variance, noise = self._belief.moments(tries, sums)
        left = np.maximum(self._trials - done, 1.0)[:, None]
        # With one trial left nothing that is learned can be of use.
        rate = -np.log(np.maximum(1 - 1 / left, 1e-12))
        ratio = variance / np.maximum(noise * rate, 1e-300)
        index = mean + np.sqrt(variance) * brezzi_lai(ratio)
        low, high = self._worths
        most = low + (high - low) / (1.0 + np.sqrt(1 / left))
        index = np.where(tries > 0, index, np.minimum(index, most))
        index = np.where(left > 1, index, mean)
        return index.argmax(axis=1), (done + 1, tries, sums)
