"""Settling truth values so that a logic program holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import TaskError, check_int, check_one_of
from ..core.interactive_task import InteractiveTask
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.task import Channel, Yardsticks
from .horn import draw_programs, least_model, right_by_size, violated

Array = npt.NDArray[Any]
World = dict[str, Array]

CRITERIA = ("least", "model")
VIEWS = ("all", "serial")
ANSWERS = ("flip", "assign")
_PROGRAMS = 20_000  # behind yardsticks
_COLUMN = 2**42  # of their seeds, where neither training nor evaluation has theirs


@dataclass(kw_only=True, eq=False)
class HornSettle(InteractiveTask):
    """Set truth values of atoms so that a random program of Horn clauses holds, and no more.

    Timeline: with ``view="serial"`` first ``show``, one clause a step, in which actions are without
    effect; then ``settle``, in which each action turns one atom over, until the action ``stop`` or
    ``flips_per_atom`` actions for each atom have been taken. With ``answer="assign"`` it is one
    step, whose action is the assignment. Atoms begin true or false at random.

    ===============================  =======  ==================================================
    Observation                      Range    Meaning
    ===============================  =======  ==================================================
    ``go``                           0, 1     on in ``settle`` (serial view only)
    ``clause_0_atom_0`` ...          -1 to 1  1 for the head of a clause, -1 for atoms of its
                                              body, else 0; all clauses throughout, or (serial)
                                              as clause 0 the one that is shown
    ``truth_0`` ...                  -1 to 1  1 for true atoms, -1 for false ones; 0 in ``show``
    ``satisfied_0`` ...              0, 1     clauses that hold now (not in the serial view)
    ===============================  =======  ==================================================

    Actions: 0 to n_atoms - 1 turn that atom over, n_atoms stops. With ``answer="assign"`` one bit
    for each atom.

    Reward: ``energy`` (1) times the decrease of E' in each step of ``settle``, where E' is the
    number of violated clauses and, if the least model is asked for, 1 / (n_atoms + 1) for each true
    atom; ``step`` (-.01) for each of these steps; at the end ``solved`` (1) for having stopped at
    what is asked for, else ``unsolved`` (-1). The decreases add up to E' at the beginning less E'
    at the end, so that the return at the optimum depends on the trial.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (atoms that are true in the least
    model), ``correct`` (stopped at what is asked for), ``choice`` (atoms that are true at the end),
    ``stopped`` (by oneself), ``violated`` (clauses at the end), ``is_model``, ``rt`` (ms from the
    beginning of ``settle`` to the end), ``energy`` (E' at the end), ``start_energy`` (at the
    beginning), ``hamming`` (share of atoms that differ from the least model).

    Score: share of trials solved. Yardsticks: as the beginning is drawn evenly, flips without
    looking end anywhere evenly, so that chance is the share of right assignments, and random that
    times the probability of stopping in time; both are exact for the least model. With
    ``answer="assign"`` chance is that of the best fixed assignment, and so is memoryless in the
    serial view. (With flips that view shows where one is, so that memoryless is the same; it is not
    known where own actions or rewards are shown.) What is not exact comes from 20,000 programs with
    fixed seeds. With all clauses in view memoryless is the optimum; optimum is 1, by forward
    chaining.

    Args:
        n_atoms: 3 to 12.
        n_clauses: facts, rules and goals together, up to 64.
        n_facts: clauses without a body.
        n_goals: clauses without a head.
        max_body: atoms in a body, 1 to so many, at most 3.
        criterion: "least" asks for the least model; "model" for any, which takes goals, because
            without them all-true is one.
        view: "all" or "serial".
        answer: "flip" or "assign".
        flips_per_atom: actions that may be taken for each atom.

    A design of this library, on the logic programs of Sathasivam and Wan Abdullah 2008
    (arXiv:0804.4075), whose networks settle in the same energy; the least model is that of van
    Emden and Kowalski 1976 (doi:10.1145/321978.321991).

    Versions: v0, first release. Variants: -Serial (view "serial"), -Goals (any model, 2 goals),
    -Assign (answer "assign").

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/HornSettle-v0", n_atoms=3, n_clauses=2, n_facts=1)
    >>> obs, info = env.reset(seed=1)
    >>> obs[:6].reshape(2, 3).tolist()  # a fact and a rule
    [[0.0, 1.0, 0.0], [-1.0, -1.0, 1.0]]
    >>> obs[6:9].tolist()  # truth
    [-1.0, -1.0, -1.0]
    """

    dt: float = 100.0
    n_atoms: int = 6
    n_clauses: int = 8
    n_facts: int = 2
    n_goals: int = 0
    max_body: int = 2
    criterion: str = "least"
    view: str = "all"
    answer: str = "flip"
    flips_per_atom: int = 4

    name: ClassVar[str] = "HornSettle"
    family: ClassVar[str] = "other"
    measures: ClassVar[str] = "share of programs solved, violated clauses left, steps to settle"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(
        {"solved": 1.0, "unsolved": -1.0, "energy": 1.0, "step": -0.01}
    )
    optimal_return = None
    begins_each_trial = True
    int_facts = ("trial", "condition", "correct", "choice", "stopped", "violated", "is_model")
    float_facts = ("rt", "energy", "start_energy", "hamming")

    def prepare(self) -> None:
        self.n_atoms = n = check_int("n_atoms", self.n_atoms, 3, 12)
        self.n_clauses = check_int("n_clauses", self.n_clauses, 1, 64)
        self.n_facts = check_int("n_facts", self.n_facts, 0, n - 1)
        self.n_goals = check_int("n_goals", self.n_goals, 0, 64)
        self.max_body = check_int("max_body", self.max_body, 1, min(3, n - 1))
        self.flips_per_atom = check_int("flips_per_atom", self.flips_per_atom, 2, 1000)
        self.criterion = check_one_of("criterion", self.criterion, CRITERIA)
        self.view = check_one_of("view", self.view, VIEWS)
        self.answer = check_one_of("answer", self.answer, ANSWERS)
        if self.n_facts + self.n_goals > self.n_clauses:
            raise TaskError(
                f"n_facts={self.n_facts} and n_goals={self.n_goals} are more than n_clauses="
                f"{self.n_clauses}; use more clauses."
            )
        if self.criterion == "model" and not self.n_goals:
            raise TaskError(
                "criterion='model' without goals is met by all-true in every program; use n_goals "
                "of 1 or more, or criterion='least'."
            )
        self._serial, self._assigns = self.view == "serial", self.answer == "assign"
        self._shown = self.n_clauses if self._serial else 0
        self._limit = 1 if self._assigns else self.flips_per_atom * n
        self.max_steps = self._shown + self._limit
        self._epsilon = 1 / (n + 1) if self.criterion == "least" else 0.0
        self._set_spaces()
        self.n_conditions = n + 1
        self.draws_ahead = 4 * (n + 1) * self.n_clauses

    def _set_spaces(self) -> None:
        n, slots = self.n_atoms, 1 if self._serial else self.n_clauses
        names = [f"clause_{c}_atom_{a}" for c in range(slots) for a in range(n)]
        names += [f"truth_{a}" for a in range(n)]
        self.channels = (
            *((Channel("go"),) if self._serial else ()),
            *(Channel(one, -1.0, 1.0) for one in names),
            *(() if self._serial else (Channel(f"satisfied_{c}") for c in range(slots))),
        )
        self._first = int(self._serial)  # channel of the clauses
        self._truth = self._first + slots * n
        self.action_space = spaces.MultiBinary(n) if self._assigns else spaces.Discrete(n + 1)
        self.action_names = tuple(f"atom {a}" for a in range(n)) + ("stop",) * (not self._assigns)
        self.period_names = ("show", "settle") if self._serial else ("settle",)

    def reward_range(self) -> tuple[float, float]:
        most = abs(self.earns["energy"]) * (self.n_clauses + self._epsilon * self.n_atoms)
        ends = 0.0, self.earns["solved"], self.earns["unsolved"]
        steps = 0.0, self.earns["step"]
        return min(ends) + min(steps) - most, max(ends) + max(steps) + most

    # ---------------------------------------------------------------- the world

    def luck(self, draws: Draws) -> World:
        begin = draws.bernoulli(0.5, self.n_atoms)
        programs = draw_programs(
            draws, self.n_atoms, self.n_clauses, self.n_facts, self.n_goals, self.max_body
        )
        return {"program": programs, "least": least_model(programs), "begin": begin}

    def begin(self, luck: World) -> World:
        return {
            "program": luck["program"],
            "least": luck["least"],
            "truth": luck["begin"],
            "step": np.zeros(len(luck["begin"]), dtype=np.int64),
            "stopped": np.zeros(len(luck["begin"]), dtype=bool),
        }

    def observe(self, world: World, obs: Array) -> None:
        program, truth, step = world["program"], world["truth"], world["step"]
        if not self._serial:
            obs[:, : self._truth] = program.reshape(len(obs), -1)
            end = self._truth + self.n_atoms
            obs[:, self._truth : end] = 2.0 * truth - 1
            obs[:, end : end + self.n_clauses] = ~violated(program, truth)
            return
        settles = step >= self._shown
        obs[:, 0] = settles
        shown = (~settles).nonzero()[0]
        obs[shown, 1 : self._truth] = program[shown, step[shown]]
        signs = (2.0 * truth - 1) * settles[:, None]
        obs[:, self._truth : self._truth + self.n_atoms] = signs

    def act(self, world: World, luck: World, actions: Array) -> tuple[World, Array, Array]:
        program, truth, step = world["program"], world["truth"], world["step"]
        settles = step >= self._shown
        after, stopped = self._set(truth, actions, settles)
        new = {**world, "truth": after, "step": step + 1, "stopped": stopped}
        ended = stopped | (step + 1 >= self.max_steps)
        change = self._cost(program, truth) - self._cost(program, after)
        earns = self.earns
        reward = earns["energy"] * change + np.where(settles, earns["step"], 0.0)
        solved = stopped & self._right(program, world["least"], after)
        reward += np.where(ended, np.where(solved, earns["solved"], earns["unsolved"]), 0.0)
        return new, reward, ended

    def _set(self, truth: Array, actions: Array, settles: Array) -> tuple[Array, Array]:
        """Truth after actions, and which columns have stopped."""
        if self._assigns:
            return np.where(settles[:, None], actions == 1, truth), settles
        turned = actions[:, None] == np.arange(self.n_atoms)
        return truth ^ (turned & settles[:, None]), settles & (actions == self.n_atoms)

    def _cost(self, program: Array, truth: Array) -> Array:
        """E' (B,)."""
        return violated(program, truth).sum(axis=1) + self._epsilon * truth.sum(axis=1)

    def _right(self, program: Array, least: Array, truth: Array) -> Array:
        if self.criterion == "least":
            return (truth == least).all(axis=1)
        return np.logical_not(violated(program, truth).any(axis=1))

    def facts(self, before: World, luck: World, actions: Array, after: World) -> World:
        program, least = luck["program"], luck["least"]
        # Columns that began another trial in this step have its truth in ``after``.
        truth, stopped = self._set(before["truth"], actions, before["step"] >= self._shown)
        left = violated(program, truth).sum(axis=1)
        return {
            "condition": least.sum(axis=1),
            "correct": stopped & self._right(program, least, truth),
            "choice": truth.sum(axis=1),
            "stopped": stopped,
            "violated": left,
            "is_model": left == 0,
            "rt": (before["step"] + 1 - self._shown) * self.dt,
            "energy": left + self._epsilon * truth.sum(axis=1),
            "start_energy": self._cost(program, luck["begin"]),
            "hamming": (truth != least).mean(axis=1),
        }

    def periods(self, world: World) -> Array | int:
        return (world["step"] >= self._shown) * 1 if self._serial else 0

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        n = self.n_atoms
        by_size = right_by_size(self._programs(), self.criterion == "least")
        ways = np.array([comb(n, size) for size in range(n + 1)])
        even, best = float(by_size @ ways) / 2**n, float(by_size.max())
        in_time = 1.0 if self._assigns else 1 - (n / (n + 1)) ** self._limit
        blind = best if self._assigns else even
        memoryless: float | None = 1.0
        if self._serial:
            memoryless = None if self.prev_action or self.prev_reward else best
        return Yardsticks(random=even * in_time, chance=blind, memoryless=memoryless, optimum=1.0)

    def _programs(self) -> Array:
        draws = Draws(
            _COLUMN + np.arange(_PROGRAMS), np.zeros(_PROGRAMS, int), ahead=self.draws_ahead
        )
        return self.luck(draws)["program"]

    def oracle(self) -> Policy:
        return Reasoner(self)


class Reasoner(Policy):
    """Remembers the clauses and goes to what follows from them, by forward chaining."""

    def __init__(self, task: HornSettle) -> None:
        self._clauses, self._atoms = task.n_clauses, task.n_atoms
        self._first, self._truth = task._first, task._truth
        self._serial, self._assigns = task.view == "serial", task.answer == "assign"

    def begin(self, n: int) -> State:
        if not self._serial:
            return ()
        heard = np.zeros((n, self._clauses, self._atoms), dtype=np.int8)
        return heard, np.zeros(n, dtype=np.int64)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        n = len(obs)
        known = np.rint(obs[:, self._first : self._truth]).astype(np.int8)
        if self._serial:
            heard, count = (part.copy() for part in state)
            shown = (obs[:, 0] < 0.5).nonzero()[0]
            heard[shown, np.minimum(count[shown], self._clauses - 1)] = known[shown]
            count[shown] += 1
            state, program = (heard, count), heard
        else:
            program = known.reshape(n, self._clauses, self._atoms)
        goal = least_model(program)
        if self._assigns:
            return goal.astype(np.int8), state
        wrong = goal != (obs[:, self._truth : self._truth + self._atoms] > 0)
        return np.where(wrong.any(axis=1), wrong.argmax(axis=1), self._atoms), state


register(HornSettle)
register(HornSettle, "Serial", view="serial")
register(HornSettle, "Goals", criterion="model", n_goals=2)
register(HornSettle, "Assign", answer="assign")
