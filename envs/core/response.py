"""What actions earn in a scripted task: a small automaton, written as tables."""

from __future__ import annotations

from dataclasses import dataclass
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

    def timed(self, longest: int) -> TimedResponse:
        """The same automaton with the steps since the answer as part of its state.

        Counting inside the state costs a step nothing and makes the state all there is to know.

        Args:
            longest: most steps between an answer and the end of its trial.
        """
        codes, states, actions = self.shape
        answered = self._answered()
        counts = longest + 1
        # State s with count k is k * states + s; unanswered states stay at count 0.
        nxt = np.zeros((codes, counts, states, actions), dtype=np.int64)
        for count in range(counts):
            later = min(count + 1, longest)
            waits = answered[self.next] & ~self.stamps
            nxt[:, count] = self.next + states * later * waits
        wide = (codes, counts, states, actions)
        flat = (codes, counts * states, actions)

        def spread(table: Array) -> Array:
            return np.broadcast_to(table[:, None], wide).reshape(flat)

        nxt[TERMINAL] = 0
        since = np.where(answered, np.arange(counts)[:, None], NO_ANSWER).ravel()
        return TimedResponse(
            states=counts * states,
            actions=actions,
            next=nxt.reshape(flat),
            reward=spread(self.reward),
            gain=spread(self.gain),
            ends=spread(self.ends),
            since=since,
            facts=np.tile(np.stack(list(self.facts.values())), counts),
        )

    def _answered(self) -> Array:
        """(states,) bool: states that an answer has led to, at once or later."""
        answered = np.zeros(self.shape[1], dtype=bool)
        answered[self.next[self.stamps]] = True
        while True:
            more = answered.copy()
            more[self.next[1:, answered]] = True
            if (more == answered).all():
                return answered
            answered = more


#: "Steps since the answer" where there was none: later than any trial is long.
NO_ANSWER = 2**40


@dataclass(frozen=True)
class TimedResponse:
    """Tables of ``Response.timed``; shapes as in ``Response`` with more states.

    Attributes:
        since: (states,) int64 steps since the answer, ``NO_ANSWER`` if there was none.
        facts: (facts, states) int64.
    """

    states: int
    actions: int
    next: Array
    reward: Array
    gain: Array
    ends: Array
    since: Array
    facts: Array
