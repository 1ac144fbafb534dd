"""The Bayesian observer of delayed matching, and its score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..core.policy import Policy, State

if TYPE_CHECKING:
    from .delayed_match import DelayedMatch

Array = npt.NDArray[Any]

_SIMULATED_TRIALS = 200_000


class MatchObserver(Policy):
    """Accumulates evidence about sample and test, and answers what is more probable.

    With noise it waits for the last step of the decision period, because every step of the test
    adds evidence and an early answer earns no more. A random fixation period leaves the sample's
    onset unknown; the observer then weighs all onsets, with the delay that each would imply.
    Without noise the first answer is certain and given at once.
    """

    def __init__(self, task: DelayedMatch) -> None:
        self._n = task.n_stim
        self._last = 0 if task.sigma == 0 else task._decision - 1
        # Without noise any evidence scale will do as long as one look decides.
        self._precision = 1e3 if task.sigma == 0 else task.sigma**-2
        self._sample = task._sample
        self._onsets = task._fixation.steps
        self._prior = task._fixation.probability
        self._delay = task._delay
        self._weights = task._pairs.posterior_weights()

    def begin(self, n: int) -> State:
        onsets = len(self._onsets)
        return (
            np.zeros(n, dtype=np.int64),  # steps since the trial began
            np.zeros(n, dtype=np.int64),  # steps since the test appeared
            np.zeros((n, onsets, self._n)),  # log likelihood of (onset, sample)
            np.zeros((n, self._n)),  # log likelihood of the test
        )

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        step, tested, sample, test = state
        deciding = obs[:, 0] < 0.5
        anew = ~deciding & (tested > 0)
        step, tested = np.where(anew, 0, step), np.where(anew, 0, tested)
        sample = np.where(anew[:, None, None], 0.0, sample)
        test = np.where(anew[:, None], 0.0, test)
        # Log likelihood ratio of "this channel is on" against "it is off".
        evidence = self._precision * (obs[:, 1 : 1 + self._n] - 0.5)
        since = step[:, None] - self._onsets
        shown = (since >= 0) & (since < self._sample) & ~deciding[:, None]
        sample = sample + np.where(shown[:, :, None], evidence[:, None, :], 0.0)
        test = test + np.where(deciding[:, None], evidence, 0.0)
        ready = deciding & (tested == self._last)
        actions = np.zeros(len(obs), dtype=np.int64)
        if ready.any():
            actions[ready] = self._answer(step[ready] - self._last, sample[ready], test[ready])
        return actions, (step + 1, tested + deciding, sample, test)

    def _answer(self, go: Array, sample: Array, test: Array) -> Array:
        """1 where the rule more probably holds, else 2."""
        implied = go[:, None] - self._onsets - self._sample
        prior = (implied[:, :, None] == self._delay.steps) @ self._delay.probability * self._prior
        # Rows that no trial can show (between episodes) leave nothing to weigh.
        prior = np.where(prior.any(axis=1, keepdims=True), prior, 1.0)
        with np.errstate(divide="ignore"):
            joint = sample + np.log(prior)[:, :, None]
        return 2 - (self._balance(_softmax(joint, (1, 2)).sum(axis=1), _softmax(test, (1,))) > 0)

    def _balance(self, sample: Array, test: Array) -> Array:
        """Evidence for the rule from beliefs (n, n_stim) about sample and test."""
        return ((sample @ self._weights) * test).sum(axis=1)


def _softmax(values: Array, axes: tuple[int, ...]) -> Array:
    weight = np.exp(values - values.max(axis=axes, keepdims=True))
    return weight / weight.sum(axis=axes, keepdims=True)


def simulate_optimum(task: DelayedMatch) -> float:
    """Score of the Bayesian observer on the first trials of the column 0."""
    observer = task.oracle()
    right, block = 0, 5_000
    for first in range(0, _SIMULATED_TRIALS, block):
        samples = task.sample_trials(block, seed=first)
        state = observer.begin(block)
        choice = np.zeros(block, dtype=np.int64)
        for obs in samples.obs:
            actions, state = observer.act(obs, state)
            choice = np.where(choice == 0, actions, choice)
        right += int((choice == 2 - samples.facts["is_match"]).sum())
    return right / _SIMULATED_TRIALS
