"""Tasks whose stimuli do not depend on actions."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from .response import Response
from .task import MOST_ENTRIES, MOST_SHOWN, Task
from .time import MOST_STEPS

if TYPE_CHECKING:
    from .random import Draws
    from .table import Rows, Trials

Array = npt.NDArray[Any]


class Played(ABC):
    """What happened in k trials that have ended, for ``ScriptedTask.finish``.

    Everything is gathered when it is asked for; T is ``max_steps``.
    """

    @cached_property
    @abstractmethod
    def actions(self) -> Array:
        """(k, T) int64 actions by step, -1 behind the trial's end.

        Vector actions are (k, T, width), float32 with NaN or int8 with -1 behind the end.
        """

    @property
    @abstractmethod
    def last(self) -> Array:
        """(k, ...) actions of the last steps."""

    @cached_property
    @abstractmethod
    def codes(self) -> Array:
        """(k, T) int64 row codes of the steps, 0 behind the last row of the trial."""

    @abstractmethod
    def rows(self, values: str) -> Array:
        """(k, T, ...) what ``Rows`` has under that name; junk behind the last row of the trial.

        Only for tasks that ``fill``.
        """


class ScriptedTask(Task):
    """A task whose stimuli do not depend on actions: whole trials are drawn ahead.

    ``prepare`` also sets ``period_names``, ``response`` and ``max_steps``. ``int_facts`` begin with
    ``trial``, go on with what is drawn and end with the response's facts; ``float_facts`` begin
    with ``rt``.
    """

    supervised = True
    int_facts = ("trial",)
    float_facts = ("rt",)

    period_names: tuple[str, ...]
    response: Response
    max_steps: int
    #: Facts that ``finish`` computes.
    finished_facts: tuple[str, ...] = ()
    #: Whether ``finish`` wants to know the actions of the trial.
    records: ClassVar[bool] = False
    #: Values that ``Response.gain`` multiplies, where they follow from the trial's condition and
    #: the time alone: (n_conditions, steps since ``go``) float64. Else ``fill`` sets them.
    values_by_time: Array | None = None
    #: Steps from the go row to the trial's end, if they are the same in all trials.
    answer_span: int | None = None
    #: How many random values a trial takes: drawn in one go (speed only).
    draws_ahead: int = 4

    def reward_range(self) -> tuple[float, float]:
        return self.response.reward_range()

    @abstractmethod
    def draw(self, draws: Draws, trials: Trials) -> None:
        """Fill in ``draws.n`` blank trials."""

    def fill(self, rows: Rows, trials: Trials, go: Array, draws: Draws) -> None:
        """Change single rows after the periods have been laid out (noise, values, targets).

        Args:
            rows: the rows, to be changed in place.
            trials: the trials they belong to; ``trials.go`` tells rows by now, not steps.
            go: (n,) step within each trial from which reaction times count.
            draws: for values of other streams.
        """

    @property
    def fills(self) -> bool:
        """Whether ``fill`` does anything with these parameters."""
        return type(self).fill is not ScriptedTask.fill

    def teach(self, rows: Rows, trials: Trials, since: Array) -> None:
        """Set targets of single rows, where the row codes' do not do; read by teachers only.

        Args:
            rows: the rows; ``rows.target`` is to be changed in place.
            trials: the trials they belong to.
            since: (R,) steps since each row's trial's ``go``, negative before it.
        """

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        """Compute the ``finished_facts`` of finished trials in place; most tasks have none.

        Args:
            facts: per name an array over the k trials that ended.
            played: the actions of those trials, where the task ``records``.
        """

    @property
    def teaches(self) -> bool:
        """Whether ``teach`` does anything."""
        return type(self).teach is not ScriptedTask.teach

    def blank_targets(self, code: Array) -> Array:
        """Targets of rows with these codes (R,), before ``fill``."""
        return self.response.target.take(code)

    def _check_size(self) -> None:
        super()._check_size()
        self.check_fits("steps in a trial", self.max_steps, MOST_STEPS)
        shown = len(self.period_names) + (self.max_steps if self.fills or self.time else 0)
        self.check_fits("numbers to show in a trial", shown * len(self.all_channels), MOST_SHOWN)
        response = self.response
        waits = bool((response.stamps & ~response.ends).any())
        counts = (self.answer_span or self.max_steps) if waits else 1
        entries = counts * math.prod(response.shape)
        self.check_fits("entries in its table of rewards", entries, MOST_ENTRIES)

    @property
    def drawn_facts(self) -> tuple[str, ...]:
        """Facts that are known when the trial is drawn."""
        later = {"rt", *self.response.facts, *self.finished_facts}
        return tuple(name for name in self.int_facts + self.float_facts if name not in later)

    @property
    def finishes(self) -> bool:
        """Whether ``finish`` does anything."""
        return bool(self.finished_facts)


class TrackingTask(ScriptedTask):
    """A scripted task whose actions are vectors, judged against a goal on each row.

    ``fill`` sets the rows' ``target`` (R, width) float64, the goal, and their ``value``, by which
    the payoff is multiplied: the reward of a step is value * payoff(goal, action). Trials take
    their course whatever is done. ``int_facts`` end with ``correct`` and ``choice``, which
    ``finish`` may set.
    """

    records = True

    @cached_property
    def response(self) -> Response:  # type: ignore[override]
        """No answers to tell apart: one state, and one code beside the rows between episodes."""
        none = np.zeros(1, dtype=np.int64)
        return Response(codes=2, states=1, actions=1, facts={"correct": none, "choice": none})

    @property
    def fills(self) -> bool:
        return True

    def blank_targets(self, code: Array) -> Array:
        return np.zeros((len(code), *(self.action_space.shape or ())))

    @abstractmethod
    def payoff(self, goal: Sequence[Any], action: Sequence[Any]) -> Any:
        """Reward of an action per unit of the row's value.

        Written with arithmetic alone, because it is called with arrays by batches and with plain
        numbers by single environments.

        Args:
            goal: its components, each an array (n,) or a float.
            action: its components, alike.
        """

    def reward_range(self) -> tuple[float, float]:
        raise NotImplementedError(f"{self.name} states its range of rewards itself")
