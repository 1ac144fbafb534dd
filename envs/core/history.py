"""What pictures are drawn from: the steps of the running trial."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from .engine import Engine
from .info import Info, column_info
from .scripted_task import ScriptedTask

Array = npt.NDArray[Any]


@dataclass
class Track:
    """The trial so far of one column; there is one observation more than there are actions.

    Attributes:
        obs: observations (d,).
        periods: index of the period at each observation, -1 if there is none.
        actions: actions in answer to the observations.
        rewards: rewards of the actions.
        facts: trial-end facts of each step, empty where no trial ended.
        over: the episode has ended.
    """

    obs: list[Array] = field(default_factory=list)
    periods: list[int] = field(default_factory=list)
    actions: list[Array] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)
    over: bool = False


class History:
    """Keeps a track per column. Where a trial is a single step (bandits), it spans the session."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._by_trial = isinstance(engine.task, ScriptedTask)
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.tracks = [Track() for _ in range(self._engine.n)]

    def reset(self, obs: Array, mask: Array) -> None:
        """Begin anew in the columns of ``mask`` with their first observation."""
        periods = self._engine.periods()
        for column in mask.nonzero()[0]:
            self.tracks[column] = Track([obs[column].copy()], [int(periods[column])])

    def add(self, actions: Array, obs: Array, reward: Array, over: Array, info: Info) -> None:
        """Add one step of all columns."""
        mode = self._engine.mode
        anew = np.zeros(self._engine.n, dtype=bool)
        periods = self._engine.periods()
        ended = info.get("_trial_end", np.zeros(self._engine.n, dtype=bool))
        for column, track in enumerate(self.tracks):
            if track.over:
                anew[column] = mode is not AutoresetMode.DISABLED
                continue
            track.actions.append(np.array(actions[column]))
            track.rewards.append(float(reward[column]))
            track.facts.append(column_info(info, column) if ended[column] else {})
            track.over = bool(over[column])
            same_step = track.over and mode is AutoresetMode.SAME_STEP
            next_trial = ended[column] and self._by_trial and not track.over
            if same_step or next_trial:
                anew[column] = True
            else:
                track.obs.append(obs[column].copy())
                track.periods.append(int(periods[column]))
        self.reset(obs, anew)

    def draw(self, column: int) -> Array:
        """Picture of one column, (height, width, 3) uint8."""
        from .render import draw_track

        return draw_track(self._engine.task, self.tracks[column])
