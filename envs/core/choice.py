"""The engine for sessions of choices whose world does not depend on them.

A session is drawn for all columns at once, in order of time. As long as all columns are at the
same trial, which they are unless somebody resets some of them alone, a step is a look at one trial
of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from .choice_task import ChoiceTask
from .course import Course, Ends, known_facts
from .engine import Engine, Player, Step
from .errors import TaskError
from .info import Info, InfoMaker, LateInfo
from .random import Draws

Array = npt.NDArray[Any]

#: Observations are laid out ahead in blocks of about so many numbers.
_BLOCK = 2**17
_MOST_STEPS = 64


class ChoiceEngine(Engine):
    """Columns of one-step trials; see the module."""

    task: ChoiceTask

    def __init__(
        self, task: ChoiceTask, n: int, mode: AutoresetMode, max_steps: int | None = None
    ) -> None:
        super().__init__(task, n, mode, max_steps)
        self._length = task.trials_per_episode
        self._discrete = isinstance(task.action_space, spaces.Discrete)
        self._info = InfoMaker(task.int_facts, task.float_facts)
        self._every = np.arange(n)
        self._offset = self._every * task.n_arms
        self._own = len(task.channels)
        self._session = np.zeros(n, dtype=np.int64)
        # Trial numbers at which the sessions begin, or None; not to be changed in place.
        self._begin: Array | None = None
        self._position = np.zeros(n, dtype=np.int64)  # trials done; all of them: between sessions
        self._course: Course | None = None
        self._drawn = np.full(n, -1, dtype=np.int64)  # session in the course, by column
        self._goes_on = mode is AutoresetMode.SAME_STEP
        # The position of all columns while they go together, else None.
        self._together: int | None = None
        self._block, self._block_start = np.zeros((0, 0, 0), dtype=np.float32), 0

    # ---------------------------------------------------------------- positions

    def _settle(self) -> None:
        if self._together is not None:
            self._position[:] = self._together

    @property
    def trial(self) -> Array:
        self._settle()
        done = self._position
        if self._holds:
            done = np.minimum(done, self._length - 1)
        return self._session * self._length + done

    def _place(self, columns: Array, trial: Array, *, between: bool) -> None:
        self._settle()
        self._together = self._begin = None
        self._session[columns], self._position[columns] = np.divmod(trial, self._length)
        if between:
            self._session[columns] -= 1
            self._position[columns] = self._length
        self._ensure(columns[self._position[columns] < self._length])

    def _redraw(self, columns: Array, trial: Array, seeded: Array) -> None:
        self._drawn[columns[seeded]] = -1
        self._place(columns, trial[columns], between=False)
        self._gather_together()

    def _gather_together(self) -> None:
        """Go together if all columns are at the same trial of a session."""
        first = int(self._position[0])
        together = self.max_steps is None and first < self._length
        if together and (self._position == first).all():
            self._together = first
            self._block = self._block[:0]

    def _ensure(self, columns: Array) -> None:
        """Draw the sessions that the columns are in, where they are not drawn yet."""
        new = columns[self._drawn[columns] != self._session[columns]]
        if new.size:
            draws = Draws(self.seeds[new], self._session[new] * self._length)
            course = Course(self.task.session(draws), len(new))
            whole = new.size == self.n or self._course is None
            if self._course is None and new.size < self.n:
                # Columns that have not begun yet get something of the right shape.
                course = self._spread(course, new)
            self._course = course if whole else self._known.replace(new, course)
            self._drawn[new] = self._session[new]

    def _spread(self, course: Course, columns: Array) -> Course:
        source = np.zeros(self.n, dtype=np.int64)
        source[columns] = np.arange(len(columns))
        new = object.__new__(Course)
        new.arms, new.lucks = course.arms, course.lucks
        for name in ("mean", "luck", "forced", "shown"):
            values = getattr(course, name)
            setattr(new, name, None if values is None else values[:, source])
        new.facts = {name: values[:, source] for name, values in course.facts.items()}
        return new

    @property
    def _known(self) -> Course:
        assert self._course is not None, "reset() comes first"
        return self._course

    # ---------------------------------------------------------------- a step of all together

    def step(self, actions: Any) -> Step:
        if self._together is None:
            return self._step_apart(actions)
        actions = self.checked(actions)
        done = self._together
        if self._goes_on:
            if done + 1 == self._length:
                return self._step_apart(actions)  # the next session begins within this step
            self.over = np.zeros(self.n, dtype=bool)
        elif done == self._length:
            return self._step_apart(actions)
        arms, reward = self._outcome(self._known, done, actions)
        self._together = done + 1
        obs = self._next_block_row(done + 1)
        if self._extra.shape[1]:
            self._show_past(obs, arms, actions, reward)
        chosen = arms if self._discrete else actions[:, 0]
        info = self._late_info(self._known, done, self._every, arms, chosen, reward)
        ended = done + 1 == self._length
        flags = np.zeros((2, self.n), dtype=bool)
        if ended:
            flags[int(self._length > 1)] = True
            self.over = np.ones(self.n, dtype=bool)
            self._terminated, self._truncated = flags[0].copy(), flags[1].copy()
        return obs, reward, flags[0], flags[1].copy(), info

    def _step_apart(self, actions: Array) -> Step:
        """A step in which columns do not all do the same, or one that begins a session."""
        self._settle()
        self._together = None
        result = super().step(actions)
        if self._goes_on or not self.over.any():
            self._gather_together()
        return result

    def _outcome(self, course: Course, trial: int, actions: Array) -> tuple[Array, Array]:
        """Arms that are played (n,), and their rewards (n,)."""
        mean = course.mean[trial if len(course.mean) > 1 else 0].ravel()
        luck = course.luck[trial].ravel()
        if not self._discrete:
            components = tuple(actions.T.astype(np.float64))
            return np.zeros(self.n, dtype=np.int64), self.task.pay(mean, luck, components)
        arms = actions
        if course.forced is not None:
            forced = course.forced[trial]
            arms = np.where(forced < 0, actions, forced)
        place = self._offset + arms
        luck = luck if course.lucks == 1 else luck.take(place)
        return arms, self.task.pay(mean.take(place), luck, None)

    def _next_block_row(self, position: int) -> Array:
        """Fresh observations (n, d) at a position, without own-past channels."""
        place = position - self._block_start
        if not 0 <= place < len(self._block):
            d = len(self.task.all_channels)
            count = min(max(_BLOCK // (self.n * d), 1), _MOST_STEPS, self._length + 1 - position)
            self._block = np.zeros((count, self.n, d), dtype=np.float32)
            self._block_start, place = position, 0
            self._fill_block()
        return self._block[place]

    def _fill_block(self) -> None:
        shown, start, stop = (
            self._known.shown,
            self._block_start,
            self._block_start + len(self._block),
        )
        self._block[:, :, : self._own] = 1 if shown is None else shown[start:stop]
        if self.task.time:
            time = np.arange(start, stop) / self._length
            self._block[:, :, self._own] = time[:, None]

    def _show_past(self, obs: Array, arms: Array, actions: Array, reward: Array) -> None:
        first = self._first_extra
        if self.task.prev_action:
            done = arms if self._discrete else actions
            self.actions.show(done, obs[:, first : first + self.actions.width])
        if self.task.prev_reward:
            obs[:, -1] = reward
        self._extra = obs[:, first:].copy()

    # ---------------------------------------------------------------- a step of each for itself

    def _play(self, actions: Array) -> tuple[Array, Array, Array, Info]:
        done = self._position.copy()
        plays = done < self._length
        arms, reward = self._outcomes(self._known, np.minimum(done, self._length - 1), actions)
        if not plays.all():
            arms, reward = np.where(plays, arms, 0), np.where(plays, reward, 0.0)
        columns = plays.nonzero()[0]
        info: Info = {}
        if columns.size:
            chosen = arms if self._discrete else actions[:, 0]
            trial = done[columns]
            info = self._late_info(self._known, trial, columns, arms, chosen, reward)
        self._arms = arms
        self._position = done + plays
        begins = ~plays
        if begins.any() and not self._holds:
            self._session[begins] += 1
            self._begin = None
            self._position[begins] = 0
            self._ensure(begins.nonzero()[0])
        return self._observe(), reward, plays, info

    def _outcomes(self, course: Course, trial: Array, actions: Array) -> tuple[Array, Array]:
        """The same for trials (n,) that differ from column to column."""
        row = trial * self.n + self._every
        arms = actions if self._discrete else np.zeros(self.n, dtype=np.int64)
        if course.forced is not None:
            forced = course.forced.take(row)
            arms = np.where(forced < 0, actions, forced)
        worth = (row if len(course.mean) > 1 else self._every) * course.arms + arms
        luck = course.luck.take(row if course.lucks == 1 else row * course.arms + arms)
        components = None if self._discrete else tuple(actions.T.astype(np.float64))
        return arms, self.task.pay(course.mean.take(worth), luck, components)

    def _remember(self, actions: Array, reward: Array) -> None:
        # What is shown is the arm that was played, which is not chosen on forced trials.
        super()._remember(self._arms if self._discrete else actions, reward)

    def _observe(self) -> Array:
        self._settle()
        obs = np.zeros((self.n, len(self.task.all_channels)), dtype=np.float32)
        shown = self._known.shown
        obs[:, : self._own] = 1 if shown is None else shown[self._position, self._every]
        if self.task.time:
            obs[:, self._own] = self._position / self._length
        return obs

    # ---------------------------------------------------------------- facts

    def _late_info(
        self,
        course: Course,
        trial: int | Array,
        columns: Array,
        arms: Array,
        chosen: Array,
        reward: Array,
    ) -> Info:
        """Info of the trials ``trial`` of sessions that have just been played in ``columns``."""
        begin = self._begin
        if begin is None:
            begin = self._begin = self._session * self._length
        if len(columns) < self.n:
            arms, chosen, reward = arms[columns], chosen[columns], reward[columns]
        # Callers may change what they are given or gave.
        done = chosen.copy()
        played = done if arms is chosen else arms
        ends = Ends(trial, columns, played, done, reward.copy(), begin)
        return LateInfo(lambda: self._make_info(course, ends))

    def _make_info(self, course: Course, ends: Ends) -> Info:
        block = self._info.pack(known_facts(course, ends), len(ends.columns))
        return self._info.make(block, ends.columns, self.n)

    # ---------------------------------------------------------------- the rest

    def periods(self) -> Array:
        return np.where(self.over, -1, 0)

    def targets(self) -> Array:
        raise TaskError(f"{self.task.name} has no supervised targets; leave targets at False.")

    def player(self) -> Player | None:
        from .choice_player import ChoicePlayer

        return ChoicePlayer(self)

    def _own_state(self) -> dict[str, Any]:
        self._settle()
        return {"session": self._session.copy(), "position": self._position.copy()}

    def _set_own_state(self, state: Mapping[str, Any]) -> None:
        self._session, self._position = state["session"], state["position"]
        self._together = self._begin = None
        self._drawn[:] = -1
        self._course = None
        self._ensure(self._every)
        self._gather_together()
