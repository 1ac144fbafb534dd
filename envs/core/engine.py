"""What all engines share: columns, seeds, episodes, flags, autoreset, own-past channels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from .actions import actions_of
from .errors import TaskError
from .info import Info, add_column_array, split_info
from .task import Task

Array = npt.NDArray[Any]
Step = tuple[Array, Array, Array, Array, Info]


class Player(Protocol):
    """Plays the only column of an engine; equal to it in all it returns.

    The engine stays the place where the state is kept: whoever lets it play calls ``settle``
    before and ``load`` after.
    """

    def load(self) -> None:
        """Go on from the engine's state."""

    def settle(self) -> None:
        """Bring the engine up to date."""

    def reset(self) -> tuple[Array, Info] | None:
        """Go on to the next episode; None where the engine has to do it."""

    def step(self, action: Any) -> tuple[Array, float, bool, bool, Info] | None:
        """One step; None where the engine has to do it."""


class Engine(ABC):
    """B columns of one task.

    A column is a seed and a trial number; episode e of a column holds its trials
    ``e * trials_per_episode`` to ``(e + 1) * trials_per_episode - 1``.

    Args:
        task: the task.
        n: number of columns.
        mode: what happens to a column whose episode has ended.
        max_steps: episodes are truncated after so many steps (None: never).

    Attributes:
        seeds: (n,) int64 column seeds.
        over: (n,) bool, the last step ended the column's episode.
    """

    def __init__(
        self, task: Task, n: int, mode: AutoresetMode, max_steps: int | None = None
    ) -> None:
        self.task = task
        self.n = n
        self.mode = mode
        self.max_steps = max_steps
        self.seeds = np.zeros(n, dtype=np.int64)
        self.over = np.zeros(n, dtype=bool)
        self._terminated = np.zeros(n, dtype=bool)
        self._truncated = np.zeros(n, dtype=bool)
        self._elapsed = np.zeros(n, dtype=np.int64)
        self._per_episode = task.trials_per_episode
        self.actions = actions_of(task.action_space, task.name, n)
        self.checked = self.actions.checked
        self._first_extra = len(task.channels) + task.time
        self._extra = np.zeros((n, len(task.all_channels) - self._first_extra), dtype=np.float32)
        self._holds = mode is AutoresetMode.DISABLED
        # The common case (one trial an episode, no limit) takes a shorter way through a step.
        self._plain = self._per_episode == 1 and max_steps is None

    # ---------------------------------------------------------------- subclasses

    @abstractmethod
    def _play(self, actions: Array) -> tuple[Array, Array, Array, Info]:
        """One step: obs (n, d), reward (n,), trial ended (n,) bool, trial-end info; fresh arrays.

        Trial numbers go up where a trial has ended, except where its episode is held.
        """

    @property
    @abstractmethod
    def trial(self) -> Array:
        """(n,) int64 number of the trial that runs, or of the next where the next step begins one.

        A fresh array.
        """

    @abstractmethod
    def _place(self, columns: Array, trial: Array, *, between: bool) -> None:
        """Put columns (k,) at the start of trials (k,), or ``between``: on the row before."""

    @abstractmethod
    def _redraw(self, columns: Array, trial: Array, seeded: Array) -> None:
        """Put columns (k,) at the start of their trial in ``trial`` (n,) after a reset.

        New seeds, where ``seeded`` (k,) is true, make what was drawn ahead void.
        """

    @abstractmethod
    def periods(self) -> Array:
        """(n,) index of the period that each column is in, -1 between episodes."""

    @abstractmethod
    def _observe(self) -> Array:
        """Current observations without own-past channels, fresh (n, d) float32."""

    @abstractmethod
    def targets(self) -> Array:
        """Supervised targets of the current observations, fresh (n, ...)."""

    @abstractmethod
    def _own_state(self) -> dict[str, Any]:
        """What the subclass needs to continue, arrays only."""

    @abstractmethod
    def _set_own_state(self, state: Mapping[str, Any]) -> None:
        """Continue from ``_own_state`` and the ``trial`` beside it; seeds are set already."""

    def _settle(self) -> None:
        """Bring everything up to date before it is read; engines that play ahead need it."""
        return

    def player(self) -> Player | None:
        """Who plays a single column faster than arrays of one can; None if there is nobody."""
        return None

    # ---------------------------------------------------------------- reset and step

    def reset(self, columns: Array, seeds: Array, seeded: Array) -> tuple[Array, Info]:
        """Begin an episode in some columns.

        Args:
            columns: (k,) int64 columns to reset.
            seeds: (k,) int64 new seeds.
            seeded: (k,) bool, where the new seed counts; elsewhere the column goes on to its next
                episode.
        """
        old, new = columns[~seeded], columns[seeded]
        self._settle()
        trial = self.trial
        if old.size:
            # Columns that wait for their next episode have its number already.
            waiting = self.over[old] & (self.mode is AutoresetMode.NEXT_STEP)
            trial[old] = np.where(waiting, trial[old], self._next_episode(trial[old]))
        self.seeds[new], trial[new] = seeds[seeded], 0
        self.over[columns] = self._terminated[columns] = self._truncated[columns] = False
        self._elapsed[columns] = 0
        self._extra[columns] = 0
        self._redraw(columns, trial, seeded)
        obs = self._observe()
        obs[:, self._first_extra :] = self._extra
        info: Info = {}
        if self.task.targets:
            mask = np.zeros(self.n, dtype=bool)
            mask[columns] = True
            targets = self.targets()
            targets[~mask] = 0
            add_column_array(info, "target", targets, mask)
        return obs, info

    def step(self, actions: Any) -> Step:
        """One step of all columns: obs, reward, terminated, truncated, info; all fresh."""
        actions = self.checked(actions)
        # Asked before the step, because the step may move on to the next trial.
        last = None if self._per_episode == 1 else self._last_of_episode()
        obs, reward, ended, info = self._play(actions)
        if self._plain:
            terminated = ended | self.over if self._holds else ended
            truncated, over = np.zeros(self.n, dtype=bool), terminated.copy()
        else:
            terminated, truncated, over = self._flags(ended, last)
        if self._extra.shape[1]:
            self._remember(actions, reward)
            obs[:, self._first_extra :] = self._extra
        self.over = over
        if self.mode is AutoresetMode.SAME_STEP and over.any():
            obs, info = self._same_step_reset(obs, info)
        if self.task.targets:
            add_column_array(info, "target", self.targets())
        return obs, reward, terminated, truncated, info

    def _flags(self, ended: Array, last: Array | None) -> tuple[Array, Array, Array]:
        """Terminated, truncated and either, with held columns and the step limit."""
        none = np.zeros(self.n, dtype=bool)
        if last is None:
            terminated, truncated = ended.copy(), none
        else:
            terminated, truncated = none, ended & last
        finished = terminated | truncated
        if self.max_steps is not None:
            begins = self.over & (self.mode is AutoresetMode.NEXT_STEP)
            self._elapsed = np.where(begins, 0, self._elapsed + 1)
            late = self._elapsed >= self.max_steps
            truncated = truncated | late
            cut = late & ~finished & ~(self.over & self._holds)
            if not self._holds and cut.any():
                columns = cut.nonzero()[0]
                self._place(columns, self._next_episode(self.trial[columns]), between=True)
        if self._holds:
            terminated = np.where(self.over, self._terminated, terminated)
            truncated = np.where(self.over, self._truncated, truncated)
            self._terminated, self._truncated = terminated.copy(), truncated.copy()
        return terminated, truncated, terminated | truncated

    def _last_of_episode(self) -> Array:
        """(n,) bool: the running trial is the last of its episode."""
        return (self.trial + 1) % self._per_episode == 0

    def _next_episode(self, trial: Array) -> Array:
        """First trial of the episode after the one that ``trial`` belongs to."""
        return (trial // self._per_episode + 1) * self._per_episode

    def _remember(self, actions: Array, reward: Array) -> None:
        """Write the previous action and reward; ``self.over`` still tells of the step before."""
        new = np.zeros_like(self._extra)
        if self.task.prev_action:
            self.actions.show(actions, new[:, : self.actions.width])
        if self.task.prev_reward:
            new[:, -1] = reward
        if self.mode is not AutoresetMode.SAME_STEP:
            kept = self._extra if self._holds else np.zeros_like(new)
            new = np.where(self.over[:, None], kept, new)
        self._extra = new

    def _same_step_reset(self, obs: Array, info: Info) -> tuple[Array, Info]:
        """Begin the next episode where one has ended; keep what the last step showed aside."""
        over = self.over
        columns = over.nonzero()[0]
        final_obs = np.full(self.n, None, dtype=object)
        for column in columns:
            final_obs[column] = obs[column].copy()
        if self._per_episode == 1:
            final_info, info = info, {}  # every trial that ends ends its episode
        else:
            final_info, info = split_info(info, over)
        if self.task.targets:
            add_column_array(final_info, "target", np.zeros_like(self.targets()), over)
        info["final_obs"], info["_final_obs"] = final_obs, over.copy()
        info["final_info"], info["_final_info"] = final_info, over.copy()
        self._place(columns, self.trial[columns], between=False)
        self._elapsed[columns] = 0
        self._extra[columns] = 0
        obs[columns] = self._observe()[columns]
        return obs, info

    # ---------------------------------------------------------------- state

    def get_state(self) -> dict[str, Any]:
        """Everything needed to go on bit for bit: arrays, copied."""
        self._settle()
        return {
            "seeds": self.seeds.copy(),
            "trial": self.trial,
            "over": self.over.copy(),
            "terminated": self._terminated.copy(),
            "truncated": self._truncated.copy(),
            "elapsed": self._elapsed.copy(),
            "extra": self._extra.copy(),
            **self._own_state(),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from ``get_state`` of a batch of the same task and size."""
        mine = self.get_state()
        for key, value in mine.items():
            if key not in state or np.shape(state[key]) != np.shape(value):
                raise TaskError(
                    f"the state's {key!r} does not fit {self.n} columns of {self.task.name}; pass "
                    "what get_state() of the same task with as many columns returned."
                )
        state = {key: np.array(state[key], dtype=value.dtype) for key, value in mine.items()}
        self.seeds, self.over = state["seeds"], state["over"]
        self._terminated, self._truncated = state["terminated"], state["truncated"]
        self._elapsed, self._extra = state["elapsed"], state["extra"]
        self._set_own_state(state)
