"""The n-bit flip-flop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import check_int, check_number, check_one_of
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.scripted_task import Played, TrackingTask
from ..core.table import Rows, Trials
from ..core.task import Channel, Yardsticks
from ..core.time import parse_duration

Array = npt.NDArray[Any]

#: Steps since the last pulse, first of each bin of the ``error_lag`` facts; the last is open.
_LAGS = (0, 1, 2, 4, 8, 16)


@dataclass(kw_only=True, eq=False)
class FlipFlop(TrackingTask):
    """Several bits are set and reset by rare pulses, and all of them are to be shown at every step.

    Timeline: one period. The first step shows a pulse on every channel; after it each channel has a
    pulse with probability ``p_pulse`` per step, up or down with equal probability.

    Defaults: dt 100 ms, 3 bits, duration 5000 ms, p_pulse .1.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``pulse_0`` ...         -1, 0, 1     one channel per bit; 0 without a pulse
    ======================  ===========  ====================================================

    Actions: one component per bit. ``output="bits"``: MultiBinary, 1 for a bit that was last set
    up; ``output="levels"``: Box(-1, 1), to be +1 or -1.

    Reward per step: ``correct`` (1) times (1 - mean error over the bits) / steps, where a wrong bit
    has the error 2 and a level the distance from its goal. So constant answers earn 0 on average,
    and the return at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (0), ``correct`` (no bit was wrong at
    any step), ``choice`` (0), ``rt`` (NaN), ``bit_error`` (share of bits wrong, over all steps),
    ``error_lag_0``, ``_1``, ``_2``, ``_4``, ``_8``, ``_16`` (share wrong so many steps or more
    after the bit's last pulse, up to the next of these; NaN where there was none).

    Score: share of bits right, over all steps; a level counts by its sign. Yardsticks are exact:
    random and chance .5; memoryless answers pulses that are on and guesses else; optimum 1.

    Args:
        n_bits: number of bits, 1 to 32.
        duration: length of the trial in ms.
        p_pulse: probability of a pulse per bit and step.
        output: "bits" or "levels".

    Sussillo and Barak 2013, "Opening the black box: low-dimensional dynamics in high-dimensional
    recurrent neural networks", doi:10.1162/NECO_a_00409.

    Versions: v0, first release. ``FlipFlop-Levels-v0``: ``output="levels"``.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/FlipFlop-v0")
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names, env.action_space
    (('pulse_0', 'pulse_1', 'pulse_2'), MultiBinary(3))
    """

    dt: float = 100.0
    n_bits: int = 3
    duration: float = 5000.0
    p_pulse: float = 0.1
    output: str = "bits"

    name: ClassVar[str] = "FlipFlop"
    family: ClassVar[str] = "working_memory"
    measures = "errors against the time since a bit's last pulse: drift time constant, capacity"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType({"correct": 1.0})
    period_names = ("pulses",)
    int_facts = ("trial", "condition", "correct", "choice")
    float_facts = ("rt", "bit_error", *(f"error_lag_{lag}" for lag in _LAGS))
    finished_facts = ("correct", *float_facts[1:])

    def prepare(self) -> None:
        self.n_bits = check_int("n_bits", self.n_bits, 1, 32)
        self.p_pulse = check_number("p_pulse", self.p_pulse, low=0.0, high=1.0)
        self.output = check_one_of("output", self.output, ("bits", "levels"))
        self.duration = check_number("duration", self.duration, low=0.0)
        duration = parse_duration("duration", self.duration, self.dt, allow_zero=False)
        self.max_steps = self.answer_span = duration.low
        self.draws_ahead = self.n_bits * self.max_steps
        self.channels = tuple(Channel(f"pulse_{i}", -1.0, 1.0) for i in range(self.n_bits))
        bits = self.output == "bits"
        self.action_space = (
            spaces.MultiBinary(self.n_bits)
            if bits
            else spaces.Box(-1.0, 1.0, (self.n_bits,), np.float32)
        )
        self.action_names = tuple(f"bit_{i}" for i in range(self.n_bits))
        self.n_conditions = 1
        # A wrong bit is as far from its goal as the level -1 from +1.
        self._error_scale = (2.0 if bits else 1.0) / self.n_bits

    def reward_range(self) -> tuple[float, float]:
        most = abs(self.earns["correct"]) / self.max_steps
        return -most, most

    def draw(self, draws: Draws, trials: Trials) -> None:
        trials.durations[:, 0] = self.max_steps
        trials.codes[:] = 1

    def fill(self, rows: Rows, trials: Trials, go: Array, draws: Draws) -> None:
        # The first step sets all bits.
        on = np.full((self.max_steps, 1), self.p_pulse)
        on[0] = 1.0
        luck = draws.uniform(self.max_steps, self.n_bits)
        pulsed, up = luck < on, luck < on / 2
        # Pulses are 1 where both are true and -1 where only the first is.
        pulses = up.astype(np.int8)
        pulses += up
        pulses -= pulsed
        # The latest pulse is the largest number so far; its last bit tells its side.
        steps = np.arange(self.max_steps, dtype=np.int32)[:, None]
        latest = (2 * steps + up) * pulsed
        latest = np.maximum.accumulate(latest, axis=1, out=latest)
        latest &= 1
        goals = latest if self.output == "bits" else 2 * latest - 1
        live = rows.live.nonzero()[0]
        rows.obs[live, : self.n_bits] = pulses.reshape(-1, self.n_bits)
        rows.target[live] = goals.reshape(-1, self.n_bits)
        rows.value[:] = self.earns["correct"] / self.max_steps

    def payoff(self, goal: Sequence[Any], action: Sequence[Any]) -> Any:
        error = abs(goal[0] - action[0])
        for one, other in zip(goal[1:], action[1:], strict=True):
            error = error + abs(one - other)
        return 1.0 - self._error_scale * error

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        assert played is not None
        middle = 0.5 if self.output == "bits" else 0.0
        # A level of exactly 0 is on no side.
        side = np.sign(played.actions - middle)
        wrong = side != np.sign(played.rows("target") - middle)
        facts["bit_error"][:] = wrong.mean(axis=(1, 2))
        facts["correct"][:] = ~wrong.any(axis=(1, 2))
        pulse = played.rows("obs")[:, :, : self.n_bits] != 0
        steps = np.arange(pulse.shape[1])[:, None]
        since = steps - np.maximum.accumulate(np.where(pulse, steps, 0), axis=1)
        for first, after in zip(_LAGS, (*_LAGS[1:], self.max_steps + 1), strict=True):
            here = (since >= first) & (since < after)
            count = here.sum(axis=(1, 2))
            share = (wrong & here).sum(axis=(1, 2)) / np.maximum(count, 1)
            facts[f"error_lag_{first}"][:] = np.where(count, share, np.nan)

    def score(self, facts: Mapping[str, Any]) -> Array:
        return 1.0 - np.asarray(facts["bit_error"], dtype=np.float64)

    def compute_yardsticks(self) -> Yardsticks:
        pulsed = (1 + (self.max_steps - 1) * self.p_pulse) / self.max_steps
        # What was done last is a memory that the observation carries.
        memoryless = 1.0 if self.prev_action else pulsed + (1 - pulsed) / 2
        if self.prev_reward and not self.prev_action:
            memoryless = None
        return Yardsticks(random=0.5, chance=0.5, memoryless=memoryless, optimum=1.0)

    def oracle(self) -> Policy:
        return FlipFlopObserver(self)


class FlipFlopObserver(Policy):
    """Shows the last pulse of every bit."""

    def __init__(self, task: FlipFlop) -> None:
        self._bits, self._binary = task.n_bits, task.output == "bits"

    def begin(self, n: int) -> State:
        return (np.zeros((n, self._bits), dtype=np.float32),)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        (level,) = state
        pulse = obs[:, : self._bits]
        level = np.where(pulse != 0, pulse, level)
        return ((level > 0).astype(np.int8) if self._binary else level), (level,)


register(FlipFlop)
register(FlipFlop, "Levels", output="levels")
