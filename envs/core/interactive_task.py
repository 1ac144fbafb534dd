"""Tasks whose world answers actions."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy.typing as npt

from .task import Task
from .time import MOST_STEPS

if TYPE_CHECKING:
    from .random import Draws

Array = npt.NDArray[Any]


class InteractiveTask(Task):
    """A task whose world answers actions: it computes every step for all columns.

    All its randomness (``luck``) is drawn per trial before anything happens, so that trials do not
    depend on actions. ``int_facts`` begin with ``trial``. A world goes on from trial to trial and
    begins anew with each episode (or with each trial). Worlds, luck and actions are never changed
    in place: facts may be computed from them long after their step.
    """

    int_facts = ("trial",)

    #: Steps of the longest trial, for the ``time`` channel of episodes of one trial.
    max_steps: int = 1
    #: Whether the world begins anew with every trial of a session, not only with the session.
    begins_each_trial: ClassVar[bool] = False
    #: How many random values a trial (or episode) takes: drawn in one go (speed only).
    draws_ahead: int = 4

    def _check_size(self) -> None:
        super()._check_size()
        self.check_fits("steps in a trial", self.max_steps, MOST_STEPS)

    @abstractmethod
    def luck(self, draws: Draws) -> dict[str, Array]:
        """Random values of ``draws.n`` trials (or episodes), per name an array (n, ...)."""

    @abstractmethod
    def begin(self, luck: dict[str, Array]) -> dict[str, Array]:
        """World at the start of an episode, per name an array (k, ...), from its first trial."""

    @abstractmethod
    def observe(self, world: dict[str, Array], obs: Array) -> None:
        """Write the task's own channels, the first ones of the blank ``obs`` (B, d) float32."""

    @abstractmethod
    def act(
        self, world: dict[str, Array], luck: dict[str, Array], actions: Array
    ) -> tuple[dict[str, Array], Array, Array]:
        """One step: new world, reward (B,) float64 and trial ended (B,) bool, both fresh arrays.

        Columns between episodes are computed like all others, and what comes out is not used.
        """

    @abstractmethod
    def facts(
        self,
        before: dict[str, Array],
        luck: dict[str, Array],
        actions: Array,
        after: dict[str, Array],
    ) -> dict[str, Array]:
        """All facts but ``trial``, each (B,), of the step from world ``before`` to ``after``.

        Called only if someone reads them; they count in the columns whose trial the step ended.
        Columns that the step left between episodes have another world in ``after``.
        """

    def periods(self, world: dict[str, Array]) -> Array | int:
        """Index (B,) of the period that each column is in, for pictures."""
        return 0

    # A single environment steps in plain Python where a task gives both of these; the conformance
    # tests hold them equal to ``act`` and ``observe``. Worlds and luck are those of one column, as
    # numbers and nested lists, and are not changed in place either.

    def act_alone(
        self, world: dict[str, Any], luck: dict[str, Any], action: Any
    ) -> tuple[dict[str, Any], float, bool]:
        """``act`` for one column: new world, reward, trial ended."""
        raise NotImplementedError(f"{self.name} has no step in plain Python")

    def observe_alone(self, world: dict[str, Any]) -> list[float]:
        """``observe`` for one column: the task's own channels, a fresh list."""
        raise NotImplementedError(f"{self.name} has no step in plain Python")

    @property
    def plays_alone(self) -> bool:
        """Whether there is a step in plain Python."""
        return type(self).act_alone is not InteractiveTask.act_alone
