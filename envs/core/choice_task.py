"""Sessions of choices in a world that takes its course whatever is chosen."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
from gymnasium import spaces

from .task import MOST_SHOWN, Task

if TYPE_CHECKING:
    from .random import Draws

Array = npt.NDArray[Any]


@dataclass
class Session:
    """What n sessions of L trials with K arms hold. Axes of length 1 stand for "all the same".

    Attributes:
        mean: (n, L or 1, K) float64 what each arm is worth on each trial: its probability or mean.
        luck: (n, L, K or 1) float64 random values from which ``ChoiceTask.pay`` makes outcomes.
        facts: per name (n, L or 1), what else is known of each trial.
        shown: (n, L, channels) float32 the task's own channels by trial; None if always 1.
        forced: (n, L) int64 arm that is played whatever is chosen, -1 on free trials; None if all
            trials are free.
    """

    mean: Array
    luck: Array
    facts: dict[str, Array] = field(default_factory=dict)
    shown: Array | None = None
    forced: Array | None = None


class ChoiceTask(Task):
    """A bandit whose arms do not care what is chosen; a trial is one step, an episode a session.

    ``int_facts`` and ``float_facts`` begin with ``trial`` and ``rt``. The engine knows ``trial``,
    ``choice`` (the arm that was played), ``reward``, ``p`` (what that arm was worth), ``p_best``,
    ``regret`` (the difference of the two), ``best_arm`` (the first of the best), ``correct`` (no
    arm was worth more), ``condition`` and ``rt`` (both 0); the others are those of the session.
    Where actions are vectors there is one arm, and ``choice`` is the action's first component.
    """

    luck_by_session = True
    int_facts = ("trial", "correct", "choice", "condition", "best_arm")
    float_facts = ("rt", "reward", "p", "p_best", "regret")

    def _check_size(self) -> None:
        super()._check_size()
        worths = self.trials_per_episode * self.n_arms
        self.check_fits("worths of arms in a session", worths, MOST_SHOWN)
        shown = self.trials_per_episode * len(self.all_channels)
        self.check_fits("numbers to show in a session", shown, MOST_SHOWN)

    @abstractmethod
    def session(self, draws: Draws) -> Session:
        """Draw ``draws.n`` sessions of ``trials_per_episode`` trials."""

    @abstractmethod
    def pay(self, mean: Any, luck: Any, action: Any) -> Any:
        """Reward of playing an arm.

        Written with arithmetic alone, because it is called with arrays by batches and with plain
        numbers by single environments.

        Args:
            mean: what the arm is worth, (n,) or a float.
            luck: its random value, alike.
            action: None, or the components of a vector action, each alike.
        """

    @property
    def n_arms(self) -> int:
        """K, the number of arms; 1 where actions are vectors."""
        return int(self.action_space.n) if isinstance(self.action_space, spaces.Discrete) else 1


def generic_facts(mean: Array) -> dict[str, Array]:
    """``best_arm`` (..., L) and ``p_best`` (..., L) of arms' worths (..., L, K)."""
    return {"best_arm": mean.argmax(axis=-1), "p_best": mean.max(axis=-1)}
