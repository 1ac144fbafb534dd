"""The Iowa gambling task: four decks, two of which ruin those who like their high gains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import check_flag, check_one_of
from ..core.interactive_task import InteractiveTask
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.task import Channel, Yardsticks

Array = npt.NDArray[Any]
World = dict[str, Array]

#: Every card of decks A and B gains 100, of C and D 50 (Bechara and others 1994).
GAINS = np.array([100.0, 100.0, 50.0, 50.0])
_BLOCK = 10
#: Cards of the 40 in each deck that lose something, by the amount, counted from 0.
_LOSING_CARDS = (
    {
        150: (2, 17, 27, 36),
        200: (6, 14, 25, 31),
        250: (8, 13, 26, 32),
        300: (4, 16, 21, 37),
        350: (9, 11, 23, 30),
    },
    {1250: (8, 13, 20, 31)},
    {
        25: (11, 16, 24, 33, 34),
        50: (2, 4, 6, 8, 9, 19, 23, 25, 29, 38),
        75: (12, 17, 28, 36, 39),
    },
    {250: (9, 19, 28, 34)},
)


def standard_losses() -> Array:
    """(4, 40) losses of the cards in each deck, in their standard order."""
    losses = np.zeros((4, 40))
    for deck, cards in enumerate(_LOSING_CARDS):
        for loss, places in cards.items():
            losses[deck, list(places)] = loss
    return losses


@dataclass(kw_only=True, eq=False)
class IowaGambling(InteractiveTask):
    """Draw cards from four decks: two gain more on each card, and lose more in the long run.

    Timeline: one step per trial: choose a deck, see on the next step what its top card gained and
    lost. Cards of decks A and B gain 100, and ten of them lose 1,250 altogether (A in five
    portions, B in one); cards of C and D gain 50, and ten of them lose 250 (C in five portions, D
    in one). Decks begin anew after 40 cards. An episode is a session of 100 trials, truncated at
    its end.

    ======================  ===========  ======================================================
    Observation             Range        Meaning
    ======================  ===========  ======================================================
    ``go``                  1            always on
    ``gain``                0 to 1       gain of the previous card / 100 (0 at the start)
    ``loss``                0 to 1       loss of the previous card / 1250
    ``prev_action_0``, ...  0, 1         deck of the previous card (none at the start)
    ``prev_reward``         -11.5 to 1   reward of the previous card
    ======================  ===========  ======================================================

    Actions: 0 to 3, the decks as they lie.

    Reward: (gain * ``gain`` + loss * ``loss``) / 100 with weights 1 and -1: a card is worth
    between -11.5 and 1.

    Info at every step: ``trial_end``, ``trial``, ``correct`` (the deck is C or D), ``choice``
    (where the deck lies), ``condition`` (always 0: sessions differ by luck alone), ``deck`` (0 to
    3 for A to D), ``card`` (cards taken from that deck before), ``gain``, ``loss``, ``block`` (of
    20 trials, for the net score by block), ``net_score`` (cards from C and D less cards from A and
    B in the session so far), ``rt`` (0 ms), ``value`` (what the deck's cards bring on average),
    ``regret`` (25 - value).

    Score: share of cards from C and D; the net score of a session of 100 cards is 200 times that,
    less 100. Yardsticks: random 1/2; chance 1/2, or 1 where the decks always lie in their order.
    A gain gives away what kind its deck is, so the optimum, exactly, takes a bad deck first in 1
    of 2 sessions, a second one in 1 of 6, and none thereafter: .9933 in 100 trials. The best
    memoryless policy stays on a gain of 50, and goes to the next deck on one of 100, which comes to
    the same; it is not known without ``prev_action``, which this policy needs. ``oracle_full``
    knows the decks: 1. People, who do not know that gains give decks away, are far from this.

    Args:
        payoffs: "standard" for the cards in the order of 1994, "shuffled" for a new order in each
            block of ten cards and in each session (after 40 cards the same order again).
        shuffle_decks: whether decks change places from session to session; else they lie in the
            order A, B, C, D, which can be learned once and for all.

    Bechara, Damasio, Damasio and Anderson 1994 (doi:10.1016/0010-0277(94)90018-3).

    Versions: v0, first release. Variants: -Shuffled (shuffled payoffs).

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/IowaGambling-v0", shuffle_decks=False)
    >>> obs, info = env.reset(seed=0)
    >>> for card in range(9):
    ...     obs, reward, terminated, truncated, info = env.step(1)
    >>> info["gain"], info["loss"], reward, info["net_score"]
    (100, 1250, -11.5, -9)
    """

    trials_per_episode: int = 100
    prev_action: bool = True
    prev_reward: bool = True
    payoffs: str = "standard"
    shuffle_decks: bool = True

    name: ClassVar[str] = "IowaGambling"
    family: ClassVar[str] = "bandits"
    measures: ClassVar[str] = "net score by block of 20, choices by deck"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType({"gain": 1.0, "loss": -1.0})
    action_names = ("place 0", "place 1", "place 2", "place 3")
    shade_fact = "deck"
    luck_by_session = True
    int_facts = (
        *("trial", "correct", "choice", "condition", "deck", "card", "gain", "loss"),
        *("block", "net_score"),
    )
    float_facts = ("rt", "value", "regret")

    def prepare(self) -> None:
        self.payoffs = check_one_of("payoffs", self.payoffs, ("standard", "shuffled"))
        self.shuffle_decks = check_flag("shuffle_decks", self.shuffle_decks)
        self.channels = (Channel("go"), Channel("gain"), Channel("loss"))
        self.action_space = spaces.Discrete(4)
        self.n_conditions = 1
        losses = self._losses = standard_losses()
        # Enough cards for a session at one deck, and for the row behind its end.
        self._cards = self.trials_per_episode + 1
        self._again = np.arange(self._cards) % losses.shape[1]
        self._values = GAINS - losses.mean(axis=1)
        self._weights = self.earns["gain"] / 100, self.earns["loss"] / 100
        self.draws_ahead = 4 + (self.payoffs == "shuffled") * losses.size

    def reward_range(self) -> tuple[float, float]:
        gain, loss = self._weights
        rewards = gain * GAINS[:, None] + loss * standard_losses()
        return float(rewards.min()), float(rewards.max())

    # ---------------------------------------------------------------- the world

    def luck(self, draws: Draws) -> World:
        deck = np.tile(np.arange(4), (draws.n, 1))
        if self.shuffle_decks:
            deck = draws.permutation(4)
        losses = self._losses[deck]
        if self.payoffs == "shuffled":
            blocks = losses.reshape(draws.n, 4, -1, _BLOCK)
            order = draws.uniform(*blocks.shape[1:]).argsort(axis=3)
            losses = np.take_along_axis(blocks, order, axis=3).reshape(losses.shape)
        losses = losses.take(self._again, axis=2).reshape(draws.n, -1)
        return {"deck": deck, "gain": GAINS[deck], "loss": losses}

    def begin(self, luck: World) -> World:
        n = len(luck["deck"])
        return {
            "taken": np.zeros((n, 4), dtype=np.int64),
            "gain": np.zeros(n),
            "loss": np.zeros(n),
        }

    def observe(self, world: World, obs: Array) -> None:
        obs[:, 0] = 1
        obs[:, 1] = world["gain"] / 100
        obs[:, 2] = world["loss"] / 1250

    def act(self, world: World, luck: World, actions: Array) -> tuple[World, Array, Array]:
        place = np.arange(0, 4 * len(actions), 4)
        place += actions
        card = world["taken"].take(place)
        gain = luck["gain"].take(place)
        loss = luck["loss"].take(place * self._cards + card)
        taken = world["taken"].copy()
        taken.put(place, card + 1)
        reward = gain * self._weights[0]
        reward += loss * self._weights[1]
        return {"taken": taken, "gain": gain, "loss": loss}, reward, np.full(len(actions), True)

    def observe_alone(self, world: dict[str, Any]) -> list[float]:
        return [1.0, world["gain"] / 100, world["loss"] / 1250]

    def act_alone(
        self, world: dict[str, Any], luck: dict[str, Any], action: int
    ) -> tuple[dict[str, Any], float, bool]:
        taken = world["taken"].copy()
        gain, loss = luck["gain"][action], luck["loss"][action * self._cards + taken[action]]
        taken[action] += 1
        reward = gain * self._weights[0] + loss * self._weights[1]
        return {"taken": taken, "gain": gain, "loss": loss}, reward, True

    def facts(self, before: World, luck: World, actions: Array, after: World) -> World:
        every, zeros = np.arange(len(actions)), np.zeros(len(actions), dtype=np.int64)
        deck, taken = luck["deck"][every, actions], before["taken"]
        value, good = self._values[deck], luck["deck"] >= 2
        correct = deck >= 2
        return {
            "correct": correct,
            "choice": actions,
            "condition": zeros,
            "deck": deck,
            "card": taken[every, actions],
            "gain": after["gain"],
            "loss": after["loss"],
            "block": taken.sum(axis=1) // 20,
            "net_score": (taken * np.where(good, 1, -1)).sum(axis=1) + np.where(correct, 1, -1),
            "rt": zeros.astype(np.float64),
            "value": value,
            "regret": self._values.max() - value,
        }

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        if not self.shuffle_decks:
            return Yardsticks(0.5, 1.0, 1.0, 1.0, 1.0)
        # Bad decks taken first and second; a third one does not exist.
        bad = 1 / 2 + (1 / 2 * 1 / 3 if self.trials_per_episode > 1 else 0)
        best = 1 - bad / self.trials_per_episode
        return Yardsticks(0.5, 0.5, best if self.prev_action else None, best, 1.0)

    def oracle(self) -> Policy:
        return IowaObserver(ordered=not self.shuffle_decks)


class IowaObserver(Policy):
    """Goes from deck to deck, and stays where cards gain little; C where the order is known."""

    def __init__(self, *, ordered: bool) -> None:
        self._start = 2 if ordered else 0

    def begin(self, n: int) -> State:
        return (np.full(n, self._start),)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        (deck,) = state
        deck = (deck + (obs[:, 1] > 0.75)) % 4
        return deck, (deck,)


register(IowaGambling)
register(IowaGambling, "Shuffled", payoffs="shuffled")
