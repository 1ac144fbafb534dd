"""Choice rules: from what is believed about arms, and from the last trial, to a choice.

A rule is a frozen dataclass of its parameters, each one number, or an array (n,) with one for each
column (subjects that differ run as one batch). All rules have one interface: ``probabilities`` is
what likelihoods are made of, ``choose`` plays.

>>> import numpy as np
>>> from caudate.agents.bandits.choice import Softmax
>>> rule = Softmax(inverse_temperature=2.0)
>>> rule.probabilities(np.array([[0.0, np.log(3) / 2]])).round(3)
array([[0.25, 0.75]])
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from ..errors import AgentError
from ..filters.base import (
    NOT_NEGATIVE,
    REAL,
    UNIT,
    Array,
    Value,
    check_parameters,
    column,
    parameter,
)

#: ``last_choice`` where there is none.
NO_CHOICE = -1

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(48)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True, kw_only=True, eq=False)
class ChoiceRule(ABC):
    """How to choose among K arms."""

    #: As on the command line.
    name: ClassVar[str]
    #: Whether the rule looks at means, and at variances, of beliefs.
    uses_mean: ClassVar[bool] = True
    uses_variance: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_parameters(self, self.name)

    def probabilities(
        self,
        mean: npt.ArrayLike,
        variance: npt.ArrayLike | None = None,
        last_choice: npt.ArrayLike | None = None,
        last_reward: npt.ArrayLike | None = None,
    ) -> Array:
        """Probability of each choice, (n, K); rows sum to 1.

        Args:
            mean: (n, K), expected outcome of each arm. Rules that do not use it read K from it.
            variance: (n, K), of the belief about each arm's worth; None for 0.
            last_choice: (n,) integers, -1 before the first choice; None for no choice yet.
            last_reward: (n,), what the last choice brought; None for 0.

        Raises:
            AgentError: shapes that do not fit one another.
        """
        mean = np.asarray(mean, dtype=np.float64)
        if mean.ndim != 2:
            raise AgentError(
                f"{self.name}: mean of shape {mean.shape} must be (n, K), one row for each column."
            )
        n = len(mean)
        spread = np.zeros_like(mean) if variance is None else np.asarray(variance, np.float64)
        choice = np.full(n, NO_CHOICE) if last_choice is None else np.asarray(last_choice, int)
        reward = np.zeros(n) if last_reward is None else np.asarray(last_reward, np.float64)
        parts = {"variance": spread, "last_choice": choice, "last_reward": reward}
        for part, array in parts.items():
            needed = mean.shape if part == "variance" else (n,)
            if array.shape != needed:
                raise AgentError(
                    f"{self.name}: {part} of shape {array.shape} does not fit mean of shape "
                    f"{mean.shape}: pass {needed}."
                )
        return self._probabilities(mean, spread, choice, reward)

    @abstractmethod
    def _probabilities(
        self, mean: Array, variance: Array, last_choice: Array, last_reward: Array
    ) -> Array:
        """As :meth:`probabilities`, with arrays of full size."""

    def choose(
        self,
        mean: npt.ArrayLike,
        variance: npt.ArrayLike | None = None,
        last_choice: npt.ArrayLike | None = None,
        last_reward: npt.ArrayLike | None = None,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """A choice for each column, (n,) integers: drawn by ``rng``, without it the likeliest.

        Of equally likely choices the first is taken where nothing is drawn.
        """
        p = self.probabilities(mean, variance, last_choice, last_reward)
        return likeliest(p) if rng is None else draw(p, rng)


def likeliest(probabilities: Array) -> Array:
    """The likeliest choice of each row (n, K), the first of equals."""
    return probabilities.argmax(axis=1)


def draw(probabilities: Array, rng: np.random.Generator) -> Array:
    """A choice (n,) drawn from each row of probabilities (n, K), by one uniform number a row."""
    below = np.cumsum(probabilities, axis=1)
    luck = rng.random(len(below))[:, None] * below[:, -1:]
    return (luck >= below[:, :-1]).sum(axis=1)


def best(index: Array) -> Array:
    """Probability (n, K) of choosing the highest index, shared evenly by equals."""
    top = index == index.max(axis=1, keepdims=True)
    return top / top.sum(axis=1, keepdims=True)


def _softmax(logits: Array) -> Array:
    """exp(logits) over their sum in each row (n, K); arm by arm, as K is small and n is large."""
    arms = range(1, logits.shape[1])
    top = logits[:, 0]
    for k in arms:
        top = np.maximum(top, logits[:, k])
    weight = np.exp(logits - top[:, None])
    total = weight[:, 0].copy()
    for k in arms:
        total += weight[:, k]
    weight /= total[:, None]
    return weight


def repeats(last_choice: Array, arms: int) -> Array:
    """1 where an arm is the last choice, (n, K)."""
    return (last_choice[:, None] == np.arange(arms)).astype(np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Greedy(ChoiceRule):
    """The highest mean; equals share the probability."""

    name: ClassVar[str] = "greedy"

    def _probabilities(
        self, mean: Array, variance: Array, last_choice: Array, last_reward: Array
    ) -> Array:
        return best(mean)


@dataclass(frozen=True, kw_only=True, eq=False)
class Softmax(ChoiceRule):
    """P(k) in proportion to exp(beta Q_k + kappa [k was the last choice]).

    Args:
        inverse_temperature: beta, in units of one over an outcome's.
        stickiness: kappa; above 0 choices are repeated whatever they brought (perseveration),
            below 0 they alternate.

    Lau & Glimcher (2005), doi:10.1901/jeab.2005.110-04, for the effect of past choices.
    """

    name: ClassVar[str] = "softmax"

    inverse_temperature: Value = parameter(5.0, NOT_NEGATIVE, centre=1.0, spread=1.0)
    stickiness: Value = parameter(0.0, REAL, fixed=True, spread=1.0)

    def index(self, mean: Array, variance: Array) -> Array:
        """What each arm counts for, (n, K)."""
        return mean

    def _probabilities(
        self, mean: Array, variance: Array, last_choice: Array, last_reward: Array
    ) -> Array:
        logits = column(self.inverse_temperature) * self.index(mean, variance)
        logits = logits + column(self.stickiness) * repeats(last_choice, mean.shape[1])
        return _softmax(logits)


@dataclass(frozen=True, kw_only=True, eq=False)
class UCB(Softmax):
    """Softmax of an upper confidence bound: mean + bonus * standard deviation of the belief.

    The likeliest choice is that of the rule without temperature.

    Args:
        bonus: standard deviations that uncertainty is worth; below 0 it is avoided.

    Auer, Cesa-Bianchi & Fischer (2002), doi:10.1023/A:1013689704352; as a model of people Gershman
    (2018), doi:10.1016/j.cognition.2017.12.014.
    """

    name: ClassVar[str] = "ucb"
    uses_variance: ClassVar[bool] = True

    bonus: Value = parameter(1.0, REAL, spread=1.0)

    def index(self, mean: Array, variance: Array) -> Array:
        return mean + column(self.bonus) * np.sqrt(variance)


@dataclass(frozen=True, kw_only=True, eq=False)
class EpsilonGreedy(ChoiceRule):
    """With probability epsilon any arm, otherwise the best.

    Args:
        epsilon: share of trials on which all arms are equally likely, the best among them.

    Sutton & Barto (2018), Reinforcement Learning, section 2.2.
    """

    name: ClassVar[str] = "epsilon-greedy"

    epsilon: Value = parameter(0.1, UNIT, centre=-2.0)

    def _probabilities(
        self, mean: Array, variance: Array, last_choice: Array, last_reward: Array
    ) -> Array:
        epsilon = column(self.epsilon)
        return (1.0 - epsilon) * best(mean) + epsilon / mean.shape[1]


@dataclass(frozen=True, kw_only=True, eq=False)
class Thompson(ChoiceRule):
    """Each arm as often as it is the best: a worth is drawn from each belief, the highest wins.

    Beliefs count as Gaussian. Of two arms the probability is Phi((m_0 - m_1) / sqrt(v_0 + v_1)); of
    more it is a Gauss-Hermite sum over the worth of the arm in question.

    Thompson (1933), doi:10.1093/biomet/25.3-4.285.
    """

    name: ClassVar[str] = "thompson"
    uses_variance: ClassVar[bool] = True

    def _probabilities(
        self, mean: Array, variance: Array, last_choice: Array, last_reward: Array
    ) -> Array:
        if mean.shape[1] == 2:
            deviation = np.sqrt(variance.sum(axis=1))
            first = _exceeds(mean[:, 0] - mean[:, 1], deviation)
            return np.stack([first, 1.0 - first], axis=1)
        deviation = np.sqrt(variance)
        # worth: (n, K, nodes); it is compared with every arm on axis 2.
        worth = mean[:, :, None] + deviation[:, :, None] * _NODES
        above = _exceeds(worth[:, :, None, :] - mean[:, None, :, None], deviation[:, None, :, None])
        arms = np.arange(mean.shape[1])
        above[:, arms, arms] = 1.0
        p = above.prod(axis=2) @ _WEIGHTS
        return p / p.sum(axis=1, keepdims=True)

    def choose(
        self,
        mean: npt.ArrayLike,
        variance: npt.ArrayLike | None = None,
        last_choice: npt.ArrayLike | None = None,
        last_reward: npt.ArrayLike | None = None,
        rng: np.random.Generator | None = None,
    ) -> Array:
        if rng is None or variance is None:
            return super().choose(mean, variance, last_choice, last_reward, rng)
        mean = np.asarray(mean, dtype=np.float64)
        worth = mean + np.sqrt(variance) * rng.standard_normal(mean.shape)
        return likeliest(worth)


def _exceeds(difference: Array, deviation: Array) -> Array:
    """P(N(difference, deviation^2) > 0); half where both are 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = difference / deviation
    return ndtr(np.where(np.isnan(ratio), 0.0, ratio))


@dataclass(frozen=True, kw_only=True, eq=False)
class WinStayLoseShift(ChoiceRule):
    """Repeat what won, leave what lost; of the other arms each is equally likely.

    Args:
        stay_after_win: probability of repeating a choice that won.
        shift_after_loss: probability of another choice after a loss.
        threshold: a reward above it is a win.

    Worthy, Hawthorne & Otto (2013), doi:10.3758/s13423-012-0324-9.
    """

    name: ClassVar[str] = "win-stay-lose-shift"
    uses_mean: ClassVar[bool] = False

    stay_after_win: Value = parameter(0.9, UNIT)
    shift_after_loss: Value = parameter(0.9, UNIT)
    threshold: Value = parameter(0.5, REAL, fixed=True)

    def _probabilities(
        self, mean: Array, variance: Array, last_choice: Array, last_reward: Array
    ) -> Array:
        arms = mean.shape[1]
        if arms == 1:
            return np.ones_like(mean)
        won = last_reward > self.threshold
        stay = np.where(won, self.stay_after_win, 1.0 - np.asarray(self.shift_after_loss))
        stay = stay[:, None]
        # Before the first choice nothing is a repetition, and all arms are equally likely.
        other = np.where(last_choice[:, None] < 0, 1.0 / arms, (1.0 - stay) / (arms - 1))
        return np.where(repeats(last_choice, arms) > 0, stay, other)

    def choose(
        self,
        mean: npt.ArrayLike,
        variance: npt.ArrayLike | None = None,
        last_choice: npt.ArrayLike | None = None,
        last_reward: npt.ArrayLike | None = None,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """As every rule; where nothing is drawn, arms are left for the next one, in turn."""
        p = self.probabilities(mean, variance, last_choice, last_reward)
        if rng is not None:
            return draw(p, rng)
        arms = p.shape[1]
        last = np.full(len(p), NO_CHOICE) if last_choice is None else np.asarray(last_choice)
        turn = (last[:, None] + 1 + np.arange(arms)) % arms
        first = np.take_along_axis(p, turn, axis=1).argmax(axis=1)
        return turn[np.arange(len(p)), first]


#: Choice rules by name.
CHOICES: dict[str, type[ChoiceRule]] = {
    one.name: one for one in (Softmax, Greedy, EpsilonGreedy, UCB, Thompson, WinStayLoseShift)
}
