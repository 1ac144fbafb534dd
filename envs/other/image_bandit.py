"""A bandit whose arms are pictures that change places."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.choice_task import ChoiceTask, Session
from ..core.errors import TaskError, check_int, check_number
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.task import Yardsticks
from ..senses.banks import Bank, Nearest, Pictures, picture_bank
from .visual_delayed_match import check_levels, check_seen, seen_channels

Array = npt.NDArray[Any]


@dataclass(kw_only=True, eq=False)
class ImageBandit(ChoiceTask):
    """Find out which of two gratings pays, and choose it on whichever side it is.

    Timeline: one step per trial: two gratings side by side, a horizontal and a vertical one, on
    sides drawn anew; choose a side, see on the next step what it brought. Which orientation is the
    better one is drawn for each session of 60 trials. Phase and contrast of both are drawn anew
    on each trial.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``pixel_0_0``, ...      0 to 1       luminance of the row of two pictures, rows from above
                                         one after the other
    ``sense_0``, ...        0 to 1       with a ``sensor``, its responses to the left picture,
                                         then those to the right one
    ``prev_action_0``, _1   0, 1         side chosen on the previous trial (none at the start)
    ``prev_reward``         0, 1         reward of the previous trial
    ======================  ===========  ====================================================

    Actions: 0 left, 1 right.

    Reward: ``reward`` (1) or ``no_reward`` (0); the better grating pays with probability ``p``, the
    other one with 1 - p. The mean return of a session at the optimum is p * optimum + (1 - p) *
    (1 - optimum) times its trials.

    Info at every step: ``trial_end``, ``trial``, ``correct`` (the better grating was chosen),
    ``choice`` (side), ``condition`` (0), ``best_arm`` (side of the better one), ``better_cue`` (0
    horizontal alternation, 1 vertical), ``cue_on_left``, ``rt`` (0 ms), ``reward``, ``p``
    (probability of the chosen side), ``p_best``, ``regret``.

    Score: share of trials on which the better grating was chosen. Yardsticks are exact: random and
    chance .5; every outcome, whatever was chosen, speaks for the better grating with probability
    p, so the optimum is the mean over trials of the probability that the majority of the outcomes
    so far does so (ties count half). Memoryless is not known where the previous reward is shown.

    Args:
        p: probability of the better grating's reward, .5 to 1.
        size: rows and columns of each picture, 16 to 64.
        phases: of gratings, evenly spaced.
        contrasts: of gratings, .05 to 1.
        sensor: None (pixels), "retina", "c1" or "c2", as in ``caudate/VisualDelayedMatch-v0``.

    Reversal and bandit tasks with pictures for arms: Costa, Tran, Turchi and Averbeck 2015,
    doi:10.1523/JNEUROSCI.1989-14.2015; C1: Serre and others 2007, doi:10.1109/TPAMI.2007.56.

    Versions: v0, first release. ``ImageBandit-C1-v0``: seen by complex cells.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/ImageBandit-v0")
    >>> obs, info = env.reset(seed=0)
    >>> obs[:-3].reshape(16, 32).shape
    (16, 32)
    """

    trials_per_episode: int = 60
    prev_action: bool = True
    prev_reward: bool = True
    p: float = 0.85
    size: int = 16
    phases: int = 16
    contrasts: Sequence[float] = (0.25, 0.5, 0.75, 1.0)
    sensor: str | None = None

    name: ClassVar[str] = "ImageBandit"
    family: ClassVar[str] = "other"
    measures = "share of better choices by trial, generalisation over phase and contrast"
    optimal_return = None
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(
        {"reward": 1.0, "no_reward": 0.0}
    )
    action_names = ("left", "right")
    int_facts = (*ChoiceTask.int_facts, "better_cue", "cue_on_left")

    def prepare(self) -> None:
        self.p = check_number("p", self.p, low=0.5, high=1.0)
        self.phases = check_int("phases", self.phases, 1, 64)
        self.contrasts = check_levels("contrasts", self.contrasts, 0.05, 1.0)
        self.sensor, self.size = check_seen(self.sensor, self.size)
        self._payout = self.earns["no_reward"], self.earns["reward"]
        if self._payout[0] == self._payout[1]:
            raise TaskError("rewards has two equal values, which tell nothing; pass others.")
        self._width = 2 * self.pictures.width(self.sensor)
        self.frame = None if self.sensor else (self.size, 2 * self.size)
        self.channels = tuple(seen_channels(self.frame, self._width))
        self.action_space = spaces.Discrete(2)
        self.n_conditions = 1

    @cached_property
    def pictures(self) -> Pictures:
        """What is shown on each side."""
        return Pictures("gratings", 2, self.size, self.phases, tuple(self.contrasts))

    @property
    def bank(self) -> Bank:
        """All pictures as they are shown, computed when first asked for."""
        return picture_bank(self.pictures, self.sensor)

    def reward_range(self) -> tuple[float, float]:
        return min(self._payout), max(self._payout)

    # ---------------------------------------------------------------- trials

    def session(self, draws: Draws) -> Session:
        length, bank = self.trials_per_episode, self.bank
        better = draws.integers(2)[:, None]
        draws = draws.stream(1).ahead(4 * length)
        left = draws.integers(2, length)
        exemplar = draws.integers(bank.per_class, length, 2)
        cues = np.stack([left, 1 - left], axis=2)
        mean = np.where(cues == better[:, :, None], self.p, 1.0 - self.p)
        shown = bank.rows[cues * bank.per_class + exemplar]
        if self.sensor is None:
            n = self.size
            shown = shown.reshape(draws.n, length, 2, n, n).swapaxes(2, 3)
        facts = {"better_cue": better, "cue_on_left": left}
        luck = draws.uniform(length, 1)
        return Session(mean, luck, facts, shown.reshape(draws.n, length, -1))

    def pay(self, mean: Any, luck: Any, action: Any) -> Any:
        low, high = self._payout
        return low + (high - low) * (luck < mean)

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        right = 0.5
        if self.prev_reward and self.prev_action:
            every = range(self.trials_per_episode)
            right = sum(self._majority(count) for count in every) / self.trials_per_episode
        known = self.prev_reward or self.prev_action
        return Yardsticks(0.5, 0.5, None if known else 0.5, right, oracle_full=1.0)

    def _majority(self, count: int) -> float:
        """Probability that most of so many outcomes speak for the better grating."""
        total = 0.0
        for right in range(count // 2, count + 1):
            if 2 * right < count:
                continue
            logs = math.lgamma(count + 1) - math.lgamma(right + 1) - math.lgamma(count - right + 1)
            wrong = count - right
            if self.p == 1.0:
                share = float(wrong == 0)
            else:
                share = math.exp(logs + right * math.log(self.p) + wrong * math.log(1 - self.p))
            total += share * (0.5 if 2 * right == count else 1.0)
        return total

    def oracle(self) -> Policy:
        return CueCounter(self)


class CueCounter(Policy):
    """Counts the outcomes that speak for either grating, and chooses the one with more."""

    def __init__(self, task: ImageBandit) -> None:
        bank = task.bank
        self._nearest = Nearest(bank.rows, bank.labels)
        self._width, self._size = task._width, task.size
        self._pixels = task.sensor is None
        self._past = len(task.channels) + task.time
        self._told = task.prev_action and task.prev_reward
        self._reward = task._payout[1]

    def begin(self, n: int) -> State:
        # Outcomes for the second grating less those for the first; what was on the left.
        return np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        count, last = state
        left = self._look(obs[:, : self._width])
        if self._told:
            chosen, paid = obs[:, self._past : self._past + 2] > 0.5, obs[:, -1] == self._reward
            cue = np.where(chosen[:, 0], last, 1 - last)
            speaks = np.where(cue == paid, 1, -1)
            # Nothing was chosen before the first trial of a session.
            count = np.where(chosen.any(axis=1), count + speaks, 0)
        wanted = (count > 0).astype(np.int64)
        return np.where(left == wanted, 0, 1), (count, left)

    def _look(self, shown: Array) -> Array:
        """Which grating is on the left."""
        if self._pixels:
            pictures = shown.reshape(-1, self._size, 2, self._size)
            return self._nearest(pictures[:, :, 0].reshape(len(shown), -1))
        return self._nearest(shown[:, : self._width // 2])


register(ImageBandit)
register(ImageBandit, "C1", sensor="c1")
