"""Store and recall bits on command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import TaskError, check_flag, check_int, check_number
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.response import Response
from ..core.scripted_task import Played, ScriptedTask
from ..core.table import Rows, Trials
from ..core.task import Channel, Yardsticks
from .item_stream import MOST_ITEMS, ItemStream

Array = npt.NDArray[Any]

_IDLE, _STORE, _RECALL = range(3)
#: Row codes: ``_OTHER``, ``_STORED``, then recalls by value, before the last step and on it.
_OTHER, _STORED, _ASKED = 1, 2, 3


@dataclass(kw_only=True, eq=False)
class StoreRecall(ScriptedTask):
    """Store the bits on view when a store cue comes, ignore those after it, and recall on command.

    Timeline: ``length`` segments of ``item`` ms. Each shows random bits, except recall segments,
    where none are shown. The answer to the last step of a recall segment counts.

    Defaults: dt 100 ms, 1 bit, 12 segments of 100 ms, p_store .4, p_recall .3, lag 1 to 5 segments.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``bit_0`` ...           0, 1         the bits on view; 0 while recalling
    ``store``               0, 1         store cue, throughout its segment
    ``recall``              0, 1         recall cue, throughout its segment
    ======================  ===========  ====================================================

    With ``spikes`` each of these is a population of ``n_units`` channels that are 1 where a unit
    spikes: ``bit_0_on_0`` ... (active if the bit is 1), ``bit_0_off_0`` ... (if it is 0),
    ``store_0`` ..., ``recall_0`` .... Units of active populations spike with the probability that a
    Poisson process of ``rate`` has events in a step; one spike of each active population in each
    segment is certain, at a random step and unit. Silent populations do not spike.

    Actions: the 2**n_bits values, bit 0 counting 1, bit 1 counting 2, ...; there is no withholding.

    While nothing is stored each segment is a store with probability ``p_store``. A recall follows
    each store: from the shortest lag on each segment is it with probability ``p_recall``, at the
    longest lag for certain; then something new may be stored. No store comes too late for its
    recall, and the first one comes in time for every trial to have a recall.

    Reward: per recall ``correct`` (1) or ``error`` (0), divided by the number of recalls of the
    trial. The return at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (0), ``correct`` (all recalls right),
    ``choice`` (answer to the last recall), ``rt`` (NaN), ``n_recalls``, ``n_correct``,
    ``accuracy`` (share of recalls that were right) and, for each lag in segments,
    ``accuracy_lag_1`` ... (the same for recalls at that lag, NaN without any) and ``n_lag_1`` ...
    (their number).

    Score: ``accuracy``. Yardsticks are exact: random, chance and memoryless 2**-n_bits, because
    bits are independent and fair and recall segments do not show them; optimum 1, with spikes too,
    because no segment is silent.

    Args:
        n_bits: number of bits, 1 to 8.
        length: number of segments, more than the longest lag.
        p_store: probability of a store in a segment while nothing is stored.
        p_recall: probability of the recall in a segment from the shortest lag on.
        lag: segments from store to recall, 1 to 64, or (shortest, longest).
        item: length of a segment in ms.
        spikes: populations of spiking units instead of one channel per bit and cue.
        rate: firing rate of active units, in Hz.
        n_units: units per population, 1 to 50.

    The task of Salaj et al. 2021, "Spike frequency adaptation supports network computations on
    temporally dispersed information", doi:10.7554/eLife.65459.

    Versions: v0, first release. ``StoreRecall-Hard-v0``: 4 bits, lags 1 to 12, 30 segments.
    ``StoreRecall-Spikes-v0``: spikes, dt 10 ms.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/StoreRecall-v0", n_bits=2)
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names, int(env.action_space.n)
    (('bit_0', 'bit_1', 'store', 'recall'), 4)
    """

    dt: float = 100.0
    n_bits: int = 1
    length: int = 12
    p_store: float = 0.4
    p_recall: float = 0.3
    lag: int | Sequence[int] = (1, 5)
    item: float = 100.0
    spikes: bool = False
    rate: float = 50.0
    n_units: int = 5

    name: ClassVar[str] = "StoreRecall"
    family: ClassVar[str] = "working_memory"
    measures = "recall accuracy against the lag, with distracting bits in between"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(
        {"correct": 1.0, "error": 0.0}
    )
    records = True

    def prepare(self) -> None:
        self.n_bits = check_int("n_bits", self.n_bits, 1, 8)
        self.p_store = check_number("p_store", self.p_store, low=0.0, high=1.0)
        self.p_recall = check_number("p_recall", self.p_recall, low=0.0, high=1.0)
        self.spikes = check_flag("spikes", self.spikes)
        self.rate = check_number("rate", self.rate, low=0.0)
        self.n_units = check_int("n_units", self.n_units, 1, 50)
        self.item = check_number("item", self.item, low=0.0)
        self._shortest, self._longest = self._check_lag()
        self.length = check_int("length", self.length, 2, MOST_ITEMS)
        if self.length <= self._longest:
            raise TaskError(
                f"length={self.length} segments leave no room for a lag of {self._longest}; pass a "
                f"length of at least {self._longest + 1}."
            )
        self._stream = ItemStream(self.item, 0.0, self.dt)
        self._values = 2**self.n_bits
        self.period_names = self._stream.names * self.length
        self.max_steps = self.answer_span = self.length * self._stream.window
        self.n_conditions = 1
        self.draws_ahead = 2 * self.length
        self._set_channels()
        self._set_facts()
        self.response = self._make_response()

    def _check_lag(self) -> tuple[int, int]:
        if not isinstance(self.lag, (list, tuple)):
            lag = check_int("lag", self.lag, 1, 64)
            return lag, lag
        if len(self.lag) != 2:
            raise TaskError(
                f"lag={self.lag!r} is not a number or a pair; pass a number of segments or "
                "(shortest, longest)."
            )
        shortest, longest = (check_int("lag", one, 1, 64) for one in self.lag)
        if longest < shortest:
            raise TaskError(f"lag={self.lag!r} ends before it begins; put the shortest lag first.")
        return shortest, longest

    def _set_channels(self) -> None:
        names = [f"bit_{i}" for i in range(self.n_bits)]
        if self.spikes:
            names = [f"{bit}_{side}" for bit in names for side in ("on", "off")]
        names += ["store", "recall"]
        self._populations = len(names)
        if self.spikes:
            names = [f"{name}_{unit}" for name in names for unit in range(self.n_units)]
        self.channels = tuple(Channel(name) for name in names)
        self.action_space = spaces.Discrete(self._values)

    def _set_facts(self) -> None:
        lags = range(self._shortest, self._longest + 1)
        counts = tuple(f"n_lag_{lag}" for lag in lags)
        shares = tuple(f"accuracy_lag_{lag}" for lag in lags)
        self.int_facts = (
            *("trial", "condition", "n_recalls", *counts),
            *("n_correct", "correct", "choice"),
        )
        self.float_facts = ("rt", "accuracy", *shares)
        self.finished_facts = ("n_correct", "correct", "choice", *counts, "accuracy", *shares)

    def _make_response(self) -> Response:
        none = np.zeros(1, dtype=np.int64)
        values = np.arange(self._values)
        codes = _ASKED + 2 * self._values
        response = Response(codes, 1, self._values, {"correct": none, "choice": none})
        self._answered = _ASKED + self._values
        right = values[:, None] == values
        # Per unit of the row's value, which is one over the number of recalls.
        response.gain[self._answered :, 0] = np.where(
            right, self.earns["correct"], self.earns["error"]
        )
        response.target[_ASKED:] = np.tile(values, 2)
        return response

    # ---------------------------------------------------------------- trials

    def draw(self, draws: Draws, trials: Trials) -> None:
        luck = draws.uniform(self.length)
        values = draws.integers(self._values, self.length)
        kinds, stored = self._schedule(luck, values)
        store, recall = kinds == _STORE, kinds == _RECALL
        early = np.where(recall, _ASKED + stored, np.where(store, _STORED, _OTHER))
        self._stream.lay_out(trials, early, np.where(recall, self._answered + stored, early))
        shown = self._active(values, store, recall)
        per_segment = len(self._stream.names)
        units = self.n_units if self.spikes else 1
        trials.patterns[:] = shown.repeat(per_segment, axis=1).repeat(units, axis=2)
        trials.fact("n_recalls")[:] = recall.sum(axis=1)

    def _schedule(self, luck: Array, values: Array) -> tuple[Array, Array]:
        """Kind of each segment, and the value that is held in it, both (n, length) int64."""
        kinds, stored = np.zeros_like(values), np.zeros_like(values)
        # Segments since the store, below 0 while nothing is stored.
        since = np.full(len(values), -1)
        held, never = np.zeros_like(since), np.ones(len(values), dtype=bool)
        latest = self.length - 1 - self._longest
        for segment in range(self.length):
            free = since < 0
            lag = since + 1
            certain = never & (segment == latest)
            store = free & (segment <= latest) & ((luck[:, segment] < self.p_store) | certain)
            due = (luck[:, segment] < self.p_recall) | (lag == self._longest)
            recall = ~free & (lag >= self._shortest) & due
            held = np.where(store, values[:, segment], held)
            never &= ~store
            since = np.where(store, 0, np.where(free | recall, -1, lag))
            kinds[:, segment] = np.where(store, _STORE, np.where(recall, _RECALL, _IDLE))
            stored[:, segment] = held
        return kinds, stored

    def _active(self, values: Array, store: Array, recall: Array) -> Array:
        """(n, length, populations) bool, what is on in each segment."""
        bits = (values[:, :, None] >> np.arange(self.n_bits)) & 1 == 1
        if self.spikes:
            bits = np.stack([bits, ~bits], axis=3).reshape(*values.shape, -1)
        bits = bits & ~recall[:, :, None]
        return np.concatenate([bits, store[:, :, None], recall[:, :, None]], axis=2)

    def fill(self, rows: Rows, trials: Trials, go: Array, draws: Draws) -> None:
        rows.value[:] = 1.0 / trials.fact("n_recalls").take(rows.trial)
        if self.spikes:
            self._spike(rows, draws)

    def _spike(self, rows: Rows, draws: Draws) -> None:
        """Let the units of active populations spike; they are all 1 before."""
        window, steps, n = self._stream.window, self.max_steps, draws.n
        shape = (n, self.length, window, self._populations, self.n_units)
        probability = -np.expm1(-self.rate * self.dt / 1000.0)
        spikes = draws.stream(1).bernoulli(probability, *shape[1:])
        certain = draws.stream(2).integers(window * self.n_units, self.length, self._populations)
        at_step, at_unit = np.divmod(certain, self.n_units)
        trial, segment, population = np.indices(certain.shape)
        spikes[trial, segment, at_step, population, at_unit] = True
        # All trials have the same length, so their rows are in the order of these spikes.
        own = slice(0, self._populations * self.n_units)
        rows.obs[rows.live, own] *= spikes.reshape(n * steps, -1)

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        assert played is not None
        ends = slice(self._stream.window - 1, None, self._stream.window)
        codes, answers = played.codes[:, ends], played.actions[:, ends]
        asked = codes >= self._answered
        right = asked & (answers == codes - self._answered)
        n_correct = right.sum(axis=1)
        segments = np.arange(self.length)
        stored = np.maximum.accumulate(np.where(codes == _STORED, segments, 0), axis=1)
        lags = np.where(asked, segments - stored, 0)
        for lag in range(self._shortest, self._longest + 1):
            here = lags == lag
            count = here.sum(axis=1)
            share = (here & right).sum(axis=1) / np.maximum(count, 1)
            facts[f"n_lag_{lag}"][:] = count
            facts[f"accuracy_lag_{lag}"][:] = np.where(count, share, np.nan)
        last = self.length - 1 - asked[:, ::-1].argmax(axis=1)
        facts["n_correct"][:], facts["accuracy"][:] = n_correct, n_correct / facts["n_recalls"]
        facts["correct"][:] = n_correct == facts["n_recalls"]
        facts["choice"][:] = answers[np.arange(len(last)), last]

    def score(self, facts: Mapping[str, Any]) -> Array:
        return np.asarray(facts["accuracy"], dtype=np.float64)

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        guess = 1.0 / self._values
        # Own actions and rewards could be used to carry bits.
        own_past = self.prev_action or self.prev_reward
        return Yardsticks(
            random=guess, chance=guess, memoryless=None if own_past else guess, optimum=1.0
        )

    def oracle(self) -> Policy:
        return StoringObserver(self)


class StoringObserver(Policy):
    """Takes the bits of each segment together, keeps those of stores, and answers with them."""

    def __init__(self, task: StoreRecall) -> None:
        self._bits, self._window = task.n_bits, task._stream.window
        units = task.n_units if task.spikes else 1
        # First channels of the populations that tell of the bits and of the store cue.
        sides = 2 if task.spikes else 1
        self._first = [sides * bit * units for bit in range(self._bits)]
        self._first.append(sides * self._bits * units)
        self._units = units

    def begin(self, n: int) -> State:
        # Step within the segment, what has been on in it (bits, store), value kept.
        on = np.zeros((n, self._bits + 1), dtype=bool)
        return np.zeros(n, dtype=np.int64), on, np.zeros(n, dtype=np.int64)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        step, on, kept = state
        now = [(obs[:, at : at + self._units] > 0.5).any(axis=1) for at in self._first]
        on = on & (step > 0)[:, None] | np.stack(now, axis=1)
        over = step == self._window - 1
        value = (on[:, : self._bits] << np.arange(self._bits)).sum(axis=1)
        after = np.where(over & on[:, -1], value, kept)
        return kept, (np.where(over, 0, step + 1), on, after)


register(StoreRecall)
register(StoreRecall, "Hard", n_bits=4, lag=[1, 12], length=30)
register(StoreRecall, "Spikes", spikes=True, dt=10.0)
