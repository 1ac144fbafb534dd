"""Delayed estimation: report the angle of one of several remembered items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.arithmetic import root
from ..core.errors import TaskError, check_int, check_number
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.scripted_task import Played, TrackingTask
from ..core.table import Rows, Trials
from ..core.task import Channel, Yardsticks
from ..core.time import DurationLike, parse_duration

Array = npt.NDArray[Any]

_FIXATION, _ITEMS, _DELAY, _REPORT = range(4)
#: An angle within so many radians counts as correct.
TOLERANCE = np.pi / 8
_TINY = 1e-300


@dataclass(kw_only=True, eq=False)
class DelayedEstimation(TrackingTask):
    """Remember the angles of one or more items over a delay and report that of the cued one.

    Timeline: fixation -> items (all shown at once, each in a slot of its own) -> delay -> report
    (the slot of one item is cued). The answer to the last step of the report counts.

    Defaults: dt 100 ms, fixation 100 ms, items 300 ms, delay 500 to 1000 ms, report 100 ms, set
    sizes 1 and 2, 8 units per slot, no noise.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``fixation``            0, 1         1 until the report
    ``slot_0_unit_0`` ...   [0, 1]       (1 + cos(angle - preferred angle)) / 2 while an item is
                                         in the slot, else 0; with noise within +-(1 + 6 sigma)
    ``cue_0`` ...           0, 1         the slot to be reported, during the report
    ======================  ===========  ====================================================

    Actions: Box(-1, 1), two components: cosine and sine of the reported angle; their length does
    not count.

    Reward: ``correct`` (1) times cos(error), for the answer to the last step of the report; 0 for
    an answer of length 0. The return at the optimum is 1 without noise.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (which set size), ``correct`` (error
    at most pi / 8), ``choice`` (0), ``rt`` (NaN), ``set_size``, ``slot`` (cued), ``delay_ms``,
    ``target_rad``, ``report_rad``, ``error_rad`` (report - target, within +-pi; NaN without a
    report), ``nontarget_1_rad`` ... (the other items; NaN where there is none).

    Score: (1 + cos(error)) / 2. Yardsticks are exact: random, chance and memoryless .5, because the
    angle is uniform and not shown with the cue; optimum from the expected cosine of the Bayesian
    observer, sqrt(pi k / 8) exp(-k / 4) (I0(k / 4) + I1(k / 4)), where k = units * steps /
    (8 sigma^2) is the squared signal-to-noise ratio of the population vector (up to the clipping of
    the noise at 6 sigma, below 1e-8).

    Args:
        set_size: number of items, 1 to 8, or a list of numbers, equally likely.
        n_slots: number of slots; None for as many as the largest set. Items take random slots.
        n_units: units per slot, 3 to 64, with preferred angles evenly spaced.
        fixation: fixation period, duration in ms.
        items: how long the items are shown, in ms.
        delay: delay, duration in ms.
        report: report period in ms.
        sigma: standard deviation of the Gaussian noise on the units of filled slots at each step,
            at most a million.

    Delayed estimation of colours: Wilken and Ma 2004, doi:10.1167/4.12.11; errors as a mixture with
    swaps: Bays, Catalao and Husain 2009, doi:10.1167/9.10.7.

    Versions: v0, first release. ``DelayedEstimation-Set6-v0``: set sizes 1, 2, 4 and 6.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/DelayedEstimation-v0", set_size=1, n_units=4)
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names[:4], env.action_space
    (('fixation', 'slot_0_unit_0', 'slot_0_unit_1', 'slot_0_unit_2'), Box(-1.0, 1.0, (2,), float32))
    """

    dt: float = 100.0
    set_size: int | Sequence[int] = (1, 2)
    n_slots: int | None = None
    n_units: int = 8
    fixation: DurationLike = 100.0
    items: float = 300.0
    delay: DurationLike = (500.0, 1000.0)
    report: float = 100.0
    sigma: float = 0.0

    name: ClassVar[str] = "DelayedEstimation"
    family: ClassVar[str] = "working_memory"
    measures = "error distribution by set size and delay: precision, guess and swap rates"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType({"correct": 1.0})
    action_names = ("cosine", "sine")
    period_names = ("fixation", "items", "delay", "report")
    int_facts = ("trial", "condition", "set_size", "slot", "correct", "choice")

    def prepare(self) -> None:
        self._sizes = self._check_sizes()
        largest = int(self._sizes.max())
        self.n_slots = check_int(
            "n_slots", largest if self.n_slots is None else self.n_slots, 1, 64
        )
        if self.n_slots < largest:
            raise TaskError(
                f"n_slots={self.n_slots} cannot hold set_size={largest}; pass n_slots >= {largest}."
            )
        self.n_units = check_int("n_units", self.n_units, 3, 64)
        self.sigma = check_number("sigma", self.sigma, low=0.0, high=1e6)
        self.items = check_number("items", self.items, low=0.0)
        self.report = check_number("report", self.report, low=0.0)
        self._fixation = parse_duration("fixation", self.fixation, self.dt)
        self._items = parse_duration("items", self.items, self.dt, allow_zero=False).low
        self._delay = parse_duration("delay", self.delay, self.dt)
        self._report = parse_duration("report", self.report, self.dt, allow_zero=False).low
        self.max_steps = self._fixation.high + self._items + self._delay.high + self._report
        self.answer_span = self._report
        self._preferred = 2 * np.pi * np.arange(self.n_units) / self.n_units
        self._set_channels(self.n_slots)
        self._others = largest - 1
        nontargets = (f"nontarget_{i + 1}_rad" for i in range(self._others))
        self.float_facts = (
            *("rt", "delay_ms", "target_rad", *nontargets),
            *("report_rad", "error_rad"),
        )
        self.finished_facts = ("correct", "report_rad", "error_rad")
        self.n_conditions = len(self._sizes)
        self.draws_ahead = 2 * self.n_slots + 4

    def _check_sizes(self) -> Array:
        given = self.set_size if isinstance(self.set_size, (list, tuple)) else [self.set_size]
        sizes = np.array([check_int("set_size", one, 1, 8) for one in given], dtype=np.int64)
        if len(sizes) == 0 or len(np.unique(sizes)) < len(sizes):
            raise TaskError(
                f"set_size={self.set_size!r} is empty or has a size twice; pass different sizes."
            )
        return sizes

    def _set_channels(self, slots: int) -> None:
        bound = 1.0 + 6.0 * self.sigma
        low = 1.0 - bound
        units = (
            Channel(f"slot_{slot}_unit_{unit}", low, bound)
            for slot in range(slots)
            for unit in range(self.n_units)
        )
        cues = (Channel(f"cue_{slot}") for slot in range(slots))
        self.channels = (Channel("fixation"), *units, *cues)
        self._first_cue = 1 + slots * self.n_units
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reward_range(self) -> tuple[float, float]:
        most = abs(self.earns["correct"])
        return -most, most

    # ---------------------------------------------------------------- trials

    def draw(self, draws: Draws, trials: Trials) -> None:
        assert self.n_slots is not None
        n, every = draws.n, np.arange(draws.n)
        fixation, delay = draws.duration(self._fixation), draws.duration(self._delay)
        condition = draws.integers(len(self._sizes))
        size = self._sizes[condition]
        slots = draws.permutation(self.n_slots)  # items take the first ``size`` of them
        angles = 2 * np.pi * draws.uniform(self.n_slots) - np.pi  # by order of items
        trials.durations[:, _FIXATION], trials.durations[:, _ITEMS] = fixation, self._items
        trials.durations[:, _DELAY], trials.durations[:, _REPORT] = delay, self._report
        trials.codes[:] = 1
        trials.go[:] = fixation + self._items + delay
        patterns = trials.patterns
        patterns[:, :_REPORT, 0] = 1
        units = patterns[:, _ITEMS, 1 : self._first_cue].reshape(n, self.n_slots, self.n_units)
        for item in range(int(self._sizes.max())):
            tuned = (1 + np.cos(angles[:, item, None] - self._preferred)) / 2
            units[every, slots[:, item]] = tuned * (item < size)[:, None]
        patterns[:, _ITEMS, 1 : self._first_cue] = units.reshape(n, -1)
        # Items are in no order, so the first may be the one that is asked for.
        patterns[every, _REPORT, self._first_cue + slots[:, 0]] = 1
        trials.fact("condition")[:] = condition
        trials.fact("set_size")[:] = size
        trials.fact("slot")[:] = slots[:, 0]
        trials.fact("delay_ms")[:] = delay * self.dt
        trials.fact("target_rad")[:] = angles[:, 0]
        for other in range(1, self._others + 1):
            shown = np.where(other < size, angles[:, other], np.nan)
            trials.fact(f"nontarget_{other}_rad")[:] = shown

    def fill(self, rows: Rows, trials: Trials, go: Array, draws: Draws) -> None:
        target = trials.fact("target_rad")
        goal = np.stack([np.cos(target), np.sin(target)], axis=1)
        rows.target[:] = goal.take(rows.trial, axis=0)
        rows.value[trials.go + self._report - 1] = self.earns["correct"]
        if self.sigma > 0:
            self._add_noise(rows, go, draws)

    def _add_noise(self, rows: Rows, go: Array, draws: Draws) -> None:
        assert self.n_slots is not None
        units = slice(1, self._first_cue)
        shown = rows.live & (rows.obs[:, units] > 0).any(axis=1)
        noise = draws.stream(1).normal(self._items, self.n_slots, self.n_units)
        trial = rows.trial[shown]
        first = np.full(draws.n, self.max_steps)
        np.minimum.at(first, trial, rows.step[shown])
        noise = noise[trial, rows.step[shown] - first[trial]]
        signal = rows.obs[shown, units].reshape(noise.shape)
        filled = (signal > 0).any(axis=2, keepdims=True)
        bound = 1.0 + 6.0 * self.sigma
        noisy = np.clip(signal + self.sigma * noise * filled, 1.0 - bound, bound)
        rows.obs[shown, units] = noisy.reshape(len(trial), -1)

    def payoff(self, goal: Sequence[Any], action: Sequence[Any]) -> Any:
        length = root(action[0] * action[0] + action[1] * action[1])
        return (goal[0] * action[0] + goal[1] * action[1]) / (length + _TINY)

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        assert played is not None
        cosine, sine = played.last.astype(np.float64).T
        report = np.arctan2(sine, cosine)
        report[(cosine == 0) & (sine == 0)] = np.nan
        error = report - facts["target_rad"]
        error -= 2 * np.pi * np.round(error / (2 * np.pi))
        facts["report_rad"][:], facts["error_rad"][:] = report, error
        facts["correct"][:] = np.abs(error) <= TOLERANCE

    def score(self, facts: Mapping[str, Any]) -> Array:
        error = np.asarray(facts["error_rad"], dtype=np.float64)
        return (1.0 + np.where(np.isnan(error), 0.0, np.cos(error))) / 2.0

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        return Yardsticks(
            random=0.5,
            chance=0.5,
            # Units are silent while the cue is on; the last answer shown again is a memory.
            memoryless=None if self.prev_action or self.prev_reward else 0.5,
            optimum=(1.0 + self._expected_cosine()) / 2.0,
        )

    def _expected_cosine(self) -> float:
        if self.sigma == 0:
            return 1.0
        from scipy.special import ive  # loaded only where it is needed

        ratio = self.n_units * self._items / 8.0 / self.sigma / self.sigma
        if ratio > 1e8:
            return 1.0 - 0.5 / ratio  # where ``ive`` loses itself; wrong by less than 1 / ratio^2
        # ``ive`` is scaled by exp(-k / 4) already.
        bessel = ive(0, ratio / 4.0) + ive(1, ratio / 4.0)
        return float(np.sqrt(np.pi * ratio / 8.0) * bessel)

    def oracle(self) -> Policy:
        return AngleObserver(self)


class AngleObserver(Policy):
    """Sums each slot's population vector and reports that of the cued slot."""

    def __init__(self, task: DelayedEstimation) -> None:
        assert task.n_slots is not None
        self._slots, self._units = task.n_slots, task.n_units
        self._first_cue = task._first_cue
        self._axes = np.stack([np.cos(task._preferred), np.sin(task._preferred)], axis=1)

    def begin(self, n: int) -> State:
        return np.zeros((n, self._slots, 2)), np.zeros(n, dtype=bool)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        vectors, reported = state
        cue = obs[:, self._first_cue : self._first_cue + self._slots]
        cued = np.asarray(cue.any(axis=1))
        # After a report a new trial has begun.
        vectors = np.where((reported & ~cued)[:, None, None], 0.0, vectors)
        units = obs[:, 1 : self._first_cue].reshape(len(obs), self._slots, self._units)
        vectors = vectors + units.astype(np.float64) @ self._axes
        chosen = vectors[np.arange(len(obs)), cue.argmax(axis=1)]
        length = np.linalg.norm(chosen, axis=1, keepdims=True)
        unit = np.where(length > 1e-9, chosen / np.maximum(length, 1e-9), 0.0)
        return unit.astype(np.float32), (vectors, cued)


register(DelayedEstimation)
register(DelayedEstimation, "Set6", set_size=[1, 2, 4, 6])
