"""A clock of cells that fire one after another: each has its own time after the cue.

Where a network's cells fire in an order that is the same on every trial, which of them have just
fired tells the time since the cue (Buonomano 2005, doi:10.1152/jn.01250.2004). A readout neuron
sees the trace of each cell's first spike at t_i,

    x_i(t) = exp(-(t - t_i) / tau)    for t >= t_i, else 0,

and two units for what comes after the sequence: one that is on once the last cell has fired, and
one that rises from then on.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..base import State
from ..filters import counted
from .clocks import Clock

Array = np.ndarray

AFTER = 2  # units for what comes after the sequence
_SLOW = 10.0  # time constant of the rise after the sequence, in those of the trace
_NEVER = 1e9  # ms, when silent cells fire
_PROBES = 8  # trials of each cue that tell the cells' order


class Sequences(Protocol):
    """What fires: a network whose trials are known once cue and luck are."""

    n_cells: int

    def first_spikes(self, cues: Array, seeds: Array) -> Array:
        """Times (n, n_cells) in ms after the cue, inf for cells that do not fire, of n trials.

        Row i depends on ``cues[i]`` and ``seeds[i]`` (uint64) alone.
        """
        ...


class SequenceClock(Clock):
    """Traces of the cells of a network, whose trial begins at the cue and knows nothing else.

    What happens in a trial is decided at its start, so the clock runs it there and keeps the
    cells' first spikes; each start has luck of its own.

    Args:
        dt_ms: milliseconds of an environment step.
        sequences: what fires.
        n_cues: cues that it can be started with.
        tau_ms: of the trace.
        groups: 0: each cell is a unit; else cells that fire together are pooled into so many.
        n_code: groups of cells of which the activity is held at the end of an interval.
        separate: each cue starts a trajectory of its own; else all start the first.
        seed: of the trials that tell the cells' order.
    """

    def __init__(
        self,
        dt_ms: float,
        sequences: Sequences,
        n_cues: int,
        tau_ms: float,
        groups: int,
        n_code: int,
        separate: bool,
        seed: int,
    ):
        super().__init__(dt_ms)
        self.sequences, self.tau_ms, self.seed = sequences, tau_ms, seed
        n = sequences.n_cells
        self.groups, self.n_order = min(groups, n), min(n_code, n)
        self.trajectories = n_cues if separate else 1
        self.n_units = (self.groups or n) + AFTER
        self.n_code = self.n_order + 1
        # Pooled cells of two cues are not the same: then the readout must be told which cue it was.
        self.tells_cues = separate and not self.groups
        self._rank: Array | None = None

    def begin(self, n: int, seeds: Array) -> State:
        spikes = np.full((n, self.sequences.n_cells), np.inf, np.float32)
        which = np.zeros(n, int)
        return (*super().begin(n, seeds), which, seeds.astype(np.uint64), np.zeros(n, int), spikes)

    def start(self, state: State, columns: Array, cue: Array) -> State:
        since, which, seeds, starts, spikes = state
        rows = np.flatnonzero(columns)
        if not len(rows):
            return state
        cues = cue[rows] if self.trajectories > 1 else np.zeros(len(rows), int)
        luck = counted.words(seeds[rows], starts[rows], 1)[:, 0]
        since, which, starts, spikes = (part.copy() for part in (since, which, starts, spikes))
        since[rows], which[rows] = 0.0, cues
        starts[rows] += 1
        spikes[rows] = self.sequences.first_spikes(cues, luck)
        return since, which, seeds, starts, spikes

    def _traces(self, state: State) -> tuple[Array, Array]:
        """Traces (n, n_cells), and ms (n,) since the last cell fired, negative before."""
        since, _, _, _, spikes = state
        passed = np.maximum(since, 0).astype(np.float32)[:, None] - spikes
        with np.errstate(over="ignore"):
            traces = np.where(passed >= 0, np.exp(-passed / np.float32(self.tau_ms)), np.float32(0))
        last = np.where(np.isfinite(spikes), spikes, 0).max(axis=1)
        return traces, np.where(since >= 0, since - last, -1.0)

    def units(self, state: State) -> Array:
        traces, after = self._traces(state)
        if self.groups:
            traces = self._pooled(traces, state[1], self.groups)
        over = after > 0
        rise = np.where(over, 1 - np.exp(-np.maximum(after, 0) / (_SLOW * self.tau_ms)), 0)
        return np.concatenate([traces, over[:, None], rise[:, None]], axis=1)

    def code(self, state: State) -> Array:
        traces, after = self._traces(state)
        pooled = self._pooled(traces, state[1], self.n_order)
        pooled = np.concatenate([pooled, (after > 0)[:, None]], axis=1)
        return pooled / np.maximum(pooled.sum(axis=1, keepdims=True), 1e-6)

    def _pooled(self, traces: Array, which: Array, groups: int) -> Array:
        """Mean traces (n, groups) of cells that follow one another in their cue's order."""
        n = traces.shape[1]
        group = self.rank * groups // n
        pooled = np.zeros((len(traces), groups))
        for cue in np.unique(which):
            rows = which == cue
            members = np.eye(groups)[group[cue]]
            pooled[rows] = traces[rows] @ (members / members.sum(axis=0))
        return pooled

    @property
    def rank(self) -> Array:
        """(trajectories, n_cells) place of each cell in the order of firing; silent ones last."""
        if self._rank is None:
            self._rank = self._measured_rank()
        return self._rank

    def _measured_rank(self) -> Array:
        cues = np.repeat(np.arange(self.trajectories), _PROBES)
        seeds = counted.words(np.full(1, self.seed, np.uint64), np.zeros(1), len(cues))[0]
        spikes = self.sequences.first_spikes(cues, seeds)
        spikes = np.where(np.isfinite(spikes), spikes, _NEVER)
        mean = spikes.reshape(self.trajectories, _PROBES, -1).mean(axis=1)
        return mean.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
