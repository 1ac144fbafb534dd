"""Learners of bandits: a filter of what arms are worth, and a choice rule."""

from __future__ import annotations

from dataclasses import dataclass, fields, make_dataclass
from types import UnionType
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

import gymnasium as gym

from ..channels import channel_names
from ..errors import AgentError
from ..filters.base import Filter, Value
from ..options import choice
from .agent import ReadingOptions, TrialAgent, reader_of
from .choice import CHOICES, ChoiceRule
from .coding import Coding, make_coding
from .player import COUNTERFACTUAL, BanditPlayer, Player
from .prediction import PredictionPlayer

#: Rules that a filter can have.
_RULES = tuple(name for name, rule in CHOICES.items() if rule.uses_mean)
#: Parameters of these rules.
_PARAMETERS = tuple(dict.fromkeys(f.name for rule in _RULES for f in fields(CHOICES[rule])))


@dataclass
class BanditOptions(ReadingOptions):
    """The choice rule and what it is to be told; rules' own parameters stand beside these."""

    choice: str = "softmax"  # softmax, greedy, epsilon-greedy, ucb, thompson
    counterfactual: str = "none"  # none, mirror (the other's is 1 - outcome), full (all shown)
    left_bonus: float = 0.0  # standard deviations added to means, times the share of choices left


class BanditLearner(TrialAgent):
    """A filter of what arms are worth, and a choice rule; on bandits of any number of arms.

    A sub-class names its filter; its options are the filter's parameters, those of all choice
    rules (None: as the rule has them) and :class:`BanditOptions`. An environment whose action is
    one real number and that shows an ``outcome`` is predicted instead: the action is the mean.
    """

    filter_class: ClassVar[type[Filter]]

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "filter_class" in cls.__dict__:
            cls.name = cls.filter_class.name
            cls.options_class = _options_of(cls.filter_class)

    def _make_player(self) -> Player:
        o = self.options
        self.filter = self.filter_class(**{name: getattr(o, name) for name in self._own()})
        choice(self.name, "choice", o.choice, _RULES)
        choice(self.name, "counterfactual", o.counterfactual, COUNTERFACTUAL)
        self.rule = self._rule()
        space = self.action_space
        if isinstance(space, gym.spaces.Box) and space.shape == (1,):
            return self._predictor(space)
        reader = reader_of(self)
        if o.counterfactual == "mirror" and reader.arms != 2:
            raise AgentError(
                f"{self.name}: counterfactual='mirror' is for two arms with one cause, and there "
                f"are {reader.arms}: set counterfactual='none'."
            )
        if o.counterfactual == "full" and not reader.has_outcomes:
            raise AgentError(
                f"{self.name}: counterfactual='full' needs the channels outcome_0 to outcome_"
                f"{reader.arms - 1}, which the environment does not show: set "
                "counterfactual='none'."
            )
        coding = make_coding(self.name, self.filter, o.reward_low, o.reward_high, reader)
        player = BanditPlayer(
            self.filter, self.rule, reader, coding, o.counterfactual, o.left_bonus
        )
        self._check_uncertainty()
        return player

    @classmethod
    def _own(cls) -> list[str]:
        return [f.name for f in fields(cls.filter_class)]

    def _rule(self) -> ChoiceRule:
        o = self.options
        kind = CHOICES[o.choice]
        given = {name: getattr(o, name) for name in _PARAMETERS if getattr(o, name) is not None}
        known = {f.name for f in fields(kind)}
        for name in given.keys() - known:
            others = [rule for rule in _RULES if name in {f.name for f in fields(CHOICES[rule])}]
            raise AgentError(
                f"{self.name}: choice={o.choice!r} has no {name}: leave it out, or choose "
                f"{' or '.join(others)}."
            )
        return kind(**given)

    def _check_uncertainty(self) -> None:
        """Raise one sentence where the choice needs a variance that the filter does not have."""
        if self.filter.has_variance:
            return
        needs = "left_bonus" if self.options.left_bonus else f"choice={self.options.choice!r}"
        if self.options.left_bonus or self.rule.uses_variance:
            raise AgentError(
                f"{self.name}: {needs} needs to know how uncertain a belief is, and this filter "
                "has no variance: choose softmax, or an agent like kalman."
            )

    def _predictor(self, space: gym.spaces.Box) -> Player:
        names = channel_names(self.name, self.observation_space, self.rounds.task_info)
        if "outcome" not in names:
            raise AgentError(
                f"{self.name} predicts what the channel outcome shows, and the environment has "
                f"{', '.join(names)}: choose a bandit or a task of prediction."
            )
        if self.filter.outcomes == "binary":
            raise AgentError(
                f"{self.name} learns from binary outcomes, and here outcomes are real numbers: "
                "choose a filter for any outcome, like kalman."
            )
        o = self.options
        low = 0.0 if o.reward_low is None else o.reward_low
        high = 1.0 if o.reward_high is None else o.reward_high
        if low == high:
            raise AgentError(
                f"{self.name}: reward_low={low:g} and reward_high={high:g} are the same: set two "
                "different numbers."
            )
        return PredictionPlayer(
            self.filter, names.index("outcome"), Coding(low=low, high=high), space
        )


def _options_of(kind: type) -> type[BanditOptions]:
    """Options of a learner with this filter: its fields, those of choice rules, and common ones."""
    hints = get_type_hints(kind)
    own = [(f.name, _plain(hints[f.name]), f.default) for f in fields(kind)]
    rules = [(name, float | None, None) for name in _PARAMETERS]
    return make_dataclass(f"{kind.__name__}Options", [*own, *rules], bases=(BanditOptions,))


def _plain(hint: Any) -> Any:
    """A type as options have it: the filter itself checks which of several texts are allowed."""
    if hint == Value:
        return float
    if get_origin(hint) is Literal:
        return str
    if get_origin(hint) in (Union, UnionType):
        return Union[tuple(_plain(part) for part in get_args(hint))]  # noqa: UP007
    return hint
