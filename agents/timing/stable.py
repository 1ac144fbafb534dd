"""An agent whose clock is a spiking network that has organised itself before reward comes.

The network learns by presynaptic-dependent scaling which cells fire when after the cue, without
reward (Buonomano 2005, doi:10.1152/jn.01250.2004); with a cue of its own for each trajectory where
there are several (Liu & Buonomano 2009, doi:10.1523/JNEUROSCI.2358-09.2009). Then its weights rest
and a readout learns from reward.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base import Metrics
from ..options import check_ranges, choice
from ..stable_timing import SETTINGS, TimingCircuit
from .agent import ClockAgent, ClockOptions
from .clocks import Clock
from .cues import CueReader
from .sequence_clock import SequenceClock

Array = np.ndarray

_RANGES = {
    "positive": ("time_scale", "trace_ms"),
    "not negative": ("develop_trials", "groups"),
}
_COPIES = 16


class CircuitSequences:
    """First spikes of the E cells of a circuit, which develops when it is first asked for them.

    Args:
        circuit: one, not developed yet.
        trials: of each cue, that it develops for.
    """

    def __init__(self, circuit: TimingCircuit, trials: int):
        self.circuit, self.trials = circuit, trials
        self.n_cells = circuit.settings.n_e

    def first_spikes(self, cues: Array, seeds: Array) -> Array:
        self.develop()
        n = len(cues)
        found = self.circuit.run(np.zeros(n, int), cues, seeds, np.zeros(n, int))
        return np.nan_to_num(found.first[:, : self.n_cells], nan=np.inf)

    def develop(self) -> None:
        """Develop, where that has not been done."""
        self.circuit.develop(self.trials * self.circuit.stimuli)


class CircuitClock(SequenceClock):
    """A :class:`.sequence_clock.SequenceClock` on a circuit, whose state is the clock's."""

    sequences: CircuitSequences

    def get_constants(self) -> dict[str, Array]:
        return self.sequences.circuit.get_state()

    def set_constants(self, constants: dict[str, Array]) -> None:
        self.sequences.circuit.set_state(constants)
        self._rank = None


@dataclass
class StableTimingOptions(ClockOptions):
    """Hyper-parameters of :class:`StableTiming`."""

    learning_rate: float = 1.0  # of sums over an episode's steps, means over episodes
    optimizer: str = "sgd"
    setting: str = "precise"  # precise, long, bursting: constants of the circuit
    time_scale: float = 10.0  # how much slower than those constants everything runs
    develop_trials: int = 800  # of each cue, before reward comes
    separate: bool = True  # a stimulus of its own for each cue; else one, and the readout knows
    trace_ms: float = 8.0  # of a cell's spike, times time_scale
    groups: int = 0  # pools of cells that fire together; 0: each cell by itself
    kernel: str = "auto"  # numpy, numba, or auto: numba where it is installed


class StableTiming(ClockAgent):
    """Self-organised stable timing: develops its network, then learns when to act.

    The network develops within the first update, or when an action is first asked for; from then on
    its weights rest. A trial of the network depends on cue and noise alone, and is run at the cue.

    Examples:
        >>> import caudate.envs
        >>> from caudate.agents import make_agent
        >>> env_id = "caudate/IntervalProduction-TimedPress-v0"
        >>> agent = make_agent("stable-timing", env_id, develop_trials=5)
        >>> agent.update()["episodes"]
        16
    """

    name = "stable-timing"
    options_class = StableTimingOptions

    def __init__(self, env: Any, *, n_envs: int | None = None, **kwargs: Any):
        if n_envs is None and isinstance(env, str):
            n_envs = _COPIES
        super().__init__(env, n_envs=n_envs, **kwargs)

    def _make_clock(self, reader: CueReader, dt_ms: float, rng: np.random.Generator) -> Clock:
        o = self.options
        check_ranges(self.name, o, _RANGES)
        choice(self.name, "setting", o.setting, SETTINGS)
        circuit = TimingCircuit(
            SETTINGS[o.setting].scaled(o.time_scale),
            seed=int(rng.integers(2**31)),
            stimuli=reader.n_cues if o.separate else 1,
            kernel=o.kernel,
        )
        return CircuitClock(
            dt_ms,
            CircuitSequences(circuit, o.develop_trials),
            reader.n_cues,
            o.trace_ms * o.time_scale,
            o.groups,
            o.measure_units,
            o.separate,
            self.seed,
        )

    @property
    def circuit(self) -> TimingCircuit:
        """The network, as far as it has developed."""
        return self.clock.sequences.circuit

    def warm_up(self) -> None:
        """Compile the kernel, which leaves no trace."""
        zeros = np.zeros(1, int)
        self.circuit.run(zeros, zeros, zeros, zeros)

    def update(self) -> Metrics:
        self.clock.sequences.develop()
        return super().update()
