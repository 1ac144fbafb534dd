"""Trials of supervised learning, and their exact reduction to what perturbation rules see.

A readout's error ``E = 1/(2T) |z - z*|^2`` and all its perturbation rules depend on the inputs'
correlations alone, and white noise looks the same in any orthonormal basis of time. So a trial of
T steps may be written in a basis of time courses of which few meet an input or a target: the noise
in all others matters by its sum of squares only, a chi-square. Likewise WP's noise looks the same
in any orthonormal basis of the inputs. What learns in these coordinates has exactly the
distribution of what learns in steps and inputs; only WP0, which asks whether an input is silent,
needs the inputs' own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import AgentError

Array = np.ndarray

#: Directions whose singular value is smaller than this share of the largest are rounding errors.
ROUNDING = 1e-10


@dataclass(frozen=True)
class Lesson:
    """What one trial shows: inputs and targets, in steps or in any orthonormal time courses.

    Args:
        inputs: r (S, N), the same for all runs, or (R, S, N); S time courses.
        targets: z* (S, M) or (R, S, M).
        n_steps: T of the error's 1/(2T); S if not given.
    """

    inputs: Array
    targets: Array
    n_steps: int = 0

    def __post_init__(self) -> None:
        if self.n_steps == 0:
            object.__setattr__(self, "n_steps", self.inputs.shape[-2])
        if self.inputs.shape[-2] != self.targets.shape[-2] or self.n_steps < self.rows:
            raise AgentError(
                f"inputs {self.inputs.shape} and targets {self.targets.shape} of a trial of "
                f"{self.n_steps} steps: give (T, N) and (T, M) with the same T."
            )
        if not (np.isfinite(self.inputs).all() and np.isfinite(self.targets).all()):
            raise AgentError("inputs and targets must be finite: remove NaN and infinite values.")

    @property
    def rows(self) -> int:
        """S."""
        return self.inputs.shape[-2]

    @property
    def n_inputs(self) -> int:
        return self.inputs.shape[-1]

    @property
    def n_outputs(self) -> int:
        return self.targets.shape[-1]

    def strength(self) -> float:
        """tr S, the summed mean squares of the inputs, mean over runs."""
        runs = self.inputs.size / (self.rows * self.n_inputs)
        return float((self.inputs**2).sum() / (self.n_steps * runs))

    def in_time_courses(self, basis: Array) -> Lesson:
        """The same trial in other coordinates of time: ``basis`` (S, S), orthonormal rows.

        Noise that is confined to the first modes of a lesson is slow if the basis starts with slow
        time courses.
        """
        return Lesson(basis @ self.inputs, basis @ self.targets, self.n_steps)


@dataclass(frozen=True)
class Reduction:
    """A lesson in few coordinates, and the way back."""

    lesson: Lesson  # inputs (S, N_eff) and targets (S, M), S <= N_eff + M
    time_courses: Array  # (T, S), orthonormal columns
    directions: Array  # (N, N_eff), orthonormal columns: weights w = w_reduced directions^T

    def weights(self, reduced: Array) -> Array:
        """(..., M, N_eff) -> (..., M, N)."""
        return reduced @ self.directions.T

    def output(self, reduced: Array) -> Array:
        """What weights (..., M, N_eff) put out: (..., T, M)."""
        return self.time_courses @ (self.lesson.inputs @ np.swapaxes(reduced, -1, -2))


def reduce_lesson(inputs: Array, targets: Array) -> Reduction:
    """The lesson in the eigenbasis of the inputs' correlation: for WP, NP and HP.

    Learning from w = 0, or from any weights within the span of ``directions``, is the same; weights
    orthogonal to it meet no input: NP and HP leave them, WP lets them diffuse.

    Args:
        inputs: (T, N).
        targets: (T, M).
    """
    u, size, vt = np.linalg.svd(np.asarray(inputs, float), full_matrices=False)
    if not size[0] > 0:
        raise AgentError("the inputs are silent: a readout needs inputs that differ from 0.")
    kept = size > ROUNDING * size[0]
    u, size, vt = u[:, kept], size[kept], vt[kept]
    rest = targets - u @ (u.T @ targets)
    extra, extra_size, _ = np.linalg.svd(rest, full_matrices=False)
    extra = extra[:, extra_size > ROUNDING * max(np.linalg.norm(targets), 1e-300)]
    courses = np.concatenate([u, extra], axis=1)
    reduced = np.zeros((courses.shape[1], len(size)))
    np.fill_diagonal(reduced, size)
    return Reduction(Lesson(reduced, courses.T @ targets, len(inputs)), courses, vt.T)
