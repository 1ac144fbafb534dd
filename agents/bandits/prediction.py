"""Predicting outcomes that are shown one after the other."""

from __future__ import annotations

import gymnasium as gym
import numpy as np

from ..base import State, mixed
from ..filters.base import Filter
from .coding import Coding
from .player import Notes, Player, Reviver

Array = np.ndarray


class PredictionPlayer(Player):
    """A filter that tells what it expects: one outcome after the other is shown and predicted.

    An episode's last outcome is not counted on: some tasks show none where no prediction is due.

    Args:
        belief: the filter.
        channel: number of the outcome's channel.
        coding: of outcomes.
        space: of actions, one number.
    """

    sees_end = False

    def __init__(self, belief: Filter, channel: int, coding: Coding, space: gym.spaces.Box):
        self.belief, self._channel, self.coding, self._space = belief, channel, coding, space
        self._revive = Reviver()

    def begin(self, n: int, seed: int = 0) -> State:
        return (np.zeros(n, bool), *self.belief.begin(n, 1, seed))

    def act(
        self,
        obs: Array,
        state: State,
        rng: np.random.Generator | None = None,
        notes: Notes | None = None,
    ) -> tuple[Array, State]:
        begun, belief = state[0], tuple(state[1:])
        if begun.any():
            outcome = self.coding(obs[:, self._channel, None].astype(np.float64))
            new, report = self.belief.update(belief, outcome, begun[:, None])
            if notes is not None:
                error = outcome - self.belief.mean(belief)
                told = {"prediction_error": error, **report._asdict()}
                notes.past = {
                    name: np.where(begun, np.broadcast_to(values, outcome.shape)[:, 0], np.nan)
                    for name, values in told.items()
                    if values is not None
                }
            belief = new if begun.all() else mixed(begun, new, belief)
            belief = self._revive(self.belief, belief, 1)
        mean = self.belief.mean(belief)
        if notes is not None:
            notes.now = {"mean": mean}
            if self.belief.has_variance:
                notes.now["variance"] = self.belief.variance(belief)
        raw = self.coding.low + mean * (self.coding.high - self.coding.low)
        action = np.clip(raw, self._space.low, self._space.high).astype(self._space.dtype)
        return action, (np.ones(len(obs), bool), *belief)
