"""Two arms whose odds are stable for a while and volatile for a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.choice_task import ChoiceTask, Session
from ..core.errors import TaskError, check_flag, check_int, check_number, check_one_of
from ..core.policy import Policy
from ..core.random import Draws
from ..core.registration import register
from ..core.simulation import simulated_score
from ..core.task import Channel, Yardsticks
from .payouts import check_positive, with_past
from .volatile_observer import VolatileObserver

Array = npt.NDArray[Any]

_SESSIONS = 1000

#: No stretch is longer than this, which no session sees the end of.
_NEVER = 2**40


@dataclass(kw_only=True, eq=False)
class VolatileBandit(ChoiceTask):
    """Choose between two arms of which exactly one pays, with stable, then volatile odds.

    Timeline: one step per trial. In the stable block one arm pays with probability ``p_stable``; in
    the volatile block one pays with ``p_volatile``, and the roles change every 30 to 40 trials,
    beginning with its first. Exactly one arm pays on every trial, so either outcome tells what the
    other arm would have brought. An episode is a session of 290 trials, truncated at its end.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``go``                  1            always on
    ``magnitude_0``, _1     0 to 1       what each arm would pay now, with ``magnitudes`` only
    ``prev_action_0``, _1   0, 1         arm chosen on the previous trial (0, 0 at the start)
    ``prev_reward``         0 to 1       reward of the previous trial
    ======================  ===========  ====================================================

    Actions: 0 and 1, the arms.

    Reward: 1 where the chosen arm pays, with ``magnitudes`` its magnitude; times ``reward`` (1).

    Info at every step: ``trial_end``, ``trial``, ``correct`` (no arm was worth more), ``choice``,
    ``condition`` (0), ``best_arm``, ``volatile`` (1 in the volatile block), ``pays`` (the arm that
    paid), ``since_change`` (trials since the odds last changed), ``rt`` (0 ms), ``reward``, ``p``
    (worth of the chosen arm: its probability, times its magnitude), ``p_best``, ``regret``
    (p_best - p), ``p_arm_0`` (probability that arm 0 pays).

    Score: reward over ``reward``. Yardsticks: chance is one arm throughout; memoryless repeats what
    paid last, averaged over 1,000 simulated schedules (not known with magnitudes, or if only one
    of choice and reward is shown); ``oracle_full`` sees the odds, exactly; optimum is that less the
    regret of the exact Bayesian observer, who knows the schedule's rules and follows side and
    remaining length of the current run (choices teach it nothing, so greedy choice is optimal),
    simulated over 1,000 sessions with fixed seeds (standard error below .001). Where the previous
    reward is not shown nothing can be learned but the magnitudes.

    Args:
        stable: trials of the stable block; the volatile block has the rest of the session.
        p_stable: probability of the better arm in the stable block, from .5 to 1.
        p_volatile: the same in the volatile block.
        switch: shortest and longest run of the volatile block, in trials.
        order: "stable-first", "volatile-first" or "random".
        magnitudes: whether the arms pay f and 1 - f, f drawn evenly and shown.

    Behrens, Woolrich, Walton and Rushworth 2007, doi:10.1038/nn1954.

    Versions: v0, first release. ``VolatileBandit-Magnitudes-v0``: with magnitudes.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/VolatileBandit-v0")
    >>> obs, info = env.reset(seed=0)
    >>> env.step(0)[4]["volatile"]
    0
    """

    trials_per_episode: int = 290
    prev_action: bool = True
    prev_reward: bool = True
    stable: int = 120
    p_stable: float = 0.75
    p_volatile: float = 0.8
    switch: Sequence[int] = (30, 40)
    order: str = "stable-first"
    magnitudes: bool = False

    name: ClassVar[str] = "VolatileBandit"
    family: ClassVar[str] = "bandits"
    measures = "learning rate in the stable against the volatile block (log ratio)"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType({"reward": 1.0})
    action_names = ("arm 0", "arm 1")
    int_facts = (*ChoiceTask.int_facts, "volatile", "pays", "since_change")
    float_facts = (*ChoiceTask.float_facts, "p_arm_0")
    shade_fact = "best_arm"

    def prepare(self) -> None:
        self.stable = check_int("stable", self.stable, 0)
        if self.stable > self.trials_per_episode:
            raise TaskError(
                f"stable={self.stable} is longer than trials_per_episode="
                f"{self.trials_per_episode}; pass a shorter block or a longer session."
            )
        self.p_stable = check_number("p_stable", self.p_stable, low=0.5, high=1.0)
        self.p_volatile = check_number("p_volatile", self.p_volatile, low=0.5, high=1.0)
        if not isinstance(self.switch, (list, tuple)) or len(self.switch) != 2:
            raise TaskError(f"switch={self.switch!r} is not a pair of trials; pass (low, high).")
        low = check_int("switch", self.switch[0], 1, _NEVER)
        self.switch = (low, check_int("switch", self.switch[1], low, _NEVER))
        self.order = check_one_of("order", self.order, ("stable-first", "volatile-first", "random"))
        self.magnitudes = check_flag("magnitudes", self.magnitudes)
        check_positive(self.earns, "reward")
        shown = ("magnitude_0", "magnitude_1") if self.magnitudes else ()
        self.channels = (Channel("go"), *(Channel(name) for name in shown))
        self.action_space = spaces.Discrete(2)
        self.n_conditions = 1

    def reward_range(self) -> tuple[float, float]:
        return 0.0, self.earns["reward"]

    # ---------------------------------------------------------------- sessions

    def session(self, draws: Draws) -> Session:
        length, n = self.trials_per_episode, draws.n
        runs = (length - self.stable) // self.switch[0] + 1
        draws = draws.ahead(3 * length + runs + 3)
        first = draws.integers(2)
        flips = draws.bernoulli(0.5)
        lengths = self.switch[0] + draws.integers(self.switch[1] - self.switch[0] + 1, runs)
        luck = draws.uniform(length)
        shares = draws.uniform(length)
        begins_volatile = {
            "stable-first": np.zeros(n, dtype=bool),
            "volatile-first": np.ones(n, dtype=bool),
            "random": flips,
        }[self.order]
        changes, volatile = self._layout(lengths, begins_volatile)
        best = (first[:, None] + np.cumsum(changes, axis=1)) % 2
        trials = np.arange(length)
        last = np.maximum.accumulate(np.where(changes, trials, 0), axis=1)
        p_best = np.where(volatile, self.p_volatile, self.p_stable)
        p_arm_0 = np.where(best == 0, p_best, 1.0 - p_best)
        pays = (luck >= p_arm_0).astype(np.int64)
        shown = None
        worth = np.stack([p_arm_0, 1.0 - p_arm_0], axis=2)
        outcome = np.stack([pays == 0, pays == 1], axis=2).astype(np.float64)
        if self.magnitudes:
            share = np.stack([shares, 1.0 - shares], axis=2)
            shown = np.concatenate([np.ones((n, length, 1)), share], axis=2).astype(np.float32)
            # Arms pay what is shown, to the last bit.
            share = shown[:, :, 1:].astype(np.float64)
            worth, outcome = worth * share, outcome * share
        facts = {
            "volatile": volatile.astype(np.int64),
            "pays": pays,
            "since_change": trials - last,
            "p_arm_0": p_arm_0,
        }
        return Session(worth, outcome, facts, shown)

    def _layout(self, lengths: Array, begins_volatile: Array) -> tuple[Array, Array]:
        """Where the odds change (n, L), and which trials are volatile (n, L)."""
        length, n = self.trials_per_episode, len(lengths)
        start = np.where(begins_volatile, 0, self.stable)[:, None]
        stop = np.where(begins_volatile, length - self.stable, length)[:, None]
        trials = np.arange(length)
        volatile = (trials >= start) & (trials < stop)
        ends = start + np.cumsum(lengths, axis=1)
        changes = np.zeros((n, length + 1), dtype=bool)
        rows = np.arange(n)[:, None]
        changes[rows, np.where(ends < stop, ends, length)] = True
        # Each block begins with a change, except at the start of the session.
        changes[rows, start] = changes[rows, stop] = True
        changes[:, 0] = False
        return changes[:, :length], volatile

    def pay(self, mean: Any, luck: Any, action: Any) -> Any:
        return self.earns["reward"] * luck

    # ---------------------------------------------------------------- yardsticks

    def score(self, facts: Mapping[str, Any]) -> Array:
        return np.asarray(facts["reward"], dtype=np.float64) / self.earns["reward"]

    def compute_yardsticks(self) -> Yardsticks:
        blind = 0.25 if self.magnitudes else 0.5
        # Whoever learns nothing can still choose what pays more.
        memoryless: float | None = 0.375 if self.magnitudes else 0.5
        best = self._known_odds()
        optimum = memoryless
        if self.prev_reward:
            plain = self.prev_action and not (self.magnitudes or self.time)
            least, memoryless = memoryless, self._repeats() if plain else None
            task = with_past(self)
            regret = simulated_score(
                task, task.oracle(), _SESSIONS, measure=lambda facts: facts["regret"]
            )
            optimum = max(least, memoryless or 0.0, best - regret)
        return Yardsticks(
            random=blind, chance=blind, memoryless=memoryless, optimum=optimum, oracle_full=best
        )

    def _known_odds(self) -> float:
        """Reward of choosing the arm that is worth more."""
        stable = self.stable / self.trials_per_episode
        parts = []
        for p in (self.p_stable, self.p_volatile):
            # With magnitudes f and 1 - f the better arm is worth more if f > 1 - p.
            shared = (p * (1 - (1 - p) ** 2) + (1 - p) * (1 - p**2)) / 2
            parts.append(shared if self.magnitudes else p)
        return stable * parts[0] + (1 - stable) * parts[1]

    def _repeats(self) -> float:
        """Reward of choosing what paid last: averaged over odds, which are simulated."""
        seeds = np.arange(_SESSIONS) + 2**42
        session = self.session(Draws(seeds, np.zeros(_SESSIONS, dtype=np.int64)))
        p = session.facts["p_arm_0"]
        same = p[:, 1:] * p[:, :-1] + (1 - p[:, 1:]) * (1 - p[:, :-1])
        likely = float(same.mean()) if same.size else 0.5
        trials = self.trials_per_episode
        return (0.5 + (trials - 1) * max(likely, 1 - likely)) / trials

    def oracle(self) -> Policy:
        return VolatileObserver(self)


register(VolatileBandit)
register(VolatileBandit, "Magnitudes", magnitudes=True)
