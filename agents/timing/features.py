"""From observations to features of time: cues, a clock, and what is held of the past.

The features of a step are a constant before the first pulse, the channels that are neither pulses
nor cues as they are, and the outer product of two vectors:

- x(t), the clock's units, with one more that is 1 at the pulse itself, and
- h, what has been held since: the outer product of the cue (one-hot; not where the clock itself
  tells cues apart), of the measured interval, of the number of own presses since the pulse, and of
  the recent course of held channels; each only where asked for.

A linear readout of this product is a table of what to do *how long after what*: a unit of it is
tuned to both, as neurons with gain fields are. It is the simplest code in which the interval
between Ready and Set can decide when to press after Set; a sum of the two cannot.

The measured interval is h = code of the clock at the second pulse (see :meth:`.clocks.Clock.code`),
beside a unit that is 1 while none has been measured. A press may start the clock anew. Then an
interval between pulses is measured only if no press has come in between.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..base import State, mixed
from ..tape import Tape
from .clocks import Clock
from .cues import CueReader, Seen

Array = np.ndarray

_OWN = 6  # parts of the state before the clock's
_COURSE_MS = (50.0, 2000.0)  # time constants that a held course is averaged with


class TimeFeatures:
    """The features of time that a readout learns from; stands where others have their network.

    Args:
        reader: of the observations.
        clock: started by pulses.
        measures: whether intervals between pulses are held.
        presses: whether own presses start the clock anew.
        places: own presses since the pulse that are told apart, 0 for none.
        course_units: averages of different memory that hold the course of a channel.
        dtype: of the features.

    State: (n, P) pulses of the last step; (n,) cue; (n, M + 1) measured interval; (n,) presses
    since the pulse; (n,) whether the clock has run since the last pulse; (n, 2 H K) averages now
    and at the pulse; and the clock's.
    """

    substeps = 1
    self_connections = False

    def __init__(
        self,
        reader: CueReader,
        clock: Clock,
        *,
        measures: bool,
        presses: bool,
        places: int,
        course_units: int,
        dtype: np.dtype,
    ):
        self.reader, self.clock, self.dtype = reader, clock, dtype
        self.measures, self.presses, self.places = measures, presses, places
        taus = np.geomspace(*_COURSE_MS, course_units)
        self._keep = np.exp(-clock.dt_ms / taus)
        self.n_course = reader.n_course * course_units
        self.gates_cues = reader.n_cues > 1 and not clock.tells_cues
        self.n_held = (
            (reader.n_cues if self.gates_cues else 1)
            * (clock.n_code + 1 if measures else 1)
            * max(places, 1)
            * max(self.n_course, 1)
        )
        self.n_time = clock.n_units + 1
        self.n_units = 1 + reader.n_shown + self.n_held * self.n_time

    # -- state -------------------------------------------------------------------------------

    def initial_state(self, n: int, seeds: Array | None = None) -> State:
        """State at the start of n episodes; ``seeds`` (n,) decide what the clock draws."""
        measured = np.zeros((n, self.clock.n_code + 1 if self.measures else 0))
        measured[:, :1] = 1
        return (
            np.zeros((n, len(self.reader.pulses)), bool),
            np.zeros(n, int),
            measured,
            np.zeros(n, int),
            np.zeros(n, bool),
            np.zeros((n, 2 * self.n_course)),
            *self.clock.begin(n, np.arange(n) if seeds is None else seeds),
        )

    def presynaptic(self, state: State) -> Array:
        """There are no recurrent weights that something would be passed on by."""
        return np.zeros((len(state[0]), 0), self.dtype)

    def tape(self, n: int) -> Tape:
        return Tape()

    def get_constants(self) -> dict[str, Array]:
        return self.clock.get_constants()

    def set_constants(self, constants: dict[str, Array]) -> None:
        self.clock.set_constants(constants)

    # -- a step ------------------------------------------------------------------------------

    def step(
        self, parameters: Any, state: State, x: Array, tape: Tape | None = None
    ) -> tuple[Array, State]:
        """One environment step; returns the features (n, n_units) and the new state."""
        if tape is not None:
            tape.advance()
        seen = self.reader.read(x)
        onset = seen.lit & ~state[0]
        pulse = np.logical_or.reduce(onset, axis=1)
        state = self._after_press(state, seen.pressed)
        state = self._after_pulse(state, seen, pulse)
        return self._features(state, seen, pulse), state

    def _after_press(self, state: State, pressed: Array) -> State:
        """A press in answer to the last observation, then a step of the clock."""
        lit, cue, measured, place, clean, course = state[:_OWN]
        clock = state[_OWN:]
        running = clock[0] >= 0
        pressed = pressed & running
        if pressed.any():
            place = place + pressed
            # A press at the pulse itself finds the clock at 0 already.
            again = pressed & (clock[0] > 0) if self.presses else np.zeros_like(pressed)
            if again.any():
                clean = clean & ~again
                clock = self.clock.start(clock, again, cue)
        return (lit, cue, measured, place, clean, course, *self.clock.advance(clock))

    def _after_pulse(self, state: State, seen: Seen, pulse: Array) -> State:
        _, cue, measured, place, clean, course = state[:_OWN]
        clock = state[_OWN:]
        course = self._followed(course, seen.course, pulse)
        if pulse.any():
            ended = pulse & clean
            if self.measures and ended.any():
                code = np.concatenate([np.zeros((len(pulse), 1)), self.clock.code(clock)], axis=1)
                (measured,) = mixed(ended, (code,), (measured,))
            cue = np.where(pulse, seen.cue, cue)
            place, clean = np.where(pulse, 0, place), clean | pulse
            clock = self.clock.start(clock, pulse, cue)
        return (seen.lit, cue, measured, place, clean, course, *clock)

    def _followed(self, course: Array, shown: Array, pulse: Array) -> Array:
        """Averages now (n, H K) and at the last pulse (n, H K), side by side.

        What a pulse finds are the averages before it: ``blank`` hides the channel.
        """
        if not self.n_course:
            return course
        now, held = np.split(course, 2, axis=1)
        held = np.where(pulse[:, None], now, held)
        keep = np.tile(self._keep, self.reader.n_course)
        now = keep * now + (1 - keep) * np.repeat(shown, len(self._keep), axis=1)
        return np.concatenate([now, held], axis=1)

    def _features(self, state: State, seen: Seen, pulse: Array) -> Array:
        n = len(pulse)
        _, cue, measured, place, _, course = state[:_OWN]
        clock = state[_OWN:]
        features = np.empty((n, self.n_units), self.dtype)
        features[:, 0] = clock[0] < 0
        features[:, 1 : 1 + self.reader.n_shown] = seen.shown
        time = np.concatenate([pulse[:, None], self.clock.units(clock)], axis=1)
        held = self._held(cue, measured, place, course)
        product = time if held is None else (held[:, :, None] * time[:, None, :]).reshape(n, -1)
        features[:, 1 + self.reader.n_shown :] = product
        return features

    def _held(self, cue: Array, measured: Array, place: Array, course: Array) -> Array | None:
        """h (n, n_held), None where nothing is held."""
        parts = []
        if self.gates_cues:
            parts.append(np.eye(self.reader.n_cues)[cue])
        if self.measures:
            parts.append(measured)
        if self.places:
            parts.append(np.eye(self.places)[np.minimum(place, self.places - 1)])
        if self.n_course:
            parts.append(self._bands(course[:, self.n_course :]))
        held = None
        for part in parts:
            product = part if held is None else held[:, :, None] * part[:, None, :]
            held = product.reshape(len(cue), -1)
        return held

    def _bands(self, averages: Array) -> Array:
        """Differences of neighbouring averages (n, H K): what is slower than one, not the next."""
        each = averages.reshape(len(averages), self.reader.n_course, -1)
        return np.diff(each, axis=2, append=0).reshape(averages.shape)

    def since(self, state: State) -> Array:
        """Milliseconds (n,) since the last start of the clock, -1 where it does not run."""
        return state[_OWN]
