"""Clocks: what tells the time since a cue, for n columns at a time.

A clock's state is a tuple of arrays with the leading axis n; its first one holds the milliseconds
that have passed since the cue, -1 where none has come. Clocks do not change states, they return
new ones. What is drawn is counted (:mod:`..filters.counted`): a function of the column's seed and
of how often its clock has been started, so that a column's time does not depend on the batch
around it.

What passes on to a readout is ``units(state)`` (n, n_units), all 0 before the first cue.
``code(state)`` (n, n_code) is what can be held of it when an interval is over; it is coarser.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from scipy.special import ndtri

from ..base import State, mixed
from ..filters import counted
from ..networks import RateNetwork

Array = np.ndarray

_SLOWEST = 0.05  # least speed of a clock that runs too slow


class Clock(ABC):
    """What tells the time since a cue.

    Args:
        dt_ms: milliseconds of an environment step.

    Attributes:
        n_units: values that are passed on.
        n_code: values that can be held of an interval.
        tells_cues: whether the units of different cues differ.
    """

    n_units: int
    n_code: int
    tells_cues = False

    def __init__(self, dt_ms: float):
        self.dt_ms = dt_ms

    def begin(self, n: int, seeds: Array) -> State:
        """State of n columns whose clocks do not run; ``seeds`` (n,) decide what is drawn."""
        return (np.full(n, -1.0),)

    def start(self, state: State, columns: Array, cue: Array) -> State:
        """Start the clocks of some ``columns`` (n,) bool at 0, with their cues (n,)."""
        return (np.where(columns, 0.0, state[0]), *state[1:])

    def advance(self, state: State) -> State:
        """The state one environment step later."""
        since = state[0]
        return (np.where(since >= 0, since + self.dt_ms, since), *state[1:])

    @abstractmethod
    def units(self, state: State) -> Array:
        """What is passed on, (n, n_units)."""

    @abstractmethod
    def code(self, state: State) -> Array:
        """What is held of the interval that ends now, (n, n_code)."""

    def get_constants(self) -> dict[str, Array]:
        """Arrays that were drawn or developed, for checkpoints."""
        return {}

    def set_constants(self, constants: dict[str, Array]) -> None:  # noqa: B027 (most have none)
        """Take over what :meth:`get_constants` returned."""


def hats(values: Array, centres: Array) -> Array:
    """Overlapping triangular tuning curves (n, k): linear interpolation between neighbours.

    ``values`` (n,); ``centres`` (k,) ascending. A value on a centre drives this unit alone, one
    outside drives the last. Each row sums to 1.
    """
    place = np.interp(values, centres, np.arange(len(centres)))
    low = np.minimum(place.astype(int), len(centres) - 1)
    high = np.minimum(low + 1, len(centres) - 1)
    found = np.zeros((len(values), len(centres)))
    rows = np.arange(len(values))
    found[rows, low] = 1 - (place - low)
    found[rows, high] += place - low
    return found


class OracleClock(Clock):
    """Exact time since the cue as a table: one unit for each step, the last for all later ones.

    Args:
        dt_ms: milliseconds of an environment step.
        longest_ms: time that the table ends with.
        n_code: units that hold an interval, with tuning curves evenly spaced in its logarithm.
    """

    def __init__(self, dt_ms: float, longest_ms: float, n_code: int):
        super().__init__(dt_ms)
        self.times = dt_ms * np.arange(int(np.ceil(longest_ms / dt_ms)) + 1)
        self.intervals = np.geomspace(dt_ms, max(longest_ms, 2 * dt_ms), n_code)
        self.n_units, self.n_code = len(self.times), n_code

    def read(self, state: State) -> Array:
        """Time that the clock shows, (n,) ms; -1 where it does not run."""
        return state[0]

    def units(self, state: State) -> Array:
        return hats(self.read(state), self.times) * (state[0] >= 0)[:, None]

    def code(self, state: State) -> Array:
        return hats(self.read(state), self.intervals) * (state[0] >= 0)[:, None]


class NoisyClock(OracleClock):
    """The same with the scalar property: it shows t (1 + w xi), xi ~ N(0, 1) anew at each start.

    So the standard deviation of what it shows after t is w t (Gibbon 1977,
    doi:10.1037/0033-295X.84.3.279).

    Args:
        weber: w.
    """

    def __init__(self, dt_ms: float, longest_ms: float, n_code: int, weber: float):
        super().__init__(dt_ms, longest_ms, n_code)
        self.weber = weber

    def begin(self, n: int, seeds: Array) -> State:
        return (*super().begin(n, seeds), np.ones(n), seeds.astype(np.uint64), np.zeros(n, int))

    def start(self, state: State, columns: Array, cue: Array) -> State:
        since, speed, seeds, starts = state
        luck = ndtri(counted.uniform(counted.words(seeds, starts, 1)))[:, 0]
        drawn = np.maximum(1 + self.weber * luck, _SLOWEST)
        return (
            np.where(columns, 0.0, since),
            np.where(columns, drawn, speed),
            seeds,
            starts + columns,
        )

    def read(self, state: State) -> Array:
        return np.where(state[0] >= 0, state[0] * state[1], -1.0)


class LeakyIntegrators(Clock):
    """What is left of the pulse in leaky integrators: exp(-t / tau_k), tau_k evenly spaced in log.

    Such a bank is the Laplace transform of the time since the cue (Shankar & Howard 2012,
    doi:10.1162/NECO_a_00212). An interval is held as the bank's own state.

    Args:
        dt_ms: milliseconds of an environment step.
        shortest_ms, longest_ms: first and last time constant.
        n_units: how many.
    """

    def __init__(self, dt_ms: float, shortest_ms: float, longest_ms: float, n_units: int):
        super().__init__(dt_ms)
        self.taus = np.geomspace(shortest_ms, longest_ms, n_units)
        self.n_units = self.n_code = n_units

    def units(self, state: State) -> Array:
        since = state[0][:, None]
        return np.where(since >= 0, np.exp(-np.maximum(since, 0) / self.taus), 0.0)

    def code(self, state: State) -> Array:
        return self.units(state)


class EchoState(Clock):
    """A random network of leaky tanh units whose activity a cue sets, then left to itself.

    The network is :class:`~caudate.agents.networks.RateNetwork` with fixed weights (Jaeger 2001,
    GMD Report 148); a cue's pulse sets its leaky state to the cue's own random vector.

    Args:
        dt_ms: milliseconds of an environment step.
        rng: draws weights and leaks.
        n_units: size.
        n_cues: cues that it can be started with.
        taus_ms: shortest and longest time constant.
        gain: of the recurrent weights, their spectral radius; of the cues' vectors.
        n_code: units of which the activity is held at the end of an interval.
    """

    tells_cues = True

    def __init__(
        self,
        dt_ms: float,
        rng: np.random.Generator,
        n_units: int,
        n_cues: int,
        taus_ms: tuple[float, float],
        gain: tuple[float, float],
        n_code: int,
    ):
        super().__init__(dt_ms)
        taus = tuple(max(tau / dt_ms, 1.0) for tau in taus_ms)
        self.network = RateNetwork.create(
            rng, n_cues, n_units, (taus[0], taus[1]), np.dtype(np.float64), kernel="numpy"
        )
        self.parameters = self.network.initial_parameters(rng, *gain)
        self.n_units, self.n_code = n_units, min(n_code, n_units)
        self._silence = np.zeros((1, n_cues))

    def begin(self, n: int, seeds: Array) -> State:
        return (*super().begin(n, seeds), *self.network.initial_state(n))

    def start(self, state: State, columns: Array, cue: Array) -> State:
        leaky = self.parameters["W_in"].T[cue]
        begun = (np.zeros(len(cue)), leaky, np.tanh(leaky))
        return mixed(columns, begun, state)

    def advance(self, state: State) -> State:
        (since,) = super().advance(state[:1])
        silence = np.broadcast_to(self._silence, (len(since), self._silence.shape[1]))
        _, activity = self.network.step(self.parameters, state[1:], silence)
        return (since, *activity)

    def units(self, state: State) -> Array:
        return state[2]

    def code(self, state: State) -> Array:
        return state[2][:, : self.n_code]

    def get_constants(self) -> dict[str, Array]:
        return self.network.get_constants() | {k: w.copy() for k, w in self.parameters.items()}

    def set_constants(self, constants: dict[str, Array]) -> None:
        self.network.set_constants(constants)
        for name, w in self.parameters.items():
            w[...] = constants[name]
