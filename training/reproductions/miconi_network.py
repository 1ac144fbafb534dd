"""The recurrent network of Miconi (2017), its delayed non-match task, and learning in it.

All arrays have runs on axis 0, so that seeds are a batch::

    x[t] = x[t-1] + a (J r[t-1] + W_in u[t] + kick[t] - x[t-1]),   r = tanh(x),   a = dt / tau

Three units are held at 1, 1 and -1 and act as biases; unit 0 is the output. Stimulus A or B comes
twice; the output should be +.98 in the last part of the trial if the two differ, -.98 if not.

Miconi (2017), doi:10.7554/eLife.20899, with the parameters of the programs published with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...agents.perturbation.rules import SUPRALINEAR, Fluctuations, kicks, node_gradient

Array = np.ndarray

#: Held units and their activations.
HELD = {1: 1.0, 10: 1.0, 11: -1.0}
TARGET = 0.98
#: Trial types: first and second stimulus.
CONDITIONS = ((0, 0), (0, 1), (1, 0), (1, 1))
TRACES = ("node", *SUPRALINEAR)


@dataclass(frozen=True)
class Trial:
    """Time course of a trial, in steps of 1 ms."""

    steps: int = 1000
    stimulus: int = 200  # each of the two
    second: int = 400  # onset of the second
    response: int = 200  # the last steps, which count

    def inputs(self, condition: int) -> Array:
        """(T, 2), one channel a stimulus."""
        first, second = CONDITIONS[condition]
        u = np.zeros((self.steps, 2), np.float32)
        u[: self.stimulus, first] = 1
        u[self.second : self.second + self.stimulus, second] = 1
        return u

    @staticmethod
    def target(condition: int) -> float:
        first, second = CONDITIONS[condition]
        return TARGET if first != second else -TARGET


@dataclass(frozen=True)
class Played:
    """A trial as it went, (R, T, N): rates before each step, rates, changes, and kicks."""

    before: Array
    rates: Array
    change: Array
    kick: Array

    def output(self, trial: Trial) -> Array:
        """Output in the response period, (R, response)."""
        return self.rates[:, -trial.response :, 0]

    def factors(self, kind: str) -> tuple[Array, Array]:
        """Kicks (node perturbation) or changes, and the rates before; a trace sums products."""
        if kind == "node":
            return self.kick, self.before
        f = SUPRALINEAR[kind]
        return f(self.change), f(self.before)

    def trace(self, kind: str) -> Array:
        """Eligibility (R, N, N) of the trial."""
        return node_gradient(*self.factors(kind), np.ones((1, 1), np.float32), 1.0)


class Network:
    """R networks, or R trials of one.

    Args:
        rng: draws weights, starts and kicks.
        runs: R.
        units: N.
        gain: g, deviation of the recurrent weights times sqrt(N).
        leak: a.
        shared: one network for all runs.
    """

    kick_probability = 0.003  # of a unit and step
    kick_size = 16.0
    kick_start = 3  # steps without kicks
    memory = 0.05  # of the running mean of activations

    def __init__(
        self,
        rng: np.random.Generator,
        runs: int,
        units: int = 200,
        gain: float = 1.5,
        leak: float = 1 / 30,
        shared: bool = False,
        dtype: type = np.float32,
    ):
        self.rng, self.runs, self.units, self.leak, self.dtype = rng, runs, units, leak, dtype
        draws = () if shared else (runs,)
        weights = gain / np.sqrt(units) * rng.standard_normal((*draws, units, units))
        self.recurrent = weights.astype(dtype)
        self.input = rng.uniform(-1, 1, (*draws, units, 2)).astype(dtype)
        self.input[..., 0, :] = 0
        self.held = np.array(list(HELD))
        self.values = np.array(list(HELD.values()), dtype)

    def start(self) -> Array:
        """Activations (R, N) before a trial."""
        return self.rng.uniform(-0.1, 0.1, (self.runs, self.units)).astype(self.dtype)

    def draw_kicks(self, steps: int) -> Array:
        shape = (self.runs, steps, self.units)
        drawn = kicks(self.rng, shape, self.kick_probability, self.kick_size, self.dtype)
        drawn[:, : self.kick_start] = 0
        return drawn

    def play(self, inputs: Array, start: Array, kick: Array | None) -> Played:
        """A trial with ``inputs`` (T, 2); ``kick`` (R, T, N), None for an undisturbed one."""
        steps = len(inputs)
        # (R, T, N): what reaches a unit from outside the network.
        drive = np.swapaxes(self.input @ inputs.T.astype(self.dtype), -1, -2)
        drive = np.broadcast_to(drive, (self.runs, steps, self.units)) * self.leak
        if kick is None:
            kick = np.zeros((1, 1, 1), self.dtype)
        drive = drive + self.leak * kick
        weights = self.leak * self.recurrent
        x, r = start.copy(), np.tanh(start)
        rates = np.empty((self.runs, steps + 1, self.units), self.dtype)
        change = np.empty((self.runs, steps, self.units), self.dtype)
        rates[:, 0] = r
        observed = Fluctuations(self.memory, x)
        keep = self.dtype(1 - self.leak)
        for t in range(steps):
            x *= keep
            x += _apply(weights, r)
            x += drive[:, t]
            x[:, self.held] = self.values
            np.tanh(x, out=r)
            rates[:, t + 1] = r
            change[:, t] = observed(x)
        return Played(rates[:, :-1], rates[:, 1:], change, kick)

    def gradient(self, played: Played, trial: Trial, target: float) -> Array:
        """Exact gradient (R, N, N) of the mean of (output - target)^2 / 2 over the response."""
        r, n = played.rates, trial.response
        adjoint = np.zeros((self.runs, self.units), self.dtype)  # dE / dx[t]
        deltas = np.zeros_like(r)
        for t in range(trial.steps - 1, -1, -1):
            by_rate = _apply(np.swapaxes(self.leak * self.recurrent, -1, -2), adjoint)
            adjoint = (1 - self.leak) * adjoint
            if t >= trial.steps - n:
                by_rate[:, 0] += (r[:, t, 0] - target) / n
            adjoint += (1 - r[:, t] ** 2) * by_rate
            adjoint[:, self.held] = 0
            deltas[:, t] = adjoint
        return self.leak * np.swapaxes(deltas, 1, 2) @ played.before


def _apply(weights: Array, rates: Array) -> Array:
    """J r for each run, with one J (N, N) or one each (R, N, N)."""
    if weights.ndim == 2:
        return rates @ weights.T
    if hasattr(np, "matvec"):  # NumPy 2.2
        return np.matvec(weights, rates)
    return (weights @ rates[..., None])[..., 0]


@dataclass(frozen=True)
class Rule:
    """A trace and its step: ``dJ = clip(-rate ebar (e - ebar) trace, limit)``."""

    trace: str
    rate: float
    limit: float = 3e-4


#: The programs' settings; the identity has the cubic rule's.
RULES = {
    "node": Rule("node", 0.001),
    "cubic": Rule("cubic", 0.1),
    "identity": Rule("identity", 0.1),
}
BASELINE_MEMORY = 0.75
FIRST_UPDATE = 100  # trials


def learn(network: Network, trial: Trial, rule: Rule, n_trials: int) -> dict[str, Array]:
    """Play trials of the four conditions in turn and learn after each.

    Returns:
        Per trial and run (n_trials, R): ``error``, the mean distance of the output from its target
        in the response period, and ``right``, whether the output's mean has the target's sign.
    """
    inputs = [trial.inputs(condition) for condition in range(len(CONDITIONS))]
    baseline = np.full((len(CONDITIONS), network.runs), np.nan)
    errors = np.empty((n_trials, network.runs))
    right = np.empty((n_trials, network.runs), bool)
    for n in range(n_trials):
        condition = n % len(CONDITIONS)
        target = trial.target(condition)
        kick = network.draw_kicks(trial.steps)
        played = network.play(inputs[condition], network.start(), kick)
        output = played.output(trial).astype(float)
        error = np.abs(output - target).mean(1)
        errors[n], right[n] = error, output.mean(1) * target > 0
        before = np.where(np.isnan(baseline[condition]), error, baseline[condition])
        if n >= FIRST_UPDATE:
            credit = -rule.rate * before * (error - before)
            step = credit[:, None, None].astype(network.dtype) * played.trace(rule.trace)
            network.recurrent += np.clip(step, -rule.limit, rule.limit)
        baseline[condition] = BASELINE_MEMORY * before + (1 - BASELINE_MEMORY) * error
    return {"error": errors, "right": right}
