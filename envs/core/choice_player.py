"""One column of a session of choices in plain Python."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .info import Info, LateInfo

if TYPE_CHECKING:
    from .choice import ChoiceEngine
    from .choice_task import ChoiceTask
    from .course import Course

Array = npt.NDArray[Any]

_GOES_ON = (False, False)


class Told:
    """What infos tell of one session's trials; looked up when the first of them is read.

    Args:
        course: of one column.
        first: trial number of the session's first trial.
        task: whose facts are told.
    """

    def __init__(self, course: Course, first: int, task: ChoiceTask) -> None:
        self._course, self._first = course, first
        self._names = (*task.int_facts, *task.float_facts)
        self._whole_reward = "reward" in task.int_facts
        self._rows: dict[str, list[Any]] | None = None

    def info(self, at: int, chosen: Any, worth: float, reward: float) -> Info:
        """Info of the trial that was the session's number ``at``."""
        if self._rows is None:
            self._rows = {
                name: values[:, 0].tolist() for name, values in self._course.facts.items()
            }
        facts = {name: row[at if len(row) > 1 else 0] for name, row in self._rows.items()}
        best = facts["p_best"]
        known = {
            "trial": self._first + at,
            "choice": chosen,
            "reward": int(reward) if self._whole_reward else reward,
            "p": worth,
            "regret": best - worth,
            "correct": int(worth >= best),
            "condition": 0,
            "rt": 0.0,
            **facts,
        }
        return {"trial_end": True, **{name: known[name] for name in self._names}}


class ChoicePlayer:
    """Plays the only column of an engine with autoreset disabled; equal to it in all it returns."""

    def __init__(self, engine: ChoiceEngine) -> None:
        task = engine.task
        self._engine, self._pay = engine, task.pay
        self._check = engine.actions.one
        self._length, self._arms = task.trials_per_episode, task.n_arms
        self._discrete = not engine.actions.item
        self._width = engine.actions.width
        self._prev_action, self._prev_reward = task.prev_action, task.prev_reward
        self._shows_past = task.prev_action or task.prev_reward
        self._first = engine._first_extra
        self._task = task
        self._ends_as = (False, True) if self._length > 1 else (True, False)
        self._course: Course | None = None
        self.load()

    def load(self) -> None:
        """Go on from the engine's state."""
        engine = self._engine
        self._ready = engine._course is not None and not engine.over[0]
        if not self._ready:
            return
        engine._settle()
        self._at = int(engine._position[0])
        self._over, self._past = False, None
        if engine._course is not self._course:
            self._unroll()

    def settle(self) -> None:
        """Bring the engine up to date."""
        if not self._ready:
            return
        engine = self._engine
        engine._position[0] = self._at
        engine._together = self._at
        engine._block = engine._block[:0]
        if self._past is not None and self._shows_past:
            engine._extra[0] = 0
            self._show_past(engine._extra[0], *self._past, first=0)
        if self._over:
            engine.over[0] = True
            engine._terminated[0], engine._truncated[0] = self._ends_as

    def _unroll(self) -> None:
        """The session as lists."""
        engine = self._engine
        self._course = course = engine._known
        mean = course.mean[:, 0].tolist()
        self._mean = mean if len(mean) > 1 else mean * self._length
        luck = course.luck[:, 0].tolist()
        self._luck = luck if course.lucks > 1 else [one * self._arms for one in luck]
        self._forced = None if course.forced is None else course.forced[:, 0].tolist()
        self._told = Told(course, int(engine._session[0]) * self._length, self._task)
        # Rows of one block, each handed out once: they share no memory with one another.
        obs = np.zeros((self._length + 1, len(engine.task.all_channels)), dtype=np.float32)
        obs[:, : engine._own] = 1 if course.shown is None else course.shown[:, 0]
        if engine.task.time:
            obs[:, engine._own] = np.arange(self._length + 1) / self._length
        self._obs = list(obs)

    def reset(self) -> None:
        """The engine draws the next session."""
        return

    def step(self, action: Any) -> tuple[Array, float, bool, bool, Info] | None:
        """One step; None where the engine has to do it."""
        if not self._ready or self._over:
            return None
        action = self._check(action)
        at = self._at
        if self._discrete:
            arm = action
            if self._forced is not None and self._forced[at] >= 0:
                arm = action = self._forced[at]
            chosen, worth = arm, self._mean[at][arm]
            reward = self._pay(worth, self._luck[at][arm], None)
        else:
            arm, chosen, worth = 0, action[0], self._mean[at][0]
            reward = self._pay(worth, self._luck[at][0], action)
        info = LateInfo(partial(self._told.info, at, chosen, worth, reward))
        self._at = at = at + 1
        self._over = at == self._length
        obs = self._obs[at]
        if self._shows_past:
            self._past = (action, reward)
            self._show_past(obs, action, reward, self._first)
        terminated, truncated = self._ends_as if self._over else _GOES_ON
        return obs, reward, terminated, truncated, info

    def _show_past(self, channels: Array, action: Any, reward: float, first: int) -> None:
        if self._prev_action:
            if self._discrete:
                channels[first + action] = 1
            else:
                for place, value in enumerate(action, start=first):
                    channels[place] = value
        if self._prev_reward:
            channels[-1] = reward
