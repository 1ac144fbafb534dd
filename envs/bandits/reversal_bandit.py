"""A two-armed bandit whose better arm changes without notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.choice_task import ChoiceTask, Session
from ..core.errors import check_number
from ..core.policy import Policy
from ..core.random import Draws
from ..core.registration import register
from ..core.task import Channel, Yardsticks
from .payouts import PAYOUTS, check_pair, payouts, won
from .reversal_observer import ReversalObserver
from .reversal_yardsticks import ReversalProcess, bandit_yardsticks

Array = npt.NDArray[Any]


@dataclass(kw_only=True, eq=False)
class ReversalBandit(ChoiceTask):
    """Choose between two arms, one rewarded more often, and notice when they change roles.

    Timeline: one step per trial: choose an arm, see on the next step what it brought. After each
    trial the arms change roles with probability ``hazard``. An episode is a session of 200 trials,
    truncated at its end.

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

    Score: share of rewarded trials. Yardsticks for the session from a flat prior: chance is one
    arm throughout; memoryless the best policy on the previous choice and reward, from the exact
    Markov chain (win-stay, lose-shift by default); optimum by dynamic programming on the belief
    that arm 0 is the better one (.734 by default, better arm chosen on 89 %); ``oracle_full``
    knows the better arm.

    Args:
        p: reward probability of the better and of the worse arm.
        hazard: probability of a reversal after a trial.

    Reversals at a constant hazard after Behrens, Woolrich, Walton and Rushworth 2007
    (doi:10.1038/nn1954).

    Versions: v0, first release. Reversals by criterion: ``CriterionReversal-v0``.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/ReversalBandit-v0")
    >>> obs, info = env.reset(seed=0)
    >>> obs, reward, terminated, truncated, info = env.step(1)
    >>> info["correct"], info["p"], reward
    (0, 0.2, 0.0)
    """

    trials_per_episode: int = 200
    prev_action: bool = True
    prev_reward: bool = True
    p: tuple[float, float] = (0.8, 0.2)
    hazard: float = 1 / 40

    name: ClassVar[str] = "ReversalBandit"
    family: ClassVar[str] = "bandits"
    measures = "trials to the new arm after a reversal, win-stay/lose-shift, perseveration"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(PAYOUTS)
    action_names = ("arm 0", "arm 1")
    int_facts = (*ChoiceTask.int_facts, "since_reversal")
    shade_fact = "best_arm"

    def prepare(self) -> None:
        self.p = check_pair(self.p)
        self.hazard = check_number("hazard", self.hazard, low=0.0, high=1.0)
        self.channels = (Channel("go"),)
        self.action_space = spaces.Discrete(2)
        self.n_conditions = 1
        self._process = ReversalProcess(self.p, self.hazard, 0)
        self._payout = payouts(self.earns)

    def reward_range(self) -> tuple[float, float]:
        return min(self._payout), max(self._payout)

    def session(self, draws: Draws) -> Session:
        length = self.trials_per_episode
        draws = draws.ahead(3 * length + 1)
        first = draws.bernoulli(0.5)
        luck = draws.uniform(length, 2)
        reverses = draws.bernoulli(self.hazard, length - 1)
        changes = np.concatenate([first[:, None], reverses], axis=1)
        # Arm 0 comes first where ``first`` holds.
        best = (np.cumsum(changes, axis=1) + 1) % 2
        trials = np.arange(length)
        last = np.maximum.accumulate(np.where(changes, trials, 0) * (trials > 0), axis=1)
        mean = np.where(best[:, :, None] == np.arange(2), *self.p)
        return Session(mean, luck, {"since_reversal": trials - last})

    def pay(self, mean: Any, luck: Any, action: Any) -> Any:
        low, high = self._payout
        return low + (high - low) * (luck < mean)

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


register(ReversalBandit)
