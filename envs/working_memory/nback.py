"""The n-back task."""

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
from ..core.response import Response
from ..core.scripted_task import Played, ScriptedTask
from ..core.table import Trials
from ..core.task import Channel, Yardsticks
from .item_stream import MOST_ITEMS, ItemStream

Array = npt.NDArray[Any]

_UNSCORED = 1
_OTHER, _LURE, _TARGET = range(3)
#: Row codes of scored items: + kind, before the last step of the window and on it.
_EARLY, _LAST = 2, 5


@dataclass(kw_only=True, eq=False)
class NBack(ScriptedTask):
    """Watch a stream of symbols and respond whenever one equals the symbol exactly n items back.

    Timeline: ``length`` items, each shown for ``item`` ms and followed by a blank of ``gap`` ms.
    Item and blank together are the window in which to respond; the first response counts.

    Defaults: dt 100 ms, n = 2, 6 symbols, 22 items of 100 ms without gaps, p_target .3, p_lure .2.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``symbol_0`` ...        0, 1         one-hot, the symbol that is shown; all 0 in the gap
    ======================  ===========  ====================================================

    Actions: 0 withhold, 1 respond "target".

    The first n items have nothing to be compared with and count for nothing. Each other item is a
    target with probability ``p_target``, independently. A non-target is a lure (it equals the item
    n - 1 or n + 1 back) with probability ``p_lure``, as far as the items shown before allow; the
    symbols within each class are equally likely.

    Reward: per scored item ``hit`` (1) or ``false_alarm`` (-1) with the response, ``miss`` (-1) or
    ``correct_rejection`` (1) at the window's last step; each divided by the number of scored
    items, so that the return at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (0), ``correct`` (all scored items
    right), ``choice`` (1 if there was any response to a scored item), ``rt`` (mean over the hits,
    ms from the item's onset; NaN without hits), ``n_targets``, ``n_lures``, ``hits``,
    ``false_alarms`` (to lures too), ``lure_false_alarms``, ``n_correct`` (hits and correct
    rejections), ``accuracy`` (the same as a share of the scored items).

    Score: ``accuracy``. Yardsticks are exact: chance max(p_target, 1 - p_target), reached by never
    or always responding; memoryless the same, because by symmetry no symbol tells whether it is a
    target; random from the chance of some response in a window; optimum 1.

    Args:
        n: how many items back, 1 to 32.
        n_symbols: number of symbols, 2 to 64; lures are sure to be possible with 4 or more.
        length: number of items of a trial, more than n.
        p_target: probability that a scored item is a target.
        p_lure: probability that a non-target is a lure.
        item: how long each item is shown, in ms.
        gap: blank behind each item, in ms.

    Kirchner 1958, "Age differences in short-term retention of rapidly changing information",
    doi:10.1037/h0043688; lures after Kane, Conway, Miura and Colflesh 2007,
    doi:10.1037/0278-7393.33.3.615.

    Versions: v0, first release. ``NBack-Easy-v0``: n = 1. ``NBack-Hard-v0``: n = 3, 23 items.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/NBack-v0", n_symbols=4)
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('symbol_0', 'symbol_1', 'symbol_2', 'symbol_3')
    >>> env.unwrapped.task.yardsticks.chance
    0.7
    """

    dt: float = 100.0
    n: int = 2
    n_symbols: int = 6
    length: int = 22
    p_target: float = 0.3
    p_lure: float = 0.2
    item: float = 100.0
    gap: float = 0.0

    name: ClassVar[str] = "NBack"
    family: ClassVar[str] = "working_memory"
    measures = "hits and false alarms: d', criterion, cost of lures, against n"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(
        {"hit": 1.0, "miss": -1.0, "false_alarm": -1.0, "correct_rejection": 1.0}
    )
    action_names = ("withhold", "target")
    int_facts = (
        *("trial", "condition", "n_targets", "n_lures"),
        *("hits", "false_alarms", "lure_false_alarms", "n_correct", "correct", "choice"),
    )
    float_facts = ("rt", "accuracy")
    finished_facts = (*int_facts[4:], *float_facts)
    records = True

    def prepare(self) -> None:
        self.n = check_int("n", self.n, 1, 32)
        self.n_symbols = check_int("n_symbols", self.n_symbols, 2, 64)
        self.length = check_int("length", self.length, 2, MOST_ITEMS)
        if self.length <= self.n:
            raise TaskError(
                f"length={self.length} leaves no item with another one n={self.n} items before "
                f"it; pass a length of at least {self.n + 1}."
            )
        self.p_target = check_number("p_target", self.p_target, low=0.0, high=1.0)
        self.p_lure = check_number("p_lure", self.p_lure, low=0.0, high=1.0)
        self.item = check_number("item", self.item, low=0.0)
        self.gap = check_number("gap", self.gap, low=0.0)
        self._stream = ItemStream(self.item, self.gap, self.dt)
        self._scored = self.length - self.n
        self.period_names = self._stream.names * self.length
        self.channels = tuple(Channel(f"symbol_{i}") for i in range(self.n_symbols))
        self.action_space = spaces.Discrete(2)
        self.n_conditions = 1
        self.max_steps = self.answer_span = self.length * self._stream.window
        self.draws_ahead = 2 * self.length
        self.response = self._make_response()

    def _make_response(self) -> Response:
        none = np.zeros(2, dtype=np.int64)
        # State 1: this item has been responded to.
        response = Response(_LAST + 3, 2, 2, {"correct": none, "choice": none})
        earns = {key: value / self._scored for key, value in self.earns.items()}
        for kind in (_OTHER, _LURE, _TARGET):
            target = kind == _TARGET
            yes, no = ("hit", "miss") if target else ("false_alarm", "correct_rejection")
            response.rule(_EARLY + kind, 0, 1, to=1, reward=earns[yes])
            response.rule(_LAST + kind, 0, 1, to=0, reward=earns[yes])
            response.rule(_LAST + kind, 0, 0, to=0, reward=earns[no])
            for action in (0, 1):
                response.rule(_LAST + kind, 1, action, to=0)
            response.target[[_EARLY + kind, _LAST + kind]] = target
        return response

    # ---------------------------------------------------------------- trials

    def draw(self, draws: Draws, trials: Trials) -> None:
        symbols, kinds = self._draw_stream(draws)
        unscored = np.arange(self.length) < self.n
        early = np.where(unscored, _UNSCORED, _EARLY + kinds)
        self._stream.lay_out(trials, early, np.where(unscored, _UNSCORED, _LAST + kinds))
        self._stream.show(trials, symbols)
        scored = kinds[:, self.n :]
        trials.fact("n_targets")[:] = (scored == _TARGET).sum(axis=1)
        trials.fact("n_lures")[:] = (scored == _LURE).sum(axis=1)

    def _draw_stream(self, draws: Draws) -> tuple[Array, Array]:
        """Symbols and kinds of the items, both (n, length) int64."""
        # By item, so that all trials' values of one item lie side by side.
        kind_luck, symbol_luck = draws.uniform(2, self.length).transpose(1, 2, 0).copy()
        symbols = (symbol_luck * self.n_symbols).astype(np.int64)
        kinds = np.zeros_like(symbols)
        none = np.full(draws.n, self.n_symbols)  # no such symbol
        for item in range(self.n, self.length):
            back = symbols[item - self.n]
            later = symbols[item - self.n + 1] if self.n > 1 else none
            earlier = symbols[item - self.n - 1] if item > self.n else none
            kinds[item], symbols[item] = self._draw_item(
                back, later, earlier, kind_luck[item], symbol_luck[item]
            )
        return symbols.T, kinds.T

    def _draw_item(
        self, back: Array, later: Array, earlier: Array, kind_luck: Array, symbol_luck: Array
    ) -> tuple[Array, Array]:
        """Kind and symbol of one item (n,), from the symbols n, n - 1 and n + 1 back."""
        none = self.n_symbols
        later = np.where(later == back, none, later)
        earlier = np.where((earlier == back) | (earlier == later), none, earlier)
        n_lures = (later < none).astype(np.int64) + (earlier < none)
        n_others = none - 1 - n_lures
        target = kind_luck < self.p_target
        wanted = kind_luck < self.p_target + (1.0 - self.p_target) * self.p_lure
        # With few symbols there may be no other non-target than a lure.
        lure = (wanted & (n_lures > 0)) | (n_others == 0)
        rank = (symbol_luck * np.where(lure, n_lures, n_others)).astype(np.int64)
        lured = np.where((later == none) | (rank == 1), earlier, later)
        # Count past the symbols that would make it a target or a lure, in ascending order.
        low, high = np.minimum(back, later), np.maximum(back, later)
        middle = np.maximum(low, np.minimum(high, earlier))
        for skipped in (np.minimum(low, earlier), middle, np.maximum(high, earlier)):
            rank += rank >= skipped
        kind = np.where(target, _TARGET, np.where(lure, _LURE, _OTHER))
        return kind, np.where(target, back, np.where(lure, lured, rank))

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        assert played is not None
        window, first = self._stream.window, self.n * self._stream.window
        pressed = (played.actions[:, first:] == 1).reshape(-1, self._scored, window)
        responded, step = pressed.any(axis=2), pressed.argmax(axis=2)
        kind = (played.codes[:, first::window] - _EARLY) % 3
        hit = responded & (kind == _TARGET)
        hits = hit.sum(axis=1)
        alarms = responded.sum(axis=1) - hits
        n_correct = self._scored - facts["n_targets"] + hits - alarms
        facts["hits"][:], facts["false_alarms"][:] = hits, alarms
        facts["lure_false_alarms"][:] = (responded & (kind == _LURE)).sum(axis=1)
        facts["n_correct"][:], facts["accuracy"][:] = n_correct, n_correct / self._scored
        facts["correct"][:] = n_correct == self._scored
        facts["choice"][:] = responded.any(axis=1)
        mean = (hit * step).sum(axis=1) * self.dt / np.maximum(hits, 1)
        facts["rt"][:] = np.where(hits, mean, np.nan)

    def score(self, facts: Mapping[str, Any]) -> Array:
        return np.asarray(facts["accuracy"], dtype=np.float64)

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        withheld = 0.5**self._stream.window
        constant = max(self.p_target, 1.0 - self.p_target)
        return Yardsticks(
            random=self.p_target * (1.0 - withheld) + (1.0 - self.p_target) * withheld,
            chance=constant,
            # Own actions and rewards could be used to carry a symbol.
            memoryless=None if self.prev_action or self.prev_reward else constant,
            optimum=1.0,
        )

    def oracle(self) -> Policy:
        return NBackObserver(self)


class NBackObserver(Policy):
    """Keeps the last n symbols and responds as soon as a target is shown."""

    def __init__(self, task: NBack) -> None:
        self._n, self._symbols = task.n, task.n_symbols
        self._window, self._steps = task._stream.window, task.max_steps

    def begin(self, n: int) -> State:
        # Step within the trial; the last symbols by item number modulo n.
        return np.zeros(n, dtype=np.int64), np.zeros((n, self._n), dtype=np.int64)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        step, symbols = state
        item, within = np.divmod(step, self._window)
        shown, place = obs[:, : self._symbols].argmax(axis=1), item % self._n
        onset: Array = within == 0
        back = symbols[np.arange(len(obs)), place]
        target = onset & (item >= self._n) & (back == shown)
        symbols = symbols.copy()
        symbols[onset.nonzero()[0], place[onset]] = shown[onset]
        return target.astype(np.int64), ((step + 1) % self._steps, symbols)


register(NBack)
register(NBack, "Easy", n=1)
register(NBack, "Hard", n=3, length=23)
