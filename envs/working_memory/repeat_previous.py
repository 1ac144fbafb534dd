"""Repeat the symbol of a while ago."""

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


@dataclass(kw_only=True, eq=False)
class RepeatPrevious(ScriptedTask):
    """Watch a stream of random symbols and name, at every item, the symbol exactly ``lag`` back.

    Timeline: ``length`` items, each shown for ``item`` ms and followed by a blank of ``gap`` ms.
    The answer to the last step of an item (of its gap, if there is one) counts.

    Defaults: dt 100 ms, lag 2, 4 symbols, 22 items of 100 ms without gaps.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``symbol_0`` ...        0, 1         one-hot, the symbol that is shown; all 0 in the gap
    ======================  ===========  ====================================================

    Actions: one per symbol, to name it; there is no withholding.

    Lag 0 is the item on view, lag 1 the one before it. The first ``lag`` items have no item so far
    back, and what is answered to them counts for nothing.

    Reward: per scored item ``correct`` (1) or ``error`` (-1), divided by the number of scored
    items, so that the return at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (0), ``correct`` (all scored items
    right), ``choice`` (last answer), ``rt`` (NaN), ``lag``, ``n_correct``, ``accuracy`` (share of
    the scored items that were right).

    Score: ``accuracy``. Yardsticks are exact: random, chance and, for lags above 0, memoryless
    1 / n_symbols, because symbols are independent and equally likely; optimum 1.

    Args:
        lag: how many items back, from 0.
        n_symbols: number of symbols, 2 to 64.
        length: number of items of a trial, more than ``lag``.
        item: how long each item is shown, in ms.
        gap: blank behind each item, in ms.

    After RepeatPrevious of POPGym (Morad et al. 2023, arXiv:2303.01859), where cards are dealt from
    decks and the parameter k is one more than the lag.

    Versions: v0, first release. ``RepeatPrevious-Easy-v0`` and ``-Hard-v0`` have the lags and
    lengths of POPGym's RepeatPreviousEasy (k = 4: lag 3, 51 items) and RepeatPreviousHard (k = 64:
    lag 63, 155 items).

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/RepeatPrevious-v0", lag=1)
    >>> obs, info = env.reset(seed=0)
    >>> now = obs.argmax()
    >>> obs, *_ = env.step(0)  # counts for nothing: there is no item before the first
    >>> env.step(now)[1] > 0
    True
    """

    dt: float = 100.0
    lag: int = 2
    n_symbols: int = 4
    length: int = 22
    item: float = 100.0
    gap: float = 0.0

    name: ClassVar[str] = "RepeatPrevious"
    family: ClassVar[str] = "working_memory"
    measures = "accuracy against the lag: capacity and its limits"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(
        {"correct": 1.0, "error": -1.0}
    )
    int_facts = ("trial", "condition", "lag", "n_correct", "correct", "choice")
    float_facts = ("rt", "accuracy")
    finished_facts = ("n_correct", "correct", "choice", "accuracy")
    records = True

    def prepare(self) -> None:
        self.lag = check_int("lag", self.lag, 0)
        self.n_symbols = check_int("n_symbols", self.n_symbols, 2, 64)
        self.length = check_int("length", self.length, 1, MOST_ITEMS)
        if self.length <= self.lag:
            raise TaskError(
                f"length={self.length} leaves no item with another one lag={self.lag} items before "
                f"it; pass a length of at least {self.lag + 1}."
            )
        self.item = check_number("item", self.item, low=0.0)
        self.gap = check_number("gap", self.gap, low=0.0)
        self._stream = ItemStream(self.item, self.gap, self.dt)
        self.period_names = self._stream.names * self.length
        self.channels = tuple(Channel(f"symbol_{i}") for i in range(self.n_symbols))
        self.action_space = spaces.Discrete(self.n_symbols)
        self.n_conditions = 1
        self.max_steps = self.answer_span = self.length * self._stream.window
        self.draws_ahead = self.length
        #: Row codes of scored items: + the right symbol, before the window's last step and on it.
        self._early, self._last = 2, 2 + self.n_symbols
        self.response = self._make_response()

    def _make_response(self) -> Response:
        none = np.zeros(1, dtype=np.int64)
        codes = self._last + self.n_symbols
        response = Response(codes, 1, self.n_symbols, {"correct": none, "choice": none})
        scored = self.length - self.lag
        correct, error = self.earns["correct"] / scored, self.earns["error"] / scored
        for symbol in range(self.n_symbols):
            for answer in range(self.n_symbols):
                reward = correct if answer == symbol else error
                response.rule(self._last + symbol, 0, answer, to=0, reward=reward)
            response.target[[self._early + symbol, self._last + symbol]] = symbol
        return response

    # ---------------------------------------------------------------- trials

    def draw(self, draws: Draws, trials: Trials) -> None:
        symbols = draws.integers(self.n_symbols, self.length)
        early = np.full_like(symbols, _UNSCORED)
        last = early.copy()
        right = symbols[:, : self.length - self.lag]
        early[:, self.lag :], last[:, self.lag :] = self._early + right, self._last + right
        self._stream.lay_out(trials, early, last)
        self._stream.show(trials, symbols)
        trials.fact("lag")[:] = self.lag

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        assert played is not None
        window = self._stream.window
        answered = slice((self.lag + 1) * window - 1, None, window)
        right = played.actions[:, answered] == played.codes[:, answered] - self._last
        n_correct = right.sum(axis=1)
        facts["n_correct"][:] = n_correct
        facts["accuracy"][:] = n_correct / (self.length - self.lag)
        facts["correct"][:] = n_correct == self.length - self.lag
        facts["choice"][:] = played.last

    def score(self, facts: Mapping[str, Any]) -> Array:
        return np.asarray(facts["accuracy"], dtype=np.float64)

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        guess = 1.0 / self.n_symbols
        memoryless: float | None = guess
        if self.lag == 0:
            # What is asked for is on view when the answer counts, unless there is a gap.
            memoryless = 1.0 if self._stream.shown[-1] else guess
        if self.prev_action or self.prev_reward:
            memoryless = 1.0 if memoryless == 1.0 else None
        return Yardsticks(random=guess, chance=guess, memoryless=memoryless, optimum=1.0)

    def oracle(self) -> Policy:
        return RepeatingObserver(self)


class RepeatingObserver(Policy):
    """Keeps the last lag + 1 symbols and names the oldest."""

    def __init__(self, task: RepeatPrevious) -> None:
        self._kept, self._symbols = task.lag + 1, task.n_symbols
        self._window = task._stream.window

    def begin(self, n: int) -> State:
        # Step since the episode began; the last symbols by item number modulo their count.
        return np.zeros(n, dtype=np.int64), np.zeros((n, self._kept), dtype=np.int64)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        step, symbols = state
        item, within = np.divmod(step, self._window)
        symbols = symbols.copy()
        new: Array = (within == 0).nonzero()[0]
        symbols[new, item[new] % self._kept] = obs[new, : self._symbols].argmax(axis=1)
        oldest = symbols[np.arange(len(obs)), (item + 1) % self._kept]
        return oldest, (step + 1, symbols)


register(RepeatPrevious)
register(RepeatPrevious, "Easy", lag=3, length=51)
register(RepeatPrevious, "Hard", lag=63, length=155)
