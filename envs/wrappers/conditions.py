"""Trials whose types follow a schedule: blocks, repeating or alternating transitions.

A task draws its trials independently of each other. Here trial n of a column is drawn again and
again, from other counters, until its type is the one that the schedule asks for: it is distributed
exactly as the task's own trials of that type are, and is still a function of the column's seed and
n alone, never of actions. The column's types come from the same seed. Drawing costs about
1 / (share of the type) times as much; steps cost what they did.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv, VectorWrapper
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker

from ..core.env import TaskEnv
from ..core.errors import TaskError, nearest
from ..core.random import Draws
from ..core.scripted_task import ScriptedTask
from ..core.table import Rows, Trials
from ..core.task import Task, Yardsticks
from ..core.vector import TaskVectorEnv
from .schedules import Rules, Schedule

Array = npt.NDArray[Any]

#: Sets the schedule's random values apart from all that a task draws from the same seed.
_STREAM = 0x5C4ED
#: Trial n is one of the draws n * 2**16 to (n + 1) * 2**16 - 1.
_ATTEMPTS = 2**16
_SAMPLE = 4096
_DRAWN_AT_ONCE = 2**13
_WALKED_AT_ONCE = 2**12


def schedule_conditions(
    task: Task, schedule: Schedule, by: str = "condition", values: Sequence[int] | None = None
) -> ScriptedTask:
    """A task with all its faces whose trial types follow a schedule.

    The types are the values of a fact that is known when a trial is drawn. Trials are counted over
    the ends of episodes, so the schedule unfolds over the episodes of a column; ``reset(seed=...)``
    begins it anew. Each trial's info has ``schedule_block`` beside the task's facts: which of the
    rules of ``Blocks`` was in force (0 without blocks). The yardsticks of the task hold for its own
    statistics, so a scheduled task has none; its oracle still plays.

    Args:
        task: one whose stimuli do not depend on actions.
        schedule: ``Independent``, ``Markov`` or ``Blocks``; its types are numbered like ``values``.
        by: name of the fact.
        values: those of its values that are to come, in order; None for all, ascending.

    >>> from caudate.envs import make_task
    >>> from caudate.envs.wrappers import Markov
    >>> task = schedule_conditions(
    ...     make_task("caudate/DelayedMatch-v0"), Markov(repeat=0.0), by="is_match")
    >>> task.sample_trials(6, seed=0).facts["is_match"]
    array([1, 0, 1, 0, 1, 0])
    """
    if not isinstance(task, ScriptedTask):
        name = task.name if isinstance(task, Task) else repr(task)
        raise TaskError(
            f"{name} is not a task whose trials are drawn ahead, so they cannot follow a schedule; "
            "pass one whose stimuli do not depend on actions."
        )
    if isinstance(task, ScheduledTask):
        raise TaskError(f"{task.name} follows a schedule already; pass the task without it.")
    course = Course(task, schedule, by, values)
    scheduled: Any = copy.copy(task)
    scheduled.__dict__.pop("yardsticks", None)
    scheduled.__class__ = _scheduled_class(type(task))
    scheduled.int_facts = ("trial", "schedule_block", *task.int_facts[1:])
    scheduled._course = course
    scheduled._recipe = (task, schedule, by, values)
    return scheduled


class _Found(Draws):
    """Values whose counters were looked for, so that the trial before has not the one before."""

    find_previous: Callable[[], Array]

    def previous(self) -> Draws:
        return Draws(self.seeds, self.find_previous())


class ScheduledTask(ScriptedTask):
    """What ``schedule_conditions`` adds to a task's class."""

    _course: Course
    _recipe: tuple[ScriptedTask, Schedule, str, Sequence[int] | None]
    #: The last values for a table and what they were replaced by: ``fill`` follows ``draw``.
    _replaced: tuple[Draws, Draws] | None = None

    def _replace(self, draws: Draws) -> tuple[Draws, Array]:
        """The values of the trials that fit in place of ``draws``, and the kinds of block (n,)."""
        seeds, trials = (part.astype(np.int64) for part in (draws.seeds, draws.trials))
        # With the trials before: a task may ask for these, and a walk does not go back.
        before = np.maximum(trials - 1, 0)
        types, kinds = self._course.follow(np.tile(seeds, 2), np.concatenate([trials, before]))
        types, types_before = np.split(types, 2)
        numbers = self._course.find(seeds, trials, types)
        replaced = _Found(seeds, numbers, ahead=self.draws_ahead)
        replaced.find_previous = partial(self._course.find, seeds, before, types_before)
        self._replaced = draws, replaced
        return replaced, kinds[: len(trials)]

    def draw(self, draws: Draws, trials: Trials) -> None:
        replaced, kinds = self._replace(draws)
        trials.fact("schedule_block")[:] = kinds
        super().draw(replaced, trials)  # type: ignore[safe-super]  # the task's own

    @property
    def parameters(self) -> dict[str, Any]:
        """All parameters as JSON values, the schedule among them."""
        _, schedule, by, _ = self._recipe
        values = self._course.values.tolist()
        told = {**schedule.describe(), "by": by, "values": values}
        return {**super().parameters, "schedule": told}

    def compute_yardsticks(self) -> Yardsticks:
        raise TaskError(
            f"the yardsticks of {self.name} hold for its own trial statistics, not for a schedule; "
            "score a policy instead, or ask the task without the schedule."
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return schedule_conditions, self._recipe


class _Filling(ScheduledTask):
    """For tasks that change single rows."""

    def fill(self, rows: Rows, trials: Trials, go: Array, draws: Draws) -> None:
        known = self._replaced is not None and self._replaced[0] is draws
        replaced = self._replaced[1] if known else self._replace(draws)[0]  # type: ignore[index]
        super().fill(rows, trials, go, replaced)


@cache
def _scheduled_class(base: type[ScriptedTask]) -> type[ScheduledTask]:
    """The class of a task with ``ScheduledTask`` put before it."""
    part = ScheduledTask if base.fill is ScriptedTask.fill else _Filling
    made: Any = type(f"Scheduled{base.__name__}", (part, base), {"__doc__": base.__doc__})
    return made


class Course:
    """Which type each trial of each column has, and which draw shows it.

    Args:
        task: the task.
        schedule, by, values: see ``schedule_conditions``.
    """

    def __init__(
        self, task: ScriptedTask, schedule: Schedule, by: str, values: Sequence[int] | None
    ) -> None:
        known = [name for name in task.drawn_facts if name in task.int_facts and name != "trial"]
        if by not in known:
            hint = nearest(by, known) if isinstance(by, str) else ""
            raise TaskError(
                f"by={by!r} is not a whole-number fact that {task.name} draws{hint}; "
                f"choose one of {', '.join(known)}."
            )
        self._task, self._by = task, by
        every = np.arange(_SAMPLE)
        found, counts = np.unique(
            self._facts(np.zeros(_SAMPLE, dtype=np.int64), every, every), return_counts=True
        )
        self.values = self._checked(values, found)
        shares = dict(zip(found.tolist(), (counts / _SAMPLE).tolist(), strict=True))
        self._shares = np.array([shares[value] for value in self.values.tolist()])
        self.rules = Rules(schedule, len(self.values))
        #: By seed: a trial number and the walk's state before it.
        self._known: dict[int, tuple[int, Array]] = {}

    def _checked(self, values: Any, found: Array) -> Array:
        if values is None:
            return found
        wanted = list(values) if isinstance(values, Sequence | np.ndarray) else []
        whole = all(isinstance(one, int | np.integer) for one in wanted)
        if (
            not wanted
            or not whole
            or len(set(wanted)) < len(wanted)
            or not set(wanted) <= set(found.tolist())
        ):
            raise TaskError(
                f"values={values!r} are not different values of {self._by} that occur; choose from "
                f"{', '.join(map(str, found.tolist()))}."
            )
        return np.array(wanted)

    def _facts(self, seeds: Array, numbers: Array, trials: Array) -> Array:
        """The fact for draws (n,) of trials (n,) of columns with seeds (n,)."""
        blank = Trials(self._task, trials)
        self._task.draw(Draws(seeds, numbers, ahead=self._task.draws_ahead), blank)
        return blank.fact(self._by)

    # ---------------------------------------------------------------- which type

    def follow(self, seeds: Array, trials: Array) -> tuple[Array, Array]:
        """Types and kinds of block (n,) of trials (n,) of columns with seeds (n,)."""
        columns, which = np.unique(seeds, return_inverse=True)
        first = np.full(len(columns), np.iinfo(np.int64).max)
        last = np.full(len(columns), -1)
        np.minimum.at(first, which, trials)
        np.maximum.at(last, which, trials)
        types, kinds = self._walk(columns, first, last)
        step = trials - first[which]
        return types[which, step], kinds[which, step]

    def _walk(self, seeds: Array, first: Array, last: Array) -> tuple[Array, Array]:
        """Types and kinds of block (u, steps) of the trials ``first`` to ``last`` (u,)."""
        u = len(seeds)
        start, state = self._starts(seeds, first)
        span = int((last - first).max()) + 1
        walked = int((last - start).max()) + 1
        types = np.zeros((u, span), dtype=np.int64)
        kinds = np.zeros_like(types)
        kept = state.copy()
        every = np.arange(u)
        for chunk in range(0, walked, _WALKED_AT_ONCE):
            count = min(_WALKED_AT_ONCE, walked - chunk)
            numbers = start[:, None] + np.arange(chunk, chunk + count)
            draws = Draws(np.repeat(seeds, count), numbers.ravel(), _STREAM)
            luck = draws.uniform(3).reshape(u, count, 3)
            for step in range(count):
                ahead = numbers[:, step] - first
                kept = np.where(ahead == 0, state, kept)
                state = self._next(state, luck[:, step])
                here = (ahead >= 0) & (ahead < span)
                columns, at = every[here], ahead[here]
                types[columns, at], kinds[columns, at] = state[0, here], state[1, here]
        self._remember(seeds, first, kept)
        return types, kinds

    def _next(self, state: Array, luck: Array) -> Array:
        """State (3, u) after one more trial: type, kind of block, trials left of the block."""
        before, kind, left = state
        rules = self.rules
        if rules.lengths is not None:
            low, high = rules.lengths
            if rules.random_order and rules.kinds > 1:
                # A first block (kind -1) is any kind, a later one any but the kind before.
                choices = rules.kinds - (kind >= 0)
                after = np.maximum(kind, 0) + (kind >= 0) + (luck[:, 1] * choices).astype(int)
            else:
                after = kind + 1
            begins = left == 0
            kind = np.where(begins, after % rules.kinds, kind)
            length = low + (luck[:, 2] * (high - low + 1)).astype(np.int64)
            left = np.where(begins, length, left) - 1
        row = rules.cumulative[kind, before]
        return np.array([(luck[:, :1] >= row).sum(axis=1), kind, left])

    def _starts(self, seeds: Array, first: Array) -> tuple[Array, Array]:
        """Trial numbers (u,) and states (3, u) to walk from: what is known, else the beginning."""
        start = np.zeros(len(seeds), dtype=np.int64)
        kind = 0 if self.rules.lengths is None else -1
        state = np.array([[len(self.values)], [kind], [0]]).repeat(len(seeds), axis=1)
        for column, (seed, number) in enumerate(zip(seeds.tolist(), first.tolist(), strict=True)):
            known = self._known.get(seed)
            if known is not None and known[0] <= number:
                start[column], state[:, column] = known
        return start, state

    def _remember(self, seeds: Array, first: Array, state: Array) -> None:
        """Keep where these columns are, and forget the others: who goes on asks soon again."""
        numbers = zip(seeds.tolist(), first.tolist(), state.T.copy(), strict=True)
        self._known = {seed: (number, one) for seed, number, one in numbers}

    # ---------------------------------------------------------------- which draw

    def find(self, seeds: Array, trials: Array, types: Array) -> Array:
        """Numbers (n,) of draws of the types (n,) for trials (n,) of columns with seeds (n,)."""
        numbers = np.zeros(len(seeds), dtype=np.int64)
        open_ = np.arange(len(seeds))
        width = int(np.clip(np.ceil(1.0 / self._shares[types].mean()), 1, 64))
        for attempt in range(0, _ATTEMPTS, width):
            missing = []
            size = max(1, _DRAWN_AT_ONCE // width)
            for some in (open_[i : i + size] for i in range(0, len(open_), size)):
                tried = trials[some, None] * _ATTEMPTS + np.arange(attempt, attempt + width)
                repeated = (np.repeat(part[some], width) for part in (seeds, trials))
                seed, trial = repeated
                fact = self._facts(seed, tried.ravel(), trial).reshape(-1, width)
                hit = fact == self.values[types[some], None]
                found, which = hit.any(axis=1), hit.argmax(axis=1)
                numbers[some[found]] = tried[found, which[found]]
                missing.append(some[~found])
            open_ = np.concatenate(missing)
            if not open_.size:
                return numbers
        raise TaskError(
            f"no trial with {self._by} = {self.values[types[open_[0]]]} was found in {_ATTEMPTS} "
            "draws; leave so rare a value out of values."
        )


class ConditionSchedule(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Makes the trial types of an environment of ours follow a schedule.

    The environment inside is another one of the same task, see ``schedule_conditions``; so this is
    the first wrapper, others go around it.

    Args:
        env: what ``gym.make`` gives, without other wrappers.
        schedule, by, values: see ``schedule_conditions``.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        schedule: Schedule,
        by: str = "condition",
        values: Sequence[int] | None = None,
    ) -> None:
        RecordConstructorArgs.__init__(self, schedule=schedule, by=by, values=values)
        bare: Any = env
        while isinstance(bare, (OrderEnforcing, PassiveEnvChecker)):
            bare = bare.env
        if not isinstance(bare, TaskEnv):
            raise TaskError(
                f"ConditionSchedule goes around an environment of this library alone, not {env}; "
                "put it inside other wrappers."
            )
        inner = TaskEnv(
            schedule_conditions(bare.task, schedule, by, values), render_mode=bare.render_mode
        )
        inner.spec = bare.spec
        super().__init__(inner)


class VectorConditionSchedule(VectorWrapper):
    """``ConditionSchedule`` for a native batch.

    Args:
        env: what ``gym.make_vec`` gives, without other wrappers.
        schedule, by, values: see ``schedule_conditions``.
    """

    def __init__(
        self,
        env: VectorEnv,
        schedule: Schedule,
        by: str = "condition",
        values: Sequence[int] | None = None,
    ) -> None:
        if not isinstance(env, TaskVectorEnv):
            raise TaskError(
                f"VectorConditionSchedule goes around a native batch alone, not {env}; "
                "put it inside other wrappers."
            )
        inner = TaskVectorEnv(
            schedule_conditions(env.task, schedule, by, values),
            env.num_envs,
            autoreset_mode=env.autoreset_mode,
            max_episode_steps=env.max_episode_steps,
            render_mode=env.render_mode,
        )
        inner.spec = env.spec
        super().__init__(inner)
