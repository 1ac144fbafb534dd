"""What actions earn in a scripted task: a small automaton, written as tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Row code of the rows between episodes: any action there earns nothing and clears the state.
TERMINAL = 0


class Response:
    """A table-driven automaton: (row code, state, action) -> state, reward, end, time stamp.

    Every row of a trial has a code (what counts here), every column a state (what the subject has
    done so far in this trial, 0 at its start). Rules not given leave the state and earn nothing.

    Args:
        codes: number of row codes, code 0 (``TERMINAL``) included.
        states: number of states.
        actions: number of actions.
        facts: per name the value that the final state of a trial gives, (states,) int64.

    Attributes:
        next: (codes, states, actions) int64 next state.
        reward: (codes, states, actions) float64 reward.
        gain: the same shape; reward per unit of the row's own value, for rewards that grow and
            fall in the course of a trial.
        ends: the same shape, bool: this answer ends the trial.
        stamps: the same shape, bool: this is the answer whose time is the reaction time.
        target: (codes,) int64 action that the teacher gives on rows of that code.
    """

    def __init__(self, codes: int, states: int, actions: int, facts: dict[str, Any]) -> None:
        shape = (codes, states, actions)
        self.shape = shape
        self.next = np.broadcast_to(np.arange(states)[:, None], shape).copy()
        self.next[TERMINAL] = 0
        self.reward = np.zeros(shape)
        self.gain = np.zeros(shape)
        self.ends = np.zeros(shape, dtype=bool)
        self.stamps = np.zeros(shape, dtype=bool)
        self.target = np.zeros(codes, dtype=np.int64)
        self.facts = {name: np.asarray(value, dtype=np.int64) for name, value in facts.items()}

    def rule(
        self,
        code: int,
        state: int,
        action: int,
        to: int,
        *,
        reward: float = 0.0,
        gain: float = 0.0,
        ends: bool = False,
        stamp: bool = False,
    ) -> None:
        """Set what one action does in one state on rows of one code."""
        where = (code, state, action)
        self.next[where], self.reward[where], self.gain[where] = to, reward, gain
        self.ends[where], self.stamps[where] = ends, stamp

    def reward_range(self) -> tuple[float, float]:
        """Lowest and highest reward of one step, for row values in [0, 1]."""
        low = self.reward + np.minimum(self.gain, 0)
        high = self.reward + np.maximum(self.gain, 0)
        return float(low.min()), float(high.max())
