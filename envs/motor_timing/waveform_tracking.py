"""Following a sum of sines, and going on with it while it is not shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ..core.errors import TaskError, check_number
from ..core.policy import Policy, State
from ..core.random import Draws
from ..core.registration import register
from ..core.scripted_task import Played, TrackingTask
from ..core.table import Rows, Trials
from ..core.task import Channel, Yardsticks
from ..core.time import parse_duration

Array = npt.NDArray[Any]

_SHOWN, _BLANK = 0, 1
_PHASES = 2048  # points of the exact averages over phases
_CELLS = 4000  # cells of the amplitude axis


@dataclass(kw_only=True, eq=False)
class WaveformTracking(TrackingTask):
    """Follow a sum of sines with a continuous output, and go on with it while it is not shown.

    Timeline: track (the waveform is shown) -> blank (to be continued from memory).

    Defaults: dt 50 ms, track 4000 ms, blank 2000 ms, frequencies .5 and .8 Hz, no preview.

    ======================  ===========  ====================================================
    Observation             Range        Meaning
    ======================  ===========  ====================================================
    ``waveform``            [-1, 1]      goal ``preview`` ms ahead; 0 in the blank
    ``blank``               0, 1         1 while the waveform is not shown
    ======================  ===========  ====================================================

    Actions: Box(-1, 1), one component: the output.

    The goal is the mean of sines of the given frequencies whose phases are drawn anew for every
    trial, and is due in answer to the observation of the same step.

    Reward per step: ``correct`` (1) times (1 - error^2 / variance) / steps, with the variance of
    the goal over phases: an output of 0 earns 0 on average, and the return at the optimum is 1.
    With a preview the steps before the first goal that was shown earn nothing.

    Info at trial end: ``trial_end``, ``trial``, ``condition`` (0), ``correct`` (on target at every
    step that counts), ``choice`` (0), ``rt`` (NaN), ``on_target``, ``on_target_blank`` (shares of
    the steps that count), ``rmse_track``, ``rmse_blank``, and for each sine ``gain_0``,
    ``lag_0_deg``, ... (amplitude and phase lag of the output at that frequency, against the goal's;
    over the whole trial; NaN where it is too short to tell the sines apart).

    Score: time on target, the share of steps with an error of at most ``tolerance``. Yardsticks:
    chance the best constant output, memoryless the shown goal and then that constant, both from the
    distribution of the goal over phases (exact to 1e-3; None with a preview, where it is not
    known); optimum 1.

    Args:
        track: how long the waveform is shown, in ms.
        blank: how long it has to be continued, in ms.
        frequencies: of the sines in Hz, all different, below half the step rate.
        preview: how far ahead the waveform is shown, in ms.
        tolerance: of the score.

    Pursuit of sums of sines: Poulton 1974, "Tracking skill and manual control", Academic Press;
    continuation without a visible target: Barnes 2008, doi:10.1016/j.bandc.2008.08.020.

    Versions: v0, first release.

    >>> import gymnasium as gym, caudate.envs
    >>> env = gym.make("caudate/WaveformTracking-v0")
    >>> obs, info = env.reset(seed=0)
    >>> env.unwrapped.obs_names, env.action_space
    (('waveform', 'blank'), Box(-1.0, 1.0, (1,), float32))
    """

    dt: float = 50.0
    track: float = 4000.0
    blank: float = 2000.0
    frequencies: Sequence[float] = (0.5, 0.8)
    preview: float = 0.0
    tolerance: float = 0.1

    name: ClassVar[str] = "WaveformTracking"
    family: ClassVar[str] = "motor_timing"
    measures = "gain and phase lag per frequency, error in the blank"
    default_rewards: ClassVar[Mapping[str, float]] = MappingProxyType({"correct": 1.0})
    action_names = ("output",)
    period_names = ("track", "blank")
    int_facts = ("trial", "condition", "correct", "choice")
    finished_facts = ("correct",)

    def prepare(self) -> None:
        self.tolerance = check_number("tolerance", self.tolerance, low=1e-6, high=2.0)
        self._check_frequencies()
        for name in ("track", "blank", "preview"):
            setattr(self, name, check_number(name, getattr(self, name), low=0.0))
        self._track = parse_duration("track", self.track, self.dt, allow_zero=False).low
        self._blank = parse_duration("blank", self.blank, self.dt).low
        self._preview = parse_duration("preview", self.preview, self.dt).low
        if self._preview >= self._track:
            raise TaskError(
                f"preview={self.preview:g} ms is not shorter than track={self.track:g} ms; pass a "
                "shorter preview or track longer."
            )
        self.max_steps = self.answer_span = self._track + self._blank
        self._check_track()
        self.channels = (Channel("waveform", -1.0, 1.0), Channel("blank"))
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.n_conditions = 1
        self.draws_ahead = len(self._radians)
        self._variance = 1.0 / (2 * len(self._radians))
        every = ("on_target", "on_target_blank", "rmse_track", "rmse_blank")
        per_sine = (
            f"{what}_{i}{unit}"
            for i in range(len(self._radians))
            for what, unit in (("gain", ""), ("lag", "_deg"))
        )
        self.float_facts = ("rt", *every, *per_sine)
        self.finished_facts = ("correct", *self.float_facts[1:])
        whole = self._basis(np.arange(self.max_steps))
        self._fit = np.linalg.pinv(whole)
        self._tells_sines = np.linalg.matrix_rank(whole, tol=1e-6) == whole.shape[1]

    def _check_frequencies(self) -> None:
        given = self.frequencies
        if not isinstance(given, (list, tuple)) or not given:
            raise TaskError(f"frequencies={given!r} is not a list of numbers in Hz; pass such one.")
        highest = 500.0 / self.dt
        values = [check_number("frequencies", one, low=1e-3) for one in given]
        if max(values) >= highest or len(set(values)) < len(values):
            raise TaskError(
                f"frequencies={given!r} are not all different and below {highest:g} Hz, half the "
                f"step rate at dt={self.dt:g} ms; pass other frequencies or a smaller dt."
            )
        self.frequencies = tuple(values)
        self._radians = 2 * np.pi * np.array(values) * self.dt / 1000.0

    def _check_track(self) -> None:
        """The blank can only be continued if what was shown tells all amplitudes and phases."""
        shown = self._basis(np.arange(self._preview, self._track + self._preview))
        if self._blank and np.linalg.matrix_rank(shown, tol=1e-6) < shown.shape[1]:
            raise TaskError(
                f"track={self.track:g} ms shows too few steps to continue {len(self._radians)} "
                "sines; track longer, blank=0 or fewer frequencies."
            )

    def _basis(self, steps: Array) -> Array:
        """(steps, 2 sines) cosine and sine of every frequency."""
        angle = np.outer(steps, self._radians)
        return np.concatenate([np.cos(angle), np.sin(angle)], axis=1)

    def reward_range(self) -> tuple[float, float]:
        most = self.earns["correct"] / self._counted
        ends = most, most * (1.0 - 4.0 / self._variance)
        return min(ends), max(ends)

    @property
    def _counted(self) -> int:
        """Steps that count: those whose goal has been shown or can be known."""
        return self.max_steps - self._preview

    def draw(self, draws: Draws, trials: Trials) -> None:
        trials.durations[:] = self._track, self._blank
        trials.codes[:] = 1
        trials.patterns[:, 1, _BLANK] = 1

    def fill(self, rows: Rows, trials: Trials, go: Array, draws: Draws) -> None:
        phase = 2 * np.pi * draws.uniform(len(self._radians))
        wave = self._wave(phase)
        goal, ahead = wave[:, : self.max_steps], wave[:, self._preview :]
        shown = np.where(np.arange(self.max_steps) < self._track, ahead, 0.0)
        rows.obs[rows.live, _SHOWN] = shown.ravel()
        rows.target[rows.live, 0] = goal.ravel()
        counts = np.arange(self.max_steps) >= self._preview
        rows.value[rows.live] = np.tile(counts * self.earns["correct"] / self._counted, len(phase))

    def _wave(self, phase: Array) -> Array:
        """(n, max_steps + preview) goals from phases (n, sines)."""
        steps = np.arange(self.max_steps + self._preview)
        # Sine by sine: the rounding of a matrix product would depend on the number of trials.
        sines = np.sin(phase[:, :, None] + self._radians[:, None] * steps)
        return sines.sum(axis=1) / phase.shape[1]

    def payoff(self, goal: Sequence[Any], action: Sequence[Any]) -> Any:
        error = goal[0] - action[0]
        return 1.0 - error * error / self._variance

    def finish(self, facts: dict[str, Array], played: Played | None) -> None:
        assert played is not None
        output, goal = played.actions[:, :, 0].astype(np.float64), played.rows("target")[:, :, 0]
        error = np.abs(output - goal)
        hit = error <= self.tolerance + 1e-6
        counted, blank = slice(self._preview, None), slice(self._track, None)
        facts["correct"][:] = hit[:, counted].all(axis=1)
        facts["on_target"][:] = hit[:, counted].mean(axis=1)
        track = slice(self._preview, self._track)
        facts["rmse_track"][:] = np.sqrt((error[:, track] ** 2).mean(axis=1))
        if self._blank:
            facts["on_target_blank"][:] = hit[:, blank].mean(axis=1)
            facts["rmse_blank"][:] = np.sqrt((error[:, blank] ** 2).mean(axis=1))
        else:
            facts["on_target_blank"][:] = facts["rmse_blank"][:] = np.nan
        self._describe(facts, self._coefficients(output), self._coefficients(goal))

    def _coefficients(self, values: Array) -> Array:
        """Least-squares coefficients (k, 2 sines) of traces (k, max_steps)."""
        return (values[:, None] * self._fit).sum(axis=2)

    def _describe(self, facts: dict[str, Array], output: Array, goal: Array) -> None:
        """Gain and phase lag from the coefficients (k, 2 sines) of output and goal."""
        count = len(self._radians)
        response = (output[:, :count] - 1j * output[:, count:]) / (
            goal[:, :count] - 1j * goal[:, count:]
        )
        if not self._tells_sines:
            response = np.full_like(response, np.nan)
        for sine in range(count):
            facts[f"gain_{sine}"][:] = np.abs(response[:, sine])
            facts[f"lag_{sine}_deg"][:] = -np.degrees(np.angle(response[:, sine]))

    def score(self, facts: Mapping[str, Any]) -> Array:
        return np.asarray(facts["on_target"], dtype=np.float64)

    # ---------------------------------------------------------------- yardsticks

    def compute_yardsticks(self) -> Yardsticks:
        constant, random = self._constant_hits()
        blank = self._blank / self._counted
        shown = 1.0 - blank if self._preview == 0 else 0.0
        unknown = self.prev_action or self.prev_reward or self._preview
        return Yardsticks(
            random=random,
            chance=constant,
            memoryless=None if unknown else shown + blank * constant,
            optimum=1.0,
        )

    def _constant_hits(self) -> tuple[float, float]:
        """Time on target of the best constant output, and of uniform outputs.

        The goal's distribution is that of a mean of sines at random phases, convolved on a grid.
        """
        count, width = len(self._radians), 2.0 / _CELLS
        place = np.sin(2 * np.pi * (np.arange(_PHASES) + 0.5) / _PHASES) / (count * width)
        half = int(np.ceil(1.0 / (count * width))) + 1
        low = np.floor(place).astype(np.int64)
        single = np.zeros(2 * half + 2)
        # A value between two cells counts for both, in proportion.
        np.add.at(single, low + half, (low + 1 - place) / _PHASES)
        np.add.at(single, low + half + 1, (place - low) / _PHASES)
        density = np.ones(1)
        for _ in range(count):
            density = np.convolve(density, single)
        edges = (np.arange(len(density) + 1) - count * half - 0.5) * width
        cumulative = np.concatenate([[0.0], np.cumsum(density)])
        outputs = np.linspace(-1.0, 1.0, 2001)
        above = np.interp(outputs + self.tolerance, edges, cumulative)
        hits = above - np.interp(outputs - self.tolerance, edges, cumulative)
        best = float(hits.max())
        if count == 1:
            # A single sine dwells at its turning points, where the grid is too coarse.
            best = float(np.arccos(max(1.0 - 2.0 * self.tolerance, -1.0)) / np.pi)
        return best, float(((hits[:-1] + hits[1:]) / 2).mean())

    def oracle(self) -> Policy:
        return WaveformObserver(self)


class WaveformObserver(Policy):
    """Fits amplitudes and phases to what was shown, and continues the fit."""

    def __init__(self, task: WaveformTracking) -> None:
        self._basis = task._basis(np.arange(task.max_steps + task._preview))
        self._preview, self._track = task._preview, task._track

    def begin(self, n: int) -> State:
        return np.zeros(n, dtype=np.int64), np.zeros((n, self._track))

    def act(self, obs: Array, state: State) -> tuple[Array, State]:
        step, seen = state
        shown = obs[:, _BLANK] < 0.5
        # A waveform that is shown again belongs to the next trial.
        step = np.where(shown & (step >= self._track), 0, step)
        seen = seen.copy()
        every = np.arange(len(obs))
        seen[every[shown], step[shown]] = obs[shown, _SHOWN]
        return self._output(step, seen), (np.minimum(step + 1, len(self._basis) - 1), seen)

    def _output(self, step: Array, seen: Array) -> Array:
        output = np.zeros((len(step), 1), dtype=np.float32)
        for now in np.unique(step):
            here = step == now
            place = now - self._preview
            if 0 <= place < self._track:
                output[here, 0] = seen[here, place]
            elif place >= self._track:
                fit = np.linalg.pinv(self._basis[self._preview : self._preview + self._track])
                output[here, 0] = seen[here] @ fit.T @ self._basis[now]
        return np.clip(output, -1.0, 1.0)


register(WaveformTracking)
