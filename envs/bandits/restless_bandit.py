"""Arms whose worth drifts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.choice_task import ChoiceTask, Session
from ..core.errors import check_int, check_number
from ..core.policy import Policy
from ..core.random import Draws
from ..core.registration import register
from ..core.simulation import simulated_score
from ..core.task import Channel, Yardsticks
from .kalman_observer import KalmanObserver
from .payouts import check_positive, with_past
from .walks import draw_back

Array = npt.NDArray[Any]

#: Outcomes are cut off at so many standard deviations of their noise.
_CUT = 5.0
_SESSIONS = 1000


@dataclass(kw_only=True, eq=False)
class RestlessBandit(ChoiceTask):
    """Choose among arms whose worths drift independently, each drawn back to the middle.

    Timeline: one step per trial: choose an arm, see on the next step what it brought. An episode is
    a session of 200 trials, truncated at its end.

    Worths, in hundreds of points: m' = centre + decay (m - centre) + drift z, started from the
    stationary distribution and kept within [0, 1]; the outcome is the worth plus noise.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``go``                  1            always on
    ``prev_action_0`` ...   0, 1         arm chosen on the previous trial (none at the start)
    ``prev_reward``         [-.2, 1.2]   reward of the previous trial
    ======================  ===========  ====================================================

    Actions: the arms.

    Reward: ``gain`` (1) times the outcome, from 0 to 1 for 0 to 100 points, up to noise.

    Info at every step: ``trial_end``, ``trial``, ``correct`` (no arm is worth more), ``choice``,
    ``condition`` (0), ``best_arm``, ``rt`` (0 ms), ``reward``, ``p`` (worth of the chosen arm),
    ``p_best``, ``regret`` (p_best - p).

    Score: worth of the chosen arm. Yardsticks: random and chance are the centre where it is .5 (by
    symmetry), else simulated; ``oracle_full`` sees the worths; optimum is the score of one Kalman
    filter per arm that knows all parameters, with the upper confidence bound mean + sd: not the
    exact optimum (other multiples of sd earn up to .0005 more with four arms, .003 with ten). All
    are simulated over 1,000 sessions with fixed seeds (standard error .001). Memoryless is not
    known where the previous reward is shown; where it is not, nothing can be learned.

    Args:
        n_arms: number of arms.
        decay: share of the distance from the centre that is kept per trial, below 1.
        centre: where worths are drawn to, in [0, 1].
        drift: standard deviation of a trial's change.
        noise: standard deviation of the outcome.

    Daw, O'Doherty, Dayan, Seymour and Dolan 2006, doi:10.1038/nature04766: decay .9836, centre 50,
    drift 2.8 and noise 4 points, the defaults here.

    Versions: v0, first release.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/RestlessBandit-v0")
    >>> obs, info = env.reset(seed=0)
    >>> env.action_space, env.unwrapped.observation_space.shape
    (Discrete(4), (6,))
    """

    trials_per_episode: int = 200
    prev_action: bool = True
    prev_reward: bool = True
    n_arms: int = 4  # type: ignore[assignment]
    decay: float = 0.9836
    centre: float = 0.5
    drift: float = 0.028
    noise: float = 0.04

    name: ClassVar[str] = "RestlessBandit"
    family: ClassVar[str] = "bandits"
    measures = "exploration bonus, switch rate, choice regressed on worth and uncertainty"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType({"gain": 1.0})

    def prepare(self) -> None:
        self.n_arms = check_int("n_arms", self.n_arms, 1, 1000)
        self.decay = check_number("decay", self.decay, low=0.0, high=0.999999)
        self.centre = check_number("centre", self.centre, low=0.0, high=1.0)
        self.drift = check_number("drift", self.drift, low=0.0, high=1.0)
        self.noise = check_number("noise", self.noise, low=0.0, high=1.0)
        self.channels = (Channel("go"),)
        self.action_space = spaces.Discrete(self.n_arms)
        self.action_names = tuple(f"arm {arm}" for arm in range(self.n_arms))
        self.n_conditions = 1
        check_positive(self.earns, "gain")
        self._spread = self.drift / np.sqrt(1.0 - self.decay**2)

    def reward_range(self) -> tuple[float, float]:
        gain = self.earns["gain"]
        ends = -gain * _CUT * self.noise, gain * (1.0 + _CUT * self.noise)
        return min(ends), max(ends)

    def session(self, draws: Draws) -> Session:
        length, arms = self.trials_per_episode, self.n_arms
        draws = draws.ahead(length * (arms + 1) + 2)
        # In order of time, as it is computed and played.
        walk = np.swapaxes(draws.normal(length, arms), 0, 1).copy()
        luck = self.noise * np.clip(draws.normal(length, 1), -_CUT, _CUT)
        walk[0] *= self._spread
        walk[1:] *= self.drift
        draw_back(walk, self.decay)
        walk += self.centre
        return Session(np.swapaxes(np.clip(walk, 0.0, 1.0, out=walk), 0, 1), luck)

    def pay(self, mean: Any, luck: Any, action: Any) -> Any:
        return self.earns["gain"] * (mean + luck)

    # ---------------------------------------------------------------- yardsticks

    def score(self, facts: Mapping[str, Any]) -> Array:
        return np.asarray(facts["p"], dtype=np.float64)

    def compute_yardsticks(self) -> Yardsticks:
        numbers = self.trials_per_episode * self.n_arms
        sessions = int(np.clip(3e6 / numbers, 50, _SESSIONS))
        seeds = np.arange(sessions) + 2**42
        worth = self.session(Draws(seeds, np.zeros(sessions, dtype=np.int64))).mean
        mean = 0.5 if self.centre == 0.5 else float(worth.mean())
        # Advantages over the arms' mean, whose expected value is known, are less noisy.
        best = mean + float((worth.max(axis=2) - worth.mean(axis=2)).mean())
        optimum = mean
        if self.prev_reward:
            task = with_past(self)
            regret = simulated_score(
                task, task.oracle(), sessions, measure=lambda facts: facts["regret"]
            )
            optimum = max(mean, best - regret)
        return Yardsticks(
            random=mean,
            chance=mean,
            memoryless=None if self.prev_reward else mean,
            optimum=optimum,
            oracle_full=best,
        )

    def oracle(self) -> Policy:
        return KalmanObserver(
            self,
            gain=self.earns["gain"],
            decay=self.decay,
            centre=self.centre,
            drift=self.drift**2,
            noise=self.noise**2,
        )


register(RestlessBandit)
