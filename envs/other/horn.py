"""Random Horn programs, drawn for many trials at a time, and what follows from them.

Programs are (..., M, N): +1 at a clause's head, -1 in its body, 0 elsewhere; assignments are
(..., N) of bool.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.random import Draws

Array = npt.NDArray[Any]


def draw_programs(
    draws: Draws, n_atoms: int, n_clauses: int, n_facts: int, n_goals: int, max_body: int
) -> Array:
    """Programs (n, M, N) int8 that can be satisfied: facts, then rules, then goals.

    Facts are of different atoms. Rules have a head and 1 to ``max_body`` other atoms in their body.
    Where there are goals, one atom is nobody's head; a goal's body has an atom that does not follow
    from facts and rules, so that it holds in the least model. All atoms are alike.
    """
    n = draws.n
    programs = np.zeros((n, n_clauses, n_atoms), dtype=np.int8)
    every = np.arange(n)
    order = draws.permutation(n_atoms)
    idle = order[:, -1] if n_goals else np.full(n, -1)
    for clause in range(n_facts):
        programs[every, clause, order[:, clause]] = 1
    for clause in range(n_facts, n_clauses - n_goals):
        atoms = _with_another_first(draws.permutation(n_atoms), idle)
        programs[every, clause, atoms[:, 0]] = 1
        _fill_body(programs[:, clause], atoms[:, 1:], 1 + draws.integers(max_body))
    false = ~least_model(programs)
    for clause in range(n_clauses - n_goals, n_clauses):
        keys = draws.uniform(n_atoms)
        first = np.where(false, keys, -1.0).argmax(axis=1)
        keys[every, first] = -1.0
        atoms = np.argsort(keys, axis=1, kind="stable")
        _fill_body(programs[:, clause], atoms, 1 + draws.integers(max_body))
    return programs


def _with_another_first(atoms: Array, idle: Array) -> Array:
    """Orders of atoms (n, N); the first two change places where the first is ``idle`` (n,)."""
    swap = atoms[:, 0] == idle
    atoms[swap, :2] = atoms[swap, 1::-1]
    return atoms


def _fill_body(clauses: Array, atoms: Array, size: Array) -> None:
    """Put the first ``size`` (n,) of ``atoms`` (n, k) into the bodies of ``clauses`` (n, N)."""
    every = np.arange(len(clauses))
    for place in range(int(size.max(initial=0))):
        inside = size > place
        clauses[every[inside], atoms[inside, place]] = -1


def least_model(programs: Array) -> Array:
    """What follows from facts and rules, (..., N) bool, by forward chaining."""
    head, body = programs > 0, programs < 0
    true = np.zeros((*programs.shape[:-2], programs.shape[-1]), dtype=bool)
    for _ in range(programs.shape[-1]):
        fires = np.logical_not((body & ~true[..., None, :]).any(axis=-1))
        true |= (head & fires[..., None]).any(axis=-2)
    return true


def violated(programs: Array, true: Array) -> Array:
    """Which clauses (..., M) an assignment (..., N) violates; rows of zeros are none."""
    holds = np.where(true[..., None, :], programs > 0, programs < 0).any(axis=-1)
    return ~holds & (programs != 0).any(axis=-1)


def right_by_size(programs: Array, least: bool) -> Array:
    """Of programs (n, M, N), how often an assignment with so many true atoms is right, (N + 1,).

    Right is the least model, or any model. All assignments of a size count alike, since all atoms
    are: the mean is over them too.
    """
    n, _, atoms = programs.shape
    count = np.zeros(atoms + 1)
    ways = np.zeros(atoms + 1)
    target = least_model(programs) if least else None
    for assignment in _assignments(atoms):
        size = int(assignment.sum())
        if target is None:
            right = ~violated(programs, np.broadcast_to(assignment, (n, atoms))).any(axis=1)
        else:
            right = (target == assignment).all(axis=1)
        count[size] += right.mean()
        ways[size] += 1
    return count / ways


def _assignments(atoms: int) -> Iterator[Array]:
    for number in range(2**atoms):
        yield (number >> np.arange(atoms)) % 2 == 1
