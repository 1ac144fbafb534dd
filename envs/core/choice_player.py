"""One column of a session of choices in plain Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .info import Info

if TYPE_CHECKING:
    from .choice import ChoiceEngine, Course

Array = npt.NDArray[Any]

_GOES_ON = (False, False)


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
        self._names = (*task.int_facts, *task.float_facts)
        self._whole = set(task.int_facts)
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
        first = int(engine._session[0]) * self._length
        facts = {name: values[:, 0].tolist() for name, values in course.facts.items()}
        rows = [one if len(one) > 1 else one * self._length for one in facts.values()]
        self._best = rows[list(facts).index("p_best")]
        self._facts = [
            {
                **{"trial_end": True, "trial": first + trial, "condition": 0, "rt": 0.0},
                **{
                    name: value
                    for name, value in zip(facts, values, strict=True)
                    if name in self._names
                },
            }
            for trial, values in enumerate(zip(*rows, strict=True))
        ]
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
            reward = self._pay(self._mean[at][arm], self._luck[at][arm], None)
        else:
            arm = 0
            reward = self._pay(self._mean[at][0], self._luck[at][0], action)
        info = self._info(at, arm, action, reward)
        self._at = at = at + 1
        self._over = at == self._length
        obs = self._obs[at]
        if self._shows_past:
            self._past = (action, reward)
            self._show_past(obs, action, reward, self._first)
        terminated, truncated = self._ends_as if self._over else _GOES_ON
        return obs, reward, terminated, truncated, info

    def _info(self, at: int, arm: int, action: Any, reward: float) -> Info:
        info = self._facts[at]
        worth, best = self._mean[at][arm], self._best[at]
        info["choice"] = arm if self._discrete else action[0]
        info["reward"] = int(reward) if "reward" in self._whole else reward
        if "p" in self._names:
            info["p"], info["regret"] = worth, best - worth
        if "correct" not in info:
            info["correct"] = int(worth >= best)
        return info

    def _show_past(self, channels: Array, action: Any, reward: float, first: int) -> None:
        if self._prev_action:
            if self._discrete:
                channels[first + action] = 1
            else:
                channels[first : first + self._width] = action
        if self._prev_reward:
            channels[-1] = reward
