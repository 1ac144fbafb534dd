"""Volatility and stochasticity inferred together by particles (Piray & Daw 2021)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from ..errors import AgentError
from . import counted
from .base import (
    POSITIVE,
    REAL,
    UNIT,
    Array,
    Course,
    Filter,
    Report,
    Scale,
    State,
    Value,
    column,
    parameter,
)
from .diffusion import DIFFUSIONS
from .weights import any_seen, resample, weighed

_MOST = 0.9


def _to_line(drift: Array) -> Array:
    return logit(drift / _MOST)


def _from_line(value: Array) -> Array:
    return _MOST * expit(value)


# Beyond 0.9 one step of the beta diffusion spans more orders of magnitude than numbers hold.
DRIFT = Scale(0.0, _MOST, False, _to_line, _from_line, centre=-2.0, spread=1.0)
#: How far variances may go from where they start, as a factor.
_REACH = 1e12
#: Particles that :meth:`JointParticle.run` takes at a time: few enough for the cache, enough to
#: make NumPy's calls cheap.
_PIECE = 32768
_NOISES = ("volatility", "stochasticity")


@dataclass(frozen=True, kw_only=True, eq=False)
class JointParticle(Filter):
    """A Rao-Blackwellised particle filter for a drifting quantity whose two noises drift as well.

    ``x_t = start + decay (x_{t-1} - start) + N(0, v_t)`` and ``o_t = x_t + N(0, s_t)``. A particle
    is a guess of volatility v and stochasticity s, with the exact (Kalman) mean m and variance w of
    x under that guess. On each trial v and s diffuse (:mod:`.diffusion`), particles are weighted by
    the likelihood of the outcome, resampled (systematically) if the effective number of them is
    below half, and their Kalman filters updated. An arm that is not seen is not weighed: its belief
    decays and widens by v, and noise that governs no arm that was seen does not diffuse.

    The report holds the mean Kalman gain, and the reciprocals of the mean precisions 1/v and 1/s
    before the outcome. ``variance`` is of the belief of the state, without the next trial's v.

    A state is the tuple of seeds (n,), trials (n,), weights (n, G, N), v and s (n, C, N), m and
    w (n, K, N), where N is the number of particles; see ``noise`` for C and G.

    Args:
        particles: N.
        volatility_drift, stochasticity_drift: how fast log v and log s diffuse, in [0, 0.9]:
            lambda of the beta diffusion, standard deviation of a step of the log-normal one.
            0 leaves them where they start.
        initial_volatility, initial_stochasticity: v and s at the start, squared unit of outcomes.
        initial_variance: w at the start, squared unit of outcomes.
        decay: share of the distance to ``start`` that is left after a trial.
        start: m at the start, and where beliefs decay to.
        noise: ``"shared"``: one v and one s for all arms, m and w for each arm; outcomes of one
            trial are weighed together (C = G = 1). ``"own"``: each arm a filter of its own
            (C = G = K). ``"joint"``: v and s for each arm, but particles of all arms together,
            weighed by the product of likelihoods (C = K, G = 1).
        lesion: the noise that the learner takes for constant, ``"stochasticity"`` or
            ``"volatility"``: it stays at its initial value, and the other explains all.
        diffusion: ``"beta"`` or ``"log-normal"``.
        carry_moments: whether resampling copies m and w along with v and s. Without, it is not a
            filter of the model; statistics published with the paper came from such a program.
        likelihood_floor: added to each likelihood. Above 0, outcomes that surprise all particles
            are ignored; the authors' program has 2.2e-16.

    Piray & Daw (2021), A model for learning based on the joint estimation of stochasticity and
    volatility, Nat Commun 12:6587, doi:10.1038/s41467-021-26731-9. Rao-Blackwellisation: Doucet, de
    Freitas, Murphy & Russell (2000), arXiv:1301.3853.
    """

    name: ClassVar[str] = "joint-particle"

    particles: int = 100
    volatility_drift: Value = parameter(0.1, DRIFT)
    stochasticity_drift: Value = parameter(0.1, DRIFT)
    initial_volatility: Value = parameter(1.0, POSITIVE)
    initial_stochasticity: Value = parameter(1.0, POSITIVE)
    initial_variance: Value = parameter(1.0, POSITIVE, fixed=True)
    decay: Value = parameter(1.0, UNIT, fixed=True)
    start: Value = parameter(0.0, REAL, fixed=True)
    noise: Literal["shared", "own", "joint"] = "shared"
    lesion: Literal["stochasticity", "volatility"] | None = None
    diffusion: Literal["beta", "log-normal"] = "beta"
    carry_moments: bool = True
    likelihood_floor: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.particles, int | np.integer) or self.particles < 1:
            raise AgentError(
                f"{self.name}: particles={self.particles!r} must be a whole number from 1 on."
            )
        for option, allowed in (
            ("noise", ("shared", "own", "joint")),
            ("lesion", (None, *_NOISES)),
            ("diffusion", tuple(DIFFUSIONS)),
        ):
            value = getattr(self, option)
            if value not in allowed:
                known = ", ".join(map(repr, allowed))
                raise AgentError(f"{self.name}: {option}={value!r} must be one of {known}.")
        if not 0 <= self.likelihood_floor < np.inf:
            raise AgentError(
                f"{self.name}: likelihood_floor={self.likelihood_floor!r} must be a number from 0 "
                "on; 0 is none."
            )

    def begin(self, n: int = 1, arms: int = 1, seed: int | Array = 0) -> State:
        clouds = 1 if self.noise == "shared" else arms
        groups = arms if self.noise == "own" else 1
        many = self.particles
        return (
            counted.seeds(seed, n, self.name),
            np.zeros(n, np.int64),
            np.full((n, groups, many), 1 / many),
            np.zeros((n, clouds, many)) + _column(self.initial_volatility),
            np.zeros((n, clouds, many)) + _column(self.initial_stochasticity),
            np.zeros((n, arms, many)) + _column(self.start),
            np.zeros((n, arms, many)) + _column(self.initial_variance),
        )

    def renewed(self, state: State, arms: int) -> State:
        return (*state[:2], *self.begin(len(state[0]), arms)[2:])

    def mean(self, state: State) -> Array:
        weights, mean = state[2], state[5]
        return self._decayed((weights * mean).sum(-1)[..., None])[..., 0]

    def variance(self, state: State) -> Array:
        _, _, weights, _, _, mean, variance = state
        middle = (weights * mean).sum(-1, keepdims=True)
        square = np.square(mean - middle)
        square += variance
        square *= weights
        return column(self.decay) ** 2 * square.sum(-1)

    def sample(self, state: State, rng: np.random.Generator) -> Array:
        """Worths (n, K): of a particle drawn by its weight, one for all arms that share weights."""
        _, _, weights, _, _, mean, variance = state
        edges = weights.cumsum(-1)
        luck = rng.random(edges.shape[:2])[..., None] * edges[..., -1:]
        chosen = np.minimum((edges < luck).sum(-1, keepdims=True), self.particles - 1)
        chosen = np.broadcast_to(chosen, (*mean.shape[:2], 1))
        middle, width = (
            np.take_along_axis(x, chosen, -1)
            for x in (self._decayed(mean), _column(self.decay) ** 2 * variance)
        )
        return (middle + np.sqrt(width) * rng.standard_normal(middle.shape))[..., 0]

    def run(
        self, outcomes: npt.ArrayLike, seen: npt.ArrayLike | None = None, seed: int | Array = 0
    ) -> Course:
        """As :meth:`Filter.run`; columns are taken in pieces whose particles fit in the cache."""
        values = np.asarray(outcomes, dtype=np.float64)
        n = values.shape[1] if values.ndim > 1 else 1
        arms = values.shape[2] if values.ndim > 2 else 1
        size = max(_PIECE // max(arms * self.particles, 1), 1)
        if n <= size:
            return super().run(values, seen, seed)
        starts = counted.seeds(seed, n, self.name)
        shown = None if seen is None else np.broadcast_to(np.asarray(seen, bool), values.shape)
        courses = []
        for first in range(0, n, size):
            piece = slice(first, first + size)
            part = None if shown is None else shown[:, piece]
            one = self._columns(piece)
            courses.append(super(JointParticle, one).run(values[:, piece], part, starts[piece]))
        return _joined(courses)

    def _columns(self, piece: slice) -> JointParticle:
        """The filter of some columns."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if "scale" in f.metadata}
        return replace(self, **{k: v[piece] for k, v in own.items() if np.ndim(v)})

    # -- one trial ------------------------------------------------------------------------------

    def _update(self, state: State, outcome: Array, seen: Array) -> tuple[State, Report]:
        seed, trial, weights, volatility, stochasticity, mean, variance = state
        outcome, shown = outcome[..., None], None if seen.all() else seen[..., None]
        luck, noises = self._diffused(seed, trial, weights, [volatility, stochasticity], shown)
        told = [1 / (weights / noise).sum(-1) for noise in noises]
        mean = self._decayed(mean)
        spread = _column(self.decay) ** 2 * variance  # of the belief, before this trial's v

        likelihood = self._log_likelihood(outcome - mean, spread + noises[0] + noises[1])
        weights, judged = weighed(weights, likelihood, shown)
        drifting = [x for x, name in zip(noises, _NOISES, strict=True) if name != self.lesion]
        carried = [mean, spread] if self.carry_moments else []
        resample(weights, luck, judged, drifting + carried)

        prior = spread + noises[0]
        gain = prior / (prior + noises[1])
        rate = (weights * gain).sum(-1)
        learned, left = mean + gain * (outcome - mean), gain * noises[1]
        if shown is not None:
            learned, left = np.where(shown, learned, mean), np.where(shown, left, prior)
        report = Report(rate, *(np.broadcast_to(x, rate.shape) for x in told))
        return (seed, trial + 1, weights, *noises, learned, left), report

    def _diffused(
        self, seed: Array, trial: Array, weights: Array, noises: list[Array], shown: Array | None
    ) -> tuple[Array, list[Array]]:
        """Uniform numbers (n, G) for resampling, and volatility and stochasticity a trial on."""
        groups, (n, clouds, many) = weights.shape[1], noises[0].shape
        words = counted.words(seed, trial, groups + 2 * clouds * many)
        moves = words[:, groups:].reshape(n, 2, clouds, many)
        moved = any_seen(shown, clouds)
        after = []
        for i, name in enumerate(_NOISES):
            noise = noises[i]
            if name != self.lesion:
                drift = _column(getattr(self, f"{name}_drift"))
                start = _column(getattr(self, f"initial_{name}"))
                # A copy in one piece: NumPy may compute strided arrays in other last bits.
                factor = DIFFUSIONS[self.diffusion](np.ascontiguousarray(moves[:, i]), drift)
                factor *= noise
                np.clip(factor, start / _REACH, start * _REACH, out=factor)
                noise = factor if moved is None else np.where(moved, factor, noise)
            after.append(noise)
        return counted.uniform(words[:, :groups]), after

    def _log_likelihood(self, error: Array, variance: Array) -> Array:
        """Of normal outcomes (n, K, N), up to a constant where there is no floor."""
        likelihood = np.log(variance)
        likelihood += np.square(error, out=error) / variance
        likelihood *= -0.5
        if self.likelihood_floor > 0:
            floor = np.log(self.likelihood_floor)
            likelihood = np.logaddexp(likelihood - 0.5 * np.log(2 * np.pi), floor)
        return likelihood

    def _decayed(self, mean: Array) -> Array:
        """Means (n, K, N) a trial later, in an array of their own."""
        start = _column(self.start)
        return start + _column(self.decay) * (mean - start)


def _column(value: Value) -> Value:
    """A parameter so that it meets arrays (n, K, N)."""
    array = np.asarray(value)
    return array[:, None, None] if array.ndim else value


def _joined(courses: list[Course]) -> Course:
    """Courses of columns side by side as one."""
    parts: dict[str, Any] = {
        f.name: [getattr(course, f.name) for course in courses]
        for f in fields(Course)
        if f.name != "state"
    }
    whole: dict[str, Any] = {
        k: None if v[0] is None else np.concatenate(v, axis=1) for k, v in parts.items()
    }
    states = zip(*(course.state for course in courses), strict=True)
    return Course(**whole, state=tuple(np.concatenate(x) for x in states))
