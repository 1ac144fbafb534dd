"""A model of choices: a filter that learns, a rule that chooses, and which parameters are free.

>>> from caudate.agents.filters import RescorlaWagner
>>> from caudate.agents.bandits.choice import Softmax
>>> model = Model(RescorlaWagner, Softmax, values={"start": 0.0})
>>> model.free
('learning_rate', 'inverse_temperature')
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace

import numpy as np

from ..bandits.choice import CHOICES, ChoiceRule, Greedy
from ..errors import AgentError
from ..filters import FILTERS, JointParticle
from ..filters.base import Filter, Scale, scales

Array = np.ndarray

COUNTERFACTUALS = ("none", "mirror")
#: Searches stay within so many standard deviations of the prior.
_REACH = 8.0


class Model:
    """What is fitted.

    Args:
        learner: class of the filter.
        rule: class of the choice rule.
        free: names of the parameters to fit; None for all that are not marked as fixed (the rule's
            alone if it does not look at beliefs).
        values: what the others are, where it is not their default.
        priors: name -> (centre, spread) of the normal prior on the line, where it is not that of
            the parameter's scale.
        counterfactual: "none", or "mirror" for two arms of which exactly one pays on every trial:
            a reward r tells that the other arm would have brought 1 - r, and both arms learn.
        name: for tables; None for the filter's.

    Attributes:
        free: names of the free parameters, P of them, the filter's first.
        scales: their scales, with the priors in place.
        centre, spread: (P,) of the normal priors on the line.
        low, high: (P,) the edges of searches on the line.

    Raises:
        AgentError: names that are none of the parameters, or values out of range.
    """

    def __init__(
        self,
        learner: type[Filter],
        rule: type[ChoiceRule],
        *,
        free: Iterable[str] | None = None,
        values: Mapping[str, float] | None = None,
        priors: Mapping[str, tuple[float, float]] | None = None,
        counterfactual: str = "none",
        name: str | None = None,
    ):
        if counterfactual not in COUNTERFACTUALS:
            raise AgentError(
                f"counterfactual={counterfactual!r} is unknown: choose one of "
                f"{', '.join(COUNTERFACTUALS)}."
            )
        if rule is Greedy:
            raise AgentError(
                "greedy gives probability 0 to every choice that is not the best: fit softmax, or "
                "epsilon-greedy."
            )
        if issubclass(learner, JointParticle):
            raise AgentError(
                f"{learner.name} draws particles at random, so its likelihood has no slope to "
                "follow: fit binary-vkf or hgf."
            )
        self.learner, self.rule, self.counterfactual = learner, rule, counterfactual
        self.name = name or learner.name
        self._of_learner, self._of_rule = scales(learner), scales(rule)
        both = self._of_learner.keys() & self._of_rule.keys()
        if both:
            raise AgentError(
                f"{learner.name} and {rule.name} both have a parameter {min(both)!r}, so they "
                "cannot be fitted together: rename one."
            )
        known = self._of_learner | self._of_rule
        values, priors = dict(values or {}), dict(priors or {})
        self.free = _free(learner, rule) if free is None else tuple(dict.fromkeys(free))
        if free is None:
            self.free = tuple(one for one in self.free if one not in values)
        for one in (*self.free, *values, *priors):
            _check_name(one, known, f"{learner.name} with {rule.name}")
        if not self.free:
            raise AgentError(f"{self.name}: no parameter is free, so there is nothing to fit.")
        for one in sorted(values.keys() & set(self.free)):
            raise AgentError(f"{self.name}: {one} has a value and is free: choose one of the two.")
        self.free = tuple(one for one in known if one in self.free)
        self.values = values
        self.scales = tuple(_with_prior(one, known[one], priors) for one in self.free)
        self.centre = np.array([one.centre for one in self.scales])
        self.spread = np.array([one.spread for one in self.scales])
        self.low = self.centre - _REACH * self.spread
        self.high = self.centre + _REACH * self.spread
        self.parts({one: scale.from_line(scale.centre) for one, scale in self._named()})

    @classmethod
    def named(cls, learner: str, rule: str = "softmax", **options) -> Model:
        """By the names of filter and choice rule; ``options`` as for the class."""
        return cls(
            _lookup(learner, FILTERS, "filter"), _lookup(rule, CHOICES, "choice rule"), **options
        )

    def _named(self):
        return zip(self.free, self.scales, strict=True)

    def parts(self, free: Mapping[str, float | Array]) -> tuple[Filter, ChoiceRule]:
        """Filter and rule with these values of the free parameters, each a number or (n,)."""
        given = self.values | dict(free)
        learner = {name: given[name] for name in self._of_learner if name in given}
        rule = {name: given[name] for name in self._of_rule if name in given}
        return self.learner(**learner), self.rule(**rule)

    @property
    def frees_learner(self) -> bool:
        """Whether a parameter of the filter is free."""
        return any(name in self._of_learner for name in self.free)

    def from_line(self, points: Array) -> Array:
        """Parameters (..., P) in natural units of points (..., P) on the line."""
        columns = [s.from_line(points[..., i]) for i, s in enumerate(self.scales)]
        return np.stack(columns, axis=-1)

    def to_line(self, parameters: Array) -> Array:
        """The other way round; what lies beyond the edges of searches, at the edge."""
        parameters = np.asarray(parameters, dtype=np.float64)
        with np.errstate(divide="ignore"):
            columns = [s.to_line(parameters[..., i]) for i, s in enumerate(self.scales)]
        return np.clip(np.stack(columns, axis=-1), self.low, self.high)

    def steepness(self, points: Array) -> Array:
        """Change of the parameters (..., P) with the points on the line, in natural units."""
        step = 1e-5
        return (self.from_line(points + step) - self.from_line(points - step)) / (2 * step)

    def log_prior(self, points: Array) -> Array:
        """Log density (...) of the prior at points (..., P) on the line."""
        z = (points - self.centre) / self.spread
        return -0.5 * (z**2).sum(-1) - np.log(self.spread * np.sqrt(2 * np.pi)).sum()

    def describe(self) -> dict[str, object]:
        """As JSON values: names of the parts, free parameters, values of the others."""
        learner, rule = self.parts({})
        rest = {
            name: float(getattr(owner, name))
            for owner, names in ((learner, self._of_learner), (rule, self._of_rule))
            for name in names
            if name not in self.free
        }
        return {
            "name": self.name,
            "filter": self.learner.name,
            "choice": self.rule.name,
            "counterfactual": self.counterfactual,
            "free": list(self.free),
            "fixed": rest,
            "priors": {one: [scale.centre, scale.spread] for one, scale in self._named()},
        }


def _free(learner: type[Filter], rule: type[ChoiceRule]) -> tuple[str, ...]:
    """Parameters that are not marked as fixed; the filter's only if the rule looks at beliefs."""
    return tuple(
        one.name
        for owner in ((learner, rule) if rule.uses_mean else (rule,))
        for one in fields(owner)
        if "scale" in one.metadata and not one.metadata["fixed"]
    )


def _with_prior(name: str, scale: Scale, priors: Mapping[str, tuple[float, float]]) -> Scale:
    if name not in priors:
        return scale
    centre, spread = priors[name]
    if not (np.isfinite(centre) and np.isfinite(spread) and spread > 0):
        raise AgentError(
            f"The prior ({centre}, {spread}) of {name} must be two finite numbers, centre and "
            "spread on the line, with a spread above 0."
        )
    return replace(scale, centre=centre, spread=spread)


def _check_name(name: str, known: Mapping[str, Scale], owner: str) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        end = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}."
        raise AgentError(f"{owner} has no parameter {name!r}: {end}")


def _lookup(name: str, known: Mapping[str, type], what: str):
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        end = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(sorted(known))}."
        raise AgentError(f"Unknown {what} {name!r}: {end}")
    return known[name]
