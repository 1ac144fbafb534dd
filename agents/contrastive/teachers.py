"""Teachers: what the taught phase adds to the outputs, and the potential F that it descends.

==========  ==================================  =====================  =========================
kind        added to the outputs                F                      as beta -> 0
==========  ==================================  =====================  =========================
hard        V := t                              (beta is infinite)     contrastive Hebbian
spring      beta (t - V)                        1/2 \\|t - V\\|^2        equilibrium propagation
two-sided   beta and -beta in turn              the same               error of order beta^2
current     beta t                              -t'V                   no error in the teacher
policy      beta kappa (onehot(a) - pi(V^f))    linear                 gradient of log pi(a)
==========  ==================================  =====================  =========================

Many teachers serve the same local rule (Baldi & Pineda 1991, doi:10.1162/neco.1991.3.4.526).
Contrastive Hebbian learning: Movellan (1990); Xie & Seung (2003), doi:10.1162/089976603762552988.
Equilibrium propagation: Scellier & Bengio (2017), doi:10.3389/fncom.2017.00024; two-sided:
Laborieux et al. (2021), doi:10.3389/fnins.2021.633674. The policy's teacher is this library's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import AgentError
from ..options import choice

Array = np.ndarray

HARD, SPRING, TWO_SIDED, CURRENT, POLICY = "hard", "spring", "two-sided", "current", "policy"
KINDS = (HARD, SPRING, TWO_SIDED, CURRENT, POLICY)


@dataclass(frozen=True)
class Teacher:
    """A teacher of outputs.

    Attributes:
        kind: see above.
        target: (P, n_out) or (S, P, n_out); of a policy's teacher the action as one-hot.
        beta: strength, of no meaning to a hard one.
        kappa: inverse temperature of the policy softmax(kappa V).
        force: of a policy's teacher onehot - pi, known once the free phase is.
    """

    kind: str
    target: Array
    beta: float = 1.0
    kappa: float = 1.0
    force: Array | None = None

    def __post_init__(self) -> None:
        choice("Teacher", "kind", self.kind, KINDS)
        if self.kind != HARD and self.beta == 0:
            raise AgentError("Teacher: beta=0 teaches nothing; give it another value.")

    @property
    def two_sided(self) -> bool:
        return self.kind == TWO_SIDED

    @property
    def divisor(self) -> float:
        """What the difference of the phases is divided by."""
        if self.kind == HARD:
            return 1.0
        return 2 * self.beta if self.two_sided else self.beta

    def ready(self, free: Array) -> Teacher:
        """With what is to be known of the free outputs (S, P, n_out)."""
        if self.kind != POLICY:
            return self
        return replace(self, force=self.target - softmax(self.kappa * free))

    def opposite(self) -> Teacher:
        return replace(self, beta=-self.beta)

    def current(self, v: Array) -> Array:
        """What is added to the summed input of outputs with activities ``v``."""
        if self.kind == POLICY:
            return self.beta * self.kappa * self._known_force()
        if self.kind == CURRENT:
            return self.beta * np.asarray(self.target)
        return self.beta * (self.target - v)

    def potential(self, v: Array) -> Array:
        """beta F (S, P) of outputs ``v``; 0 of a hard teacher, whose outputs are on target."""
        if self.kind == HARD:
            return np.zeros(v.shape[:-1])
        if self.kind == POLICY:
            return -self.beta * self.kappa * (self._known_force() * v).sum(-1)
        if self.kind == CURRENT:
            return -self.beta * (self.target * v).sum(-1)
        return 0.5 * self.beta * ((self.target - v) ** 2).sum(-1)

    def _known_force(self) -> Array:
        if self.force is None:
            raise AgentError(
                "Teacher: a policy's teacher is known once the free phase is: call ready(free)."
            )
        return self.force


def softmax(x: Array) -> Array:
    p = np.exp(x - x.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True)
