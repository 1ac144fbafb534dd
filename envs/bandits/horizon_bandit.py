"""Short games of four forced and one or six free choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.choice_task import ChoiceTask, Session
from ..core.errors import TaskError, check_number
from ..core.policy import Policy
from ..core.random import Draws
from ..core.registration import register
from ..core.simulation import simulated_score
from ..core.task import Channel, Yardsticks
from .horizon_observer import HorizonObserver
from .payouts import check_positive, with_past

Array = npt.NDArray[Any]

FORCED = 4
#: Free choices of the short and of the long games.
HORIZONS = (1, 6)
#: Trials of a short and a long game together.
PAIR = 2 * FORCED + sum(HORIZONS)
#: Means of the one arm, and what the other differs by, in hundreds of points.
BASES, GAPS = (0.4, 0.6), (0.04, 0.08, 0.12, 0.2, 0.3)
_CUT = 5.0
_SESSIONS = 1000


@dataclass(kw_only=True, eq=False)
class HorizonBandit(ChoiceTask):
    """Play short games with two new arms each: information pays if many choices are left.

    Timeline: one step per trial. A game begins with four forced choices, which show both arms twice
    (equal information) or one of them three times (unequal), and goes on with one or six free ones.
    Games with either number are equally frequent, in random order. An episode is a session of 20
    games, 150 trials, truncated at its end.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``begins``              0, 1         first trial of a game: the arms are new
    ``long``                0, 1         a game with six free choices
    ``forced_0``, _1        0, 1         this arm will be played whatever is chosen
    ``left``                0 to 1       share of the game's ten (long) or five trials left
    ``prev_action_0``, _1   0, 1         arm played on the previous trial (0, 0 at the start)
    ``prev_reward``         [-.3, 1.3]   reward of the previous trial
    ======================  ===========  ====================================================

    Actions: 0 and 1, the arms; on forced trials the forced one is played in any case.

    Reward: ``gain`` (1) times the outcome in hundreds of points: the arm's mean plus noise. One
    arm's mean is 40 or 60, the other's differs by 4, 8, 12, 20 or 30 points.

    Info at every step: ``trial_end``, ``trial``, ``correct`` (the better arm was played),
    ``choice`` (the arm that was played), ``condition`` (2 * long + unequal), ``best_arm``,
    ``game``, ``game_trial`` (from 0), ``horizon`` (1 or 6), ``free`` (1 on free choices),
    ``informative`` (the arm shown once, -1 with equal information), ``rt`` (0 ms), ``reward``,
    ``p`` (mean of the played arm), ``p_best``, ``regret``.

    Score: mean of the played arm, over all trials, the forced ones included. Yardsticks: random and
    chance .5, because arms are exchangeable; ``oracle_full`` knows the means; optimum is that less
    the regret of the exact Bayesian observer of the means with the online knowledge gradient of
    Ryzhov, Powell and Frazier 2012 (doi:10.1287/opre.1110.0999), the best policy known, simulated
    over 1,000 sessions with fixed seeds (standard error below .001). Memoryless is not known where
    the previous reward is shown; where it is not, nothing can be learned.

    Args:
        noise: standard deviation of outcomes, in hundreds of points.

    Wilson, Geana, White, Ludvig and Cohen 2014, doi:10.1037/a0038199.

    Versions: v0, first release.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/HorizonBandit-v0")
    >>> obs, info = env.reset(seed=0)
    >>> [env.step(0)[4]["free"] for trial in range(5)]
    [0, 0, 0, 0, 1]
    """

    trials_per_episode: int = 150
    prev_action: bool = True
    prev_reward: bool = True
    noise: float = 0.08

    name: ClassVar[str] = "HorizonBandit"
    family: ClassVar[str] = "bandits"
    measures = "directed and random exploration: choice curves of the first free choice by horizon"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType({"gain": 1.0})
    action_names = ("arm 0", "arm 1")
    int_facts = (*ChoiceTask.int_facts, *("game", "game_trial", "horizon", "free", "informative"))
    shade_fact = "game"

    def prepare(self) -> None:
        self.noise = check_number("noise", self.noise, low=1e-3, high=1.0)
        check_positive(self.earns, "gain")
        if self.trials_per_episode % PAIR:
            raise TaskError(
                f"trials_per_episode={self.trials_per_episode} is no multiple of {PAIR}, the "
                "trials of a short and a long game; pass such a number."
            )
        self._games = 2 * self.trials_per_episode // PAIR
        names = ("begins", "long", "forced_0", "forced_1", "left")
        self.channels = tuple(Channel(name) for name in names)
        self.action_space = spaces.Discrete(2)
        self.n_conditions = 4

    def reward_range(self) -> tuple[float, float]:
        gain, most = self.earns["gain"], _CUT * self.noise
        lowest, highest = min(BASES) - max(GAPS) - most, max(BASES) + max(GAPS) + most
        return min(gain * lowest, gain * highest), max(gain * lowest, gain * highest)

    # ---------------------------------------------------------------- sessions

    def session(self, draws: Draws) -> Session:
        n, games, length = draws.n, self._games, self.trials_per_episode
        draws = draws.ahead(11 * games + length + 1)
        long = (draws.permutation(games) % 2).astype(np.int64)
        lengths = FORCED + np.where(long, HORIZONS[1], HORIZONS[0])
        means = self._means(draws, games)
        unequal = draws.integers(2, games)
        rare = draws.integers(2, games)
        orders = np.argsort(draws.uniform(games, FORCED), axis=2, kind="stable")
        # Each forced trial's arm: two of each, or the rare one once.
        arms = np.where(unequal[:, :, None] == 1, orders == 0, orders < FORCED // 2)
        forced_arms = np.where(arms, rare[:, :, None], 1 - rare[:, :, None])
        luck = self.noise * np.clip(draws.normal(length, 1), -_CUT, _CUT)
        stops = np.cumsum(lengths, axis=1)
        trials = np.arange(length)
        rows = np.arange(n)[:, None]
        starts = np.zeros((n, length + 1), dtype=np.int64)
        starts[rows, stops] = 1
        game = np.cumsum(starts[:, :length], axis=1)
        which = game + games * rows

        def at(values: Array) -> Array:
            """Of each trial (n, length, ...), from what there is of its game (n, games, ...)."""
            return values.reshape(n * games, *values.shape[2:]).take(which, axis=0)

        length_of, is_long, is_unequal = at(lengths), at(long), at(unequal)
        place = trials - at(stops - lengths)
        free = place >= FORCED
        cue = FORCED * which + np.minimum(place, FORCED - 1)
        forced = np.where(free, -1, forced_arms.reshape(-1).take(cue))
        shown = np.stack(
            [
                *(place == 0, is_long, forced == 0, forced == 1),
                1.0 - place / length_of,
            ],
            axis=2,
        ).astype(np.float32)
        facts = {
            "condition": 2 * is_long + is_unequal,
            "game": game,
            "game_trial": place,
            "horizon": length_of - FORCED,
            "free": free.astype(np.int64),
            "informative": at(np.where(unequal == 1, rare, -1)),
        }
        return Session(at(means), luck, facts, shown, forced)

    def _means(self, draws: Draws, games: int) -> Array:
        """(n, games, 2) means: one arm at a base, the other a gap above or below."""
        base = draws.choice(BASES, games)
        gap = draws.choice(GAPS, games) * np.where(draws.bernoulli(0.5, games), 1, -1)
        first = draws.bernoulli(0.5, games)
        return np.stack([base + gap * first, base + gap * ~first], axis=2)

    def pay(self, mean: Any, luck: Any, action: Any) -> Any:
        return self.earns["gain"] * (mean + luck)

    # ---------------------------------------------------------------- yardsticks

    def score(self, facts: Mapping[str, Any]) -> Array:
        return np.asarray(facts["p"], dtype=np.float64)

    def compute_yardsticks(self) -> Yardsticks:
        means = np.array(
            [(base, base + sign * gap) for base in BASES for gap in GAPS for sign in (-1, 1)]
        )
        forced = 2 * FORCED / PAIR
        best = forced * 0.5 + (1 - forced) * float(means.max(axis=1).mean())
        optimum = 0.5
        if self.prev_reward:
            task = with_past(self)
            regret = simulated_score(
                task,
                task.oracle(),
                _SESSIONS,
                measure=lambda facts: facts["regret"] * facts["free"],
            )
            optimum = max(optimum, best - regret)
        return Yardsticks(
            random=0.5,
            chance=0.5,
            memoryless=None if self.prev_reward else 0.5,
            optimum=optimum,
            oracle_full=best,
        )

    def oracle(self) -> Policy:
        return HorizonObserver(self)


register(HorizonBandit)
