"""Horn clauses as data: programs as text, as matrices, and what follows from them.

A clause says that its head holds where all atoms of its body do; without a body it is a fact, and
without a head a goal, which says that its body does not hold as a whole. As a matrix (M, N) a
program has +1 at heads, -1 at atoms of bodies and 0 elsewhere; a row of zeros is no clause.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import AgentError

Array = np.ndarray

_ARROW = re.compile(r"<-|:-|←")
_ATOM = re.compile(r"[A-Za-z]\w*")


@dataclass(frozen=True)
class Clause:
    """``head <- body``. ``head`` is None for a goal, ``body`` empty for a fact.

    Raises:
        AgentError: neither head nor body, or a head in its own body: it would always hold.
    """

    head: str | None
    body: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "body", tuple(dict.fromkeys(self.body)))
        if self.head is None and not self.body:
            raise AgentError("A clause without head and body says nothing: give it one of them.")
        if self.head in self.body:
            raise AgentError(f"Clause {str(self)!r} always holds: take its head out of its body.")

    def __str__(self) -> str:
        return f"{self.head or ''} <- {', '.join(self.body)}".strip()


@dataclass(frozen=True)
class Program:
    """Clauses, and the atoms that they are about.

    Attributes:
        clauses: in order.
        atoms: all names, in the order in which units stand for them; by default that in which
            they appear.

    Examples:
        >>> program = Program.parse("A <- B, C; D <- B; C <-")
        >>> program.atoms, sorted(program.least_model)
        (('A', 'B', 'C', 'D'), ['C'])
    """

    clauses: tuple[Clause, ...]
    atoms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        named = [name for one in self.clauses for name in (one.head, *one.body) if name]
        atoms = self.atoms or tuple(dict.fromkeys(named))
        missing = sorted(set(named) - set(atoms))
        if missing:
            raise AgentError(
                f"Atoms {', '.join(missing)} are in clauses and not in atoms: add them."
            )
        object.__setattr__(self, "atoms", tuple(atoms))

    @classmethod
    def parse(cls, text: str, atoms: Sequence[str] = ()) -> Program:
        """Read clauses like ``A <- B, C``, one a line or with semicolons between.

        ``:-`` stands for ``<-``, ``&`` for a comma; what follows ``#`` is a comment. A name alone
        is a fact.

        Raises:
            AgentError: what is not such a clause, with its text.
        """
        lines = [line.split("#")[0] for line in text.splitlines()]
        parts = [part.strip().rstrip(".") for line in lines for part in line.split(";")]
        return cls(tuple(_clause(part) for part in parts if part), tuple(atoms))

    def __str__(self) -> str:
        return "; ".join(str(one) for one in self.clauses)

    @cached_property
    def matrix(self) -> Array:
        """(M, N) int8."""
        rows = np.zeros((len(self.clauses), len(self.atoms)), np.int8)
        place = {name: i for i, name in enumerate(self.atoms)}
        for row, one in zip(rows, self.clauses, strict=True):
            row[[place[name] for name in one.body]] = -1
            if one.head is not None:
                row[place[one.head]] = 1
        return rows

    @property
    def least_model(self) -> frozenset[str]:
        """What follows from facts and rules; goals are not asked (see :func:`forward_chain`)."""
        held = forward_chain(self.matrix[None])[0]
        return frozenset(name for name, true in zip(self.atoms, held, strict=True) if true)


def _clause(text: str) -> Clause:
    head, *body = _ARROW.split(text)
    heads, atoms = _names(head, text), _names(body[0], text) if body else ()
    if len(body) > 1 or len(heads) > 1:
        raise AgentError(f"{text!r} is no Horn clause: write one head, <- and a body, A <- B, C.")
    return Clause(heads[0] if heads else None, atoms)


def _names(text: str, clause: str) -> tuple[str, ...]:
    names = [part.strip() for part in re.split("[,&]", text)] if text.strip() else []
    for name in names:
        if not _ATOM.fullmatch(name):
            raise AgentError(
                f"{name!r} in {clause!r} is no atom: write a letter and then letters, digits or _, "
                "with commas between atoms."
            )
    return tuple(names)


def forward_chain(clauses: Array) -> Array:
    """Least models (K, N) bool of the facts and rules of K programs (K, M, N).

    Begins with nothing true and adds the heads of clauses whose bodies hold until none is left
    (van Emden & Kowalski 1976, doi:10.1145/321978.321991). Where goals can hold, they do in it.
    """
    head, body = clauses > 0, clauses < 0
    true = np.zeros(clauses.shape[::2], bool)
    while True:
        fires = np.logical_not((body & ~true[:, None]).any(2))
        more = true | (head & fires[..., None]).any(1)
        if (more == true).all():
            return true
        true = more


def violated(clauses: Array, states: Array) -> Array:
    """Which clauses (K, M, N) do not hold at states (K, P, N) of -1 and 1: (K, P, M) bool.

    A clause fails at the one assignment of its atoms at which all its literals are false.
    """
    literals = (clauses != 0).sum(2)
    false = -np.einsum("kmn,kpn->kpm", clauses.astype(float), states)
    return (np.rint(false) == literals[:, None]) & (literals > 0)[:, None]


def is_satisfied(clauses: Array, states: Array) -> Array:
    """Whether all clauses (K, M, N) hold at states (K, P, N): (K, P) bool."""
    return np.logical_not(violated(clauses, states).any(2))
