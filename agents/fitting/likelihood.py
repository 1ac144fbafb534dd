"""How likely choices are under a model, for many parameter sets at a time.

All subjects, blocks and parameter sets are columns of one batch of the filter; Python loops over
trials alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import AgentError
from .choices import Choices
from .model import Model

Array = np.ndarray

#: Columns that run together: as many as keep a trial's arrays in the processor's near memory.
_CHUNK = 4096
#: A choice is never taken for less likely than this, so that logarithms stay finite.
_LEAST = 1e-300


class Trial(NamedTuple):
    """What happens on one trial: arms (n,), -1 where none; rewards (n,); outcomes and which of
    them are seen, (n, K)."""

    choice: Array
    reward: Array
    outcomes: Array
    seen: Array


class Told:
    """Beliefs that no free parameter changes, in place of the filter that had them.

    Args:
        mean, variance: (T, n, K) before each trial's outcome.
    """

    def __init__(self, mean: Array, variance: Array):
        self._mean, self._variance = mean, variance

    @classmethod
    def of(cls, model: Model, data: Choices) -> Told | None:
        """Of all blocks, or None if a parameter of the filter is free."""
        if model.frees_learner:
            return None
        trials = [
            what_is_seen(model, choice, reward, data.arms)
            for choice, reward in zip(data.choices, data.rewards, strict=True)
        ]
        learner, _ = model.parts({})
        course = learner.run([one.outcomes for one in trials], [one.seen for one in trials])
        return cls(course.predicted, course.variance)

    def columns(self, which: Array) -> Told:
        """Beliefs of some of the columns."""
        return Told(self._mean[:, which], self._variance[:, which])

    def begin(self, n: int, arms: int) -> int:
        return 0

    def mean(self, trial: int) -> Array:
        return self._mean[trial]

    def variance(self, trial: int) -> Array:
        return self._variance[trial]

    def update(self, trial: int, outcomes: Array, seen: Array) -> tuple[int, None]:
        return trial + 1, None


def play(
    model: Model,
    parameters: Array,
    arms: int,
    trials: int,
    happen: Callable[[int, Array], Trial],
    told: Told | None = None,
) -> None:
    """Lead the model through trials.

    Args:
        parameters: (n, P), natural units, one row a column.
        happen: takes the trial's number and the choice probabilities (n, K), and says what happens.
        told: beliefs in place of the filter.
    """
    learner, rule = model.parts(dict(zip(model.free, parameters.T, strict=True)))
    learner = told or learner
    n = len(parameters)
    state: Any = learner.begin(n, arms)
    last_choice, last_reward = np.full(n, -1), np.zeros(n)
    for t in range(trials):
        mean = learner.mean(state)
        variance = learner.variance(state) if rule.uses_variance else None
        trial = happen(t, rule.probabilities(mean, variance, last_choice, last_reward))
        state, _ = learner.update(state, trial.outcomes, trial.seen)
        made = trial.choice >= 0
        if made.all():
            last_choice, last_reward = trial.choice, trial.reward
        else:
            last_choice = np.where(made, trial.choice, last_choice)
            last_reward = np.where(made, trial.reward, last_reward)


def what_is_seen(model: Model, choice: Array, reward: Array, arms: int) -> Trial:
    """A trial as the learner meets it, from the arms chosen and the rewards, each (n,)."""
    chosen = np.arange(arms) == choice[:, None]
    earned = np.broadcast_to(reward[:, None], chosen.shape)
    if model.counterfactual == "none":
        return Trial(choice, reward, earned, chosen)
    seen = np.broadcast_to((choice >= 0)[:, None], chosen.shape)
    return Trial(choice, reward, np.where(chosen, earned, 1.0 - earned), seen)


def check_data(model: Model, data: Choices) -> None:
    """Raise one sentence unless the model can be of these data."""
    rewards = data.rewards[data.choices >= 0]
    learner, _ = model.parts({})
    learner.check_outcomes(rewards)
    if model.counterfactual == "mirror":
        if data.arms != 2:
            raise AgentError(
                f'counterfactual="mirror" is for two arms, not {data.arms}: leave it out.'
            )
        if rewards.min() < 0 or rewards.max() > 1:
            raise AgentError(
                f'counterfactual="mirror" needs rewards from 0 to 1, not {rewards.min():g} to '
                f"{rewards.max():g}: recode them, or leave it out."
            )


def log_likelihood(
    model: Model, parameters: npt.ArrayLike, data: Choices, subjects: npt.ArrayLike | None = None
) -> Array:
    """Sum of the log probabilities of a subject's choices, (m,); NaN where beliefs break down.

    Args:
        parameters: (m, P), natural units, in the order of ``model.free``.
        subjects: (m,) whose choices each row is for; None for one row a subject.

    Raises:
        AgentError: shapes that do not fit, or data that the model cannot be of.
    """
    check_data(model, data)
    return row_likelihoods(model, *_rows(model, parameters, data, subjects), data)


def row_likelihoods(
    model: Model, parameters: Array, subjects: Array, data: Choices, told: Told | None = None
) -> Array:
    """:func:`log_likelihood` without checks; ``told`` are the beliefs of all blocks."""
    owner, column = _columns(subjects, data)
    total = np.zeros(len(parameters))
    # Searches try what no belief survives; the likelihood is then not a number.
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        for first in range(0, len(owner), _CHUNK):
            part = slice(first, first + _CHUNK)
            taken = _taken(model, parameters[owner[part]], data, column[part], told)
            total += np.bincount(owner[part], taken, len(parameters))
    return total


def _taken(
    model: Model, parameters: Array, data: Choices, column: Array, told: Told | None
) -> Array:
    """Log probabilities of the choices of columns, summed over trials."""
    choices, rewards = data.choices[:, column], data.rewards[:, column]
    everyone = np.arange(len(column))
    likely = np.ones(choices.shape)

    def happen(t: int, probabilities: Array) -> Trial:
        likely[t] = probabilities[everyone, choices[t]]
        return what_is_seen(model, choices[t], rewards[t], data.arms)

    beliefs = None if told is None else told.columns(column)
    play(model, parameters, data.arms, len(choices), happen, beliefs)
    likely[choices < 0] = 1.0
    return np.log(np.maximum(likely, _LEAST)).sum(0)


def choice_probabilities(model: Model, parameters: npt.ArrayLike, data: Choices) -> Array:
    """Probability of every arm before every trial, (T, B, K), of all blocks of the data.

    Args:
        parameters: (S, P), natural units, one row a subject.
    """
    check_data(model, data)
    rows, _ = _rows(model, parameters, data, None)
    found = np.zeros((*data.choices.shape, data.arms))

    def happen(t: int, probabilities: Array) -> Trial:
        found[t] = probabilities
        return what_is_seen(model, data.choices[t], data.rewards[t], data.arms)

    play(model, rows[data.subject], data.arms, len(found), happen)
    return found


def _rows(
    model: Model, parameters: npt.ArrayLike, data: Choices, subjects: npt.ArrayLike | None
) -> tuple[Array, Array]:
    rows = np.asarray(parameters, dtype=np.float64)
    whose = np.arange(len(data.subjects)) if subjects is None else np.asarray(subjects, np.int64)
    if rows.shape != (len(whose), len(model.free)):
        raise AgentError(
            f"Parameters of shape {rows.shape} do not fit: {len(whose)} rows need "
            f"{len(model.free)} values each ({', '.join(model.free)})."
        )
    return rows, whose


def _columns(subjects: Array, data: Choices) -> tuple[Array, Array]:
    """For every row all blocks of its subject: which row, and which block."""
    order = np.argsort(data.subject, kind="stable")
    counts = np.bincount(data.subject, minlength=len(data.subjects))
    starts = np.cumsum(counts) - counts
    owner = np.repeat(np.arange(len(subjects)), counts[subjects])
    within = np.arange(len(owner)) - np.repeat(
        np.cumsum(counts[subjects]) - counts[subjects], counts[subjects]
    )
    return owner, order[starts[subjects][owner] + within]
