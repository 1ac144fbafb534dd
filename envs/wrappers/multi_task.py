"""Several tasks behind one observation and one action space, with a cue that says which is on."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from operator import index
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import TaskError, check_flag, check_int, check_one_of, nearest
from ..core.random import Draws, check_seed
from ..core.task import Task
from .schedules import check_shares

Array = npt.NDArray[Any]

#: Sets the schedule's random values apart from all that a task draws from the same seed.
_STREAM = 0x3A5C
#: Episodes, or rounds of blocks, whose tasks are drawn at once (speed only).
_AHEAD = 32
SCHEDULES = ("random", "blocked", "sequential")
#: Environments that were built before -> the MultiTask that plays them.
_OWNERS: weakref.WeakKeyDictionary[gym.Env[Any, Any], weakref.ref[MultiTask]] = (
    weakref.WeakKeyDictionary()
)


class MultiTask(gym.Env[Array, Any]):
    """Another task, or the same one, at each episode; one-hot channels tell which.

    Observations are the task's own, padded with zeros to the longest, then one rule channel per
    task. Actions are those of the task with most; what a task does not know counts as its action 0.

    Which task an episode has is a function of the seed and the number of the episode since
    ``reset(seed=...)``; ``reset(options={"task": name or index})`` chooses for one episode. Each
    task has a seed of its own, made from the seed.

    Info at reset and wherever there is one: ``task`` (index). ``condition`` is counted on over the
    tasks (a task's own number stays in ``task_condition``), so that baselines per condition tell
    tasks apart.

    It is also ``gym.make("caudate/MultiTask-v0", tasks=[...])``, and a batch of it
    ``gym.make_vec(..., vectorization_mode="sync")``.

    Args:
        tasks: ids, tasks, environments, or pairs (id, parameters); observations are Boxes, actions
            Discrete.
        schedule: "random" (drawn anew each episode), "blocked" (rounds of one block per task, in an
            order drawn anew each round) or "sequential" (one after the other, over and over).
        block_length: episodes of a block in "blocked" (default 20) and "sequential" (default 1).
        weights: how often each task comes in "random", in any unit.
        rule_cue: show the rule channels.
        names: of the tasks; default their ids, numbered where one comes twice.
        render_mode: "rgb_array" to have ``render`` draw the running task, or None.

    >>> env = MultiTask(["caudate/DelayedMatch-v0", "caudate/ReversalBandit-v0"])
    >>> obs, info = env.reset(seed=0, options={"task": 1})
    >>> env.obs_names[-2:], obs[-2:], env.action_space
    (('rule_0', 'rule_1'), array([0., 1.], dtype=float32), Discrete(3))
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(
        self,
        tasks: Sequence[Any] = (),
        *,
        schedule: str = "random",
        block_length: int | None = None,
        weights: Sequence[float] | None = None,
        rule_cue: bool = True,
        names: Sequence[str] | None = None,
        render_mode: str | None = None,
    ) -> None:
        if isinstance(tasks, str) or not isinstance(tasks, Sequence) or not tasks:
            raise TaskError(f"tasks={tasks!r} is not a list of tasks; pass at least one id.")
        self.render_mode = render_mode
        self.envs = [_make(task, render_mode) for task in tasks]
        self.names = _names(self.envs, names)
        self.schedule = EpisodeSchedule(len(self.envs), schedule, block_length, weights)
        self.rule_cue = check_flag("rule_cue", rule_cue)
        if len({id(env) for env in self.envs}) < len(self.envs):
            raise TaskError("tasks holds one environment twice; make one for each place.")
        for task in tasks:
            if isinstance(task, gym.Env):
                self._take(task)
        boxes = [_box(env) for env in self.envs]
        self._sizes = [int(np.prod(box.shape)) for box in boxes]
        self._width = max(self._sizes)
        discrete = [_discrete(env) for env in self.envs]
        self._actions = [(int(space.n), int(space.start)) for space in discrete]
        self._most_actions = max(count for count, _ in self._actions)
        self.observation_space = self._joint_space(boxes)
        self.action_space = spaces.Discrete(self._most_actions)
        counts = [_info_of(env).get("n_conditions", 1) for env in self.envs]
        self._first_condition = np.concatenate([[0], np.cumsum(counts)]).tolist()
        self._seed: int | None = None
        self._episode = 0
        self._seeds: list[int | None] = [None] * len(self.envs)
        self._index = 0

    def _take(self, env: gym.Env[Any, Any]) -> None:
        """Note whose a built environment is: copies of a batch would play it behind each other."""
        owner = _OWNERS.get(env)
        if owner is not None and owner() is not None:
            raise TaskError(
                "tasks holds an environment that another MultiTask plays; pass an id, a task or a "
                "pair (id, parameters), or close the other."
            )
        _OWNERS[env] = weakref.ref(self)

    def _joint_space(self, boxes: list[spaces.Box]) -> spaces.Box:
        """Bounds that hold for every task; 0 is what padded channels show."""
        low, high = np.zeros((2, self._width + len(boxes) * self.rule_cue), dtype=np.float32)
        high[self._width :] = 1.0
        for i, (box, size) in enumerate(zip(boxes, self._sizes, strict=True)):
            for bound, own, pick in ((low, box.low, np.minimum), (high, box.high, np.maximum)):
                own = own.ravel().astype(np.float32)
                bound[:size] = pick(bound[:size], own) if i else own
                bound[size : self._width] = pick(bound[size : self._width], 0.0)
        return spaces.Box(low, high, dtype=np.float32)

    # ---------------------------------------------------------------- what others read

    @property
    def task_name(self) -> str:
        """Name of the task of the running episode."""
        return self.names[self._index]

    @property
    def obs_names(self) -> tuple[str, ...]:
        """(d,) names of the channels; where tasks differ, theirs with a stroke between."""
        known: list[list[str]] = [[] for _ in range(self._width)]
        for env, size in zip(self.envs, self._sizes, strict=True):
            own = _info_of(env).get("obs_names", [f"obs_{i}" for i in range(size)])
            for names, name in zip(known, own, strict=False):
                if name not in names:
                    names.append(name)
        rules = [f"rule_{i}" for i in range(len(self.envs))] if self.rule_cue else []
        return (*("|".join(names) for names in known), *rules)

    @property
    def task_info(self) -> dict[str, Any]:
        """JSON-able description; ``dt_ms`` is there if all tasks have the same."""
        infos = [_info_of(env) for env in self.envs]
        steps = {info.get("dt_ms") for info in infos}
        dt = {} if len(steps) > 1 or None in steps else {"dt_ms": steps.pop()}
        return {
            "id": "caudate/MultiTask-v0",
            "family": "multi_task",
            **dt,
            "obs_names": list(self.obs_names),
            "n_conditions": self._first_condition[-1],
            "parameters": {
                "names": list(self.names),
                "tasks": infos,
                "rule_cue": self.rule_cue,
                **self.schedule.parameters,
            },
        }

    # ---------------------------------------------------------------- playing

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin an episode, of the next task of the schedule or of ``options["task"]``."""
        if seed is not None:
            seed = check_seed(seed)
        super().reset(seed=seed)
        if seed is None and self._seed is None:
            seed = int(self.np_random.integers(2**63))
        if seed is None:
            self._episode += 1
        else:
            self._seed, self._episode = seed, 0
            self._seeds = [
                int(
                    np.random.SeedSequence([seed, i]).generate_state(1, np.uint64)[0]
                    >> np.uint64(1)
                )
                for i in range(len(self.envs))
            ]
        assert self._seed is not None
        options = dict(options or {})
        chosen = options.pop("task", None)
        if chosen is None:
            self._index = self.schedule.task(self._seed, self._episode)
        else:
            self._index = self._chosen(chosen)
        # A task gets its seed when it is first played.
        own, self._seeds[self._index] = self._seeds[self._index], None
        obs, info = self.envs[self._index].reset(seed=own, options=options or None)
        return self._shown(obs), self._told(info)

    def _chosen(self, task: Any) -> int:
        if isinstance(task, str):
            if task not in self.names:
                hint = nearest(task, self.names)
                raise TaskError(f"task={task!r} is unknown{hint}; the tasks are {self.names}.")
            return self.names.index(task)
        return check_int("task", task, 0, len(self.envs) - 1)

    def step(self, action: Any) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """One step of the running task."""
        if self._seed is None:
            raise TaskError("step() was called before reset(); call reset() first.")
        try:
            number = index(action)
        except TypeError:
            number = -1
        if not 0 <= number < self._most_actions:
            raise TaskError(f"action={action!r} is not in {self.action_space}; pass one that is.")
        count, start = self._actions[self._index]
        result = self.envs[self._index].step(start + (number if number < count else 0))
        obs, reward, terminated, truncated, info = result
        if info or terminated or truncated:
            info = self._told(info)
        return self._shown(obs), float(reward), bool(terminated), bool(truncated), info

    def _shown(self, obs: Any) -> Array:
        shown = np.zeros(self.observation_space.shape or (), dtype=np.float32)
        shown[: self._sizes[self._index]] = np.asarray(obs).ravel()
        if self.rule_cue:
            shown[self._width + self._index] = 1.0
        return shown

    def _told(self, info: dict[str, Any]) -> dict[str, Any]:
        told = {**info, "task": self._index}
        if "condition" in told:
            told["task_condition"] = told["condition"]
            told["condition"] = self._first_condition[self._index] + told["condition"]
        return told

    def render(self) -> Any:
        """Picture of the running task."""
        return self.envs[self._index].render()

    def close(self) -> None:
        """Close all tasks."""
        for env in self.envs:
            env.close()
            _OWNERS.pop(env, None)


class EpisodeSchedule:
    """Which of n tasks an episode has: a function of the seed and the episode's number.

    Args:
        n: number of tasks.
        schedule, block_length, weights: see ``MultiTask``.
    """

    def __init__(
        self, n: int, schedule: str, block_length: int | None, weights: Sequence[float] | None
    ) -> None:
        self._n = n
        self._kind = check_one_of("schedule", schedule, SCHEDULES)
        if schedule == "random" and block_length is not None:
            raise TaskError(
                'block_length has no meaning in schedule="random"; leave it out, or choose '
                '"blocked".'
            )
        if schedule != "random" and weights is not None:
            raise TaskError(
                'weights count in schedule="random" alone; leave them out, or choose it.'
            )
        default = 20 if schedule == "blocked" else 1
        length = default if block_length is None else block_length
        self._length = check_int("block_length", length, 1)
        self._weights = check_shares("weights", np.ones(n) if weights is None else weights, n)
        self._cumulative = np.cumsum(self._weights / self._weights.sum())
        self._drawn_for: tuple[int, int] | None = None
        self._drawn = np.zeros((0, n), dtype=np.int64)

    @property
    def parameters(self) -> dict[str, Any]:
        """The schedule as JSON values."""
        return {
            "schedule": self._kind,
            "block_length": self._length,
            "weights": self._weights.tolist(),
        }

    def task(self, seed: int, episode: int) -> int:
        """Index of the task of an episode, counted from 0."""
        if self._kind == "sequential":
            return episode // self._length % self._n
        number, place = episode, 0
        if self._kind == "blocked":
            number, place = divmod(episode // self._length, self._n)
        stretch, within = divmod(number, _AHEAD)
        if self._drawn_for != (seed, stretch):
            self._drawn = self._draw(seed, stretch)
            self._drawn_for = seed, stretch
        return int(self._drawn[within, place])

    def _draw(self, seed: int, stretch: int) -> Array:
        """Tasks of the next episodes (_AHEAD, 1), or of the next rounds (_AHEAD, n)."""
        numbers = stretch * _AHEAD + np.arange(_AHEAD)
        draws = Draws(np.full(_AHEAD, seed), numbers, _STREAM)
        if self._kind == "blocked":
            return draws.permutation(self._n)
        return np.searchsorted(self._cumulative[:-1], draws.uniform(1), side="right")


def _make(task: Any, render_mode: str | None) -> gym.Env[Any, Any]:
    """An environment from an id, a pair (id, parameters), a task or an environment."""
    if isinstance(task, gym.Env):
        return task
    if isinstance(task, Task):
        return task.env(render_mode)
    name, parameters = (task, {}) if isinstance(task, str) else _pair(task)
    return gym.make(name, render_mode=render_mode, **parameters)


def _pair(task: Any) -> tuple[str, dict[str, Any]]:
    fits = isinstance(task, (tuple, list)) and len(task) == 2
    if not fits or not isinstance(task[0], str) or not isinstance(task[1], dict):
        raise TaskError(
            f"tasks holds {task!r}, which is no task; pass an id, a pair (id, parameters), a task "
            "or an environment."
        )
    return task[0], task[1]


def _names(envs: list[gym.Env[Any, Any]], names: Sequence[str] | None) -> list[str]:
    if names is not None:
        if len(names) != len(envs) or len(set(names)) < len(names):
            raise TaskError(f"names={names!r} are not {len(envs)} different names; pass such.")
        return list(names)
    ids = [_info_of(env).get("id") or (env.spec.id if env.spec else "task") for env in envs]
    seen = [ids[:i].count(one) for i, one in enumerate(ids)]
    return [f"{one}#{count + 1}" if count else one for one, count in zip(ids, seen, strict=True)]


def _info_of(env: gym.Env[Any, Any]) -> dict[str, Any]:
    return getattr(env.unwrapped, "task_info", None) or {}


def _box(env: gym.Env[Any, Any]) -> spaces.Box:
    space = env.observation_space
    if not isinstance(space, spaces.Box):
        raise TaskError(f"{env} has observations {space}, not a Box; flatten them first.")
    return space


def _discrete(env: gym.Env[Any, Any]) -> spaces.Discrete:
    space = env.action_space
    if not isinstance(space, spaces.Discrete):
        raise TaskError(f"{env} has actions {space}, not Discrete; choose tasks that have.")
    return space
