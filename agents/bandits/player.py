"""Playing bandits: from observations to beliefs to choices, for n columns at a time.

A player has no memory of its own: what it knows is a state, a tuple of arrays with leading axis n.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..base import State, mixed
from ..errors import LearningWarning
from ..filters.base import Filter, Report
from .choice import NO_CHOICE, ChoiceRule, draw, likeliest
from .coding import Coding
from .reader import Reader, Seen

Array = np.ndarray
COUNTERFACTUAL = ("none", "mirror", "full")


@dataclass
class Notes:
    """What a player tells of one step, if it is asked.

    Attributes:
        now: name -> (n,) or (n, K), about the choice of this step.
        past: name -> (n,), about the outcome that this step's observation told, which belongs to
            the trial before; NaN where there was none.
    """

    now: dict[str, Array] = field(default_factory=dict)
    past: dict[str, Array] = field(default_factory=dict)


class Player(ABC):
    """What agents of this package are made of."""

    #: Whether the observation after an episode's last step tells what that step brought.
    sees_end: ClassVar[bool] = True

    @abstractmethod
    def begin(self, n: int, seed: int = 0) -> State:
        """State of ``n`` columns at the start of an episode; ``seed`` is that of the first."""

    @abstractmethod
    def act(
        self,
        obs: Array,
        state: State,
        rng: np.random.Generator | None = None,
        notes: Notes | None = None,
    ) -> tuple[Array, State]:
        """Choices (n, ...) for observations (n, D), and the new state.

        Args:
            obs: of one step.
            state: what :meth:`begin` or the last call returned.
            rng: draws choices; None for the likeliest.
            notes: what to write down, nothing if None.
        """


class BanditPlayer(Player):
    """A filter of what arms are worth, and a choice rule.

    Where there are states, a pair of state and choice is an arm, and what a trial brought is
    learned at its end by all arms that it led over. A belief begins anew where arms are new.

    Args:
        belief: the filter; None for rules that remember the last trial alone.
        rule: of choice.
        reader: of observations.
        coding: of rewards.
        counterfactual: "none": outcomes of chosen arms are seen; "mirror": arms 0 and 1 have one
            cause, the other's outcome is 1 - outcome (Behrens et al. 2007,
            doi:10.1038/nn1954): the filter follows the worth of arm 0 alone; "full": outcomes of
            all arms are seen in the channels ``outcome_k``.
        left_bonus: standard deviations of the belief that are added to each mean, times the share
            of the choices that are left.
    """

    def __init__(
        self,
        belief: Filter | None,
        rule: ChoiceRule,
        reader: Reader,
        coding: Coding,
        counterfactual: str = "none",
        left_bonus: float = 0.0,
    ):
        self.belief, self.rule, self.reader, self.coding = belief, rule, reader, coding
        self.mirror, self.full = counterfactual == "mirror", counterfactual == "full"
        self.left_bonus, self._revive = left_bonus, Reviver()
        self.arms, self.places = reader.arms, reader.places
        #: Quantities that the filter follows.
        self.quantities = self.places * (1 if self.mirror else self.arms)

    def begin(self, n: int, seed: int = 0) -> State:
        arms, places = self.arms, self.places
        belief = () if self.belief is None else self.belief.begin(n, self.quantities, seed)
        return (
            np.zeros(n, int),  # state of the last choice
            np.full((n, places), NO_CHOICE),  # choices of the running trial
            np.zeros(n),  # what it has brought
            np.full((n, places), NO_CHOICE),  # last choice in each state
            np.zeros((n, places)),  # and what its trial brought, as an outcome
            np.ones((n, arms)),  # magnitudes at the last choice
            *belief,
        )

    def act(
        self,
        obs: Array,
        state: State,
        rng: np.random.Generator | None = None,
        notes: Notes | None = None,
    ) -> tuple[Array, State]:
        every = np.arange(len(obs))
        seen = self.reader.read(obs)
        before, running, earned, last_choice, last_reward, magnitude, *belief = state
        running, earned = running.copy(), earned + np.where(seen.choice >= 0, seen.reward, 0.0)
        running[every, before] = seen.choice
        over = seen.starts[:, None] & (running >= 0)
        outcome = self.coding(earned, self._chosen(magnitude, seen))
        belief = self._learn(tuple(belief), seen, running, over, outcome, notes)
        last_choice = np.where(over, running, last_choice)
        last_reward = np.where(over, outcome[:, None], last_reward)
        running = np.where(seen.starts[:, None], NO_CHOICE, running)
        earned = np.where(seen.starts, 0.0, earned)
        if seen.begins is not None and seen.begins.any():
            belief, last_choice, last_reward = self._anew(
                seen.begins, (belief, last_choice, last_reward)
            )
        here = seen.place
        mean, variance = self._worths(belief, seen)
        past = last_choice[every, here], last_reward[every, here]
        choices, p = self._choose(mean, variance, past, seen, rng, notes is not None)
        if notes is not None:
            notes.now = {"p": p} | ({} if self.belief is None else {"mean": mean})
            if self.belief is not None and self.belief.has_variance:
                notes.now["variance"] = variance
            note_trial(notes, seen, self.reader)
        shown = magnitude if seen.magnitude is None else seen.magnitude
        return choices, (here, running, earned, last_choice, last_reward, shown, *belief)

    # -- learning ----------------------------------------------------------------------------

    def _chosen(self, magnitude: Array, seen: Seen) -> Array | None:
        """Magnitude of the arm that was chosen, (n,)."""
        if seen.magnitude is None:
            return None
        return magnitude[np.arange(len(magnitude)), np.maximum(seen.choice, 0)]

    def _learn(
        self,
        belief: State,
        seen: Seen,
        running: Array,
        over: Array,
        outcome: Array,
        notes: Notes | None,
    ) -> State:
        """The belief after the trials that are ``over`` (n, S)."""
        if self.belief is None or not over.any():
            return belief
        n, arms = len(outcome), self.arms
        if self.mirror:
            shown, values = over, np.where(running == 0, outcome[:, None], 1.0 - outcome[:, None])
        else:
            chosen = running[:, :, None] == np.arange(arms)
            values = np.broadcast_to(outcome[:, None, None], chosen.shape)
            if seen.outcomes is not None and self.full:
                told = self.coding(seen.outcomes)
                values, chosen = np.broadcast_to(told[:, None], chosen.shape), over[:, :, None]
            shown = np.broadcast_to(over[:, :, None] & chosen, (n, self.places, arms))
        shown, values = shown.reshape(n, -1), np.reshape(values, (n, -1))
        new, report = self.belief.update(belief, values, shown)
        # A column whose trial goes on has learned nothing, and no time has passed for it.
        done = np.asarray(over.any(axis=1))
        if not done.all():
            new = mixed(done, new, belief)
        if notes is not None:
            self._note(notes, belief, report, (running, over, outcome))
        return self._revive(self.belief, new, self.quantities)

    def _note(
        self, notes: Notes, belief: State, report: Report, trial: tuple[Array, Array, Array]
    ) -> None:
        """Prediction error and report at the last arm that the trial led over."""
        assert self.belief is not None
        running, over, outcome = trial
        every = np.arange(len(outcome))
        place = self.places - 1 - over[:, ::-1].argmax(axis=1)
        choice = running[every, place]
        quantity = place if self.mirror else place * self.arms + np.maximum(choice, 0)
        predicted = self.belief.mean(belief)[every, quantity]
        if self.mirror:
            predicted = np.where(choice == 0, predicted, 1.0 - predicted)
        known = over.any(axis=1)
        notes.past = {"prediction_error": np.where(known, outcome - predicted, np.nan)}
        for name, values in report._asdict().items():
            if values is not None:
                shape = (len(outcome), self.quantities)
                at = np.broadcast_to(values, shape)[every, quantity]
                notes.past[name] = np.where(known, at, np.nan)

    def _anew(self, begins: Array, known: tuple[State, Array, Array]) -> tuple[State, Array, Array]:
        """Belief and memories, cleared in columns whose arms are new."""
        belief, last_choice, last_reward = known
        if self.belief is not None:
            belief = mixed(begins, self.belief.renewed(belief, self.quantities), belief)
        last_choice = np.where(begins[:, None], NO_CHOICE, last_choice)
        return belief, last_choice, np.where(begins[:, None], 0.0, last_reward)

    # -- choosing ----------------------------------------------------------------------------

    def _worths(self, belief: State, seen: Seen) -> tuple[Array, Array]:
        """Mean and variance (n, K) of what the arms are worth in this state."""
        n = len(seen.place)
        if self.belief is None:
            return np.zeros((n, self.arms)), np.zeros((n, self.arms))
        mean, variance = self.belief.mean(belief), self.belief.variance(belief)
        if self.mirror:
            mean, variance = mean[np.arange(n), seen.place], variance[np.arange(n), seen.place]
            mean = np.stack([mean, 1.0 - mean], axis=1)
            variance = np.stack([variance, variance], axis=1)
        elif self.places > 1:
            shape = (n, self.places, self.arms)
            mean = mean.reshape(shape)[np.arange(n), seen.place]
            variance = variance.reshape(shape)[np.arange(n), seen.place]
        if seen.magnitude is not None:
            mean, variance = mean * seen.magnitude, variance * seen.magnitude**2
        if self.left_bonus and seen.left is not None:
            mean = mean + (self.left_bonus * seen.left)[:, None] * np.sqrt(variance)
        return mean, variance

    def _choose(
        self,
        mean: Array,
        variance: Array,
        past: tuple[Array, Array],
        seen: Seen,
        rng: np.random.Generator | None,
        told: bool,
    ) -> tuple[Array, Any]:
        """Choices (n,), and all probabilities (n, K) if they are asked for."""
        choices = self.rule.choose(mean, variance, *past, rng=rng)
        p = self.rule.probabilities(mean, variance, *past) if told else None
        if seen.forced is None:
            return choices, p
        forced = seen.forced >= 0
        if p is not None:
            p = np.where(forced[:, None], seen.forced[:, None] == np.arange(self.arms), p)
        return np.where(forced, seen.forced, choices), p


class Reviver:
    """Lets beliefs begin anew where they are no longer numbers, and warns once of it."""

    def __init__(self) -> None:
        self._warned = False

    def __call__(self, filter: Filter, belief: State, quantities: int) -> State:
        """The belief with fresh columns in the place of those that have broken down."""
        mean = filter.mean(belief)
        if np.isfinite(mean.sum()):
            return belief
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"{filter.name}: a belief is no longer a number and begins anew: choose parameters "
                "with which it stays one, for an HGF a more negative meta_volatility or "
                "tonic_volatility.",
                LearningWarning,
                stacklevel=2,
            )
        broken = np.asarray(~np.isfinite(mean).all(axis=1))
        return mixed(broken, filter.renewed(belief, quantities), belief)


def note_trial(notes: Notes, seen: Seen, reader: Reader) -> None:
    """Write down what is said of a step beside the choice, where there is such a thing."""
    if reader.places > 1:
        notes.now["state"] = seen.place
    if reader.has_trials:
        notes.now["starts"] = seen.starts
    if seen.forced is not None:
        notes.now["forced"] = seen.forced >= 0


def decide(p: Array, rng: np.random.Generator | None) -> Array:
    """A choice (n,) from probabilities (n, K): drawn, or the likeliest."""
    return likeliest(p) if rng is None else draw(p, rng)
