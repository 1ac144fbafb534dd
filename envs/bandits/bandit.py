"""A bandit whose arms stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.choice_task import ChoiceTask, Session
from ..core.errors import TaskError, check_int, check_number, check_one_of
from ..core.policy import Policy
from ..core.random import Draws
from ..core.registration import register
from ..core.simulation import simulated_score
from ..core.task import Channel, Yardsticks
from .index_observer import BetaIndex, GapObserver, IndexObserver, NormalIndex
from .payouts import PAYOUTS, payouts, with_past, won

Array = npt.NDArray[Any]

#: Gaussian noise is cut off at so many standard deviations, to keep rewards within bounds.
_CUT = 5.0


@dataclass(kw_only=True, eq=False)
class Bandit(ChoiceTask):
    """Choose among arms whose worth is drawn anew for each session and stays the same within it.

    Timeline: one step per trial: choose an arm, see on the next step what it brought. An episode is
    a session of 200 trials, truncated at its end.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``go``                  1            always on
    ``prev_action_0`` ...   0, 1         arm chosen on the previous trial (none at the start)
    ``prev_reward``         0 to 1       reward of the previous trial; in the Gaussian kind
                                         within 5 sd of the worths' range
    ======================  ===========  ====================================================

    Actions: the arms.

    Reward: Bernoulli kind ``reward`` (1) or ``no_reward`` (0); Gaussian kind the arm's worth plus
    noise.

    Info at every step: ``trial_end``, ``trial``, ``correct`` (no arm is worth more), ``choice``,
    ``condition`` (0), ``best_arm``, ``rt`` (0 ms), ``reward``, ``p`` (worth of the chosen arm: its
    probability or mean), ``p_best``, ``regret`` (p_best - p).

    Score: Bernoulli kind the share of rewarded trials, Gaussian kind the worth of the chosen arm.
    Yardsticks: random and chance are the mean worth, exactly; ``oracle_full`` knows the best arm;
    optimum is that less the regret of the best policy known, simulated over 100 to 50,000 sessions
    with fixed seeds (5,000 by default, standard error .0003): with a gap the arm that is most
    probably the best one (exactly optimal for two arms), else the Bayesian observer with the
    Gittins index as Brezzi and Lai approximate it (2002, doi:10.1016/S0165-1889(01)00028-8), with
    1 - 1/(trials left) for the discount. Memoryless is not known where the previous reward is
    shown; where it is not, nothing can be learned.

    Args:
        n_arms: number of arms K, 1 to 10,000.
        kind: "bernoulli" or "gaussian".
        p: range from which worths are drawn evenly, within [0, 1].
        gap: None, or the advantage of one arm over all others, around .5.
        sd: standard deviation of the Gaussian kind's noise.

    Robbins 1952, doi:10.1090/S0002-9904-1952-09620-8. Indices: Gittins 1979,
    doi:10.1111/j.2517-6161.1979.tb01068.x.

    Versions: v0, first release. ``Bandit-Ten-v0``: ten Gaussian arms. ``Bandit-Hard-v0``: two arms,
    a gap of .1.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/Bandit-v0", n_arms=3)
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('go', 'prev_action_0', 'prev_action_1', 'prev_action_2', 'prev_reward')
    """

    trials_per_episode: int = 200
    prev_action: bool = True
    prev_reward: bool = True
    n_arms: int = 2  # type: ignore[assignment]
    kind: str = "bernoulli"
    p: Sequence[float] = (0.0, 1.0)
    gap: float | None = None
    sd: float = 0.1

    name: ClassVar[str] = "Bandit"
    family: ClassVar[str] = "bandits"
    measures = "regret, share of best choices by trial, exploration"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(PAYOUTS)

    def prepare(self) -> None:
        self.n_arms = check_int("n_arms", self.n_arms, 1, 10_000)
        self.kind = check_one_of("kind", self.kind, ("bernoulli", "gaussian"))
        if not isinstance(self.p, (list, tuple)) or len(self.p) != 2:
            raise TaskError(f"p={self.p!r} is not a range of worths; pass (low, high).")
        low, high = (check_number("p", one, low=0.0, high=1.0) for one in self.p)
        if low > high:
            raise TaskError(f"p={self.p!r} ends before it begins; put the lower bound first.")
        self.p = (low, high)
        if self.gap is not None:
            self.gap = check_number("gap", self.gap, low=0.0, high=1.0)
        self.sd = check_number("sd", self.sd, low=1e-6, high=10.0)
        self.channels = (Channel("go"),)
        self.action_space = spaces.Discrete(self.n_arms)
        self.n_conditions = 1
        self.action_names = tuple(f"arm {arm}" for arm in range(self.n_arms))
        self._payout = payouts(self.earns)

    def reward_range(self) -> tuple[float, float]:
        if self.kind == "bernoulli":
            return min(self._payout), max(self._payout)
        low, high = self._worths()
        return low - _CUT * self.sd, high + _CUT * self.sd

    def _worths(self) -> tuple[float, float]:
        """Lowest and highest worth of an arm."""
        if self.gap is not None:
            return 0.5 - self.gap / 2, 0.5 + self.gap / 2
        return self.p[0], self.p[1]

    def session(self, draws: Draws) -> Session:
        low, high = self._worths()
        if self.gap is None:
            mean = low + (high - low) * draws.uniform(1, self.n_arms)
        else:
            best = draws.integers(self.n_arms)
            mean = np.where(best[:, None, None] == np.arange(self.n_arms), high, low)
        draws = draws.stream(1).ahead(self.trials_per_episode + 1)
        # One arm is played per trial, so one value is all the luck there can be.
        if self.kind == "bernoulli":
            return Session(mean, draws.uniform(self.trials_per_episode, 1))
        noise = np.clip(draws.normal(self.trials_per_episode, 1), -_CUT, _CUT)
        return Session(mean, self.sd * noise)

    def evidence(self, reward: Array, low: float, high: float) -> Array:
        """Log likelihood ratio (n,) of an arm's worth being ``high`` rather than ``low``."""
        if self.kind == "gaussian":
            return (high - low) * (reward - (high + low) / 2) / self.sd**2
        tiny = 1e-300
        gained = won(reward, self._payout)
        loss = np.log(max(1 - high, tiny)) - np.log(max(1 - low, tiny))
        return np.where(gained > 0, np.log(max(high, tiny)) - np.log(max(low, tiny)), loss)

    def pay(self, mean: Any, luck: Any, action: Any) -> Any:
        if self.kind == "gaussian":
            return mean + luck
        low, high = self._payout
        return low + (high - low) * (luck < mean)

    # ---------------------------------------------------------------- yardsticks

    def score(self, facts: Mapping[str, Any]) -> Array:
        if self.kind == "gaussian":
            return np.asarray(facts["p"], dtype=np.float64)
        return won(facts["reward"], self._payout)

    def compute_yardsticks(self) -> Yardsticks:
        low, high = self._worths()
        if self.gap is None:
            mean = (low + high) / 2
            best = low + (high - low) * self.n_arms / (self.n_arms + 1)
        else:
            mean, best = low + (high - low) / self.n_arms, high
        learns = self.prev_reward and self.n_arms > 1 and low < high
        return Yardsticks(
            random=mean,
            chance=mean,
            memoryless=None if learns else mean,
            optimum=max(mean, self._best_known()) if learns else mean,
            oracle_full=best,
        )

    def _best_known(self) -> float:
        """What the oracle earns: the best worth, less its regret."""
        low, high = self._worths()
        arms, best = self.n_arms, high
        if self.gap is None:
            # Arms that are not tried do not matter, and there are as many trials as can be tried.
            arms = min(arms, self.trials_per_episode)
            best = low + (high - low) * arms / (arms + 1)
        task = with_past(self, n_arms=arms)
        sessions = int(np.clip(2e6 / (arms * self.trials_per_episode), 100, 50_000))
        return best - simulated_score(
            task, task.oracle(), sessions, measure=lambda facts: facts["regret"]
        )

    def oracle(self) -> Policy:
        low, high = self._worths()
        if self.gap is not None:
            return GapObserver(self, low, high)
        # Priors with the mean and the variance of the worths.
        prior = (low + high) / 2, max((high - low) ** 2 / 12, 1e-12)
        if self.kind == "bernoulli":
            return IndexObserver(self, BetaIndex(*prior, self._payout), (low, high))
        return IndexObserver(self, NormalIndex(*prior, self.sd**2), (low, high))


register(Bandit)
register(Bandit, "Ten", n_arms=10, kind="gaussian")
register(Bandit, "Hard", gap=0.1)
