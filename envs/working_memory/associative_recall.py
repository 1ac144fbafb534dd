"""Associative recall: which value went with this key?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from ..core.time import DurationLike, parse_duration
from .item_stream import ItemStream

Array = npt.NDArray[Any]

#: Row codes: no answer counts, and the last step of the query, + the right value.
_NO_ANSWER, _ANSWER = 1, 2


@dataclass(kw_only=True, eq=False)
class AssociativeRecall(ScriptedTask):
    """See pairs of keys and values one after another and name the value of the key that is queried.

    Timeline: pairs -> delay -> query (one of the keys). The answer to the last step of the query
    counts.

    Defaults: dt 100 ms, 2 pairs of 4 keys and 4 values, each shown for 100 ms without gaps, delay
    300 to 600 ms, query 100 ms.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``key_0`` ...           0, 1         one-hot, the key of the pair, or the queried key
    ``value_0`` ...         0, 1         one-hot, the value of the pair
    ``query``               0, 1         1 during the query
    ======================  ===========  ====================================================

    Actions: one per value, to name it; there is no withholding.

    Keys of a trial differ from one another; each value is drawn from all values, independently.

    Reward: ``correct`` (1) or ``error`` (0). The return at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (which number of pairs and lag),
    ``correct``, ``choice``, ``rt`` (NaN), ``n_pairs``, ``lag`` (of the queried pair, 1 for the last
    one shown), ``key``, ``value`` (the right one), ``swap`` (wrong, but the value of another pair),
    ``delay_ms``, ``value_at_lag_1`` ... (the values of all pairs, NaN where there is none).

    Score: share of correct trials. Yardsticks are exact: random, chance and memoryless
    1 / n_values, because the key tells nothing about its value before they are seen together;
    optimum 1.

    Args:
        n_pairs: number of pairs, 1 to 8, or a list of numbers, equally likely.
        n_keys: number of keys, at least the largest number of pairs, up to 64.
        n_values: number of values, 2 to 64.
        lag: which pair is queried, 1 for the last one shown; None for any, equally likely.
        item: how long each pair is shown, in ms.
        gap: blank behind each pair, in ms.
        delay: delay between the last pair's window and the query, duration in ms.
        query: length of the query in ms.

    Retrieval of associations seen once, as in Ba, Hinton, Mnih, Leibo and Ionescu 2016, "Using fast
    weights to attend to the recent past" (arXiv:1610.06258); intrusions from neighbouring pairs in
    people: Davis, Geller, Rizzuto and Kahana 2008, doi:10.3758/PBR.15.1.64.

    Versions: v0, first release. ``AssociativeRecall-Hard-v0``: 2, 4, 6 or 8 pairs of 8 keys and 8
    values.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/AssociativeRecall-v0", n_keys=2, n_values=3)
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('key_0', 'key_1', 'value_0', 'value_1', 'value_2', 'query')
    """

    dt: float = 100.0
    n_pairs: int | Sequence[int] = 2
    n_keys: int = 4
    n_values: int = 4
    lag: int | None = None
    item: float = 100.0
    gap: float = 0.0
    delay: DurationLike = (300.0, 600.0)
    query: float = 100.0

    name: ClassVar[str] = "AssociativeRecall"
    family: ClassVar[str] = "working_memory"
    measures = "accuracy and swap errors against the number of pairs and the lag of the probe"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(
        {"correct": 1.0, "error": 0.0}
    )
    int_facts = (
        *("trial", "condition", "n_pairs", "lag", "key", "value"),
        *("swap", "correct", "choice"),
    )
    finished_facts = ("swap",)

    def prepare(self) -> None:
        self._sizes = self._check_sizes()
        self._most = most = int(self._sizes.max())
        self.n_keys = check_int("n_keys", self.n_keys, 1, 64)
        if self.n_keys < most:
            raise TaskError(
                f"n_keys={self.n_keys} are too few for n_pairs={most}; pass n_keys >= {most}."
            )
        self.n_values = check_int("n_values", self.n_values, 2, 64)
        if self.lag is not None:
            self.lag = check_int("lag", self.lag, 1)
            if self.lag > self._sizes.min():
                raise TaskError(
                    f"lag={self.lag} asks for a pair before the first of {self._sizes.min()}; pass "
                    "a lag up to the smallest number of pairs, or None."
                )
        self.item = check_number("item", self.item, low=0.0)
        self.gap = check_number("gap", self.gap, low=0.0)
        self.query = check_number("query", self.query, low=0.0)
        self._stream = ItemStream(self.item, self.gap, self.dt)
        self._delay = parse_duration("delay", self.delay, self.dt)
        self._query = parse_duration("query", self.query, self.dt, allow_zero=False).low
        self.period_names = (*self._stream.names * most, "delay", "query", "answer")
        self.max_steps = most * self._stream.window + self._delay.high + self._query
        self.answer_span = self._query
        keys = (Channel(f"key_{i}") for i in range(self.n_keys))
        values = (Channel(f"value_{i}") for i in range(self.n_values))
        self.channels = (*keys, *values, Channel("query"))
        self.action_space = spaces.Discrete(self.n_values)
        #: First condition of each number of pairs: within it they go by lag.
        lags = self._sizes if self.lag is None else np.ones_like(self._sizes)
        self._first_condition = np.cumsum(lags) - lags
        self.n_conditions = int(lags.sum())
        self.draws_ahead = 3 + self.n_keys + most
        shown = (f"value_at_lag_{i + 1}" for i in range(most))
        self.float_facts = ("rt", "delay_ms", *shown)
        self.response = self._make_response()

    def _check_sizes(self) -> Array:
        given = self.n_pairs if isinstance(self.n_pairs, (list, tuple)) else [self.n_pairs]
        sizes = np.array([check_int("n_pairs", one, 1, 8) for one in given], dtype=np.int64)
        if len(sizes) == 0 or len(np.unique(sizes)) < len(sizes):
            raise TaskError(
                f"n_pairs={self.n_pairs!r} is empty or has a number twice; pass different numbers."
            )
        return sizes

    def _make_response(self) -> Response:
        count = self.n_values
        values = np.arange(count)
        # States: no answer yet, right answers, wrong answers.
        facts = {
            "correct": np.repeat([0, 1, 0], [1, count, count]),
            "choice": np.concatenate([[0], values, values]),
        }
        response = Response(_ANSWER + count, 1 + 2 * count, count, facts)
        for value in range(count):
            for answer in range(count):
                hit = answer == value
                reward = self.earns["correct"] if hit else self.earns["error"]
                to = 1 + answer + (0 if hit else count)
                response.rule(_ANSWER + value, 0, answer, to=to, reward=reward)
        response.target[_ANSWER:] = values
        return response

    # ---------------------------------------------------------------- trials

    def draw(self, draws: Draws, trials: Trials) -> None:
        most, every, per_pair = self._most, np.arange(draws.n), len(self._stream.names)
        delay, size = draws.duration(self._delay), draws.integers(len(self._sizes))
        n_pairs = self._sizes[size]
        lag = 1 + (draws.uniform() * n_pairs).astype(np.int64) if self.lag is None else self.lag
        lag = np.broadcast_to(lag, n_pairs.shape)
        # Pairs by lag; those beyond a trial's number of pairs are not shown.
        keys = draws.permutation(self.n_keys)[:, :most]
        values = draws.integers(self.n_values, most)
        key, value = keys[every, lag - 1], values[every, lag - 1]
        nothing = np.full_like(values, _NO_ANSWER)
        trials.codes[:] = _NO_ANSWER
        self._stream.lay_out(trials, nothing, nothing)
        for order, offset in ((keys, 0), (values, self.n_keys)):
            self._stream.show(trials, offset + order[:, ::-1])
        at_delay = per_pair * most
        # Shown from the highest lag to 1, so that missing pairs are those at the beginning.
        used = np.arange(most, 0, -1) <= n_pairs[:, None]
        trials.durations[:, :at_delay] *= used.repeat(per_pair, axis=1)
        trials.durations[:, at_delay] = delay
        trials.durations[:, at_delay + 1 :] = (self._query - 1, 1)
        trials.codes[:, -1] = _ANSWER + value
        trials.patterns[every, -2:, -1] = 1
        for period in (-2, -1):
            trials.patterns[every, period, key] = 1
        trials.go[:] = n_pairs * self._stream.window + delay
        by_lag = lag - 1 if self.lag is None else 0
        trials.fact("condition")[:] = self._first_condition[size] + by_lag
        trials.fact("n_pairs")[:], trials.fact("lag")[:] = n_pairs, lag
        trials.fact("key")[:], trials.fact("value")[:] = key, value
        trials.fact("delay_ms")[:] = delay * self.dt
        for place in range(most):
            shown = np.where(place < n_pairs, values[:, place], np.nan)
            trials.fact(f"value_at_lag_{place + 1}")[:] = shown

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        shown = [
            facts[f"value_at_lag_{place + 1}"] == facts["choice"] for place in range(self._most)
        ]
        facts["swap"][:] = np.logical_or.reduce(shown) & (facts["correct"] == 0)

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        guess = 1.0 / self.n_values
        # Own actions could be used to carry a value.
        memoryless = None if self.prev_action else guess
        return Yardsticks(random=guess, chance=guess, memoryless=memoryless, optimum=1.0)

    def oracle(self) -> Policy:
        return AssociatingObserver(self)


class AssociatingObserver(Policy):
    """Keeps the value last seen with each key."""

    def __init__(self, task: AssociativeRecall) -> None:
        self._keys, self._values = task.n_keys, task.n_values

    def begin(self, n: int) -> State:
        return (np.zeros((n, self._keys), dtype=np.int64),)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        (memory,) = state
        key = obs[:, : self._keys].argmax(axis=1)
        values = obs[:, self._keys : self._keys + self._values]
        pair = np.flatnonzero((values > 0.5).any(axis=1))
        memory = memory.copy()
        memory[pair, key[pair]] = values[pair].argmax(axis=1)
        return memory[np.arange(len(obs)), key], (memory,)


register(AssociativeRecall)
register(AssociativeRecall, "Hard", n_pairs=[2, 4, 6, 8], n_keys=8, n_values=8)
