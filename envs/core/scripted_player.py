"""One column of a scripted task in plain Python: what a step of a single environment costs.

NumPy's price per call is that of a hundred additions of plain numbers, so a single environment
plays from lists instead. The engine stays the one place where the state lives: a player loads
from it and settles into it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .info import Info, LateInfo
from .played import PlayedHere

if TYPE_CHECKING:
    from .scripted import ScriptedEngine
    from .table import Table

Array = npt.NDArray[Any]

_GOES_ON = (False, False)
_NOTHING_DONE = (None, 0.0)


class ScriptedPlayer:
    """Plays the only column of an engine with autoreset disabled; equal to it in all it returns.

    Args:
        engine: of one column, without ``targets``.
    """

    def __init__(self, engine: ScriptedEngine) -> None:
        task = engine.task
        self._engine, self._task = engine, task
        self._check = engine.actions.one
        self._tracking = engine._tracking
        self._per_episode = task.trials_per_episode
        self._next = engine._next.tolist()
        self._reward = engine._reward.tolist()
        self._gain = None if engine._gain is None else engine._gain.tolist()
        self._ends = None if engine._ends is None else engine._ends.tolist()
        self._prev_action, self._prev_reward = task.prev_action, task.prev_reward
        self._shows_past = task.prev_action or task.prev_reward
        self._first_extra = engine._first_extra
        self._vector = bool(engine.actions.item)
        self._width = engine.actions.width
        self._records = engine._by_row
        self._table: Any = None
        self.load()

    # ---------------------------------------------------------------- the engine's state

    def load(self) -> None:
        """Go on from the engine's state."""
        engine = self._engine
        self._ready = engine._table is not None
        if not self._ready:
            return
        if engine._table is not self._table:
            self._unroll()
        self._over = bool(engine.over[0])
        self._ended_as = bool(engine._terminated[0]), bool(engine._truncated[0])
        self._state = int(engine._state[0])
        self._pos, self._slot = int(engine._pos[0]), int(engine._slot[0])
        self._stop = self._stops[self._slot]
        self._past: tuple[Any, float] | None = None
        # Actions of the running trial.
        self._acted: list[Any] = []
        if engine._actions_by_row is not None and not self._over:
            first = self._starts[self._slot]
            self._acted = engine._actions_by_row[first : self._pos].tolist()

    def settle(self) -> None:
        """Bring the engine up to date."""
        engine = self._engine
        if not self._ready:
            return
        engine._state[0], engine._pos[0], engine._slot[0] = self._state, self._pos, self._slot
        engine._stop[0] = self._stop
        engine._cell = engine._cell_at(engine._pos)
        engine._to_check = 1
        engine.over[0] = self._over
        engine._terminated[0], engine._truncated[0] = self._ended_as
        if self._past is not None and self._shows_past:
            engine._extra[0] = 0
            self._show_past(engine._extra[0], *self._past, first=0)
        if engine._actions_by_row is not None and self._acted:
            engine._actions_by_row[self._pos - len(self._acted) : self._pos] = self._acted

    def _unroll(self) -> None:
        """The engine's table as lists."""
        self._table = table = self._engine._known
        self._own = table.owner.tolist()
        if table.written_out:
            self._own = range(len(table.owner))
        self._codes, self._obs = table.code.tolist(), table.obs
        self._starts, self._stops = table.start.tolist(), table.stop.tolist()
        # Sessions hand on to a trial that has another one behind it.
        self._farthest = len(self._starts) - (2 if self._per_episode > 1 else 0)
        self._trials = table.facts[0].tolist()
        self._value = None
        if (self._gain is not None and self._task.values_by_time is None) or self._tracking:
            self._value = table.rows.value.tolist()
        if self._tracking is not None:
            self._goal = table.rows.target.tolist()

    # ---------------------------------------------------------------- play

    def reset(self) -> tuple[Array, Info] | None:
        """Go on to the next episode; None where the engine has to do it."""
        if not self._ready or self._per_episode > 1:
            return None
        slot = self._slot + 1
        if slot >= len(self._starts):
            return None
        self._slot, self._state, self._over, self._ended_as = slot, 0, False, (False, False)
        self._pos, self._stop = self._starts[slot], self._stops[slot]
        self._acted = []
        self._past = _NOTHING_DONE if self._shows_past else None
        return self._obs[self._own[self._pos]].copy(), {}

    def step(self, action: Any) -> tuple[Array, float, bool, bool, Info] | None:
        """One step; None where the engine has to do it."""
        if not self._ready or self._over:
            return None
        action = self._check(action)
        pos = self._pos
        state, reward, after = self._react(pos, action)
        ending = after == self._stop
        if ending and self._slot >= self._farthest:
            return None
        self._state = state
        if self._records:
            self._acted.append(action)
        self._pos = after
        if not ending:
            info, ended_as = {}, _GOES_ON
        else:
            info, ended_as = self._end_trial(pos)
        obs = self._obs[self._own[self._pos]].copy()
        if self._shows_past:
            self._past = (action, reward)
            self._show_past(obs, action, reward, self._first_extra)
        return obs, reward, ended_as[0], ended_as[1], info

    def _react(self, pos: int, action: Any) -> tuple[int, float, int]:
        """New state, reward and next row of an action on a row."""
        if self._tracking is not None:
            value = self._worth(pos)
            # Most steps of some tasks earn nothing whatever is done.
            payoff = self._tracking.payoff(self._goal[pos], action) if value else 0.0
            return 0, value * payoff, pos + 1
        index = self._codes[self._own[pos]] + self._state + action
        reward = self._reward[index]
        if self._gain is not None and self._gain[index]:
            reward += self._gain[index] * self._worth(pos)
        ends = self._ends is not None and self._ends[index]
        return self._next[index], reward, self._stop if ends else pos + 1

    def _worth(self, pos: int) -> float:
        """The row's value."""
        if self._value is not None:
            return self._value[pos]
        return float(self._table.values(np.array([pos]))[0])

    def _end_trial(self, last: int) -> tuple[Info, tuple[bool, bool]]:
        """Facts of the trial whose last row was ``last``, and how the episode goes on."""
        slot, state = self._slot, self._state
        info = LateInfo(partial(self._facts, self._table, slot, state, last, self._acted))
        if self._per_episode == 1:
            self._over, self._ended_as = True, (True, False)
        elif (self._trials[slot] + 1) % self._per_episode == 0:
            self._over, self._ended_as = True, (False, True)
        else:
            self._state, self._slot = 0, slot + 1
            self._pos, self._stop = self._starts[slot + 1], self._stops[slot + 1]
            self._acted = []
        return info, self._ended_as

    def _facts(self, table: Table, slot: int, state: int, last: int, acted: list[Any]) -> Info:
        """Info of a trial that has ended, put together when it is read."""
        engine, where = self._engine, np.array([slot])
        played = PlayedHere(engine, where, table, acted) if self._records else None
        ends = np.array([state]), np.array([last])
        return engine._info.single(engine.facts_of(table.facts, where, *ends, played))

    def _show_past(self, channels: Array, action: Any, reward: float, first: int) -> None:
        if self._prev_action and action is not None:
            if self._vector:
                channels[first : first + self._width] = action
            else:
                channels[first + action] = 1
        if self._prev_reward:
            channels[-1] = reward
