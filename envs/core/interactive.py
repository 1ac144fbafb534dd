"""The engine for tasks whose world answers actions: every step is computed.

A step does no more than it must: luck is gathered when a trial has ended, columns that wait are
put right one by one, and facts are computed when they are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from .engine import Engine, Step
from .errors import TaskError
from .info import Info, InfoMaker, LateInfo
from .interactive_player import InteractivePlayer
from .interactive_task import InteractiveTask
from .luck import SessionLuck, TrialLuck, replaced

Array = npt.NDArray[Any]
World = dict[str, Array]

#: A true or false value in an array of booleans, as a byte: looking for it is cheap.
_TRUE, _FALSE = b"\x01", b"\x00"


class InteractiveEngine(Engine):
    """Columns whose worlds are computed step by step; only their luck is drawn ahead."""

    task: InteractiveTask

    def __init__(
        self, task: InteractiveTask, n: int, mode: AutoresetMode, max_steps: int | None = None
    ) -> None:
        super().__init__(task, n, mode, max_steps)
        self._info = InfoMaker(task.int_facts, task.float_facts)
        self._trial = np.zeros(n, dtype=np.int64)
        self._done: Array = np.zeros(n, dtype=np.int64)  # trials done in the episode
        self._steps = np.zeros(n, dtype=np.int64)  # steps done in the trial, if anyone sees them
        self._short = max_steps is None and mode is not AutoresetMode.SAME_STEP
        self._counts_steps = task.time and task.trials_per_episode == 1
        self._nobody = np.zeros(n, dtype=bool)  # not to be changed
        self._waits = False  # some column's episode is over and another step awaited
        self._left = 0  # no episode ends with fewer trial ends than this
        self._shape = (n, len(task.all_channels))
        self._source = SessionLuck(task, n) if task.luck_by_session else TrialLuck(task, n)
        self._luck: World | None = None  # that of the running trials, gathered when needed
        # A world of the right shapes and types, so that a state can be set before any reset.
        self._world = task.begin(self._current_luck())

    @property
    def trial(self) -> Array:
        return self._trial.copy()

    def player(self) -> InteractivePlayer | None:
        return InteractivePlayer(self) if self.task.plays_alone else None

    def _current_luck(self) -> World:
        """Luck of the running trials, per name (n, ...); not to be changed."""
        if self._luck is None:
            self._luck = self._source.get(self.seeds, self._trial)
        return self._luck

    def _go_to(self, trial: Array) -> None:
        """Go on with other trials (n,); the array is kept."""
        self._trial, self._luck = trial, None
        self._source.go_to(trial)

    # ---------------------------------------------------------------- beginning

    def _redraw(self, columns: Array, trial: Array, seeded: Array) -> None:
        self._source.forget(columns[seeded])
        self._waits = self._someone_waits()
        self._place(columns, trial[columns], between=False)

    def _someone_waits(self) -> bool:
        # With autoreset in the same step, a column whose episode has ended plays on already.
        return self.mode is not AutoresetMode.SAME_STEP and bool(self.over.any())

    def _place(self, columns: Array, trial: Array, *, between: bool) -> None:
        trials = self._trial.copy()
        trials[columns] = trial
        self._go_to(trials)
        if not between:  # else the world begins with the step that leaves the row between episodes
            self._world = self._begun(columns, self._world)

    def _begun(self, columns: Array, world: World) -> World:
        """The world with columns (k,) at the start of an episode; nothing is changed in place."""
        self._done[columns] = self._steps[columns] = self._left = 0
        return self._fresh(columns, world)

    def _fresh(self, columns: Array, world: World) -> World:
        """The world with columns (k,) as the running trials' luck would have it begin."""
        luck = {name: value.take(columns, axis=0) for name, value in self._current_luck().items()}
        return replaced(world, columns, self.task.begin(luck))

    # ---------------------------------------------------------------- a step

    def step(self, actions: Any) -> Step:
        if not self._short:
            result = super().step(actions)
            self._waits = self._someone_waits()
            return result
        actions = self.checked(actions)
        waited, over_before = self._waits, self.over
        obs, reward, ended, info = self._play(actions)
        over = self._nobody
        if self._left <= 0:
            over = ended & (self._done == self._per_episode)
            self._left = self._per_episode - int(self._done.max())
        if waited and self._holds:
            over = over | over_before
        if self._extra.shape[1]:
            self._show_past(actions, reward, obs, over_before if waited else None)
        self.over = over
        self._waits = over is not self._nobody and _TRUE in over.tobytes()
        if self._per_episode == 1:
            return obs, reward, over.copy(), np.zeros(self.n, dtype=bool), info
        return obs, reward, np.zeros(self.n, dtype=bool), over.copy(), info

    def _play(self, actions: Array) -> tuple[Array, Array, Array, Info]:
        actions = actions.copy()  # the world may keep them, and their owner may change them
        before, luck = self._world, self._current_luck()
        world, reward, ended = self.task.act(before, luck, actions)
        if self._counts_steps:
            self._steps += 1
        if self._waits:
            columns = self.over.nonzero()[0]
            reward[columns], ended[columns] = 0, False
            if self._holds:
                self._steps[columns] -= self._counts_steps
                held = {name: value.take(columns, axis=0) for name, value in before.items()}
                world = replaced(world, columns, held)
            else:
                world = self._begun(columns, world)
        self._world = world
        info: Info = {}
        ends = ended.tobytes()
        if _TRUE in ends:
            # Kept for the facts; in the short way callers get copies of it alone.
            kept = ended if self._short else ended.copy()
            info = self._late_info(before, luck, actions, world, kept)
            self._advance(ended, _FALSE not in ends)
            if self.task.begins_each_trial and self._per_episode > 1:
                # The observation after a trial is the first of the next, where there is one.
                columns = (ended & (self._done < self._per_episode)).nonzero()[0]
                self._world = self._fresh(columns, world)
        return self._observe(), reward, ended, info

    def _late_info(
        self, before: World, luck: World, actions: Array, after: World, ended: Array
    ) -> Info:
        """Facts of the trials that have ended, computed when they are read."""
        trial = self._trial

        def make() -> Info:
            facts = {"trial": trial, **self.task.facts(before, luck, actions, after)}
            columns = ended.nonzero()[0]
            block = self._info.pack(facts, self.n).take(columns, axis=1)
            return self._info.make(block, columns, self.n)

        return LateInfo(make)

    def _advance(self, ended: Array, all_ended: bool) -> None:
        """Go on to the next trials where one has ended, except where its episode is held."""
        self._left -= 1
        moved: Array | int = 1 if all_ended else ended
        self._done += moved
        if self._holds:
            stays = np.equal(self._done, self._per_episode)
            if _TRUE in stays.tobytes():
                moved = ended & ~stays
                if _TRUE not in moved.tobytes():
                    return
        self._trial = self._trial + moved
        self._source.advance(moved)
        if self._source.by_trial or self._left <= 0:
            self._luck = None

    # ---------------------------------------------------------------- what is seen

    def _observe(self) -> Array:
        obs = np.zeros(self._shape, dtype=np.float32)
        self.task.observe(self._world, obs)
        if self.task.time:
            if self._counts_steps:
                obs[:, self._first_extra - 1] = self._steps / self.task.max_steps
            else:
                obs[:, self._first_extra - 1] = self._done / self._per_episode
        return obs

    def _show_past(self, actions: Array, reward: Array, obs: Array, waited: Array | None) -> None:
        """Write previous action and reward; columns that waited show what they showed, or none.

        Args:
            actions: of this step.
            reward: of this step.
            obs: (n, d), changed in place.
            waited: (n,) bool, columns that waited; None stands for none.
        """
        first = self._first_extra
        if self.task.prev_action:
            self.actions.show(actions, obs[:, first : first + self.actions.width])
        if self.task.prev_reward:
            obs[:, -1] = reward
        if waited is not None:
            obs[waited, first:] = self._extra[waited] if self._holds else 0
        self._extra = obs[:, first:].copy()

    def targets(self) -> Array:
        raise TaskError(f"{self.task.name} has no supervised targets; leave targets at False.")

    def periods(self) -> Array:
        return np.where(self.over, -1, self.task.periods(self._world))

    # ---------------------------------------------------------------- state

    def _own_state(self) -> dict[str, Any]:
        world = {f"world_{name}": value.copy() for name, value in self._world.items()}
        return {"done": self._done.copy(), "steps": self._steps.copy(), **world}

    def _set_own_state(self, state: Mapping[str, Any]) -> None:
        self._done, self._steps = state["done"], state["steps"]
        self._world = {name: state[f"world_{name}"] for name in self._world}
        self._left = 0
        self._source.forget(np.arange(self.n))
        self._go_to(state["trial"])
        self._waits = self._someone_waits()
