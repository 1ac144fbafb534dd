"""Circuits with conductances that develop trial by trial, several of them side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtri

from ..checkpoint import read_checkpoint, write_checkpoint
from ..errors import AgentError, CheckpointError
from ..filters import counted
from ..kernels import timing_kernel
from ..kernels.timing_numpy import Paths
from ..options import choice
from .scaling import RULES, averaged
from .settings import PRECISE, TimingSettings

Array = np.ndarray

_JITTER = np.uint64(1 << 62)  # apart from the noise of the potentials: another stream of a seed
_MAGIC = "timing-circuit"


@dataclass(frozen=True)
class Trials:
    """What came of trials, of E neurons first, then I.

    Attributes:
        counts: (B, N) spikes.
        first: (B, N) ms from the trial's begin to the first spike; NaN without one.
        raster: (B, T, N) bool, a spike in a step; of size 0 where it was not asked for.
    """

    counts: Array
    first: Array
    raster: Array


class TimingCircuit:
    """S circuits of one kind with their own wiring and seeds, developing side by side.

    Circuit i of a batch is the same as one alone with its seed.

    Args:
        settings: constants.
        seed: of the first circuit, or one for each.
        n: how many circuits.
        stimuli: sets of neurons that are stimulated, in turn while developing.
        rule: ``presynaptic`` or ``plain``.
        kernel: auto, numpy, numba.

    Attributes:
        sources_ee, weights_ee: (S, N_E, K) inputs of each E neuron; ``sources_ei``, ``weights_ei``
            (S, N_I, K) those of I neurons from E.
        stimulated: (S, stimuli, N) bool.
        activity: (S, N) running average A of spikes a trial.
        trials: how many it has developed for.
        history: (S, trials) mean spikes of an E neuron, trial by trial.

    Raises:
        AgentError: options that do not fit.

    Examples:
        >>> from caudate.agents.stable_timing import TimingCircuit
        >>> circuit = TimingCircuit(seed=1).develop(5)
        >>> int((circuit.test(3).counts[:, :400] > 0).sum())  # none but the stimulated ones yet
        72
    """

    def __init__(
        self,
        settings: TimingSettings = PRECISE,
        *,
        seed: int | Sequence[int] | Array = 0,
        n: int = 1,
        stimuli: int = 1,
        rule: str = "presynaptic",
        kernel: str = "auto",
    ):
        choice("TimingCircuit", "rule", rule, RULES)
        if n < 1 or stimuli < 1:
            raise AgentError(f"n={n} and stimuli={stimuli} must be 1 or more.")
        self.settings, self.rule, self.kernel = settings, rule, kernel
        self.constants = settings.constants()
        self._run = timing_kernel(kernel)
        self.seeds = counted.seeds(seed, n, "TimingCircuit")
        self.n, self.stimuli = n, stimuli
        self._wire()
        self.activity = np.zeros((n, settings.n))
        self.history = np.zeros((n, 0))

    @property
    def trials(self) -> int:
        return self.history.shape[1]

    # -- wiring ------------------------------------------------------------------------------

    def _wire(self) -> None:
        s = self.settings
        drawn = [_drawn(s, int(seed), self.stimuli) for seed in self.seeds]
        self.sources_ee, self.weights_ee, self.sources_ei, self.weights_ei, sources_ie, chosen = (
            np.array(part) for part in zip(*drawn, strict=True)
        )
        self.stimulated = chosen
        self.weights_ie = np.full(sources_ie.shape, s.weight_ie)
        self.paths = (
            _paths(self.sources_ee, s.n_e),
            _paths(self.sources_ei, s.n_e),
            _paths(sources_ie, s.n_i),
        )

    # -- trials ------------------------------------------------------------------------------

    def run(
        self,
        circuit: Array,
        stimulus: Array,
        seeds: Array,
        numbers: Array,
        raster: bool = False,
    ) -> Trials:
        """Run a trial in each of B columns; nothing is learned.

        Args:
            circuit, stimulus: (B,), which circuit and which of its stimuli.
            seeds, numbers: (B,), a column's seed and its trial's number, which decide the noise.
            raster: keep every spike.

        Raises:
            AgentError: a circuit or a stimulus that there is not.
        """
        c, s = self.constants, self.settings
        circuit = np.asarray(circuit)
        for name, given, n in (("circuit", circuit, self.n), ("stimulus", stimulus, self.stimuli)):
            if not np.all((np.asarray(given) >= 0) & (np.asarray(given) < n)):
                raise AgentError(f"{name}={given!r} must be from 0 to {n - 1}.")
        b, seeds = len(circuit), np.asarray(seeds, np.uint64)
        counts, first = np.empty((b, s.n), int), np.empty((b, s.n), int)
        record = np.zeros((b, c.steps, s.n) if raster else (0, 0, 0), bool)
        words = counted.words(seeds ^ _JITTER, np.asarray(numbers), s.n)
        onset = s.stimulus + s.jitter * ndtri(counted.uniform(words))
        forced = np.maximum(np.rint(onset / s.dt), 0).astype(int)
        forced = np.where(self.stimulated[circuit, stimulus], forced, -1)
        weights = (self.weights_ee, self.weights_ei, self.weights_ie)
        self._run(
            c,
            self.paths,
            tuple(np.ascontiguousarray(w).reshape(self.n, -1) for w in weights),
            circuit,
            forced,
            counted.entry(seeds, np.asarray(numbers)),
            counts,
            first,
            record,
        )
        return Trials(counts, np.where(first >= 0, first * s.dt, np.nan), record)

    def test(self, trials: int, stimulus: int = 0, *, raster: bool = False) -> Trials:
        """Fresh trials of every circuit with one stimulus, B = n x trials, circuit by circuit.

        Their noise is none that development has seen or will see.
        """
        if trials < 1:
            raise AgentError(f"trials={trials!r} must be 1 or more.")
        circuit = np.repeat(np.arange(self.n), trials)
        numbers = np.tile(np.arange(trials), self.n)
        seeds = ~self.seeds[circuit]
        return self.run(circuit, np.full(len(circuit), stimulus), seeds, numbers, raster)

    def develop(
        self,
        trials: int,
        *,
        progress: Callable[[int, Array], None] | None = None,
        checkpoint: str | Path | None = None,
        every: int = 100,
    ) -> TimingCircuit:
        """Develop until ``trials`` trials in all have been had, those of earlier calls counted.

        A development that was stopped and goes on from its checkpoint ends as one that was not.

        Args:
            trials: in all.
            progress: told the trial's number and the mean spikes (S,) of an E neuron after each.
            checkpoint: a file that is written every so many trials and at the end.
            every: how many.
        """
        if every < 1:
            raise AgentError(f"every={every!r} must be 1 or more.")
        own = np.arange(self.n)
        s, before = self.settings, self.trials
        history = np.concatenate([self.history, np.zeros((self.n, max(trials - before, 0)))], 1)
        for number in range(before, trials):
            counts = self.run(
                own,
                np.full(self.n, number % self.stimuli),
                self.seeds,
                np.full(self.n, number),
            ).counts
            self.learn(counts)
            history[:, number] = counts[:, : s.n_e].mean(1)
            self.history = history[:, : number + 1]
            if progress is not None:
                progress(number + 1, self.history[:, -1])
            if checkpoint is not None and (number + 1) % every == 0:
                self.save(checkpoint)
        self.history = history
        if checkpoint is not None:
            self.save(checkpoint)
        return self

    def learn(self, counts: Array) -> None:
        """Change the weights by a trial with spike ``counts`` (S, N)."""
        s, change = self.settings, RULES[self.rule]
        self.activity = averaged(self.activity, counts, s.activity_rate)
        exciting, e = self.activity[:, : s.n_e], s.n_e
        rows = np.arange(self.n)[:, None, None]
        self.weights_ee = change(
            self.weights_ee, exciting[rows, self.sources_ee], exciting, s.goal_e, s.weight_rate,
            s.weight_max,
        )  # fmt: skip
        if s.weight_ei_max is not None:
            self.weights_ei = change(
                self.weights_ei, exciting[rows, self.sources_ei], self.activity[:, e:], s.goal_i,
                s.weight_rate, s.weight_ei_max,
            )  # fmt: skip

    # -- state -------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """What development changes."""
        return {
            "weights_ee": self.weights_ee.copy(),
            "weights_ei": self.weights_ei.copy(),
            "activity": self.activity.copy(),
            "history": self.history.copy(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`get_state` was called."""
        for name in ("weights_ee", "weights_ei", "activity", "history"):
            value, own = np.array(state[name]), getattr(self, name)
            if name != "history" and value.shape != own.shape:
                raise AgentError(
                    f"TimingCircuit: {name} of shape {value.shape} does not fit {own.shape}: the "
                    "state is another circuit's."
                )
            setattr(self, name, value)

    def save(self, path: str | Path) -> None:
        """Write everything to one file, atomically."""
        how = {"seeds": self.seeds, "stimuli": self.stimuli, "rule": self.rule}
        write_checkpoint(
            path,
            {"kind": _MAGIC, "settings": asdict(self.settings), **how, "state": self.get_state()},
        )

    @classmethod
    def load(cls, path: str | Path, kernel: str = "auto") -> TimingCircuit:
        """The circuits that :meth:`save` wrote.

        Raises:
            CheckpointError: not such a file.
        """
        content = read_checkpoint(path)
        if content.get("kind") != _MAGIC:
            raise CheckpointError(f"{path} does not hold timing circuits.")
        seeds = np.asarray(content["seeds"])
        circuit = cls(
            TimingSettings(**content["settings"]),
            seed=seeds.astype(np.int64),
            n=len(seeds),
            stimuli=int(content["stimuli"]),
            rule=content["rule"],
            kernel=kernel,
        )
        circuit.set_state(content["state"])
        return circuit


def _drawn(s: TimingSettings, seed: int, stimuli: int) -> tuple[Array, ...]:
    """Sources and weights of one circuit, and the neurons of its stimuli."""
    rng = np.random.default_rng(seed)
    others = np.array([np.delete(np.arange(s.n_e), i) for i in range(s.n_e)])
    sources_ee = np.array([rng.choice(row, s.indegree_ee, replace=False) for row in others])
    sources_ei = _sources(rng, s.n_i, s.n_e, s.indegree_ei)
    sources_ie = _sources(rng, s.n_e, s.n_i, s.indegree_ie)
    weights_ee = np.minimum(_weights(rng, sources_ee.shape, s.weight_mean), s.weight_max)
    if s.weight_ei_max is None:
        weights_ei = np.full(sources_ei.shape, s.weight_ei)
    else:
        weights_ei = np.minimum(_weights(rng, sources_ei.shape, s.weight_ei), s.weight_ei_max)
    chosen = np.zeros((stimuli, s.n), bool)
    for one in chosen:
        one[rng.choice(s.n_e, s.stimulated_e, replace=False)] = True
        one[s.n_e + rng.choice(s.n_i, s.stimulated_i, replace=False)] = True
    return sources_ee, weights_ee, sources_ei, weights_ei, sources_ie, chosen


def _sources(rng: np.random.Generator, n: int, n_before: int, indegree: int) -> Array:
    return np.array([rng.choice(n_before, indegree, replace=False) for _ in range(n)])


def _weights(rng: np.random.Generator, shape: tuple[int, ...], mean: float) -> Array:
    drawn = rng.normal(mean, 2 * mean, shape)
    return np.where(drawn > 0, drawn, rng.uniform(0, 2 * mean, shape))


def _paths(sources: Array, n_before: int) -> Paths:
    """Synapses given by each neuron's sources (S, N, K), by where they come from."""
    n_circuits, _, indegree = sources.shape
    flat = sources.reshape(n_circuits, -1)
    slot = np.argsort(flat, axis=1, kind="stable")
    begin = np.zeros((n_circuits, n_before + 1), int)
    for one, row in zip(begin, flat, strict=True):
        one[1:] = np.bincount(row, minlength=n_before).cumsum()
    return Paths(begin, slot // indegree, slot)
