"""Serial recall of a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import TaskError, check_flag, check_int, check_number, check_one_of
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

ORDERS = ("forward", "backward", "probed")
#: Row code where no answer counts; the others are ``_ANSWER`` + (length, position, symbol).
_NO_ANSWER, _ANSWER = 1, 2


@dataclass(kw_only=True, eq=False)
class SequenceRecall(ScriptedTask):
    """Hold a list of symbols in mind and recall it forward, backward or by probed positions.

    Timeline: items one after another -> delay -> one recall slot per item. The answer to the last
    step of each slot counts.

    Defaults: dt 100 ms, 4 of 6 symbols without repeats, items of 100 ms without gaps, delay 300 to
    600 ms, slots of 100 ms, order forward.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``symbol_0`` ...        0, 1         one-hot, the item that is shown
    ``recall``              0, 1         1 on the last step of each recall slot: answer now
    ``probe_0`` ...         0, 1         order "probed" only: one-hot, the position that is asked
                                         for, throughout the slot
    ======================  ===========  ====================================================

    Actions: one per symbol, to name it; there is no withholding.

    Reward: per item ``correct`` (1) or ``error`` (0), divided by the length of the list. The return
    at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (which length), ``correct`` (the
    whole list was right), ``choice`` (last answer), ``rt`` (NaN), ``length``, ``n_correct``,
    ``n_transpositions`` (wrong answers that are elsewhere in the list), ``n_intrusions`` (answers
    that are not in the list), ``delay_ms``, ``accuracy`` (share of items right), and by position in
    the list as it was shown, NaN beyond its end: ``correct_at_0`` ... (1 or 0, the serial-position
    curve) and ``transposition_at_0`` ... (nearest position of the symbol that was named in its
    place, minus its own; 0 if right, NaN for intrusions).

    Score: ``accuracy``. Yardsticks are exact: random, chance and memoryless 1 / n_symbols, because
    each symbol is equally likely at each position and recall slots do not show it; optimum 1.

    Args:
        length: length of the list, 1 to 16, or a list of lengths, equally likely.
        n_symbols: number of symbols, 2 to 32.
        order: "forward", "backward" or "probed" (all positions, in random order).
        repeats: symbols are drawn with replacement; else no symbol comes twice in a list.
        item: how long each item is shown, in ms.
        gap: blank behind each item, in ms.
        delay: delay between the last item's window and recall, duration in ms.
        answer: length of a recall slot in ms.

    Serial recall in a recurrent network: Botvinick and Plaut 2006,
    doi:10.1037/0033-295X.113.2.201; delayed reproduction of sequences by macaques: Xie et al. 2022,
    doi:10.1126/science.abm0204.

    Versions: v0, first release. ``SequenceRecall-Backward-v0`` and ``-Probed-v0``: these orders.
    ``SequenceRecall-Span-v0``: lists of 2 to 8 out of 10 symbols, for memory spans.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/SequenceRecall-Probed-v0", length=2, n_symbols=3)
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('symbol_0', 'symbol_1', 'symbol_2', 'recall', 'probe_0', 'probe_1')
    """

    dt: float = 100.0
    length: int | Sequence[int] = 4
    n_symbols: int = 6
    order: str = "forward"
    repeats: bool = False
    item: float = 100.0
    gap: float = 0.0
    delay: DurationLike = (300.0, 600.0)
    answer: float = 100.0

    name: ClassVar[str] = "SequenceRecall"
    family: ClassVar[str] = "working_memory"
    measures = "serial-position curve, transposition gradient, memory span against length"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType(
        {"correct": 1.0, "error": 0.0}
    )
    int_facts = (
        *("trial", "condition", "length", "n_correct", "n_transpositions", "n_intrusions"),
        *("correct", "choice"),
    )
    records = True

    def prepare(self) -> None:
        self._lengths = self._check_lengths()
        self._longest = longest = int(self._lengths.max())
        self.n_symbols = check_int("n_symbols", self.n_symbols, 2, 32)
        self.order = check_one_of("order", self.order, ORDERS)
        self.repeats = check_flag("repeats", self.repeats)
        if not self.repeats and self.n_symbols < longest:
            raise TaskError(
                f"n_symbols={self.n_symbols} are too few for length={longest} without repeats; "
                f"pass n_symbols >= {longest} or repeats=True."
            )
        self.item = check_number("item", self.item, low=0.0)
        self.gap = check_number("gap", self.gap, low=0.0)
        self.answer = check_number("answer", self.answer, low=0.0)
        self._stream = ItemStream(self.item, self.gap, self.dt)
        self._delay = parse_duration("delay", self.delay, self.dt)
        self._slot = parse_duration("answer", self.answer, self.dt, allow_zero=False).low
        slots = ("slot", "answer") * longest
        self.period_names = (*self._stream.names * longest, "delay", *slots)
        self.max_steps = longest * (self._stream.window + self._slot) + self._delay.high
        # Nothing is timed here, so time may count from the last slot, which all lists have.
        self.answer_span = self._slot
        self.n_conditions = len(self._lengths)
        self.draws_ahead = 2 + 2 * self.n_symbols
        self._set_channels()
        self._set_facts()
        self.response = self._make_response()

    def _check_lengths(self) -> Array:
        given = self.length if isinstance(self.length, (list, tuple)) else [self.length]
        lengths = np.array([check_int("length", one, 1, 16) for one in given], dtype=np.int64)
        if len(lengths) == 0 or len(np.unique(lengths)) < len(lengths):
            raise TaskError(
                f"length={self.length!r} is empty or has a length twice; pass different lengths."
            )
        return lengths

    def _set_channels(self) -> None:
        symbols = (Channel(f"symbol_{i}") for i in range(self.n_symbols))
        n_probes = self._longest if self.order == "probed" else 0
        probes = (Channel(f"probe_{i}") for i in range(n_probes))
        self.channels = (*symbols, Channel("recall"), *probes)
        self._recall = self.n_symbols
        self.action_space = spaces.Discrete(self.n_symbols)

    def _set_facts(self) -> None:
        positions = range(self._longest)
        by_position = (
            *(f"correct_at_{i}" for i in positions),
            *(f"transposition_at_{i}" for i in positions),
        )
        self.float_facts = ("rt", "delay_ms", "accuracy", *by_position)
        self.finished_facts = (*self.int_facts[3:], "accuracy", *by_position)

    def _make_response(self) -> Response:
        none = np.zeros(1, dtype=np.int64)
        codes = _ANSWER + len(self._lengths) * self._longest * self.n_symbols
        response = Response(codes, 1, self.n_symbols, {"correct": none, "choice": none})
        code = np.arange(_ANSWER, codes)
        length, position, symbol = self._decoded(code)
        earned = np.where(
            symbol[:, None] == np.arange(self.n_symbols), self.earns["correct"], self.earns["error"]
        )
        # Positions beyond the end of a list are never asked for.
        asked = position < length
        response.reward[code, 0] = np.where(asked[:, None], earned / length[:, None], 0.0)
        response.target[code] = symbol
        return response

    def _decoded(self, code: Array) -> tuple[Array, Array, Array]:
        """Length of the list, position asked for and symbol there, from codes of answers."""
        rest, symbol = np.divmod(code - _ANSWER, self.n_symbols)
        condition, position = np.divmod(rest, self._longest)
        return self._lengths.take(condition), position, symbol

    # ---------------------------------------------------------------- trials

    def draw(self, draws: Draws, trials: Trials) -> None:
        longest, n = self._longest, draws.n
        delay, condition = draws.duration(self._delay), draws.integers(len(self._lengths))
        length = self._lengths[condition]
        if self.repeats:
            symbols = draws.integers(self.n_symbols, longest)
        else:
            symbols = draws.permutation(self.n_symbols)[:, :longest]
        used = np.arange(longest) < length[:, None]
        nothing = np.full_like(symbols, _NO_ANSWER)
        trials.codes[:] = _NO_ANSWER
        self._stream.lay_out(trials, nothing, nothing)
        self._show(draws, trials, symbols)
        at_delay = len(self._stream.names) * longest
        trials.durations[:, :at_delay] *= used.repeat(len(self._stream.names), axis=1)
        trials.durations[:, at_delay] = delay
        trials.durations[:, at_delay + 1 :: 2] = (self._slot - 1) * used
        trials.durations[:, at_delay + 2 :: 2] = used
        asked = self._asked(draws, length, used)
        right = np.take_along_axis(symbols, asked, axis=1)
        rest = condition[:, None] * longest + asked
        trials.codes[:, at_delay + 2 :: 2] = _ANSWER + rest * self.n_symbols + right
        trials.patterns[:, at_delay + 2 :: 2, self._recall] = 1
        if self.order == "probed":
            every, slots = np.arange(n)[:, None], at_delay + 1 + 2 * np.arange(longest)
            for part in (0, 1):
                trials.patterns[every, slots + part, self._recall + 1 + asked] = 1
        trials.go[:] = length * (self._stream.window + self._slot) + delay - self._slot
        trials.fact("condition")[:] = condition
        trials.fact("length")[:] = length
        trials.fact("delay_ms")[:] = delay * self.dt

    def _show(self, draws: Draws, trials: Trials, symbols: Array) -> None:
        """Show symbols (n, longest) in the windows of the list."""
        self._stream.show(trials, symbols)

    def _asked(self, draws: Draws, length: Array, used: Array) -> Array:
        """(n, longest) position that each slot asks for; junk in slots that are not used."""
        slots = np.arange(self._longest)
        if self.order == "forward":
            return np.broadcast_to(slots, used.shape)
        if self.order == "backward":
            return np.maximum(length[:, None] - 1 - slots, 0)
        return np.argsort(draws.uniform(self._longest) + ~used, axis=1, kind="stable")

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        assert played is not None
        asks = played.codes >= _ANSWER
        # The steps at which answers count, in order; behind them junk.
        steps = np.argsort(~asks, axis=1, kind="stable")[:, : self._longest]
        exists = np.take_along_axis(asks, steps, axis=1)
        code = np.take_along_axis(played.codes, steps, axis=1)
        _, position, symbol = self._decoded(np.maximum(code, _ANSWER))
        trial, slot = exists.nonzero()
        item, answer = (np.full(exists.shape, missing) for missing in (-1, -2))
        item[trial, position[trial, slot]] = symbol[trial, slot]
        answer[trial, position[trial, slot]] = played.actions[trial, steps[trial, slot]]
        self._tell(facts, item, answer)
        facts["choice"][:] = played.last

    def _tell(self, facts: dict[str, Array], item: Array, answer: Array) -> None:
        """Facts from items and answers (k, longest) by position, below 0 beyond the list's end."""
        places = np.arange(self._longest)
        shift = places - places[:, None]
        named = answer[:, :, None] == item[:, None, :]
        nearest = np.where(named, np.abs(shift), self._longest).argmin(axis=2)
        found, right, used = named.any(axis=2), answer == item, item >= 0
        n_correct, n_found = right.sum(axis=1), found.sum(axis=1)
        for place in places:
            shown = used[:, place]
            facts[f"correct_at_{place}"][:] = np.where(shown, right[:, place], np.nan)
            moved = np.where(found[:, place], nearest[:, place] - place, np.nan)
            facts[f"transposition_at_{place}"][:] = moved
        facts["n_correct"][:], facts["n_transpositions"][:] = n_correct, n_found - n_correct
        facts["n_intrusions"][:] = facts["length"] - n_found
        facts["accuracy"][:] = n_correct / facts["length"]
        facts["correct"][:] = n_correct == facts["length"]

    def score(self, facts: Mapping[str, Any]) -> Array:
        return np.asarray(facts["accuracy"], dtype=np.float64)

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        guess = 1.0 / self.n_symbols
        # Own actions and rewards could be used to carry symbols.
        own_past = self.prev_action or self.prev_reward
        return Yardsticks(
            random=guess, chance=guess, memoryless=None if own_past else guess, optimum=1.0
        )

    def oracle(self) -> Policy:
        return RecallingObserver(self)


class RecallingObserver(Policy):
    """Writes the list down and reads it off in the order that is asked for."""

    def __init__(self, task: SequenceRecall) -> None:
        self._longest, self._symbols = task._longest, task.n_symbols
        self._window, self._order = task._stream.window, task.order

    def begin(self, n: int) -> State:
        # Step within the trial, items seen, items recalled, the list.
        zero = np.zeros(n, dtype=np.int64)
        return zero, zero.copy(), zero.copy(), np.zeros((n, self._longest), dtype=np.int64)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        step, seen, recalled, items = state
        going = (recalled < seen) | (seen == 0)
        step, seen, recalled = step * going, seen * going, recalled * going
        symbols, recall = obs[:, : self._symbols], obs[:, self._symbols] > 0.5
        new: Array = ((symbols > 0.5).any(axis=1) & (step % self._window == 0)).nonzero()[0]
        items = items.copy()
        items[new, seen[new]] = symbols[new].argmax(axis=1)
        seen[new] += 1
        position = recalled
        if self._order == "backward":
            position = seen - 1 - recalled
        elif self._order == "probed":
            probes = slice(self._symbols + 1, self._symbols + 1 + self._longest)
            position = obs[:, probes].argmax(axis=1)
        # Before the list has begun there is nothing to read off.
        place = np.clip(position, 0, self._longest - 1)
        answers = items[np.arange(len(obs)), place]
        return answers, (step + 1, seen, recalled + recall, items)


register(SequenceRecall)
register(SequenceRecall, "Backward", order="backward")
register(SequenceRecall, "Probed", order="probed")
register(SequenceRecall, "Span", length=list(range(2, 9)), n_symbols=10)
