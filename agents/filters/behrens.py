"""The grid learner of a probability, its volatility, and how fast that changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.special import betaln

from ..errors import AgentError
from .base import Array, Filter, Report, State
from .observers import implied_rate


class _Grid(NamedTuple):
    """Values of p, I and k; transitions of I, (k, I', I), and of p, (I', p, p'); squared steps."""

    p: Array
    concentration: Array
    to_concentration: Array
    to_p: Array
    squared_step: Array


@lru_cache(maxsize=4)
def _grid(sizes: tuple[int, int, int]) -> _Grid:
    n_p, n_i, n_k = sizes
    p = (np.arange(n_p) + 0.5) / n_p
    i = np.linspace(np.log(2.0), np.log(1e4), n_i)
    k = np.linspace(np.log(5e-4), np.log(20.0), n_k)
    normal = np.exp(-0.5 * ((i[:, None] - i) / np.exp(k)[:, None, None]) ** 2)
    # Beta(1 + c p, 1 + c (1 - p)), c = exp(I): concentrated about p.
    ones = np.exp(i)[:, None, None] * p[:, None]
    zeros = np.exp(i)[:, None, None] * (1.0 - p[:, None])
    log = ones * np.log(p) + zeros * np.log1p(-p) - betaln(1.0 + ones, 1.0 + zeros)
    beta = np.exp(log - log.max(-1, keepdims=True))
    beta /= beta.sum(-1, keepdims=True)
    squared = (beta * (p - p[:, None]) ** 2).sum(-1)
    return _Grid(p, i, normal / normal.sum(1, keepdims=True), beta, squared)


@dataclass(frozen=True, kw_only=True, eq=False)
class Behrens(Filter):
    """Bayes on a grid over the probability p, its log concentration I and I's step size k.

    Between trials I' ~ N(I, exp(k)^2) and p' ~ Beta(1 + c p, 1 + c (1 - p)) with c = exp(I'), both
    normalised over the new value on the grid; k stays. A large I is a stable world: volatility in
    the paper's figures is -I. An arm that was not seen takes these steps alone. There is nothing to
    fit. The belief of one arm has 50 x 43 x 54 weights: about 1 MB.

    Args:
        grid: how many values of p (centres of equal cells of [0, 1]), of I (even from log 2 to
            log 10,000) and of k (even from log 0.0005 to log 20). Coarser ones are faster.

    State: the belief for the next trial, (n, K, I, k, p), and its margin over k, (n, K, I, p).
    Reported are the change of the mean over the prediction error, and as volatility the expected
    square of p's next step. Behrens, Woolrich, Walton & Rushworth (2007), Nat. Neurosci. 10:1214,
    doi:10.1038/nn1954.

    >>> learner = Behrens()
    >>> learner.run([0, 1]).predicted.ravel().round(4)
    array([0.5  , 0.354])
    """

    name: ClassVar[str] = "behrens"
    outcomes: ClassVar[str] = "binary"

    grid: tuple[int, int, int] = (50, 43, 54)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.grid) != 3 or min(self.grid) < 2:
            raise AgentError(
                f"{self.name}: grid={self.grid!r} must be three numbers of 2 or more: how many "
                "values of p, I and k."
            )

    def begin(self, n: int = 1, arms: int = 1, seed: int | Array = 0) -> State:
        n_p, n_i, n_k = self.grid
        flat = np.full((n_i, n_k, n_p), 1.0 / (n_p * n_i * n_k))
        self._step(flat, np.ones(n_p), flat, np.empty_like(flat))
        belief = np.broadcast_to(flat, (n, arms, *flat.shape)).copy()
        return belief, belief.sum(-2)

    def values(self) -> Array:
        """Values of p on the grid."""
        return _grid(self.grid).p

    def log_concentration(self, state: State) -> Array:
        """Expected I of the next trial, (n, K): high where the world seems stable."""
        return state[1].sum(-1) @ _grid(self.grid).concentration

    def mean(self, state: State) -> Array:
        return state[1].sum(-2) @ self.values()

    def variance(self, state: State) -> Array:
        p, margin = self.values(), state[1].sum(-2)
        return margin @ p**2 - (margin @ p) ** 2

    def sample(self, state: State, rng: np.random.Generator) -> Array:
        reached = state[1].sum(-2).cumsum(-1) > rng.random((*state[1].shape[:2], 1))
        return self.values()[reached.argmax(-1)]

    def _update(self, state: State, outcome: Array, seen: Array) -> tuple[State, Report]:
        belief, margin = state
        p, before = self.values(), self.mean(state)
        ones = outcome > 0.0
        likely = (
            np.where(ones[..., None], p, 1.0 - p) / np.where(ones, before, 1.0 - before)[..., None]
        )
        likely = np.where(seen[..., None], likely, 1.0)
        moved = np.empty_like(belief)
        scratch = np.empty(belief.shape[2:])
        for at in np.ndindex(*seen.shape):
            self._step(belief[at], likely[at], moved[at], scratch)
        new = (moved, moved.sum(-2))
        rate = implied_rate(before, self.mean(new), outcome)
        step = np.einsum("ncip,ip->nc", margin, _grid(self.grid).squared_step)
        return new, Report(learning_rate=rate, volatility=step)

    def _step(self, belief: Array, likely: Array, into: Array, scratch: Array) -> None:
        """The belief (I, k, p) of one arm after what it saw and the world's step.

        One arm at a time: its weights stay in the cache between the two products, which run at the
        rate of large ones.
        """
        grid = _grid(self.grid)
        np.multiply(belief, likely, out=into)
        np.matmul(grid.to_concentration, into.swapaxes(0, 1), out=scratch.swapaxes(0, 1))
        np.matmul(scratch, grid.to_p, out=into)
