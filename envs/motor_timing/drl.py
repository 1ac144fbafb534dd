"""Differential reinforcement of low rates: wait, then press."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import TaskError, check_number
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.response import Response
from ..core.scripted_task import Played, ScriptedTask
from ..core.table import Trials
from ..core.task import Channel, Yardsticks
from ..core.time import parse_duration
from .press_times import best_of_rates

Array = npt.NDArray[Any]

#: Bins of the histogram of inter-response times: sixths of the wait, the last one open.
BINS = 12
#: Bins that make up the wait; a press within the first bin after another is a burst.
PER_WAIT = 6


@dataclass(kw_only=True, eq=False)
class DRL(ScriptedTask):
    """Press for reward, but only presses that follow a long enough wait are rewarded.

    Timeline: one session under a constant light. A press is rewarded if at least ``wait`` has
    passed since the last press (at first, since the session began); every press restarts the wait,
    rewarded or not.

    Defaults: dt 100 ms, wait 2000 ms, session 60 s, no limited hold.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``light``               1            always on
    ``prev_action_0``, _1   0, 1         what was done on the step before
    ======================  ===========  ====================================================

    Actions: 0 withhold, 1 press.

    Reward: ``correct`` (1) over the most rewards that a session can bring, for each rewarded press;
    so the return at the optimum is 1.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (0), ``correct`` (no reward was
    missed), ``choice`` (0), ``rt`` (NaN), ``n_presses``, ``n_rewarded``, ``n_bursts`` (presses
    less than a sixth of the wait after another), ``irt_bin_0`` ... ``irt_bin_11`` (inter-response
    times in sixths of the wait, the last bin open; the first one runs from the session's start),
    ``irt_mean_ms``, ``irt_sd_ms`` (NaN without a press), ``efficiency`` (rewarded over presses, NaN
    without one).

    Score: rewards over the most that a noiseless clock can earn, one for each wait. Yardsticks are
    exact: random by the Markov chain of the time since the last press; chance the best constant
    press probability (whoever counts steps needs no observation and reaches the optimum);
    memoryless does not press right after a press that it sees (``prev_action``, or rewarded ones by
    ``prev_reward``) and else with the best constant probability, or reads the session's time where
    that is shown; it is not known for several sessions in one episode that show the past across
    their borders; optimum 1.

    Args:
        wait: shortest rewarded inter-response time in ms.
        hold: limited hold: how much longer a rewarded wait may be, in ms; None for no limit.
        session: length of the session in ms.

    Ferster and Skinner 1957, "Schedules of reinforcement", doi:10.1037/10627-000. How to aim with a
    noisy clock: ``noisy_clock_aim``.

    Versions: v0, first release. ``DRL-10s-v0``: a wait of 10 s in a session of 2 minutes, dt 500
    ms.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/DRL-v0")
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names
    ('light', 'prev_action_0', 'prev_action_1')
    """

    dt: float = 100.0
    prev_action: bool = True
    wait: float = 2000.0
    hold: float | None = None
    session: float = 60_000.0

    name: ClassVar[str] = "DRL"
    family: ClassVar[str] = "motor_timing"
    measures = "distribution of inter-response times, efficiency, burst rate"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType({"correct": 1.0})
    action_names = ("withhold", "press")
    period_names = ("session",)
    records = True
    int_facts = (
        *("trial", "condition", "n_presses", "n_rewarded", "n_bursts"),
        *(f"irt_bin_{i}" for i in range(BINS)),
        *("correct", "choice"),
    )
    float_facts = ("rt", "irt_mean_ms", "irt_sd_ms", "efficiency")
    finished_facts = (*int_facts[2:-1], *float_facts[1:])

    def prepare(self) -> None:
        self.wait = check_number("wait", self.wait, low=0.0)
        self.session = check_number("session", self.session, low=0.0)
        self._wait = parse_duration("wait", self.wait, self.dt, allow_zero=False).low
        self.max_steps = parse_duration("session", self.session, self.dt, allow_zero=False).low
        self._hold = None
        if self.hold is not None:
            self.hold = check_number("hold", self.hold, low=0.0)
            self._hold = parse_duration("hold", self.hold, self.dt).low
        #: Most rewards of a session: a press after every wait.
        self.most = (self.max_steps - 1) // self._wait
        if self.most < 1:
            raise TaskError(
                f"session={self.session:g} ms is over before a press that follows "
                f"wait={self.wait:g} ms at dt={self.dt:g} ms; pass a longer session."
            )
        self.answer_span = self.max_steps
        self.channels = (Channel("light"),)
        self.action_space = spaces.Discrete(2)
        self.n_conditions = 1
        self.response = self._make_response()

    def _rewarded(self, waited: Array) -> Array:
        """Which inter-response times in steps are rewarded."""
        enough = waited >= self._wait
        return enough if self._hold is None else enough & (waited <= self._wait + self._hold)

    def _make_response(self) -> Response:
        """States are the steps since the last press, up to those that tell no more."""
        last = self._wait if self._hold is None else self._wait + self._hold + 1
        none = np.zeros(last + 1, dtype=np.int64)
        response = Response(2, last + 1, 2, {"correct": none, "choice": none})
        pay = self.earns["correct"] / self.most
        for waited in range(last + 1):
            rewarded = bool(self._rewarded(np.array(waited)))
            response.rule(1, waited, 0, to=min(waited + 1, last))
            response.rule(1, waited, 1, to=min(1, last), reward=pay * rewarded)
        return response

    def draw(self, draws: Draws, trials: Trials) -> None:
        trials.durations[:, 0] = self.max_steps
        trials.patterns[:, 0, 0] = 1
        trials.codes[:] = 1

    def teach(self, rows: Any, trials: Trials, since: Array) -> None:
        rows.target[:] = (rows.step % self._wait == 0) & (rows.step > 0) & rows.live

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        assert played is not None
        press = played.actions == 1
        steps = np.arange(self.max_steps)
        last = np.maximum.accumulate(np.where(press, steps, 0), axis=1)
        waited = steps[1:] - last[:, :-1]
        waited = np.concatenate([np.zeros_like(waited[:, :1]), waited], axis=1)
        count = press.sum(axis=1)
        some = np.where(count > 0, count, np.nan)
        mean = (waited * press).sum(axis=1) / some
        spread = np.sqrt((((waited - mean[:, None]) ** 2) * press).sum(axis=1) / some)
        rewarded = (press & self._rewarded(waited)).sum(axis=1)
        bins = np.minimum((waited * PER_WAIT) // self._wait, BINS - 1)
        for place in range(BINS):
            facts[f"irt_bin_{place}"][:] = (press & (bins == place)).sum(axis=1)
        facts["n_presses"][:], facts["n_rewarded"][:] = count, rewarded
        after_another = press & (np.cumsum(press, axis=1) > 1)
        facts["n_bursts"][:] = (after_another & (bins == 0)).sum(axis=1)
        facts["irt_mean_ms"][:], facts["irt_sd_ms"][:] = mean * self.dt, spread * self.dt
        facts["efficiency"][:] = rewarded / some
        facts["correct"][:] = rewarded >= self.most

    def score(self, facts: Mapping[str, Any]) -> Array:
        return np.asarray(facts["n_rewarded"], dtype=np.float64) / self.most

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        blind = best_of_rates(lambda rates: self._scores(rates, rates, rates, rates))
        half = np.array([0.5])
        return Yardsticks(
            random=float(self._scores(half, half, half, half)[0]),
            chance=blind,
            memoryless=self._memoryless(blind),
            optimum=1.0,
        )

    def _memoryless(self, blind: float) -> float | None:
        # A reward of 0 tells nothing.
        sees_pay = self.prev_reward and self.earns["correct"] != 0
        if self.time:
            return 1.0
        if not (self.prev_action or sees_pay):
            return blind
        if self.trials_per_episode > 1:
            return None
        if self._wait == 1:  # right after a press is the time to press
            return blind
        if not self.prev_action:
            return best_of_rates(lambda rates: self._scores(rates, rates, rates, 0 * rates))

        def scores(rates: Array) -> Array:
            # No action precedes the first step, which tells it from the others; a press there
            # loses nothing and is known of on the next step.
            never = np.zeros_like(rates)
            return self._scores(never + 1, rates, never, never)

        return best_of_rates(scores)

    def _scores(self, first: Array, rates: Array, pressed: Array, paid: Array) -> Array:
        """Scores (r,) of constant press probabilities, each (r,).

        Whoever has waited for two steps or more presses at the usual rate, so the share of those
        who have waited long enough follows from step to step without counting how long.

        Args:
            first: on the session's first step.
            rates: on all steps that the others do not name.
            pressed: right after a press that was not rewarded.
            paid: right after a rewarded press.
        """
        wait, steps, pause = self._wait, self.max_steps, 1.0 - rates
        # Shares that press unrewarded and rewarded, by step.
        unpaid, rewarded = np.zeros((2, steps, len(rates)))
        unpaid[0] = first

        def come_to(waited: int, step: int) -> Array | float:
            """Share (r,) of those who have waited for so many steps."""
            begun = step - waited
            if begun < 0:
                return 0.0
            if waited == 1:
                goes_on = unpaid[begun] + rewarded[begun]
            else:
                goes_on = unpaid[begun] * (1.0 - pressed) + rewarded[begun] * (1.0 - paid)
                goes_on = goes_on * pause ** (waited - 2)
            # The session's beginning counts like a press, but shows none.
            return goes_on + ((1.0 - first) * pause ** (waited - 1) if begun == 0 else 0.0)

        ready: Array = np.zeros(len(rates))  # have waited long enough, and not too long
        for step in range(1, steps):
            ready = ready * pause + come_to(wait, step)
            if self._hold is not None:
                ready = ready - come_to(wait + self._hold + 1, step)
            before, paid_before = unpaid[step - 1], rewarded[step - 1]
            presses = before * pressed + paid_before * paid
            presses += (1.0 - before - paid_before) * rates
            rewarded[step] = ready * rates
            unpaid[step] = presses - rewarded[step]
        return rewarded.sum(axis=0) / self.most

    def oracle(self) -> Policy:
        return Waiter(self)


class Waiter(Policy):
    """Counts the steps of the session and presses whenever another wait is over."""

    def __init__(self, task: DRL) -> None:
        self._wait, self._session = task._wait, task.max_steps

    def begin(self, n: int) -> State:
        return (np.zeros(n, dtype=np.int64),)

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        # Nothing but their length tells sessions of one episode apart.
        (step,) = state
        press = (step > 0) & (step % self._wait == 0)
        return press.astype(np.int64), ((step + 1) % self._session,)


class Aim(NamedTuple):
    """How to wait with a noisy clock.

    Attributes:
        ratio: best aim over the required wait.
        rewarded: share of presses that are rewarded.
        rate: rewards per required wait.
    """

    ratio: float
    rewarded: float
    rate: float


def noisy_clock_aim(weber: float) -> Aim:
    """The aim that brings most rewards per time with a clock of Weber fraction ``weber``.

    A wait aimed at m lasts m (1 + weber z), z standard normal; the rate of rewards is the share of
    waits that are long enough over the mean wait, Phi((m - T) / (weber m)) / m, T the required one.

    >>> aim = noisy_clock_aim(0.15)
    >>> round(aim.ratio, 2), round(aim.rewarded, 2)
    (1.24, 0.91)
    """
    from scipy.special import ndtr

    weber = check_number("weber", weber, low=1e-6, high=1.0)
    ratio = np.linspace(0.5, 4.0, 35001)
    rewarded = ndtr((ratio - 1.0) / (weber * ratio))
    best = int((rewarded / ratio).argmax())
    return Aim(float(ratio[best]), float(rewarded[best]), float(rewarded[best] / ratio[best]))


register(DRL)
register(DRL, "10s", dt=500.0, wait=10_000.0, session=120_000.0)
