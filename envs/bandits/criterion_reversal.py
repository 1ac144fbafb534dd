"""A two-armed bandit whose arms change roles once the better one has been found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import check_int, check_number
from ..core.interactive_task import InteractiveTask
from ..core.policy import Policy
from ..core.random import Draws
from ..core.registration import register
from ..core.task import Channel, Yardsticks
from .payouts import PAYOUTS, check_pair, payouts, won
from .reversal_observer import ReversalObserver
from .reversal_yardsticks import ReversalProcess, bandit_yardsticks

Array = npt.NDArray[Any]
World = dict[str, Array]

#: The observer keeps one number per pair of streaks.
_LONGEST_STREAK = 50


@dataclass(kw_only=True, eq=False)
class CriterionReversal(InteractiveTask):
    """Choose between two arms that change roles some time after the better one has been found.

    Timeline: one step per trial, as in ``ReversalBandit-v0``; but the arms change roles only after
    the better one has been chosen ``criterion`` times in a row or more, and then with probability
    ``hazard`` after each trial. An episode is a session of 200 trials, truncated at its end.

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
    ``choice``, ``condition`` (always 0: sessions differ by luck alone), ``best_arm``,
    ``since_reversal`` (trials since the arms last changed roles or the session began), ``rt``
    (0 ms), ``reward``, ``p`` (reward probability of the chosen arm), ``p_best``, ``regret``
    (p_best - p).

    Score: share of rewarded trials. Yardsticks for the session from a flat prior: optimum is the
    score of the greedy Bayesian observer, which knows the rule, simulated over 1,000 sessions with
    fixed seeds (standard error below .001); chance that of the same observer who sees no outcomes,
    exactly; random and memoryless (the best policy on the previous choice and reward) from the
    exact Markov chain.

    Args:
        p: reward probability of the better and of the worse arm.
        criterion: choices of the better arm in a row that a reversal waits for, at least 1.
        hazard: probability of a reversal after each trial from then on.

    Hampton, Bossaerts and O'Doherty 2006, doi:10.1523/JNEUROSCI.1010-06.2006.

    Versions: v0, first release.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/CriterionReversal-v0", criterion=3)
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('go', 'prev_action_0', 'prev_action_1', 'prev_reward')
    """

    trials_per_episode: int = 200
    prev_action: bool = True
    prev_reward: bool = True
    p: tuple[float, float] = (0.8, 0.2)
    criterion: int = 4
    hazard: float = 0.25

    name: ClassVar[str] = "CriterionReversal"
    family: ClassVar[str] = "bandits"
    reactive = True
    measures = "trials to criterion, perseveration, win-stay/lose-shift"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(PAYOUTS)
    action_names = ("arm 0", "arm 1")
    int_facts = (
        *("trial", "correct", "choice", "condition"),
        *("best_arm", "since_reversal"),
    )
    shade_fact = "best_arm"
    float_facts = ("rt", "reward", "p", "p_best", "regret")

    def prepare(self) -> None:
        self.p = check_pair(self.p)
        self.criterion = check_int("criterion", self.criterion, 1, _LONGEST_STREAK)
        self.hazard = check_number("hazard", self.hazard, low=0.0, high=1.0)
        self.channels = (Channel("go"),)
        self.action_space = spaces.Discrete(2)
        self.n_conditions = 1
        self._process = ReversalProcess(self.p, self.hazard, self.criterion)
        self._p = np.array(self.p[::-1])
        self._payout = payouts(self.earns)

    def reward_range(self) -> tuple[float, float]:
        return min(self._payout), max(self._payout)

    # ---------------------------------------------------------------- the world

    def luck(self, draws: Draws) -> World:
        values = draws.uniform(4)
        # Each arm has its own luck, so what the other arm would have brought is fixed as well:
        # (n, 4) rewards by the better arm and the chosen one.
        won = values[:, (1, 2, 1, 2)] < self._p[[1, 0, 0, 1]]
        return {
            "first_arm": (values[:, 0] < 0.5).astype(np.int64),
            "reward": np.array(self._payout).take(won),
            "reversal": (values[:, 3] < self._process.hazard).astype(np.int64),
        }

    def begin(self, luck: World) -> World:
        zeros = np.zeros(len(luck["first_arm"]), dtype=np.int64)
        return {"best": luck["first_arm"], "streak": zeros, "since": zeros}

    def observe(self, world: World, obs: Array) -> None:
        obs[:, 0] = 1

    def act(self, world: World, luck: World, actions: Array) -> tuple[World, Array, Array]:
        best, streak, reverses = world["best"], world["streak"], luck["reversal"]
        streak = np.minimum(streak + 1, self.criterion) * (actions == best)
        reverses = reverses & (streak >= self.criterion)
        new = {
            "best": best ^ reverses,
            "streak": streak * (1 - reverses),
            "since": (world["since"] + 1) * (1 - reverses),
        }
        reward = luck["reward"].take(self._cell(best, actions))
        return new, reward, np.full(len(actions), True)

    def observe_alone(self, world: dict[str, Any]) -> list[float]:
        return [1.0]

    def act_alone(
        self, world: dict[str, Any], luck: dict[str, Any], action: int
    ) -> tuple[dict[str, Any], float, bool]:
        best = world["best"]
        reward = luck["reward"][2 * best + action]
        streak = min(world["streak"] + 1, self.criterion) if action == best else 0
        if luck["reversal"] and streak >= self.criterion:
            return {"best": 1 - best, "streak": 0, "since": 0}, reward, True
        return {"best": best, "streak": streak, "since": world["since"] + 1}, reward, True

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
            "reward": luck["reward"].take(self._cell(best, actions)),
            "since_reversal": before["since"],
            "rt": same,
            "p": p,
            "p_best": same + self.p[0],
            "regret": self.p[0] - p,
        }

    # ---------------------------------------------------------------- yardsticks

    def score(self, facts: Mapping[str, Any]) -> Array:
        return won(facts["reward"], self._payout)

    def compute_yardsticks(self) -> Yardsticks:
        return bandit_yardsticks(
            self._process,
            self.trials_per_episode,
            sees_action=self.prev_action,
            sees_reward=self.prev_reward,
            sees_time=self.time,
        )

    def oracle(self) -> Policy:
        return ReversalObserver(self, self._process, self._payout)


register(CriterionReversal)
