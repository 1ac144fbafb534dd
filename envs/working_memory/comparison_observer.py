"""The Bayesian observer of delayed comparison, and its score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..core.policy import Policy, State

if TYPE_CHECKING:
    from .delayed_comparison import DelayedComparison

Array = npt.NDArray[Any]

_STIMULI = 2
#: Pairs of averages over which a score is integrated, or simulated.
_NODES = 400_000
#: Without noise any scale of evidence will do that tells the closest frequencies apart.
_EXACT = 1e6


class PairBelief:
    """What the averages of both stimuli say about the answer, given the possible pairs."""

    def __init__(self, task: DelayedComparison) -> None:
        # The K different frequencies, what each looks like (K, units), and +-1 where a pair of
        # them has the first, or the second, higher.
        values, index = np.unique(task._pairs, return_inverse=True)
        index = index.reshape(task._pairs.shape)
        self._looks = task._encode(values)
        self.count = np.zeros((len(values), len(values)))
        np.add.at(self.count, (index[:, 0], index[:, 1]), 1.0)
        self.sign = np.sign(values[:, None] - values)
        samples = np.array([task._first, task._second])
        self._precision = np.full(2, _EXACT**2) if task.sigma == 0 else samples / task.sigma**2

    def likelihoods(self, average: Array, which: int) -> Array:
        """(n, K) likelihood of each frequency, the largest 1, from averages (n, units)."""
        apart = ((average[:, None] - self._looks) ** 2).sum(axis=2)
        apart -= apart.min(axis=1, keepdims=True)
        return np.exp(-0.5 * self._precision[which] * apart)

    def weigh(self, first: Array, second: Array) -> tuple[Array, Array]:
        """Evidence for "first" less that for "second", and their sum, (n,) each.

        From likelihoods (n, K) of both stimuli. Sums over short axes: matrix products round
        differently for different n.
        """
        toward = (first[:, :, None] * (self.count * self.sign)).sum(axis=1)
        total = (first[:, :, None] * self.count).sum(axis=1)
        return (toward * second).sum(axis=1), (total * second).sum(axis=1)


class ComparisonObserver(Policy):
    """Sums the samples of each stimulus and gives the more probable answer at the go cue.

    Stimuli are told from blanks by being different from 0, and from one another by counting.
    """

    def __init__(self, task: DelayedComparison) -> None:
        self._belief = PairBelief(task)
        self._units = task.n_units
        self._samples = task._first, task._second

    def begin(self, n: int) -> State:
        # Samples seen so far, and the sums of both stimuli.
        return np.zeros(n, dtype=np.int64), np.zeros((n, 2, self._units)), np.zeros(n, dtype=bool)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        seen, sums, asked = state
        go = obs[:, 1] > 0.5
        anew = asked & ~go  # the next trial has begun
        seen, sums = np.where(anew, 0, seen), np.where(anew[:, None, None], 0.0, sums)
        stimulus = obs[:, _STIMULI : _STIMULI + self._units].astype(np.float64)
        shown = (stimulus != 0).any(axis=1)
        second = seen >= self._samples[0]
        sums[:, 0] += stimulus * (shown & ~second)[:, None]
        sums[:, 1] += stimulus * (shown & second)[:, None]
        actions = np.zeros(len(obs), dtype=np.int64)
        if go.any():
            actions[go] = self._answer(sums[go])
        return actions, (seen + shown, sums, go)

    def _answer(self, sums: Array) -> Array:
        """1 where the first was more probably the higher one, else 2."""
        first, second = (
            self._belief.likelihoods(sums[:, which] / self._samples[which], which)
            for which in range(2)
        )
        return np.where(self._belief.weigh(first, second)[0] >= 0, 1, 2)


def score_of_observer(task: DelayedComparison) -> float:
    """Share of right answers of the Bayesian observer, whatever the noise.

    The mean over possible averages of the probability of the better answer.
    """
    belief, right = PairBelief(task), 0.0
    for which, shown in enumerate(task._shown):
        first, second = _averages(task, shown, seed=which)
        likely = belief.likelihoods(first, 0), belief.likelihoods(second, 1)
        # The same sums as in ``weigh``, by matrix products: here rounding does not matter.
        toward = ((likely[0] @ (belief.count * belief.sign)) * likely[1]).sum(axis=1)
        total = ((likely[0] @ belief.count) * likely[1]).sum(axis=1)
        # Far out in the tails all pairs may round to nothing: such averages tell nothing.
        share = np.divide(np.abs(toward), total, out=np.zeros_like(total), where=total > 0)
        right += float((1.0 + share).mean()) / 2.0
    return right / len(task._shown)


def _averages(task: DelayedComparison, shown: Array, seed: int) -> tuple[Array, Array]:
    """Averages (n, units) of both stimuli of a pair (2, units): quantiles, or random ones."""
    spread = task.sigma / np.sqrt([task._first, task._second])
    count = max(2_500, _NODES // len(task._shown))
    if task.n_units > 1:
        noise = np.random.default_rng(seed).standard_normal((2, count, task.n_units))
    else:
        from scipy.special import ndtri  # loaded only where it is needed

        side = int(np.sqrt(count))
        quantiles = ndtri((np.arange(side) + 0.5) / side)
        noise = np.stack([quantiles.repeat(side), np.tile(quantiles, side)])[:, :, None]
    first, second = shown[:, None] + spread[:, None, None] * noise
    return first, second
