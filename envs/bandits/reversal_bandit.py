"""A two-armed bandit whose better arm changes without notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import TaskError, check_int, check_number
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.task import Channel, InteractiveTask, Yardsticks
from .reversal_yardsticks import ReversalProcess, bandit_yardsticks

Array = npt.NDArray[Any]
World = dict[str, Array]


@dataclass(kw_only=True, eq=False)
class ReversalBandit(InteractiveTask):
    """Choose between two arms, one rewarded more often, and notice when they change roles.

    Timeline: one step per trial: choose an arm, see on the next step what it brought. After each
    trial the arms change roles with probability ``hazard``; with ``criterion`` C they do so only
    after the better arm has been chosen C times in a row or more. An episode is a session of 200
    trials, truncated at its end.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``go``                  1            always on
    ``prev_action_0``, _1   0, 1         arm chosen on the previous trial (0, 0 at the start)
    ``prev_reward``         0 to 1       reward of the previous trial
    ======================  ===========  ====================================================

    Actions: 0 and 1, the arms.

    Reward: ``reward`` (1) or ``no_reward`` (0).

    Info at every step: ``trial_end``, ``trial``, ``correct`` (the better arm was chosen),
    ``choice``, ``condition`` (always 0: sessions differ by luck alone), ``best_arm``, ``reward``
    (1 if rewarded), ``since_reversal`` (trials since the arms last changed roles or the session
    began), ``rt`` (0 ms), ``p`` (reward probability of the chosen arm), ``p_best``, ``regret``
    (p_best - p).

    Score: share of rewarded trials. Yardsticks for the session from a flat prior: chance is one
    arm throughout; memoryless the best policy on the previous choice and reward, from the exact
    Markov chain (win-stay, lose-shift by default); optimum by dynamic programming on the belief
    that arm 0 is the better one (.734 by default, better arm chosen on 89 %); ``oracle_full``
    knows the better arm. With ``criterion`` the optimum is the score of the greedy Bayesian
    observer, which knows the rule, simulated over 1,000 sessions with fixed seeds (standard error
    below .001), and chance that of the same observer who sees no outcomes.

    Args:
        p: reward probability of the better and of the worse arm.
        hazard: probability of a reversal after a trial; None stands for 1/40, or for .25 with a
            criterion.
        criterion: choices of the better arm in a row that a reversal waits for; 0 for none.

    Reversals at a constant hazard after Behrens, Woolrich, Walton and Rushworth 2007
    (doi:10.1038/nn1954), by criterion after Hampton, Bossaerts and O'Doherty 2006
    (doi:10.1523/JNEUROSCI.1010-06.2006).

    Versions: v0, first release.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/ReversalBandit-v0")
    >>> obs, info = env.reset(seed=0)
    >>> obs, reward, terminated, truncated, info = env.step(1)
    >>> info["correct"], info["p"], reward
    (1, 0.8, 1.0)
    """

    trials_per_episode: int = 200
    prev_action: bool = True
    prev_reward: bool = True
    p: tuple[float, float] = (0.8, 0.2)
    hazard: float | None = None
    criterion: int = 0

    name: ClassVar[str] = "ReversalBandit"
    family: ClassVar[str] = "bandits"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(
        {"reward": 1.0, "no_reward": 0.0}
    )
    action_names = ("arm 0", "arm 1")
    int_facts = (
        *("trial", "correct", "choice", "condition"),
        *("best_arm", "reward", "since_reversal"),
    )
    shade_fact = "best_arm"
    float_facts = ("rt", "p", "p_best", "regret")

    def prepare(self) -> None:
        if not isinstance(self.p, (list, tuple)) or len(self.p) != 2:
            raise TaskError(f"p={self.p!r} is not a pair of probabilities; pass (better, worse).")
        better, worse = (check_number("p", one, low=0.0, high=1.0) for one in self.p)
        if better <= worse:
            raise TaskError(f"p={self.p!r} names no better arm; put the higher probability first.")
        self.p = (better, worse)
        self.criterion = check_int("criterion", self.criterion, 0)
        if self.hazard is None:
            self.hazard = 0.25 if self.criterion else 1 / 40
        self.hazard = check_number("hazard", self.hazard, low=0.0, high=1.0)
        self.channels = (Channel("go"),)
        self.action_space = spaces.Discrete(2)
        self.n_conditions = 1
        self._process = ReversalProcess(self.p, self.hazard, self.criterion)
        self._p = np.array([worse, better])
        self._payout = np.array([self.earns["no_reward"], self.earns["reward"]])

    def reward_range(self) -> tuple[float, float]:
        return float(self._payout.min()), float(self._payout.max())

    # ---------------------------------------------------------------- the world

    def luck(self, draws: Draws) -> World:
        values = draws.uniform(4)
        # Each arm has its own luck, so what the other arm would have brought is fixed as well:
        # (n, 4) rewards by the better arm and the chosen one.
        won = values[:, (1, 2, 1, 2)] < self._p[[1, 0, 0, 1]]
        return {
            "first_arm": (values[:, 0] < 0.5).astype(np.int64),
            "won": won,
            "reward": self._payout.take(won),
            "reversal": (values[:, 3] < self._process.hazard).astype(np.int64),
        }

    def begin(self, luck: World) -> World:
        zeros = np.zeros(len(luck["first_arm"]), dtype=np.int64)
        return {"best": luck["first_arm"], "streak": zeros, "since": zeros}

    def observe(self, world: World, obs: Array) -> None:
        obs[:, 0] = 1

    def act(self, world: World, luck: World, actions: Array) -> tuple[World, Array, Array]:
        best, streak, reverses = world["best"], world["streak"], luck["reversal"]
        if self.criterion:
            streak = np.minimum(streak + 1, self.criterion) * (actions == best)
            reverses = reverses & (streak >= self.criterion)
            streak = streak * (1 - reverses)
        new = {
            "best": best ^ reverses,
            "streak": streak,
            "since": (world["since"] + 1) * (1 - reverses),
        }
        reward = luck["reward"].take(self._cell(best, actions))
        return new, reward, np.full(len(actions), True)

    def _cell(self, best: Array, actions: Array) -> Array:
        """(B,) place of each column's case in the flat tables of luck."""
        return np.arange(0, 4 * len(actions), 4) + 2 * best + actions

    def facts(self, before: World, luck: World, actions: Array, after: World) -> World:
        best = before["best"]
        correct = actions == best
        p, same = self._p.take(correct), np.zeros(len(actions))
        return {
            "correct": correct,
            "choice": actions,
            "condition": np.zeros_like(actions),
            "best_arm": best,
            "reward": luck["won"].take(self._cell(best, actions)),
            "since_reversal": before["since"],
            "rt": same,
            "p": p,
            "p_best": same + self.p[0],
            "regret": self.p[0] - p,
        }

    # ---------------------------------------------------------------- yardsticks

    def score(self, facts: Any) -> Array:
        return np.asarray(facts["reward"], dtype=np.float64)

    def compute_yardsticks(self) -> Yardsticks:
        return bandit_yardsticks(
            self._process,
            self.trials_per_episode,
            sees_action=self.prev_action,
            sees_reward=self.prev_reward,
            sees_time=self.time,
        )

    def oracle(self) -> Policy:
        if not (self.prev_action and self.prev_reward):
            raise TaskError(
                "the oracle reads choices and rewards from the observation; make the task with "
                "prev_action=True and prev_reward=True."
            )
        return ReversalObserver(self)


class ReversalObserver(Policy):
    """The Bayesian observer: knows p, hazard and criterion, infers the better arm, chooses it."""

    def __init__(self, task: ReversalBandit) -> None:
        self._process = task._process
        self._threshold = float(task._payout.mean())
        self._rises = bool(task._payout[1] > task._payout[0])
        self._action = task.obs_names.index("prev_action_0")
        self._reward = task.obs_names.index("prev_reward")

    def begin(self, n: int) -> State:
        return (np.tile(self._process.prior(), (n, 1)),)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        (belief,) = state
        shown = obs[:, self._action : self._action + 2]
        choice = shown.argmax(axis=1)
        high = obs[:, self._reward] > self._threshold
        won = (high if self._rises else ~high).astype(np.int64)
        played = shown.max(axis=1) > 0
        belief = np.where(played[:, None], self._process.update(belief, choice, won), belief)
        return self._process.better_arm(belief), (belief,)


register(ReversalBandit)
