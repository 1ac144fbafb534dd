"""The hybrid of model-free and model-based learning of the two-step task.

Daw, Gershman, Seymour, Dayan and Dolan 2011, doi:10.1016/j.neuron.2011.02.027, supplement.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, make_dataclass
from typing import ClassVar

import numpy as np
from scipy.special import softmax

from ..base import State, mixed
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
from .agent import ReadingOptions, TrialAgent, reader_of
from .choice import NO_CHOICE, repeats
from .coding import Coding, make_coding
from .player import Notes, Player, decide, note_trial
from .reader import Reader


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoStepHybrid:
    """Values of two first choices and of two choices in each of the two states behind them.

    A trial is: choice a in the first state, transition to state s, choice b there, reward r. The
    model-free part is SARSA(lambda), with the reward r at the end alone:

    - Q1(a) += alpha1 (Q2(s, b) - Q1(a)), Q2(s, b) += alpha2 (r - Q2(s, b)),
    - Q1(a) += alpha1 lambda (r - Q2(s, b)), with the error before Q2's change.

    The model-based part looks one step ahead, Q_MB(a) = sum over s of T(s | a) max_b Q2(s, b); T is
    ``common`` for the pairs of choice and state that were met more often, so that either choice
    leads commonly to another state. The first choice follows w Q_MB + (1 - w) Q1, both follow a
    softmax, and the first one has a bonus for being repeated.

    Args:
        learning_rate_1, learning_rate_2: alpha1, alpha2.
        eligibility: lambda: 0, the first choice learns from the second's value; 1, from the reward.
        model_based_weight: w: 0 is model-free, 1 is model-based.
        inverse_temperature_1, inverse_temperature_2: of the two softmax rules.
        perseveration: value that repeating the last first choice is worth.
        common: probability of the common transition, as the learner has been told.
        start: value of all choices before the first trial.
    """

    name: ClassVar[str] = "two-step-hybrid"

    learning_rate_1: Value = parameter(0.5, UNIT)
    learning_rate_2: Value = parameter(0.5, UNIT)
    eligibility: Value = parameter(0.6, UNIT)
    model_based_weight: Value = parameter(0.5, UNIT)
    inverse_temperature_1: Value = parameter(5.0, NOT_NEGATIVE, centre=1.0, spread=1.0)
    inverse_temperature_2: Value = parameter(5.0, NOT_NEGATIVE, centre=1.0, spread=1.0)
    perseveration: Value = parameter(0.1, REAL, spread=0.5)
    common: Value = parameter(0.7, UNIT, fixed=True)
    start: Value = parameter(0.0, REAL, fixed=True)

    def __post_init__(self) -> None:
        check_parameters(self, self.name)

    def begin(self, n: int = 1) -> State:
        """Q1 (n, 2), Q2 (n, 2, 2) by state and choice, transitions met (n, 2, 2) by choice and
        state, and the last first choice (n,), -1 for none."""
        start = np.zeros((n, 2)) + column(self.start)
        second = np.repeat(start[:, None], 2, axis=1)
        return start, second, np.zeros((n, 2, 2)), np.full(n, NO_CHOICE)

    def transitions(self, state: State) -> Array:
        """T (n, 2, 2): probability of each state (last axis) after each first choice."""
        met = state[2]
        straight = met[:, 0, 0] + met[:, 1, 1] - met[:, 0, 1] - met[:, 1, 0]
        # Which mapping was met more often; neither, where that cannot be told.
        stay = 0.5 + np.sign(straight) * (self.common - np.float64(0.5))
        return np.stack([np.stack([stay, 1 - stay], 1), np.stack([1 - stay, stay], 1)], axis=1)

    def first_values(self, state: State) -> Array:
        """What the first choices are worth, (n, 2)."""
        planned = np.einsum("nas,ns->na", self.transitions(state), state[1].max(axis=2))
        weight = column(self.model_based_weight)
        return weight * planned + (1.0 - weight) * state[0]

    def first(self, state: State) -> Array:
        """Probabilities of the first choice, (n, 2)."""
        index = self.first_values(state) + column(self.perseveration) * repeats(state[3], 2)
        return softmax(column(self.inverse_temperature_1) * index, axis=1)

    def second(self, state: State, place: Array) -> Array:
        """Probabilities (n, 2) of the second choice in the states ``place`` (n,), 0 or 1."""
        values = state[1][np.arange(len(place)), place]
        return softmax(column(self.inverse_temperature_2) * values, axis=1)

    def learn(
        self, state: State, first: Array, place: Array, second: Array, reward: Array
    ) -> State:
        """The state after a trial of n columns: choices and states (n,), rewards (n,)."""
        every = np.arange(len(first))
        one, two, met = (part.copy() for part in state[:3])
        met[every, first, place] += 1.0
        ahead = two[every, place, second]
        error = reward - ahead
        one[every, first] += self.learning_rate_1 * (
            ahead - one[every, first] + self.eligibility * error
        )
        two[every, place, second] = ahead + self.learning_rate_2 * error
        return one, two, met, np.array(first)


class TwoStepPlayer(Player):
    """Plays the hybrid where trials have a ``start`` and two further states.

    Args:
        model: the learner.
        reader: of observations, with three states, the first one at the start.
        coding: of rewards.
    """

    def __init__(self, model: TwoStepHybrid, reader: Reader, coding: Coding):
        self.model, self.reader, self.coding = model, reader, coding

    def begin(self, n: int, seed: int = 0) -> State:
        none = np.full(n, NO_CHOICE)
        # The running trial's first choice, and the state behind it.
        return (none, none, *self.model.begin(n))

    def act(
        self,
        obs: Array,
        state: State,
        rng: np.random.Generator | None = None,
        notes: Notes | None = None,
    ) -> tuple[Array, State]:
        seen = self.reader.read(obs)
        first, place, *known = state
        known = tuple(known)
        over = seen.starts & (place >= 0) & (seen.choice >= 0)
        if over.any():
            known = self._learn(known, over, (first, place, seen.choice), seen.reward, notes)
        behind = ~seen.starts
        first = np.where(behind, seen.choice, NO_CHOICE)
        place = np.where(behind, seen.place - 1, NO_CHOICE)
        here = np.maximum(place, 0)
        p = np.where(behind[:, None], self.model.second(known, here), self.model.first(known))
        if notes is not None:
            values = known[1][np.arange(len(obs)), here]
            mean = np.where(behind[:, None], values, self.model.first_values(known))
            notes.now = {"p": p, "mean": mean}
            note_trial(notes, seen, self.reader)
        return decide(p, rng), (first, place, *known)

    def _learn(
        self,
        known: State,
        over: Array,
        trial: tuple[Array, Array, Array],
        reward: Array,
        notes: Notes | None,
    ) -> State:
        first, place, second = (np.maximum(part, 0) for part in trial)
        reward = self.coding(reward)
        new = self.model.learn(known, first, place, second, reward)
        if notes is not None:
            error = reward - known[1][np.arange(len(reward)), place, second]
            notes.past = {"prediction_error": np.where(over, error, np.nan)}
        return new if over.all() else mixed(over, new, known)


TwoStepOptions = make_dataclass(
    "TwoStepOptions",
    [(f.name, float, f.default) for f in fields(TwoStepHybrid)],
    bases=(ReadingOptions,),
)


class TwoStepLearner(TrialAgent):
    """Model-free and model-based learning of two choices in a row; see :class:`TwoStepHybrid`.

    The environment shows a state ``start``, where a trial's first choice is due, and two states
    behind it, where the second one is.
    """

    name = "two-step-hybrid"
    options_class = TwoStepOptions

    def _make_player(self) -> Player:
        o = self.options
        reader = reader_of(self)
        if not reader.has_trials or (reader.arms, reader.places) != (2, 3):
            raise AgentError(
                f"{self.name} plays trials of two choices, with channels start, NAME_0 and NAME_1 "
                "for the states and two actions, which the environment does not show: choose "
                "caudate/TwoStep-v0, or another agent."
            )
        model = TwoStepHybrid(**{f.name: getattr(o, f.name) for f in fields(TwoStepHybrid)})
        coding = make_coding(self.name, None, o.reward_low, o.reward_high, reader)
        return TwoStepPlayer(model, reader, coding)
