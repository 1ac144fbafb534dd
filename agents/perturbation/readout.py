"""Supervised learning of a linear readout ``z = w r`` by perturbation, many runs at a time.

====================  ===========================================  ================
symbol                meaning                                      shape
====================  ===========================================  ================
r, z*                 inputs and targets of a trial                (S, N), (S, M)
w                     weights                                      (R, M, N)
E                     ``1/(2T) sum (z - z*)^2`` of a trial         (R,)
xi                    noise: on outputs (NP), on weights (others)  (R, P, S, M) or (R, P, M, N)
dE                    error with the noise minus the baseline      (R, P)
====================  ===========================================  ================

The rules are those of :mod:`.rules`; their theory is in :mod:`.theory`, :mod:`.spectra`. Two things
are exact and save time and digits: errors enter as differences, ``dE = residual . dz / T +
|dz|^2 / 2T``, never as nearly equal numbers; and trials may come in few coordinates, see
:mod:`.lessons`. Zuege, Klos & Memmesheimer (2023), doi:10.1103/PhysRevX.13.021006.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from ..errors import AgentError, NonFiniteError
from .learning_rate import LearningRate, auto_learning_rate
from .lessons import Lesson
from .rules import active_inputs, node_gradient, weight_gradient
from .theory import BASELINES, RULES, Baseline, Rule, check_choice

Array = np.ndarray

#: Draws the trial of R runs: (generator, R) -> lesson, with a leading axis R where runs differ.
Draw = Callable[[np.random.Generator, int], Lesson]

#: Trials from which an automatic learning rate and the scale of WP's noise are taken.
_EXAMPLES = 64


@dataclass(frozen=True)
class ReadoutOptions:
    """Hyper-parameters of :class:`ReadoutLearner`."""

    rule: Rule = "NP"
    eta: float | Literal["auto"] = "auto"  # HP's unit is 1 / (T strength) of the others'
    output_sigma: float = 1e-3  # std of what a perturbation does to an output at one step
    baseline: Baseline = "antithetic"  # what the perturbed error is compared with
    n_perturbations: int = 1  # P, averaged in one update
    decay: float = 1.0  # weights are multiplied by it after each update
    error_noise: float = 0.0  # std of noise in dE
    n_noise_modes: int | None = None  # NP: noise in the first so many time courses of the lesson
    baseline_memory: float = 0.9  # "average": share of the running mean that one trial keeps
    warmup: int = 20  # "average": trials without updates at the start

    def __post_init__(self) -> None:
        check_choice("rule", self.rule, RULES)
        check_choice("baseline", self.baseline, BASELINES)
        if self.eta != "auto" and not (isinstance(self.eta, (int, float)) and self.eta > 0):
            raise AgentError(f"eta={self.eta!r}: choose a number above 0, or 'auto'.")
        if not self.output_sigma > 0:
            raise AgentError(f"output_sigma={self.output_sigma}: choose a number above 0.")
        if self.n_perturbations < 1:
            raise AgentError(f"n_perturbations={self.n_perturbations}: choose 1 or more.")
        if self.n_noise_modes is not None and (self.rule != "NP" or self.n_noise_modes < 1):
            raise AgentError(
                f"n_noise_modes={self.n_noise_modes} with rule={self.rule!r}: only NP's noise "
                "varies in time; leave it out, or choose 1 or more with rule='NP'."
            )


class ReadoutLearner:
    """R independent runs of one perturbation rule on one task.

    Args:
        lessons: the trial that is shown again and again, or a function that draws trials (for
            tasks of several subtasks).
        n_runs: R.
        seed: decides all randomness.
        weights: (M, N) or (R, M, N) at the start; 0 if not given.
        options: fields of :class:`ReadoutOptions`.

    Examples:
        >>> import numpy as np
        >>> from caudate.agents.perturbation.lessons import Lesson
        >>> from caudate.agents.perturbation.readout import ReadoutLearner
        >>> time = np.linspace(0, 2 * np.pi, 50)[:, None]
        >>> lesson = Lesson(np.hstack([np.sin(time), np.cos(time)]), np.sin(time + 1))
        >>> learner = ReadoutLearner(lesson, n_runs=8, seed=0, rule="WP")
        >>> errors = learner.learn(100)
        >>> errors.shape, bool(errors[-1].mean() < 1e-3 * errors[0].mean())
        ((100, 8), True)
    """

    def __init__(
        self,
        lessons: Lesson | Draw,
        *,
        n_runs: int = 1,
        seed: int = 0,
        weights: Array | None = None,
        **options: Any,
    ):
        known = [f.name for f in fields(ReadoutOptions)]
        for name in options:
            check_choice("option", name, tuple(known))
        self.options = ReadoutOptions(**options)
        self.n_runs = n_runs
        self.rng = np.random.default_rng(seed)
        self._fixed = lessons if isinstance(lessons, Lesson) else None
        self._draw = lessons if not isinstance(lessons, Lesson) else None
        example = self._example(seed)
        shape = (n_runs, example.n_outputs, example.n_inputs)
        start = 0.0 if weights is None else weights
        self.weights = np.array(np.broadcast_to(start, shape), float)
        self.baseline = np.zeros(n_runs)
        self.trial = 0
        self.learning_rate = self._choose_eta(example)
        self.sigma = self._own_sigma(example)

    @property
    def eta(self) -> float:
        return self.learning_rate.eta

    def learn(self, n_trials: int, every: int = 1) -> Array:
        """Errors (n_records, R) without perturbation, before updates 0, ``every``, 2 ``every``, ...

        Raises:
            NonFiniteError: learning diverged.
        """
        errors = np.empty((-(-n_trials // every), self.n_runs))
        with np.errstate(over="ignore", invalid="ignore"):
            for i in range(n_trials):
                error = self.step()
                if i % every == 0:
                    errors[i // every] = error
        if not np.isfinite(self.weights).all():
            raise NonFiniteError(
                f"{self.options.rule}: weights are no longer finite after trial {self.trial} with "
                f"eta={self.eta:.3g}: lower eta, or choose eta='auto'."
            )
        return errors

    def step(self, lesson: Lesson | None = None) -> Array:
        """One trial and its update; the error (R,) without perturbation, before the update."""
        o = self.options
        if lesson is None:
            lesson = self._next_lesson()
        inputs, steps = lesson.inputs, lesson.n_steps
        residual = inputs @ np.swapaxes(self.weights, -1, -2) - lesson.targets
        error = np.einsum("...sm,...sm->...", residual, residual) / (2 * steps)
        per_perturbation = inputs if inputs.ndim == 2 else inputs[:, None]

        xi, change, unseen = self._perturb(lesson, per_perturbation)
        linear = np.einsum("rpsm,rsm->rp", change, residual) / steps
        quadratic = (np.einsum("rpsm,rpsm->rp", change, change) + unseen) / (2 * steps)
        credit = self._credit(error, linear, quadratic, lesson)
        if o.baseline == "average" and self.trial < o.warmup:
            self.trial += 1
            return error

        if o.rule in ("NP", "HP"):
            sigma = self._mode_sigma(lesson) if o.rule == "NP" else self.sigma
            gradient = node_gradient(change, per_perturbation, credit[..., None], sigma).mean(1)
        else:
            gradient = weight_gradient(xi, credit, self.sigma) / o.n_perturbations
            if o.rule == "WP0":
                gradient *= active_inputs(inputs)[..., None, :]
        self.weights -= self.eta * gradient
        if o.decay != 1:
            self.weights *= o.decay
        self.trial += 1
        return error

    def get_state(self) -> dict[str, Any]:
        """All that a run needs to go on bit for bit: arrays and JSON values."""
        return {
            "weights": self.weights.copy(),
            "baseline": self.baseline.copy(),
            "trial": self.trial,
            "generator": self.rng.bit_generator.state,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        self.weights = state["weights"].copy()
        self.baseline = state["baseline"].copy()
        self.trial = state["trial"]
        self.rng.bit_generator.state = state["generator"]

    # -- parts of a trial ---------------------------------------------------------------------

    def _next_lesson(self) -> Lesson:
        if self._draw is not None:
            return self._draw(self.rng, self.n_runs)
        assert self._fixed is not None
        return self._fixed

    def _perturb(self, lesson: Lesson, inputs: Array) -> tuple[Array, Array, Array | float]:
        """xi, what it does to the outputs (R, P, S, M), and the squares of noise in other modes."""
        runs, p, m = self.n_runs, self.options.n_perturbations, lesson.n_outputs
        if self.options.rule != "NP":
            xi = self.rng.standard_normal((runs, p, m, lesson.n_inputs)) * self.sigma
            return xi, inputs @ np.swapaxes(xi, -1, -2), 0.0
        modes, sigma = self._noise_modes(lesson), self._mode_sigma(lesson)
        seen = min(modes, lesson.rows)
        noise = np.zeros((runs, p, lesson.rows, m))
        noise[:, :, :seen] = self.rng.standard_normal((runs, p, seen, m)) * sigma
        if modes == seen:
            return noise, noise, 0.0
        return noise, noise, self.rng.chisquare(m * (modes - seen), (runs, p)) * sigma**2

    def _noise_modes(self, lesson: Lesson) -> int:
        return min(self.options.n_noise_modes or lesson.n_steps, lesson.n_steps)

    def _mode_sigma(self, lesson: Lesson) -> float:
        """Noise in K of T modes has a variance larger by T/K there, so that a step's is kept."""
        return self.sigma * float(np.sqrt(lesson.n_steps / self._noise_modes(lesson)))

    def _credit(self, error: Array, linear: Array, quadratic: Array, lesson: Lesson) -> Array:
        """dE (R, P) for the baseline at hand."""
        o = self.options
        noise = o.error_noise * self.rng.standard_normal(linear.shape) if o.error_noise else 0.0
        if o.baseline == "antithetic":  # (E[+xi] - E[-xi]) / 2: even orders cancel
            return linear + noise
        if o.baseline == "clean":
            return linear + quadratic + noise
        if o.baseline == "mean-perturbed":
            return linear + quadratic - self._expected_quadratic(lesson)[:, None] + noise
        perturbed = error[:, None] + linear + quadratic + noise
        settled = self.trial / (self.trial + 1)
        memory = min(o.baseline_memory, settled)
        # The first trial has nothing to be compared with but itself.
        credit = perturbed - (self.baseline if self.trial else perturbed.mean(1))[:, None]
        self.baseline = memory * self.baseline + (1 - memory) * perturbed.mean(1)
        return credit

    def _expected_quadratic(self, lesson: Lesson) -> Array:
        """Mean of what the perturbation alone adds to the error: M/2 of its variance."""
        if self.options.rule == "NP":
            variance = np.full(self.n_runs, self.sigma**2)
        else:
            traces = (lesson.inputs**2).sum((-1, -2)) / lesson.n_steps
            variance = np.broadcast_to(self.sigma**2 * traces, self.n_runs)
        return lesson.n_outputs * variance / 2

    # -- what is chosen at the start ----------------------------------------------------------

    def _example(self, seed: int) -> Lesson:
        if self._draw is None:
            assert self._fixed is not None
            return self._fixed
        # A generator of its own: choosing a scale does not change what is learned.
        return self._draw(np.random.default_rng([seed, 1]), _EXAMPLES)

    def _choose_eta(self, example: Lesson) -> LearningRate:
        o = self.options
        if isinstance(o.eta, (int, float)):
            return LearningRate(float(o.eta), f"eta = {o.eta:.4g}: as given.")
        return auto_learning_rate(
            o.rule, example.inputs, example.n_outputs, o.n_perturbations, o.baseline,
            example.n_steps,
        )  # fmt: skip

    def _own_sigma(self, example: Lesson) -> float:
        if self.options.rule == "NP":
            return self.options.output_sigma
        return self.options.output_sigma / float(np.sqrt(example.strength()))
