"""One column of a task whose world answers actions, in plain Python."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .info import Info, LateInfo

if TYPE_CHECKING:
    from .interactive import InteractiveEngine

Array = npt.NDArray[Any]
World = dict[str, Any]

_GOES_ON = (False, False)


class InteractivePlayer:
    """Plays the only column of an engine with autoreset disabled; equal to it in all it returns.

    The world and its luck are those of the engine as numbers and lists, on which the task's
    ``act_alone`` and ``observe_alone`` stand for ``act`` and ``observe``. Facts come from the
    task's ``facts``: a step's worlds are made arrays again when somebody reads them.

    Args:
        engine: of one column, without a limit of steps, of a task that ``plays_alone``.
    """

    def __init__(self, engine: InteractiveEngine) -> None:
        task = engine.task
        self._engine, self._task = engine, task
        self._act, self._observe = task.act_alone, task.observe_alone
        self._check = engine.actions.one
        self._vector = bool(engine.actions.item)
        self._width = engine.actions.width
        self._per_episode = task.trials_per_episode
        self._renews = task.begins_each_trial and self._per_episode > 1
        self._ends_as = (True, False) if self._per_episode == 1 else (False, True)
        self._by_trial = engine._source.by_trial
        self._time = task.time
        self._counts_steps = engine._counts_steps
        self._longest = task.max_steps if self._counts_steps else self._per_episode
        self._prev_action, self._prev_reward = task.prev_action, task.prev_reward
        self._shows_past = task.prev_action or task.prev_reward
        self._store: dict[str, Array] = {}
        self._ready = False

    # ---------------------------------------------------------------- the engine's state

    def load(self) -> None:
        """Go on from the engine's state."""
        engine = self._engine
        self._ready = not engine.over[0]
        if not self._ready:
            return
        engine._current_luck()  # draws what is not drawn yet
        self._at = engine._source.place
        if engine._source.store is not self._store:
            self._unroll()
        self._world = _plain(engine._world)
        self._trial, self._done = int(engine._trial[0]), int(engine._done[0])
        self._steps, self._over = int(engine._steps[0]), False
        self._past: list[float] | None = None  # not shown yet: what the engine has shows

    def settle(self) -> None:
        """Bring the engine up to date."""
        if not self._ready:
            return
        engine = self._engine
        engine._world = self._arrays(self._world)
        engine._done[0], engine._steps[0] = self._done, self._steps
        engine._left = 0
        engine._go_to(np.array([self._trial]))
        engine.over[0] = engine._waits = self._over
        engine._terminated[0], engine._truncated[0] = self._ends_as if self._over else _GOES_ON
        if self._past is not None:
            engine._extra[0] = self._past

    def _unroll(self) -> None:
        """The luck drawn ahead as numbers and lists, trial by trial."""
        self._store = store = self._engine._source.store
        each = zip(*(value[:, 0].tolist() for value in store.values()), strict=True)
        self._luck = [dict(zip(store, values, strict=True)) for values in each]

    def _arrays(self, world: World) -> dict[str, Array]:
        """The world with an axis of one column, in the types of the engine's."""
        like = self._engine._world
        return {name: np.array([value], dtype=like[name].dtype) for name, value in world.items()}

    # ---------------------------------------------------------------- play

    def reset(self) -> tuple[Array, Info] | None:
        """Go on to the next episode; None where the engine has to do it."""
        if not self._ready or not self._over or not self._by_trial or not self._next_trial():
            return None
        self._world, self._over, self._done, self._steps = self._begun(), False, 0, 0
        if self._shows_past:
            self._past = self._nothing_done()
        return self._see(), {}

    def _begun(self) -> World:
        """The world as the running trial's luck has it begin."""
        luck = {name: value[self._at] for name, value in self._store.items()}
        return _plain(self._task.begin(luck))

    def _next_trial(self) -> bool:
        """Go on to the next trial's luck; False where it is not drawn yet."""
        if self._by_trial:
            if self._at + 1 == len(self._luck):
                return False
            self._at += 1
        self._trial += 1
        return True

    def step(self, action: Any) -> tuple[Array, float, bool, bool, Info] | None:
        """One step; None where the engine has to do it."""
        if not self._ready or self._over:
            return None
        action = self._check(action)
        before, at, trial = self._world, self._at, self._trial
        after, reward, ended = self._act(before, self._luck[at], action)
        info: Info = {}
        last = False
        if ended:
            last = self._done + 1 == self._per_episode
            if not last and not self._next_trial():
                return None
            self._done += 1
            info = LateInfo(partial(self._facts, trial, self._store, at, before, action, after))
            self._over = last
            if self._renews and not last:
                after = self._begun()
        self._world = after
        self._steps += self._counts_steps
        if self._shows_past:
            self._past = self._done_just_now(action, reward)
        terminated, truncated = self._ends_as if last else _GOES_ON
        return self._see(), reward, terminated, truncated, info

    def _see(self) -> Array:
        """The observation; a player that has just been loaded has nothing to show yet."""
        shown = self._observe(self._world)
        if self._time:
            shown.append((self._steps if self._counts_steps else self._done) / self._longest)
        if self._past is not None:
            shown += self._past
        return np.array(shown, dtype=np.float32)

    def _nothing_done(self) -> list[float]:
        return [0.0] * (self._prev_action * self._width + self._prev_reward)

    def _done_just_now(self, action: Any, reward: float) -> list[float]:
        """What the channels of the subject's own past show."""
        past: list[float] = []
        if self._prev_action:
            if self._vector:
                past += action
            else:
                past = [0.0] * self._width
                past[action] = 1.0
        if self._prev_reward:
            past.append(reward)
        return past

    def _facts(
        self,
        trial: int,
        store: dict[str, Array],
        at: int,
        before: World,
        action: Any,
        after: World,
    ) -> Info:
        """Info of a trial that has ended, put together when it is read."""
        engine = self._engine
        luck = {name: value[at] for name, value in store.items()}
        actions = np.array([action], dtype=engine.actions.dtype)
        facts = self._task.facts(self._arrays(before), luck, actions, self._arrays(after))
        return engine._info.single(engine._info.pack({"trial": trial, **facts}, 1))


def _plain(world: dict[str, Array]) -> World:
    """The only column of a world as numbers and lists."""
    return {name: value[0].tolist() for name, value in world.items()}
