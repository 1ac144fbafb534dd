"""An agent that reads clauses, turns them into synapses and lets truth values settle.

What it sees it finds by names of channels: ``clause_C_atom_A`` (1 for the head, -1 in the body),
``truth_A`` (1 or -1) and, where clauses come one after another, ``go``, which is off while they do.
Its synapses are its memory: each clause that is shown is added to them and forgotten. Once there is
something to settle, it relaxes from several beginnings, takes the state of lowest energy, and acts
towards it: by one action for each atom that is turned over and a last one that stops, or by all
truth values at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from ..bandits.agent import TrialAgent, TrialOptions
from ..bandits.player import Notes, Player
from ..base import State
from ..channels import channel_names
from ..errors import AgentError
from ..filters import counted
from ..options import check_ranges, choice
from .clauses import all_events, clause_network, events_network, literals, sampled_events
from .network import HopfieldNetwork
from .relaxation import TIES, relax, relax_at_rate

Array = np.ndarray

LEARNING = ("clauses", "events")
DYNAMICS = ("asynchronous", "rate")
_CLAUSE, _TRUTH = re.compile(r"clause_(\d+)_atom_(\d+)"), re.compile(r"truth_(\d+)")
_RANGES = {
    "count": ("orders", "events", "restarts", "sweeps"),
    "positive": ("rate", "dt", "temperature"),
    "fraction": ("atom_cost",),
}


@dataclass
class HopfieldOptions(TrialOptions):
    """Hyper-parameters."""

    learning: str = "clauses"  # synapses computed from clauses, or Hebbian from their events
    events: int | None = None  # that are drawn of each clause; None: all of them, once
    orders: int = 3  # of synapses: atoms of the longest clause
    atom_cost: float | None = None  # of a true atom; None: 1 / (atoms + 1), for the least model
    dynamics: str = "asynchronous"  # one unit at a time; rate: activations, at a relaxation rate
    ties: str = "random"  # keep, random
    restarts: int = 20
    sweeps: int = 30
    rate: float = 5.0  # R; with dt it is the step of the activations
    dt: float = 0.1
    temperature: float = 0.2


@dataclass(frozen=True)
class ClauseChannels:
    """Where in an observation clauses and truth values are.

    Attributes:
        clauses: (M, N) numbers of channels.
        truth: (N,).
        go: the channel that is off while clauses are shown, None where there is none.
    """

    clauses: Array
    truth: Array
    go: int | None

    @classmethod
    def find(cls, agent: str, names: tuple[str, ...]) -> ClauseChannels:
        """By the names of channels.

        Raises:
            AgentError: there are no such channels, or some are missing.
        """
        places = {m.groups(): i for i, one in enumerate(names) if (m := _CLAUSE.fullmatch(one))}
        truth = {m.group(1): i for i, one in enumerate(names) if (m := _TRUTH.fullmatch(one))}
        n, slots = len(truth), len({clause for clause, _ in places})
        wanted = [[(str(c), str(a)) for a in range(n)] for c in range(slots)]
        if not places or any(one not in places for row in wanted for one in row):
            raise AgentError(
                f"{agent} reads clauses in channels clause_0_atom_0 ... and truth in truth_0 ..., "
                f"and the environment has {', '.join(names[:6])} ...: choose one like "
                "caudate/HornSettle-v0."
            )
        return cls(
            np.array([[places[one] for one in row] for row in wanted]),
            np.array([truth[str(a)] for a in range(n)]),
            names.index("go") if "go" in names else None,
        )


class ClausePlayer(Player):
    """Synapses from clauses, a state from synapses, actions towards the state.

    Args:
        channels: of observations.
        options: of the agent.
        flips: actions turn single atoms over, and the last one stops; else they are truth values.
    """

    def __init__(self, channels: ClauseChannels, options: HopfieldOptions, flips: bool):
        self.channels, self.options, self.flips = channels, options, flips
        self.n_atoms = len(channels.truth)
        cost = options.atom_cost
        self.atom_cost = 1 / (self.n_atoms + 1) if cost is None else cost

    def begin(self, n: int, seed: int = 0) -> State:
        seeds = counted.seeds(seed, n, "hopfield")
        n_atoms = self.n_atoms
        synapses = (np.zeros((n, *(n_atoms,) * k)) for k in range(1, self.options.orders + 1))
        nothing = np.zeros(n, np.int64)
        return seeds, nothing, np.zeros(n, bool), np.zeros((n, n_atoms)), *synapses

    def act(
        self,
        obs: Array,
        state: State,
        rng: np.random.Generator | None = None,
        notes: Notes | None = None,
    ) -> tuple[Array, State]:
        """As the base class; luck is counted from the state's seeds, ``rng`` is not used."""
        seeds, steps, settled, goal, *synapses = state
        where = self.channels
        new = ~settled
        if new.any():
            shown = np.rint(obs[:, where.clauses]).astype(np.int8)
            shown[settled] = 0
            learned = self._learn(shown, seeds, steps)
            synapses = [one + more for one, more in zip(synapses, learned.synapses, strict=True)]
        go = np.ones(len(obs), bool) if where.go is None else obs[:, where.go] > 0.5
        truth = np.where(obs[:, where.truth] > 0, 1.0, -1.0)
        due = new & go
        if due.any():
            network = HopfieldNetwork(tuple(one[due] for one in synapses))
            goal = goal.copy()
            goal[due] = self.settle(network, truth[due], seeds[due])
        settled = settled | go
        state = (seeds, steps + 1, settled, goal, *synapses)
        return self._towards(goal, truth, go), state

    def _learn(self, clauses: Array, seeds: Array, steps: Array) -> HopfieldNetwork:
        """Synapses that clauses (n, M, N) add."""
        o = self.options
        longest = int(literals(clauses).max(initial=0))
        if longest > o.orders:
            raise AgentError(
                f"hopfield: orders={o.orders} is too low for a clause of {longest} atoms: set "
                f"orders={longest}."
            )
        if o.learning == "clauses":
            return clause_network(clauses, o.orders)
        if o.events is None:
            return events_network(clauses, all_events(clauses), o.orders)
        found = []
        for one, seed, step in zip(clauses, seeds, steps, strict=True):
            # Columns draw their events alone, so that they do not depend on the batch.
            rng = np.random.default_rng([int(seed), int(step)])
            events, weights = sampled_events(one[None], o.events, rng)
            found.append(events_network(one[None], events, o.orders, weights).synapses)
        return HopfieldNetwork(tuple(np.concatenate(part) for part in zip(*found, strict=True)))

    def settle(self, network: HopfieldNetwork, truth: Array, seeds: Array) -> Array:
        """States (K, N) of lowest energy that relaxations come to.

        They begin at what is true now (K, N), at all-false and at random.
        """
        o = self.options
        shape = (len(truth), o.restarts, self.n_atoms)

        def luck(sweep: int) -> Array:
            words = counted.words(seeds, np.full(len(seeds), sweep), shape[1] * shape[2])
            return counted.uniform(words).reshape(shape)

        begin = luck(-1 % 2**32)
        states = np.where(begin < 0.5, 1.0, -1.0)
        states[:, 0] = truth
        states[:, 1:2] = -1.0
        costly = network.biased(-self.atom_cost / 2)
        if o.dynamics == "rate":
            h = states * begin
            found = relax_at_rate(costly, h, rate=o.rate, dt=o.dt, temperature=o.temperature).states
        elif o.ties == "random":
            # What an atom costs must not break ties on plateaus: it counts in the end.
            found = relax(network, states, sweeps=o.sweeps, ties="random", luck=luck).states
        else:
            found = states
        found = relax(costly, found, sweeps=o.sweeps).states
        best = costly.energy(found).argmin(1)
        return found[np.arange(len(found)), best]

    def _towards(self, goal: Array, truth: Array, go: Array) -> Array:
        """Actions (n,) or (n, N)."""
        if not self.flips:
            return ((goal > 0) & go[:, None]).astype(np.int8)
        wrong = (goal != truth) & go[:, None]
        return np.where(wrong.any(1), wrong.argmax(1), self.n_atoms)


class Hopfield(TrialAgent):
    """Settles truth values by relaxation in the energy of the clauses that it is shown.

    It is no learner from reward: what it can do, it can from its first step on.

    Args:
        env: id, ``gymnasium.Env`` or ``gymnasium.vector.VectorEnv`` whose observations have clauses
            and truth values (:mod:`.agent`); Discrete actions, one more than atoms, or MultiBinary
            ones.
        seed: decides episodes and the luck of relaxations.
        n_envs: copies played at a time (default 64 for an id).
        env_kwargs: keyword arguments of the environment, for an id.
        options: see :class:`HopfieldOptions`.

    Raises:
        AgentError: other channels or actions, or an option out of its range.

    Examples:
        >>> import caudate.envs
        >>> from caudate.agents import make_agent
        >>> agent = make_agent("hopfield", "caudate/HornSettle-v0", n_envs=8)
        >>> agent.update()["return_mean"] > 1
        True
    """

    name = "hopfield"
    options_class = HopfieldOptions
    options: HopfieldOptions

    def _make_player(self) -> ClausePlayer:
        o = self.options
        check_ranges(self.name, o, _RANGES)
        choice(self.name, "learning", o.learning, LEARNING)
        choice(self.name, "dynamics", o.dynamics, DYNAMICS)
        choice(self.name, "ties", o.ties, TIES)
        names = channel_names(self.name, self.observation_space, self.rounds.task_info)
        channels = ClauseChannels.find(self.name, names)
        return ClausePlayer(channels, o, self._flips(len(channels.truth)))

    def _flips(self, n_atoms: int) -> bool:
        space: Any = self.action_space
        if isinstance(space, gym.spaces.MultiBinary) and space.shape == (n_atoms,):
            return False
        if isinstance(space, gym.spaces.Discrete) and space.n == n_atoms + 1:
            return True
        raise AgentError(
            f"{self.name} cannot act in {space} on {n_atoms} atoms: it needs one action for each "
            "atom and one to stop, or one bit for each atom."
        )
