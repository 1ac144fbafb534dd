"""The forward execution of e-prop: eligibility traces meet TD errors while the episode runs.

Per synapse, with ebar the network's filtered eligibility and L the learning signal of an action
(Bellec et al. 2020, doi:10.1038/s41467-020-17236-y, eqs 30-37)::

    F[t] = gamma lambda F[t-1] + L[t] ebar[t]
    g   += d[t] F[t]                  d[t] is known one step later

The readout's own weights do the same with their inputs in place of ebar. Modulators that judge the
whole episode (return, average, condition) multiply the plain sum of ``L[t] ebar[t]`` at its end.
The entropy bonus, the firing-rate term and errors of targets need no reward.

With ``update="step"`` the weights follow g at once, as a mean over the columns that still run; F
and ebar go on. While the weights hardly change, T such steps sum to T times the update by episode,
which is a mean over all transitions (errors of targets: to that update itself).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .kernels import trace_kernels
from .networks import RateNetwork, SpikingNetwork
from .networks.spiking import SpikingTraces
from .optimizers import Parameters
from .tape import Tape


@dataclass(frozen=True)
class Signals:
    """What one step says about the outputs, all 0 for columns that have finished.

    Attributes:
        score: (B, K + 1), waits for reward.
        direct: (B, K + 1), does not wait.
        free_score, free_direct: (B, F), the same for the head's free parameters.
    """

    score: np.ndarray
    direct: np.ndarray
    free_score: np.ndarray
    free_direct: np.ndarray


class OnlineGradient:
    """Accumulates the gradient of all weights while a round runs; memory O(B N (N + D))."""

    def __init__(
        self, network: RateNetwork | SpikingNetwork, n_envs: int, n_outputs: int, n_free: int
    ):
        self.network = network
        self.traces = network.online_traces(n_envs)
        width = network.n_inputs + network.n_units + 1
        dtype = network.dtype
        self.credit = np.zeros((n_envs, network.n_units, width), dtype)  # F, or the sum of L ebar
        self.readout_credit = np.zeros((n_envs, n_outputs, network.n_units + 1), dtype)
        self.free_credit = np.zeros((n_envs, n_free), dtype)
        self._assign_credit, self._collect = trace_kernels(network.kernel)[1:]
        self.clear()

    def clear(self) -> None:
        """Forget what has been accumulated; traces go on."""
        self.total = np.zeros(self.credit.shape[1:], self.credit.dtype)
        self.readout_total = np.zeros(self.readout_credit.shape[1:], self.credit.dtype)
        self.free_total = np.zeros(self.free_credit.shape[1:], self.credit.dtype)
        self.spikes = np.zeros_like(self.total)  # sum of unfiltered eligibilities

    def warm_up(self, tape: Tape) -> None:
        """Compile what is compiled at first use, with a step on ``tape``; traces are spoilt."""
        self.traces.step(tape)
        nothing = np.zeros(self.credit.shape[:2], self.credit.dtype)
        self._assign_credit(0.0, nothing, nothing, self.traces.eligibility, self.credit, self.total)
        self._collect(nothing[:, 0], self.credit, self.total)

    def act(
        self, signals: Signals, features: np.ndarray, feedback: np.ndarray, decay: float
    ) -> None:
        """Credit the actions of this step; what waits for reward decays by ``decay`` a step."""
        self._assign_credit(
            decay,
            signals.score @ feedback,
            signals.direct @ feedback,
            self.traces.eligibility,
            self.credit,
            self.total,
        )
        inputs = np.concatenate([features, np.ones_like(features[:, :1])], axis=1)
        self.readout_credit *= decay
        self.readout_credit += signals.score[:, :, None] * inputs[:, None, :]
        self.readout_total += signals.direct.T.astype(inputs.dtype) @ inputs
        self.free_credit *= decay
        self.free_credit += signals.free_score
        self.free_total += signals.free_direct.sum(0)

    def count_spikes(self, alive: np.ndarray) -> None:
        """Take this step into the firing-rate term of columns that still run, (B,)."""
        assert isinstance(self.traces, SpikingTraces)
        self._collect(alive, self.traces.raw_sum, self.spikes)

    def reward(self, modulator: np.ndarray) -> None:
        """Turn credit into weight change: ``modulator`` (B,), a TD error or an episode's worth."""
        worth = modulator.astype(self.network.dtype)
        self._collect(worth, self.credit, self.total)
        self.readout_total += np.tensordot(worth, self.readout_credit, 1)
        self.free_total += worth @ self.free_credit

    def gradient(self, size: float, transitions: int, rate_signal: np.ndarray | None) -> Parameters:
        """What has been accumulated, over ``size``.

        ``rate_signal`` (N,) multiplies the spikes' eligibilities, over ``transitions``.
        """
        total = self.total / size
        if rate_signal is not None:
            total += (rate_signal / transitions)[:, None] * self.spikes
        d = self.network.n_inputs
        recurrent = total[:, d:-1].copy()
        if not self.network.self_connections:
            np.fill_diagonal(recurrent, 0)
        return {
            "W_in": total[:, :d].copy(),
            "W_rec": recurrent,
            "bias": total[:, -1].copy(),
            "W_out": self.readout_total[:, :-1] / size,
            "b_out": self.readout_total[:, -1] / size,
            "log_std": self.free_total / size,
        }
