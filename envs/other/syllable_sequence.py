"""Choosing syllables one after another, so that they make a given sequence of movements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import TaskError
from ..core.interactive_task import InteractiveTask
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.task import Channel, Yardsticks
from .blind_choices import BlindChoices
from .syllables import MOVES, SYLLABLES

Array = npt.NDArray[Any]
World = dict[str, Array]

#: The places of the workspace, a lattice around the start.
_PLACES = np.array([[x, y] for x in (-1, 0, 1) for y in (-1, 0, 1)])
_START = len(_PLACES) // 2

# A node is the current syllable * 9 + the place of the cursor; an event is a node * 8 + a choice.


@dataclass(kw_only=True, eq=False)
class SyllableSequence(InteractiveTask):
    """Choose the next movement syllable again and again, so that they make the target sequence.

    Timeline: one step is one whole syllable. A trial is one pass of the target sequence, as many
    choices as that has syllables. It begins where a pass has just ended: the current syllable is
    the sequence's last, the cursor in the middle of the workspace, and the first choice should be
    the sequence's first syllable. Nothing is random.

    The workspace is [-1, 1]^2. A reach moves the cursor by 1, a hold leaves it where it is. A reach
    that would leave the workspace is excluded: the cursor stays, and the step earns nothing even
    if the transition is the target's. Whatever is chosen is the current syllable of the next step,
    and the trial goes on after wrong transitions.

    ========================================  =======  =======================================
    Observation                               Range    Meaning
    ========================================  =======  =======================================
    ``right``, ``up``, ``left``, ``down``     0, 1     the current syllable is this reach
    ``hold_right``, ``hold_up``,              0, 1     the current syllable is the hold of the
    ``hold_left``, ``hold_down``                       posture after this reach
    ``x``, ``y``                              -1 to 1  position of the cursor
    ========================================  =======  =======================================

    Actions: 0 to 7, the next syllable, in the order of the observations.

    Reward: ``correct`` (1) over the number of transitions for each right one, where the choice is
    the target's successor of the current syllable (the first syllable is the successor of the
    last) and the reach is not excluded; else 0. The return at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (always 0), ``correct`` and
    ``complete`` (all transitions were right), ``choice`` (the last one), ``n_right`` (right
    transitions), ``n_excluded`` (choices that would have left the workspace), ``rt`` (0 ms).

    Score: share of right transitions. Yardsticks, for a policy that neither observes nor counts
    steps (who counts needs no observation): random is exact (.113 by default), chance that of the
    best fixed probabilities of the eight choices (2/7 by default: to go to and fro between the
    first two syllables), found by growth transformations of the exact score. The current syllable
    tells its successor: memoryless and optimum are 1.

    Args:
        sequence: two or more different names out of the syllables above. By default a square with
            a hold at each corner.

    The second stage of Murray 2019, "Local online learning in recurrent networks with random
    feedback", eLife 8:e43299, doi:10.7554/eLife.43299, figure 4, in which a loop through the
    striatum learns what to command next. The paper's sequence has four movements and four holds;
    the size of the workspace and what an excluded choice costs are choices made here.
    ``caudate/Syllables-v0`` is the task of moving the cursor.

    Versions: v0, first release.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/SyllableSequence-v0", sequence=["up", "right", "hold_right"])
    >>> obs, info = env.reset()
    >>> for choice in (1, 0, 0):
    ...     obs, reward, over, truncated, info = env.step(choice)
    >>> info["n_right"], info["complete"], info["n_excluded"], obs[-2:].tolist()
    (2, 0, 1, [1.0, 1.0])
    """

    dt: float = 200.0
    sequence: Sequence[str] = (
        *("right", "hold_right", "up", "hold_up"),
        *("left", "hold_left", "down", "hold_down"),
    )

    name: ClassVar[str] = "SyllableSequence"
    family: ClassVar[str] = "other"
    measures: ClassVar[str] = "right transitions by syllable, complete sequences"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType({"correct": 1.0})
    action_names = SYLLABLES
    begins_each_trial = True
    int_facts = (
        *("trial", "condition", "correct", "choice", "complete"),
        *("n_right", "n_excluded"),
    )
    float_facts = ("rt",)

    def prepare(self) -> None:
        self._check_sequence()
        self.max_steps = len(self.sequence)
        self.channels = (
            *(Channel(syllable) for syllable in SYLLABLES),
            *(Channel(name, -1.0, 1.0) for name in ("x", "y")),
        )
        self.action_space = spaces.Discrete(len(SYLLABLES))
        self.n_conditions = 1
        self._worth = self.earns["correct"] / self.max_steps
        self._make_tables()

    def _check_sequence(self) -> None:
        given = self.sequence
        listed = isinstance(given, (list, tuple)) and all(isinstance(one, str) for one in given)
        if not listed or len(given) < 2 or len({*given} & {*SYLLABLES}) < len(given):
            raise TaskError(
                f"sequence={given!r} is not a list of two or more different syllables; choose them "
                f"out of {', '.join(SYLLABLES)}."
            )
        self.sequence = tuple(given)

    def _make_tables(self) -> None:
        """What follows from a node and from an event."""
        places, count = len(_PLACES), len(SYLLABLES)
        order = [SYLLABLES.index(one) for one in self.sequence]
        self._successor = np.full(count, order[0])
        target = np.zeros((count, count), dtype=bool)
        for current, following in zip(order, order[1:] + order[:1], strict=True):
            self._successor[current] = following
            target[current, following] = True
        aimed = _PLACES[:, None] + MOVES  # (place, choice, 2)
        excluded = (np.abs(aimed) > 1).any(axis=2)
        #: (place, choice) where the cursor comes.
        self._reached = np.where(excluded, np.arange(places)[:, None], aimed @ [3, 1] + _START)
        #: (syllable, place, choice) whether a transition earns.
        self._pays = target[:, None] & ~excluded
        after = np.arange(count) * places + self._reached
        self._first = order[-1] * places + _START
        self._next = np.tile(after, (count, 1)).ravel()
        self._right = self._pays.ravel().astype(np.int64)
        self._excluded = np.tile(excluded, (count, 1)).ravel().astype(np.int64)
        syllable, place = np.divmod(np.arange(count * places), places)
        self._shown = np.hstack([np.eye(count)[syllable], _PLACES[place]]).astype(np.float32)
        # The same for a step in plain Python.
        self._shown_alone = self._shown.tolist()
        tables = (self._next, self._right, self._excluded)
        self._alone = list(zip(*(table.tolist() for table in tables), strict=True))

    def reward_range(self) -> tuple[float, float]:
        return min(0.0, self._worth), max(0.0, self._worth)

    # ---------------------------------------------------------------- the world

    def luck(self, draws: Draws) -> World:
        return {"node": np.full(draws.n, self._first)}

    def begin(self, luck: World) -> World:
        zeros = np.zeros(len(luck["node"]), dtype=np.int64)
        return {"node": luck["node"], "step": zeros, "right": zeros, "excluded": zeros}

    def observe(self, world: World, obs: Array) -> None:
        obs[:, : self._shown.shape[1]] = self._shown.take(world["node"], axis=0)

    def act(self, world: World, luck: World, actions: Array) -> tuple[World, Array, Array]:
        event = world["node"] * len(SYLLABLES) + actions
        right, step = self._right.take(event), world["step"] + 1
        new = {
            "node": self._next.take(event),
            "step": step,
            "right": world["right"] + right,
            "excluded": world["excluded"] + self._excluded.take(event),
        }
        return new, right * self._worth, step == self.max_steps

    def observe_alone(self, world: dict[str, Any]) -> list[float]:
        return self._shown_alone[world["node"]].copy()

    def act_alone(
        self, world: dict[str, Any], luck: dict[str, Any], action: int
    ) -> tuple[dict[str, Any], float, bool]:
        node, right, excluded = self._alone[world["node"] * len(SYLLABLES) + action]
        step = world["step"] + 1
        new = {
            "node": node,
            "step": step,
            "right": world["right"] + right,
            "excluded": world["excluded"] + excluded,
        }
        return new, right * self._worth, step == self.max_steps

    def facts(self, before: World, luck: World, actions: Array, after: World) -> World:
        zeros = np.zeros(len(actions), dtype=np.int64)
        complete = after["right"] == self.max_steps
        return {
            "condition": zeros,
            "correct": complete,
            "choice": actions,
            "complete": complete,
            "n_right": after["right"],
            "n_excluded": after["excluded"],
            "rt": zeros.astype(np.float64),
        }

    # ---------------------------------------------------------------- yardsticks

    def score(self, facts: Mapping[str, Any]) -> Array:
        return np.asarray(facts["n_right"], dtype=np.float64) / self.max_steps

    @cached_property
    def blind(self) -> BlindChoices:
        """What choices with fixed probabilities bring."""
        return BlindChoices(self._pays, self._reached, self._first, self.max_steps)

    def compute_yardsticks(self) -> Yardsticks:
        even = np.full(len(SYLLABLES), 1 / len(SYLLABLES))
        chance = self.blind.score(self.blind.best(self._runs()))
        return Yardsticks(random=self.blind.score(even), chance=chance, memoryless=1.0, optimum=1.0)

    def _runs(self) -> Array:
        """(k, 8) probabilities to search from: mostly one to three syllables in a row."""
        order = [SYLLABLES.index(one) for one in self.sequence]
        starts = np.full((3 * len(order), len(SYLLABLES)), 0.1 / len(SYLLABLES))
        for row, start in enumerate(starts):
            first, length = divmod(row, 3)
            run = {order[(first + place) % len(order)] for place in range(length + 1)}
            start[list(run)] += 0.9 / len(run)
        return starts

    def oracle(self) -> Policy:
        return SequenceFollower(self)


class SequenceFollower(Policy):
    """Chooses the successor of the syllable that is shown."""

    def __init__(self, task: SyllableSequence) -> None:
        self._successor = task._successor

    def begin(self, n: int) -> State:
        return ()

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        return self._successor[obs[:, : len(SYLLABLES)].argmax(axis=1)], state


register(SyllableSequence)
